"""Over how much time a gauge averages where that is longer than an update, by its readings alone.

*A mean of the last W*: a step of power becomes a ramp over W / T readings, which bends when the step comes
and, as much the other way, W later. Of steps that come at no clock's times, second differences of readings
are alike at no other distance. With B the cubic B-spline, which is what a step at any phase leaves of itself
in them, their autocorrelation at the distance of l updates is

    R(l) / R(0),   R(l) = 2 B(l) - B(l - W / T) - B(l + W / T),

and the W of the least squares is taken where it explains all of it. Pulses as long as one another under a
mean of T or less look alike, but bend twice in a row at each end: where W is 2 T and more R(1) is
positive. Loads of one period show nothing: a sensor that looks at a part of the time has ramps of one near
its own frequency.

*A capacitor* of the decay tau: between two steps each change is exp(-T / tau) of the one before. So more than
half of all successive changes, upwards and downwards, have one ratio. Those of a mean have any, but of a load
of a few updates, which comes round: one in three has.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ...arrays import Bools
from ..estimates.brackets import F64

_FARTHEST = 60  # updates, at which second differences are compared
_AT = np.arange(1.0, _FARTHEST + 1)
_WINDOWS = np.concatenate((np.arange(1.9, 6.0, 0.02), np.arange(6.0, 48.0, 0.05)))  # T, that are tried
_BENDS = 60  # that second differences are of, at least: of two steps they are alike by chance
_LEFT = 0.2  # of R(0), that W leaves unexplained at some distance at most: a pulse's end has R(1) = -1/3
_PULSES = 0.35  # of R(0) that pulses of one length, or a mean, have at that distance at least: -1/2
_CHANGE = 20.0  # times the noise of a reading, from which on changes have a ratio
_CHANGES = 50  # upwards and downwards, each
_ABOUT = 0.03  # by which ratios of one capacitor differ
_MOSTLY, _EITHER_WAY = 0.53, 0.45  # of all changes, and of those upwards and of those downwards
_LEAST_KEPT, _MOST_KEPT = 0.1, 0.95  # exp(-T / tau), between which a capacitor is told from a mean


class Averaging(NamedTuple):
    """How readings follow the power. One of the two is None.

    Attributes:
        window: Over how many updates they are the mean.
        decay: After how many updates a capacitor is off by 1 / e of a step.
    """

    window: float | None
    decay: float | None


def averaging(watts: F64, is_next: Bools, noise_w: float) -> Averaging | None:
    """What readings show of a gauge that averages longer than an update; None: nothing.

    Args:
        watts: float64[n], one for each update.
        is_next: bool[n - 1], whether each reading but the first came an update after the one before.
        noise_w: Of a reading.
    """
    if decay := _decay(watts, is_next, noise_w):
        return Averaging(None, decay)
    window = _window(watts, is_next, noise_w)
    return Averaging(window, None) if window else None


def is_twofold(watts: F64, is_next: Bools, noise_w: float) -> bool:
    """Whether readings are those of pulses of one length, or of shorter ones in a mean as long as that.

    Args:
        watts: float64[n], one for each update.
        is_next: bool[n - 1], whether each reading but the first came an update after the one before.
        noise_w: Of a reading.
    """
    shown = _bends_alike(watts, is_next, noise_w)
    if shown is None:
        return False
    at = int(shown[1:].argmin()) + 1
    is_else = (np.abs(_AT - _AT[at]) >= 2) & (_AT > 2)
    return bool(shown[at] < -_PULSES and np.abs(shown[is_else]).max() < _LEFT)


def _bends_alike(watts: F64, is_next: Bools, noise_w: float) -> F64 | None:
    """float64[60]: R(l) / R(0) of second differences; None: they are few, or of noise."""
    if len(watts) < 4 * _FARTHEST:
        return None
    bends = np.where(is_next[1:] & is_next[:-1], np.diff(watts, 2), 0.0)
    whole, few = float(bends @ bends), float((bends**4).sum())
    # What noise alone has is 6 of it; as many bends as have a square like that have to be large.
    if whole <= 6 * noise_w**2 * len(bends) or whole**2 < _BENDS * few:
        return None
    return np.array([bends[at:] @ bends[:-at] for at in range(1, _FARTHEST + 1)]) / whole


def _window(watts: F64, is_next: Bools, noise_w: float) -> float | None:
    """W / T by the distance at which readings bend the other way."""
    shown = _bends_alike(watts, is_next, noise_w)
    if shown is None:
        return None
    of = 2 * _spline(_AT) - _spline(_AT - _WINDOWS[:, None]) - _spline(_AT + _WINDOWS[:, None])
    left = shown - of / (2 * _spline(np.zeros(1)) - 2 * _spline(_WINDOWS))[:, None]
    best = int((left**2).sum(1).argmin())
    return float(_WINDOWS[best]) if np.abs(left[best]).max() < _LEFT else None


def _spline(x: F64) -> F64:
    """The cubic B-spline: two steps of one phase, each a line over two updates, at some distance."""
    x = np.abs(x)
    return np.asarray(np.where(x < 1, 2 / 3 - x**2 + x**3 / 2, np.maximum(2 - x, 0.0) ** 3 / 6))


def _decay(watts: F64, is_next: Bools, noise_w: float) -> float | None:
    """A capacitor's decay, in updates, by the one ratio that successive changes have."""
    change = np.diff(watts)
    is_known = is_next[1:] & is_next[:-1] & (np.abs(change[:-1]) > _CHANGE * noise_w)
    first, ratio = change[:-1][is_known], change[1:][is_known] / change[:-1][is_known]
    kept = np.sort(ratio[(ratio > _LEAST_KEPT) & (ratio < _MOST_KEPT)])
    if not len(kept):
        return None
    alike = np.searchsorted(kept, kept + 2 * _ABOUT, "right") - np.arange(len(kept))
    low = kept[alike.argmax()]
    is_alike = (ratio >= low) & (ratio <= low + 2 * _ABOUT)
    if is_alike.mean() < _MOSTLY:
        return None
    for way in (first > 0, first < 0):
        if way.sum() < _CHANGES or is_alike[way].mean() < _EITHER_WAY:
            return None
    return -1 / math.log(float(np.median(ratio[is_alike])))
