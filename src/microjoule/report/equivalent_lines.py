"""Amounts as counts of what people know, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from ..footprint.equivalents import Equivalent, EquivalentRatio
from .amounts import plain
from .wrapping import wrapped

_DIGITS = 3
_SEEN = 1e-3  # a count below it says nothing to anybody


def render(of: Iterable[Equivalent]) -> str:
    """Each count with its range from the choice of factor, and beneath it who says so; then what is tiny."""
    found = list(of)
    seen = [each for each in found if each.count >= _SEEN or len(found) == 1]
    tiny = [each.key for each in found if each not in seen]
    rest = wrapped(f"less than a thousandth each: {', '.join(tiny)}", 2) if tiny else []
    return "".join(f"{line}\n" for line in (*(line for each in seen for line in _lines(each)), *rest))


def render_comparison(of: EquivalentRatio) -> str:
    """The ratio with its interval, then both counts by one factor."""
    ratio = "no ratio: the second is nothing" if of.ratio is None else f"{_count(of.ratio)} times as much"
    if of.ratio_low is not None and of.ratio_low != of.ratio_high:
        high = "∞" if of.ratio_high is None else _count(of.ratio_high)
        ratio += f" ({_count(of.ratio_low)} – {high})"
    counts = f"{_count(of.first.count)} against {_count(of.second.count)} {of.first.name}"
    return "\n".join([ratio, counts, *wrapped(f"  {_origin(of.first)}", 2)]) + "\n"


def _lines(of: Equivalent) -> list[str]:
    has_range = of.count_low < of.count_high
    reach = f" ({_count(of.count_low)} – {_count(of.count_high)})" if has_range else ""
    return [*wrapped(f"{_count(of.count)} {of.name}{reach}", 2), *wrapped(f"  {_origin(of)}", 2)]


def _count(of: float) -> str:
    return plain(of, _DIGITS)


def _origin(of: Equivalent) -> str:
    factor = of.factor
    year = f", {factor.origin.year}" if factor.origin.year else ""
    return f"{plain(factor.value)} {factor.unit}: {factor.origin.source}{year}"
