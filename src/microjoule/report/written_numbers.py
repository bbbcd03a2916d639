"""How a figure is written: as many digits as its interval supports, and never a bare zero for nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..joules.estimates.estimate_text import measured, outwards, percent

_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"))
_MISSING = "–"
_HUGE = 1e9  # a million of the largest prefix: from there on digits are counted and not read


def count(n: int, noun: str) -> str:
    """``1 window``, ``2 windows``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _prefix(size: float) -> tuple[float, str]:
    if not size:
        return _PREFIXES[0]
    if size >= 1e4:
        return 1e3, "k"
    return next(((scale, name) for scale, name in _PREFIXES if size >= scale), _PREFIXES[-1])


def _places(width: float, size: float) -> int:
    """Decimals that show two digits of the width; of a figure without width four digits."""
    scale = width if width > 0 else size / 100
    return min(max(1 - math.floor(math.log10(scale)), 0), 6) if scale > 0 else 1


def quantity(value: float | None, unit: str, low: float | None = None, high: float | None = None) -> str:
    """``12.340 J``: a figure with the digits that the interval from ``low`` to ``high`` supports."""
    if value is None:
        return _MISSING
    scale, prefix = _prefix(abs(value))
    known = low is not None and high is not None
    width = (high - low) / scale if known else 0.0  # type: ignore[operator]
    if abs(value) >= _HUGE:
        return f"{value:.3e} {unit}"
    return f"{value / scale:.{_places(width, abs(value) / scale)}f} {prefix}{unit}"


def spread(half: float | None, unit: str) -> str:
    """``0.021 J``: an expanded uncertainty, to two digits; nothing where there is none."""
    if half is None:
        return ""
    scale, prefix = _prefix(half)
    if half >= _HUGE:
        return f"{half:.1e} {unit}"
    return f"{half / scale:.{_places(half / scale, 0)}f} {prefix}{unit}"


def bare(value: float, half: float | None) -> str:
    """``0.508 ± 0.003``: a ratio with two digits of its expanded uncertainty."""
    places = _places(half or 0.0, abs(value))
    return f"{value:.{places}f}" if half is None else f"{value:.{places}f} ± {half:.{places}f}"


def interval(low: float | None, high: float | None, unit: str) -> str:
    """``12.320 … 12.361 J``, rounded so that it holds all of the interval; an end not known is left open."""
    if low is None:
        return _MISSING
    scale, prefix = _prefix(abs(high if high is not None else low))
    if high is None:
        if low >= _HUGE:
            return f"≥ {low:.3e} {unit}"
        places = _places(0, abs(low) / scale)
        return f"≥ {outwards(low / scale, places, math.floor)} {prefix}{unit}"
    if abs(high) >= _HUGE:
        return f"{low:.3e} … {high:.3e} {unit}"
    places = _places((high - low) / scale, abs(high) / scale)
    least, most = outwards(low / scale, places, math.floor), outwards(high / scale, places, math.ceil)
    return f"{least} … {most} {prefix}{unit}"


def ends(of: Sequence[float | None]) -> tuple[float, float]:
    """The ends of an interval of a document, in which an end that is not known is null."""
    low, high = of
    return -math.inf if low is None else low, math.inf if high is None else high


def energy(value: float | None, half: float | None, guaranteed: Sequence[float | None]) -> tuple[str, str]:
    """``12.34 J`` and ``0.02 J``: an energy and its ±, to one digit; ``at most 16 mJ`` where ± exceeds it."""
    if value is None:
        return _MISSING, spread(half, "J")
    written, _, its = measured(value, half or 0.0, ends(guaranteed), "J").partition(" ± ")
    return written, its


def share(part: float, whole: float) -> str:
    """``0.31 %``, ``99.8 %``, or a dash where there is no whole."""
    if not whole:
        return _MISSING
    if 0 < part / whole < 1e-4:
        return "< 0.01 %"
    return percent(part / whole, 3 if part / whole >= 0.1 else 2)


def accuracy(stated: float | str) -> str:
    """``5 %``, or ``unknown``."""
    return stated if isinstance(stated, str) else f"{100 * stated:g} %"


def seconds(duration_s: float) -> str:
    """``10.42 s``, ``51.3 ms``."""
    return quantity(duration_s, "s")
