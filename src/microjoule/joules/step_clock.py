"""The steps of a server that batches continuously, from when its answers began and ended.

In each step every answer under way gets one token. So between the first token and the end of request i lie as
many steps as it has further tokens, o_i - 1, and the requests of a log count the steps of one another: with
sixteen or more at once most steps end with the beginning or the end of some answer. What lies between two
such instants, x steps in the time d, is found in two stages.

* A step takes a + b m, with m answers under way, and c more for each prompt token that it computes. The three
  come from all answers at once: end_i - first_i = a (o_i - 1) + b M_i + c P_i, with M_i the tokens of all
  answers and P_i the prompts meanwhile, by non-negative least squares.
* Where nobody waits x is d / (a + b m), rounded. Elsewhere it is one at least, that many at most, and first
  taken so that d - x (a + b m) is the time of the prompts that end there. Then each answer's steps are
  brought to o_i - 1 by the share of the room that its intervals have, all answers at once, again and again
  (as SIRT does in tomography: Gilbert, J. Theor. Biol. 36, 1972, doi 10.1016/0022-5193(72)90180-4).

The time that an interval has beyond its steps' own is *excess*: in it prompts were computed, and at the end
of the interval, where the step that ended them lies. Where the pieces of answers have times, each is a step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..trace.series import I64
from ..units import NS_PER_S, NS_PER_US
from .nnls import nnls
from .requests import SHORTEST_NS, Requests, StepClock, computed, decoded

F64 = npt.NDArray[np.float64]

_FEWEST = 16  # answers of more than one token, below which steps are not looked for
_ROUNDS = 400
_CLOSE = 0.1  # of a step, root mean square, by which answers may be missed
_LITTLE = 1e-9  # of a step
_SAME_NS = SHORTEST_NS // 2
_LEAST_NS = 10 * NS_PER_US  # of excess where a prompt is computed and nothing else
_SLOPE = 1e-6  # at which excess goes on where there is none, so that each of its values has one instant


class _Cost(NamedTuple):
    """What a step takes, in ns: by itself, for each answer, and for each prompt token."""

    step: float
    answer: float
    token: float


class _Intervals(NamedTuple):
    """The n intervals between neighbouring instants at which some step ended.

    Attributes:
        at_ns: int64[n + 1].
        answers: int64[n], under way.
        is_waiting: bool[n], whether some prompt waited or was computed, for part of it at least.
        begin: int64[requests], the interval after each first token.
        end: int64[requests], the one after each end.
    """

    at_ns: I64
    answers: I64
    is_waiting: npt.NDArray[np.bool_]
    begin: I64
    end: I64

    @property
    def long_ns(self) -> F64:
        """float64[n]: how long they are."""
        return np.diff(self.at_ns).astype(np.float64)


def step_clock(of: Requests) -> StepClock | None:
    """The clock of a server's steps; None: the log shows too little of them.

    Args:
        of: The requests.
    """
    if int((of.output > 1).sum()) < _FEWEST:
        return None
    cost = _cost(of)
    intervals = _intervals(of)
    if not cost.step or len(intervals.answers) < _FEWEST:
        return None
    own_ns: F64 = cost.step + cost.answer * intervals.answers.astype(np.float64)
    if any(map(len, of.pieces_ns)):
        steps = _seen(of, intervals)
        return _clock(of, intervals, _own_ns(intervals, steps, own_ns), steps)
    return _clock(of, intervals, own_ns, _counted(of, intervals, own_ns, cost.token))


def _cost(of: Requests) -> _Cost:
    """What steps take, from how long answers took."""
    long_ns = (of.end_ns - of.first_ns).astype(np.float64)
    some = np.flatnonzero((of.output > 1) & (long_ns > 0))
    order = np.argsort(of.first_ns, kind="stable")
    prompts = np.concatenate(([0.0], np.cumsum(computed(of)[order])))
    until, since = (
        prompts[np.searchsorted(of.first_ns[order], t + _SAME_NS, "right")] for t in (of.end_ns, of.first_ns)
    )
    tokens = decoded(of, np.arange(len(of)), None)
    answers = tokens.until(of.end_ns) - tokens.until(of.first_ns)
    design = np.stack((of.output - 1.0, answers, until - since), axis=1)[some]
    # A duration's doubt grows with its root: it is a sum of steps.
    weight = 1.0 / np.sqrt(long_ns[some])
    return _Cost(*nnls(design * weight[:, None], long_ns[some] * weight).tolist())


def _intervals(of: Requests) -> _Intervals:
    times = np.sort(np.concatenate((of.first_ns, of.end_ns, *of.pieces_ns)))
    # Of what is seen within half a millisecond or so the last one is when the step ended.
    at = times[np.append(np.diff(times) >= SHORTEST_NS, True)]
    first, end, start = (np.sort(each) for each in (of.first_ns, of.end_ns, of.start_ns))
    middle = at[:-1] + np.diff(at) // 2
    answers = np.searchsorted(first, middle, "right") - np.searchsorted(end, middle, "right")
    sent = np.searchsorted(start, at[1:] - SHORTEST_NS, "right")
    begun = np.searchsorted(first, at[:-1] + _SAME_NS, "right")
    begin, last = (np.searchsorted(at, t - _SAME_NS) for t in (of.first_ns, of.end_ns))
    return _Intervals(at, answers, sent > begun, begin, last)


def _own_ns(intervals: _Intervals, steps: F64, else_ns: F64) -> F64:
    """float64[n]: what a step without prompts takes, from intervals of few steps in which nobody waits."""
    free = (intervals.answers > 0) & ~intervals.is_waiting & (np.abs(steps - 2.0) < 1.5)
    if int(free.sum()) < _FEWEST:
        return else_ns
    design = np.stack((steps[free], steps[free] * intervals.answers[free]), axis=1)
    weight = 1.0 / np.sqrt(steps[free])
    step, answer = nnls(design * weight[:, None], intervals.long_ns[free] * weight).tolist()
    found: F64 = step + answer * intervals.answers.astype(np.float64)
    return found if step > 0 else else_ns


def _seen(of: Requests, intervals: _Intervals) -> F64:
    """float64[n]: steps, where pieces show them: tokens by answers under way."""
    counts = np.array([len(each) for each in of.pieces_ns])
    each = np.repeat(np.maximum(of.output - 1, 0) / np.maximum(counts, 1), counts)
    number = np.searchsorted(intervals.at_ns, np.concatenate(of.pieces_ns) - _SAME_NS) - 1
    n = len(intervals.answers)
    tokens = np.bincount(np.clip(number, 0, n - 1), each, n)
    found: F64 = np.where(intervals.answers > 0, tokens / np.maximum(intervals.answers, 1), 0.0)
    return found


def _counted(of: Requests, intervals: _Intervals, own_ns: F64, token_ns: float) -> F64:
    """float64[n]: steps, so that each answer has as many as it has tokens."""
    n, long_ns = len(intervals.answers), intervals.long_ns
    wanted = np.maximum(of.output - 1, 0).astype(np.float64)
    some = np.flatnonzero((wanted > 0) & (intervals.end > intervals.begin))
    begin, end, wanted = intervals.begin[some], intervals.end[some], wanted[some]
    is_busy = intervals.answers > 0
    least = np.where(is_busy, 1.0, 0.0)
    most = np.where(is_busy, np.maximum(long_ns / own_ns, 1.0), 0.0)
    prompts_ns = token_ns * np.bincount(np.maximum(intervals.begin - 1, 0), computed(of), n)[:n]
    free = is_busy & ~intervals.is_waiting
    steps = np.clip((long_ns - prompts_ns) / own_ns, least, most)
    steps[free] = np.maximum(np.rint(most[free]), 1.0)
    least[free] = most[free] = steps[free]
    answers = np.maximum(_over(begin, end, np.ones(len(some)), n), 1.0)
    for _ in range(_ROUNDS):
        missing = wanted - _between(steps, begin, end)
        if np.sqrt(np.mean(missing**2)) < _CLOSE:
            break
        up, down = most - steps, steps - least
        room = np.where(missing > 0, _between(up, begin, end), _between(down, begin, end))
        share = np.clip(missing / np.maximum(room, _LITTLE), -1.0, 1.0)
        by = _over(begin, end, np.where(room > _LITTLE, share, 0.0), n) / answers
        steps = steps + np.where(by > 0, up, down) * by
    return steps


def _between(values: F64, begin: I64, end: I64) -> F64:
    """float64: the sums of values from one interval to before another."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    found: F64 = sums[end] - sums[begin]
    return found


def _over(begin: I64, end: I64, values: F64, n: int) -> F64:
    """float64[n]: in each interval the sum of the values that reach over it."""
    found: F64 = np.cumsum(np.bincount(begin, values, n + 1) - np.bincount(end, values, n + 1))[:n]
    return found


def _clock(of: Requests, intervals: _Intervals, own_ns: F64, steps: F64) -> StepClock | None:
    """Steps and excess as they go on; each interval in two, of which the second one computes the prompts."""
    at, long_ns, waiting = intervals.at_ns, intervals.long_ns, intervals.is_waiting
    is_alone = (intervals.answers == 0) & waiting
    excess = np.where(waiting, np.maximum(long_ns - np.where(is_alone, 1.0, steps) * own_ns, 0.0), 0.0)
    # Where nothing else goes on a prompt is computed from its sending on, or at once if it waits already.
    start, first = np.sort(of.start_ns), np.sort(of.first_ns)
    before = np.searchsorted(start, at[:-1])
    has_waited = before > np.searchsorted(first, at[:-1] + _SAME_NS, "right")
    since = np.where(has_waited, at[:-1], start[np.minimum(before, len(start) - 1)])
    excess = np.where(is_alone, np.maximum(np.minimum(excess, at[1:] - since - own_ns), _LEAST_NS), excess)
    total = float(excess.sum())
    if not total:
        return None
    ends_one = np.bincount(intervals.begin, minlength=len(at))[1:] > 0
    split = np.clip(at[1:] - np.rint(excess + own_ns).astype(np.int64), at[:-1], at[1:] - 1)
    split = np.where(ends_one & (steps + is_alone >= 1.0), split, at[:-1])
    before = np.where(split > at[:-1], np.maximum(steps - 1.0, 0.0), 0.0)
    times = np.concatenate((at[:1], np.stack((split, at[1:]), axis=1).ravel()))
    done = np.stack((before, steps - before), axis=1).ravel()
    late = np.stack((np.zeros(len(excess)), excess), axis=1).ravel()
    late = np.concatenate(([0.0], np.cumsum(late))) + _SLOPE * (times - times[0])
    # The prompts of the first step that the log shows were computed before the clock begins.
    rate = float(computed(of)[of.first_ns > at[0]].sum()) / total * NS_PER_S
    if not rate:
        return None
    return StepClock(times.astype(np.float64), np.concatenate(([0.0], np.cumsum(done))), late, rate)
