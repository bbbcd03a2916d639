"""What changes on a machine while something is recorded: clock, temperature, throttling, idle time.

Read once a second in the thread that drains, from at most a dozen files that are found once. Idle time is
that of ``/proc/uptime``, a sum over all CPUs; ``/proc/stat`` would be written out for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..sources.host import text_of

_CPU = "sys/devices/system/cpu"
SENSORS = frozenset({"coretemp", "k10temp", "zenpower", "cpu_thermal"})  # hwmon drivers of packages
SENSORS_MAX = 4


class Conditions:
    """The files of one machine that say how it is now.

    Args:
        root: The folder that its files lie under.
    """

    def __init__(self, root: Path) -> None:
        self._files: dict[str, tuple[Path, Callable[[str], float]]] = {}
        for number, path in enumerate(_temperatures(root)):
            self._files[f"temperature_{number}_c"] = (path, lambda text: int(text) / 1000)
        self._add("clock_hz", root / _CPU / "cpu0/cpufreq/scaling_cur_freq", lambda text: 1e3 * int(text))
        throttled = root / _CPU / "cpu0/thermal_throttle/package_throttle_count"
        self._add("throttle_events", throttled, float)
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


def _temperatures(root: Path) -> list[Path]:
    """The first temperature of each package: of its driver, the one with the lowest number."""
    found = []
    for chip in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if text_of(chip / "name") in SENSORS:
            found += sorted(chip.glob("temp*_input"))[:1]
    return found[:SENSORS_MAX]
