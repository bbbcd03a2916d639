"""How grams, kilowatt-hours and money are written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..units import S_PER_HOUR, S_PER_MIN
from .written_numbers import bare

_MISSING = "–"
_TINY = 1e-9  # nine zeros are counted and not read
_DIGITS = 3  # as many as a person reads
_HUGE = 1e9  # money and counts of the published runs stand below it, digit by digit
_MASS = ((1e6, "t"), (1e3, "kg"), (1.0, "g"), (1e-3, "mg"), (1e-6, "µg"), (1e-9, "ng"))
_ENERGY = (
    *((1e6, "GWh"), (1e3, "MWh"), (1.0, "kWh"), (1e-3, "Wh")),
    *((1e-6, "mWh"), (1e-9, "µWh"), (1e-12, "nWh")),
)
_VOLUME = ((1.0, "L"), (1e-3, "mL"), (1e-6, "µL"), (1e-9, "nL"))
_HOURS = ((1.0, "h"), (S_PER_MIN / S_PER_HOUR, "min"), (1 / S_PER_HOUR, "s"))
_SCALES = {"g": _MASS, "kWh": _ENERGY, "L": _VOLUME}
_CURRENCY = re.compile("[A-Z]{3}")
_LEAST_MONEY = 1e-3  # of a currency: below it a prefix is read more easily than zeros
_LARGEST, _MANY = ("t", "GWh"), 1e6


def plain(value: float, digits: int = 4, huge: float = _HUGE) -> str:
    """``626,155``, ``26.84``, ``0.0031``: so many digits, and no fewer before the point below ``huge``."""
    if not value:
        return "0"
    if abs(value) < _TINY:
        return f"{value:.2e}"
    if abs(value) >= huge:
        return f"{value:.{digits - 1}e}"
    places = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def hours(of: float) -> str:
    """``84 h``, ``27 min``, ``0.2 s``: a time that is given in hours."""
    by, unit = next(((by, name) for by, name in _HOURS if of >= by), _HOURS[-1])
    return f"{plain(of / by)} {unit}"


def _scale(unit: str, size: float) -> tuple[float, str]:
    head, slash, rest = unit.partition("/")
    scales = _scales_of(head, size)
    factor, name = next(
        ((by, name) for by, name in scales if size >= by), scales[-1] if size else (1.0, head)
    )
    return factor, f"{name}{slash}{rest}"


def _scales_of(unit: str, size: float) -> Sequence[tuple[float, str]]:
    """The sizes that a unit is written in, the largest first: ``0.0031 EUR``, and below that ``312 µEUR``."""
    if _CURRENCY.fullmatch(unit) and 0 < size < _LEAST_MONEY:
        return (1e-6, f"µ{unit}"), (1e-9, f"n{unit}")
    return _SCALES.get(unit, ((1.0, unit),))


def amount(of: Mapping[str, Any] | None) -> str:
    """``11.7 g``, ``1.9 µEUR``; a dash where there is none."""
    if of is None or of["value"] is None:
        return _MISSING
    by, unit = _scale(of["unit"], abs(of["value"]))
    return f"{_written(of['value'] / by, unit)} {unit}"


def _written(value: float, unit: str) -> str:
    """A figure of a unit: a million of the largest one of a scale is read as a power of ten."""
    return plain(value, _DIGITS, huge=_MANY if unit.partition("/")[0] in _LARGEST else _HUGE)


def with_half(of: Mapping[str, Any] | None) -> str:
    """``0.260 ± 0.012 EUR``: a figure and its expanded uncertainty, in one unit and to one digit."""
    if of is None or of["value"] is None:
        return ""
    by, unit = _scale(of["unit"], abs(of["value"]))
    return f"{bare(of['value'] / by, of['U'] / by)} {unit}" if of.get("U") else amount(of)


def share(half_width: float, value: float) -> str:
    """``± 5.9 %``: half a width of a figure."""
    return f"± {plain(100 * half_width / abs(value), 2)} %"


def span(ends: Sequence[float | None] | None, unit: str, words: Sequence[str] = ()) -> str:
    """``11.6 – 11.8 g``, ``36 kWh idle – 320 kWh at full power``; an end that is not known is left open."""
    if ends is None or ends[0] is None:
        return "unknown"
    low, high = ends
    by, name = _scale(unit, abs(high if high is not None else low))  # type: ignore[arg-type]
    if high is None:
        return f"≥ {_written(low / by, name)} {name}".rstrip()  # type: ignore[operator]
    figures = [_written(end / by, name) for end in (low, high)]  # type: ignore[operator]
    if not any(words):
        return f"{' – '.join(figures)} {name}".rstrip()
    return " – ".join(f"{figure} {name} {word}" for figure, word in zip(figures, words, strict=True))
