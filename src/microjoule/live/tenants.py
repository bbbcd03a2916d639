"""Whose energy, while it goes on: joules and watts by program, cgroup, unit, user or container.

Each second or so the energy that was measured and the CPU time of everybody since the second before make a
bin; the last five minutes of bins are fitted as :mod:`microjoule.joules.share_fit` does, and each new bin is
divided by that fit, so that what a name used never falls. What the fit does not explain of a bin is divided
in proportion: the sum over all names is what the counters counted. What cannot be told apart, and all
that was used before there was a fit, is under a name of its own.

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
from ..joules.parties import GROUPINGS
from ..joules.share_fit import Looks, fitted, is_enough
from ..joules.total import covered
from ..joules.update_record import Updates
from ..trace.activity import named
from ..trace.label import CGROUP, PROCESS, Subject
from ..trace.schema import ACTIVITY, SUBJECT
from ..units import NS_PER_S
from .level import Level

if TYPE_CHECKING:
    import pyarrow as pa

IDLE, UNKNOWN, OTHERS = "idle machine", "not separable", "others"
BIN_NS = NS_PER_S
BINS_MAX = 300
NAMES_MAX = 50
_COLUMNS_MAX = 5
_OWN_COLUMN = 0.05  # of all CPU time, from which on a name has its own joules per second
_SPREAD_S = 2e-3  # how well the counters' energy at a look is known
_NOT_CPU = ("gpu", "battery", "rail")


class Tenant(NamedTuple):
    """What one used so far.

    Attributes:
        name: What it is called.
        energy_j: It never falls.
        power_w: Over the last bin.
    """

    name: str
    energy_j: float
    power_w: float


class _Bin(NamedTuple):
    length_s: float
    energy_j: float
    busy_s: dict[str, float]


class Tenants:
    """Divides what a session measures; fed from its thread, asked from any.

    Args:
        by: A word of :data:`microjoule.joules.parties.GROUPINGS`.
    """

    def __init__(self, by: str) -> None:
        self._name_of = GROUPINGS[by][0]
        self._subjects: dict[int, Subject] = {}
        self._used: dict[int, int] = {}
        self._before: dict[int, int] = {}
        self._energies: deque[tuple[int, float]] = deque(maxlen=BINS_MAX)
        self._edge: tuple[int, float] | None = None
        self._look_ns = 0
        self._bins: deque[_Bin] = deque(maxlen=BINS_MAX)
        self._account: dict[str, float] = {}
        self._watts: dict[str, float] = {}
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
        rows = np.flatnonzero(codes == names.index(ACTIVITY))
        whose, t_ns = numbers(batch.column("read_ns"))[rows], numbers(batch.column("t_ns"))[rows]
        for number, at, used in zip(whose.tolist(), t_ns.tolist(), raw[rows].tolist(), strict=True):
            if number == 0:  # a new look begins: the one before is whole
                self._look(self._look_ns)
                self._look_ns = at
            self._used[number] = used
            self._before.setdefault(number, used)

    @property
    def subjects(self) -> dict[int, Subject]:
        """Who was named so far, by number."""
        return dict(self._subjects)

    def rows(self) -> tuple[Tenant, ...]:
        """What everybody used, the most first."""
        with self._lock:
            found = [Tenant(name, each, self._watts.get(name, 0.0)) for name, each in self._account.items()]
        return tuple(sorted(found, key=lambda each: (-each.energy_j, each.name)))

    def _note(self, levels: Iterable[Level]) -> None:
        """Notes what had been counted when."""
        alive = {one.channel.id: one for one in levels if one.is_alive}
        ids = covered({name: one.channel for name, one in alive.items()})
        mine = [alive[name] for name in ids if alive[name].channel.place.device not in _NOT_CPU]
        mine = [one for one in mine if one.channel.trust.model is None]
        if mine:
            t_ns = min(one.t_ns for one in mine)
            if not self._energies or t_ns > self._energies[-1][0]:
                self._energies.append((t_ns, math.fsum(one.energy_j for one in mine)))

    def _look(self, t_ns: int) -> None:
        """Ends a bin where one has lasted long enough and its energy is known."""
        if len(self._energies) < 2 or not self._energies[0][0] <= t_ns <= self._energies[-1][0]:
            return
        times, energies = zip(*self._energies, strict=True)
        energy_j = float(np.interp(t_ns - times[0], np.array(times) - times[0], energies))
        if self._edge is not None and t_ns - self._edge[0] < BIN_NS:
            return
        busy_s = self._busy_s()
        if self._edge is not None:
            found = _Bin((t_ns - self._edge[0]) / NS_PER_S, max(energy_j - self._edge[1], 0.0), busy_s)
            self._bins.append(found)
            self._divide(found)
        self._edge = (t_ns, energy_j)

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

    def _divide(self, last: _Bin) -> None:
        """Adds a bin's energy to the accounts of those who used it."""
        parts = self._parts(last)
        whole = math.fsum(parts.values())
        shares = {name: last.energy_j * part / whole for name, part in parts.items()} if whole > 0 else {}
        shares = shares or {UNKNOWN: last.energy_j}
        with self._lock:
            self._watts = {}
            for name, joules in shares.items():
                known = name in self._account or len(self._account) < NAMES_MAX
                account = name if known or name in (IDLE, UNKNOWN) else OTHERS
                self._account[account] = self._account.get(account, 0.0) + joules
                self._watts[account] = self._watts.get(account, 0.0) + joules / last.length_s

    def _parts(self, last: _Bin) -> dict[str, float]:
        """By the fit, what each used in a bin; nothing: there is no fit."""
        total: dict[str, float] = {}
        for each in self._bins:
            for name, busy_s in each.busy_s.items():
                total[name] = total.get(name, 0.0) + busy_s
        least = _OWN_COLUMN * math.fsum(total.values())
        order = sorted(total, key=lambda name: -total[name])
        apart = [name for name in order if total[name] >= least][:_COLUMNS_MAX]
        rest = [name for name in order if name not in apart]
        columns = [*([name] for name in apart), *([rest] if rest else [])]
        busy = [
            [math.fsum(each.busy_s.get(n, 0.0) for n in column) for column in columns] for each in self._bins
        ]
        length_s = np.array([each.length_s for each in self._bins])
        n = len(length_s)
        updates = Updates(
            np.concatenate(([0], np.cumsum(length_s * NS_PER_S))).astype(np.int64),
            np.array([each.energy_j for each in self._bins]),
            np.ones(n, bool),
            np.full(n + 1, _SPREAD_S),
            0.0,
        )
        of = Looks(updates, length_s, np.array(busy).reshape(n, len(columns)))
        if not columns or not is_enough(of):
            return {}
        fit = fitted(of, "live")
        open_ = {column for group in fit.groups() if len(group) > 1 for column in group}
        found = {UNKNOWN if 0 in open_ else IDLE: float(fit.watts[0]) * last.length_s}
        for number, column in enumerate(columns, 1):
            for name in column:
                key = UNKNOWN if number in open_ else name
                found[key] = found.get(key, 0.0) + float(fit.watts[number]) * last.busy_s.get(name, 0.0)
        return {name: part for name, part in found.items() if part > 0}


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
