"""The footprint beneath the energies: what it comes to, then each factor with who says so."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from .amounts import amount, plain, share, span
from .foreign_text import cut

_WIDTH = 100
PARTS = (
    ("facility", "energy with PUE"),
    ("co2e_location", "CO2e, location-based"),
    ("co2e_market", "CO2e, market-based"),
    ("co2e_marginal", "CO2e, marginal (apart)"),
    ("co2e_losses", "CO2e, network losses"),
    ("co2e_upstream", "CO2e, upstream"),
    ("co2e_embodied", "CO2e, embodied"),
    ("water", "water"),
    ("cost_electricity", "cost of electricity"),
    ("cost_rental", "rental price (not added)"),
    ("score", "score"),
)
_FOOT = "choice: left open by the range of the factors"
_LEFT_OPEN = {
    "measured": "measured: left open by the readings, and ± to 95 % all that is assessed; ",
    "modelled": "modelled: left open by the model of the power; ",
}


def lines(terms: Mapping[str, Any], windows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The block of a report: one paragraph a window, then the factors."""
    found = [title(terms)]
    kinds = dict.fromkeys(_LEFT_OPEN, False)
    for window in windows:
        footprint = window["footprint"]
        kinds[kind_of(footprint)] = True
        tail = ", modelled" if kind_of(footprint) == "modelled" else ""
        found += [f"{cut(window['name'])}{tail}", *parts(footprint)]
        found += [factor("intensity", footprint["intensity"])] if "intensity" in footprint else []
    return [*found, foot(kind for kind, is_there in kinds.items() if is_there), *factors(terms)]


def foot(kinds: Iterable[str]) -> str:
    """What the ranges of figures of these kinds leave open."""
    return "".join(_LEFT_OPEN[kind] for kind in kinds) + _FOOT


def parts(footprint: Mapping[str, Any]) -> list[str]:
    """One line for each figure that there is, its two ranges apart."""
    rows = cells(footprint)
    width = max((len(figure) for _, figure, _ in rows), default=0)
    return [f"  {title:<24}{figure:>{width}}  {ranges}".rstrip() for title, figure, ranges in rows]


def cells(footprint: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What each figure that there is is called, how much it is, and its ranges."""
    left = kind_of(footprint)
    rows = [(title, footprint[part]) for part, title in PARTS if footprint.get(part)]
    return [(title, amount(row), _ranges(row, left)) for title, row in rows]


def kind_of(footprint: Mapping[str, Any]) -> str:
    """``measured`` or ``modelled``."""
    return "modelled" if footprint["provenance"] == "modelled" else "measured"


def factors(terms: Mapping[str, Any]) -> list[str]:
    """Each factor on a line, then how to choose what was not chosen, then the data's hash."""
    found = [factor(part, each) for part, each in terms["factors"].items()]
    found += [terms["remark"]] if terms["remark"] else []
    return [*found, f"data {terms['data']}; `uj data licences` names the sources"]


def factor(part: str, of: Mapping[str, Any]) -> str:
    """``intensity  329.6 g/kWh [330 … 370]: grid of Germany (average; Ember, 2025, CC-BY-4.0)``."""
    unit = "" if of["unit"] == "1" else f" {of['unit']}"
    reach = f" [{plain(of['range'][0])} … {plain(of['range'][1])}]" if of["range"] else ""
    boundary = ", ".join(of[word] for word in ("signal", "scope", "basis") if of[word])
    year = str(of["year"]) if of["year"] else ""
    origin = ", ".join(word for word in (of["source"], year, of["licence"]) if word)
    tail = "; ".join(word for word in (boundary, origin) if word)
    note = f". {of['note']}" if of["note"] else ""
    text = f"  {part:<10}{plain(of['value'])}{unit}{reach}: {of['name']} ({tail}){note}"
    return textwrap.fill(text, _WIDTH, subsequent_indent=" " * 12, break_long_words=False)


def title(terms: Mapping[str, Any]) -> str:
    """Which method, and what it reckons."""
    return f"footprint by the method {terms['method']}: {terms['formula']}"


def _ranges(of: Mapping[str, Any], left: str) -> str:
    """All ranges, and of a figure that no measurement touched only that of the choice."""
    measured = span(of["guaranteed"], of["unit"])
    # Of no figure, and of nothing, the factors leave nothing open, known as their ranges may be.
    has_choice = of["choice"] or of["value"]
    choice = f"choice {span(of['choice'], of['unit'])}" if has_choice else ""
    is_exact = of["guaranteed"][0] == of["guaranteed"][1]
    spread, value = of.get("U"), of["value"]
    # The energy's own range has no width where the readings leave nothing open, and the sensor may.
    if is_exact and not spread:
        return choice
    sensor = f"; {share(spread, value)} at 95 %" if spread and value else ""
    return "; ".join(part for part in (f"{left} {measured}{sensor}", choice) if part)
