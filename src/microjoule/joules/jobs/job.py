"""A job on several nodes: what its windows used, on their own nodes and on all of them.

Each node's trace has the windows of its ranks on its own clock. The energy of a name *on its own nodes* needs
no other clock. The energy of *all nodes meanwhile*, while any rank was inside a window of the name, does: the
edges of windows are laid over the readings of the other nodes, and how far two clocks may differ
(:mod:`.node_clocks`) enters each edge. One offset moves all edges of a node together, so that what it adds at
their ends it takes at their beginnings: the component ``clock`` is signed, and common to the clock it is of.

The guaranteed interval holds for any offset within the bound of both clocks: at least what was used in the
windows cut by it on either side, at most what was used in the windows widened by it. That bound is what those
say who keep the clocks, and is no reading of ours.

A node whose clock nobody keeps is in no window of other nodes. One whose windows lie elsewhere than those of
the same names and numbers on other nodes, always by the same time, is named (:mod:`.clock_doubts`), and its
bound is widened by that time.

Files are opened one at a time, and twice: for the windows, and for the energies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...trace.series import I64
from ...units import seconds, three_digits
from ..estimates.brackets import F64
from ..estimates.estimate import Estimate, summed
from ..estimates.total import add
from ..estimates.uncertainty import Component, of_trace
from . import nodes
from .clock_doubts import Doubt, doubted
from .job_part import Part
from .joint_windows import Edges, clipped, lasted_ns, merged, united
from .node_clocks import NodeClock

if TYPE_CHECKING:
    from ..energy_trace import Trace

NAMES_MAX = 50
GRID = 8
_SHARES = (2 * np.arange(GRID) + 1) / GRID - 1  # of a bound, evenly from one end of it to the other


class JobWindows(NamedTuple):
    """The windows of a name.

    Attributes:
        name: Theirs.
        n: How many there are, on all nodes.
        time_ns: For how long any of them was open, on any node.
        own: What their own nodes used in them.
        everywhere: What all nodes used meanwhile.
        n_nodes: How many nodes that is of.
    """

    name: str
    n: int
    time_ns: int
    own: Estimate
    everywhere: Estimate
    n_nodes: int


class Job:
    """The traces of one job.

    Args:
        parts: Its traces; at least one.

    Attributes:
        parts: The same, by node and time.
        pieces: Of each part, what it counts of its node.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = sorted(parts, key=lambda each: (each.name, each.node, each.span.t0_ns))
        self.nodes = list(dict.fromkeys(each.node for each in self.parts))
        self.pieces: list[list[nodes.Piece]] = [[] for _ in self.parts]
        for node in self.nodes:
            at = [number for number, each in enumerate(self.parts) if each.node == node]
            counted = nodes.pieces([(self.parts[number], self.parts[number].span) for number in at])
            for number, of in zip(at, counted, strict=True):
                self.pieces[number] = of
        self._doubts: dict[str, Doubt] = doubted(self.parts)

    @property
    def names(self) -> list[str]:
        """The names of windows, those with the longest time first."""
        lasted: dict[str, int] = {}
        for each in self.parts:
            for name, edges in each.windows.items():
                lasted[name] = lasted.get(name, 0) + int((edges[:, 1] - edges[:, 0]).sum())
        return sorted(lasted, key=lambda name: -lasted[name])[:NAMES_MAX]

    def notes(self) -> list[str]:
        """What went wrong, or limits the figures: a sentence each."""
        found = [
            f"rank {rank} on {each.name} {ended}; recording went on"
            for each in self.parts
            for rank, ended in each.ends.items()
        ]
        found += self._gaps()
        unkept = [self._called(node) for node in self.nodes if not self._clock(node).is_kept]
        if len(self.nodes) > 1 and unkept:
            found.append(
                f"the clock of {', '.join(unkept)} is not synchronised (chrony, PTP, NTP), so windows of "
                "other nodes cannot be placed there; figures on their own nodes hold"
            )
        return [*found, *(each.sentence for each in self._doubts.values())]

    def windows(self, load: Callable[[Path], Trace]) -> tuple[Estimate, list[JobWindows]]:
        """What the job used in all, and what it used in the windows of each name.

        Args:
            load: Opens a trace.
        """
        names = self.names
        own = {name: self._own(name) for name in names}
        placed = {name: self._everywhere(name) for name in names}
        wholes: list[Estimate] = []
        of_own: dict[str, list[Estimate]] = {name: [] for name in names}
        of_all: dict[str, list[Estimate]] = {name: [] for name in names}
        for number, each in enumerate(self.parts):
            trace = load(each.path)
            wholes.append(_of_part(nodes.energy(trace, self.pieces[number]), number))
            for name in names:
                of_own[name].append(self._energy(trace, number, own[name][number]))
                if number in placed[name]:
                    least_j = of_own[name][-1].low
                    of_all[name].append(self._energy(trace, number, placed[name][number], least_j))
        return _sum(wholes), [
            JobWindows(
                name,
                sum(len(each.windows.get(name, ())) for each in self.parts),
                self._lasted_ns(name),
                _sum(of_own[name]),
                _sum(of_all[name]),
                len({self.parts[number].node for number in placed[name]}),
            )
            for name in names
        ]

    def to_json(self, name: str, load: Callable[[Path], Trace]) -> dict[str, Any]:
        """The job as JSON values.

        Args:
            name: The job's.
            load: Opens a trace.
        """
        whole, windows = self.windows(load)
        return {
            "job": name,
            "nodes": [self._called(node) for node in self.nodes],
            "n_ranks": len({rank for each in self.parts for rank in each.ranks}),
            "duration_s": seconds(self._duration_ns()),
            "energy": _figure(whole),
            "windows": [
                {
                    "name": each.name,
                    "n": each.n,
                    "time_s": seconds(each.time_ns),
                    "own": _figure(each.own),
                    "everywhere": _figure(each.everywhere) if each.n_nodes == len(self.nodes) else None,
                    "clock_U_j": _clock_u(each.everywhere) if each.n_nodes == len(self.nodes) else None,
                }
                for each in windows
            ],
            "clocks": [
                {
                    "node": self._called(node),
                    "bound_s": seconds(self._bound_ns(node)) if self._clock(node).is_kept else None,
                    "sources": list(self._clock(node).sources),
                }
                for node in self.nodes
            ],
            "notes": self.notes(),
        }

    def _duration_ns(self) -> int:
        """The longest time from the first to the last reading of a node."""
        spans = [[each.span for each in self.parts if each.node == node] for node in self.nodes]
        return max(max(of.t1_ns for of in each) - min(of.t0_ns for of in each) for each in spans)

    def _clock(self, node: str) -> NodeClock:
        return next(each.clock for each in self.parts if each.node == node)

    def _called(self, node: str) -> str:
        return next(each.name for each in self.parts if each.node == node)

    def _is_placed(self, node: str) -> bool:
        return len(self.nodes) == 1 or self._clock(node).is_kept

    def _bound_ns(self, node: str) -> int:
        return self._clock(node).bound_ns + (self._doubts[node].by_ns if node in self._doubts else 0)

    def _own(self, name: str) -> list[Edges]:
        """For each part, when its own node had a window of the name open."""
        found = []
        for each in self.parts:
            alike = [of.windows[name] for of in self.parts if of.node == each.node and name in of.windows]
            at = self.nodes.index(each.node)
            found.append(united([(edges, at) for edges in alike]))
        return found

    def _joint(self, name: str) -> Edges:
        """When any node had a window of the name open, in real time; of one node on its own clock."""
        rows = []
        for each in self.parts:
            if name in each.windows and self._is_placed(each.node):
                edges = each.windows[name]
                if len(self.nodes) > 1:
                    edges = each.clock.to_real(edges.ravel()).reshape(-1, 2)
                rows.append((edges, self.nodes.index(each.node)))
        return united(rows)

    def _lasted_ns(self, name: str) -> int:
        """For how long any window of the name was open; at least, where not all nodes can be placed."""
        return max(lasted_ns(self._joint(name)), *map(lasted_ns, self._own(name)))

    def _everywhere(self, name: str) -> dict[int, Edges]:
        """By part, when any node had a window of the name open, on the clock of the part."""
        joint = self._joint(name)
        found = {}
        for number, each in enumerate(self.parts):
            if self._is_placed(each.node):
                begin, end = joint.begin_ns, joint.end_ns
                if len(self.nodes) > 1:
                    begin, end = each.clock.from_real(begin), each.clock.from_real(end)
                found[number] = joint._replace(begin_ns=begin, end_ns=end)
        return found

    def _energy(self, trace: Trace, number: int, edges: Edges, least_j: float = 0.0) -> Estimate:
        """What a part counts in some times, with what its clock and those of the edges add.

        Args:
            trace: The part's.
            number: Of the part.
            edges: The times, on the part's clock.
            least_j: What is counted whatever the clocks are.
        """
        at = self.nodes.index(self.parts[number].node)
        bounds = np.array([self._bound_ns(node) for node in self.nodes])
        errors = np.where(np.arange(len(bounds)) == at, 0, bounds + bounds[at])
        begin_err, end_err = errors[edges.begin_of], errors[edges.end_of]
        is_exact = not begin_err.any() and not end_err.any()
        exact, low, high = [], [], []
        components: list[Component] = []
        for piece in self.pieces[number]:
            exact.append(_energy(trace, piece, *clipped(edges.begin_ns, edges.end_ns, piece)))
            if not is_exact:
                inner = clipped(edges.begin_ns + begin_err, edges.end_ns - end_err, piece)
                outer = clipped(*merged(edges.begin_ns - begin_err, edges.end_ns + end_err), piece)
                low.append(_energy(trace, piece, *inner).low)
                high.append(_energy(trace, piece, *outer).high)
                moved = partial(moved_j, trace, piece)
                components += _clocks(moved, edges, bounds, at, self.nodes)
        found = _sum(exact)
        if is_exact:
            return _of_part(found, number)
        surely = min(max(math.fsum(low), least_j), found.low)
        parts = (*found.components, *components)
        found = replace(found, low=surely, high=max(math.fsum(high), found.high), components=parts)
        return _of_part(found, number)

    def _gaps(self) -> list[str]:
        """When a node was between two recorders."""
        found = []
        for before, after in zip(self.parts, self.parts[1:], strict=False):
            if before.node == after.node and before.span.t1_ns < after.span.t0_ns:
                gap_s = seconds(after.span.t0_ns - before.span.t1_ns)
                found.append(
                    f"{before.name} was not recorded for {three_digits(gap_s)} s between {before.path} and "
                    f"{after.path}: its energy in that time is missing"
                )
        return found


_NOTHING = Estimate(value=0.0, low=0.0, high=0.0)


def _of_part(energy: Estimate, number: int) -> Estimate:
    """A figure whose edges are its own part's, so that a sum over parts does not add them up as one."""
    return replace(energy, components=of_trace(energy.components, f"part {number}"))


def _sum(parts: Sequence[Estimate]) -> Estimate:
    return summed(parts) if parts else _NOTHING


def moved_j(trace: Trace, piece: nodes.Piece, t_ns: I64, by_ns: I64) -> F64:
    """float64[n]: the energy that edges take with them; negative where they move back, 0 outside the piece.

    Args:
        trace: The trace.
        piece: What counts of it.
        t_ns: int64[n], the edges.
        by_ns: int64[n], how far they move.
    """
    begin_ns, end_ns = np.clip(np.sort((t_ns, t_ns + by_ns), axis=0), piece.t0_ns, piece.t1_ns)
    found = np.zeros(len(t_ns))
    there = np.flatnonzero(end_ns > begin_ns)
    for name in piece.channels if len(there) else ():
        found[there] += np.nan_to_num(trace.mark_fits.values(name, begin_ns[there], end_ns[there]))
    return np.where(by_ns < 0, -found, found)


def _clocks(
    moved: Callable[[I64, I64], F64], edges: Edges, bounds_ns: I64, at: int, nodes: Sequence[str]
) -> list[Component]:
    """What the errors of clocks add: of each node with edges that are foreign here, and of this one for all.

    An error moves all edges of its clock by one time, which may be any within its bound.
    """
    n = len(nodes)
    are_begins, are_ends = edges.begin_of != at, edges.end_of != at
    by_node = np.zeros((GRID, n))
    moved_here = np.zeros(GRID)
    for step, share in enumerate(_SHARES):
        for t_ns, of_node, is_foreign, sign in (
            (edges.begin_ns, edges.begin_of, are_begins, -1.0),
            (edges.end_ns, edges.end_of, are_ends, 1.0),
        ):
            theirs, owner = t_ns[is_foreign], of_node[is_foreign]
            by_ns = np.rint(share * bounds_ns[owner]).astype(np.int64)
            np.add.at(by_node[step], owner, sign * moved(theirs, by_ns))
            here_ns = np.full(len(theirs), round(share * int(bounds_ns[at])))
            moved_here[step] += sign * float(moved(theirs, here_ns).sum())
    owners = np.unique(np.concatenate([edges.begin_of[are_begins], edges.end_of[are_ends]])).tolist()
    found = [_component(nodes[owner], by_node[:, owner]) for owner in owners]
    return [*found, _component(nodes[at], -moved_here)]


def _component(node: str, moved_j: F64) -> Component:
    """Of what an error adds at each of ``_SHARES``, its standard uncertainty; signed, by its slope."""
    rms = math.sqrt(float((moved_j**2).mean()))
    return Component("clock", math.copysign(rms, float(moved_j @ _SHARES)), group=f"clock:{node}")


def _energy(trace: Trace, piece: nodes.Piece, begin_ns: I64, end_ns: I64) -> Estimate:
    if not len(begin_ns) or not piece.channels:
        return _NOTHING
    parts = {name: trace.mark_fits.together(name, begin_ns, end_ns) for name in piece.channels}
    return add(piece.channels, parts, trace.channels)


def _figure(of: Estimate) -> dict[str, Any]:
    return {
        "energy_j": of.value,
        "U_j": of.U if of.components else None,
        "guaranteed_j": [of.low, of.high if math.isfinite(of.high) else None],
        "status": of.status,
        "provenance": of.provenance,
    }


def _clock_u(of: Estimate) -> float:
    """The part of U that the clocks have: twice the uncertainty of the components of that name."""
    return 2 * math.hypot(*(row["u"] for row in of.budget() if row["name"] == "clock"))
