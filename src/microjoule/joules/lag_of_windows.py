"""By how much a GPU's counter trails the energy it reports, learnt from windows that hold their work. Pure.

A window that waited for its devices, or was timed by their events, lasts from where power changed to where it
changed again. So if each set of windows under way has one mean power P_s, what the counter gained between its
updates at t_k follows how long each set lasted there, S_s,

    C(t_k) - C(t_k-1) = Σ P_s (S_s(t_k - L) - S_s(t_k-1 - L)) + rest,

best at the lag L. The powers are profiled out, so that each L leaves a sum of squares, and the least of these
tells L (:mod:`.lag_search`). Where windows and the time between them draw the same, nothing tells the lag,
and it matters to no figure. A window that waited may have begun before its work did, by what the host took
to launch it: each lag has the least that it leaves for any such time.

:mod:`.lag` needs windows that are longer than the declared lag and five updates, and bounds what is
guaranteed. This one needs 24 edges of any length. It places the figure and is in its 95 % interval alone.

Decision: windows that waited for nothing tell nothing here. A launch returns before the kernel runs, and the
lag would be that of the kernel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple, Protocol

import numpy as np

from ..channel import Timing
from ..trace.series import I64
from ..trace.window import Window
from ..trace.window_columns import WindowColumns
from ..units import NS_PER_MS
from .brackets import F64
from .counter import Counter
from .lag_search import half_width_ns, is_possible, of_least, with_seen, without_one
from .occupancy import Events, Occupancy, together
from .update_record import UpdateRecord

LEAST_NS = 5 * NS_PER_MS  # of a declared lag that is worth it: of GPUs
SOURCE = "measured at the windows of this trace"
SYNCHRONISED, _OF_EVENTS = "synchronised", "device_u_ns"  # attributes of windows
_LAUNCHED_NS = (0, 2 * NS_PER_MS, 5 * NS_PER_MS, 10 * NS_PER_MS, 20 * NS_PER_MS, 50 * NS_PER_MS)
_STEP_NS = 2 * NS_PER_MS
_EDGES, MOST = 24, 2048  # of windows that are needed, and that are taken
_NAMES, _STATES = 6, 12  # names that have their own power, the rest together; sets of them
_BLOCKS, FEWEST, _LEAST, _LONGEST = 16, 4, 4, 256  # blocks of updates, and updates of a block
_SURE = 3.0  # standard uncertainties of a jackknife over some blocks, for 95 %
_OWN = 0.05  # of an update, by which power may change earlier or later than a window's edge


def lag_of_windows(counter: Counter, record: UpdateRecord, windows: WindowColumns) -> Timing:
    """The timing of a counter with the lag that its windows show; as it is where they show none, or less.

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
    found = _seen(counter, record, known)
    return timing if found is None else with_seen(timing, *found, SOURCE)


class Shown(NamedTuple):
    """A lag as windows show it.

    Attributes:
        lag_ns: The likeliest.
        half_ns: Half-width of its 95 % interval.
        blocks: Of how many blocks of updates.
        left: The squares that it leaves, over those that the worst lag leaves.
    """

    lag_ns: float
    half_ns: float
    blocks: int
    left: float


def _seen(counter: Counter, record: UpdateRecord, windows: Sequence[Window]) -> tuple[float, float] | None:
    """The lag and its half-width at 95 %; None: nothing shows it."""
    declared_ns = counter.declared.lag_ns
    shifts = np.arange(-(declared_ns // 4), declared_ns * 5 // 4 + _STEP_NS, _STEP_NS)
    edges, widths, total = record.columns()
    edges = edges + counter.declared.middle_lag_ns
    first, last = windows[0].t0_ns - declared_ns, max(each.t1_ns for each in windows) + declared_ns
    inside = (edges + shifts[0] >= first) & (edges - shifts[-1] <= last)
    edges, widths, total = edges[inside], widths[inside], total[inside]
    at = in_blocks(len(edges) - 1)
    if len(at) < FEWEST:
        return None
    asked = edges[at], edges[at + 1], np.diff(total)[at] * 1.0, shifts
    between = int(edges[0]) - 2 * declared_ns, int(edges[-1]) + 2 * declared_ns
    by_launch = [_Normal(_states(windows, after_ns, *between), *asked) for after_ns in launched(windows)]
    found = least_left(by_launch, shifts, at.shape, _SURE)
    if found is None:
        return None
    located = float(np.median(widths)) / math.sqrt(12.0 * found.blocks)
    return found.lag_ns, found.half_ns + _OWN * counter.usual_ns + located


class Left(Protocol):
    """What lags leave unexplained of blocks of looks."""

    def left(self, weights: F64) -> F64:
        """float64[shifts]: the sum of squares that each lag leaves of blocks of these weights."""


def in_blocks(n: int) -> I64:
    """int64[blocks, size]: which of n successive looks of a sensor are of which block."""
    size = int(np.clip(n // _BLOCKS, _LEAST, _LONGEST))
    starts = np.arange(0, n - size + 1, size)[:_BLOCKS]
    return np.asarray(starts[:, None] + np.arange(size))


def least_left(
    by_launch: Sequence[Left], shifts_ns: I64, shape: tuple[int, ...], sure: float, more: float = 0.0
) -> Shown | None:
    """The lag that leaves least; None: it is at an end of those asked for, or hangs on one block.

    Args:
        by_launch: For each time from a window's beginning to its work's.
        shifts_ns: int64[shifts], the lags, evenly spaced.
        shape: How many blocks there are, of how many looks.
        sure: Standard uncertainties of the jackknife for 95 %.
        more: Of the squares that are left: a lag that leaves so much more is possible, whatever their number.
    """
    squares, every = _Squares(by_launch, shifts_ns), np.ones(shape[0])
    lag, known = squares.best(every), without_one(squares.best, shape[0])
    if lag is None or known is None:
        return None
    left = squares.left(every)
    possible = shifts_ns[is_possible(left, math.prod(shape)) | (left <= (1 + more) * left.min())]
    half_ns = half_width_ns(lag, sure, known, possible)
    return Shown(lag, half_ns, shape[0], float(left.min() / max(left.max(), 1e-300)))


def launched(windows: Sequence[Window], able_ns: Sequence[int] = _LAUNCHED_NS) -> list[int]:
    """How long after a window's beginning its work may begin: at once where events of the device say when.

    Args:
        windows: That hold their work.
        able_ns: The times to choose from.
    """
    if all(_OF_EVENTS in each.attributes for each in windows):
        return [0]
    shortest = float(np.quantile([each.duration_ns for each in windows], 0.25))
    return [ns for ns in able_ns if ns <= shortest / 2]


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
        t0_ns: int64[blocks, n], when looks began.
        t1_ns: int64[blocks, n], when they ended.
        gained: float64[blocks, n], counts meanwhile.
        shifts_ns: int64[shifts], the lags.
    """

    def __init__(self, states: Occupancy, t0_ns: I64, t1_ns: I64, gained: F64, shifts_ns: I64) -> None:
        asked = np.stack((t0_ns, t1_ns))[:, None] - shifts_ns[:, None, None]
        times = [states.until(state, asked.ravel()) for state in range(min(len(states.states), _STATES))]
        lasted = np.stack([np.diff(each.reshape(asked.shape), axis=0)[0] for each in times]).astype(
            np.float64
        )
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


class _Squares(NamedTuple):
    """What each lag leaves, whenever work began.

    Attributes:
        by_launch: For each time from a window's beginning to its work's.
        shifts_ns: int64[shifts], the lags.
    """

    by_launch: Sequence[Left]
    shifts_ns: I64

    def left(self, weights: F64) -> F64:
        """float64[shifts]: the least sum of squares of each lag."""
        found: F64 = np.min([each.left(weights) for each in self.by_launch], axis=0)
        return found

    def best(self, weights: F64) -> float | None:
        """The lag that leaves least; None: it is at an end of those asked for."""
        return of_least(self.left(weights), self.shifts_ns)
