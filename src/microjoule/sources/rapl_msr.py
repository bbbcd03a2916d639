"""RAPL through ``/dev/cpu/N/msr``: the registers themselves.

Theory of the device (Intel SDM volume 4, table 2-2; AMD PPR, "RAPL"; ``arch/x86/kernel/msr.c``). A
register is read as 8 bytes at the offset of its number; the kernel runs ``rdmsr`` on CPU N, through
an interrupt where the caller is elsewhere. Bits 31:0 are the energy, in units of 2^-ESU J with ESU in
bits 12:8 of the unit register. Bits 63:32 are reserved on Intel, and on AMD documented as energy on
some families only: counting modulo 2^32 is right for all of them.

- Intel: unit 0x606, package 0x611, cores 0x639, uncore 0x641, DRAM 0x619, psys 0x64D.
- AMD 17h, 19h, 1Ah and Hygon 18h: unit 0xC0010299, package 0xC001029B. Register 0xC001029A is *one
  core's*, so it is not offered as ``core``: a sum over all cores would need one read a core.
- Silvermont, Airmont and the two Merrifields: the unit is 2^ESU microjoules.
- Server DRAM and Sapphire Rapids' psys: fixed units, whatever the unit register says (``domains.py``).
- Update: about once a millisecond. Cost: a system call and, from another package, an interrupt.
- Who may read: the device is root's, mode 0600, and ``open`` asks for CAP_SYS_RAWIO whatever the mode.
  Kernel lockdown (Secure Boot) forbids writing, and in several distributions reading too.
- Module: ``msr``.

Known lies. A register that the part does not have faults, which arrives as EIO; some hypervisors,
and parts whose RAPL moved to TPMI, answer 0 instead: a domain counts as there only if it reads other
than 0, so one that stands at exactly 0 is missed, once in 2^32. The power unit may read 0 on AMD.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from ..channel import Access, Channel, Place, Scale
from ..units import UJ_PER_J
from ..value_class import dataclass
from .domains import (
    ATOM_MODELS,
    COUNTS,
    DOMAINS,
    TIMING,
    absence,
    assumed_unit,
    channel_id,
    domain_of,
    is_intel_model,
    place_of,
    quirk_unit,
    scopes,
    with_parents,
)
from .host import AMD, CAP_SYS_RAWIO, INTEL, Host
from .machine import Machine
from .survey import Cause, Obstacle, Survey, closed_by
from .zones import PowercapZone, trust, zone_of

NAME = "rapl_msr"
READERS = "root with CAP_SYS_RAWIO"

INTEL_UNIT_REGISTER = 0x606
AMD_UNIT_REGISTER = 0xC0010299
INTEL_REGISTERS = {domain.name: domain.register for domain in DOMAINS}
AMD_REGISTERS = {"": 0xC001029B}

MODULE_REMEDY = "Run `sudo modprobe msr`"
PERMISSION_REMEDY = (
    "Run as root (the device asks for CAP_SYS_RAWIO whatever its mode), or use perf: "
    "`sudo sysctl kernel.perf_event_paranoid=0`"
)
LOCKDOWN_REMEDY = "Use perf or powercap, which lockdown leaves open, or turn Secure Boot off in the firmware"


@dataclass(frozen=True, slots=True)
class _Device:
    path: Path
    package: Place
    cpu: int


def survey(machine: Machine) -> Survey:
    """The RAPL registers that answer on the first CPU of each package under ``root``."""
    host, root = machine.host, machine.root
    if host.cpu_vendor == INTEL:
        unit_register, registers = INTEL_UNIT_REGISTER, INTEL_REGISTERS
    elif host.cpu_vendor in AMD:
        unit_register, registers = AMD_UNIT_REGISTER, AMD_REGISTERS
    else:
        return Survey(NAME, READERS, obstacles=(_absence(host, "/dev/cpu/*/msr"),))
    cpus = scopes(host)
    if not any(os.path.exists(_device(root, cpu)) for cpu in cpus.values()):
        return Survey(NAME, READERS, obstacles=(_absence(host, "/dev/cpu/*/msr"),))
    all_zones = machine.zones
    found: dict[str, Channel] = {}
    refused: dict[str, Channel] = {}
    obstacles: tuple[Obstacle, ...] = ()
    for package, cpu in cpus.items():
        device = _Device(_device(root, cpu), package, cpu)
        try:
            for name, scale in _domains(host, device.path, unit_register, registers):
                channel = _channel(host, device, name, registers[name], scale, all_zones)
                found.setdefault(channel.id, channel)  # psys: once, in the lane of the first package
        except PermissionError as error:
            # Which domains there are cannot be known; the package is on every part.
            channel = _channel(
                host, device, "", registers[""], _scale(assumed_unit(host), "assumed"), all_zones
            )
            refused[channel.id] = channel
            obstacles = _denials(host, device.path, error)
    if not found and not refused:
        return Survey(NAME, READERS, obstacles=(_silence(host),))
    return Survey(
        NAME,
        READERS,
        channels=with_parents(found.values()),
        closed=closed_by(obstacles[0], with_parents(refused.values())) if refused else (),
        obstacles=obstacles,
    )


def _device(root: Path, cpu: int) -> Path:
    return root / f"dev/cpu/{cpu}/msr"


def _read(path: Path, register: int) -> int:
    """The 64 bits of a register; 0 where it faults or the CPU has no device."""
    try:
        with path.open("rb", buffering=0) as device:
            return int.from_bytes(os.pread(device.fileno(), 8, register), "little")
    except PermissionError:
        raise
    except OSError:
        return 0


def _domains(
    host: Host, path: Path, unit_register: int, registers: dict[str, int]
) -> Iterator[tuple[str, Scale]]:
    word = _read(path, unit_register)
    if word == 0:
        return
    for name, register in registers.items():
        if _read(path, register) % COUNTS:
            yield name, _scale(*_unit(host, name, word))


def _scale(unit: Fraction, origin: str) -> Scale:
    return Scale(quantity="J", unit=unit, unit_source=origin, modulus=COUNTS)


def _unit(host: Host, name: str, word: int) -> tuple[Fraction, str]:
    quirk = quirk_unit(host, name)
    if quirk is not None:
        return quirk, "kernel"
    esu = word >> 8 & 0x1F
    if is_intel_model(host, ATOM_MODELS):
        return Fraction(1 << esu, UJ_PER_J), "register"
    return Fraction(1, 1 << esu), "register"


def _channel(
    host: Host, device: _Device, name: str, register: int, scale: Scale, all_zones: tuple[PowercapZone, ...]
) -> Channel:
    place = place_of(device.package, name)
    domain = domain_of(place)
    return Channel(
        id=channel_id(place),
        place=place,
        hw_type=domain.hw_type,
        source=NAME,
        lane=channel_id(device.package),
        scale=scale,
        timing=TIMING,
        trust=trust(host, domain, zone_of(all_zones, place)),
        access=Access(reader="msr", path=str(device.path), config=register, cpu=device.cpu),
    )


def _denials(host: Host, path: Path, error: PermissionError) -> tuple[Obstacle, ...]:
    permission = Obstacle(
        Cause.PERMISSION, f"{path} may not be read ({os.strerror(error.errno or 0)})", PERMISSION_REMEDY
    )
    if host.lockdown in (None, "none"):
        return (permission,)
    what = f"kernel lockdown is {host.lockdown}, which may refuse MSRs to root too"
    lockdown = Obstacle(Cause.LOCKDOWN, what, LOCKDOWN_REMEDY)
    # EPERM past the file's mode, from one who holds the capability, is lockdown speaking.
    if error.errno == errno.EPERM and host.is_capable_of(CAP_SYS_RAWIO):
        return (lockdown,)
    return (permission, lockdown)


def _absence(host: Host, interface: str) -> Obstacle:
    # The module msr reads any register of any CPU: it need not know the CPU, as the drivers of RAPL do.
    return absence(replace(host, kernel=""), interface, MODULE_REMEDY)


def _silence(host: Host) -> Obstacle:
    if host.is_virtual:
        return _absence(host, "Any RAPL register behind /dev/cpu/*/msr")
    return Obstacle(
        Cause.HIDDEN,
        "No RAPL register behind /dev/cpu/*/msr answers with anything but 0: the part has none, "
        "or its RAPL moved to TPMI",
        "Run `sudo modprobe intel_rapl_tpmi` and use powercap or perf",
    )
