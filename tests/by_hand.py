"""A counter with given updates, for figures that are worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from microjoule.joules.counters.budget import Edges
from microjoule.joules.counters.interpolation import Interpolation
from microjoule.joules.counters.update_times import Learned, UpdateTimes
from microjoule.joules.estimates.brackets import Brackets

MS = 1_000_000
APART = 10  # readings, a millisecond each, from one update to the next
HALF_MS = MS // 2  # an update is taken to be so long before the reading that shows it


def interpolation(gained: Sequence[int], goes_on: bool = True, period_ns: float = 0.0) -> Interpolation:
    """Update ``k`` was at ``10 (k + 1) - 0.5`` ms; ``gained[k]`` counts were added to the next one.

    With a period the updates are known to lie on a grid.
    """
    n = len(gained) + 1
    t_ns = np.arange(APART * (n + 1), dtype=np.int64) * MS
    changes = APART * np.arange(1, n + 1)
    total = np.zeros(len(t_ns), np.int64)
    total[changes] = (1, *gained)
    read_ns = np.zeros(len(t_ns), np.uint32)
    times = UpdateTimes(t_ns, read_ns, changes, Learned(period_ns, APART * MS))
    return Interpolation(times, np.array(list(accumulate(total.tolist()))), 1, lambda: goes_on)


def at_ns(k: int, part: float = 0.0) -> int:
    """The instant of update ``k``, or of a part of the way from it to the next one."""
    return APART * MS * (k + 1) - HALF_MS + round(part * APART * MS)


def windows(*spans: tuple[int, int], value: float = 0.0, high: float = math.inf) -> Brackets:
    """Windows of one energy, of which nothing is guaranteed."""
    t0, t1 = (np.array(each, np.int64) for each in zip(*spans, strict=True))
    nothing = np.zeros(len(t0))
    return Brackets(t0, t1, nothing + value, nothing, nothing + high, nothing.astype(np.uint8))


def known(n: int = 1, **columns: float | tuple[float, ...]) -> Edges:
    """Edges of which everything is known but these."""
    numbers = dict.fromkeys(Edges._fields, 0.0) | {"left": 0, "lagged": (0.0,)}
    numbers |= dict.fromkeys(("is_aliased", "is_hidden", "is_of_three"), False) | columns
    return Edges(**{name: np.array([value] * n) for name, value in numbers.items()})
