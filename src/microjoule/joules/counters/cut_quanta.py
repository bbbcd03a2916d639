"""Quanta of which readings saw only the end or only the beginning. Pure.

A counter of single quanta stands still while the next one fills. Where readings end meanwhile, between
nothing and a quantum was gained since the last one that they show; so it is in front of the first one. Of
power that goes on it is w/T of one: w was waited from the shown quantum to the end of the readings, and T is
how long the quanta next to it took. How well T tells that is seen in how alike these were; of one alone, or
none, little is known. A wait that is longer than such quanta take says that power fell. Then, and where they
tell less than that, the quantum may have any part of itself at the end: half of it, ± 1/√12.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ...trace.series import I64
from ..estimates.uncertainty import ROOT_12
from .update_times import F64, UpdateTimes

_NEAR = 8  # quanta next to an end that tell how long it takes to fill one
_LATEST = 3  # of them: those whose mean time is taken
_MOSTLY = 0.75  # of the steps there that are single quanta, at least
_SURELY = 3.0  # standard uncertainties, by which a wait is longer than quanta take


class CutQuantum(NamedTuple):
    """A quantum that was filling as readings began or ended.

    Attributes:
        length_ns: From the shown quantum next to it to where it was, or will be, full; 0: there is none.
        waited_ns: And to the end of the readings.
        unknown: Standard uncertainty of the part of it on this side of that end, 0 to 1.
    """

    length_ns: float
    waited_ns: float
    unknown: float

    def unknown_at(self, x_ns: F64) -> F64:
        """float64[n]: the same of the part up to instants, seen from the shown quantum."""
        found: F64 = np.minimum(x_ns / self.waited_ns, 1.0) * self.unknown
        return found


NONE = CutQuantum(0.0, 1.0, 0.0)


class CutQuanta:
    """The quanta that were filling at the first reading and at the last one, worked out when asked for.

    Args:
        times: The updates that readings show, one at least.
        total: Tells counts after updates by their numbers.
        quantum: The smallest step of the counter, in counts.
        goes_on: Tells whether it counts on unseen behind the last update, so that no quantum is cut there.
    """

    def __init__(
        self, times: UpdateTimes, total: Callable[[I64], I64], quantum: int, goes_on: Callable[[], bool]
    ) -> None:
        self._times, self._total, self._quantum, self._goes_on = times, total, quantum, goes_on
        self._last = len(times) - 1

    @cached_property
    def first(self) -> CutQuantum:
        """That at the first reading."""
        return self._at(np.arange(min(_NEAR, self._last) + 1), self._times.first_ns)

    @cached_property
    def last(self) -> CutQuantum:
        """That at the last one."""
        if self._goes_on():
            return NONE
        return self._at(self._last - np.arange(min(_NEAR, self._last) + 1), self._times.last_ns)

    def _at(self, k: I64, end_ns: int) -> CutQuantum:
        """That at one end, by the updates next to it, the nearest first."""
        at_ns, steps = self._times.located(k).t_ns, self._total(k) - self._total(k - 1)
        lengths_ns = np.abs(np.diff(at_ns)).astype(np.float64)
        return cut_quantum(lengths_ns, steps / self._quantum, float(abs(end_ns - at_ns[0])))

    def unknown(self, left: I64, x_ns: F64, length_ns: F64) -> F64:
        """float64[n], counts: standard uncertainty of what a cut quantum had between its update and instants.

        Args:
            left: int64[n], the number of the update before each instant; -1: before the first.
            x_ns: float64[n], from there to the instant.
            length_ns: float64[n], and to the next update.
        """
        found, is_first, is_last = np.zeros(len(left)), left < 0, left == self._last
        if is_first.any():
            found = np.where(is_first, self.first.unknown_at(length_ns - x_ns), found)
        if is_last.any():
            found = np.where(is_last, self.last.unknown_at(x_ns), found)
        return found * self._quantum


def cut_quantum(lengths_ns: F64, steps: F64, waited_ns: float) -> CutQuantum:
    """The quantum at an end of readings.

    :data:`NONE`: the counter grows by more than single quanta there, or it shows none.

    Args:
        lengths_ns: float64[n], how long the steps next to the end took, the nearest first.
        steps: float64[n + 1], quanta: the steps at their ends, the nearest to the end of the readings first.
        waited_ns: From the shown quantum to the end of the readings.
    """
    if waited_ns <= 0 or steps[0] > 1 or np.mean(steps <= 1) < _MOSTLY or steps.max() < 1:
        return NONE
    n, each_ns = len(lengths_ns), lengths_ns / np.maximum(steps[1:], 1)
    if n:
        usual_ns = max(float(each_ns[:_LATEST].mean()), 1.0)
        square = float(np.square(each_ns / usual_ns - 1.0).sum()) / max(n - 1, 1) * (1 + 1 / n)
        unlike = math.hypot(1 / ROOT_12 / n, math.sqrt(square))  # nothing seen: any part; n alike: 1/n of it
        length_ns = max(usual_ns, waited_ns)
        unknown = unlike * waited_ns / length_ns
        if waited_ns <= usual_ns * (1 + _SURELY * unlike) and unknown < 1 / ROOT_12:
            return CutQuantum(length_ns, waited_ns, unknown)
    return CutQuantum(2.0 * waited_ns, waited_ns, 1 / ROOT_12)
