"""What the marks of a trace tell of its counters: which names had a window open, and with what power."""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...errors import TraceError
from ...trace.series import I64
from ...units import NS_PER_S
from ..counters.counter import Counter
from ..counters.uncounted import once
from ..counters.update_record import Updates
from ..estimates.brackets import F64
from ..estimates.code_dependence import ALIKE
from ..estimates.estimate import Estimate, summed
from ..estimates.run_window import whole
from ..estimates.total import beside
from ..estimates.uncertainty import ROOT_3, gathered
from ..gauges.gauge import Gauge
from ..gauges.stand_in import stand_in
from ..lags.lag_of_windows import LEAST_NS
from ..profiling.attribution import Span, is_enough
from ..profiling.occupancy import Occupancy
from ..profiling.window_groups import WindowGroups, occupied, window_groups
from .fused_edges import Finer, finer, fused
from .mark_positions import marked_edges
from .marked_edges import MarkedEdges
from .uneven_windows import telling, with_patterns

if TYPE_CHECKING:
    from ..energy_trace import Trace

# Of what is not known of a lag, at which windows are fitted again, by how many marks there are at most.
_OF_HALF = (
    (2_000, (-1.0, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1.0)),
    (20_000, (-1.0, -0.5, 0.5, 1.0)),
    (math.inf, (-1.0, 1.0)),
)


class MarkFits:
    """The fits of a trace's counters to its windows, each made once.

    Args:
        trace: The trace.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._fits: dict[str, Span | None] = {}
        self._edges: dict[str, MarkedEdges | None] = {}
        self._finer: dict[str, Finer | None] = {}
        self._stand_ins: dict[str, Gauge | None] = {}

    @cached_property
    def groups(self) -> WindowGroups:
        """The trace's windows by name."""
        return window_groups(self._trace.window_columns, self._trace.span)

    @cached_property
    def occupancy(self) -> Occupancy:
        """Which names had a window open, and when, over the trace's span."""
        return occupied(self._trace.window_columns, self.groups.whole, self._trace.span)

    @cached_property
    def _is_marked(self) -> bool:
        try:
            return len(self._trace.window_columns) > 0 and self._trace.span.duration_ns > 0
        except TraceError:
            return False

    def fit(self, channel_id: str) -> Span | None:
        """The powers of windows as a counter's updates show them; None: it is none, or shows too little."""
        if channel_id not in self._fits:
            self._fits[channel_id] = self._fit(channel_id)
        return self._fits[channel_id]

    def _fit(self, channel_id: str) -> Span | None:
        counter = self._trace.meter(channel_id)
        if not isinstance(counter, Counter) or channel_id in self._trace.dead or not self._is_marked:
            return None
        if self.stand_in(channel_id) is not None:
            return None
        of = self._trace.updates(channel_id)
        return Span(counter, of, self.occupancy, 0.0) if is_enough(of) else None

    def edges(self, channel_id: str) -> MarkedEdges | None:
        """What a counter had counted at the marks; None as of :meth:`fit`."""
        if channel_id not in self._edges:
            fit = self.fit(channel_id)
            self._edges[channel_id] = None if fit is None else self._found(fit)
        return self._edges[channel_id]

    def _found(self, fit: Span) -> MarkedEdges | None:
        """The counts at marks, and all that an unknown lag leaves open: by another, powers are others."""
        counter, updates, half_ns = fit.counter, fit.of, fit.counter.channel.timing.half_lag_ns
        is_open = counter.declared.lag_ns >= LEAST_NS and half_ns > 0

        def at(parts: Sequence[float], occupancy: Occupancy, updates: Updates = updates) -> list[Span]:
            # A pattern too faint to be seen is within what is open of the lag in each fit. One that is seen
            # would be hidden by that: then each lag is tried as if it were known.
            open_s = 0.0 if occupancy is self.occupancy else half_ns / NS_PER_S / ROOT_3
            of = updates._replace(spread_s=np.maximum(updates.spread_s - open_s, 0.0))
            return [Span(*at_lag(counter, of, part * half_ns), occupancy, 0.0) for part in parts]

        def tried(occupancy: Occupancy) -> list[Span]:
            some = telling(updates)
            each_its_own = Span(counter, some, occupancy, 0.0)
            return [each_its_own, *(at((-1.0, 0.0, 1.0), occupancy, some) if half_ns else ())]

        occupancy = with_patterns(self.occupancy, counter.usual_ns, tried)
        if occupancy is not self.occupancy:
            fit = at((0.0,), occupancy)[0] if is_open else Span(counter, updates, occupancy, 0.0)
        found = marked_edges(fit)
        if found is None or not is_open:
            return found
        lags = [found.lag]
        parts = next(parts for most, parts in _OF_HALF if len(found.position) <= most)
        for part, span in zip(parts, at(parts, occupancy), strict=True):
            other = marked_edges(span)
            if other is not None and len(other.position) == len(found.position):
                # What a longer lag adds, as in the columns of a shorter one: signs are of one cause.
                moved_by = math.copysign(1.0, part) * (other.position - found.position)[:, None]
                lags.append((moved_by / 2.0**counter.bits).astype(np.float32))
        return found._replace(lag=np.concatenate(lags, axis=1))

    def estimates(self, channel_id: str, t0_ns: I64, t1_ns: I64, name: I64 | None = None) -> list[Estimate]:
        """The energies of windows on one channel: power may step at their edges where a program marked them.

        Args:
            channel_id: A channel that tells an energy.
            t0_ns: int64[n], beginnings.
            t1_ns: int64[n], ends.
            name: int64[n], a number of each one's name; None: all have one.
        """
        t0_ns, t1_ns = self._widened(channel_id, t0_ns, t1_ns)
        marked, meter = self.edges(channel_id), self._trace.meter(channel_id)
        if not isinstance(meter, Counter):
            return meter.estimates(meter.energies(t0_ns, t1_ns, name))
        if marked is None:
            found = meter.estimates(meter.energies(t0_ns, t1_ns))
        else:
            found = marked.estimates(meter, t0_ns, t1_ns)
        of = self.finer(channel_id)
        found = found if of is None else fused(meter, of, found, t0_ns, t1_ns)
        other = self.stand_in(channel_id)
        if other is None or meter.span_ns is None:
            return found
        shown = other.estimates(other.energies(t0_ns, t1_ns, name))
        is_silent = (t1_ns > meter.span_ns[1]).tolist()
        return [
            of_gauge if silent and own.value is None and of_gauge.value is not None else own
            for own, of_gauge, silent in zip(found, shown, is_silent, strict=True)
        ]

    def stand_in(self, channel_id: str) -> Gauge | None:
        """The gauge that tells of a counter's device after the counter fell silent; None: it did not."""
        if channel_id not in self._stand_ins:
            self._stand_ins[channel_id] = stand_in(self._trace, channel_id)
        return self._stand_ins[channel_id]

    def finer(self, channel_id: str) -> Finer | None:
        """The gauge that shows what goes on between a counter's updates; None: it is none, or has none."""
        if channel_id not in self._finer:
            trace, meter = self._trace, self._trace.meter(channel_id)
            meters = [trace.meter(name) for name in beside(trace.channels[channel_id], trace.channels)]
            gauges = [each for each in meters if isinstance(each, Gauge)]
            self._finer[channel_id] = finer(meter, gauges) if isinstance(meter, Counter) else None
        return self._finer[channel_id]

    def values(self, channel_id: str, t0_ns: I64, t1_ns: I64) -> F64:
        """float64[n]: the values of :meth:`estimates` alone, NaN where a status forbids one."""
        t0_ns, t1_ns = self._widened(channel_id, t0_ns, t1_ns)
        marked, meter = self.edges(channel_id), self._trace.meter(channel_id)
        if self.finer(channel_id) is not None or self.stand_in(channel_id) is not None:
            each = (one.value for one in self.estimates(channel_id, t0_ns, t1_ns))
            return np.array([np.nan if value is None else value for value in each])
        if marked is not None and isinstance(meter, Counter):
            return marked.values(meter, t0_ns, t1_ns)
        brackets = meter.energies(t0_ns, t1_ns)
        return np.where(brackets.status == 0, brackets.value, np.nan)

    def noise_j2(self, channel_id: str, t0_ns: I64, t1_ns: I64) -> F64:
        """float64[n]: the variance of measuring each of several windows, without what all of them share."""
        marked, meter = self.edges(channel_id), self._trace.meter(channel_id)
        if marked is not None and isinstance(meter, Counter):
            found = marked.noise_j2(meter, t0_ns, t1_ns)
            if found is not None:
                return found
        return _noise_j2(self.estimates(channel_id, t0_ns, t1_ns))

    def together(self, channel_id: str, t0_ns: I64, t1_ns: I64) -> Estimate:
        """The sum of :meth:`estimates`, of one or more windows that do not overlap."""
        t0_ns, t1_ns = self._widened(channel_id, t0_ns, t1_ns)
        marked, meter = self.edges(channel_id) if len(t0_ns) > 1 else None, self._trace.meter(channel_id)
        if marked is not None and isinstance(meter, Counter) and self.finer(channel_id) is None:
            found = marked.together(meter, t0_ns, t1_ns)
            if found is not None:
                return found
        each = self.estimates(channel_id, t0_ns, t1_ns)
        if len(each) == 1:
            return each[0]
        found = summed(each)
        if marked is not None and isinstance(meter, Counter):
            found = _of_one_lag(found, each, marked, meter, (t0_ns, t1_ns))
        return once(meter.resets.losses, found, t0_ns, t1_ns) if isinstance(meter, Counter) else found

    def _widened(self, channel_id: str, t0_ns: I64, t1_ns: I64) -> tuple[I64, I64]:
        """The windows; of the command's own counter with the edges of its run where its count is known."""
        meter = self._trace.meter(channel_id)
        if isinstance(meter, Counter) and meter.channel.is_of_command:
            return widened(meter, self._trace, t0_ns, t1_ns)
        return t0_ns, t1_ns


def at_lag(counter: Counter, of: Updates, by_ns: float) -> tuple[Counter, Updates]:
    """A counter and its updates as if its lag were so much more than the middle one."""
    timing = counter.channel.timing
    lag_ns = timing.middle_lag_ns + round(by_ns)
    moved = counter.with_timing(timing.with_likely_lag(lag_ns, lag_ns, timing.lag_source))
    return moved, of._replace(edges_ns=of.edges_ns - round(by_ns))


def _of_one_lag(
    found: Estimate, each: Sequence[Estimate], marked: MarkedEdges, meter: Counter, ends: tuple[I64, I64]
) -> Estimate:
    """A sum of windows, in which one lag moves all whose counts at marks are taken.

    Of several lags each window by itself has that which moves it farthest, and two of them may cancel.
    """
    own = zip(each, marked.estimates(meter, *ends), strict=True)
    is_own = np.array([one.components == of_marks.components for one, of_marks in own])
    together = marked.together(meter, *(t_ns[is_own] for t_ns in ends)) if is_own.any() else None
    if together is None:
        return found
    others = summed([one for one, taken in zip(each, is_own, strict=True) if not taken] or [found * 0])
    lags = (part for of in (together, others) for part in of.components if part.name == "lag")
    kept = (part for part in found.components if part.name != "lag")
    return replace(found, components=(*kept, *gathered(lags)))


def _noise_j2(singles: Sequence[Estimate]) -> F64:
    """Of windows whose edges are no marks; a cause that more than two of them share is taken to be of all.

    Two, because windows that follow one another share the edge between them. What readings do not show of
    windows may be the same in all, or another in each.
    """
    every = (c.group for each in singles for c in each.components if c.group)
    groups = Tally(group for group in every if not group.startswith(ALIKE))
    return np.array([math.fsum(c.u**2 for c in each.components if groups[c.group] <= 2) for each in singles])


def widened(counter: Counter, trace: Trace, t0_ns: I64, t1_ns: I64) -> tuple[I64, I64]:
    """Windows of the counter of a command, those edges moved that are edges of its run.

    It counts nothing outside the command's life. Its readings come each 10 ms, and a command may begin and
    end between two: to interpolate at the edges of its run would give most of its CPU time to the time
    around it. But before it the counter stood at zero, and after it at its last count, so the edges may be
    moved to readings outside. A command that leaves children behind goes on counting: then its end is not.

    Args:
        counter: Of the command.
        trace: Whose run it is.
        t0_ns: int64[n], beginnings.
        t1_ns: int64[n], ends.
    """
    run = whole(trace)
    n, total = len(counter), counter.steps.total
    ends_ns = counter.t_ns + counter.read_ns(np.arange(n))
    # Interpolation puts the count of a reading halfway between it and the one before: hence one more.
    first = max(int(np.searchsorted(ends_ns, run.t0_ns, "right")) - 2, 0)
    last = int(np.searchsorted(counter.t_ns, run.t1_ns, "left"))
    if n and ends_ns[first] <= run.t0_ns and total[first] == 0:
        t0_ns = np.where(t0_ns == run.t0_ns, counter.t_ns[first], t0_ns)
    if last < n and total[last] == total[-1]:
        t1_ns = np.where(t1_ns == run.t1_ns, ends_ns[last], t1_ns)
    return t0_ns, t1_ns
