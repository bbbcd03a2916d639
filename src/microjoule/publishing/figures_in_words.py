"""Figures in a text: what a sentence of another version says is held against what this one would say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

_PREFIXES = {"": 0, "n": -9, "µ": -6, "m": -3, "k": 3, "M": 6, "G": 9}
_UNITS = {"J": ("J", 1), "Wh": ("J", 3600), "W": ("W", 1), "g": ("g", 1), "s": ("s", 1)}
_FIGURE = re.compile(
    r"(?<![\w.])(\d[\d,]{0,30}(?:\.\d{1,30})?(?:e[+-]?\d{1,3})?)"
    r"[ \u00a0\u202f]?([nµmkMG]?)(Wh|J|W|g|s)(?![\w/])"
)


class _Figure(NamedTuple):
    """A figure of a text: as it is written, of which unit, how much, and half of its last digit."""

    text: str
    unit: str
    value: Decimal
    half: Decimal


def unsupported(there: str, here: str) -> list[str]:
    """The energies, powers, masses and times of a text that another text does not have.

    Two are the same where they differ by no more than half of the last digit of the coarser one, and the
    sign is of no account: 44.8 J and 45 J.

    Args:
        there: The text whose figures are looked for.
        here: The text that they should be in.
    """
    known = list(_figures(here))
    return [
        each.text
        for each in _figures(there)
        if not any(
            each.unit == other.unit and abs(each.value - other.value) <= max(each.half, other.half)
            for other in known
        )
    ]


def _figures(text: str) -> Iterator[_Figure]:
    for match in _FIGURE.finditer(text):
        number, prefix, unit = match.groups()
        base, scale = _UNITS[unit]
        size = Decimal(scale).scaleb(_PREFIXES[prefix])
        value = Decimal(number.replace(",", ""))
        last = Decimal(1).scaleb(int(value.as_tuple().exponent))
        yield _Figure(match[0], base, value * size, last / 2 * size)
