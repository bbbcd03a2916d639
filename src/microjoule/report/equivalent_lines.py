"""Amounts as counts of what people know, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from ..footprint.equivalents import Equivalent, EquivalentRatio
from .amounts import plain


def render(of: Iterable[Equivalent]) -> str:
    """One line each: the count, its range from the choice of factor, and who says so."""
    return "".join(f"{_line(each)}\n" for each in of)


def render_comparison(of: EquivalentRatio) -> str:
    """The ratio with its interval, then both counts by one factor."""
    ratio = "no ratio: the second is nothing" if of.ratio is None else f"{plain(of.ratio)} times as much"
    if of.ratio_low is not None and of.ratio_low != of.ratio_high:
        high = "∞" if of.ratio_high is None else plain(of.ratio_high)
        ratio += f" ({plain(of.ratio_low)} – {high})"
    counts = f"{plain(of.first.count)} against {plain(of.second.count)} {of.first.name}"
    return f"{ratio}\n{counts}; {_origin(of.first)}\n"


def _line(of: Equivalent) -> str:
    has_range = of.count_low < of.count_high
    reach = f" ({plain(of.count_low)} – {plain(of.count_high)})" if has_range else ""
    return f"{plain(of.count):>12} {of.name}{reach}; {_origin(of)}"


def _origin(of: Equivalent) -> str:
    factor = of.factor
    year = f", {factor.origin.year}" if factor.origin.year else ""
    return f"{plain(factor.value)} {factor.unit}: {factor.origin.source}{year}"
