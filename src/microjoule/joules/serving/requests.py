"""What an inference server had to do at each instant, from the times and the tokens of its requests.

With continuous batching requests overlap, so that a counter between two updates counts the work of many.
What drives its power is how much of which work there was. Four *states* say it:

* *prefill*: prompt tokens computed. Tokens that came from the prefix cache are not among them.
* *decode*: output tokens, without each request's first one, which the prefill gives.
* *running*: request-seconds. Whatever a request costs by being there, as its key-value cache; where
  pieces show the steps, from the step on that follows its sending.
* *idle*: seconds. What is drawn whether there is a request or not.

A request is known by three instants: it was sent, its first token came, it ended. A log seldom says when
a server worked on it in between, and a wrong guess makes a fit's coefficients too small. So there are
schedules, and the readings decide among them (:mod:`.request_shares`):

* Prompts are computed *in turn*, first come, first served (the default of vLLM, SGLang and llama.cpp),
  as fast as the server can: no more than ``rate`` tokens a second, the last ones just before the first
  token comes. Several of one step end together. Where an answer's pieces show the steps, a prefill begins
  with one.
* Or the time that steps took beyond what answers need shows when prompts were computed (:mod:`.step_clock`).
* Or all that wait share each step: then a prefill lasts from sending to the first token.

Output tokens are spread over the pieces of the answer, where their times are known. Otherwise they are spread
over the steps that answers count of one another, or over the time that prefills leave: a step that computes a
prompt takes ten times as long as one that does not, and gives each answer one token all the same.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...units import NS_PER_MS, NS_PER_S
from ...value_class import dataclass

F64 = npt.NDArray[np.float64]

IDLE, RUNNING, PREFILL, DECODE = "idle", "running", "prefill", "decode"
STATES = (IDLE, RUNNING, PREFILL, DECODE)
UNITS = {IDLE: "s", RUNNING: "request-second", PREFILL: "prompt token", DECODE: "output token"}

SHORTEST_NS = NS_PER_MS  # of a prefill: prompts whose first tokens are nearer than that were one batch
_SLOWED = 0.1  # of their speed, answers grow while a prompt is computed
_LEAST_SHOWN = 1.0  # of a clock, for any work: where a clock hardly goes, none of it may be lost
_SECONDS_AROUND = 3600  # beyond requests and span, for which that clock goes on


@dataclass(frozen=True, slots=True, eq=False)
class Requests:
    """Requests, in any order.

    Attributes:
        names: What each is called.
        start_ns: int64[n], CLOCK_MONOTONIC: when each was sent.
        first_ns: int64[n]: when its first token came.
        end_ns: int64[n]: when it ended.
        prompt: int64[n], tokens of its prompt.
        cached: int64[n], those of them that came from the cache.
        output: int64[n], tokens of its answer.
        prefill_ns: int64[n]: when its prefill began, where the log says so; else -1.
        pieces_ns: int64 each: when pieces of its answer came after the first token; empty: it is not known.
    """

    names: tuple[str, ...]
    start_ns: I64
    first_ns: I64
    end_ns: I64
    prompt: I64
    cached: I64
    output: I64
    prefill_ns: I64
    pieces_ns: tuple[I64, ...]

    def __len__(self) -> int:
        return len(self.names)


class StepClock(NamedTuple):
    """When a server did its steps, and what of its time they took beyond what answers need.

    Attributes:
        t_ns: float64[n], ascending, CLOCK_MONOTONIC.
        steps: float64[n], how many steps there were until then.
        excess_ns: float64[n], how much of the time until then prompts took; it rises everywhere.
        rate: Prompt tokens a second of that.
        scatter: Standard deviation of the time that a step seems to take where nobody waits, as a part of it;
            infinite where the log has too few such steps.
    """

    t_ns: F64
    steps: F64
    excess_ns: F64
    rate: float
    scatter: float

    def around(self, shown: F64) -> tuple[F64, F64]:
        """One of the two as a clock that also goes before and after: instants and what it shows.

        Before the first step that the log shows, nothing but prompts can have taken the time.
        """
        far = float(NS_PER_S * _SECONDS_AROUND)
        t_ns = np.concatenate(([self.t_ns[0] - far], self.t_ns, [self.t_ns[-1] + far]))
        return t_ns, np.concatenate(([shown[0] - far], shown, [shown[-1] + far]))


class Schedule(NamedTuple):
    """When a server computed what.

    Attributes:
        in_turn: Whether prompts were computed one after another; else all that waited at once.
        rate: Prompt tokens a second at most; infinite: a prompt has all the time since the one before it.
        clock: The server's steps, in which answers grow; None: they grow in the time that prompts leave.
        by_excess: Whether ``rate`` is of the time beyond what answers need, and not of all time.
    """

    in_turn: bool
    rate: float = math.inf
    clock: StepClock | None = None
    by_excess: bool = False


class Work:
    """Amounts of work, each spread evenly over some time.

    Args:
        begin_ns: int64[k].
        end_ns: int64[k].
        amount: float64[k].
        request: int64[k], whose it is; -1: nobody's.
        clock: A clock that runs slower while others' work goes on: instants, and what it shows then. Work
            is spread evenly over its time. None: one that never does.
    """

    def __init__(
        self, begin_ns: I64, end_ns: I64, amount: F64, request: I64, clock: tuple[F64, F64] | None = None
    ) -> None:
        some = np.flatnonzero(amount > 0)
        begin_ns, end_ns = begin_ns[some], end_ns[some]
        # What takes less than a millisecond began that much sooner: its time is never nothing.
        begin_ns = np.minimum(begin_ns, end_ns - SHORTEST_NS)
        self._origin, self._clock = int(begin_ns.min(initial=0 if not len(some) else 1 << 62)), clock
        self._begin, self._end = self._shown(begin_ns), self._shown(end_ns)
        self._begin = np.minimum(self._begin, self._end - _LEAST_SHOWN)
        self._amount, self._request = amount[some], request[some]
        rate = self._amount / (self._end - self._begin)
        times = np.concatenate((self._begin, self._end))
        order = np.argsort(times, kind="stable")
        slope = np.cumsum(np.concatenate((rate, -rate))[order])[:-1]
        self._times = times[order]
        self._total = np.concatenate(([0.0], np.cumsum(slope * np.diff(self._times))))[: len(times)]

    def _shown(self, t_ns: I64) -> F64:
        """float64: what the clock shows at instants, in ns since the first work."""
        if self._clock is None:
            return (t_ns - self._origin).astype(np.float64)
        found: F64 = np.interp(t_ns - self._origin, self._clock[0] - self._origin, self._clock[1])
        return found

    def until(self, t_ns: I64) -> F64:
        """float64[n]: how much there was before each instant."""
        if not len(self._times):
            return np.zeros(len(t_ns))
        found: F64 = np.interp(self._shown(t_ns), self._times, self._total)
        return found

    def of_each(self, n: int, t0_ns: int, t1_ns: int) -> F64:
        """float64[n]: how much each of n requests had in a span."""
        t0, t1 = self._shown(np.array([t0_ns, t1_ns])).tolist()
        inside = np.clip(self._end, t0, t1) - np.clip(self._begin, t0, t1)
        part = self._amount * inside / (self._end - self._begin)
        mine = self._request >= 0
        found: F64 = np.bincount(self._request[mine], part[mine], n).astype(np.float64)
        return found

    def of_each_weighted(self, n: int, edges_ns: I64, weight: F64) -> F64:
        """float64[n]: how much each of n requests had in a span, of each part of it so much.

        Args:
            n: How many requests there are.
            edges_ns: int64[k + 1], where parts of the span begin and end.
            weight: float64[k].
        """
        edges = self._shown(edges_ns)
        sums = np.concatenate(([0.0], np.cumsum(weight * np.diff(edges))))
        inside = np.interp(self._end, edges, sums) - np.interp(self._begin, edges, sums)
        part = self._amount * inside / (self._end - self._begin)
        mine = self._request >= 0
        found: F64 = np.bincount(self._request[mine], part[mine], n).astype(np.float64)
        return found


def work(of: Requests, schedule: Schedule, span_ns: tuple[int, int]) -> dict[str, Work]:
    """The work of each state.

    Args:
        of: The requests.
        schedule: When prompts were computed.
        span_ns: From when to when the server was observed.
    """
    n = np.arange(len(of))
    t0, t1 = (np.array([t]) for t in span_ns)
    begin, end = prefills(of, schedule)
    steps = schedule.clock
    prefill = Work(
        begin, end, computed(of), n, steps.around(steps.excess_ns) if steps and schedule.by_excess else None
    )
    clock = _time_left(begin, end, span_ns) if schedule.in_turn else None
    if steps:
        clock = steps.around(steps.steps * NS_PER_MS)
    since = _taken_up(of, steps) if steps and schedule.by_excess else of.start_ns
    return {
        IDLE: Work(t0, t1, (t1 - t0) / NS_PER_S, np.array([-1])),
        RUNNING: Work(since, of.end_ns, np.maximum(of.end_ns - since, 0) / NS_PER_S, n),
        PREFILL: prefill,
        DECODE: decoded(of, n, clock),
    }


def _taken_up(of: Requests, steps: StepClock) -> I64:
    """int64[n]: when a server that is in the middle of a step takes up each request: at the next one."""
    start, end = np.sort(of.start_ns), np.sort(of.end_ns)
    others = np.searchsorted(start, of.start_ns, "left") - np.searchsorted(end, of.start_ns, "right")
    at = np.searchsorted(steps.t_ns, of.start_ns.astype(np.float64))
    following = steps.t_ns[np.minimum(at, len(steps.t_ns) - 1)].astype(np.int64)
    following = np.clip(following, of.start_ns, np.maximum(of.first_ns - SHORTEST_NS, of.start_ns))
    return np.where(others > 0, following, of.start_ns)


def computed(of: Requests) -> F64:
    """float64[n]: the tokens of each prompt that did not come from the cache."""
    found: F64 = np.maximum(of.prompt - of.cached, 0).astype(np.float64)
    return found


def prefills(of: Requests, schedule: Schedule) -> tuple[I64, I64]:
    """int64[n] each: from when to when each prompt was computed; as the log says where it does."""
    begin, end = of.start_ns, of.first_ns
    if schedule.in_turn:
        begin = _after_the_last(of)
        if math.isfinite(schedule.rate):
            begin, end = _no_faster(of, begin, schedule)
    is_said = of.prefill_ns >= 0
    return np.where(is_said, of.prefill_ns, begin), np.where(is_said, of.first_ns, end)


def _after_the_last(of: Requests) -> I64:
    """int64[n]: when each prompt was sent, or the one before it gave its first token, whichever is later."""
    order = np.argsort(of.first_ns, kind="stable")
    first = of.first_ns[order]
    # The last first token that came before this one by more than prompts of one step are apart.
    before = np.searchsorted(first, first - SHORTEST_NS, "left") - 1
    found = of.start_ns.copy()
    has = before >= 0
    found[order[has]] = np.maximum(of.start_ns[order[has]], first[before[has]])
    if not any(map(len, of.pieces_ns)):
        return found
    ends = np.sort(np.concatenate((of.first_ns, *of.pieces_ns)))  # of steps
    step = ends[np.minimum(np.searchsorted(ends, found, "left"), len(ends) - 1)]
    return np.where(step < of.first_ns - SHORTEST_NS, step, found)


def _no_faster(of: Requests, begin_ns: I64, schedule: Schedule) -> tuple[I64, I64]:
    """int64[n] each: prefills that end as late as they can without exceeding a rate.

    From the last batch of prompts to the first: what needs more time than it had took some from before.
    """
    order = np.argsort(of.first_ns, kind="stable")
    batch = np.concatenate(([0], np.cumsum(np.diff(of.first_ns[order]) >= SHORTEST_NS)))
    starts = np.flatnonzero(np.diff(batch, prepend=-1))
    if schedule.clock and schedule.by_excess:
        clock = schedule.clock.around(schedule.clock.excess_ns)
        first, sent_at = (np.interp(t.astype(np.float64), *clock) for t in (of.first_ns, of.start_ns))
        found = _latest(
            first[order], first[order], sent_at[order], computed(of)[order], (starts, schedule.rate)
        )
        back = np.interp(found, clock[1], clock[0])
    else:
        ends, begun, sent = (each[order].astype(np.float64) for each in (of.first_ns, begin_ns, of.start_ns))
        back = _latest(ends, begun, sent, computed(of)[order], (starts, schedule.rate))
    begin, end = np.empty((2, len(of)), np.int64)
    begin[order], end[order] = np.rint(back).astype(np.int64)[:, batch]
    return begin, end


def _latest(first: F64, begin: F64, start: F64, tokens: F64, batches: tuple[I64, float]) -> F64:
    """float64[2, batches]: from when to when each batch of prompts was computed, in ns of some clock.

    Args:
        first: float64[n], when the first tokens came.
        begin: float64[n], from when on each prompt was computed if there was time enough.
        start: float64[n], when each was sent.
        tokens: float64[n].
        batches: int64[batches], where each begins, and tokens a second.
    """
    starts, rate = batches
    last_ns = np.maximum.reduceat(first, starts).tolist()
    needs_ns = (np.add.reduceat(tokens, starts) / rate * NS_PER_S).tolist()
    earliest = np.minimum.reduceat(begin, starts).tolist()
    sent = np.minimum.reduceat(start, starts).tolist()
    begins, ends = list(last_ns), list(last_ns)
    free = last_ns[-1]
    for number in range(len(starts) - 1, -1, -1):
        end = min(last_ns[number], free)
        begin = max(min(earliest[number], end - needs_ns[number]), sent[number])
        if begin >= end:  # sent when there was no time left: the rate was exceeded after all
            end = last_ns[number]
        free = begins[number] = min(begin, end)
        ends[number] = end
    return np.array([begins, ends])


def _time_left(begin_ns: I64, end_ns: I64, span_ns: tuple[int, int]) -> tuple[F64, F64]:
    """A clock that runs at a tenth while a prompt is computed: instants and what it shows, in ns."""
    order = np.argsort(begin_ns, kind="stable")
    begin, end = begin_ns[order], np.maximum.accumulate(end_ns[order])
    begin = np.maximum(begin, np.concatenate(([begin[0]], end[:-1])))  # where they overlap once is enough
    end = np.maximum(end, begin)
    times = np.stack((begin, end), axis=1).ravel()
    rate = np.ones(len(times) + 1)
    rate[1::2] = _SLOWED
    far = NS_PER_S * _SECONDS_AROUND
    ends = min(span_ns[0], int(times[0])) - far, max(span_ns[1], int(times[-1])) + far
    times = np.concatenate(([ends[0]], times, [ends[1]]))
    return times, np.concatenate(([0.0], np.cumsum(rate * np.diff(times))))


def decoded(of: Requests, n: I64, clock: tuple[F64, F64] | None) -> Work:
    """Output tokens but the first.

    Args:
        of: The requests.
        n: int64[requests], their numbers.
        clock: As of ``Work``, where the times of pieces are not known.
    """
    tokens = np.maximum(of.output - 1, 0).astype(np.float64)
    if not any(map(len, of.pieces_ns)):
        return Work(of.first_ns, of.end_ns, tokens, n, clock)
    # A request without the times of pieces has one piece, that ends with it.
    pieces = [each if len(each) else of.end_ns[i : i + 1] for i, each in enumerate(of.pieces_ns)]
    counts = np.array([len(each) for each in pieces])
    end = np.concatenate(pieces)
    begin = np.concatenate(([0], end[:-1]))
    begin[np.cumsum(counts) - counts] = of.first_ns
    return Work(begin, end, np.repeat(tokens / counts, counts), np.repeat(n, counts))
