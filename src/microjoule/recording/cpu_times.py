"""The CPU time of the machine, of every process and of every cgroup, as the kernel says it.

Theory of the device.

- *A process* has a clock, and anybody may read it: ``clock_gettime`` of the clock id that
  ``clock_getcpuclockid(3)`` makes of a pid, ``~pid << 3 | 2`` (``include/linux/posix-timers_types.h``), gives
  the nanoseconds that all its threads, ended ones too, spent on a CPU. A read takes a microsecond and opens
  nothing; that of ``/proc/PID/schedstat`` takes ten and is of the first thread alone. A thread that is
  running now is booked up to the scheduler's last tick (1 to 10 ms). Where a sandbox answers no such clock,
  ``utime`` and ``stime`` of ``/proc/PID/stat`` are added: hundredths of a second, each cut off.
- *A cgroup* of version 2 has ``usage_usec`` in ``cpu.stat``, with or without a CPU controller; one of version
  1 has ``cpuacct.usage`` in nanoseconds. Both count all that is below it, and what ended.
- *The machine*: the first line of ``/proc/stat``, in hundredths of a second, and a line for each logical CPU.
  Idle, iowait and steal are not busy: what a hypervisor gave to others draws its power elsewhere. Which CPUs
  are threads of one core says ``/sys/devices/system/cpu/cpuN/topology``.

Known errors: a process that begins and ends between two looks is never seen, and its time is in the
machine's alone; with ``hidepid`` only one's own processes are seen. In a container pids, cgroups or both are
those of its namespaces, and ``/proc/stat`` is still the host's.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from ..sources.host import integer_in
from ..trace.label import CPU, Subject
from ..units import NS_PER_S

NS_PER_TICK = NS_PER_S // 100  # of USER_HZ, which is 100 on every architecture but Alpha
_BUSY = (1, 2, 3, 6, 7)  # user nice system irq softirq of the line "cpu"
_PARENT, _UTIME, _STIME = 1, 11, 12  # of /proc/PID/stat, counted behind the name
_CLOCK_SCHED = 2
_ANCESTORS_MAX = 64
_ENVIRON_MAX = 1 << 20


def busy_ns(root: Path) -> tuple[int | None, dict[str | int, int]]:
    """The busy time of all CPUs together, None: the kernel does not say; and of each, by its number."""
    try:
        with open(root / "proc/stat", "rb") as file:
            lines = file.read().split(b"intr", 1)[0].splitlines()
        each = {
            words[0]: sum(int(words[i]) for i in _BUSY) * NS_PER_TICK for words in map(bytes.split, lines)
        }
    except (OSError, ValueError, IndexError):
        return None, {}
    return each.pop(b"cpu", None), {int(name[3:]): ns for name, ns in each.items() if name[3:].isdigit()}


class Cpus:
    """The logical CPUs of the machine; their times are of :func:`busy_ns`.

    Args:
        root: Of the machine's files.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / "sys/devices/system/cpu"

    def describe(self, cpu: str | int) -> Subject:
        """Which CPU it is, and of which core: siblings of SMT have one."""
        topology = self._folder / f"cpu{cpu}/topology"
        package, core = integer_in(topology / "physical_package_id"), integer_in(topology / "core_id")
        device = "" if core is None else f"{max(package or 0, 0)}/{core}"
        return Subject(kind=CPU, name=f"cpu{cpu}", device=device)


class Processes:
    """The processes that this user sees.

    Args:
        root: Of the machine's files; clocks are always the real machine's.

    Attributes:
        marks: What the environment of a command's processes has, one of these, wherever init took them.
    """

    def __init__(self, root: Path) -> None:
        self._proc = root / "proc"
        self._has_clocks = root == Path("/") and _has_clock(os.getpid())
        self._users = _users(root)
        self._own = os.getpid()
        self.marks: set[bytes] = set()

    def look(self) -> dict[str | int, int]:
        """Nanoseconds of each process, by its pid."""
        used = self._by_clock if self._has_clocks else self._by_stat
        pids = (int(name) for name in os.listdir(self._proc) if name.isdigit())
        return {pid: found for pid in pids if (found := used(pid)) is not None}

    def describe(self, pid: str | int) -> Subject | None:
        """Who a process is; None: it has ended."""
        folder = self._proc / str(pid)
        stat = _stat(folder)
        if stat is None:
            return None
        name, fields = stat
        try:
            user = os.stat(folder).st_uid
            cgroup = (folder / "cgroup").read_text(errors="replace")
        except OSError:
            return None
        return Subject(
            kind="process",
            name=name,
            pid=int(pid),
            cgroup=cgroup_of(cgroup),
            user=self._users.get(user, str(user)),
            is_of_command=pid != self._own and self._is_of_command(int(pid), int(fields[_PARENT])),
            is_recorder=pid == self._own,
        )

    def _is_of_command(self, pid: int, parent: int) -> bool:
        """Whether this recorder started it, or a child of this recorder did."""
        for _ in range(_ANCESTORS_MAX):
            if parent == self._own:
                return True
            stat = _stat(self._proc / str(parent)) if parent > 1 else None
            if stat is None:
                break
            parent = int(stat[1][_PARENT])
        if not self.marks:
            return False
        try:
            with open(self._proc / str(pid) / "environ", "rb") as file:
                return not self.marks.isdisjoint(file.read(_ENVIRON_MAX).split(b"\0"))
        except OSError:  # of another user
            return False

    @staticmethod
    def _by_clock(pid: int) -> int | None:
        try:
            return time.clock_gettime_ns(~pid << 3 | _CLOCK_SCHED)
        except OSError:
            return None

    def _by_stat(self, pid: int) -> int | None:
        stat = _stat(self._proc / str(pid))
        if stat is None:
            return None
        return (int(stat[1][_UTIME]) + int(stat[1][_STIME])) * NS_PER_TICK


class Cgroups:
    """The cgroups of this machine, or of this container.

    Args:
        root: Of the machine's files.
    """

    def __init__(self, root: Path) -> None:
        self._folder, self._file = _hierarchy(root / "sys/fs/cgroup")

    @property
    def is_there(self) -> bool:
        """Whether CPU time of cgroups can be read here."""
        return self._file != ""

    def look(self) -> dict[str | int, int]:
        """Nanoseconds of each cgroup and all below it, by its path from the hierarchy's root."""
        found: dict[str | int, int] = {}
        waiting = [""]
        while waiting:
            path = waiting.pop()
            folder = f"{self._folder}{path}"
            used = self._used(f"{folder}/{self._file}")
            if used is not None:
                found[path or "/"] = used
            try:
                with os.scandir(folder) as entries:
                    waiting += [
                        f"{path}/{each.name}" for each in entries if each.is_dir(follow_symlinks=False)
                    ]
            except OSError:  # it disappeared
                continue
        return found

    def describe(self, path: str | int) -> Subject | None:
        """What a cgroup is."""
        return Subject(kind="cgroup", name=str(path), cgroup=str(path))

    def _used(self, file: str) -> int | None:
        try:
            with open(file, "rb") as opened:
                words = opened.read(4096).split()
            if self._file != "cpu.stat":
                return int(words[0])
            return int(words[words.index(b"usage_usec") + 1]) * 1000
        except (OSError, ValueError, IndexError):
            return None


def cgroup_of(text: str) -> str:
    """The path of ``/proc/PID/cgroup``: of version 2, else of the CPU's hierarchy, else the longest."""
    paths: dict[str, str] = {}
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            paths[controller] = path
    accounted = paths.get("cpuacct") or paths.get("")
    if accounted and accounted != "/":
        return accounted
    named = paths.get("name=systemd", "")
    return max((accounted or "", paths.get("", ""), named), key=len)


def _hierarchy(folder: Path) -> tuple[str, str]:
    """The folder of the hierarchy that accounts CPU time, and the file that does; empty: none is readable."""
    places = (
        (folder, "cpu.stat"),
        (folder / "cpuacct", "cpuacct.usage"),
        (folder / "cpu,cpuacct", "cpuacct.usage"),
        (folder / "unified", "cpu.stat"),
    )
    for place, name in places:
        if os.access(place / name, os.R_OK):
            return str(place), name
    return str(folder), ""


def _has_clock(pid: int) -> bool:
    return Processes._by_clock(pid) is not None


def _stat(folder: Path) -> tuple[str, list[bytes]] | None:
    """The name of a process and the fields behind it."""
    try:
        with open(folder / "stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    before, _, after = text.rpartition(b")")  # a name may hold any sign
    fields = after.split()
    if len(fields) <= _STIME:
        return None
    return before.partition(b"(")[2].decode(errors="replace"), fields


def _users(root: Path) -> dict[int, str]:
    """Names by number, of the local file alone: a directory service may take seconds to answer."""
    try:
        lines = (root / "etc/passwd").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    rows = [line.split(":") for line in lines]
    return {int(row[2]): row[0] for row in rows if len(row) > 2 and row[2].isdigit()}
