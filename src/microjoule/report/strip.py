"""A histogram with its quartiles and outliers as a small picture in a table's cell, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import written_numbers

LEGEND = (
    "single windows: a histogram of their energies; the line below it spans the lowest to the highest, its "
    "thick part the middle half. Dots are outliers (Tukey); all figures include them."
)
_W, _H, _BASE = 220, 38, 26


def render(of: Mapping[str, Any]) -> str:
    """The picture.

    Args:
        of: ``joules.distribution`` of one name.
    """
    low, high, counts = of["low_j"], of["high_j"], of["counts"]
    most, wide = max(counts), (_W - 8) / len(counts)
    bars = "".join(
        f'<rect x="{4 + i * wide:.1f}" y="{_BASE - 22 * n / most:.1f}" width="{wide:.1f}" '
        f'height="{22 * n / most:.1f}"/>'
        for i, n in enumerate(counts)
        if n
    )

    def x(energy_j: float) -> str:
        return f"{4 + (_W - 8) * ((energy_j - low) / (high - low) if high > low else 0.5):.1f}"

    lower, middle, upper = of["quartiles_j"]
    dots = "".join(f'<circle cx="{x(each["energy_j"])}" cy="31" r="2.6"/>' for each in of["outliers"])
    ends = [written_numbers.quantity(end, "J") for end in (low, high)]
    median = written_numbers.quantity(middle, "J")
    said = (
        f"{sum(counts):,} windows from {ends[0]} to {ends[1]}; "
        f"half of them {written_numbers.interval(lower, upper, 'J')}, median {median}; "
        f"{of['n_outliers']:,} outlier{'' if of['n_outliers'] == 1 else 's'}"
    )
    return (
        f'<svg class="strip" viewBox="0 0 {_W} {_H}" width="{_W}" height="{_H}" role="img" '
        f'aria-label="{said}"><title>{said}</title><g class="bars">{bars}</g>'
        f'<path class="range" d="M{x(low)} 31H{x(high)}"/>'
        f'<path class="middle" d="M{x(lower)} 31H{x(upper)}"/>'
        f'<path class="median" d="M{x(middle)} 28V34"/><g class="dots">{dots}</g></svg>'
    )
