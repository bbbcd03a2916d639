"""Whose time explains the energy of one device's meter: a package's by CPU time, a GPU's by time on it.

Of events that several share, such as a GPU's time in memory beside that in its cores, as many are taken as
explain the meter better than none would, by the Bayesian information criterion.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from ..arrays import distinct
from ..channel import Channel
from ..trace.label import GPU
from ..trace.series import I64
from ..units import NS_PER_S
from .parties import COMMAND, NEVER, POOL, UNSEEN, Amount, Party
from .share_columns import Columns, Used, own_columns
from .share_fit import Looks, ShareFit, fitted, is_enough, looks
from .update_record import Updates

if TYPE_CHECKING:
    from ..trace.window import Window
    from .energy_trace import Trace

F64 = npt.NDArray[np.float64]

MEMORY = "/memory"  # of what NVML says a process uses of a GPU
_LAG_MIN_NS, _LAGS = 5_000_000, 9  # half of a lag that is looked for, and how many are tried
_ENGINES_MAX = 3  # of a GPU, each with joules per second of its own


class DeviceFit(NamedTuple):
    """The fit of one channel."""

    channel: Channel
    machine: str
    fit: ShareFit
    columns: Columns

    def part(self, members: Collection[int], window: Window) -> F64:
        """What some parties had of each column."""
        return self.columns.amounts(members, window.t0_ns, window.t1_ns)

    def groups(self, span: Window) -> list[frozenset[int]]:
        """Parties and the idle machine, those together that this channel cannot tell apart."""
        owners = self.columns.owners()
        parts = np.array([self.part(owner, span) / self.fit.used_s for owner in owners])
        return [frozenset().union(*(owners[at] for at in each)) for each in self.fit.groups(parts)]


def cpu_fit(trace: Trace, name: str, parties: Sequence[Party], whole: Window) -> DeviceFit | None:
    """What CPU time explains of a channel; None: there are too few looks.

    Args:
        trace: The trace.
        name: The channel's id.
        parties: Who was busy; the idle machine's number is the one after theirs.
        whole: The window whose CPU time decides who has a figure alone.
    """
    activity = trace.activity
    of = {i: each.cpu.used_ns for i, each in enumerate(parties)}
    pooled = [i for i, each in enumerate(parties) if each.kind in (UNSEEN, POOL)]

    def columns(rows: int) -> Columns:
        own = own_columns(of, _busy_s(of, whole), _commands(parties), pooled, rows)
        return Columns(own, (), len(parties))

    numbers = [n for n, each in activity.subjects.items() if each.kind != GPU]
    return _fit(trace, name, columns, [activity.instants_ns(n) for n in numbers])


def gpu_fit(trace: Trace, name: str, parties: Sequence[Party], whole: Window) -> DeviceFit | None:
    """The same of a GPU's channel, by time on that GPU; None: nobody looked at its processes.

    Args: as of :func:`cpu_fit`.
    """
    place, activity = trace.channels[name].place, trace.activity
    numbers = [n for n in activity.numbers(GPU) if activity.subjects[n].device == place.device_name]
    if place.device != "gpu" or not numbers:
        return None
    each = [
        {i: party.beside[key].used_ns for i, party in enumerate(parties) if key in party.beside}
        for key in _engines(parties, place.device_name, whole)
    ]

    def columns(rows: int) -> Columns:
        if not each:
            return Columns((), (), len(parties))
        pooled = [i for i in each[0] if parties[i].kind == POOL]
        own = own_columns(each[0], _busy_s(each[0], whole), _commands(parties), pooled, rows)
        return Columns(own, each[1:], len(parties))

    return _fit(trace, name, columns, [activity.instants_ns(n) for n in numbers])


def _fit(
    trace: Trace, name: str, columns_of: Callable[[int], Columns], instants_ns: Sequence[I64]
) -> DeviceFit | None:
    of = looks(trace.updates(name), distinct(np.empty(0, np.int64), *instants_ns))
    whole = columns_of(int(of.is_ok.sum()))
    channel = trace.channels[name]
    found = [
        DeviceFit(channel, trace.machine, fitted(each, f"shares:{name}@{trace.machine}"), columns)
        for columns in (whole.with_common(whole.common[:n]) for n in range(len(whole.common) + 1))
        for each in _late(of, columns, _doubt_ns(channel))
    ]
    return min(found, key=lambda each: each.fit.score, default=None)


def _doubt_ns(of: Channel) -> float:
    """By how much a meter may trail more or less than was thought: its lag's doubt, and half an update."""
    half_ns = of.timing.half_lag_ns
    return half_ns + (of.timing.update_ns or 0) / 2 if half_ns > _LAG_MIN_NS else 0.0


def _late(of: Updates, columns: Columns, doubt_ns: float) -> Iterator[Looks]:
    """What was used between looks, if the meter trails by a little more or less than was thought.

    Of a load that changes each second, a lag that is wrong by 50 ms hides a tenth: what it used would look
    like idle power. So several lags are tried, and that one is taken which explains the meter best.
    """
    length_s = np.diff(of.edges_ns) / NS_PER_S
    for late_ns in np.linspace(-doubt_ns, doubt_ns, _LAGS) if doubt_ns else (0.0,):
        edges_ns = of.edges_ns - round(late_ns)
        looked = Looks(of, length_s, columns.between(edges_ns), len(columns.own))
        if is_enough(looked):
            yield looked


def _commands(of: Sequence[Party]) -> list[int]:
    return [i for i, each in enumerate(of) if each.kind == COMMAND]


def _busy_s(of: Mapping[int, Used], whole: Window) -> dict[int, float]:
    """The seconds of each in the whole window."""
    return {i: Amount(used, NEVER.instants_ns).within(whole.t0_ns, whole.t1_ns) for i, used in of.items()}


def _engines(of: Sequence[Party], device: str, whole: Window) -> list[str]:
    """What was used of a GPU, by name: the most used first; memory, which runs nothing, last."""
    used: dict[str, float] = {}
    for party in of:
        for key, amount in party.on(device).items():
            used[key] = used.get(key, 0.0) + amount.within(whole.t0_ns, whole.t1_ns)
    busy = [key for key in used if used[key] > 0]
    return sorted(busy, key=lambda key: (key.endswith(MEMORY), -used[key]))[:_ENGINES_MAX]
