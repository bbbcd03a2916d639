"""What a reference meter showed of this host: a file that ``uj probe --calibrate --against`` writes.

No sampling here. Two kinds of figures: of the machine, how many watts of the meter go with a watt of the
counters, and how many with none (fans, supply, disks); and of a channel that the meter was put around, by how
much its sensor is off. The latter corrects the channel and takes the place of the assumed accuracy; the
former says in reports which part of the machine's energy the counters cover.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..channel import Channel, Kind, SensorError
from ..errors import CalibrationError
from ..value_class import dataclass
from .files import HostKey, Kept, known

FORMAT = 1
KIND = "microjoule.host.reference"
AGAIN = "Run `uj probe --calibrate --against METER`"
EXACT = 1 << 20  # the gain is rounded to a fraction of so fine a step

_FILE = Kept("reference", KIND, FORMAT, CalibrationError, AGAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One fit of a meter.

    Attributes:
        of: The channel that the meter was around; empty: the whole machine.
        device: The device's own id, as a GPU's UUID; empty: it has none.
        channels: The counters whose sum it was held against.
        meter: Its address.
        model: What it says that it is.
        taken_realtime_ns: When.
        temperature_c: The device's mean temperature meanwhile; None: not known.
        gain: Watts of the meter for a watt of the counters.
        U_gain: Half of its 95 % interval, the meter's own accuracy included where it is known.
        offset_w: Watts of the meter where the counters show none.
        U_offset_w: Half of its 95 % interval.
        lag_s: How long its readings trail the counters.
        U_lag_s: Half of its 95 % interval.
        window_s: What each of its readings is the mean of.
        residual_w: Root mean square of what the fit leaves.
        readings: How many it rests on.
        mean_w: The counters' mean power meanwhile.
        U_mean_w: Half of the 95 % interval of the meter's power there.
        meter_accuracy: The meter's own, as a fraction; None: not known, and in no figure here.
    """

    of: str = ""
    device: str = ""
    channels: tuple[str, ...] = ()
    meter: str = ""
    model: str = ""
    taken_realtime_ns: int = 0
    temperature_c: float | None = None
    gain: float = 1.0
    U_gain: float = 0.0
    offset_w: float = 0.0
    U_offset_w: float = 0.0
    lag_s: float = 0.0
    U_lag_s: float = 0.0
    window_s: float = 0.0
    residual_w: float = 0.0
    readings: int = 0
    mean_w: float = 0.0
    U_mean_w: float = 0.0
    meter_accuracy: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """All that meters showed of one host.

    Attributes:
        host: Whose they are.
        found: The latest of each channel and device.
    """

    host: HostKey
    found: tuple[Reference, ...] = ()

    def with_one(self, one: Reference) -> References:
        """The same with one more, in place of an earlier one of its subject."""
        others = [each for each in self.found if (each.of, each.device) != (one.of, one.device)]
        return replace(self, found=(*others, one))


def load(path: Path | str, host: HostKey | None = None) -> References:
    """What a file holds.

    Raises:
        CalibrationError: There is none, it cannot be read, or it is another host's.
    """
    found = _FILE.load(path, _from_json)
    if host is not None:
        _FILE.refuse_other(found.host, host, path)
    return found


def save(references: References, path: Path | str) -> None:
    """Writes the file whole or not at all.

    Raises:
        CalibrationError: It cannot be written.
    """
    _FILE.save(asdict(references), path)


def corrected(
    channels: Iterable[Channel], references: References | None, devices: Mapping[str, str]
) -> tuple[Channel, ...]:
    """The channels as meters around them corrected them; without a reference as they are.

    Args:
        channels: What is read.
        references: Of this host.
        devices: The device's own id of each channel that has one.
    """
    if references is None:
        return tuple(channels)
    of = {(each.of, each.device): each for each in references.found if each.of}
    return tuple(_corrected(c, of.get((c.physical_id, devices.get(c.id, "")))) for c in channels)


def facts_of(references: References | None) -> dict[str, Any]:
    """What a trace keeps of them."""
    return {} if references is None else {"reference": [asdict(each) for each in references.found]}


def _corrected(channel: Channel, reference: Reference | None) -> Channel:
    if reference is None:
        return channel
    scale = replace(
        channel.scale,
        unit=channel.scale.unit * Fraction(round(reference.gain * EXACT), EXACT),
        unit_source=f"measured against {reference.meter}",
        offset_w=reference.offset_w if channel.kind is Kind.GAUGE else 0.0,
    )
    # A counter's offset is no count: it stays in the interval.
    left_w = 0.0 if channel.kind is Kind.GAUGE else abs(reference.offset_w)
    sensor = SensorError(
        gain=reference.U_gain / reference.gain / 2,
        offset_w=(reference.U_offset_w + left_w) / 2,
        form="normal",
        source=f"measured against {reference.meter}, {reference.readings} readings",
    )
    accuracy = reference.meter_accuracy
    return replace(channel, scale=scale, trust=replace(channel.trust, sensor=sensor, accuracy=accuracy))


def _reference(plain: dict[str, Any]) -> Reference:
    return known(Reference, plain | {"channels": tuple(plain.get("channels", ()))})


def _from_json(plain: dict[str, Any]) -> References:
    return References(
        host=known(HostKey, plain["host"]), found=tuple(_reference(one) for one in plain["found"])
    )
