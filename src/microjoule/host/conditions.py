"""What changes on a machine while something is recorded: clock, temperature, throttling, idle and busy time.

Read once a second in the thread that drains, from files that are found once. The clock is that of each core,
at its first CPU: ``scaling_cur_freq``, on x86 what APERF and MPERF counted at the last ticks
(https://docs.kernel.org/admin-guide/pm/cpufreq.html); of more than ``CORES_MAX`` cores every second, third, …
Idle time is that of ``/proc/uptime``, a sum over all CPUs; busy time is the first line of ``/proc/stat``
without idle time, iowait and steal, in hundredths of a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from ..sources.host import text_of

_CPU = "sys/devices/system/cpu"
SENSORS = frozenset({"coretemp", "k10temp", "zenpower", "cpu_thermal"})  # hwmon drivers of packages
SENSORS_MAX = 4
CORES_MAX = 64  # a file takes some 10 µs: less than a thousandth of a CPU in all
_BUSY, _HZ = (1, 2, 3, 6, 7), 100  # user nice system irq softirq, and USER_HZ


class Conditions:
    """The files of one machine that say how it is now.

    Args:
        root: The folder that its files lie under.
    """

    def __init__(self, root: Path) -> None:
        self._files: dict[str, tuple[Path, Callable[[str], float]]] = {}
        for number, path in enumerate(_temperatures(root)):
            self._files[f"temperature_{number}_c"] = (path, lambda text: int(text) / 1000)
        for number in _cores(root):
            clock = root / _CPU / f"cpu{number}/cpufreq/scaling_cur_freq"
            self._add(f"cpu_{number}_hz", clock, lambda text: 1e3 * int(text))
        throttled = root / _CPU / "cpu0/thermal_throttle/package_throttle_count"
        self._add("throttle_events", throttled, float)
        self._add("busy_s", root / "proc/stat", _busy_s)
        self._add("idle_s", root / "proc/uptime", lambda text: float(text.split()[1]))

    def read(self) -> Mapping[str, float]:
        """What is so now; what cannot be read now is left out."""
        found = {}
        for name, (path, value) in self._files.items():
            text = text_of(path)
            if text is None:
                continue
            try:
                found[name] = value(text)
            except (ValueError, IndexError, OverflowError):
                continue
        return found

    def _add(self, name: str, path: Path, value: Callable[[str], float]) -> None:
        if text_of(path) is not None:
            self._files[name] = (path, value)


def _busy_s(text: str) -> float:
    words = text.partition("\n")[0].split()
    return sum(int(words[field]) for field in _BUSY) / _HZ


def _cores(root: Path) -> list[int]:
    """The first CPU of each core; each CPU of a machine that does not say which share one."""
    found = []
    for folder in (root / _CPU).glob("cpu[0-9]*"):
        number = folder.name.removeprefix("cpu")
        first = re.match(r"\d+", text_of(folder / "topology/thread_siblings_list") or number)
        if number.isdecimal() and (first is None or first[0] == number):
            found.append(int(number))
    found.sort()
    return found[:: -(-len(found) // CORES_MAX) or 1]


def _temperatures(root: Path) -> list[Path]:
    """The first temperature of each package: of its driver, the one with the lowest number."""
    found = []
    for chip in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if text_of(chip / "name") in SENSORS:
            found += sorted(chip.glob("temp*_input"))[:1]
    return found[:SENSORS_MAX]
