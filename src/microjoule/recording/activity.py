"""Who is busy: a slow lane of its own that looks ten times a second and writes down who used CPU time.

A look reads the busy time of the machine and of each CPU, and that of each process, or each cgroup
(:mod:`.cpu_times`). A row is written for who used a millisecond since its last row, so that the rows are
bounded by the CPU time that there is, and not by how many processes sleep. Only then is a process looked at
more closely, for its name.

A look costs some microseconds a process (benchmarks/results/activity_cost.md), on a thread of the recorder's
and not of what is measured. It comes so seldom that all looks together take about a hundredth of a core: with
ten thousand processes each few seconds.
In the beginning it looks more often, so that a run of half a second has looks enough.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from pathlib import Path
from typing import Protocol

from ..trace import schema
from ..trace.label import CGROUP, CPU, MACHINE, PROCESS, Subject
from ..units import NS_PER_MS, nanoseconds, seconds
from ..value_class import dataclass
from .cpu_times import Cgroups, Cpus, Processes, busy_ns
from .hidden import hidden
from .native import now_ns

PERIOD_S = 0.1
FIRST_PERIOD_S, QUICK_LOOKS = 0.02, 25
SHARE = 100  # of a core that looks take: one part in so many
PERIOD_MAX_S = 30.0
ROW_NS = NS_PER_MS  # CPU time that is worth a row
SUBJECTS_MAX = 20_000  # in one recording: whoever comes later is in the machine's time alone


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPlan:
    """Whose CPU time to record.

    Attributes:
        kinds: Of ``process`` and ``cgroup``.
        root: Of the machine's files.
    """

    kinds: tuple[str, ...] = (PROCESS,)
    root: Path = Path("/")


class Describes(Protocol):
    """Who has CPU time of their own, by a key that is theirs while they live."""

    def describe(self, key: str | int, /) -> Subject | None:
        """Who that is; None: it is gone."""


class Accounts(Describes, Protocol):
    """The same, and how much."""

    def look(self) -> dict[str | int, int]:
        """Nanoseconds that each has used."""


class _Account:
    """What was last seen and last written of one."""

    __slots__ = ("is_own", "number", "row_ns", "seen_ns", "t_ns", "written_ns")

    def __init__(self, t_ns: int, seen_ns: int) -> None:
        self.t_ns, self.seen_ns, self.written_ns = t_ns, seen_ns, seen_ns
        self.number = self.row_ns = 0  # it has no row yet
        self.is_own = False


def until_next_ns(now_ns: int, step_ns: int, apart_ns: int) -> int:
    """How long to wait for a look: on a multiple of a step, where a thinned trace keeps a reading.

    Args:
        now_ns: Now.
        step_ns: The step.
        apart_ns: How long looks are to be apart, about; one step or longer.
    """
    earliest_ns = now_ns + max(apart_ns - step_ns, 0)
    return (earliest_ns // step_ns + 1) * step_ns - now_ns


class ActivityLane:
    """Looks who is busy, on a thread of its own, from ``start`` to ``stop``.

    Args:
        plan: Whose CPU time.

    Attributes:
        looks: How many there were.
        hidden: What of other programs is not seen here: what it is, and why.
        own_ns: The CPU time of the recorder and of the command, up to the last look.
    """

    def __init__(self, plan: ActivityPlan) -> None:
        self._root = plan.root
        processes, cgroups = Processes(plan.root), Cgroups(plan.root)
        able: dict[str, Accounts] = {PROCESS: processes}
        able |= {CGROUP: cgroups} if cgroups.is_there else {}
        self.hidden = hidden(plan.root, plan.kinds, cgroups.is_there)
        self._processes = processes
        self._kinds = {kind: able[kind] for kind in plan.kinds if kind in able} or {PROCESS: processes}
        self._describers: dict[str, Describes] = {**self._kinds, CPU: Cpus(plan.root)}
        self._known: dict[str, dict[str | int, _Account]] = {kind: {} for kind in self._describers}
        self._rows: deque[schema.OwnRow] = deque()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._last_ns = 0
        self._subjects = 1
        self._is_first = True
        self.looks = self.own_ns = 0

    def describe(self, pid: int) -> Subject | None:
        """Who a process is; None: it has ended."""
        return self._processes.describe(pid)

    def mark(self, variable: str) -> None:
        """Says what the environment of the command's processes has."""
        self._processes.marks.add(variable.encode())

    def start(self) -> None:
        """Looks once, and goes on beside."""
        self._rows.append((now_ns(), 0, schema.SUBJECT, 0, Subject(MACHINE, MACHINE).to_label()))
        self.look()
        self._thread = threading.Thread(target=self._run, name="uj-activity", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Looks a last time. Harmless when repeated."""
        if self._thread is None:
            return
        self._ended.set()
        self._thread.join()
        self._thread = None
        self.look(is_last=True)

    def drain(self) -> list[schema.OwnRow]:
        """The rows since the last time."""
        return [self._rows.popleft() for _ in range(len(self._rows))]

    def look(self, is_last: bool = False) -> None:
        """Looks once, and keeps rows of who was busy."""
        self.looks += 1
        begun_ns = now_ns()
        machine_ns, cpus_ns = busy_ns(self._root)
        if machine_ns is not None:
            self._rows.append((begun_ns, 0, schema.ACTIVITY, machine_ns, None))
        self._take(CPU, cpus_ns, begun_ns, is_last)
        for kind, accounts in self._kinds.items():
            before_ns = now_ns()
            try:
                found = accounts.look()
            except OSError:  # /proc is not mounted, or has no room for another open file
                continue
            self._take(kind, found, (before_ns + now_ns()) // 2, is_last)
        self._last_ns, self._is_first = begun_ns, False

    def _run(self) -> None:
        step_s = apart_s = FIRST_PERIOD_S
        quick = QUICK_LOOKS
        while not self._ended.wait(
            seconds(until_next_ns(now_ns(), nanoseconds(step_s), nanoseconds(apart_s)))
        ):
            before_s = time.thread_time()
            self.look()
            cost_s = time.thread_time() - before_s
            quick = max(quick - 1, 0)
            step_s = FIRST_PERIOD_S if quick else PERIOD_S
            apart_s = min(max(step_s, SHARE * cost_s), PERIOD_MAX_S)

    def _take(self, kind: str, found: dict[str | int, int], t_ns: int, is_last: bool) -> None:
        known = self._known[kind]
        # Whoever is new has used all of it since the look before, save at the very first look.
        born_ns = t_ns if self._is_first else self._last_ns
        for key, used_ns in found.items():
            account = known.get(key)
            if account is None or used_ns < account.seen_ns:  # another process has its pid by now
                account = known[key] = _Account(born_ns, used_ns if self._is_first else 0)
            self.own_ns += (used_ns - account.seen_ns) * account.is_own
            least_ns = 1 if is_last and account.number else ROW_NS
            if used_ns - account.written_ns >= least_ns:
                self._write(kind, key, account, t_ns, used_ns)
            account.t_ns, account.seen_ns = t_ns, used_ns
        if len(known) > len(found):
            for key in known.keys() - found.keys():
                del known[key]

    def _write(self, kind: str, key: str | int, account: _Account, t_ns: int, used_ns: int) -> None:
        if account.number == 0:
            subject = self._describers[kind].describe(key) if self._subjects <= SUBJECTS_MAX else None
            if subject is None:
                return
            account.number = self._subjects
            account.is_own = subject.is_of_command or subject.is_recorder
            self.own_ns += (used_ns - account.written_ns) * account.is_own
            self._subjects += 1
            self._rows.append((t_ns, 0, schema.SUBJECT, account.number, subject.to_label()))
        if account.row_ns != account.t_ns:
            # Where it stood at the look before: else its time would seem to pass evenly since its last row.
            self._rows.append((account.t_ns, account.number, schema.ACTIVITY, account.seen_ns, None))
        self._rows.append((t_ns, account.number, schema.ACTIVITY, used_ns, None))
        account.written_ns, account.row_ns = used_ns, t_ns
