"""The energy of a server under load for a terminal: the answer, then a row a level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .amounts import with_half
from .columns import columns
from .foreign_text import cut
from .measured_lines import with_spread
from .wrapping import wrapped

Plain = Mapping[str, Any]

_TABLES = (
    (
        "energy",
        ("per_request", "a request"),
        ("per_output_token", "an output token"),
        ("power", "power"),
    ),
    (
        "by phase",
        ("prefill_per_input_token", "prefill, a prompt token"),
        ("decode_per_output_token", "decode, an output token"),
        ("idle_power", "idle"),
    ),
    (
        "speed",
        ("output_tokens_per_s", "output tokens/s"),
        ("time_to_first_token", "first token after"),
        ("time_per_output_token", "each further one after"),
    ),
)
_MISSING = "–"
_NAME = 40


def render(found: Plain) -> str:
    """The figures as lines of 80 characters."""
    levels = found["levels"]
    lines = wrapped(sentence(found))
    blocks = [_figures(levels, title, wanted) for title, *wanted in _TABLES]
    for block in (*blocks, _money(found), _requests(found)):
        lines += ["", *block] if block else []
    for each in levels:
        says = [each["why_no_figures"]] if each["why_no_figures"] else []
        says += each["notes"]
        if each["inseparable"]:
            groups = "; ".join(" and ".join(group) for group in each["inseparable"])
            says.append(f"{groups} cannot be separated in this load")
        lines += [line for text in says for line in wrapped(f"{words(each)}: {text}", 2)]
    return "\n".join(lines) + "\n"


def _figures(levels: Sequence[Plain], title: str, wanted: Sequence[tuple[str, str]]) -> list[str]:
    """A row a level; nothing where no level has any of the figures."""
    rows = [(words(each), *(_figure(each, key) for key, _ in wanted)) for each in levels]
    if all(set(figures) == {_MISSING} for _, *figures in rows):
        return []
    head = (title, *(name for _, name in wanted))
    return columns([head, *rows], (0,), optional=range(1, len(wanted) + 1), nothing=("", _MISSING))


def words(level: Plain) -> str:
    """``16 at once`` or ``2 a second``."""
    return f"{level['at_once']} at once" if level["at_once"] else f"{level['rate_per_s']:g} a second"


def sentence(found: Plain) -> str:
    """At which load an output token takes least, and how much; or that there is no figure."""
    known = [each for each in found["levels"] if each["figures"].get("per_output_token", {}).get("value")]
    model, channel = cut(found["gen_ai.request.model"], _NAME), found["channel"]
    if not known:
        return f"No level of {model} has a figure: see the reason below."
    best = min(known, key=_per_token)
    least = f"An output token of {model} takes {with_spread(best['figures']['per_output_token'])}"
    most = max(known, key=_per_token)
    beside = (
        f", and {with_spread(most['figures']['per_output_token'])} at {words(most)}"
        if most is not best
        else ""
    )
    mark = "" if found["provenance"] == "measured" else ", ESTIMATED from CPU time"
    return f"{least} at {words(best)}{beside} (idle power included; {channel}{mark})."


def _per_token(level: Plain) -> float:
    return float(level["figures"]["per_output_token"]["value"])


def _figure(level: Plain, key: str) -> str:
    figure = level["figures"].get(key)
    if figure is None or figure["value"] is None:
        return _MISSING
    unit = "" if figure["unit"] == "1/s" else figure["unit"]
    return with_spread({**figure, "unit": unit or "1"})


def _money(found: Plain) -> list[str]:
    rows = [("a million output tokens", "CO2e", "electricity")]
    for each in found["levels"]:
        foot = each["per_million_output_tokens"]
        if foot:
            rows.append((words(each), with_half(foot["co2e_location"]), with_half(foot["cost_electricity"])))
    if len(rows) == 1:
        return []
    return columns(rows, (0,), optional=(2,), nothing=("",))


def _requests(found: Plain) -> list[str]:
    rows = [("requests", "answered", "failed", "steady", "prompt tokens", "cached", "output tokens")]
    for each in found["levels"]:
        tokens, steady = each["tokens"], each["steady_s"]
        rows.append(
            (
                words(each),
                f"{each['requests']['answered']:,}",
                f"{each['requests']['failed']:,}",
                f"{steady:.1f} s" if steady else _MISSING,
                f"{tokens['gen_ai.usage.input_tokens']:,}",
                f"{tokens['gen_ai.usage.cache_read.input_tokens']:,}",
                f"{tokens['gen_ai.usage.output_tokens']:,}",
            )
        )
    return columns(rows, (0,))
