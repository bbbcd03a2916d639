"""Which part of each update a gauge averages, by the steps of power that its readings show.

A step between two levels falls into the time that a reading is the mean of, and then shows as a mixture of
the two, or outside, and then readings jump. Where the sensor averages the part c of each update T, and steps
come at any phase, c of them are mixed. Mixtures within a tenth of a level cannot be told from it, so that

    c = mixed steps / (0.8 x all clear steps).

A mean of all of the time has mixtures at most steps. A load in step with the sensor has all its steps at one
phase, and tells nothing: its steps are whole numbers of one period apart.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..arrays import Bools
from ..trace.series import I64
from .brackets import F64

_ALIKE = 0.05  # of a step, by which two readings of one level differ at most
_LEVEL = 0.1  # of a step, within which a reading is of a level
_ENOUGH = 12  # clear steps
_LOCKED = 0.8  # share of steps at one phase of the usual distance between them: a load is in step
_AT_MOST = 0.5  # c, at 99.9 %: the steps of a load of two phases are mixed at one of them, at least
_SURE = 3.1  # standard deviations, for 99.9 %
_LEAST = 0.05  # c: some of the time is looked at
_STEP = 20.0  # times the noise of a reading


def averaged_part(watts: F64, is_next: Bools, noise_w: float) -> float | None:
    """Which part of each update readings are means of, where they show that it is less than half; else None.

    Args:
        watts: float64[n], one for each update.
        is_next: bool[n - 1], whether each reading but the first came an update after the one before.
        noise_w: Of a reading.
    """
    if len(watts) < 5:
        return None
    before, start, at, end, after = sliding_window_view(watts, 5).T
    step = end - start
    size = np.abs(step)
    is_clear = sliding_window_view(is_next, 4).all(1) & (size > _STEP * noise_w)
    is_clear &= (np.abs(start - before) < _ALIKE * size) & (np.abs(after - end) < _ALIKE * size)
    part = np.divide(at - start, step, out=np.zeros(len(step)), where=is_clear)
    is_mixed = is_clear & (part > _LEVEL) & (part < 1 - _LEVEL)
    is_step = is_mixed | (is_clear & (part >= 1 - _LEVEL) & (part < 1 + _LEVEL))
    n, mixed = int(is_step.sum()), int(is_mixed.sum())
    if n < _ENOUGH:
        return None
    # Wilson's upper limit of the share that is mixed.
    share, z2 = mixed / n, _SURE**2
    most = (share + z2 / (2 * n) + _SURE * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    if most > _AT_MOST * (1 - 2 * _LEVEL) or _is_in_step(np.flatnonzero(is_step & (step > 0))):
        return None
    return max(share / (1 - 2 * _LEVEL), _LEAST)


def _is_in_step(ups: I64) -> bool:
    """Whether steps upwards come at one phase, which may be the bound of two updates."""
    if len(ups) < 2:
        return True
    usual = int(np.bincount(np.diff(ups)).argmax())
    phases = np.bincount(ups % usual, minlength=usual)
    return bool((phases + np.roll(phases, 1)).max() > _LOCKED * len(ups))
