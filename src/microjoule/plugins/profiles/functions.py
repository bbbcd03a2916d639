"""The energy of functions, from sampled stacks and the trace of the same run: plain data for reports.

Frames beside one another that the samples cannot tell apart get a frame around them, with the energy that is
known; inside it each keeps its estimate, with an interval that says how little is known of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import ProfileError
from ...joules.counters.budget import sensor
from ...joules.counters.counter import Counter
from ...joules.energy_trace import Trace
from ...joules.estimates.estimate import Estimate
from ...joules.estimates.uncertainty import NORMAL, RECTANGULAR, Component
from ...joules.profiling.reserved_names import IDLE, NOT_SAMPLED, quoted
from ...joules.profiling.sample_cells import Moments, Sampled
from ...joules.profiling.sample_sums import Sums
from ...joules.profiling.sampled import Shares, around, shares
from ...joules.profiling.stack_energy import Frames, frames
from ...units import NS_PER_S, seconds, three_digits
from .alignment import Alignment, align
from .attribute import Asked, described, plain_of
from .choosing import refuse, usual
from .stacks import ROOT, Samples, Stacks

SCHEMA = "microjoule.flame/1"
_OF_SENSOR = ("model", "gain", "offset")
_FEWEST = 3  # updates in the samples' time
_INSTANT_S = 1e-9  # of rounding, and no time
_NAMED = 3  # names of frames that are shown in the name of the frame around them

I32 = npt.NDArray[np.int32]
Plain = dict[str, Any]


class Functions(NamedTuple):
    """What came of it, as plain data, and how the profile lies beside the trace."""

    plain: Plain
    alignment: Alignment


def functions(
    trace: Trace, samples: Samples, asked: Asked, span_ns: tuple[int, int] | None = None
) -> Functions:
    """The energy of each frame of the stacks, and of each function.

    Args:
        trace: The trace of the run.
        samples: Its stacks.
        asked: What is asked for.
        span_ns: From when to when, CLOCK_MONOTONIC; None: the time of the samples.

    Raises:
        ProfileError: The two do not belong together, or no counter suits.
    """
    name = asked.channel or usual(trace)
    refuse(trace, name)
    counter = trace.counter(name)
    read = counter.span_ns
    if read is None:
        raise ProfileError(
            f"{name} was not read", "Choose another --channel; `uj report` shows what was read"
        )
    alignment = align(trace, samples.source, samples.span_ns, read, asked.wishes)
    t0, t1 = span_ns or (alignment.t0_ns, alignment.t1_ns)
    updates = around(counter, t0, t1)
    whole = counter.energy(t0, t1)
    if int(updates.is_ok.sum()) < _FEWEST or whole.value is None:
        raise ProfileError(
            f"{name} has no figure for the {three_digits(seconds(t1 - t0))} s of the samples: {whole.status}",
            "Profile for longer, or choose a --channel that is updated more often",
        )
    tree = _Tree.of(samples.stacks)
    sampled = _sampled(samples, alignment, tree, (t0, t1))
    found = shares(updates, sampled, whole.value, (t0, t1))
    energies = frames(tree.parent, found.sums, found)
    tree, number = tree.grouped(energies)
    sums = found.sums.of(number, len(tree.parent))
    energies = frames(tree.parent, sums, found)
    n = round(float(sums.n.sum()))
    writer = _Writer(counter, whole, found)
    plain = {
        "schema": SCHEMA,
        "channel": name,
        "provenance": counter.channel.provenance,
        "t0_ns": t0,
        "t1_ns": t1,
        "span_s": seconds(t1 - t0),
        "measured": plain_of(whole),
        "updates": int(updates.is_ok.sum()),
        "update_s": found.update_s,
        "period_s": found.period_s,
        "samples": n,
        "outside": len(samples) - n,
        "lost": samples.lost,
        "way": found.way,
        "alignment_u_s": alignment.u_ns / NS_PER_S,
        "profiles": [described(samples.source, alignment)],
        "frames": writer.frames(tree, energies),
        "functions": writer.functions(tree, energies, sums),
    }
    return Functions(plain, alignment)


def _sampled(samples: Samples, alignment: Alignment, tree: _Tree, span: tuple[int, int]) -> Sampled:
    """The samples of a span in the trace's time."""
    name = np.array(tree.name, np.int32)

    def blocks() -> Iterator[Moments]:
        for block in samples.blocks():
            t_ns = alignment.monotonic(block.t_ns)
            inside = (t_ns >= span[0]) & (t_ns < span[1])
            if inside.any():
                # The innermost function says what runs: of one function two lines or callers have one power.
                node = block.node[inside]
                yield Moments(t_ns[inside], block.thread[inside], name[node], node)

    if next(blocks(), None) is None:
        raise ProfileError(
            f"no sample of {samples.source.path} lies in the time that was measured",
            "Profile inside the run that `uj run -o TRACE` records",
        )
    return Sampled(blocks, samples.period_ns, alignment.u_ns, len(tree.parent))


class _Tree:
    """Stacks as lists that frames can be put into.

    Args:
        parent: Of each node, before its children; -1 of the first.
        name: Of each node, an index into ``names``.
        names: What frames are called.
        is_group: Whether a node is a frame around others that cannot be told apart.
    """

    def __init__(self, parent: list[int], name: list[int], names: list[str], is_group: list[bool]) -> None:
        self.parent, self.name, self.names, self.is_group = parent, name, names, is_group

    @classmethod
    def of(cls, stacks: Stacks) -> _Tree:
        """The tree of a profile."""
        return cls(
            list(stacks.parent), list(stacks.name), list(map(quoted, stacks.names)), [False] * len(stacks)
        )

    def children(self) -> list[list[int]]:
        """Of each node."""
        found: list[list[int]] = [[] for _ in self.parent]
        for number in range(1, len(self.parent)):
            found[self.parent[number]].append(number)
        return found

    def grouped(self, energies: Frames) -> tuple[_Tree, I32]:
        """The tree with a frame around neighbours that cannot be told apart, and each node's number in it."""
        children, number_of = self.children(), [ROOT] * len(self.parent)
        found = _Tree([-1], [self.name[ROOT]], list(self.names), [False])
        waiting = [(ROOT, ROOT)]
        while waiting:
            old, new = waiting.pop()
            number_of[old] = new
            inside = [each for each in children[old] if energies.samples[each]]
            open_ = [each for each in inside if not energies.is_separate[each]]
            around_ = new
            if len(open_) > 1 and len(open_) < len(inside):
                around_ = found._add(new, found._named(self._together(open_, energies)), True)
            for each in inside:
                at = around_ if not energies.is_separate[each] else new
                waiting.append((each, found._add(at, self.name[each], False)))
        return found, np.array(number_of, np.int32)

    def _together(self, nodes: Sequence[int], energies: Frames) -> str:
        largest = sorted(nodes, key=lambda each: -float(energies.energy_j[each]))
        names = " + ".join(self.names[self.name[each]] for each in largest[:_NAMED])
        return names + (f" + {len(nodes) - _NAMED} more" if len(nodes) > _NAMED else "")

    def _named(self, text: str) -> int:
        self.names.append(text)
        return len(self.names) - 1

    def _add(self, parent: int, name: int, is_group: bool) -> int:
        self.parent.append(parent)
        self.name.append(name)
        self.is_group.append(is_group)
        return len(self.parent) - 1


class _Writer:
    """Figures of frames as plain data.

    Args:
        counter: The counter.
        whole: What it says of the span.
        found: The energies of the samples.
    """

    def __init__(self, counter: Counter, whole: Estimate, found: Shares) -> None:
        self._counter, self._whole, self._found = counter, whole, found

    def frames(self, tree: _Tree, energies: Frames) -> list[Plain]:
        """Each node; the first is all that was measured, the last are idle and unsampled time."""
        rows = []
        for number in range(len(tree.parent)):
            row = self._row(tree.names[tree.name[number]], energies, number)
            row["parent"], row["is_group"] = tree.parent[number], tree.is_group[number]
            row["own_samples"] = row["samples"]
            rows.append(row)
            if number:
                rows[tree.parent[number]]["own_samples"] -= row["samples"]
        rows[ROOT].update(energy=plain_of(self._whole), own_j=0.0, is_separate=True)
        found = self._found
        for name, energy, time_s in (
            (IDLE, found.idle_j, found.idle_s),
            (NOT_SAMPLED, found.outside_j, found.outside_s),
        ):
            if time_s > _INSTANT_S:
                rows.append(self._rest(name, energy, time_s))
        return rows

    def functions(self, tree: _Tree, energies: Frames, sums: Sums) -> list[Plain]:
        """Each function: by itself, and with all that it calls, counted once where it calls itself."""
        names = np.array(tree.name, np.int64)
        known, number_of = np.unique(names, return_inverse=True)
        m = len(known) + 1
        alone = frames([-1] + [0] * len(known), sums.of(number_of + 1, m), self._found)
        is_sampled = alone.samples[1:] > 0
        of_name = {int(known[number]): 1 + number for number in np.flatnonzero(is_sampled).tolist()}
        outermost = _outermost(tree)
        rows: list[Plain] = []
        for name, nodes in outermost.items():
            inclusive = [self._estimate(energies, number) for number in nodes]
            whole = inclusive[0]
            for each in inclusive[1:]:
                whole = whole + each
            number = of_name.get(name)
            row = {
                "name": tree.names[name],
                "energy": plain_of(whole),
                "time_s": float(energies.time_s[nodes].sum()),
                "samples": int(energies.samples[nodes].sum()),
                "is_separate": bool(energies.is_separate[nodes].all()),
                "own": self._row(tree.names[name], alone, number) if number is not None else None,
            }
            rows.append(row)
        rows.sort(key=_alone, reverse=True)
        return rows

    def _row(self, name: str, energies: Frames, number: int) -> Plain:
        return {
            "name": name,
            "energy": plain_of(self._estimate(energies, number)),
            "own_j": float(energies.own_j[number]),
            "time_s": float(energies.time_s[number]),
            "samples": int(energies.samples[number]),
            "is_separate": bool(energies.is_separate[number]),
        }

    def _rest(self, name: str, energy_j: float, time_s: float) -> Plain:
        part = energy_j / self._whole.value if self._whole.value else 0.0
        edge_j = self._found.update_s * energy_j / time_s if time_s > 0 else 0.0
        components = (Component("edges", edge_j, "B", RECTANGULAR), *self._common(part, energy_j, time_s))
        found = self._known(energy_j, components)
        return {
            "name": name,
            "energy": plain_of(found),
            "own_j": energy_j,
            "time_s": time_s,
            "samples": 0,
            "own_samples": 0,
            "is_separate": True,
            "parent": ROOT,
            "is_group": False,
        }

    def _estimate(self, energies: Frames, number: int) -> Estimate:
        value = float(energies.energy_j[number])
        part = value / self._whole.value if self._whole.value else 0.0
        own = (
            ("sampling", energies.sampling_j, "A", NORMAL),
            ("regression", energies.regression_j, "A", NORMAL),
            ("separability", energies.separability_j, "B", RECTANGULAR),
            ("threads at once", energies.threads_j, "B", RECTANGULAR),
        )
        components = [
            Component(name, float(u[number]), kind, form) for name, u, kind, form in own if u[number]
        ]
        aligned = Component("alignment", float(energies.alignment_j[number]), "B", RECTANGULAR, group="clock")
        common = self._common(part, value, float(energies.time_s[number]))
        return self._known(value, (*components, aligned, *common))

    def _common(self, part: float, value: float, time_s: float) -> tuple[Component, ...]:
        """What a part shares with the whole: the count, and the sensor."""
        counted = sum(c.u**2 for c in self._whole.components if c.name not in _OF_SENSOR) ** 0.5
        whole = Component("counter", counted * part, "B", NORMAL, group="counter")
        return (whole, *sensor(self._counter.channel, self._counter.machine, value, time_s))

    def _known(self, value: float, components: tuple[Component, ...]) -> Estimate:
        return Estimate(
            value=value,
            low=0.0,
            high=self._whole.high,
            provenance=self._counter.channel.provenance,
            accuracy=self._counter.channel.trust.accuracy,
            components=components,
        )


def _alone(row: Plain) -> float:
    """The energy of a function without what it calls."""
    own = row["own"]
    return float(own["energy"]["value"]) if own else 0.0


def _outermost(tree: _Tree) -> dict[int, list[int]]:
    """Of each function the nodes that no node of the same function is around."""
    found: dict[int, list[int]] = {}
    above: list[frozenset[int]] = [frozenset()]
    for number in range(1, len(tree.parent)):
        around_ = above[tree.parent[number]]
        name = tree.name[number]
        if tree.is_group[number] or name in around_:
            above.append(around_)
            continue
        above.append(around_ | {name})
        found.setdefault(name, []).append(number)
    return found
