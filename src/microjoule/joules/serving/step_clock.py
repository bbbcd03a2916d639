"""The steps of a server that batches continuously, from when its answers began and ended.

In each step every answer under way gets one token. So between the first token and the end of request i lie as
many steps as it has further tokens, o_i - 1, and the requests of a log count the steps of one another: with
sixteen or more at once most steps end with the beginning or the end of some answer. What lies between two
such instants, x steps in the time d, is found in two stages.

* A step takes a + b m, with m answers under way, and c more for each prompt token that it computes. The three
  come from all answers at once: end_i - first_i = a (o_i - 1) + b M_i + c P_i, with M_i the tokens of all
  answers and P_i the prompts meanwhile, by non-negative least squares.
* Where nobody waits x is d / (a + b m), rounded. Elsewhere it is one at least, that many at most, and first
  taken so that d - x (a + b m) is the time of the prompts that end there. Then steps are brought to where an
  answer has its o_i - 1, by the least squares of both, all answers at once, with conjugate gradients. This is
  done again with a and b from short intervals in which nobody waits.

At 64 requests at once an answer begins or ends with most steps: there are about as many equations as unknown
intervals, and 99 of 100 intervals have the steps that the server did, where each step gives one token.

The time that an interval has beyond its steps' own is *excess*: in it prompts were computed. A server takes a
prompt up with the first step after its sending, and computes prompts with each step until none are left. From
when nobody waited to when nobody does again all excess is that of the prompts between: it is made so, because
the durations of steps vary. Where the pieces of answers have times, each is a step.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...units import NS_PER_S, NS_PER_US
from ..estimates.nnls import nnls
from .requests import SHORTEST_NS, Requests, StepClock, computed, decoded

F64 = npt.NDArray[np.float64]

_FEWEST = 16  # answers of more than one token, below which steps are not looked for
_ROUNDS = 4  # of bringing steps into their limits and to their answers again
_TURNS, _TOLERANCE = 500, 1e-6  # of one of them
_CLOSE = 0.05  # of a step: uncertainty of an answer's number of them
_U_FREE, _U_LEAST = 0.02, 0.3  # of an interval's steps, where nobody waits and where somebody does, at least
_U_ROOM = 0.25  # of the room that an interval has
_WHOLE = 0.15  # of a step: scatter below which intervals in which nobody waits have whole steps
_LITTLE = 1e-9  # of a step
_NORMAL = 1.4826  # standard deviations of a normal distribution by its median absolute deviation
_SAME_NS = SHORTEST_NS // 2
_APART = 0.4  # of a step, by which instants of two are apart
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


class _Answers(NamedTuple):
    """From which interval to before which each answer went on, and for how many steps."""

    begin: I64
    end: I64
    steps: F64


def step_clock(of: Requests) -> StepClock | None:
    """The clock of a server's steps; None: the log shows too little of them.

    Args:
        of: The requests.
    """
    if int((of.output > 1).sum()) < _FEWEST:
        return None
    cost = _cost(of)
    intervals = _intervals(of, max(SHORTEST_NS, round(_APART * cost.step)))
    if not cost.step or len(intervals.answers) < _FEWEST:
        return None
    own_ns: F64 = cost.step + cost.answer * intervals.answers.astype(np.float64)
    if any(map(len, of.pieces_ns)):
        steps = _seen(of, intervals)
        return _clock(of, intervals, _own_ns(intervals, steps, own_ns), steps)
    steps = _counted(of, intervals, own_ns, cost.token)
    own_ns = _own_ns(intervals, np.rint(steps), own_ns)
    steps = _counted(of, intervals, own_ns, cost.token)
    return _clock(of, intervals, own_ns, steps)


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


def _intervals(of: Requests, apart_ns: int) -> _Intervals:
    """The intervals between instants; what is nearer than that to another belongs to the same step."""
    times = np.sort(np.concatenate((of.first_ns, of.end_ns, *of.pieces_ns)))
    # Of what is seen of one step the last one is when it ended.
    at = times[np.append(np.diff(times) >= apart_ns, True)]
    first, end, start = (np.sort(each) for each in (of.first_ns, of.end_ns, of.start_ns))
    middle = at[:-1] + np.diff(at) // 2
    answers = np.searchsorted(first, middle, "right") - np.searchsorted(end, middle, "right")
    sent = np.searchsorted(start, at[1:] - SHORTEST_NS, "right")
    begun = np.searchsorted(first, at[:-1] + _SAME_NS, "right")
    begin, last = (np.searchsorted(at, t - _SAME_NS) for t in (of.first_ns, of.end_ns))
    return _Intervals(at, answers, sent > begun, begin, last)


def _own_ns(intervals: _Intervals, steps: F64, else_ns: F64) -> F64:
    """float64[n]: what a step without prompts takes, from intervals of few steps in which nobody waits."""
    free = _free(intervals, steps)
    if int(free.sum()) < _FEWEST:
        return else_ns
    design = np.stack((steps[free], steps[free] * intervals.answers[free]), axis=1)
    weight = 1.0 / np.sqrt(steps[free])
    step, answer = nnls(design * weight[:, None], intervals.long_ns[free] * weight).tolist()
    found: F64 = step + answer * intervals.answers.astype(np.float64)
    return found if step > 0 else else_ns


def _free(intervals: _Intervals, steps: F64) -> npt.NDArray[np.bool_]:
    """bool[n]: whether an interval has one step or few, and nobody waits in it."""
    found: npt.NDArray[np.bool_] = (
        (intervals.answers > 0) & ~intervals.is_waiting & (np.abs(steps - 2.0) < 1.5)
    )
    return found


def _scatter(intervals: _Intervals, steps: F64, own_ns: F64) -> float:
    """Of a step's duration where nobody waits, as a part of it; by the median, as tails are no jitter."""
    free = _free(intervals, steps)
    if int(free.sum()) < _FEWEST:
        return math.inf
    counts = np.rint(steps[free])
    away = (intervals.long_ns[free] - counts * own_ns[free]) / (np.sqrt(counts) * own_ns[free])
    return _NORMAL * float(np.median(np.abs(away)))


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
    answers = _Answers(intervals.begin[some], intervals.end[some], wanted[some])
    is_busy = intervals.answers > 0
    least = np.where(is_busy, 1.0, 0.0)
    most = np.where(is_busy, np.maximum(long_ns / own_ns, 1.0), 0.0)
    prompts_ns = token_ns * np.bincount(np.maximum(intervals.begin - 1, 0), computed(of), n)[:n]
    free = is_busy & ~intervals.is_waiting
    steps = np.clip((long_ns - prompts_ns) / own_ns, least, most)
    scatter = float(np.sqrt(np.mean((most - np.rint(most))[free] ** 2))) if free.any() else 0.0
    if scatter < _WHOLE:
        steps[free] = np.maximum(np.rint(most[free]), 1.0)
    u_steps = np.where(is_busy, np.maximum(_U_LEAST, _U_ROOM * (most - least)), _LITTLE)
    u_steps[free] = np.maximum(scatter * np.sqrt(steps[free]), _U_FREE)
    for _ in range(_ROUNDS):
        steps = np.clip(_nearest(steps, u_steps, answers), least, most)
    return steps


def _nearest(steps: F64, u_steps: F64, answers: _Answers) -> F64:
    """float64[n]: the steps nearest to some, by their uncertainty, with which answers have their tokens.

    By conjugate gradients for least squares (Hestenes and Stiefel, J. Res. NBS 49, 1952).
    """
    n = len(steps)
    found = np.zeros(n)
    left = (answers.steps - _between(steps, answers.begin, answers.end)) / _CLOSE
    slope = u_steps * _over(answers.begin, answers.end, left / _CLOSE, n)
    along, size = slope, float(slope @ slope)
    enough = size * _TOLERANCE**2
    for _ in range(_TURNS):
        if size <= enough:
            break
        moved = _between(u_steps * along, answers.begin, answers.end) / _CLOSE
        by = size / float(moved @ moved + along @ along)
        found, left = found + by * along, left - by * moved
        slope = u_steps * _over(answers.begin, answers.end, left / _CLOSE, n) - found
        before, size = size, float(slope @ slope)
        along = slope + size / before * along
    return steps + u_steps * found


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
    """Steps and excess as they go on; each interval in two, of which the second one computes prompts.

    A server takes up a prompt with the first step after its sending, and computes prompts in every step from
    then on, while some are left.
    """
    at, long_ns, waiting = intervals.at_ns, intervals.long_ns, intervals.is_waiting
    is_alone = (intervals.answers == 0) & waiting
    excess = np.where(waiting, np.maximum(long_ns - np.where(is_alone, 1.0, steps) * own_ns, 0.0), 0.0)
    start, first = np.sort(of.start_ns), np.sort(of.first_ns)
    before = np.searchsorted(start, at[:-1])
    has_waited = before > np.searchsorted(first, at[:-1] + _SAME_NS, "right")
    since = np.where(has_waited, at[:-1], start[np.minimum(before, len(start) - 1)])
    excess = np.where(is_alone, np.maximum(np.minimum(excess, at[1:] - since - own_ns), _LEAST_NS), excess)
    # The prompts of the first step that the log shows were computed before the clock begins.
    tokens = np.where(intervals.begin > 0, computed(of), 0.0)
    total = float(excess.sum())
    if not (total and tokens.any()):
        return None
    rate = float(tokens.sum()) / total
    excess = _enough(excess, tokens / rate, np.maximum(intervals.begin - 1, 0), has_waited)
    ends_one = np.bincount(intervals.begin, minlength=len(at))[1:] > 0
    before = np.minimum(np.ceil(np.maximum(since - at[:-1], 0) / own_ns), np.maximum(steps - ends_one, 0.0))
    split = at[:-1] + np.rint(before * own_ns).astype(np.int64)
    split = np.clip(np.where(is_alone, since, split), at[:-1], at[1:] - 1)
    ends = np.stack((split, at[1:]), axis=1).ravel().astype(np.float64)
    done: F64 = np.stack((before, steps - before), axis=1).ravel().astype(np.float64)
    late = np.stack((np.zeros(len(excess)), excess), axis=1).ravel()
    shown = _step_by_step(float(at[0]), ends, done, late)
    return StepClock(*shown, rate * NS_PER_S, _scatter(intervals, steps, own_ns))


def _enough(excess_ns: F64, prompts_ns: F64, at: I64, has_waited: npt.NDArray[np.bool_]) -> F64:
    """float64[n]: excess, so that from when nobody waited to when nobody does prompts have what they need.

    Durations of steps vary. What one had too much or too little would otherwise move all prompts until then.

    Args:
        excess_ns: float64[n], of each interval.
        prompts_ns: float64[requests], what each prompt needs.
        at: int64[requests], the interval at whose end each was computed.
        has_waited: bool[n], whether some prompt waited as an interval began.
    """
    period = np.cumsum(~has_waited)
    needed_ns = np.bincount(period[at], prompts_ns, period[-1] + 1)
    had_ns = np.bincount(period, excess_ns, period[-1] + 1)
    by = np.where((had_ns > _LEAST_NS) & (needed_ns > 0), needed_ns / np.maximum(had_ns, _LEAST_NS), 1.0)
    found: F64 = excess_ns * by[period]
    return found


def _step_by_step(begin_ns: float, ends_ns: F64, steps: F64, excess_ns: F64) -> tuple[F64, F64, F64]:
    """When each step ended, and how many steps and how much excess there were until then.

    Args:
        begin_ns: When the first part begins.
        ends_ns: float64[n], when each part ends.
        steps: float64[n], of each part; they are alike.
        excess_ns: float64[n].
    """
    counts = np.maximum(np.rint(steps), 1.0).astype(np.int64)
    after = np.repeat(np.cumsum(counts), counts) - np.arange(int(counts.sum())) - 1  # more of the same part
    long_ns = np.diff(ends_ns, prepend=begin_ns) / counts
    times = np.repeat(ends_ns, counts) - after * np.repeat(long_ns, counts)
    times = np.concatenate(([begin_ns], times))
    done, late = (
        np.concatenate(([0.0], np.cumsum(np.repeat(each / counts, counts)))) for each in (steps, excess_ns)
    )
    return times, done, late + _SLOPE * (times - times[0])
