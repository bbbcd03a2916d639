"""Which part of each update a gauge averages, by the steps of power that its readings show.

A step between two levels falls into the time that a reading is the mean of, and then shows as a mixture of
the two, or outside, and then readings jump. Where the sensor averages the part c of each update T, and steps
come at any phase, c of them are mixed. Mixtures within a tenth of a level cannot be told from it, so that

    c = mixed steps / (0.8 x all clear steps).

A mean of all of the time has mixtures at most steps. A load in step with the sensor has all its steps at one
phase, and tells nothing: its steps are whole numbers of one period apart. One with two phases has mixtures
at one of them, at least; one with three, or six, at two thirds. So has one that creeps once past the sensor.
With c from 1/2 to 0.9 the steps of either direction must be mixed in all proportions besides, because then
they come at all phases. A level that lasts for 2 to 3 T has two readings by its phase, and so only the steps
beside it that are not mixed: most levels have to have three.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ...arrays import Bools
from ...trace.series import I64
from ..estimates.brackets import F64

_ALIKE = 0.05  # of a step, by which two readings of one level differ at most
_LEVEL = 0.1  # of a step, within which a reading is of a level
_ENOUGH, _MIXED = 12, 6  # clear steps; and mixtures of either direction, where more than half may be averaged
_LOCKED = 0.8  # share of steps at one phase of the usual distance between them: a load is in step
_HALF = 0.5  # c, at 99.9 %: the steps of a load of two phases are mixed at one of them, at least
_AT_MOST = 0.9  # c, at 99.9 %, where steps come at all phases
_OF_ONE_LOAD = 500  # steps: of one load they are no more independent than so many
_THIRD = 0.05  # of mixtures, in each third of the proportions, where steps come at all phases
_LONG = 0.4  # share of levels of three readings: one that lasts for 2 to 3 T has two readings by its phase
_SURE = 3.1  # standard deviations, for 99.9 %
_LEAST = 0.05  # c: some of the time is looked at
_STEP = 20.0  # times the noise of a reading


def averaged_part(watts: F64, is_next: Bools, noise_w: float) -> float | None:
    """Which part of each update readings are means of, where they show that it is less than all; else None.

    Args:
        watts: float64[n], one for each update.
        is_next: bool[n - 1], whether each reading but the first came an update after the one before.
        noise_w: Of a reading.
    """
    if len(watts) < 7:
        return None
    first, before, start, at, end, after, last = sliding_window_view(watts, 7).T
    step = end - start
    size = np.abs(step)
    is_clear = sliding_window_view(is_next[1:-1], 4).all(1) & (size > _STEP * noise_w)
    is_clear &= (np.abs(start - before) < _ALIKE * size) & (np.abs(after - end) < _ALIKE * size)
    part = np.divide(at - start, step, out=np.zeros(len(step)), where=is_clear)
    is_mixed = is_clear & (part > _LEVEL) & (part < 1 - _LEVEL)
    is_step = is_mixed | (is_clear & (part >= 1 - _LEVEL) & (part < 1 + _LEVEL))
    n, mixed = int(is_step.sum()), int(is_mixed.sum())
    if n < _ENOUGH:
        return None
    most = _most(mixed / n, min(n, _OF_ONE_LOAD)) / (1 - 2 * _LEVEL)
    ways = (step > 0, step < 0)
    is_shown = most <= _HALF or (
        most <= _AT_MOST and all(_is_at_all_phases(part[is_mixed & way], is_step & way) for way in ways)
    )
    if not is_shown or _is_in_step(np.flatnonzero(is_step & ways[0])):
        return None
    is_long = (np.abs(first - start) < _ALIKE * size, np.abs(last - end) < _ALIKE * size)
    if min(each[is_step & way].mean() for each in is_long for way in ways if (is_step & way).any()) < _LONG:
        return None
    return max(mixed / n / (1 - 2 * _LEVEL), _LEAST)


def _most(share: float, n: int) -> float:
    """The largest share of which some of n are so, at 99.9 % (Wilson, JASA 22, 1927)."""
    z2 = _SURE**2
    away = _SURE * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return float((share + z2 / (2 * n) + away) / (1 + z2 / n))


def _is_at_all_phases(parts: F64, is_step: Bools) -> bool:
    """Whether the steps of one direction are mixed in all proportions, and seldom."""
    thirds = np.histogram(parts, 3, (_LEVEL, 1 - _LEVEL))[0]
    is_seldom = len(parts) < _AT_MOST * (1 - 2 * _LEVEL) * int(is_step.sum())
    return is_seldom and len(parts) >= _MIXED and bool(thirds.min() >= _THIRD * len(parts))


def _is_in_step(ups: I64) -> bool:
    """Whether steps upwards come at one phase, which may be the bound of two updates."""
    if len(ups) < 2:
        return True
    usual = int(np.bincount(np.diff(ups)).argmax())
    phases = np.bincount(ups % usual, minlength=usual)
    return bool((phases + np.roll(phases, 1)).max() > _LOCKED * len(ups))
