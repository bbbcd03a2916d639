"""What the frames of stacks need of their samples, summed by stack: so much memory as there are stacks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from .sample_cells import Cells

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
_OWN, _PAIR = 7, 4  # columns below


class Sums(NamedTuple):
    """Sums over the samples of each node, and over pairs of samples that follow one another.

    Attributes:
        n: float64[m], samples of each of m nodes.
        energy_j: float64[m].
        late_j: float64[m], if the samples are later than thought by their standard uncertainty.
        time_s: float64[m].
        shared_j: float64[m], of the energy what threads at the same time may have used instead.
        open_s: float64[m], time in which a fit left the power open.
        ends_j2: float64[m], half the squares of samples behind which the thread paused.
        before: int64[k], the node of the first sample of a pair; each pair of nodes once.
        after: int64[k], of the second one.
        pairs: float64[k], how many there are.
        before_j2: float64[k], half the squares of the first samples' energies.
        after_j2: float64[k], of the second ones'.
        step_j2: float64[k], of their differences.
        fit_node: int64[q], nodes, each with each column of a fit that it had time of.
        fit_column: int64[q].
        fit_s: float64[q], that time.
    """

    n: F64
    energy_j: F64
    late_j: F64
    time_s: F64
    shared_j: F64
    open_s: F64
    ends_j2: F64
    before: I64
    after: I64
    pairs: F64
    before_j2: F64
    after_j2: F64
    step_j2: F64
    fit_node: I64
    fit_column: I64
    fit_s: F64

    def of(self, number: I32 | I64, m: int) -> Sums:
        """The sums where nodes are others.

        Args:
            number: int[m of old], the new number of each node.
            m: How many new ones there are.
        """
        own = (np.bincount(number, column, m) for column in self[:_OWN])
        pair = _Keyed(_PAIR)
        pair.add(number[self.before].astype(np.int64) * m + number[self.after], np.stack(self[9:13]))
        columns = int(self.fit_column.max(initial=0)) + 1
        fitted = _Keyed(1)
        fitted.add(number[self.fit_node].astype(np.int64) * columns + self.fit_column, self.fit_s[None])
        return _joined(own, pair, m, fitted, columns)


class Summing:
    """The sums as blocks come.

    Args:
        m: How many nodes there are.
        columns: Of the fit; 0: there is none.
    """

    def __init__(self, m: int, columns: int = 0) -> None:
        self._m, self._columns = m, columns
        self._own = np.zeros((_OWN, m))
        self._pair, self._fitted = _Keyed(_PAIR), _Keyed(1)

    def add(self, of: Cells, energy_j: F64, late_j: F64, column: I64, is_open: npt.NDArray[np.bool_]) -> None:
        """Takes a block.

        Args:
            of: The block.
            energy_j: float64[n], of each of its samples, those around it included.
            late_j: float64[n], if they are later than thought.
            column: int64[n], the fit's column of each; -1: none.
            is_open: bool[n], whether the fit left its power open.
        """
        own, m = of.own, self._m
        node, time_s, j = of.of.node[own], of.time_s[own], energy_j[own]
        rows = (
            np.ones(len(j)),
            j,
            late_j[own],
            time_s,
            j * (1.0 - 1.0 / np.maximum(of.threads[own], 1.0)),
            np.where(is_open[own], time_s, 0.0),
            # Where a thread pauses, its last sample ends at an instant that is not known either.
            np.where(of.is_next[own], 0.0, j**2 / 2),
        )
        for number, row in enumerate(rows):
            self._own[number] += np.bincount(node, row, m)
        here = own.start + np.flatnonzero(of.is_next[own])
        there = of.following[here]
        before, after = energy_j[here], energy_j[there]
        key = of.of.node[here].astype(np.int64) * m + of.of.node[there]
        squares = (before**2 / 2, after**2 / 2, (after - before) ** 2 / 2)
        self._pair.add(key, np.stack((np.ones(len(here)), *squares)))
        if self._columns:
            mine = column[own] >= 0
            key = node[mine].astype(np.int64) * self._columns + column[own][mine]
            self._fitted.add(key, time_s[mine][None])

    def scaled(self, to_j: float) -> Sums:
        """The sums, all energies scaled so that they come to this much."""
        found = _joined(self._own, self._pair, self._m, self._fitted, max(self._columns, 1))
        scale, late = (to_j / whole if (whole := float(part.sum())) > 0 else 0.0 for part in found[1:3])
        square = scale**2
        scaled = found._replace(
            energy_j=found.energy_j * scale,
            late_j=found.late_j * late,
            shared_j=found.shared_j * scale,
            ends_j2=found.ends_j2 * square,
            before_j2=found.before_j2 * square,
            after_j2=found.after_j2 * square,
            step_j2=found.step_j2 * square,
        )
        if scale:
            return scaled
        # Whatever was counted was counted elsewhere: what is left to rounding goes by time.
        by_time = found.time_s * (to_j / max(float(found.time_s.sum()), np.finfo(float).tiny))
        return scaled._replace(energy_j=by_time, late_j=by_time)


class _Keyed:
    """Rows of sums, each of a key."""

    def __init__(self, rows: int) -> None:
        self.key: I64 = np.zeros(0, np.int64)
        self.sums: F64 = np.zeros((rows, 0))

    def add(self, key: I64, values: F64) -> None:
        """Adds float64[rows, n] to the sums of int64[n]."""
        every, number = np.unique(np.concatenate((self.key, key)), return_inverse=True)
        joined = np.concatenate((self.sums, values), axis=1)
        self.key, self.sums = every, np.stack([np.bincount(number, row, len(every)) for row in joined])


def _joined(own: Iterable[npt.NDArray[Any]], pair: _Keyed, m: int, fitted: _Keyed, columns: int) -> Sums:
    before, after = np.divmod(pair.key, m)
    node, column = np.divmod(fitted.key, columns)
    return Sums._make((*own, before, after, *pair.sums, node, column, fitted.sums[0]))
