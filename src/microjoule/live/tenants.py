"""Whose energy, while it goes on: joules and watts by program, cgroup, unit, user or container.

Each second or so the energy that was measured of each device and the time of everybody on it since the second
before make a bin (:mod:`.divider`): of processors, memory and platforms by CPU time, of each GPU by the time
of its processes. What a name used never falls, and the sum over all names is what the counters counted. A
GPU whose processes nobody knows has a name of its own.

A name that once was among the first ``NAMES_MAX`` keeps its account; later ones share one, so that whoever
collects the figures has a bounded number of series.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..arrays import numbers, texts
from ..channel import Channel
from ..joules.estimates.total import covered
from ..joules.sharing.device_fit import MEMORY
from ..joules.sharing.parties import GROUPINGS
from ..joules.sharing.shares import NOT_CPU
from ..trace.activity import named
from ..trace.label import CGROUP, GPU, PROCESS, Subject
from ..trace.schema import ACTIVITY, SUBJECT
from ..units import NS_PER_S
from .divider import IDLE, UNKNOWN, Bin, Divider, Part
from .level import Level

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["IDLE", "OTHERS", "UNKNOWN", "Tenant", "Tenants"]

OTHERS = "others"
BIN_NS = NS_PER_S
NOTED_MAX = 300  # instants at which it is known what had been counted
NAMES_MAX = 50
LATELY = 64  # rows of somebody on a GPU that are kept: those of a few seconds
_CPU = ""  # the name of the processors among devices


class Tenant(NamedTuple):
    """What one used so far.

    Attributes:
        name: What it is called.
        energy_j: It never falls.
        power_w: Over the last bin.
        expanded_j: U of the energy at 95 %, were the errors of all bins of one sign; infinity: not known.
        expanded_w: U of the power.
    """

    name: str
    energy_j: float
    power_w: float
    expanded_j: float = math.inf
    expanded_w: float = math.inf


class Counted(NamedTuple):
    """What a device's counters had counted, and what interruptions kept from it, likely at most."""

    energy_j: float
    lost_j: float


NOTHING = Counted(0.0, 0.0)


class _Sum:
    """What an account has, and U of that."""

    __slots__ = ("energy_j", "expanded_j", "expanded_w", "power_w")

    def __init__(self) -> None:
        self.energy_j = self.expanded_j = self.power_w = self.expanded_w = 0.0

    def add(self, part: Part, length_s: float) -> None:
        self.energy_j += part.energy_j
        self.expanded_j += part.expanded_j
        self.power_w += part.energy_j / length_s
        self.expanded_w += part.expanded_j / length_s


class Tenants:
    """Divides what a session measures; fed from its thread, asked from any.

    Args:
        by: A word of :data:`microjoule.joules.sharing.parties.GROUPINGS`.
    """

    def __init__(self, by: str) -> None:
        self._name_of = GROUPINGS[by][0]
        self._subjects: dict[int, Subject] = {}
        self._used: dict[int, int] = {}
        self._before: dict[int, int] = {}
        self._on_gpus: dict[int, deque[tuple[int, int]]] = {}
        self._counted: deque[tuple[int, dict[str, Counted]]] = deque(maxlen=NOTED_MAX)
        self._edge: tuple[int, dict[str, Counted]] | None = None
        self._look_ns = 0
        self._dividers: dict[str, Divider] = {}
        self._accounts: dict[str, _Sum] = {}
        self._lock = threading.Lock()

    def add(self, batch: pa.RecordBatch, levels: Sequence[Level]) -> None:
        """Takes in a batch, and what the channels have counted up to its end."""
        codes, names = (
            numbers(batch.column("channel").indices),
            batch.column("channel").dictionary.to_pylist(),
        )
        own = {
            name: np.flatnonzero(codes == names.index(name)) for name in (SUBJECT, ACTIVITY) if name in names
        }
        raw = numbers(batch.column("raw"))
        told = own.get(SUBJECT, codes[:0])
        if len(told):
            labels = texts(batch.column("label"), told)
            self._subjects |= named(zip(raw[told].tolist(), labels, strict=True))
        self._note(levels)
        rows = own.get(ACTIVITY, codes[:0])
        whose, t_ns = numbers(batch.column("read_ns"))[rows], numbers(batch.column("t_ns"))[rows]
        for number, at, used in zip(whose.tolist(), t_ns.tolist(), raw[rows].tolist(), strict=True):
            if number == 0:  # a new look begins: the one before is whole
                self._look(self._look_ns)
                self._look_ns = at
            self._used[number] = used
            self._before.setdefault(number, used)
            subject = self._subjects.get(number)
            if subject is not None and subject.kind == GPU:
                self._on_gpus.setdefault(number, deque(maxlen=LATELY)).append((at, used))

    @property
    def subjects(self) -> dict[int, Subject]:
        """Who was named so far, by number."""
        return dict(self._subjects)

    def rows(self) -> tuple[Tenant, ...]:
        """What everybody used, the most first."""
        with self._lock:
            found = [
                Tenant(name, each.energy_j, each.power_w, each.expanded_j, each.expanded_w)
                for name, each in self._accounts.items()
            ]
        return tuple(sorted(found, key=lambda each: (-each.energy_j, each.name)))

    def _note(self, levels: Iterable[Level]) -> None:
        """Notes what had been counted when."""
        alive = {one.channel.id: one for one in levels if one.is_alive}
        ids = covered({name: one.channel for name, one in alive.items()})
        mine = [alive[name] for name in ids if is_divided(alive[name].channel)]
        if mine:
            t_ns = min(one.t_ns for one in mine)
            if not self._counted or t_ns > self._counted[-1][0]:
                counted: dict[str, Counted] = {}
                for one in mine:
                    device = device_of(one.channel)
                    before = counted.get(device, NOTHING)
                    counted[device] = Counted(before.energy_j + one.energy_j, before.lost_j + one.lost_j)
                self._counted.append((t_ns, counted))

    def _look(self, t_ns: int) -> None:
        """Ends a bin where one has lasted long enough and its energy is known."""
        if len(self._counted) < 2 or not self._counted[0][0] <= t_ns <= self._counted[-1][0]:
            return
        if self._edge is not None and t_ns - self._edge[0] < BIN_NS:
            return
        times = np.array([at for at, _ in self._counted])
        counted = {}
        for device in self._counted[-1][1]:
            columns = zip(*(of.get(device, NOTHING) for _, of in self._counted), strict=True)
            counted[device] = Counted(
                *(float(np.interp(t_ns - times[0], times - times[0], c)) for c in columns)
            )
        busy_s = self._busy_s()
        if self._edge is not None:
            self._end(self._edge, (t_ns, counted), busy_s)
        self._edge = (t_ns, counted)

    def _end(
        self,
        first: tuple[int, dict[str, Counted]],
        last: tuple[int, dict[str, Counted]],
        busy_s: dict[str, float],
    ) -> None:
        """Divides a bin of each device, and adds the parts to the accounts of those who used them."""
        length_s = (last[0] - first[0]) / NS_PER_S
        every: list[tuple[str, Part]] = []
        for device, counted in last[1].items():
            used = busy_s if device == _CPU else self._on(device, first[0], last[0])
            before = first[1].get(device, counted)
            found, lost_j = max(counted.energy_j - before.energy_j, 0.0), counted.lost_j - before.lost_j
            if used is None:
                every.append((f"{device} (not by program)", Part(found, lost_j)))
                continue
            divider = self._dividers.setdefault(device, Divider(device))
            parts = divider.divided(Bin(length_s, found, used))
            every += [(name, _with_loss(part, lost_j, found)) for name, part in parts.items()]
        with self._lock:
            for each in self._accounts.values():
                each.power_w = each.expanded_w = 0.0
            for name, part in every:
                known = name in self._accounts or len(self._accounts) < NAMES_MAX
                account = name if known or name in (IDLE, UNKNOWN) else OTHERS
                self._accounts.setdefault(account, _Sum()).add(part, length_s)

    def _busy_s(self) -> dict[str, float]:
        """The CPU seconds of each name since the last bin."""
        grew = {n: max(used - self._before.get(n, used), 0) for n, used in self._used.items()}
        self._before = dict(self._used)
        own = _less_children(grew, self._subjects)
        found: dict[str, float] = {}
        for number, ns in own.items():
            subject = self._subjects.get(number)
            if subject is not None and subject.kind in (PROCESS, CGROUP) and ns > 0:
                name = self._name_of(subject)
                found[name] = found.get(name, 0.0) + ns / NS_PER_S
        return found

    def _on(self, device: str, t0_ns: int, t1_ns: int) -> dict[str, float] | None:
        """The seconds of each name on a GPU; None: nobody looked at its processes."""
        mine = [n for n in self._on_gpus if self._subjects[n].device == device]
        found: dict[str, float] = {}
        for number in mine:
            subject = self._subjects[number]
            if not subject.engine or f"/{subject.engine}" == MEMORY:
                continue
            at, used = np.array(self._on_gpus[number], np.int64).T
            before, after = np.interp([t0_ns - at[0], t1_ns - at[0]], at - at[0], used - used[0])
            if after > before:
                name = self._name_of(subject)
                found[name] = found.get(name, 0.0) + float(after - before) / NS_PER_S
        return found if mine else None


def _with_loss(part: Part, lost_j: float, of_j: float) -> Part:
    """A part of a bin of so many joules with its share of what may be lacking in the bin."""
    own_j = lost_j * part.energy_j / of_j if of_j else 0.0
    return part._replace(expanded_j=math.hypot(part.expanded_j, own_j))


def device_of(channel: Channel) -> str:
    """Which of the devices that are divided by themselves a channel is of."""
    return channel.place.device_name if channel.place.device == "gpu" else _CPU


def is_divided(channel: Channel) -> bool:
    """Whether a channel's energy is measured, and of something that programs use."""
    is_possible = channel.place.device == "gpu" or channel.place.device not in NOT_CPU
    return channel.trust.model is None and is_possible


def _less_children(grew: dict[int, int], subjects: dict[int, Subject]) -> dict[int, int]:
    """What cgroups used themselves, without those below them; others as they are."""
    by_path = {one.cgroup: n for n, one in subjects.items() if one.kind == CGROUP}
    found = dict(grew)
    for path, number in by_path.items():
        above = path
        while above != "/":
            above = above.rpartition("/")[0] or "/"
            if above in by_path:
                parent = by_path[above]
                found[parent] = max(found.get(parent, 0) - grew.get(number, 0), 0)
                break
    return found
