"""RAPL through perf: the PMU ``power`` of the Linux kernel.

Theory of the device (``arch/x86/events/rapl.c``). The kernel opens one event for each domain and
CPU-wide scope, and adds up the register's steps into a 64-bit count of 2^-32 J, which the event's
``.scale`` file states exactly. The register still moves in its own unit: the count's steps are
multiples of 2^(32-ESU), about once a millisecond (``domains.py``).

- Folder ``/sys/bus/event_source/devices/power``: ``type``, ``cpumask``, ``events/energy-*`` with
  ``.scale`` and ``.unit``. The module is ``rapl`` (built in on some distributions).
- ``cpumask`` lists one CPU a package, or a die on Intel's multi-die parts, or (the framework PMU of
  ``drivers/powercap/intel_rapl_common.c``, on TPMI Xeons and Panther Lake) every online CPU: one
  event per entry would multiply the energy, so one is opened per package.
- Who may read: the event is CPU-wide, so ``perf_event_paranoid`` 0 or less, or CAP_PERFMON, or
  CAP_SYS_ADMIN. Distributions ship 2 to 4.
- Cost: a ``read()`` interrupts a CPU of the package unless the caller runs in it. All events of a
  package open as one group and are read by one ``read()``.
- Units: server DRAM and Sapphire Rapids' psys have fixed ones (quirk rows); the count is in 2^-32 J
  all the same.

Known lies. The kernel books the register's step as a *signed* 32-bit number: a step of more than
2^31 register counts between two updates goes negative; the framework PMU does not unwrap at all and
its count falls by 2^32 register counts at each wrap. Either way the count is right modulo 2^32
register counts, which is therefore the modulus stated. The framework PMU also cuts its scale off to
an integer (262 143 for 2^-14 J: -3.8 ppm), so its quantum and modulus are multiples of that.

Where the kernel is wrong about the register's unit it shifts by the wrong number of bits, and no file says
so; the count then moves in other steps than it should. Where the CPU's documents give the unit
(``scale.register_unit``), the steps in a trace tell the shift (``joules/counters/identity.py``).

The register unit is not in the PMU's files. It is taken from a quirk row (``kernel``), from the
powercap zone of the same domain (``inferred``), or from the vendor's usual one (``assumed``);
``scale.unit_source`` says which, while the unit itself is the interface's, exact.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from ..channel import Access, Channel, Place, Scale
from ..value_class import dataclass
from .domains import (
    COUNTS,
    DOMAINS,
    PSYS_NAME,
    TIMING,
    Domain,
    absence,
    channel_id,
    package_place,
    place_of,
    quirk_unit,
    with_parents,
)
from .host import INTEL, Host, cpu_list, integer_in, perf_config, perf_unit, text_of
from .machine import Machine
from .survey import Cause, Obstacle, Survey, closed_by
from .zones import NJ_PER_J, PowercapZone, register_unit, trust, zone_of

NAME = "rapl_perf"
READERS = "perf_event_paranoid ≤ 0, CAP_PERFMON or CAP_SYS_ADMIN"
PARANOID_LIMIT = 0

MODULE_REMEDY = "Run `sudo modprobe rapl`"
PARANOID_REMEDY = (
    "Run `sudo sysctl kernel.perf_event_paranoid=0`, or for one program "
    "`sudo setcap cap_perfmon+ep $(readlink -f $(which python3))`. `uj probe --rule` prints what lasts"
)


@dataclass(frozen=True, slots=True)
class _Pmu:
    folder: Path
    type: int
    cpus: dict[Place, int]  # the CPU on which each package is read
    is_framework: bool


def survey(machine: Machine) -> Survey:
    """The energy events of the ``power`` PMU under ``root``, one a package and domain."""
    host, root = machine.host, machine.root
    folder = root / "sys/bus/event_source/devices/power"
    pmu_type = integer_in(folder / "type")
    if pmu_type is None:
        missing = absence(host, "perf's power PMU", MODULE_REMEDY)
        return Survey(NAME, READERS, obstacles=(missing,))
    pmu = _Pmu(folder, pmu_type, *_placement(host, cpu_list(text_of(folder / "cpumask"))))
    channels = with_parents(_channels(host, pmu, machine.zones))
    if not channels:
        missing = absence(host, "an energy event in perf's power PMU", MODULE_REMEDY)
        if missing.cause is Cause.MODULE:  # its module is loaded
            missing = Obstacle(Cause.HIDDEN, f"{folder} lists no energy event of a package")
        return Survey(NAME, READERS, obstacles=(missing,))
    if host.may_use_perf(PARANOID_LIMIT):
        return Survey(NAME, READERS, channels=channels)
    obstacle = paranoid(host)
    return Survey(NAME, READERS, closed=closed_by(obstacle, channels), obstacles=(obstacle,))


def paranoid(host: Host) -> Obstacle:
    """Why this user may not open a CPU-wide event."""
    level = "unknown" if host.perf_event_paranoid is None else str(host.perf_event_paranoid)
    what = f"perf_event_paranoid is {level}, and CPU-wide events need 0 or less"
    return Obstacle(Cause.PARANOID, what, PARANOID_REMEDY)


def _placement(host: Host, mask: tuple[int, ...]) -> tuple[dict[Place, int], bool]:
    """The CPU to read each package on, and whether the mask is the framework PMU's."""
    dies = {(host.packages.get(cpu, 0), host.dies.get(cpu, 0)) for cpu in mask}
    is_framework = len(mask) > len(dies)
    # One entry a die and several dies a package: Intel's registers are then the die's own, and the
    # ids are powercap's. On AMD and Hygon the dies of older kernels mirror the one package counter.
    is_by_die = not is_framework and host.cpu_vendor == INTEL and len(dies) > len({die[0] for die in dies})
    cpus: dict[Place, int] = {}
    for cpu in sorted(mask):
        # Without a topology all belong to package 0: that may miss a package, and never counts one twice.
        package = package_place(host.packages.get(cpu, 0), host.dies.get(cpu, 0) if is_by_die else None)
        cpus.setdefault(package, cpu)
    return cpus, is_framework


def _channels(host: Host, pmu: _Pmu, all_zones: tuple[PowercapZone, ...]) -> list[Channel]:
    found: list[Channel] = []
    for domain in DOMAINS:
        event = pmu.folder / "events" / domain.event
        config, unit = perf_config(event), perf_unit(event)
        if config is None or unit is None or text_of(event.with_name(f"{domain.event}.unit")) != "Joules":
            continue
        packages = list(pmu.cpus)[:1] if domain.name == PSYS_NAME else list(pmu.cpus)
        for package in packages:
            place = place_of(package, domain.name)
            zone = zone_of(all_zones, place)
            found.append(
                Channel(
                    id=channel_id(place),
                    place=place,
                    hw_type=domain.hw_type,
                    source=NAME,
                    lane=channel_id(package),
                    scale=_scale(host, pmu, domain, zone or zone_of(all_zones, package), unit),
                    timing=TIMING,
                    trust=trust(host, domain, zone),
                    access=Access(
                        reader="perf",
                        path=str(pmu.folder),
                        type=pmu.type,
                        config=config,
                        cpu=pmu.cpus[package],
                    ),
                )
            )
    return found


def _scale(host: Host, pmu: _Pmu, domain: Domain, zone: PowercapZone | None, unit: Fraction) -> Scale:
    of_register, origin = register_unit(host, domain.name, zone)
    is_known = quirk_unit(host, domain.name) is not None and not pmu.is_framework
    shifted = of_register
    if pmu.is_framework:
        nanojoules = zone.unit_nj if zone and zone.unit_nj else of_register * NJ_PER_J // 1
        shifted = Fraction(nanojoules, NJ_PER_J)
    quantum = max(1, int(shifted / unit))
    modulus = quantum * COUNTS
    return Scale(
        quantity="J",
        unit=unit,
        unit_source=origin,
        modulus=None if modulus >= COUNTS * COUNTS else modulus,  # psys of 1 J a count fills all 64 bits
        quantum=quantum,
        register_unit=of_register if is_known else None,
        starts_at_open=True,
    )
