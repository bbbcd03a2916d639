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
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from ..channel import Channel, SensorError, Timing
from .host import AMD, INTEL, Host
from .survey import Cause, Obstacle

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
        name: What stands after the package in a channel's id; empty: the package itself.
        event: perf's event.
        zone: powercap's zone name, of a package the beginning of it.
        register: Intel's MSR.
    """

    name: str
    event: str
    zone: str
    register: int


DOMAINS = (
    Domain("", "energy-pkg", "package", 0x611),
    Domain("core", "energy-cores", "core", 0x639),
    Domain("uncore", "energy-gpu", "uncore", 0x641),
    Domain("dram", "energy-ram", "dram", 0x619),
    Domain("psys", "energy-psys", "psys", 0x64D),
)


@dataclass(frozen=True, slots=True)
class Quirk:
    """A unit that the unit register does not tell."""

    domain: str
    models: frozenset[int]
    unit: Fraction
    kernel_file: str


QUIRKS = (
    Quirk(
        "dram",  # HASWELL_X BROADWELL_X BROADWELL_D SKYLAKE_X ICELAKE_X ICELAKE_D KNL KNM
        frozenset({0x3F, 0x4F, 0x56, 0x55, 0x6A, 0x6C, 0x57, 0x85}),
        Fraction(1, 1 << 16),
        "arch/x86/events/rapl.c: RAPL_UNIT_QUIRK_INTEL_HSW",
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
AMD_ESU = 16  # reset value 0xA1003 of MSR 0xC0010299


@dataclass(frozen=True, slots=True)
class Doubt:
    """A row of what to assume of a register that nobody has held against a meter.

    Attributes:
        vendors: CPU vendors that the row speaks of.
        domain: ``Domain.name``.
        gain: Standard uncertainty of the slope, as a fraction.
        source: Why so much.
    """

    vendors: tuple[str, ...]
    domain: str
    gain: float
    source: str


# Intel's package is measured at its regulators since Haswell and was a model before; its DRAM is worse
# at idle (Hackenberg et al. 2015; Desrochers et al. 2016); AMD's registers are a model that misses what
# depends on data and on DRAM (arXiv 2108.00808). None of the three gives one figure for all machines:
# these are this project's judgement of them. Other domains have no row: nothing is known.
_OLD = "modelled, not measured, before Haswell"
OLD_INTEL_GAIN = 0.10
DOUBTS = (
    Doubt((INTEL,), "", 0.03, "Intel package since Haswell: Hackenberg et al. 2015; a judgement"),
    Doubt((INTEL,), "dram", 0.10, "Intel DRAM: Desrochers et al. 2016; a judgement"),
    Doubt(AMD, "", 0.10, "AMD package: arXiv 2108.00808; a judgement"),
)


def sensor_error(host: Host, domain: str) -> SensorError | None:
    """What to assume of a domain's sensor on this CPU; None: nothing is known."""
    if domain == "" and is_intel_model(host, OLD_INTEL_MODELS):
        return SensorError(gain=OLD_INTEL_GAIN, form="normal", source=_OLD)
    for doubt in DOUBTS:
        if host.cpu_vendor in doubt.vendors and doubt.domain == domain:
            return SensorError(gain=doubt.gain, form="normal", source=doubt.source)
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


def scopes(host: Host) -> dict[str, int]:
    """The first CPU of everything that has RAPL registers of its own, by its name in channel ids.

    That is the package; on Intel's parts of several dies (Cascade Lake-AP) it is the die.
    """
    packages = set(host.packages.values())
    places = {cpu: (package, host.dies.get(cpu, 0)) for cpu, package in host.packages.items()}
    is_by_die = host.cpu_vendor == INTEL and len(set(places.values())) > len(packages)
    first: dict[str, int] = {}
    for cpu, (package, die) in sorted(places.items()):
        first.setdefault(f"package-{package}-die-{die}" if is_by_die else f"package-{package}", cpu)
    return first or {"package-0": 0}  # no topology: the first CPU is there on every machine


def channel_id(package: str, domain: str) -> str:
    """The id of a domain of a package: ``package-0``, ``package-0/dram``, ``psys``."""
    if domain == "psys":
        return domain
    return f"{package}/{domain}" if domain else package


def parents(child: str, present: Collection[str]) -> tuple[str, ...]:
    """The channels whose readings contain those of the id ``child``, of the ids that are present."""
    package, _, domain = child.partition("/")
    if child == "psys":
        return ()
    if domain in ("core", "uncore"):
        return (package,)
    return ("psys",) if "psys" in present else ()


def with_parents(channels: Iterable[Channel]) -> tuple[Channel, ...]:
    """The channels in order of their ids, each told which of the others contain it."""
    ordered = sorted(channels, key=lambda channel: id_order(channel.id))
    present = {channel.id for channel in ordered}
    return tuple(
        replace(channel, trust=replace(channel.trust, parents=parents(channel.id, present)))
        for channel in ordered
    )


def id_order(key: str) -> tuple[int, tuple[int, ...], int]:
    """A sort key: packages by number, each followed by its domains; psys last."""
    package, _, domain = key.partition("/")
    if key == "psys":
        return (1, (), 0)
    numbers = tuple(int(part) for part in package.split("-") if part.isdigit())
    return (0, numbers, [row.name for row in DOMAINS].index(domain))


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
            "Measure on the host itself or on a bare-metal instance; modelled CPU time is recorded here",
        )
    if host.cpu_vendor == INTEL or host.cpu_vendor in AMD:
        return Obstacle(Cause.MODULE, f"{interface} is missing: its kernel module is not loaded", remedy)
    return Obstacle(
        Cause.NO_HARDWARE,
        f"{interface} is missing: RAPL is a feature of Intel, AMD and Hygon CPUs, "
        f"and this one is {host.cpu_vendor or 'unknown'}",
    )
