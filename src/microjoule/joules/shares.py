"""Whose energy: the share of the command, of programs, of the idle machine; and what nobody explains.

For each measured counter that is in the total, watts of the idle machine and joules per CPU second are fitted
over the whole recording (:mod:`.share_fit`); a window's share is those times what somebody used in it. Who
was busy for less than a twentieth of all CPU time shares one figure per CPU second with all others like that:
theirs may differ from it by half of it, which is in their intervals.

In each window the shares of all, of the idle machine, of what no CPU time stands for (GPUs) and what is left
unexplained are whole nanojoules, and add up to the total's without a rest.

What is known without any model is the guaranteed interval: at least nothing, and at most the energy of the
counter's updates in which somebody may have run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from ..arrays import distinct
from ..channel import Channel
from ..trace.label import PROCESS
from ..trace.series import I64
from ..units import NS_PER_S, seconds
from .budget import sensor
from .counter import Counter
from .parties import COMMAND, POOL, UNSEEN, Party, merged, parties
from .regression import LEAST
from .share_fit import Looks, ShareFit, fitted, is_enough, looks
from .uncertainty import RECTANGULAR, Component, combined, gathered
from .update_record import Updates

if TYPE_CHECKING:
    from ..trace.window import Window
    from .energies import Energies
    from .energy_trace import Trace

F64 = npt.NDArray[np.float64]

IDLE, UNATTRIBUTED, UNEXPLAINED = "idle", "unattributed", "unexplained"
OK, NOT_SEPARABLE, TOO_SHORT = "ok", "not separable", "too short"

LISTED_MAX = 20  # parties with a figure of their own; those after them share one
_OWN_COLUMN = 0.05  # of all CPU time, from which on a party has its own joules per second
_COLUMNS_MAX = 6
_LOOKS_A_COLUMN = 4
_BUSY_MIN_S = 1e-3
_UNSEEN, _UNSEEN_MIN_S = 0.01, 0.03
_TICKS_S = 0.02  # by which the machine's CPU time between two instants may be too small
_LIKE_OTHERS = 0.5  # half-width of how far joules per second of a small party may be off the pool's
_NOT_CPU = ("gpu", "battery", "rail")  # devices whose energy CPU time does not explain
_NJ = 1e9
_ROOT_3, _ROOT_12 = math.sqrt(3.0), math.sqrt(12.0)


class Share(NamedTuple):
    """What one used in a window.

    Attributes:
        kind: ``command``, ``program``, ``unseen``, ``rest``, ``idle``, ``unattributed`` or ``unexplained``.
        name: What a report calls it.
        status: ``ok``; ``not separable``: ``energy_j`` is that of all ``names`` together and stands with
            the first of them alone; ``too short``: there were too few looks.
        names: Those whose figure it is.
        busy_s: CPU seconds; None: it has none.
        energy_j: In whole nanojoules; None: it is not known, or stands with another.
        expanded_j: U at 95 %; None: nothing was assessed.
        high_j: Guaranteed: no more than this; infinity: nothing bounds it. Where ``energy_j`` is that of
            several together, so is this.
        by_cpu_time_j: All of the window's energy, idle or not, in proportion of CPU time; None: it has none.
    """

    kind: str
    name: str
    status: str
    names: tuple[str, ...]
    busy_s: float | None
    energy_j: float | None
    expanded_j: float | None
    high_j: float
    by_cpu_time_j: float | None


class Shares(NamedTuple):
    """The shares of a window.

    Attributes:
        status: ``ok``, ``not separable`` or ``too short``.
        total_j: Of the window; the energies of all shares add up to it.
        shares: The command first, the others by their CPU time, then idle, unattributed and unexplained.
    """

    status: str
    total_j: float
    shares: tuple[Share, ...]


class _Fitted(NamedTuple):
    """One channel's fit."""

    channel: Channel
    machine: str
    fit: ShareFit


class ShareModel:
    """What a trace shows of who used its energy: made once, asked for any of its windows.

    Args:
        trace: The trace, whose activity was recorded.
        by: How to group: a word of :data:`microjoule.joules.parties.GROUPINGS`.
        whole: The window whose CPU time decides who is listed.
    """

    def __init__(self, trace: Trace, by: str, whole: Window) -> None:
        self._trace = trace
        total = trace.energy(whole).total
        explained = [name for name in total.channels if is_of_cpu(trace.channels[name])]
        self._explained = [name for name in explained if name not in trace.dead]
        self._updates = {
            name: trace.updates(name) for name in self._explained if isinstance(trace.meter(name), Counter)
        }
        everybody = parties(trace, by)
        self.parties = listed(everybody, whole)
        self._unseen = [each for each in everybody if each.kind == UNSEEN]
        self._is_command_quiet = is_command_quiet(trace, everybody)
        looked = {name: looks(of, _instants(trace)) for name, of in self._updates.items()}
        self._peak_w = math.fsum(_peak_w(of) for of in looked.values())
        rows = min((int(of.is_ok.sum()) for of in looked.values()), default=0)
        self._columns = _columns(self.parties, whole, rows)
        self._column_of = {i: number + 1 for number, each in enumerate(self._columns) for i in each}
        self._column_of[len(self.parties)] = 0
        self._fits = [
            _Fitted(trace.channels[name], trace.machine, fitted(found, f"shares:{name}@{trace.machine}"))
            for name, of in looked.items()
            if is_enough(found := self._looks(of))
        ]
        self.is_fitted = bool(self._fits) and len(self._fits) == len(self._explained)
        self._groups = self._inseparable() if self.is_fitted else []

    def of(self, window: Window) -> Shares | None:
        """The shares of a window; None: its total is not measured, or not known."""
        energies = self._trace.energy(window)
        total = energies.total
        if total.provenance != "measured" or total.value is None:
            return None
        used_s = [_busy_s(each, window) for each in self.parties]
        beside = [name for name in total.channels if name not in self._explained]
        rest_j = total.value - math.fsum(energies[name].value or 0.0 for name in beside)
        groups = self._groups or [(i,) for i in range(len(self.parties) + 1)]
        most = [min(self._high_j(each, window), total.high) for each in self.parties] + [total.high]
        for group in groups:  # the row that has the figure of all has the bound of all
            most[group[0]] = min(math.fsum(most[i] for i in group), total.high)
        # A fit over the whole recording may give a short window more than was counted in it.
        values = {group: min(self._value_j(group, used_s, window), most[group[0]]) for group in groups}
        left_j = rest_j - math.fsum(values.values())
        found: list[Share] = []
        for i in range(len(self.parties) + 1):
            group = next(each for each in groups if i in each)
            value, half = None, None
            if self.is_fitted and group[0] == i:
                value, half = values[group], self._expanded_j(group, used_s, window, left_j)
            found.append(self._share(i, group, used_s, (value, half), most[i]))
        if self._is_command_quiet:
            found.insert(0, self._quiet(window, found, total.high))
        found += [_beside(name, energies) for name in beside]
        given = sum(nano_joules(each.energy_j) for each in found if each.energy_j is not None)
        left = (nano_joules(total.value) - given) / _NJ
        found.append(Share(UNEXPLAINED, UNEXPLAINED, OK, (UNEXPLAINED,), None, left, None, total.high, None))
        return Shares(self.status, total.value, _with_cpu_time(found, total.value))

    @property
    def status(self) -> str:
        """``ok``, ``not separable`` or ``too short``."""
        if not self.is_fitted:
            return TOO_SHORT
        return NOT_SEPARABLE if any(len(group) > 1 for group in self._groups) else OK

    def _looks(self, of: Updates) -> Looks:
        edges = of.edges_ns
        busy = [
            sum((np.diff(self.parties[i].used_ns(edges)) for i in column), np.zeros(max(len(edges) - 1, 0)))
            for column in self._columns
        ]
        length_s = np.diff(edges) / NS_PER_S
        return Looks(of, length_s, np.array(busy).reshape(len(busy), len(length_s)).T / NS_PER_S)

    def _inseparable(self) -> list[tuple[int, ...]]:
        """All parties and the idle machine, those together that some channel cannot tell apart."""
        groups = [{i} for i in range(len(self.parties) + 1)]
        for each in self._fits:
            for columns in each.fit.groups():
                members = {i for i, column in self._column_of.items() if column in columns}
                touched = [group for group in groups if group & members]
                groups = [group for group in groups if not group & members] + [set().union(*touched)]
        return sorted(tuple(sorted(group)) for group in groups)

    def _seconds(self, members: Sequence[int], used_s: Sequence[float], window: Window) -> F64:
        """float64[columns + 1]: the seconds of some parties in a window, by column."""
        found = np.zeros(len(self._columns) + 1)
        for i in members:
            found[self._column_of[i]] += used_s[i] if i < len(self.parties) else seconds(window.duration_ns)
        return found

    def _value_j(self, members: Sequence[int], used_s: Sequence[float], window: Window) -> float:
        seconds_ = self._seconds(members, used_s, window)
        return math.fsum(each.fit.energy_j(seconds_) for each in self._fits)

    def _expanded_j(
        self, members: Sequence[int], used_s: Sequence[float], window: Window, left_j: float
    ) -> float:
        """U at 95 %."""
        mine = self._seconds(members, used_s, window)
        found = [Component("unexplained", left_j / _ROOT_3, form=RECTANGULAR)]
        has_idle = len(self.parties) in members
        for each in self._fits:
            value = each.fit.energy_j(mine)
            found += each.fit.components(mine)
            found += sensor(
                each.channel, each.machine, value, seconds(window.duration_ns) if has_idle else 0.0
            )
        for i in members:
            if i == len(self.parties):
                continue
            alone = self._value_j((i,), used_s, window)
            pool = self._columns[self._column_of[i] - 1]
            if not set(pool) <= set(members):
                found.append(Component("pool", _LIKE_OTHERS * alone / _ROOT_3, form=RECTANGULAR))
            per_s = alone / used_s[i] if used_s[i] else 0.0
            for edge_ns in (window.t0_ns, window.t1_ns):
                doubt_j = per_s * self.parties[i].doubt_s(edge_ns)
                found.append(Component("looks", doubt_j / _ROOT_3, form=RECTANGULAR))
        return combined(gathered(found)).U

    def _share(
        self,
        number: int,
        group: tuple[int, ...],
        used_s: Sequence[float],
        figure: tuple[float | None, float | None],
        high_j: float,
    ) -> Share:
        names = tuple("idle" if i == len(self.parties) else self.parties[i].name for i in group)
        value, half = figure
        status = TOO_SHORT if not self.is_fitted else OK if len(group) == 1 else NOT_SEPARABLE
        energy_j = None if value is None else nano_joules(value) / _NJ
        if number == len(self.parties):
            return Share(IDLE, IDLE, status, names, None, energy_j, half, high_j, None)
        party = self.parties[number]
        return Share(party.kind, party.name, status, names, used_s[number], energy_j, half, high_j, None)

    def _quiet(self, window: Window, shares: Sequence[Share], high_j: float) -> Share:
        """The share of a command that nobody saw busy: nothing, and at most what nobody was seen to use.

        In so many CPU seconds of it no more was counted than in as many seconds of the largest power.
        """
        quiet = Share(COMMAND, COMMAND, TOO_SHORT, (COMMAND,), 0.0, None, None, high_j, None)
        if not self.is_fitted:
            return quiet
        unseen_s = math.fsum(_busy_s(each, window) for each in self._unseen) + _TICKS_S
        most_j = [high_j, self._peak_w * unseen_s]
        for each in shares:
            if each.kind == UNSEEN and each.status == OK and each.busy_s:
                known_j = (each.energy_j or 0.0) + (each.expanded_j or 0.0)
                most_j.append(known_j * (1 + _TICKS_S / each.busy_s))
        return quiet._replace(status=OK, energy_j=0.0, expanded_j=min(most_j))

    def _high_j(self, party: Party, window: Window) -> float:
        """The energy of all updates in which a party may have run in a window."""
        if set(self._explained) != set(self._updates):
            return math.inf
        running = np.clip(party.running_ns, window.t0_ns, window.t1_ns)
        running = running[running[:, 1] > running[:, 0]]
        return math.fsum(most_j(of, running) for of in self._updates.values())


def is_of_cpu(channel: Channel) -> bool:
    """Whether CPU time may explain the channel's energy."""
    return channel.provenance == "measured" and channel.place.device not in _NOT_CPU


def is_command_quiet(trace: Trace, of: Sequence[Party]) -> bool:
    """Whether a command ran, processes were looked at, and none of its had a millisecond of CPU time."""
    has_command = any(each.kind == COMMAND for each in of)
    return bool(trace.facts.get("command")) and not has_command and bool(trace.activity.numbers(PROCESS))


def nano_joules(energy_j: float) -> int:
    """Whole nanojoules."""
    return round(energy_j * _NJ)


def most_j(of: Updates, running_ns: I64) -> float:
    """The energy of the updates of a counter that some intervals touch.

    Args:
        of: The updates.
        running_ns: int64[k, 2], ascending and apart.
    """
    if not len(running_ns) or len(of.edges_ns) < 2:
        return 0.0 if len(of.edges_ns) >= 2 else math.inf
    wide_ns = np.ceil(of.spread_s * (_ROOT_12 / 2 * NS_PER_S)).astype(np.int64)
    early = np.maximum.accumulate(of.edges_ns - wide_ns)
    late = np.minimum.accumulate((of.edges_ns + wide_ns)[::-1])[::-1]
    first = np.searchsorted(late, running_ns[:, 0], "right") - 1  # an update that surely was before
    last = np.searchsorted(early, running_ns[:, 1], "left")  # and one that surely was after
    if (first < 0).any() or (last >= len(early)).any():
        return math.inf
    spans = merged(np.stack((first, last), axis=1))
    total = np.concatenate(([0.0], np.cumsum(of.energy_j)))
    doubts = np.concatenate(([0], np.cumsum(~of.is_ok)))
    if (doubts[spans[:, 1]] > doubts[spans[:, 0]]).any():
        return math.inf
    return float((total[spans[:, 1]] - total[spans[:, 0]]).sum()) + 2 * of.quantum_j * len(spans)


def listed(of: Sequence[Party], whole: Window) -> list[Party]:
    """The busiest parties, the command first and those not seen last; all that are left out as one."""
    busy = [_busy_s(each, whole) for each in of]
    command = [each for each in of if each.kind == COMMAND]
    # The machine's time comes in hundredths of a second: a little of it is always left over.
    least_s = max(_UNSEEN_MIN_S, _UNSEEN * math.fsum(busy))
    unseen = [each for i, each in enumerate(of) if each.kind == UNSEEN and busy[i] >= least_s]
    others = sorted(
        (i for i, each in enumerate(of) if each.kind not in (COMMAND, UNSEEN) and busy[i] >= _BUSY_MIN_S),
        key=lambda i: -busy[i],
    )
    left_out = [of[i] for i in others[LISTED_MAX:]]
    found = [*command, *(of[i] for i in others[:LISTED_MAX])]
    return [*found, *([Party.of_all(POOL, f"{len(left_out)} others", left_out)] if left_out else []), *unseen]


def _peak_w(of: Updates) -> float:
    """The largest power between two looks."""
    watts = of.energy_j / (np.diff(of.edges_ns) / NS_PER_S)
    return float(watts[of.is_ok].max(initial=0.0))


def _busy_s(party: Party, window: Window) -> float:
    before, after = party.used_ns(np.array([window.t0_ns, window.t1_ns])).tolist()
    return float(after - before) / NS_PER_S


def _columns(of: Sequence[Party], whole: Window, rows: int) -> list[tuple[int, ...]]:
    """Which parties have one figure per CPU second: who is busy enough alone, all others together."""
    busy = [_busy_s(each, whole) for each in of]
    least = max(_OWN_COLUMN * math.fsum(busy), _BUSY_MIN_S)
    room = min(_COLUMNS_MAX, max((rows - LEAST) // _LOOKS_A_COLUMN - 2, 1))
    able = [i for i, each in enumerate(of) if busy[i] >= least and each.kind not in (UNSEEN, POOL)]
    own = sorted(able, key=lambda i: (of[i].kind != COMMAND, -busy[i]))[:room]
    rest = tuple(i for i in range(len(of)) if i not in own)
    return [*((i,) for i in sorted(own)), *([rest] if rest else [])]


def _instants(trace: Trace) -> I64:
    """When somebody looked who was busy."""
    activity = trace.activity
    return distinct(np.empty(0, np.int64), *map(activity.instants_ns, activity.subjects))


def _beside(name: str, energies: Energies) -> Share:
    """A channel that CPU time does not explain."""
    energy = energies[name]
    half = energy.U if energy.components else None
    value = None if energy.value is None else nano_joules(energy.value) / _NJ
    return Share(UNATTRIBUTED, name, OK, (name,), None, value, half, energy.high, None)


def _with_cpu_time(of: Sequence[Share], total_j: float) -> tuple[Share, ...]:
    """Beside each share what plain CPU time would give it."""
    busy_s = math.fsum(each.busy_s for each in of if each.busy_s is not None)
    return tuple(
        each
        if each.busy_s is None or not busy_s
        else each._replace(by_cpu_time_j=total_j * each.busy_s / busy_s)
        for each in of
    )
