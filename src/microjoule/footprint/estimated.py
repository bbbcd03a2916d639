"""An energy that nobody measured: hardware, its number, its hours and how busy it was.

    energy = devices × hours × watts × utilisation + hours × (CPU + memory)

Decision: hours are :class:`Hours`, which knows whether they were counted on the wall or on each
device, because a well-known source mistook the one for the other and was wrong by a factor of eight.
What comes out says *estimated* wherever it is shown, and its interval is the hardware's, not a sensor's.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Self

from ..errors import BadFactor, BadJob
from ..joules.estimates.estimate import Estimate
from ..units import J_PER_KWH, W_PER_KW
from ..value_class import dataclass
from . import data_tables, hardware
from .chosen_factors import Terms, described
from .conversion import scaled
from .factor import Factor
from .footprint import Amount, Footprint, Plain, constant, footprint
from .methods import Method

SCHEMA = "microjoule.estimate/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """How long some devices were held, both ways of counting.

    Attributes:
        devices: How many at a time.
        wall: Hours by the clock on the wall.
    """

    devices: int
    wall: float

    def __post_init__(self) -> None:
        if self.devices < 1:
            raise BadJob(f"A job needs at least one device, not {self.devices}", "Give one or more")
        if not (math.isfinite(self.wall) and self.wall >= 0):
            raise BadJob(f"A time of {self.wall:g} hours is not valid", "Give a number of hours, 0 or more")

    @classmethod
    def of(cls, devices: int, wall: float | None = None, device: float | None = None) -> Self:
        """Hours from exactly one way of counting.

        Raises:
            BadJob: Neither or both are given.
        """
        if (wall is None) == (device is None):
            raise BadJob(
                "The job does not say how long it took"
                if wall is None
                else "Wall-clock hours and device hours are both given",
                "Give exactly one: --wall-hours 10, or --device-hours 80, which is the same on 8 devices",
            )
        if wall is None:
            wall = (device or 0.0) / devices if devices > 0 else 0.0
        return cls(devices=devices, wall=wall)

    @property
    def device(self) -> float:
        """Hours summed over the devices."""
        return self.devices * self.wall


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What ran, and for how long.

    Attributes:
        hours: How long, on how many devices.
        hardware: The device's name; may be empty where its watts are given.
        device_w: Mean power of one device; None: the table's, times the utilisation.
        cpu_w: Mean power of all CPU sockets together.
        memory_w: Mean power of all memory together.
        memory_gb: Memory that is there, for a method that reckons its power by size.
        utilisation: The share of full power; None: not known.
        provider: Whose rental prices to take; empty: of all that are known.
        hired: What was rented for each device, where its price is not the device's own: a board for each
            of its chips; empty: the device.
        cores: How many cores of a processor were used; None: all.
        scaling: How often the work was run, for a method with a pragmatic scaling factor.
    """

    hours: Hours
    hardware: str = ""
    device_w: float | None = None
    cpu_w: float = 0.0
    memory_w: float = 0.0
    memory_gb: float = 0.0
    utilisation: float | None = None
    provider: str = ""
    hired: str = ""
    cores: int | None = None
    scaling: float = 1.0

    def __post_init__(self) -> None:
        figures = {"CPU power": self.cpu_w, "memory power": self.memory_w, "memory": self.memory_gb}
        figures["device power"] = self.device_w or 0.0
        for name, figure in figures.items():
            if not (math.isfinite(figure) and figure >= 0):
                raise BadFactor(f"The {name} of {figure:g} is not valid", "Give a finite number, 0 or more")
        if self.memory_gb and self.memory_w:
            raise BadJob(
                "The size and the watts of memory are both given",
                "Give --memory-gb or --memory-watts, not both",
            )
        if self.cores is not None and self.cores < 1:
            raise BadJob(f"A job needs at least one core, not {self.cores}", "Give --cores 1 or more")
        if not (math.isfinite(self.scaling) and self.scaling >= 1):
            raise BadJob(f"A scaling factor of {self.scaling:g} is not valid", "Give --psf 1 or more")
        if self.utilisation is not None and not 0 <= self.utilisation <= 1:
            raise BadJob(f"A utilisation of {self.utilisation:g} is not valid", "Give a share from 0 to 1")
        if not self.hardware and self.device_w is None:
            raise BadJob("The job names no hardware", "Give --hardware V100, or --watts 300 of one device")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """A footprint that rests on no measurement, with what it rests on instead.

    Attributes:
        footprint: Energy, CO2e and cost.
        factors: Of the hardware, by their part.
        assumed: What was taken for granted, in sentences.
    """

    footprint: Footprint
    factors: dict[str, Factor]
    assumed: tuple[str, ...]

    def to_json(self, job: Job, terms: Terms) -> Plain:
        """The estimate as JSON values, schema ``microjoule.estimate/1``."""
        return {
            "schema": SCHEMA,
            "provenance": "estimated",
            "job": {
                "hardware": job.hardware,
                "devices": job.hours.devices,
                "wall_hours": job.hours.wall,
                "device_hours": job.hours.device,
                "utilisation": job.utilisation,
                "from_idle": _is_open(job, terms.method),
                "cores": job.cores,
                "scaling": job.scaling,
            },
            "footprint": self.footprint.to_json(),
            "assumed": list(self.assumed),
            "hardware": {part: described(factor) for part, factor in self.factors.items()},
            "terms": terms.to_json(),
        }


def energy(job: Job, method: Method) -> Estimate:
    """The energy of a job's computers in J, without any facility.

    Its interval is that of the hardware's power, and from an idle device to a busy one where the
    utilisation is not known.
    """
    low_w, value_w, high_w = _watts(job, method)
    scale = job.hours.wall / W_PER_KW * J_PER_KWH
    return Estimate(value=value_w * scale, low=low_w * scale, high=high_w * scale, provenance="estimated")


def estimate(job: Job, terms: Terms) -> Estimated:
    """The footprint of a job by a method: the one function behind every estimate of this program.

    Raises:
        UnknownHardware: The device's power is not known.
        UnknownCloud: The provider's prices are not known.
        BadFactor: A factor is in a unit that does not fit.
    """
    used = {}
    if job.device_w is None:
        used["hardware"] = hardware.power(job.hardware)
    if job.provider:
        hardware.known_provider(job.provider)
    if job.memory_gb:
        used["memory"] = replace(data_tables.constant("greenalgorithms-memory"), name="power of memory")
    hired = job.hired or job.hardware
    hire = hardware.hire(hired, job.provider, terms.method.rents) if hired else None
    if hire:
        used["rental"] = hire
    rental = _rental(hire, job.hours) if hire else None
    found = footprint(energy(job, terms.method), terms, job.hours.wall, rental)
    said = _assumed(job, terms.method)
    if job.provider and not hire:
        said = (
            *said,
            f"without a rental price: none of {hired or 'it'} at {job.provider} is known",
        )
    return Estimated(footprint=found, factors=used, assumed=said)


def _watts(job: Job, method: Method) -> tuple[float, float, float]:
    """The least, the likely and the greatest power of the whole machine."""
    busy = job.utilisation if method.takes_utilisation and job.utilisation is not None else 1.0
    if job.device_w is not None:
        low = value = high = job.device_w
    else:
        full = _of_cores(hardware.device(job.hardware), job.cores)
        if not busy:
            raise BadJob(
                f"An idle {job.hardware} still draws power, and the table does not say how much",
                "Give its watts when idle, as in --watts 50, instead of --utilisation 0",
            )
        idle = data_tables.constant("idle-share").value if _is_open(job, method) else busy
        low, value, high = full.low * idle, full.value * busy, full.high * busy
    memory_w = job.memory_w + job.memory_gb * data_tables.constant("greenalgorithms-memory").value
    rest = job.cpu_w * ("cpu" in method.counts) + memory_w * ("memory" in method.counts)
    scaling = job.scaling if method.takes_scaling else 1.0
    whole = (scaling * (job.hours.devices * each + rest) for each in (low, value, high))
    return tuple(whole)  # type: ignore[return-value]


def _of_cores(of: hardware.Device, cores: int | None) -> Factor:
    """The power of some cores of a processor, by their share; of any other device all of it."""
    if cores is None:
        return of.power
    if of.cores is None:
        raise BadJob(
            f"How many cores {of.name} has is not known, so the power of {cores} of them is not",
            "Give their watts instead of --cores, as in --watts 50",
        )
    if cores > of.cores:
        raise BadJob(f"{of.name} has {of.cores} cores, and not {cores}", f"Give --cores 1 to {of.cores}")
    return scaled(of.power, cores / of.cores, of.power.unit)


def _is_open(job: Job, method: Method) -> bool:
    """Whether nothing says how busy the devices were."""
    return job.device_w is None and job.utilisation is None and method.takes_utilisation


def _rental(hire: Factor, hours: Hours) -> Amount:
    return constant(hire, hours.device, hire.unit.partition("/")[0])


def _assumed(job: Job, method: Method) -> tuple[str, ...]:
    said = ["nothing was measured: the energy is hours × power"]
    if _is_open(job, method):
        said.append("utilisation is not given: full power, and the interval begins at an idle device")
    if job.device_w is None and not method.takes_utilisation and job.utilisation is not None:
        said.append(f"the method {method.name} leaves the utilisation out")
    if job.scaling != 1 and not method.takes_scaling:
        said.append(f"the method {method.name} leaves the scaling factor out")
    is_cpu = job.device_w is None and hardware.device(job.hardware).kind == "cpu"
    parts = {"CPU": is_cpu or job.cpu_w, "memory": job.memory_w + job.memory_gb}
    left_out = [part for part, figure in parts.items() if not figure]
    if left_out:
        said.append(f"without {' and '.join(left_out)}: none was given")
    return tuple(said)
