"""From a table row to a ``/`` tree: the files that a kernel would show for a machine, and no others.

Layouts are those of a real 6.1 kernel: powercap zones are folders under ``/sys/devices/virtual`` that
``/sys/class/powercap`` links one by one, subzones too; register files are sparse plain files in which
each register lies at the offset of its number (so AMD's neighbouring registers overlap; only the bytes
that matter of each are written).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

EVENTS = {  # name: config
    "energy-cores": 0x01,
    "energy-pkg": 0x02,
    "energy-ram": 0x03,
    "energy-gpu": 0x04,
    "energy-psys": 0x05,
}
UNIT_REGISTERS = (0x606, 0xC0010299)
SCALE = "2.3283064365386962890625e-10"  # arch/x86/events/rapl.c prints it so: 2^-32


@dataclass(frozen=True, kw_only=True)
class Cpu:
    """What /proc/cpuinfo and the topology say. ``placement`` is (package, die) of each CPU."""

    vendor: str = "GenuineIntel"
    family: int = 6
    model: int
    stepping: int = 4
    name: str
    placement: tuple[tuple[int, int], ...]
    is_virtual: bool = False


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A powercap zone: its id after the family, its name, the driver's whole nanojoules a count."""

    id: str
    name: str
    unit_nj: int
    raw: int = 1_000_000
    limits_w: tuple[float, ...] = ()
    family: str = "intel-rapl"


@dataclass(frozen=True, kw_only=True)
class Pmu:
    """perf's ``power`` PMU."""

    cpumask: str
    events: tuple[str, ...]
    type: int = 24


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One machine: a row of data that ``write`` turns into files."""

    name: str
    cpu: Cpu
    zones: tuple[Zone, ...] = ()
    pmu: Pmu | None = None
    registers: dict[int, dict[int, int]] = field(default_factory=dict)  # CPU: register: 64 bits
    paranoid: int | None = 0
    capabilities: int = 0
    lockdown: str | None = None
    kernel: str = "6.1.0-18-amd64"


def max_energy_range_uj(unit_nj: int) -> int:
    """What the driver prints: one count less than the range."""
    return ((1 << 32) - 1) * unit_nj // 1000


def energy_uj(raw: int, unit_nj: int) -> int:
    """What the driver prints for a register's count."""
    return raw * unit_nj // 1000


def write(machine: Machine, root: Path) -> Path:
    """Writes the machine's files under ``root`` and gives ``root`` back."""
    _write_cpu(machine, root)
    _write_kernel(machine, root)
    for zone in machine.zones:
        _write_zone(zone, root)
    if machine.pmu is not None:
        _write_pmu(machine.pmu, root)
    for cpu, registers in machine.registers.items():
        _write_registers(registers, root / f"dev/cpu/{cpu}/msr")
    return root


def set_energy_uj(root: Path, zone: str, value: int) -> None:
    """Moves the counter of a zone, by its folder's name (``intel-rapl:0:1``)."""
    _text(root / "sys/class/powercap" / zone / "energy_uj", str(value))


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def _write_cpu(machine: Machine, root: Path) -> None:
    cpu = machine.cpu
    flags = "fpu msr tsc" + (" hypervisor" if cpu.is_virtual else "")
    folder = root / "sys/devices/system/cpu"
    blocks = []
    for number, (package, die) in enumerate(cpu.placement):
        facts = {
            "processor": number,
            "vendor_id": cpu.vendor,
            "cpu family": cpu.family,
            "model": cpu.model,
            "model name": cpu.name,
            "stepping": cpu.stepping,
            "flags": flags,
        }
        blocks.append("\n".join(f"{key}\t: {value}" for key, value in facts.items()) + "\n")
        _text(folder / f"cpu{number}/topology/physical_package_id", str(package))
        _text(folder / f"cpu{number}/topology/die_id", str(die))
    _text(root / "proc/cpuinfo", "\n".join(blocks))
    _text(folder / "online", f"0-{len(cpu.placement) - 1}")


def _write_kernel(machine: Machine, root: Path) -> None:
    _text(root / "proc/stat", "cpu  10 20 30 4000 500 60 70 80 9 1\ncpu0 10 20 30 4000 500 60 70 80 9 1")
    _text(root / "proc/self/status", f"Name:\tuj\nCapEff:\t{machine.capabilities:016x}")
    _text(root / "proc/sys/kernel/osrelease", machine.kernel)
    if machine.paranoid is not None:
        _text(root / "proc/sys/kernel/perf_event_paranoid", str(machine.paranoid))
    if machine.lockdown is not None:
        states = ("none", "integrity", "confidentiality")
        shown = " ".join(f"[{state}]" if state == machine.lockdown else state for state in states)
        _text(root / "sys/kernel/security/lockdown", shown)


def _write_zone(zone: Zone, root: Path) -> None:
    places = zone.id.split(":")
    names = [":".join([zone.family, *places[: end + 1]]) for end in range(len(places))]
    folder = root.joinpath("sys/devices/virtual/powercap", zone.family, *names)
    _text(folder / "name", zone.name)
    _text(folder / "max_energy_range_uj", str(max_energy_range_uj(zone.unit_nj)))
    _text(folder / "energy_uj", str(energy_uj(zone.raw, zone.unit_nj)))
    for number, limit_w in enumerate(zone.limits_w):
        _text(folder / f"constraint_{number}_power_limit_uw", str(int(limit_w * 1_000_000)))
    link = root / "sys/class/powercap" / names[-1]
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(folder, link.parent))


def _write_pmu(pmu: Pmu, root: Path) -> None:
    folder = root / "sys/bus/event_source/devices/power"
    _text(folder / "type", str(pmu.type))
    _text(folder / "cpumask", pmu.cpumask)
    for event in pmu.events:
        _text(folder / "events" / event, f"event=0x{EVENTS[event]:02x}")
        _text(folder / "events" / f"{event}.scale", SCALE)
        _text(folder / "events" / f"{event}.unit", "Joules")


def _write_registers(registers: dict[int, int], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as device:
        for register, value in sorted(registers.items(), reverse=True):
            # Four bytes: of the energy no more counts, and of the unit register, written after it,
            # two (energy unit in bits 12:8), so that AMD's energy two bytes further on stays whole.
            width = 2 if register in UNIT_REGISTERS else 4
            device.seek(register)
            device.write((value % (1 << 8 * width)).to_bytes(width, "little"))
        device.seek(0, os.SEEK_END)
        device.write(bytes(8))
