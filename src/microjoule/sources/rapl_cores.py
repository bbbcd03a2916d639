"""Each core's energy on AMD, through perf: the PMU ``power_core`` of the Linux kernel, from 6.15 on.

Theory of the device (``arch/x86/events/rapl.c``; MSR 0xC001029A of AMD's manuals). Each core has a 32-bit
register in the unit of the package's, and the kernel adds up its steps in 2^-32 J, as in ``rapl_perf.py``.
``cpumask`` lists one CPU of each core: the N of ``package-0/core-N``. A package contains its cores, its
caches and its memory controller, so the cores are less than the package.

- Who may read: as the package's events, ``perf_event_paranoid`` 0 or less, or CAP_PERFMON.
- Cost: a core is read on the core itself. Each read interrupts it, and wakes it where it sleeps: a hundred
  cores a thousand times a second change what is measured. So the cores are read where they are asked for
  (``--source rapl_perf --source rapl_cores``), at most a hundred times a second, in a lane a package.

Known errors: those of ``rapl_perf.py``; and the registers hold a model, not a measurement (arXiv 2108.00808).
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from ..channel import Access, Channel, Role, Scale, Trust
from .domains import COUNTS, TIMING, channel_id, package_place, sensor_error
from .host import cpu_list, integer_in, perf_config, perf_unit, text_of
from .machine import Machine
from .rapl_perf import PARANOID_LIMIT, READERS, paranoid
from .survey import Cause, Obstacle, Survey, closed_by
from .zones import register_unit, zone_of

NAME = "rapl_cores"
FOLDER = "sys/bus/event_source/devices/power_core"
RATE_MAX_HZ = 100.0

__all__ = ["NAME", "READERS", "survey"]


def survey(machine: Machine) -> Survey:
    """The energy event of each core under ``root``."""
    folder = machine.root / FOLDER
    pmu_type = integer_in(folder / "type")
    event = folder / "events/energy-core"
    config, unit = perf_config(event), perf_unit(event)
    if pmu_type is None or config is None or unit is None:
        what = "perf has no PMU power_core, which needs an AMD CPU and Linux 6.15 or later"
        none = Obstacle(Cause.NO_HARDWARE, what)
        return Survey(NAME, READERS, obstacles=(none,))
    channels = tuple(
        _channel(
            machine,
            cpu,
            unit,
            Access(reader="perf", path=str(folder), type=pmu_type, config=config, cpu=cpu),
        )
        for cpu in cpu_list(text_of(folder / "cpumask"))
    )
    if machine.host.may_use_perf(PARANOID_LIMIT):
        return Survey(NAME, READERS, channels=channels)
    obstacle = paranoid(machine.host)
    return Survey(NAME, READERS, closed=closed_by(obstacle, channels), obstacles=(obstacle,))


def _channel(machine: Machine, cpu: int, unit: Fraction, access: Access) -> Channel:
    package = package_place(machine.host.packages.get(cpu, 0))
    place = replace(package, part=f"core-{cpu}", role=Role.PART)
    zone = zone_of(machine.zones, package)
    of_register, origin = register_unit(machine.host, "", zone)
    quantum = max(1, int(of_register / unit))
    return Channel(
        id=channel_id(place),
        place=place,
        hw_type="cpu",
        source=NAME,
        lane=f"{channel_id(package)}-cores",
        scale=Scale(
            quantity="J",
            unit=unit,
            unit_source=origin,
            modulus=quantum * COUNTS,
            quantum=quantum,
            starts_at_open=True,
        ),
        timing=replace(TIMING, rate_max_hz=RATE_MAX_HZ),
        trust=Trust(
            power_limit_w=zone.limit_w if zone else None,
            power_limit_source=zone.limit_source if zone else "none",
            sensor=sensor_error(machine.host, ""),
            parents=(channel_id(package),),
        ),
        access=access,
    )
