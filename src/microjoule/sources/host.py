"""The facts about this machine that decide which sources there can be, read from files only.

A fact whose file is missing is None and never invented: a container without ``/proc/cpuinfo`` has
an unknown CPU, not a default one.

Where they come from: ``/proc/cpuinfo`` (vendor, family, model, stepping, name, and the flag
``hypervisor``, which CPUID leaf 1 sets in a guest), ``/proc/sys/kernel`` (release, paranoia of
perf, id of the boot), ``/sys/devices/system/cpu`` (which CPU sits in which package: only online CPUs have a
``topology`` folder), ``/sys/kernel/security/lockdown`` (the state in brackets; the file is there
only where the lockdown module is), ``/proc/self/status`` (CapEff, this process's capabilities).

Careful: ``physical_package_id`` is -1 on some ARM boards and in some guests; those have one package.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import field
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..value_class import dataclass

CAP_DAC_OVERRIDE = 1  # include/uapi/linux/capability.h
CAP_DAC_READ_SEARCH = 2
CAP_SYS_RAWIO = 17
CAP_SYS_PTRACE = 19
CAP_SYS_ADMIN = 21
CAP_PERFMON = 38

INTEL = "GenuineIntel"
AMD = ("AuthenticAMD", "HygonGenuine")  # Hygon 18h is Zen under another name: the same registers

CPUS_MAX = 1 << 16  # Linux has 8192 at most (arch/x86/Kconfig: NR_CPUS)
RAPL_SIGNS = ("sys/bus/event_source/devices/power/type", "sys/class/powercap/intel-rapl:0/name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Facts of one machine.

    Attributes:
        is_virtual: Whether the CPU says that a hypervisor runs below; None: no ``flags`` were found.
        has_rapl: Whether some interface shows RAPL here: then a hypervisor passes it through.
        packages: Package of each online CPU.
        dies: Die of each online CPU, where the kernel says.
        lockdown: ``none``, ``integrity`` or ``confidentiality``; None: the kernel has no lockdown file.
        capabilities: Effective capabilities of this process, as bits.
        boot_id: Of this start of the kernel, since which its clocks and most counters run.
        machine: What tells this installation from others of its name; a hash, since the id itself is not to
            leave the machine (machine-id(5)).
    """

    cpu_vendor: str | None = None
    cpu_family: int | None = None
    cpu_model: int | None = None
    cpu_stepping: int | None = None
    cpu_name: str | None = None
    kernel: str | None = None
    is_virtual: bool | None = None
    has_rapl: bool = False
    packages: dict[int, int] = field(default_factory=dict)
    dies: dict[int, int] = field(default_factory=dict)
    perf_event_paranoid: int | None = None
    lockdown: str | None = None
    capabilities: int | None = None
    hostname: str | None = None
    boot_id: str | None = None
    machine: str | None = None

    def is_capable_of(self, capability: int) -> bool:
        """Whether this process holds a capability; where its file is missing, whether it is root.

        Root in a container often lacks capabilities, so the bits are believed before the user id.
        """
        if self.capabilities is None:
            return os.geteuid() == 0
        return bool(self.capabilities >> capability & 1)

    def may_use_perf(self, paranoid_limit: int) -> bool:
        """Whether perf events are open that ``perf_event_paranoid`` up to a limit lets anyone use."""
        if self.is_capable_of(CAP_PERFMON) or self.is_capable_of(CAP_SYS_ADMIN):
            return True
        return self.perf_event_paranoid is not None and self.perf_event_paranoid <= paranoid_limit

    def to_json(self) -> dict[str, Any]:
        """The facts as plain JSON values, for the head of a trace and for ``uj probe --json``."""
        return {
            "cpu": {
                "vendor": self.cpu_vendor,
                "family": self.cpu_family,
                "model": self.cpu_model,
                "stepping": self.cpu_stepping,
                "name": self.cpu_name,
            },
            "kernel": self.kernel,
            "is_virtual": self.is_virtual,
            "packages": {
                str(package): [cpu for cpu, its in sorted(self.packages.items()) if its == package]
                for package in sorted(set(self.packages.values()))
            },
            "perf_event_paranoid": self.perf_event_paranoid,
            "lockdown": self.lockdown,
            "hostname": self.hostname,
            "boot_id": self.boot_id,
            "machine": self.machine,
        }


def read_host(root: Path = Path("/")) -> Host:
    """The facts of the machine whose files lie under ``root``."""
    cpu = _first_processor(root / "proc/cpuinfo")
    flags = cpu.get("flags")
    lockdown = re.search(r"\[(\w+)\]", text_of(root / "sys/kernel/security/lockdown") or "")
    return Host(
        cpu_vendor=cpu.get("vendor_id"),
        cpu_family=_integer(cpu.get("cpu family")),
        cpu_model=_integer(cpu.get("model")),
        cpu_stepping=_integer(cpu.get("stepping")),
        cpu_name=cpu.get("model name"),
        kernel=text_of(root / "proc/sys/kernel/osrelease"),
        is_virtual=None if flags is None else "hypervisor" in flags.split(),
        has_rapl=any(os.path.exists(root / sign) for sign in RAPL_SIGNS),
        packages=_topology(root, "physical_package_id"),
        dies=_topology(root, "die_id"),
        perf_event_paranoid=integer_in(root / "proc/sys/kernel/perf_event_paranoid"),
        lockdown=lockdown.group(1) if lockdown else None,
        capabilities=capabilities(root),
        hostname=text_of(root / "proc/sys/kernel/hostname"),
        boot_id=text_of(root / "proc/sys/kernel/random/boot_id"),
        machine=_machine(text_of(root / "etc/machine-id")),
    )


def _machine(machine_id: str | None) -> str | None:
    """As machine-id(5) asks: a keyed hash, which says nothing of the id. Of a machine without one, None."""
    if machine_id is None or not re.fullmatch("[0-9a-f]{32}", machine_id):
        return None
    return hashlib.blake2b(bytes.fromhex(machine_id), key=b"microjoule", digest_size=8).hexdigest()


def capabilities(root: Path = Path("/")) -> int | None:
    """The effective capabilities of this process, as bits; None where /proc does not say."""
    status = text_of(root / "proc/self/status") or ""
    found = re.search(r"^CapEff:\s*([0-9a-fA-F]+)", status, re.MULTILINE)
    return int(found.group(1), 16) if found else None


def text_of(path: Path) -> str | None:
    """A file's text without the white space around it; None where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def integer_in(path: Path) -> int | None:
    """The decimal number that a file holds; None where it cannot be read or holds none."""
    return _integer(text_of(path))


def cpu_list(text: str | None) -> tuple[int, ...]:
    """The CPUs of a kernel list: ``0-2,8`` is 0, 1, 2, 8. What no kernel can have is passed over."""
    cpus: list[int] = []
    for first, last in re.findall(r"(?<!\d)(\d{1,5})(?:-(\d{1,5}))?(?!\d)", text or ""):
        cpus.extend(range(int(first), int(last or first) + 1)[: CPUS_MAX - len(cpus)])
    return tuple(cpus)


def perf_config(event: Path) -> int | None:
    """The ``config`` of a perf event, ``event=0x02``; None: the file says none."""
    found = re.search(r"event=(?:0x([0-9a-fA-F]{1,16})|(\d{1,19}))(?!\w)", text_of(event) or "")
    if found is None:
        return None
    return int(found[1], 16) if found[1] else int(found[2])


def perf_unit(event: Path) -> Fraction | None:
    """The exact unit of a perf event, from its file ``.scale``; None: the file has no positive number."""
    text = text_of(event.with_name(f"{event.name}.scale")) or ""
    if re.fullmatch(r"\d{1,40}(\.\d{1,60})?(e[-+]?\d{1,2})?", text) is None:
        return None
    return Fraction(text) or None


def _integer(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def _first_processor(path: Path) -> dict[str, str]:
    block = (text_of(path) or "").split("\n\n")[0]
    pairs = (line.partition(":") for line in block.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _topology(root: Path, name: str) -> dict[int, int]:
    folder = root / "sys/devices/system/cpu"
    online = cpu_list(text_of(folder / "online"))
    found: dict[int, int] = {}
    for path in folder.glob(f"cpu[0-9]*/topology/{name}"):
        cpu = int(path.parent.parent.name[3:])
        number = integer_in(path)
        if number is not None and (not online or cpu in online):
            found[cpu] = max(number, 0)
    return dict(sorted(found.items()))
