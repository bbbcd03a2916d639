"""What is served: one row a metric, with its name in either language and where its figures come from.

A figure that is missing is no point at all, never a zero. Names and units of Prometheus follow its rules
for naming (base units, ``_total`` on counters, which its library appends); ``hw.*`` follow OpenTelemetry's
semantic conventions for hardware, by which a host's whole energy is ``hw.host.energy`` and never
part of ``hw.energy``; what the conventions have no word for begins with ``microjoule.``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from math import fsum, hypot
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ..channel import Channel, Kind
from ..joules.estimates.total import covered
from ..units import seconds
from ..value_class import dataclass

if TYPE_CHECKING:
    from .level import Level
    from .tenants import Tenant

HOST = "host"
_K = MappingProxyType({"rectangular": 1.0, "normal": 2.0})  # from a sensor's error to what holds 95 % or more


class Point(NamedTuple):
    """One figure of a metric.

    Attributes:
        channel: Whose it is; None: the host's.
        value: In the metric's unit.
        labels: What sets it apart beside its channel.
    """

    channel: Channel | None
    value: float
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Picture:
    """All levels at one moment.

    A counter of a package or a platform that never moved was never updated, as in many a virtual machine:
    it has no energy, and hides nothing that is known otherwise.

    Attributes:
        channels: All that are served, by id, those among them that nobody could read yet.
        levels: One a channel that was read or tried.
        now_ns: The moment, CLOCK_MONOTONIC.
        tenants: Whose energy it was; none where that was not asked for.
    """

    channels: Mapping[str, Channel]
    levels: Sequence[Level]
    now_ns: int
    tenants: Sequence[Tenant] = ()

    @cached_property
    def alive(self) -> dict[str, Level]:
        """The levels that tell an energy, by channel."""
        return {level.channel.id: level for level in self.levels if level.is_alive}

    @cached_property
    def apart(self) -> tuple[Level, ...]:
        """The levels whose sum counts no joule twice, and leaves out none that is known of."""
        return tuple(
            self.alive[name] for name in covered({name: one.channel for name, one in self.alive.items()})
        )

    @cached_property
    def overlapping(self) -> tuple[Level, ...]:
        """All others that tell one: parts of those, what contains them, other readings of the same."""
        return tuple(level for level in self.alive.values() if level not in self.apart)

    @property
    def host_labels(self) -> tuple[tuple[str, str], ...]:
        """What the sum is made of, and whether any part of it is ``estimated``.

        Once a further channel shows itself, that is another sum and so another series: none steps back.
        """
        provenance = max((level.channel.provenance for level in self.apart), default="measured")
        return (("channels", "+".join(level.channel.id for level in self.apart)), ("provenance", provenance))


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric in both languages.

    Attributes:
        prometheus: Its name there, without ``_total``.
        otel: Its name there.
        kind: A counter never steps back.
        unit: In UCUM: ``J``, ``W``, ``s``, ``1`` or a word in braces.
        help: A sentence.
        points: Its figures.
    """

    prometheus: str
    otel: str
    kind: Kind
    unit: str
    help: str
    points: Callable[[Picture], Iterator[Point]] = field(repr=False)


def _energies(levels: Sequence[Level]) -> Iterator[Point]:
    return (Point(level.channel, level.energy_j) for level in levels)


def _powers(levels: Sequence[Level]) -> Iterator[Point]:
    return (Point(level.channel, level.power_w) for level in levels if level.power_w is not None)


def _host_energy(picture: Picture) -> Iterator[Point]:
    known = [point.value for point in _energies(picture.apart)]
    if known:
        yield Point(None, fsum(known), picture.host_labels)


def _host_power(picture: Picture) -> Iterator[Point]:
    powers = [level.power_w for level in picture.apart]
    known = [power_w for power_w in powers if power_w is not None]
    if known and len(known) == len(powers):  # a sum without one of its parts is no sum
        yield Point(None, fsum(known), picture.host_labels)


def _ambiguous(picture: Picture) -> Iterator[Point]:
    return (Point(level.channel, level.extra_j) for level in picture.alive.values())


def _lost(picture: Picture) -> Iterator[Point]:
    return (Point(level.channel, level.lost_j) for level in picture.alive.values())


def _bounds(picture: Picture) -> Iterator[Point]:
    for level in picture.levels:
        trust = level.channel.trust
        if trust.model is not None:
            low, high = trust.model.low_w / trust.model.value_w, trust.model.high_w / trust.model.value_w
        elif trust.sensor is not None:
            gain = hypot(trust.sensor.gain * _K[trust.sensor.form], trust.sensor.code * _K["normal"])
            low, high = 1 - gain, 1 + gain
        else:
            continue
        yield Point(level.channel, low, (("bound", "low"),))
        yield Point(level.channel, high, (("bound", "high"),))


def _offsets(picture: Picture) -> Iterator[Point]:
    for level in picture.levels:
        sensor = level.channel.trust.sensor
        if sensor is not None and level.channel.trust.model is None:
            yield Point(level.channel, sensor.offset_w * _K[sensor.form])


def _shared_energies(picture: Picture) -> Iterator[Point]:
    return (Point(None, each.energy_j, (("whose", each.name),)) for each in picture.tenants)


def _shared_powers(picture: Picture) -> Iterator[Point]:
    return (Point(None, each.power_w, (("whose", each.name),)) for each in picture.tenants)


def _shared_energies_u(picture: Picture) -> Iterator[Point]:
    known = (each for each in picture.tenants if math.isfinite(each.expanded_j))
    return (Point(None, each.expanded_j, (("whose", each.name),)) for each in known)


def _shared_powers_u(picture: Picture) -> Iterator[Point]:
    known = (each for each in picture.tenants if math.isfinite(each.expanded_w))
    return (Point(None, each.expanded_w, (("whose", each.name),)) for each in known)


def _alive(picture: Picture) -> Iterator[Point]:
    return (Point(level.channel, int(level.is_alive)) for level in picture.levels)


def _ages(picture: Picture) -> Iterator[Point]:
    for level in picture.levels:
        if level.readings:
            yield Point(level.channel, seconds(max(picture.now_ns - level.t_ns, 0)))


def _count(name: str) -> Callable[[Picture], Iterator[Point]]:
    return lambda picture: (Point(level.channel, getattr(level, name)) for level in picture.levels)


METRICS = (
    Metric(
        prometheus="microjoule_host_energy_joules",
        otel="hw.host.energy",
        kind=Kind.COUNTER,
        unit="J",
        help="Energy of the host, as far as it is known: the sum of microjoule_energy_joules_total.",
        points=_host_energy,
    ),
    Metric(
        prometheus="microjoule_host_power_watts",
        otel="hw.host.power",
        kind=Kind.GAUGE,
        unit="W",
        help="Power of the host, as far as it is known; absent while any part of it is.",
        points=_host_power,
    ),
    Metric(
        prometheus="microjoule_energy_joules",
        otel="hw.energy",
        kind=Kind.COUNTER,
        unit="J",
        help="Energy by channel, of channels that share no joule: a sum over them counts none twice.",
        points=lambda picture: _energies(picture.apart),
    ),
    Metric(
        prometheus="microjoule_power_watts",
        otel="hw.power",
        kind=Kind.GAUGE,
        unit="W",
        help="Power by channel, of channels that share no joule; absent where it is not known.",
        points=lambda picture: _powers(picture.apart),
    ),
    Metric(
        prometheus="microjoule_overlapping_energy_joules",
        otel="microjoule.overlapping.energy",
        kind=Kind.COUNTER,
        unit="J",
        help="Energy of channels inside, around or beside those of microjoule_energy_joules_total: "
        "it is counted there already, so never add it.",
        points=lambda picture: _energies(picture.overlapping),
    ),
    Metric(
        prometheus="microjoule_overlapping_power_watts",
        otel="microjoule.overlapping.power",
        kind=Kind.GAUGE,
        unit="W",
        help="Power of the channels of microjoule_overlapping_energy_joules_total; never add it.",
        points=lambda picture: _powers(picture.overlapping),
    ),
    Metric(
        prometheus="microjoule_ambiguous_energy_joules",
        otel="microjoule.ambiguous.energy",
        kind=Kind.COUNTER,
        unit="J",
        help="Energy that steps of several possible sizes may have had beyond what is counted: a bound.",
        points=_ambiguous,
    ),
    Metric(
        prometheus="microjoule_uncounted_energy_joules",
        otel="microjoule.uncounted.energy",
        kind=Kind.COUNTER,
        unit="J",
        help="Energy beyond what is counted that updates may have had while other users of perf interrupted "
        "the counting: likely at most.",
        points=_lost,
    ),
    Metric(
        prometheus="microjoule_bound_ratio",
        otel="microjoule.bound",
        kind=Kind.GAUGE,
        unit="1",
        help="The least and the most that a channel's true energy and power may be, as parts of the figure: "
        "the power model's interval, or the sensor's error of slope, by 95 %; absent where it is unknown.",
        points=_bounds,
    ),
    Metric(
        prometheus="microjoule_sensor_offset_watts",
        otel="microjoule.sensor.offset",
        kind=Kind.GAUGE,
        unit="W",
        help="By how much a sensor may be off to either side at any load, beside microjoule_bound_ratio.",
        points=_offsets,
    ),
    Metric(
        prometheus="microjoule_channel_alive",
        otel="microjoule.channel.alive",
        kind=Kind.GAUGE,
        unit="{channel}",
        help="0 where a channel has no energy: it was never read, or is of a package or a platform and its "
        "counter never moved; otherwise 1.",
        points=_alive,
    ),
    Metric(
        prometheus="microjoule_readings",
        otel="microjoule.readings",
        kind=Kind.COUNTER,
        unit="{reading}",
        help="Readings taken of a channel.",
        points=_count("readings"),
    ),
    Metric(
        prometheus="microjoule_failed_readings",
        otel="microjoule.failed_readings",
        kind=Kind.COUNTER,
        unit="{reading}",
        help="Readings of a channel that failed.",
        points=_count("failed"),
    ),
    Metric(
        prometheus="microjoule_missed_ticks",
        otel="microjoule.missed_ticks",
        kind=Kind.COUNTER,
        unit="{tick}",
        help="Moments at which a channel should have been read and was not.",
        points=_count("missed"),
    ),
    Metric(
        prometheus="microjoule_resets",
        otel="microjoule.resets",
        kind=Kind.COUNTER,
        unit="{reset}",
        help="Steps of a channel's counter that nothing plausible explains; their energy is not counted.",
        points=_count("resets"),
    ),
    Metric(
        prometheus="microjoule_reading_age_seconds",
        otel="microjoule.reading_age",
        kind=Kind.GAUGE,
        unit="s",
        help="Time since a channel's last reading; it grows where the source fell silent.",
        points=_ages,
    ),
    Metric(
        prometheus="microjoule_share_energy_joules",
        otel="microjoule.share.energy",
        kind=Kind.COUNTER,
        unit="J",
        help="Measured energy by whose CPU time it was, estimated by a fit (uj serve --by): it is counted in "
        "microjoule_energy_joules_total already, so never add it to that.",
        points=_shared_energies,
    ),
    Metric(
        prometheus="microjoule_share_power_watts",
        otel="microjoule.share.power",
        kind=Kind.GAUGE,
        unit="W",
        help="Power of microjoule_share_energy_joules_total over the last second.",
        points=_shared_powers,
    ),
    Metric(
        prometheus="microjoule_share_energy_uncertainty_joules",
        otel="microjoule.share.energy.uncertainty",
        kind=Kind.GAUGE,
        unit="J",
        help="± of microjoule_share_energy_joules_total at 95 %, were all its errors of one sign; absent "
        "where it is not known.",
        points=_shared_energies_u,
    ),
    Metric(
        prometheus="microjoule_share_power_uncertainty_watts",
        otel="microjoule.share.power.uncertainty",
        kind=Kind.GAUGE,
        unit="W",
        help="± of microjoule_share_power_watts at 95 %; absent where it is not known.",
        points=_shared_powers_u,
    ),
)
"""In the order in which they are served."""

PROMETHEUS_UNITS = MappingProxyType({"J": "joules", "W": "watts", "s": "seconds", "1": "ratio"})
