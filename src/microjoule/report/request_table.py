"""The energy of a server's requests for a terminal: the answer, the states, the requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..joules.estimates.estimate_text import figure
from ..units import three_digits
from . import written_numbers
from .columns import columns
from .foreign_text import cut
from .measured_lines import with_spread
from .wrapping import wrapped

Plain = Mapping[str, Any]

_ROWS = 12  # requests that are shown
_NAME = 16
_BENT = 0.1  # of the power that a linear law would give, that the usual load lacks
_ZEROS = frozenset("0.")
_PER = {
    "idle": "W",
    "running": "W a request",
    "prefill": "J a prompt token",
    "decode": "J an output token",
}
_ESTIMATED = (
    "{} is ESTIMATED from CPU time: these figures say how busy the processor was. "
    "`uj probe` shows how to open a counter."
)


def render(found: Plain) -> str:
    """The shares as lines of 80 characters."""
    lines = []
    if found["provenance"] != "measured":
        lines += [*wrapped(_ESTIMATED.format(found["channel"])), ""]
    lines += wrapped(sentence(found))
    lines += ["", *_about(found), "", *_states(found), *_notes(found), "", *_requests(found)]
    return "\n".join(lines) + "\n"


def sentence(found: Plain) -> str:
    """``A request takes 21.2 J ± 0.3 J, an output token 236 mJ ± 3 mJ``, and of what that is the mean."""
    above = "above idle" if found["is_idle_known"] else "idle power included"
    n = found["requests"]["whole"]
    if not n:
        return f"No request lies whole in the {written_numbers.seconds(found['span_s'])} of the trace."
    per_token = found["per_output_token"]
    token = f", an output token {with_spread(per_token)}" if per_token else ""
    return f"A request takes {with_spread(found['per_request'])}{token} ({above}; mean of {n:,})."


def _about(found: Plain) -> list[str]:
    left = found["requests"]["left_out"]
    requests = f"{found['requests']['count']:,} requests"
    out = "; left out: " + ", ".join(f"{n} {why}" for why, n in left.items()) if left else ""
    rate = found["prompts"]["tokens_per_s"]
    how = "prompts computed one after another" if found["prompts"]["in_turn"] else "prompts computed together"
    fast = f" at {rate:,.0f} tokens/s" if rate else ""
    return [
        *wrapped(
            f"{found['channel']}: {with_spread(found['measured'])} in "
            f"{written_numbers.seconds(found['span_s'])}, {found['updates']:,} updates; {requests}{out}"
        ),
        *wrapped(f"{how}{fast}, as the readings show"),
    ]


def _states(found: Plain) -> list[str]:
    rows = [("state", "energy", "± 95 %", "share", "", "")]
    for each in found["states"]:
        amount = f"{each['amount']:,.0f} {each['unit']}{'s' if len(each['unit']) > 1 else ''}"
        per = _PER[each["name"]]
        unit, _, of = per.partition(" ")
        each_of = f"{with_spread({**each['per_unit'], 'unit': unit})} {of}".rstrip()
        rows.append((each["name"], *_energy(each["energy"]), _share(each["share"]), amount, each_of))
    whole = found["measured"]["value"]
    rest = found["unexplained"]
    part = rest["value"] / whole if rest["value"] is not None and whole else None
    rows.append(("unexplained", *_energy(rest), _share(part), "", ""))
    rows.append(("measured", *_energy(found["measured"]), "", "", ""))
    return columns([row[:4] + row[5:] for row in rows], (0, -1))


def _notes(found: Plain) -> list[str]:
    lines: list[str] = []
    for group in found["inseparable"]:
        lines += wrapped(
            f"{' and '.join(group)} cannot be separated in this load: only their sum is known. The energy of "
            "a request is still known if its ± is small."
        )
    if not found["is_idle_known"]:
        lines += wrapped(
            "The server was never idle long enough to measure its idle power, so requests include it. Record "
            "some idle seconds too."
        )
    clock = found["clock"]
    if clock:
        lines += wrapped(
            f"The log's clock is likely off: its load explains {clock['explained_as_is']:.0%} of the "
            f"variation of the power, and {clock['explained']:.0%} if all times are "
            f"{three_digits(abs(clock['lag_s']))} s "
            f"{'later' if clock['lag_s'] > 0 else 'earlier'}. Check the "
            f"clocks, or run again with --offset {clock['offset_s']:.3g}."
        )
    if found["saturation"] > _BENT:
        lines += wrapped(
            "Power rises less than in proportion to the load. Shares follow a fit of power that saturates, "
            "and their ± includes how unsure its form is."
        )
    return ["", *lines] if lines else []


def _requests(found: Plain) -> list[str]:
    split = found["equal_split"]
    lines: list[str] = []
    if split["rms_share"] is not None:
        lines += wrapped(
            f"An equal split gives each {written_numbers.quantity(split['each_j'], 'J')}: off by "
            f"{100 * split['rms_share']:.0f} % (rms), and {split['largest_ratio']:.2g}-fold at most."
        )
        lines.append("")
    chosen = _spread_out([row for row in found["rows"] if row["is_whole"]])
    rows = [("request", "prompt", "cached", "output", "energy", "± 95 %", "equal split off by")]
    for row in chosen:
        error = row["equal_split_error_j"]
        rows.append(
            (
                cut(row["id"], _NAME),
                f"{row['gen_ai.usage.input_tokens']:,}",
                f"{row['gen_ai.usage.cache_read.input_tokens']:,}",
                f"{row['gen_ai.usage.output_tokens']:,}",
                *_energy(row["energy"]),
                ""
                if error is None
                else f"{'+' if error > 0 else '-'}{written_numbers.quantity(abs(error), 'J')}",
            )
        )
    lines += columns(rows, (0,), optional=(2,), nothing=("", "0"))
    left = len(found["rows"]) - len(chosen)
    return [*lines, f"  {left:,} more: --json FILE has them all"] if left else lines


def _spread_out(rows: Sequence[Plain]) -> list[Plain]:
    """Some requests from the one that takes least to the one that takes most."""
    known = sorted((row for row in rows if row["energy"]["value"] is not None), key=_value)
    if len(known) <= _ROWS:
        return known
    return [known[round(i * (len(known) - 1) / (_ROWS - 1))] for i in range(_ROWS)]


def _value(row: Plain) -> float:
    return float(row["energy"]["value"])


def _energy(energy: Plain) -> tuple[str, str]:
    value, half = energy["value"], energy["U"]
    if value is None:
        return energy["status"], ""
    size, _, spread = figure(abs(value), half or 0.0, "J").partition(" ± ")
    is_seen = not _ZEROS.issuperset(size.split()[0])  # a sign before nothing says nothing
    return ("-" if value < 0 and is_seen else "") + size, spread


def _share(part: float | None) -> str:
    return "" if part is None else f"{round(100 * part, 1) + 0.0:.1f} %"
