"""The footprint beneath the energies: what it comes to, then each factor with who says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..text_width import width
from .amounts import amount, plain, share, span
from .foreign_text import beside_a_figure, cut
from .wrapping import wrapped

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
CONVENTION = "convention"  # the source of what is a definition and no figure
_OLD_YEARS = 3
_TIMELESS = ("hardware", "memory")  # a data sheet does not age


IDLE_TO_FULL = ("idle", "at full power")
_FOOT = {
    "measured": "± is the 95 % uncertainty; it excludes sensor error where that is unknown. "
    "Counter alone: the guaranteed interval, what the readings leave open. ",
    "estimated": "Estimated: from an idle device to full power. ",
}


def lines(terms: Mapping[str, Any], windows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The block of a report: one paragraph a window, then the factors."""
    found = wrapped(title(terms), 2)
    kinds = dict.fromkeys(_FOOT, False)
    for window in windows:
        footprint = window["footprint"]
        kinds[kind_of(footprint)] = True
        tail = ", estimated" if kind_of(footprint) == "estimated" else ""
        found += [f"{cut(window['name'], beside_a_figure())}{tail}", *parts(footprint)]
        found += factor("intensity", footprint["intensity"]) if "intensity" in footprint else []
    said = foot(kind for kind, is_there in kinds.items() if is_there)
    return [*found, *wrapped(said), *factors(terms)]


def foot(kinds: Iterable[str]) -> str:
    """What the ranges of figures of these kinds leave open."""
    said = "".join(_FOOT[kind] for kind in kinds)
    return f"{said}With other published factors: over the range of each factor."


def parts(footprint: Mapping[str, Any], ends: Sequence[str] = IDLE_TO_FULL) -> list[str]:
    """Each figure that there is on a line; its ranges beside it, or beneath it where not all of them fit.

    Args:
        footprint: As JSON values.
        ends: What the two ends of an estimate are; empty words where they need none.
    """
    rows = [(name, figure, ranges) for name, figure, ranges in _rows(footprint, ends)]
    wide, far = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
    longest = max((len(each) for row in rows for each in row[2]), default=0)
    is_beside = 2 + wide + 2 + far + 2 + longest <= width()
    found = []
    for name, figure, ranges in rows:
        head = f"  {name:<{wide}}  {figure:>{far}}"
        blanks = " " * (len(head) + 2 if is_beside else 6)
        beneath = [line for each in ranges for line in wrapped(f"{blanks}{each}", len(blanks) + 2)]
        found += [f"{head}  {ranges[0]}", *beneath[1:]] if is_beside and ranges else [head, *beneath]
    return found


def cells(footprint: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What each figure that there is is called, how much it is, and its ranges."""
    return [(name, figure, "; ".join(ranges)) for name, figure, ranges in _rows(footprint, IDLE_TO_FULL)]


def _rows(footprint: Mapping[str, Any], ends: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    left = kind_of(footprint)
    rows = [(title, footprint[part]) for part, title in PARTS if footprint.get(part)]
    return [(title, amount(row), _ranges(row, left, ends)) for title, row in rows]


def kind_of(footprint: Mapping[str, Any]) -> str:
    """``measured`` or ``estimated``."""
    return "estimated" if footprint["provenance"] == "estimated" else "measured"


def factors(terms: Mapping[str, Any]) -> list[str]:
    """Each factor, then how to choose what was not chosen, then the data's hash."""
    return [line for text in factor_texts(terms) for line in wrapped(text, 12 if text[0] == " " else 0)]


def factor_texts(terms: Mapping[str, Any]) -> list[str]:
    """The same, a text each."""
    found = [factor_text(part, each) for part, each in terms["factors"].items()]
    found += [terms["remark"]] if terms["remark"] else []
    return [*found, f"data {terms['data']}; `uj data licences` names the sources"]


def factor(part: str, of: Mapping[str, Any]) -> list[str]:
    """A factor."""
    return wrapped(factor_text(part, of), 12)


def factor_text(part: str, of: Mapping[str, Any]) -> str:
    """``intensity  329.6 g/kWh [330 – 370]: grid of Germany (average; Ember, 2025, CC-BY-4.0)``."""
    unit = "" if of["unit"] == "1" else f" {of['unit']}"
    reach = f" [{plain(of['range'][0])} – {plain(of['range'][1])}]" if of["range"] else ""
    boundary = ", ".join(of[word] for word in ("signal", "scope", "basis") if of[word])
    age = of.get("age_years") or 0
    is_old = age > _OLD_YEARS and part not in _TIMELESS
    year = (f"{of['year']}, {age} years old" if is_old else str(of["year"])) if of["year"] else ""
    is_published = of["source"] != CONVENTION
    origin = ", ".join(word for word in (of["source"], year, of["licence"]) if word and is_published)
    tail = "; ".join(word for word in (boundary, origin) if word)
    who = f" ({tail})" if tail else ""
    note = f". {of['note']}" if of["note"] else ""
    return f"  {part:<10}{plain(of['value'])}{unit}{reach}: {of['name']}{who}{note}"


def title(terms: Mapping[str, Any]) -> str:
    """Which method, and what it reckons."""
    return f"footprint by the method {terms['method']}: {terms['formula']}"


def _ranges(of: Mapping[str, Any], left: str, ends: Sequence[str]) -> list[str]:
    """All ranges, and of a figure that no measurement touched only that of the factors."""
    low, high = of["guaranteed"]
    spread, value = of.get("U"), of["value"]
    # Of no figure, and of nothing, the factors leave nothing open, known as their ranges may be.
    others = [f"with other published factors: {span(of['choice'], of['unit'])}"] if of["choice"] else []
    if low == high and not spread:
        return others
    if left == "estimated":
        return [f"estimated: {span(of['guaranteed'], of['unit'], ends)}", *others]
    if not value or low is None or high is None:
        return [f"counter alone: {span(of['guaranteed'], of['unit'])}", *others]
    sensor = f"{share(spread, value)} (95 %); " if spread else ""
    return [f"{sensor}counter alone {share((high - low) / 2, value)} (guaranteed)", *others]
