"""The settings of a machine on which its energy depends, read from files: a table of facts.

Where they come from: ``/sys/devices/system/cpu`` (cpufreq, cpuidle, smt, vulnerabilities, microcode; see the
kernel's Documentation/admin-guide/pm and ABI/testing/sysfs-devices-system-cpu), ``/sys/class/powercap`` (the
limits in force), ``/sys/class/power_supply``, ``/proc/cmdline`` and ``/proc/self/cgroup``.

A fact whose file is missing is left out and never invented.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from ..sources.host import text_of
from .cpu_settings import CPU, cpu_settings

_MICRO = Fraction(1, 1_000_000)
ZONES_MAX, CONSTRAINTS_MAX = 8, 3
CONTAINERS = (
    (".dockerenv", "docker"),
    ("run/.containerenv", "podman"),
    ("run/systemd/container", "systemd-nspawn"),
    ("var/run/secrets/kubernetes.io", "kubernetes"),
)
_NUMBER = re.compile(r"[0-9]{1,15}")
_CGROUP_OF = re.compile(r"docker|kubepods|libpod|lxc|containerd|machine\.slice")


class Fact(NamedTuple):
    """A row: what it is called, where it is, and how the text there becomes a value.

    Attributes:
        name: As ``joules.environments`` has it.
        files: Under the root, in order: the first that can be read counts.
        value: Of the file's text; None: it says nothing.
    """

    name: str
    files: tuple[str, ...]
    value: Callable[[str], Any] = str


def _chosen(text: str) -> str | None:
    """The word in brackets: ``always [madvise] never``."""
    found = re.search(r"\[(\w+)\]", text)
    return found[1] if found else None


def _is_on(text: str) -> bool | None:
    return {"1": True, "0": False}.get(text)


def _is_off(text: str) -> bool | None:
    return {"1": False, "0": True}.get(text)


# Kernel parameters on which power depends; the others may hold what is nobody's business.
_OPTIONS = re.compile(
    r"(?:mitigations|isolcpus|nohz|nohz_full|idle|maxcpus|nr_cpus|nosmt|processor\.\w+|intel_idle\.\w+|"
    r"intel_pstate|amd_pstate|cpufreq\.\w+|cpuidle\.\w+|pcie_aspm|noapic|tsc|clocksource)(?:=\S*)?"
)


def _power_options(text: str) -> str:
    return " ".join(word for word in text.split() if _OPTIONS.fullmatch(word))


FACTS = (
    Fact("smt", (f"{CPU}/smt/active",), _is_on),
    Fact("cpus_online", (f"{CPU}/online",)),
    Fact("idle_driver", (f"{CPU}/cpuidle/current_driver",)),
    Fact("platform_profile", ("sys/firmware/acpi/platform_profile",)),
    Fact("huge_pages", ("sys/kernel/mm/transparent_hugepage/enabled",), _chosen),
    Fact("nmi_watchdog", ("proc/sys/kernel/nmi_watchdog",), _is_on),
    Fact("clock_source", ("sys/devices/system/clocksource/clocksource0/current_clocksource",)),
    Fact("kernel_options", ("proc/cmdline",), _power_options),
)
# Turbo is said as "no turbo" by one driver and as "boost" by the others.
TURBO = ((f"{CPU}/intel_pstate/no_turbo", _is_off), (f"{CPU}/cpufreq/boost", _is_on))


def read_state(root: Path = Path("/")) -> dict[str, Any]:
    """The settings of the machine whose files lie under ``root``, as JSON values; missing ones left out."""
    found = {**cpu_settings(root), **{row.name: _first(root, row) for row in FACTS}}
    turbo = (value(text) for name, value in TURBO if (text := text_of(root / name)) is not None)
    found["turbo"] = next(turbo, None)
    found["mitigations"] = _mitigations(root) or None
    found["power_limits_w"] = power_limits_w(root) or None
    found["on_battery"] = _is_on_battery(root)
    found.update(_cgroup(root))
    found["container"] = _container(root)
    return {name: value for name, value in found.items() if value is not None}


def environment_id(facts: Mapping[str, Any]) -> str:
    """Twelve signs that are the same where CPU, kernel, settings, GPUs and their driver are.

    Args:
        facts: Of a trace: ``host``, ``state``, ``gpus``.
    """
    host = facts.get("host", {})
    gpus = [{key: of.get(key) for key in ("name", "driver", "settings")} for of in facts.get("gpus", [])]
    said = [host.get("cpu"), host.get("kernel"), facts.get("state", {}), gpus]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]


def _first(root: Path, row: Fact) -> Any:  # noqa: ANN401 - what the row's text says
    texts = (text_of(root / name) for name in row.files)
    text = next((each for each in texts if each), None)
    return None if text is None else row.value(text)


def _mitigations(root: Path) -> dict[str, str]:
    """What the kernel does about each weakness of the CPU; those that the CPU has not are left out."""
    folder = root / CPU / "vulnerabilities"
    texts = {path.name: text_of(path) for path in sorted(folder.glob("*"))}
    return {name: text for name, text in texts.items() if text and text != "Not affected"}


def power_limits_w(root: Path) -> dict[str, float]:
    """The power limits in force of the packages, by zone and constraint: ``package-0 long_term``."""
    found: dict[str, float] = {}
    for zone in sorted((root / "sys/class/powercap").glob("intel-rapl:*"))[: 8 * ZONES_MAX]:
        if zone.name.count(":") != 1 or len(found) >= ZONES_MAX * CONSTRAINTS_MAX:
            continue
        for number in range(CONSTRAINTS_MAX):
            limit = text_of(zone / f"constraint_{number}_power_limit_uw")
            if limit is None or not _NUMBER.fullmatch(limit):
                break
            name = text_of(zone / f"constraint_{number}_name") or str(number)
            found[f"{text_of(zone / 'name')} {name}"] = float(int(limit) * _MICRO)
    return found


def _is_on_battery(root: Path) -> bool | None:
    mains = [
        text_of(supply / "online")
        for supply in (root / "sys/class/power_supply").glob("*")
        if text_of(supply / "type") == "Mains"
    ]
    return "1" not in mains if mains else None


def _cgroup(root: Path) -> dict[str, str | None]:
    """What the process's own control group may use; without limits nothing."""
    path = (text_of(root / "proc/self/cgroup") or "").rpartition("::")[2].partition("\n")[0].strip("/")
    folder = root / "sys/fs/cgroup" / (path if path.isprintable() and ".." not in path else "")
    limits = {
        "cgroup_cpu_max": text_of(folder / "cpu.max"),
        "cgroup_cpus": text_of(folder / "cpuset.cpus"),
        "cgroup_memory_max": text_of(folder / "memory.max"),
    }
    return {name: text if text and not text.startswith("max") else None for name, text in limits.items()}


def _container(root: Path) -> str | None:
    for sign, name in CONTAINERS:
        if os.path.exists(root / sign):
            return name
    found = _CGROUP_OF.search(text_of(root / "proc/self/cgroup") or "")
    return found[0] if found else None
