"""By how much a GPU's counter trails the energy it reports, learnt from windows that hold their work. Pure.

A window that waited for its devices, or was timed by their events, lasts from where power changed to where it
changed again. So if each set of windows under way has one mean power P_s, what the counter gained between its
updates at t_k follows how long each set lasted there, S_s,

    C(t_k) - C(t_k-1) = Σ P_s (S_s(t_k - L) - S_s(t_k-1 - L)) + rest,

best at the lag L. The powers are profiled out, so that each L leaves a sum of squares, and the least of these
tells L (:mod:`.lag_search`). Where windows and the time between them draw the same, nothing tells the lag,
and it matters to no figure.

A window holds its work, which may begin later than it, by what the host took to launch it, and end earlier.
So where power rises trails beginnings by the lag or more, and where it falls trails ends by the lag or less:
the lag lies between what ends and what beginnings tell. Both are searched for windows that are longer than
their work by any of some times, and each lag has the least that it leaves for one of them.

:mod:`.lag` needs windows that are longer than the declared lag and five updates, and bounds what is
guaranteed. This one needs 24 edges of any length. It places the figure and is in its 95 % interval alone.

Reads in step with updates leave all of them off by the same. The lag is off by as much, the other way, so no
figure of the trace is: it is added where the lag itself is stated (:func:`common_ns`), and to no figure. One
late read may tell where the updates around it were, and the lag is that of updates in the middle between two
reads. So all stay there (:func:`are_in_step`).

Decision: windows that waited for nothing tell nothing here. A launch returns before the kernel runs, and the
lag would be that of the kernel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple, Protocol

import numpy as np

from ...channel import Timing
from ...trace.series import I64
from ...trace.window import Window
from ...trace.window_columns import WindowColumns
from ...units import NS_PER_MS
from ..counters.counter import Counter
from ..counters.lag import ALIKE, SHARED
from ..counters.update_record import UpdateRecord
from ..estimates.brackets import F64
from ..estimates.lag_search import (
    NEARLY,
    SOURCE,
    half_width_ns,
    is_possible,
    of_least,
    with_seen,
    without_one,
)
from ..estimates.uncertainty import ROOT_3, ROOT_12
from ..profiling.occupancy import Events, Occupancy, together

LEAST_NS = 5 * NS_PER_MS  # of a declared lag that is worth it: of GPUs
SYNCHRONISED = "synchronised"  # attribute of windows
_STEP_NS = 2 * NS_PER_MS
_EARLY, _LATE = 1, 2  # declared lags, by which work may end before its windows, and begin after them
_HELD = (0, 1, 2, 4, 7, 10, 14, 20, 28, 40, 56)  # of steps: windows may be so much longer than their work
_EDGES, MOST = 24, 2048  # of windows that are needed, and that are taken
_NAMES, _STATES = 6, 12  # names that have their own power, the rest together; sets of them
_BLOCKS, FEWEST, _LEAST, _LONGEST = 16, 4, 4, 256  # blocks of updates, and updates of a block
_SURE = 3.2  # standard uncertainties of the jackknife for 95 %: Student, of four blocks
_NEAR = 0.25  # of what the worst lag leaves more than the best: a valley that leaves more is the noise's
_RUN = 24  # updates, by whose scatter one sees whether reads are in step with them
_SURE_OF_ONE = ROOT_3  # standard uncertainties of a rectangular one that hold all of it
_OWN = 0.05  # of an update, by which power may change earlier or later than a window's edge


def lag_of_windows(counter: Counter, record: UpdateRecord, windows: WindowColumns) -> Timing:
    """The timing of a counter with the lag that its windows show; as it is where they tell no more of it.

    Args:
        counter: The counter.
        record: Its updates.
        windows: Of the program.
    """
    timing, declared_ns = counter.channel.timing, counter.declared.lag_ns
    if declared_ns < LEAST_NS or timing.half_lag_ns <= _STEP_NS:
        return timing
    told = windows.each(windows.mentioning(SYNCHRONISED))
    able = (each for each in told if each.attributes.get(SYNCHRONISED) is True and not each.is_open)
    known = list(islice(able, MOST))
    if 2 * len(known) < _EDGES:
        return timing
    # No lag is shorter than the shortest, but what is not known of all updates together may make it seem so.
    off_ns = common_ns(counter, record) if are_in_step(counter, record) else 0.0
    found = _seen(counter, record, known, off_ns)
    if found is None or timing.likely_lag_ns is not None:
        return timing if found is None else with_seen(timing, *found, SOURCE, off_ns)
    # Nothing measured it: a longer one that windows show takes the place of the one that is assumed.
    low_ns, high_ns = round(found[0] - found[1]), round(found[0] + found[1])
    is_new = found[1] < timing.half_lag_ns
    return timing.with_longest_lag(high_ns).with_likely_lag(low_ns, high_ns, SOURCE) if is_new else timing


def _seen(
    counter: Counter, record: UpdateRecord, windows: Sequence[Window], off_ns: float
) -> tuple[float, float] | None:
    """The lag, which may seem ``off_ns`` shorter, and its half-width at 95 %; None: nothing shows it."""
    declared_ns = counter.declared.lag_ns
    shifts = np.arange(-_EARLY * declared_ns, _LATE * declared_ns + _STEP_NS, _STEP_NS)
    edges, widths, total = record.columns()
    edges = edges + counter.declared.middle_lag_ns
    first, last = windows[0].t0_ns - declared_ns, max(each.t1_ns for each in windows) + declared_ns
    inside = (edges + shifts[0] >= first) & (edges - shifts[-1] <= last)
    edges, widths, total = edges[inside], widths[inside], total[inside]
    at = in_blocks(len(edges) - 1)
    if len(at) < FEWEST:
        return None
    asked = edges[np.column_stack((at, at[:, -1] + 1))], np.diff(total)[at] * 1.0, shifts
    between = int(edges[0]) - 2 * declared_ns, int(edges[-1]) + 2 * declared_ns
    steps = held(windows, _STEP_NS, _HELD)
    of_ends = [_Normal(_states(windows, n * _STEP_NS, *between), *asked) for n in steps]
    found = lag_between(of_ends, steps, shifts, at.shape)
    if found is None:
        return None
    own_ns = _OWN * counter.usual_ns + float(np.median(widths)) / math.sqrt(12.0 * len(at))
    low_ns = max(found[0] - own_ns, counter.channel.timing.lag_min_ns - off_ns)
    high_ns = found[1] + own_ns
    return None if high_ns < low_ns else ((high_ns + low_ns) / 2, max(high_ns - low_ns, own_ns) / 2)


def common_ns(counter: Counter, record: UpdateRecord) -> float:
    """By how much updates may all be early or late at 95 %, which no reading tells: half-width, nanoseconds.

    Args:
        counter: The counter.
        record: Its updates.
    """
    edges, widths, _ = record.columns()
    size = min(len(edges), _RUN)
    if size < 2 or not counter.usual_ns:
        return 0.0
    alone_ns = float(np.median(widths)) / ROOT_12
    runs = edges[: len(edges) // size * size].reshape(-1, size)
    off_ns = runs - runs[:, :1]
    off_ns = off_ns - np.rint(off_ns / counter.usual_ns) * counter.usual_ns
    scatter_ns = float(np.median(off_ns.std(1)))
    return _SURE_OF_ONE * alone_ns * (SHARED if scatter_ns >= ALIKE * alone_ns else 1.0)


def are_in_step(counter: Counter, record: UpdateRecord) -> bool:
    """Whether the reads of a whole trace came in step with the updates: nowhere one earlier or later.

    Args:
        counter: The counter.
        record: Its updates.
    """
    edges, widths, _ = record.columns()
    if len(edges) < _RUN or not counter.usual_ns:
        return False
    apart = np.diff(edges)
    number = np.concatenate(([0.0], np.cumsum(np.rint(apart / counter.usual_ns))))
    since_ns = (edges - edges[0]).astype(np.float64)
    off_ns = since_ns - np.polyval(np.polyfit(number, since_ns, 1), number)
    return float(off_ns.std()) < ALIKE * float(np.median(widths)) / ROOT_12


class Left(Protocol):
    """What lags leave unexplained of blocks of looks."""

    def left(self, weights: F64) -> F64:
        """float64[shifts]: the sum of squares that each lag leaves of blocks of these weights."""


def in_blocks(n: int) -> I64:
    """int64[blocks, size]: which of n successive looks of a sensor are of which block."""
    size = int(np.clip(n // _BLOCKS, _LEAST, _LONGEST))
    starts = np.arange(0, n - size + 1, size)[:_BLOCKS]
    return np.asarray(starts[:, None] + np.arange(size))


def held(windows: Sequence[Window], step_ns: int, able: Sequence[int]) -> list[int]:
    """By how many steps windows may be longer than their work: by no more than half of short ones.

    Args:
        windows: That hold their work.
        step_ns: A step.
        able: The numbers to choose from, of which 0 is the first.
    """
    shortest = float(np.quantile([each.duration_ns for each in windows], 0.25))
    return [n for n in able if n * step_ns <= shortest / 2]


def lag_between(
    of_ends: Sequence[Left],
    held_steps: Sequence[int],
    shifts_ns: I64,
    shape: tuple[int, ...],
    *,
    more: float = 0.0,
    clear: float = 1.0,
) -> tuple[float, float] | None:
    """The least lag that ends of windows tell and the most that beginnings do, at 95 %; None: nothing tells.

    Args:
        of_ends: What lags of ends leave, for each time by which windows may be longer than their work.
        held_steps: These times, in steps of the lags.
        shifts_ns: int64[shifts], the lags, evenly spaced.
        shape: How many blocks of looks there are, of how many looks.
        more: Of the squares that are left: a lag that leaves so much more is possible, whatever their number.
        clear: Of what the worst lag leaves: where the best leaves more, nothing follows the windows.
    """
    every = np.ones(shape[0])
    least = np.array([each.left(every).min() for each in of_ends])
    if len(of_ends) > 1 and least[-1] * (1 + NEARLY / math.prod(shape)) < least[:-1].min():
        return None  # they are longer than that
    of_begins = [_Later(*each) for each in zip(of_ends, held_steps, strict=True)]
    found = []
    for each in (of_ends, of_begins):
        squares = _Squares(each, shifts_ns)
        left, lag, known = squares.left(every), squares.best(every), without_one(squares.best, shape[0])
        if lag is None or known is None or left.min() > clear * left.max():
            return None
        near = left <= left.min() + _NEAR * (left.max() - left.min())
        possible = near & is_possible(left, math.prod(shape)) | (left <= (1 + more) * left.min())
        half_ns = half_width_ns(lag, _SURE, known, shifts_ns[possible])
        found += [lag - half_ns, lag + half_ns]
    return found[0], found[-1]


def _states(windows: Sequence[Window], after_ns: int, t0_ns: int, t1_ns: int) -> Occupancy:
    """Whose work was under way, and when; names with the least time are one, and so are sets of them."""
    lasted: dict[str, int] = {}
    for each in windows:
        lasted[each.name] = lasted.get(each.name, 0) + each.duration_ns
    kept = sorted(lasted, key=lambda name: -lasted[name])[:_NAMES]
    number = [kept.index(each.name) if each.name in kept else len(kept) for each in windows]
    names = (*kept, "") if len(lasted) > len(kept) else tuple(kept)
    t0, t1 = (np.array([getattr(each, end) for each in windows], np.int64) for end in ("t0_ns", "t1_ns"))
    t0, name = np.minimum(t0 + after_ns, t1), np.array(number, np.int64)
    return together(Events(names, name, t0, t1, np.zeros(len(name), np.int64)), t0_ns, t1_ns)


class _Normal:
    """The normal equations of what a counter gained on how long each state lasted, by lag and block.

    Args:
        states: What went on.
        edges_ns: int64[blocks, n + 1], from when to when looks that follow one another were.
        gained: float64[blocks, n], counts meanwhile.
        shifts_ns: int64[shifts], the lags.
    """

    def __init__(self, states: Occupancy, edges_ns: I64, gained: F64, shifts_ns: I64) -> None:
        asked = edges_ns - shifts_ns[:, None, None]
        times = [states.until(state, asked.ravel()) for state in range(min(len(states.states), _STATES))]
        lasted = np.stack([np.diff(each.reshape(asked.shape)) for each in times]).astype(np.float64)
        self._normal = np.einsum("ilbk,jlbk->lbij", lasted, lasted)
        self._right = np.einsum("ilbk,bk->lbi", lasted, gained)
        self._whole = (gained * gained).sum(1)

    def left(self, weights: F64) -> F64:
        """float64[shifts]: the sum of squares that each lag leaves of blocks of these weights."""
        normal = np.einsum("lbij,b->lij", self._normal, weights)
        right = np.einsum("lbi,b->li", self._right, weights)
        solid = np.einsum("lii->l", normal) * 1e-9  # of a set that is under way in no block
        normal = normal + solid[:, None, None] * np.eye(normal.shape[1])
        power = np.linalg.solve(normal, right[..., None])[..., 0]
        found: F64 = np.maximum(float(self._whole @ weights) - (power * right).sum(1), 0.0)
        return found


class _Later(NamedTuple):
    """The same by the lag of beginnings, which is so many steps longer than that of ends."""

    of_ends: Left
    steps: int

    def left(self, weights: F64) -> F64:
        """float64[shifts]: as of :class:`Left`; the most of all where nothing was asked for."""
        left = self.of_ends.left(weights)
        return np.concatenate((np.full(self.steps, left.max()), left))[: len(left)]


class _Squares(NamedTuple):
    """What each lag leaves, by however much windows are longer than their work.

    Attributes:
        of: For each such time.
        shifts_ns: int64[shifts], the lags.
    """

    of: Sequence[Left]
    shifts_ns: I64

    def left(self, weights: F64) -> F64:
        """float64[shifts]: the least sum of squares of each lag."""
        found: F64 = np.min([each.left(weights) for each in self.of], axis=0)
        return found

    def best(self, weights: F64) -> float | None:
        """The lag that leaves least; None: it is at an end of those asked for."""
        return of_least(self.left(weights), self.shifts_ns)
