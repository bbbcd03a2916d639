"""Who was busy, as a report names them: the command, programs by name, processes, cgroups, units, users.

A *party* is some subjects of a trace's activity under one name, with the CPU time that they had used up to
any instant. The command is a party of its own, whatever the others are grouped by: its time is that of perf's
counter where there is one, which sees all its children, and otherwise the sum of the processes in its tree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from ...arrays import distinct
from ...channel import Channel
from ...trace.activity import Activity
from ...trace.label import CGROUP, GPU, MACHINE, PROCESS, Subject
from ...trace.series import I64
from ...units import NS_PER_S
from .owners import OUTSIDE, UNKNOWN, owner

if TYPE_CHECKING:
    from ..energy_trace import Trace

F64 = npt.NDArray[np.float64]
Used = Callable[[I64], F64]

COMMAND, OTHER, UNSEEN, POOL = "command", "program", "unseen", "rest"
UNSEEN_NAME = "not seen (hidden, or too short-lived)"
RECORDER_NAME = "microjoule itself"
_BURSTS = 1.5  # times a rate that stays alike from reading to reading: it may come in bursts
_READINGS_MIN = 4  # of the command's counter, below which its processes say when it was busy


class Amount(NamedTuple):
    """What somebody used of something up to instants, and when that was read.

    Attributes:
        used_ns: Gives the time, in ns, or the events.
        instants_ns: int64, ascending.
    """

    used_ns: Used
    instants_ns: I64

    def within(self, t0_ns: int, t1_ns: int) -> float:
        """What was used in a window, in seconds or 1e9 events."""
        before, after = self.used_ns(np.array([t0_ns, t1_ns])).tolist()
        return float(after - before) / NS_PER_S

    def doubt_s(self, t_ns: int) -> float:
        """Half-width of what was used before an instant that lies between two readings.

        Between readings T apart time is taken to pass evenly. If the rate changed in between by D, so much
        that f T from the first reading up to f (1 - f) T D of it passed sooner or later. D is what the
        neighbouring rates differ by, and at least a part of the rate itself, for what comes in bursts.
        """
        at = self.instants_ns
        after = int(np.searchsorted(at, t_ns))
        if not 0 < after < len(at) or at[after] == t_ns:
            return 0.0
        around = at[max(after - 2, 0) : after + 2]
        length_s = np.diff(around) / NS_PER_S
        rates = np.diff(self.used_ns(around)) / NS_PER_S / length_s
        mine = 1 if after >= 2 else 0
        change = max(float(rates.max() - rates.min()), _BURSTS * float(rates[mine]))
        part = float(t_ns - at[after - 1]) / float(at[after] - at[after - 1])
        return part * (1 - part) * float(length_s[mine]) * change


NEVER = Amount(lambda t_ns: np.zeros(len(t_ns)), np.empty(0, np.int64))


class Party(NamedTuple):
    """Somebody whose share is asked for.

    Attributes:
        kind: ``command``, ``program`` or ``unseen``.
        name: What a report calls it.
        cpu: Its CPU time.
        running_ns: int64[k, 2], from when to when it may have run.
        beside: What else it used, by name: ``gpu-0/sm``, ``cycles``, …
    """

    kind: str
    name: str
    cpu: Amount
    running_ns: I64
    beside: Mapping[str, Amount] = MappingProxyType({})

    def on(self, device: str) -> dict[str, Amount]:
        """What it used of a GPU, by name."""
        return {key: each for key, each in self.beside.items() if key.rpartition("/")[0] == device}

    @classmethod
    def of_all(cls, kind: str, name: str, parts: Sequence[Party]) -> Party:
        """Several as one."""
        names = dict.fromkeys(key for each in parts for key in each.beside)
        return cls(
            kind,
            name,
            _together([each.cpu for each in parts]),
            merged(np.concatenate([np.empty((0, 2), np.int64), *[each.running_ns for each in parts]])),
            {key: _together([each.beside[key] for each in parts if key in each.beside]) for key in names},
        )


def _by_process(of: Subject) -> str:
    return f"{of.name} ({of.pid})" if of.pid else of.name


def _by_unit(of: Subject) -> str:
    return owner(of.cgroup).unit or of.cgroup or UNKNOWN


def _by_container(of: Subject) -> str:
    # In a cgroup namespace a path that leads out of it is cut off, whatever it is of.
    is_known = of.cgroup and not of.cgroup.startswith("/..")
    return owner(of.cgroup).container or (OUTSIDE if is_known else UNKNOWN)


def _by_user(of: Subject) -> str:
    uid = owner(of.cgroup).uid
    return of.user or (f"user {uid}" if uid else UNKNOWN)


# What a report may group by: how a subject is named, and which kinds of subject it prefers.
GROUPINGS: Mapping[str, tuple[Callable[[Subject], str], tuple[str, ...]]] = {
    "name": (lambda of: of.name, (PROCESS, CGROUP)),
    "process": (_by_process, (PROCESS, CGROUP)),
    "cgroup": (lambda of: of.cgroup or UNKNOWN, (CGROUP, PROCESS)),
    "unit": (_by_unit, (CGROUP, PROCESS)),
    "user": (_by_user, (PROCESS, CGROUP)),
    "container": (_by_container, (CGROUP, PROCESS)),
}


def parties(trace: Trace, by: str) -> list[Party]:
    """The parties of a trace: the command first, then the others, those not seen at last.

    Args:
        trace: The trace.
        by: A word of ``GROUPINGS``.
    """
    activity = trace.activity
    name_of, kinds = GROUPINGS[by]
    kind = next((each for each in kinds if activity.numbers(each)), PROCESS)
    on_gpus = [n for n in activity.numbers(GPU) if activity.subjects[n].engine]
    command = _command(trace, on_gpus)
    groups: dict[str, list[int]] = {}
    for number in (*activity.numbers(kind), *on_gpus):
        subject = activity.subjects[number]
        if not subject.is_of_command:
            name = RECORDER_NAME if subject.is_recorder else name_of(subject)
            groups.setdefault(name, []).append(number)
    own = _own_of_cgroups(activity) if kind == CGROUP else {}
    found = [] if command is None else [command]
    for name, numbers in groups.items():
        parts = [_party(activity, number, own.get(number)) for number in numbers]
        found.append(Party.of_all(OTHER, name, parts))
    if activity.numbers(MACHINE):
        found.append(_unseen(activity, _sum([each.cpu.used_ns for each in found])))
    return found


def _command(trace: Trace, on_gpus: Sequence[int]) -> Party | None:
    """The command by its own counters, or by its processes; None: nothing was started."""
    activity = trace.activity
    tree = [n for n in (*activity.numbers(PROCESS), *on_gpus) if activity.subjects[n].is_of_command]
    seen = Party.of_all(COMMAND, COMMAND, [_party(activity, n) for n in tree]) if tree else None
    own = {c.place.part: c for c in trace.channels.values() if c.is_of_command}
    counter = own.pop("cpu", None)
    events = _events(trace, own)
    seen = None if seen is None else seen._replace(beside={**seen.beside, **events})
    if counter is None or counter.trust.model is None:
        return seen
    of = trace.updates(counter.id)
    if len(of.edges_ns) < _READINGS_MIN:
        return seen
    busy_ns = of.energy_j / counter.trust.model.value_w * NS_PER_S
    at = of.edges_ns
    grew = np.flatnonzero(busy_ns > 0)
    return Party(
        COMMAND,
        COMMAND,
        Amount(_counted(at, busy_ns), at),
        merged(np.stack((at[grew], at[grew + 1]), axis=1)),
        events if seen is None else seen.beside,
    )


def _events(trace: Trace, counters: Mapping[str, Channel]) -> dict[str, Amount]:
    """What the command did, by name: cycles, and whatever else was counted."""
    found = {}
    for name, channel in counters.items():
        of = trace.updates(channel.id)
        if len(of.edges_ns) >= _READINGS_MIN:
            found[name] = Amount(_counted(of.edges_ns, of.energy_j), of.edges_ns)
    return found


def _counted(at: I64, each: F64) -> Used:
    """Of amounts between instants the amount up to any."""
    total = np.concatenate(([0.0], np.cumsum(each)))
    return lambda t_ns: np.interp(t_ns - at[0], at - at[0], total)


def _party(activity: Activity, number: int, used: Used | None = None) -> Party:
    subject = activity.subjects[number]
    mine = Amount(used or _used(activity, number), activity.instants_ns(number))
    if subject.kind == GPU:
        beside = {f"{subject.device}/{subject.engine}": mine}
        return Party(OTHER, "", NEVER, np.empty((0, 2), np.int64), beside)
    return Party(OTHER, "", mine, activity.running_ns(number))


def _together(of: Sequence[Amount]) -> Amount:
    return Amount(
        _sum([each.used_ns for each in of]), distinct(NEVER.instants_ns, *[each.instants_ns for each in of])
    )


def _unseen(activity: Activity, known: Used) -> Party:
    """What the machine was busy beyond all that was seen; it never falls, as what it is left of may."""
    number = activity.numbers(MACHINE)[0]
    at = activity.instants_ns(number)
    left = activity.used_ns(number, at) - known(at)
    left = np.maximum.accumulate(left - left[0])
    total = activity.used_ns(number, at[-1:])[0] - (known(at[-1:]) - known(at[:1]))[0]
    left *= max(total, 0.0) / left[-1] if left[-1] > 0 else 0.0
    mine = Amount(lambda t_ns: np.interp(t_ns - at[0], at - at[0], left), at)
    return Party(UNSEEN, UNSEEN_NAME, mine, np.array([[at[0], at[-1]]]))


def _own_of_cgroups(activity: Activity) -> dict[int, Used]:
    """Of cgroups that have others below them what is theirs alone."""
    by_path = {activity.subjects[n].cgroup: n for n in activity.numbers(CGROUP)}
    children: dict[int, list[int]] = {}
    for path, number in by_path.items():
        above = path
        while above != "/":
            above = above.rpartition("/")[0] or "/"
            if above in by_path:
                children.setdefault(by_path[above], []).append(number)
                break
    at = distinct(*[activity.instants_ns(n) for n in by_path.values()])
    return {
        n: _less(_used(activity, n), _sum([_used(activity, c) for c in of]), at) for n, of in children.items()
    }


def _used(activity: Activity, number: int) -> Used:
    return lambda t_ns: activity.used_ns(number, t_ns)


def _sum(of: list[Used]) -> Used:
    return lambda t_ns: sum((used(t_ns) for used in of), np.zeros(len(t_ns)))


def _less(one: Used, other: Used, at: I64) -> Used:
    """What is left of one; looks at both are some microseconds apart, so that it is held from falling."""
    left = np.maximum.accumulate(one(at) - other(at))
    return lambda t_ns: np.interp(t_ns - at[0], at - at[0], left)


def merged(pieces: I64) -> I64:
    """Intervals in their order, those that touch or overlap as one: int64[k, 2]."""
    if not len(pieces):
        return np.empty((0, 2), np.int64)
    pieces = pieces[np.argsort(pieces[:, 0], kind="stable")]
    ends = np.maximum.accumulate(pieces[:, 1])
    is_new = np.append(True, pieces[1:, 0] > ends[:-1])
    first = np.flatnonzero(is_new)
    return np.stack((pieces[first, 0], ends[np.append(first[1:], len(pieces)) - 1]), axis=1)
