"""How an estimate is written: an SI prefix, and as many digits as its uncertainty supports.

± has two significant digits and the figure ends at the same digit: ``3.85 mJ ± 0.29 mJ`` (JCGM 100, 7.2.6).
A figure known better than to four digits is cut there, and its ± is rounded up to the last digit that is
shown; ``Estimate.value`` and ``.U`` have the rest. Without ± it has three digits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from ...errors import BadFormat
from ...units import J_PER_WH, S_PER_HOUR, S_PER_MIN

MISSING = "–"
DIGITS = 4  # of a figure with ±
DIGITS_ALONE = 3

_PREFIXES = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
_EXPONENTS = {prefix: exponent for exponent, prefix in _PREFIXES.items()} | {"u": -6}
_LARGEST = {"s": 0}  # thousands of seconds are no kiloseconds
_OTHER_UNITS = {
    "J": {"Wh": float(J_PER_WH)},
    "s": {"min": float(S_PER_MIN), "h": float(S_PER_HOUR)},
}
_PLAIN_EXPONENTS = (-3, 6)  # of a figure without a prefix: outside it is written with a power of ten
_PREFIXED = ("J", "W", "s", "Wh")
_HEAD = re.compile(r"[A-Za-z]+")


class Scale(NamedTuple):
    """A unit to write a figure in: what it is called, and how much of the estimate's own unit it is."""

    unit: str
    size: float


def figure(value: float, half: float, unit: str | Scale) -> str:
    """``3.85 mJ ± 0.29 mJ``, ``1.167 ± 0.035``.

    Args:
        value: The figure.
        half: Its expanded uncertainty; 0: exact.
        unit: The unit of both, which gets a fitting prefix; or a scale to keep to.
    """
    scale = unit if isinstance(unit, Scale) else _fitting(max(abs(value), _or_zero(half)), unit)
    shown, spread = value / scale.size, half / scale.size
    if not half:
        return f"{_number(shown, _places(abs(shown), DIGITS_ALONE))}{_after(scale.unit)}"
    if not math.isfinite(half):
        return f"{_number(shown, _places(abs(shown), DIGITS_ALONE))}{_after(scale.unit)} ± ∞"
    places = 1 - _exponent(spread, 2)
    most = _places(max(abs(shown), spread), DIGITS)
    if places > most:
        places, spread = most, math.ceil(spread * 10.0**most * (1 - 1e-9)) / 10.0**most
    return f"{_number(shown, places)}{_after(scale.unit)} ± {_number(spread, places)}{_after(scale.unit)}"


def is_limit(value: float, half: float, low: float) -> bool:
    """Whether a figure is known no better than from above: ± exceeds it, and it cannot be negative.

    Args:
        value: The figure.
        half: Its expanded uncertainty.
        low: What it is guaranteed not to be below; of a difference that may be negative.
    """
    return 0.0 <= value < half < math.inf and low >= 0.0


def measured(value: float, half: float, interval: tuple[float, float], unit: str | Scale) -> str:
    """``3.85 mJ ± 0.29 mJ``; ``at most 16 mJ`` where ± exceeds a figure that cannot be negative.

    Args:
        value: The figure.
        half: Its expanded uncertainty; 0: exact.
        interval: What is guaranteed of it.
        unit: The unit of all.
    """
    if not is_limit(value, half, interval[0]):
        return figure(value, half, unit)
    high = interval[1]
    most = min(value + half, high)
    scale = unit if isinstance(unit, Scale) else _fitting(most, unit)
    places = 1 - _exponent(most / scale.size, 2)
    if math.ceil(most / scale.size * 10.0**places) > high / scale.size * 10.0**places:
        # Rounded up to two digits it would lie above what is guaranteed.
        most, places = high, _places(high / scale.size, DIGITS_ALONE)
    return f"at most {outwards(most / scale.size, places, math.ceil)}{_after(scale.unit)}"


def unassessed(value: float, interval: tuple[float, float], unit: str | Scale) -> str:
    """``3.85 mJ (guaranteed 3.80 … 3.91 mJ)``: a figure whose ± nobody assessed."""
    low, high = interval
    if low == value == high:
        return figure(value, 0.0, unit)
    scale = unit if isinstance(unit, Scale) else _fitting(abs(value), unit)
    # To the interval's last digit: rounded coarser than its interval it could lie outside.
    shown = _number(value / scale.size, _interval_places(low / scale.size, high / scale.size))
    return f"{shown}{_after(scale.unit)} (guaranteed {_interval(low, high, scale)})"


def missing(status: str, interval: tuple[float, float], unit: str | Scale) -> str:
    """``incomplete (guaranteed 3.80 … 3.91 mJ)``: why there is no figure, and what is known all the same."""
    low, high = interval
    if not (math.isfinite(low) or math.isfinite(high)) or (low == 0 and math.isinf(high)):
        return status
    known = high if math.isfinite(high) else low
    scale = unit if isinstance(unit, Scale) else _fitting(abs(known), unit)
    return f"{status} (guaranteed {_interval(low, high, scale)})"


def duration(of_s: float) -> str:
    """``3.12 s``, ``12.5 min``, ``4.02 h``."""
    for unit, size in (("h", S_PER_HOUR), ("min", S_PER_MIN)):
        if of_s >= 2 * size:
            return figure(of_s, 0.0, Scale(unit, float(size)))
    return figure(of_s, 0.0, "s")


def percent(part: float, digits: int) -> str:
    """``0.31 %``, ``48 %``, ``1,600 %``: a part to so many digits, and all those before the point."""
    value = 100 * part
    shown = f"{value:z,.{max(_places(abs(value), digits), 0)}f}"
    return f"{shown.rstrip('0').rstrip('.') if '.' in shown else shown} %"


def parsed(spec: str, unit: str) -> tuple[str, Scale | None]:
    """The number format and the scale that a format asks for: ``.1f mJ`` is ``.1f`` and millijoules.

    Args:
        spec: What follows the colon in a format.
        unit: The unit of the estimate.

    Raises:
        BadFormat: It is neither.
    """
    names = _names(unit)
    named = max((name for name in names if spec.endswith(name)), key=len, default=None)
    number_spec = spec if named is None else spec[: -len(named)].rstrip()
    try:
        format(1.0, number_spec)
    except ValueError as error:
        kept = ", ".join(name for name in names if not name.startswith(("u", "p", "T")))
        raise BadFormat(
            f"A figure in {unit} cannot be written as {spec!r}",
            f"Give a number format such as .3g, or one of the units {kept}"
            if kept
            else "Give a format such as .3g",
        ) from error
    return number_spec, None if named is None else names[named]


def number(value: float | None, spec: str, scale: Scale | None) -> str:
    """The bare figure in a number format, with the unit where one was named; a dash if missing."""
    if scale is None:
        return MISSING if value is None else format(value, spec)
    return MISSING if value is None else f"{value / scale.size:{spec}} {scale.unit}"


def _names(unit: str) -> dict[str, Scale]:
    """What a figure in this unit can be written in, by name."""
    if unit == "1":
        return {}
    head = _head(unit)
    sizes = {head: 1.0, **_OTHER_UNITS.get(unit, {})}
    found = {}
    for name, size in sizes.items():
        for prefix, exponent in _EXPONENTS.items() if name in _PREFIXED else (("", 0),):
            shown = f"{_PREFIXES[exponent]}{name}{unit.removeprefix(head)}"
            found[f"{prefix}{name}{unit.removeprefix(head)}"] = Scale(shown, size * 10.0**exponent)
    return found


def _head(unit: str) -> str:
    """The part of a unit that takes a prefix: ``J`` of ``J/token``."""
    found = _HEAD.match(unit)
    return found[0] if found else unit


def _fitting(size: float, unit: str) -> Scale:
    """The scale in which a figure of this size has one to three digits before the point."""
    exponent = 3 * math.floor(_exponent(size, DIGITS) / 3) if 0 < size < math.inf else 0
    head = _head(unit)
    if head in _PREFIXED:
        exponent = min(max(exponent, -12), _LARGEST.get(head, 12))
        return Scale(_PREFIXES[exponent] + unit, 10.0**exponent)
    is_plain = _PLAIN_EXPONENTS[0] <= exponent < _PLAIN_EXPONENTS[1]
    name = "" if unit == "1" else unit
    return Scale(name, 1.0) if is_plain else Scale(f"e{exponent:+03d} {name}".rstrip(), 10.0**exponent)


def _after(unit: str) -> str:
    return unit if not unit or re.match(r"e[+-]\d", unit) else f" {unit}"


def _interval(low: float, high: float, scale: Scale) -> str:
    """``3.80 … 3.91 mJ``, rounded outwards; an end that is not known is left open."""
    low, high = low / scale.size, high / scale.size
    places = _interval_places(low, high)
    below, above = outwards(low, places, math.floor), outwards(high, places, math.ceil)
    if not math.isfinite(high):
        return f"at least {below}{_after(scale.unit)}"
    if not math.isfinite(low):
        return f"at most {above}{_after(scale.unit)}"
    return f"{below} … {above}{_after(scale.unit)}"


def _interval_places(low: float, high: float) -> int:
    """Decimals that show two digits of half the interval's width, within four of its larger end."""
    most = _places(max((abs(end) for end in (low, high) if math.isfinite(end)), default=0.0), DIGITS)
    half = (high - low) / 2
    return min(1 - _exponent(half, 2), most) if 0 < half < math.inf else most


def outwards(end: float, places: int, rounded: Callable[[float], int]) -> str:
    """An end of an interval to so many decimals, rounded (``math.floor``, ``math.ceil``) away from it."""
    if not math.isfinite(end):
        return ""
    # What is a whole number of the last digit but for the representation stays what it is.
    steps = end * 10.0**places
    whole = round(steps) if abs(steps - round(steps)) < 1e-6 else rounded(steps)
    return _number(whole / 10.0**places, places)


def _number(value: float, places: int) -> str:
    """A number to so many decimals, never ``-0``; below zero places, whole tens and so on."""
    return f"{round(value, places):z.{max(places, 0)}f}"


def _places(size: float, digits: int) -> int:
    """Decimals that show so many digits of a figure of this size."""
    return digits - 1 - _exponent(size, digits) if size else 0


def _exponent(size: float, digits: int) -> int:
    """The power of ten of a figure, after rounding to so many digits: 9.999 is 1e1 to two digits."""
    return int(f"{size:.{digits - 1}e}".partition("e")[2])


def _or_zero(half: float) -> float:
    return half if math.isfinite(half) else 0.0
