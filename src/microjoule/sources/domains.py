"""What the RAPL sources share: the domains, their units by CPU model, how they move and overlap.

RAPL (Running Average Power Limit) is Intel's, and AMD's copy of it: for each package a 32-bit
register that grows by the energy drawn, in units of 2^-ESU joules, where ESU stands in bits 12:8
of a unit register. Three interfaces of Linux show the same registers (perf, powercap, /dev/cpu/*/msr)
and this file keeps what is so of the register, whoever reads it.

Overlap: psys (the whole board) contains the packages and the DRAM; a package contains its cores and
its uncore (the graphics of a client part); DRAM is outside the package.

Models are those of ``arch/x86/include/asm/intel-family.h``; quirks those of
``arch/x86/events/rapl.c`` (perf) and ``drivers/powercap/intel_rapl_common.c`` (powercap). The two
disagree on DRAM: 2^-16 J and 15.3 µJ, 0.27 %; and on Broadwell-D, which powercap does not list, by 4.
Intel's manual gives 15.3 µJ rounded: 2^-16 J is 15.26 µJ, so the register is taken as 2^-16 J.

From Sapphire Rapids on the DRAM register counts 2^-14 J (Intel SDM volume 4, table of the 4th and 5th
generation Xeon Scalable, register 619H: 61 µJ). Kernels from 5.11 took it for 15.3 µJ, in both drivers, until
two fixes of Linux 6.1 (80275ca9e525 of perf, 4c081324df56 of powercap; stable kernels since October 2022).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

from ..channel import Channel, Place, Role, SensorError, Timing
from ..value_class import dataclass
from .host import AMD, INTEL, Host
from .survey import Cause, Obstacle

PSYS_NAME = "psys"
PSYS = Place(device="psys", role=Role.PLATFORM)

COUNTS = 1 << 32  # every RAPL register is 32 bits wide, on AMD too as far as every model can be trusted

# The registers move about once a millisecond (AMD by its documents, Intel by measurement, with
# jitter and now and then an update missed); energy filtering, which Intel turns on against
# PLATYPUS and under SGX, stretches that to about 8 ms. The register trails the energy by at most
# one update as far as anyone has shown. No vendor states an accuracy.
TIMING = Timing(update_ns=1_000_000, update_max_ns=10_000_000, lag_ns=1_000_000)


@dataclass(frozen=True, slots=True)
class Domain:
    """One RAPL domain under the names that its interfaces give it.

    Attributes:
        name: The part of the package; empty: the package itself.
        event: perf's event.
        zone: powercap's zone name, of a package the beginning of it.
        register: Intel's MSR.
        hw_type: OpenTelemetry's word for it.
    """

    name: str
    event: str
    zone: str
    register: int
    hw_type: str


DOMAINS = (
    Domain("", "energy-pkg", "package", 0x611, "cpu"),
    Domain("core", "energy-cores", "core", 0x639, "cpu"),
    Domain("uncore", "energy-gpu", "uncore", 0x641, "cpu"),
    Domain("dram", "energy-ram", "dram", 0x619, "memory"),
    Domain(PSYS_NAME, "energy-psys", "psys", 0x64D, "enclosure"),
)
NESTED = frozenset(domain.zone for domain in DOMAINS if domain.name not in ("", PSYS_NAME))
INSIDE = ("core", "uncore")  # the package's own; DRAM is outside it
BY_NAME = MappingProxyType({domain.name: domain for domain in DOMAINS})


@dataclass(frozen=True, slots=True)
class Quirk:
    """A unit that the unit register does not tell, or that kernels had wrong."""

    domain: str
    models: frozenset[int]
    unit: Fraction
    known_from: str


QUIRKS = (
    Quirk(
        "dram",  # HASWELL_X BROADWELL_X BROADWELL_D SKYLAKE_X ICELAKE_X ICELAKE_D KNL KNM
        frozenset({0x3F, 0x4F, 0x56, 0x55, 0x6A, 0x6C, 0x57, 0x85}),
        Fraction(1, 1 << 16),
        "arch/x86/events/rapl.c: RAPL_UNIT_QUIRK_INTEL_HSW",
    ),
    Quirk(
        "dram",  # SAPPHIRERAPIDS_X EMERALDRAPIDS_X
        frozenset({0x8F, 0xCF}),
        Fraction(1, 1 << 14),
        "Intel SDM volume 4, register 619H of these models",
    ),
    Quirk(
        "psys",  # SAPPHIRERAPIDS_X EMERALDRAPIDS_X
        frozenset({0x8F, 0xCF}),
        Fraction(1),
        "arch/x86/events/rapl.c: RAPL_UNIT_QUIRK_INTEL_SPR",
    ),
)

# SILVERMONT AIRMONT SILVERMONT_MID SILVERMONT_MID2: 2^ESU microjoules
# (drivers/powercap/intel_rapl_common.c: rapl_check_unit_atom)
ATOM_MODELS = frozenset({0x37, 0x4C, 0x4A, 0x5A})

INTEL_ESU = 14  # since Haswell; 16 on Sandy and Ivy Bridge
OLD_INTEL_MODELS = frozenset({0x2A, 0x2D, 0x3A, 0x3E})  # SANDYBRIDGE(_X) IVYBRIDGE(_X)
ZEN, ZEN_5 = 0x17, 0x1A  # AMD families: the first with RAPL, and one that older kernels do not know
ZEN_5_KNOWN = (6, 12)  # a long-term kernel that knows it: perf and powercap did not begin together
AMD_ESU = 16  # reset value 0xA1003 of MSR 0xC0010299


@dataclass(frozen=True, slots=True)
class Doubt:
    """A row of what to assume of a register that nobody has held against a meter.

    Attributes:
        vendors: CPU vendors that the row speaks of.
        domain: ``Domain.name``.
        gain: Standard uncertainty of the slope, as a fraction, as far as all code shares it.
        code: And of what of it depends on the code that runs.
        source: Why so much.
    """

    vendors: tuple[str, ...]
    domain: str
    gain: float
    code: float
    source: str


# Intel's package is measured at its regulators since Haswell and was a model before; its DRAM is worse
# at idle (Hackenberg et al. 2015; Desrochers et al. 2016); AMD's registers are a model that misses what
# depends on data and on DRAM (arXiv 2108.00808). None of the three gives one figure for all machines:
# these are this project's judgement of them. Other domains have no row: nothing is known.
# Nor does anyone give what of it depends on the code. Before Haswell and on Zen 2 each workload lies on a
# line of its own beside the outside meter's (Hackenberg et al. 2013, 10.1109/ISPASS.2013.6557170; arXiv
# 2108.00808), since Haswell nearly all lie on one (Hackenberg et al. 2015, 10.1109/IPDPSW.2015.70). Fahad et
# al. 2019 (10.3390/en12112204) find up to 73 % in the mean of the *dynamic* energy of two applications, which
# is what is left when the idle machine is subtracted, and of nodes rather than packages: no bound of this.
_OLD = "estimated, not measured, before Haswell: Hackenberg et al. 2013; a judgement"
OLD_INTEL_GAIN, OLD_INTEL_CODE = 0.06, 0.08
DOUBTS = (
    Doubt((INTEL,), "", 0.026, 0.015, "Intel package since Haswell: Hackenberg et al. 2015; a judgement"),
    Doubt((INTEL,), "dram", 0.087, 0.05, "Intel DRAM: Desrochers et al. 2016; a judgement"),
    Doubt(AMD, "", 0.06, 0.08, "AMD package: arXiv 2108.00808; a judgement"),
)


def sensor_error(host: Host, domain: str) -> SensorError | None:
    """What to assume of a domain's sensor on this CPU; None: nothing is known."""
    if domain == "" and is_intel_model(host, OLD_INTEL_MODELS):
        return SensorError(gain=OLD_INTEL_GAIN, code=OLD_INTEL_CODE, form="normal", source=_OLD)
    for doubt in DOUBTS:
        if host.cpu_vendor in doubt.vendors and doubt.domain == domain:
            return SensorError(gain=doubt.gain, code=doubt.code, form="normal", source=doubt.source)
    return None


def is_intel_model(host: Host, models: Collection[int]) -> bool:
    """Whether the CPU is Intel's family 6 and one of the models."""
    return host.cpu_vendor == INTEL and host.cpu_family == 6 and host.cpu_model in models


def quirk_unit(host: Host, domain: str) -> Fraction | None:
    """The joules per count that a quirk row gives a domain on this CPU; None: no row speaks of it."""
    for quirk in QUIRKS:
        if quirk.domain == domain and is_intel_model(host, quirk.models):
            return quirk.unit
    return None


def assumed_unit(host: Host) -> Fraction:
    """The usual joules per count of this CPU's vendor, where no register and no file tells."""
    if host.cpu_vendor in AMD or is_intel_model(host, OLD_INTEL_MODELS):
        return Fraction(1, 1 << AMD_ESU)
    return Fraction(1, 1 << INTEL_ESU)


def scopes(host: Host) -> dict[Place, int]:
    """The first CPU of everything that has RAPL registers of its own.

    That is the package; on Intel's parts of several dies (Cascade Lake-AP) it is the die.
    """
    packages = set(host.packages.values())
    places = {cpu: (package, host.dies.get(cpu, 0)) for cpu, package in host.packages.items()}
    is_by_die = host.cpu_vendor == INTEL and len(set(places.values())) > len(packages)
    first: dict[Place, int] = {}
    for cpu, (package, die) in sorted(places.items()):
        first.setdefault(package_place(package, die if is_by_die else None), cpu)
    return first or {package_place(0): 0}  # no topology: the first CPU is there on every machine


def package_place(number: int, die: int | None = None) -> Place:
    """A package, or one of its dies, as a whole."""
    return Place(device="package", number=number, die=die)


def place_of(package: Place, domain: str) -> Place:
    """The place of a domain of a package; psys is the board's, whichever package shows it."""
    if domain == PSYS_NAME:
        return PSYS
    return replace(package, part=domain, role=Role.PART) if domain else package


def domain_of(place: Place) -> Domain:
    """The row of a RAPL place."""
    return BY_NAME[PSYS_NAME if place == PSYS else place.part]


def is_domain(place: Place) -> bool:
    """Whether a place is RAPL's."""
    return place == PSYS or (place.device == "package" and place.part in BY_NAME)


def channel_id(place: Place) -> str:
    """The id of a RAPL place: ``package-0``, ``package-0/dram``, ``psys``."""
    return f"{place.device_name}/{place.part}" if place.part else place.device_name


def parents(child: Place, present: Collection[Place]) -> tuple[str, ...]:
    """The channels whose readings contain those of a place.

    Args:
        child: The place.
        present: The places that are counted: psys is named only if it is among them.
    """
    if child == PSYS:
        return ()
    same = (child, replace(child, die=None))  # another interface may show the package whole
    packages = [replace(place, part="", role=Role.WHOLE) for place in same] if child.part in INSIDE else []
    containers = [place for place in dict.fromkeys((*packages, *same)) if place != child]
    if not packages and PSYS in present:
        containers.append(PSYS)
    return tuple(channel_id(place) for place in containers)


def with_parents(channels: Iterable[Channel]) -> tuple[Channel, ...]:
    """The channels in order of their places, each with the others that contain it."""
    ordered = sorted(channels, key=lambda channel: order(channel.place))
    present = {channel.place for channel in ordered}
    return tuple(
        replace(channel, trust=replace(channel.trust, parents=parents(channel.place, present)))
        for channel in ordered
    )


def order(place: Place) -> tuple[bool, int, int, int]:
    """A sort key: packages by number and die, each followed by its domains; psys last."""
    die = -1 if place.die is None else place.die
    return (place == PSYS, place.number or 0, die, DOMAINS.index(domain_of(place)))


def _release(host: Host) -> tuple[int, ...]:
    """The kernel's version and patch level; of an unknown kernel the newest."""
    numbers = re.match(r"(\d+)\.(\d+)", host.kernel or "")
    return tuple(map(int, numbers.groups())) if numbers else (99, 0)


def absence(host: Host, interface: str, remedy: str) -> Obstacle:
    """Why a RAPL interface shows nothing here.

    Args:
        host: The machine.
        interface: What is missing, as the beginning of a sentence.
        remedy: The command that brings the interface where the hardware has it.
    """
    if host.is_virtual and not host.has_rapl:
        return Obstacle(
            Cause.VIRTUAL_MACHINE,
            f"{interface} is missing: this is a virtual machine, whose hypervisor hides the energy counters",
            "Measure on the host itself or on a bare-metal instance; here energy is estimated from CPU time",
        )
    if host.cpu_vendor in AMD and (host.cpu_family or 0) < ZEN:
        return Obstacle(
            Cause.NO_HARDWARE,
            f"{interface} is missing: AMD's CPUs have RAPL since Zen, and this one is older "
            f"(family {host.cpu_family:#x})",
        )
    if host.cpu_vendor in AMD and host.cpu_family == ZEN_5 and _release(host) < ZEN_5_KNOWN:
        return Obstacle(
            Cause.MODULE,
            f"{interface} is missing: Linux {host.kernel} may be older than its support of this CPU (Zen 5)",
            "Boot a newer kernel: Linux 6.12 or later",
        )
    if host.cpu_vendor == INTEL or host.cpu_vendor in AMD:
        return Obstacle(Cause.MODULE, f"{interface} is missing: its kernel module is not loaded", remedy)
    return Obstacle(
        Cause.NO_HARDWARE,
        f"{interface} is missing: RAPL is a feature of Intel, AMD and Hygon CPUs, "
        f"and this one is {host.cpu_vendor or 'unknown'}",
    )
