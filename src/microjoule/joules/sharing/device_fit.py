"""Whose time explains the energy of one device's meter: a package's by CPU time, a GPU's by time on it.

Of events that several share, such as a GPU's time in memory beside that in its cores, as many are taken as
explain the meter better than none would, by the Bayesian information criterion.

A figure has a column. *Own* columns hold the time of one party each, or of all the small ones together:
joules per second of theirs. *Common* columns hold events of several parties, such as cache misses: joules per
event, whoever had it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from ...arrays import distinct
from ...channel import Channel
from ...trace.activity import Activity
from ...trace.label import CPU, GPU
from ...trace.series import I64
from ...units import NS_PER_S
from ..counters.counter import Counter
from ..counters.update_record import Updates, thinned
from ..gauges.gauge import Gauge
from ..profiling.regression import LEAST
from .parties import COMMAND, NEVER, POOL, UNSEEN, Amount, Party
from .share_fit import Looks, ShareFit, fitted, is_enough, looks

if TYPE_CHECKING:
    from ...trace.window import Window
    from ..energy_trace import Trace

F64 = npt.NDArray[np.float64]
Used = Callable[[I64], F64]

EVENTS = ("cycles", "misses", "instructions")  # of the command, as its channels are called
MEMORY = "/memory"  # of what NVML says a process uses of a GPU
_LAG_MIN_NS, _LAGS = 5_000_000, 9  # half of a lag that is looked for, and how many are tried
_ENGINES_MAX = 3  # of a GPU, each with joules per second of its own
_TOGETHER = 16  # updates whose mean power is looked at
# A GPU that nobody uses keeps below this part of its limit; below the lesser one its clocks may come and go.
_OF_LIMIT, _LITTLE = 0.5, 0.2
_STEADY = 2.0  # of its least power, which it does not exceed above that
_OWN_COLUMN = 0.05  # of all time, from which on a party has its own joules per second
_COLUMNS_MAX = 6
_LOOKS_A_COLUMN = 4
_BUSY_MIN_S = 1e-3


class Columns:
    """The columns of the counters of one device.

    Args:
        own: Of each own column the amounts of its parties, by the party's number.
        common: The same of the common ones.
        idle: The number that stands for the idle machine.
    """

    def __init__(
        self, own: Sequence[Mapping[int, Used]], common: Sequence[Mapping[int, Used]], idle: int
    ) -> None:
        self.own, self.common = tuple(own), tuple(common)
        self.idle = idle
        self._of = {number: at for at, column in enumerate(self.own) for number in column}

    @property
    def parties(self) -> frozenset[int]:
        """Who has a column, or shares one."""
        return frozenset(self._of)

    def with_common(self, common: Sequence[Mapping[int, Used]]) -> Columns:
        """The same with other common columns."""
        return Columns(self.own, common, self.idle)

    def between(self, edges_ns: I64) -> F64:
        """float64[n, m]: the seconds, or the 1e9 events, of each column between n + 1 instants."""
        rows = max(len(edges_ns) - 1, 0)
        each = [
            sum((np.diff(used(edges_ns)) for used in column.values()), np.zeros(rows))
            for column in (*self.own, *self.common)
        ]
        return np.array(each).reshape(len(each), rows).T / NS_PER_S

    def amounts(self, members: Collection[int], t0_ns: int, t1_ns: int) -> F64:
        """float64[m + 1]: what some parties had of each column in a window; the idle machine's time first."""
        found = np.zeros(len(self.own) + len(self.common) + 1)
        found[0] = (t1_ns - t0_ns) / NS_PER_S if self.idle in members else 0.0
        edges = np.array([t0_ns, t1_ns])
        for at, column in enumerate((*self.own, *self.common), 1):
            for number in column.keys() & set(members):
                before, after = column[number](edges).tolist()
                found[at] += (after - before) / NS_PER_S
        return found

    def owners(self) -> list[frozenset[int]]:
        """The idle machine and those of each own column: who has a figure by itself, if the fit gives one."""
        return [frozenset((self.idle,)), *(frozenset(column) for column in self.own)]

    def column_of(self, number: int) -> int:
        """Which column of a fit a party's own is: the idle machine's is 0."""
        return self._of[number] + 1

    def shares_a_column(self, number: int, members: Collection[int]) -> bool:
        """Whether a party's figure per second is that of others too, who are not among some."""
        at = self._of.get(number)
        return at is not None and not set(self.own[at]) <= set(members)


def own_columns(
    of: Mapping[int, Used],
    busy_s: Mapping[int, float],
    first: Collection[int],
    pooled: Collection[int],
    rows: int,
) -> list[Mapping[int, Used]]:
    """Which parties have one figure per second: who is busy enough alone, all others together.

    Args:
        of: The time of each party, by its number.
        busy_s: How much there is of it in the whole window.
        first: Who comes first, however little it is.
        pooled: Who never has a column alone.
        rows: Looks that can be fitted.
    """
    least = max(_OWN_COLUMN * sum(busy_s[i] for i in of), _BUSY_MIN_S)
    room = min(_COLUMNS_MAX, max((rows - LEAST) // _LOOKS_A_COLUMN - 2, 1))
    able = [i for i in of if busy_s[i] >= least and i not in pooled]
    own = sorted(sorted(able, key=lambda i: (i not in first, -busy_s[i]))[:room])
    rest = {i: of[i] for i in of if i not in own}
    return [*({i: of[i]} for i in own), *([rest] if rest else [])]


class DeviceFit(NamedTuple):
    """The fit of one channel."""

    channel: Channel
    machine: str
    fit: ShareFit
    columns: Columns

    def part(self, members: Collection[int], window: Window) -> F64:
        """What some parties had of each column; of the idle machine, seconds of its mean power."""
        found = self.columns.amounts(members, window.t0_ns, window.t1_ns)
        if self.columns.idle in members:
            found[0] = self.fit.idle_s(window.t0_ns, window.t1_ns)
        return found

    def own_s(self, number: int, window: Window) -> float:
        """The seconds of a party in the column that it has, or shares; 0: it has none."""
        if number not in self.columns.parties:
            return 0.0
        return float(self.part((number,), window)[self.columns.column_of(number)])

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
    events = [
        {i: party.beside[key].used_ns for i, party in enumerate(parties) if key in party.beside}
        for key in EVENTS
    ]

    def columns(rows: int) -> Columns:
        own = own_columns(of, _busy_s(of, whole), _commands(parties), pooled, rows)
        return Columns(own, [each for each in events if each], len(parties))

    numbers = [n for n, each in activity.subjects.items() if each.kind != GPU]
    return _fit(trace, name, columns, [activity.instants_ns(n) for n in numbers], overlap(activity))


def gpu_fit(trace: Trace, name: str, parties: Sequence[Party], whole: Window) -> DeviceFit | None:
    """The same of a GPU's channel, by time on that GPU.

    None: nobody looked at its processes, or it drew what no idle GPU does and nobody was seen on it.

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

    if not each and is_used(trace, name):
        return None

    def columns(rows: int) -> Columns:
        if not each:
            return Columns((), (), len(parties))
        pooled = [i for i in each[0] if parties[i].kind == POOL]
        own = own_columns(each[0], _busy_s(each[0], whole), _commands(parties), pooled, rows)
        return Columns(own, each[1:], len(parties))

    return _fit(trace, name, columns, [activity.instants_ns(n) for n in numbers])


def is_used(trace: Trace, name: str) -> bool:
    """Whether a GPU drew what an idle one does not, so that its energy is not that of an idle machine."""
    of = trace.updates(name)
    of = thinned(of, max(len(of.energy_j) // _TOGETHER, 1))
    watts = (of.energy_j / np.maximum(np.diff(of.edges_ns), 1) * NS_PER_S)[of.is_ok]
    if not len(watts):
        return False
    limit_w, steady_w = trace.channels[name].trust.power_limit_w, _STEADY * watts.min()
    idle_w = min(max(steady_w, _LITTLE * limit_w), _OF_LIMIT * limit_w) if limit_w else steady_w
    return bool(watts.max() > idle_w)


def _fit(
    trace: Trace,
    name: str,
    columns_of: Callable[[int], Columns],
    instants_ns: Sequence[I64],
    overlap_s: Callable[[I64], F64] | None = None,
) -> DeviceFit | None:
    of = looks(trace.updates(name), distinct(np.empty(0, np.int64), *instants_ns))
    whole = columns_of(int(of.is_ok.sum()))
    channel = trace.channels[name]
    found = [
        DeviceFit(channel, trace.machine, fitted(each, f"shares:{name}@{trace.machine}"), columns)
        for n in range(len(whole.common) + 1)
        for columns in map(whole.with_common, combinations(whole.common, n))
        for each in _late(of, columns, _doubt_ns(trace.meter(name)), overlap_s)
    ]
    return min(found, key=lambda each: each.fit.score, default=None)


def _doubt_ns(meter: Counter | Gauge) -> float:
    """By how much a meter may trail more or less than was thought: its lag's doubt, and half an update."""
    if isinstance(meter, Gauge):
        half_ns = meter.lag_s * NS_PER_S
    else:
        timing = meter.channel.timing
        half_ns = timing.half_lag_ns + (timing.update_ns or 0) / 2
    return half_ns if half_ns > _LAG_MIN_NS else 0.0


def _late(
    of: Updates, columns: Columns, doubt_ns: float, overlap_s: Callable[[I64], F64] | None
) -> Iterator[Looks]:
    """What was used between looks, if the meter trails by a little more or less than was thought.

    Of a load that changes each second, a lag that is wrong by 50 ms hides a tenth: what it used would look
    like idle power. So several lags are tried, and that one is taken which explains the meter best.
    """
    length_s = np.diff(of.edges_ns) / NS_PER_S
    for late_ns in np.linspace(-doubt_ns, doubt_ns, _LAGS) if doubt_ns else (0.0,):
        edges_ns = of.edges_ns - round(late_ns)
        both_s = None if overlap_s is None else overlap_s(edges_ns)
        looked = Looks(of, length_s, columns.between(edges_ns), len(columns.own), both_s)
        if is_enough(looked):
            yield looked


def overlap(of: Activity) -> Callable[[I64], F64] | None:
    """Gives for how long, in seconds between instants, both threads of a core were busy, summed over cores.

    What is known is each one's time: were they busy independently of each other, both were for the product of
    their parts of the time. None: no core has two threads, or nobody recorded them.
    """
    cores: dict[str, list[int]] = {}
    for number in of.numbers(CPU):
        if of.subjects[number].device:
            cores.setdefault(of.subjects[number].device, []).append(number)
    pairs = [numbers[:2] for numbers in cores.values() if len(numbers) > 1]
    if not pairs:
        return None

    def both_s(edges_ns: I64) -> F64:
        length_ns = np.maximum(np.diff(edges_ns), 1)
        parts = ((np.diff(of.used_ns(n, edges_ns)) / length_ns for n in pair) for pair in pairs)
        found = sum((first * second for first, second in parts), np.zeros(len(length_ns)))
        return np.asarray(found * length_ns / NS_PER_S)

    return both_s


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
