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
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from ...channel import Channel
from ...trace.label import GPU, PROCESS
from ...units import NS_PER_S, seconds
from ..counters.budget import sensor
from ..counters.update_record import Updates
from ..estimates.uncertainty import RECTANGULAR, ROOT_3, SENSOR, Component, combined, gathered, scaled
from .device_fit import DeviceFit, cpu_fit, gpu_fit
from .parties import COMMAND, POOL, UNSEEN, Party, parties
from .share_bound import most_j, within_all

if TYPE_CHECKING:
    from ...trace.window import Window
    from ..energy_trace import Trace
    from ..estimates.energies import Energies
    from ..estimates.estimate import Estimate

F64 = npt.NDArray[np.float64]

IDLE, UNATTRIBUTED, UNEXPLAINED = "idle", "unattributed", "unexplained"
OK, NOT_SEPARABLE, TOO_SHORT = "ok", "not separable", "too short"

LISTED_MAX = 20  # parties with a figure of their own; those after them share one
_BUSY_MIN_S = 1e-3
_UNSEEN, _UNSEEN_MIN_S = 0.01, 0.03
_TICKS_S = 0.02  # by which the machine's CPU time between two instants may be too small
_LIKE_OTHERS = 0.5  # half-width of how far joules per second of a small party may be off the pool's
NOT_CPU = ("gpu", "rail")  # devices whose energy CPU time does not explain
_NJ = 1e9


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
        gpu_s: Seconds on GPUs, of each the engine that is used most; None: nobody looked at any.
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
    gpu_s: float | None = None


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


class ShareModel:
    """What a trace shows of who used its energy: made once, asked for any of its windows.

    Args:
        trace: The trace, whose activity was recorded.
        by: How to group: a word of :data:`microjoule.joules.sharing.parties.GROUPINGS`.
        whole: The window whose CPU time decides who is listed.
    """

    def __init__(self, trace: Trace, by: str, whole: Window) -> None:
        self._trace, self._whole = trace, whole
        total = trace.energy(whole).total
        alive = [name for name in total.channels if name not in trace.dead]
        self._of_cpu = [name for name in alive if is_of_cpu(trace.channels[name])]
        everybody = parties(trace, by)
        if not self._of_cpu:  # of a GPU alone: who did not use it has no part in what was measured
            everybody = [each for each in everybody if each.beside or each.kind == COMMAND]
        self.parties = listed(everybody, whole)
        self._idle = len(self.parties)
        self._unseen = [each for each in everybody if each.kind == UNSEEN]
        self._is_command_quiet = is_command_quiet(trace, everybody)
        known = {}
        for name in self._of_cpu:
            if (fit := cpu_fit(trace, name, self.parties, whole)) is not None:
                known[name] = fit
        has_all = len(known) == len(self._of_cpu)
        self._peak_w = math.fsum(_peak_w(trace.updates(name)) for name in self._of_cpu)
        self._mixed: dict[str, tuple[int, ...]] = {}
        for name in alive:
            fit = gpu_fit(trace, name, self.parties, whole) if has_all else None
            if fit is None:
                continue
            groups = fit.groups(whole) if fit.columns.parties else []  # the idle machine alone is no mixture
            if groups:
                self._mixed[name] = tuple(sorted(frozenset().union(*groups)))
            else:
                known[name] = fit
        self._fits = list(known.values())
        self._explained = [*self._of_cpu, *(name for name in known if name not in self._of_cpu)]
        self.is_fitted = bool(self._fits) and has_all
        self._groups = self._inseparable() if self.is_fitted else []

    def of(self, window: Window) -> Shares | None:
        """The shares of a window; None: its total is not measured, or not known."""
        energies = self._trace.energy(window)
        total = energies.total
        if not self._of_cpu and not self._trace.activity.numbers(GPU):
            return None  # nothing that was measured is explained by anything that was recorded
        if total.provenance != "measured" or total.value is None:
            return None
        used_s = [each.cpu.within(window.t0_ns, window.t1_ns) for each in self.parties]
        beside = [name for name in total.channels if name not in self._explained]
        rest_j = total.value - math.fsum(energies[name].value or 0.0 for name in beside)
        groups = self._groups or [(i,) for i in range(self._idle + 1)]
        # Who was on a device that CPU time does not explain may have used all of it, seen or not.
        others_j = math.fsum(energies[name].high for name in total.channels if name not in self._of_cpu)
        most = [min(self._high_j(each, window) + others_j, total.high) for each in self.parties]
        most += [total.high]
        for group in groups:  # the row that has the figure of all has the bound of all
            most[group[0]] = min(math.fsum(most[i] for i in group), total.high)
        # A fit over the whole recording may give a short window more than was counted in it.
        values = {group: min(self._value_j(group, window), most[group[0]]) for group in groups}
        left_j = rest_j - math.fsum(values.values())
        found: list[Share] = []
        for i in range(self._idle + 1):
            group = next(each for each in groups if i in each)
            value, half = None, None
            if self.is_fitted and group[0] == i:
                value = values[group]
                half = within_all(value, self._expanded_j(group, window, left_j, energies), total)
            mine = self._share(i, group, used_s, (value, half), most[i])
            found.append(mine._replace(gpu_s=self._gpu_s(i, window)))
        if self._is_command_quiet:
            found.insert(0, self._quiet(window, found, total.high))
        found += [self._beside(name, energies) for name in beside]
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

    def _inseparable(self) -> list[tuple[int, ...]]:
        """All parties and the idle machine, those together that some channel cannot tell apart."""
        groups = [{i} for i in range(self._idle + 1)]
        for each in self._fits:
            for members in each.groups(self._whole):
                touched = [group for group in groups if group & members]
                groups = [group for group in groups if not group & members] + [set().union(*touched)]
        return sorted(tuple(sorted(group)) for group in groups)

    def _value_j(self, members: Sequence[int], window: Window) -> float:
        return math.fsum(each.fit.energy_j(each.part(members, window)) for each in self._fits)

    def _expanded_j(self, members: Sequence[int], window: Window, left_j: float, energies: Energies) -> float:
        """U at 95 %."""
        involved = any(set(members) & each.columns.parties for each in self._fits)
        has_idle = self._idle in members
        left_j = left_j if involved or has_idle else 0.0
        found = [Component("unexplained", left_j / ROOT_3, form=RECTANGULAR)]
        for each in self._fits:
            mine = each.part(members, window)
            value = each.fit.energy_j(mine)
            found += each.fit.components(mine)
            found += _unread(energies[each.channel.id], value)
            found += sensor(
                each.channel, each.machine, value, seconds(window.duration_ns) if has_idle else 0.0
            )
            for i in set(members) & each.columns.parties:
                found += self._in_doubt(each, i, members, window)
        return combined(gathered(found)).U

    def _in_doubt(
        self, of: DeviceFit, number: int, members: Sequence[int], window: Window
    ) -> Iterator[Component]:
        """That a party may differ from those with whom it shares a column; and at the window's edges."""
        alone = of.part((number,), window)
        if of.columns.shares_a_column(number, members):
            half_j = _LIKE_OTHERS * of.fit.energy_j(alone)
            yield Component("pool", half_j / ROOT_3, form=RECTANGULAR)
        party, device = self.parties[number], of.channel.place.device_name
        amounts = [party.cpu] if is_of_cpu(of.channel) else party.on(device).values()
        at = of.columns.column_of(number)
        for amount in amounts:
            for edge_ns in (window.t0_ns, window.t1_ns):
                doubt_j = float(of.fit.watts[at]) * amount.doubt_s(edge_ns)
                yield Component("looks", doubt_j / ROOT_3, form=RECTANGULAR)

    def _share(
        self,
        number: int,
        group: tuple[int, ...],
        used_s: Sequence[float],
        figure: tuple[float | None, float | None],
        high_j: float,
    ) -> Share:
        names = self._names(group)
        value, half = figure
        status = TOO_SHORT if not self.is_fitted else OK if len(group) == 1 else NOT_SEPARABLE
        energy_j = None if value is None else nano_joules(value) / _NJ
        if number == self._idle:
            return Share(IDLE, IDLE, status, names, None, energy_j, half, high_j, None)
        party = self.parties[number]
        return Share(party.kind, party.name, status, names, used_s[number], energy_j, half, high_j, None)

    def _gpu_s(self, number: int, window: Window) -> float | None:
        """The seconds of a party on GPUs that are divided; None: there are none, or of the idle machine."""
        on_gpus = [each for each in self._fits if not is_of_cpu(each.channel)]
        if number == self._idle or not on_gpus:
            return None
        return math.fsum(each.own_s(number, window) for each in on_gpus)

    def _quiet(self, window: Window, shares: Sequence[Share], high_j: float) -> Share:
        """The share of a command that nobody saw busy: nothing, and at most what nobody was seen to use.

        In so many CPU seconds of it no more was counted than in as many seconds of the largest power.
        """
        quiet = Share(COMMAND, COMMAND, TOO_SHORT, (COMMAND,), 0.0, None, None, high_j, None)
        if not self.is_fitted:
            return quiet
        unseen_s = _TICKS_S + math.fsum(each.cpu.within(window.t0_ns, window.t1_ns) for each in self._unseen)
        most_j = [high_j, self._peak_w * unseen_s]
        for each in shares:
            if each.kind == UNSEEN and each.status == OK and each.busy_s:
                known_j = (each.energy_j or 0.0) + (each.expanded_j or 0.0)
                most_j.append(known_j * (1 + _TICKS_S / each.busy_s))
        return quiet._replace(status=OK, energy_j=0.0, expanded_j=min(most_j))

    def _high_j(self, party: Party, window: Window) -> float:
        """The energy of all updates in which a party may have run in a window."""
        running = np.clip(party.running_ns, window.t0_ns, window.t1_ns)
        running = running[running[:, 1] > running[:, 0]]
        return math.fsum(
            most_j(self._trace.meter(name), self._trace.updates(name), running) for name in self._of_cpu
        )

    def _names(self, group: Sequence[int]) -> tuple[str, ...]:
        return tuple("idle" if i == self._idle else self.parties[i].name for i in group)

    def _beside(self, name: str, energies: Energies) -> Share:
        """A channel that is not divided, or whose processes cannot be separated."""
        energy, mixed = energies[name], self._mixed.get(name)
        half = energy.U if energy.components else None
        value = None if energy.value is None else nano_joules(energy.value) / _NJ
        names = (name,) if mixed is None else self._names(mixed)
        status = OK if mixed is None else NOT_SEPARABLE
        return Share(UNATTRIBUTED, name, status, names, None, value, half, energy.high, None)


def _unread(whole: Estimate, value_j: float) -> tuple[Component, ...]:
    """What readings leave open of a part of a meter's energy, which is known no better than all of it."""
    if not whole.value:
        return ()
    return scaled((c for c in whole.components if c.name not in SENSOR), value_j / whole.value)


def is_of_cpu(channel: Channel) -> bool:
    """Whether CPU time may explain the channel's energy."""
    return channel.provenance == "measured" and channel.place.device not in NOT_CPU


def is_command_quiet(trace: Trace, of: Sequence[Party]) -> bool:
    """Whether a command ran, processes were looked at, and none of its had a millisecond of CPU time."""
    has_command = any(each.kind == COMMAND for each in of)
    return bool(trace.facts.get("command")) and not has_command and bool(trace.activity.numbers(PROCESS))


def nano_joules(energy_j: float) -> int:
    """Whole nanojoules."""
    return round(energy_j * _NJ)


def listed(of: Sequence[Party], whole: Window) -> list[Party]:
    """The busiest parties, the command first and those not seen last; all that are left out as one."""
    cpu_s = [each.cpu.within(whole.t0_ns, whole.t1_ns) for each in of]
    command = [each for each in of if each.kind == COMMAND]
    # The machine's time comes in hundredths of a second: a little of it is always left over.
    least_s = max(_UNSEEN_MIN_S, _UNSEEN * math.fsum(cpu_s))
    unseen = [each for i, each in enumerate(of) if each.kind == UNSEEN and cpu_s[i] >= least_s]
    gpu_s = [math.fsum(a.within(whole.t0_ns, whole.t1_ns) for a in each.beside.values()) for each in of]
    others = sorted(
        (
            i
            for i, each in enumerate(of)
            if each.kind not in (COMMAND, UNSEEN) and cpu_s[i] + gpu_s[i] >= _BUSY_MIN_S
        ),
        key=lambda i: -cpu_s[i] - gpu_s[i],
    )
    left_out = [of[i] for i in others[LISTED_MAX:]]
    found = [*command, *(of[i] for i in others[:LISTED_MAX])]
    return [*found, *([Party.of_all(POOL, f"{len(left_out)} others", left_out)] if left_out else []), *unseen]


def _peak_w(of: Updates) -> float:
    """The largest power between two looks."""
    if len(of.edges_ns) < 2:
        return 0.0
    watts = of.energy_j / (np.diff(of.edges_ns) / NS_PER_S)
    return float(watts[of.is_ok].max(initial=0.0))


def _with_cpu_time(of: Sequence[Share], total_j: float) -> tuple[Share, ...]:
    """Beside each share what plain CPU time would give it."""
    busy_s = math.fsum(each.busy_s for each in of if each.busy_s is not None)
    return tuple(
        each
        if each.busy_s is None or not busy_s
        else each._replace(by_cpu_time_j=total_j * each.busy_s / busy_s)
        for each in of
    )
