"""A counter's updates over a span, taken piece by piece and never more than can be fitted.

A fit needs when the counter was updated and what it had counted by then, and nothing of the readings between.
Of too many updates the first in each of many equal spans of time is kept, and the spans are doubled until
there are few enough: the energy between two that are kept is exact all the same. Spans lie where the clock
has whole multiples of their length, so that what is kept depends on the updates alone and not on the pieces
that they come in.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...units import NS_PER_S
from ..estimates.uncertainty import ROOT_12
from .counter import Counter

F64 = npt.NDArray[np.float64]

ROWS = 50_000  # updates that are fitted at most: from there on a fit gains little, and takes long
_NONE = np.empty(0, np.int64)


class Updates(NamedTuple):
    """What a counter counted between neighbouring updates, and how well each update's instant is known.

    Attributes:
        edges_ns: int64[n + 1].
        energy_j: float64[n].
        is_ok: bool[n]: whether the counter says what it counted.
        spread_s: float64[n + 1], standard uncertainty of the instants.
        quantum_j: What a count is worth.
    """

    edges_ns: I64
    energy_j: F64
    is_ok: npt.NDArray[np.bool_]
    spread_s: F64
    quantum_j: float


class UpdateRecord:
    """The updates of a counter, as they come.

    Args:
        rows: How many are kept at most, in all.
    """

    def __init__(self, rows: int = ROWS) -> None:
        self._rows = rows
        self.span_bits = 0  # of the spans' length, 2^bits ns
        self._kept = 0
        self._parts: list[tuple[I64, I64, I64]] = []  # instants, widths of their doubt, counts up to there

    def add(self, counter: Counter, at: I64) -> None:
        """Takes updates that follow those before.

        Args:
            counter: The readings.
            at: int64[n], which of them first showed an update, from 1 on.
        """
        if len(at):
            earliest, latest = counter.update_span_ns(at)
            self.take((counter.update_ns(at), latest - earliest, counter.steps.total[at]))

    def take(self, columns: tuple[I64, I64, I64], span_bits: int = 0) -> None:
        """Takes updates that follow those before.

        Args:
            columns: As :meth:`columns` gives them.
            span_bits: Of the record that gave them.
        """
        self._parts.append(columns)
        self._kept += len(columns[0])
        if span_bits > self.span_bits or self.span_bits:
            self._thin(max(span_bits, self.span_bits))
        while self._kept > 2 * self._rows:
            self._thin(self.span_bits + 1)

    def _thin(self, bits: int) -> None:
        instants, widths, total = self.columns()
        spans = instants >> bits
        first = np.flatnonzero(np.diff(spans, prepend=spans[:1] - 1))
        self._parts = [(instants[first], widths[first], total[first])]
        self._kept, self.span_bits = len(first), bits

    def updates(self, counter: Counter, t0_ns: int, t1_ns: int) -> Updates:
        """What was counted between the updates of a span.

        Args:
            counter: The counter, whose steps say where nobody knows what was counted.
            t0_ns: The beginning of the span.
            t1_ns: Its end.
        """
        edges, widths, total = self.columns()
        # Instants are kept as declared; what all readings together tell of the lag comes at last.
        timing = counter.channel.timing
        edges = edges + (counter.declared.middle_lag_ns - timing.middle_lag_ns)
        widths = widths + round(2 * timing.half_lag_ns)
        inside = np.flatnonzero((edges >= t0_ns) & (edges <= t1_ns))
        inside = inside[:: max(1, math.ceil(len(inside) / self._rows))]
        edges, widths, total = edges[inside], widths[inside], total[inside]
        rising = np.concatenate(([True], np.diff(edges) > 0)) if len(edges) else np.empty(0, bool)
        edges, widths, total = edges[rising], widths[rising], total[rising]
        model = counter.channel.trust.model
        scale = model.value_w if model else 1.0
        return Updates(
            edges,
            counter.quantity(np.diff(total), 0) * scale,
            are_known(counter, edges),
            widths / ROOT_12 / NS_PER_S,
            float(counter.quantity(np.array([counter.quantum]), 0)[0]) * scale,
        )

    def columns(self) -> tuple[I64, I64, I64]:
        """int64[n] each: instants less the declared lag, how wide their doubt is, counts up to there."""
        if not self._parts:
            return _NONE, _NONE, _NONE
        instants, widths, total = (np.concatenate(columns) for columns in zip(*self._parts, strict=True))
        return instants, widths, total


def updates(counter: Counter, t0_ns: int, t1_ns: int) -> Updates:
    """The updates of a counter in a span."""
    return record_of(counter).updates(counter, t0_ns, t1_ns)


def every_update(counter: Counter, t0_ns: int, t1_ns: int) -> Updates:
    """The updates of a counter in a span, however many."""
    return record_of(counter, len(counter.changes) + 1).updates(counter, t0_ns, t1_ns)


def thinned(of: Updates, rows: int = ROWS) -> Updates:
    """As many updates as can be fitted: of more every second one, or third and so on."""
    n = len(of.energy_j)
    if n <= rows:
        return of
    at = np.arange(0, n, math.ceil(n / rows))
    edges = np.append(at, n)
    return Updates(
        of.edges_ns[edges],
        np.add.reduceat(of.energy_j, at),
        np.logical_and.reduceat(of.is_ok, at),
        of.spread_s[edges],
        of.quantum_j,
    )


def record_of(counter: Counter, rows: int = ROWS) -> UpdateRecord:
    """The updates of a counter, but its first: before that nobody knows what it had counted."""
    record = UpdateRecord(rows)
    if len(counter.changes):
        record.add(counter, counter.changes[1:])
    return record


def are_known(counter: Counter, edges_ns: I64) -> npt.NDArray[np.bool_]:
    """bool[n]: of the n spans between edges, those without a step that is ambiguous or a reset."""
    is_ok = np.ones(max(len(edges_ns) - 1, 0), bool)
    unsure = np.concatenate((counter.steps.ambiguous, counter.steps.reset))
    for end, start in zip(counter.t_ns[unsure].tolist(), counter.t_ns[unsure - 1].tolist(), strict=True):
        first, last = np.searchsorted(edges_ns, (start, end)).tolist()
        is_ok[max(first - 1, 0) : last] = False
    return is_ok
