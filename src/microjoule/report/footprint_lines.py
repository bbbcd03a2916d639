"""The footprint beneath the energies: what it comes to, then each factor with who says so."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from .amounts import amount, plain, share, span
from .foreign_text import cut

_WIDTH = 79
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
_OLD_YEARS = 3
_TIMELESS = ("hardware", "memory")  # a data sheet does not age


_FOOT = {
    "measured": "± is the 95 % uncertainty; counter alone: what the readings alone leave open. ",
    "estimated": "estimated: from an idle device to full power. ",
}


def lines(terms: Mapping[str, Any], windows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The block of a report: one paragraph a window, then the factors."""
    found = [title(terms)]
    kinds = dict.fromkeys(_FOOT, False)
    for window in windows:
        footprint = window["footprint"]
        kinds[kind_of(footprint)] = True
        tail = ", estimated" if kind_of(footprint) == "estimated" else ""
        found += [f"{cut(window['name'])}{tail}", *parts(footprint)]
        found += [factor("intensity", footprint["intensity"])] if "intensity" in footprint else []
    said = foot(kind for kind, is_there in kinds.items() if is_there)
    return [*found, *textwrap.wrap(said, _WIDTH), *factors(terms)]


def foot(kinds: Iterable[str]) -> str:
    """What the ranges of figures of these kinds leave open."""
    said = "".join(_FOOT[kind] for kind in kinds)
    return f"{said}With other published factors: over the range of each factor."


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
    """``measured`` or ``estimated``."""
    return "estimated" if footprint["provenance"] == "estimated" else "measured"


def factors(terms: Mapping[str, Any]) -> list[str]:
    """Each factor on a line, then how to choose what was not chosen, then the data's hash."""
    found = [factor(part, each) for part, each in terms["factors"].items()]
    found += [terms["remark"]] if terms["remark"] else []
    return [*found, f"data {terms['data']}; `uj data licences` names the sources"]


def factor(part: str, of: Mapping[str, Any]) -> str:
    """``intensity  329.6 g/kWh [330 – 370]: grid of Germany (average; Ember, 2025, CC-BY-4.0)``."""
    unit = "" if of["unit"] == "1" else f" {of['unit']}"
    reach = f" [{plain(of['range'][0])} – {plain(of['range'][1])}]" if of["range"] else ""
    boundary = ", ".join(of[word] for word in ("signal", "scope", "basis") if of[word])
    age = of.get("age_years") or 0
    is_old = age > _OLD_YEARS and part not in _TIMELESS
    year = (f"{of['year']}, {age} years old" if is_old else str(of["year"])) if of["year"] else ""
    origin = ", ".join(word for word in (of["source"], year, of["licence"]) if word)
    tail = "; ".join(word for word in (boundary, origin) if word)
    note = f". {of['note']}" if of["note"] else ""
    text = f"  {part:<10}{plain(of['value'])}{unit}{reach}: {of['name']} ({tail}){note}"
    return textwrap.fill(text, _WIDTH, subsequent_indent=" " * 12, break_long_words=False)


def title(terms: Mapping[str, Any]) -> str:
    """Which method, and what it reckons."""
    return f"footprint by the method {terms['method']}: {terms['formula']}"


def _ranges(of: Mapping[str, Any], left: str) -> str:
    """All ranges, and of a figure that no measurement touched only that of the factors."""
    low, high = of["guaranteed"]
    spread, value = of.get("U"), of["value"]
    # Of no figure, and of nothing, the factors leave nothing open, known as their ranges may be.
    others = f"with other published factors: {span(of['choice'], of['unit'])}" if of["choice"] else ""
    if low == high and not spread:
        return others
    if left == "estimated":
        own = f"estimated: {span(of['guaranteed'], of['unit'])}"
    elif not value or low is None or high is None:
        own = f"counter alone: {span(of['guaranteed'], of['unit'])}"
    else:
        sensor = f"{share(spread, value)} (95 %); " if spread else ""
        own = f"{sensor}counter alone {share((high - low) / 2, value)}"
    return "; ".join(part for part in (own, others) if part)
