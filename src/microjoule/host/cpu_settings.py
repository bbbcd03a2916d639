"""Settings that each CPU has of its own, of all CPUs that are online: one value where all agree.

Where they do not, as on CPUs with two kinds of cores or after a command that reached only some, the value
is a table: ``{"CPU 0-3": "performance", "CPU 4-7": "powersave"}``. A read takes some microseconds a file: a
server of 256 CPUs is read in 20 to 50 ms, once at the beginning of a recording and once at its end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..sources.host import cpu_list

CPU = "sys/devices/system/cpu"
CPUS_MAX = 4096
STATES_MAX = 16  # idle states of a CPU
_NUMBER = re.compile(r"[0-9]{1,15}")


class EachCpu(NamedTuple):
    """A row: what it is called, its file under a CPU's folder, and how the text there becomes a value."""

    name: str
    file: str
    value: Callable[[str], Any] = str


def hertz(text: str) -> int | None:
    """Of kilohertz in decimals; None: it is no number."""
    return 1000 * int(text) if _NUMBER.fullmatch(text) else None


ROWS = (
    EachCpu("governor", "cpufreq/scaling_governor"),
    EachCpu("energy_preference", "cpufreq/energy_performance_preference"),
    EachCpu("frequency_driver", "cpufreq/scaling_driver"),
    EachCpu("frequency_min_hz", "cpufreq/scaling_min_freq", hertz),
    EachCpu("frequency_max_hz", "cpufreq/scaling_max_freq", hertz),
    EachCpu("microcode", "microcode/version"),
)


def cpu_settings(root: Path) -> dict[str, Any]:
    """The settings of the CPUs whose files lie under ``root``; what none of them says is left out."""
    cpus = _online(root)
    found = {row.name: _of_all({cpu: _value(root, cpu, row) for cpu in cpus}) for row in ROWS}
    found["idle_states"] = _of_all({cpu: _idle_states(f"{root}/{CPU}/cpu{cpu}/cpuidle") for cpu in cpus})
    return {name: value for name, value in found.items() if value is not None}


def listed(cpus: Iterable[int]) -> str:
    """CPUs as the kernel lists them: ``0-3,8``."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and runs[-1][1] == cpu - 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def in_words(value: object) -> str:
    """A setting, or those of different CPUs."""
    return (
        ", ".join(f"{cpus} {each}" for cpus, each in value.items()) if isinstance(value, dict) else str(value)
    )


def _online(root: Path) -> list[int]:
    """The CPUs that are online; where the kernel does not say, those with a folder."""
    cpus = list(cpu_list(_text(f"{root}/{CPU}/online") or ""))
    if not cpus:
        cpus = [int(path.name[3:]) for path in (root / CPU).glob("cpu[0-9]*") if path.name[3:].isdigit()]
    return sorted(cpus)[:CPUS_MAX]


def _of_all(values: Mapping[int, Any]) -> Any:  # noqa: ANN401 - JSON values
    """The value that all CPUs have which have one, or each value by its CPUs; None: none of them has one."""
    by_value: dict[str, tuple[Any, list[int]]] = {}
    for cpu, value in values.items():
        if value is not None:
            by_value.setdefault(str(value), (value, []))[1].append(cpu)
    if len(by_value) <= 1:
        return next((value for value, _ in by_value.values()), None)
    return {f"CPU {listed(members)}": value for value, members in by_value.values()}


def _value(root: Path, cpu: int, row: EachCpu) -> Any:  # noqa: ANN401 - what the row's text says
    text = _text(f"{root}/{CPU}/cpu{cpu}/{row.file}")
    return row.value(text) if text else None


def _idle_states(folder: str) -> list[str] | None:
    """The idle states of a CPU that are not disabled, by name, shallow to deep."""
    found = []
    for number in range(STATES_MAX):
        name = _text(f"{folder}/state{number}/name")
        if name is None:
            break
        if name and _text(f"{folder}/state{number}/disable") in (None, "0"):
            found.append(name)
    return found or None


def _text(path: str) -> str | None:
    """A file's text; without pathlib, which takes as long as the read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(4096).strip()
    except (OSError, ValueError):
        return None
