"""What every kind of meter gives: channels, and a reading of all of them whenever it is asked."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import field, replace
from fractions import Fraction
from typing import NamedTuple

from ...channel import Access, Channel, Encoding, Kind, Place, Role, Scale, SensorError, Timing, Trust
from ...errors import BadMeter, MeterFailed
from ...units import NS_PER_S, nanoseconds
from ...value_class import dataclass
from .address import Address

READER = "meter"
"""The reader of its channels: no native one, a thread of the recorder asks the meter."""

TIMEOUT_S = 4.0  # a reading's duration has 32 bits of nanoseconds


class MeterReading(NamedTuple):
    """One reply.

    Attributes:
        raws: A count for each channel, in their order; None: the reply has none.
        sensor_ns: The meter's own clock, Unix time; None: it does not say.
    """

    raws: tuple[int | None, ...]
    sensor_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A meter that answers.

    Attributes:
        channels: What it says.
        every_s: Seconds between two readings.
        ask: A reading; raises ``MeterFailed`` where there is none.
        close: Lets it go. Harmless when repeated.
        model: What it says that it is.
    """

    channels: tuple[Channel, ...]
    every_s: float
    ask: Callable[[], MeterReading]
    close: Callable[[], None] = field(default=lambda: None)
    model: str = ""


def power_channel(address: Address, number: int, unit: Fraction) -> Channel:
    """The watts that a meter shows."""
    return _channel(address, number, "power", "W", unit)


def energy_channel(address: Address, number: int, unit: Fraction) -> Channel:
    """The joules that a meter has counted, in steps of some joules.

    The watts are the finer figure of a window, and go first; this one bridges where replies were lost long.
    """
    counted = _channel(address, number, "energy", "J", unit)
    place = replace(counted.place, part="register")
    return replace(counted, place=place, trust=replace(counted.trust, parents=(f"meter-{number}/power",)))


def _channel(address: Address, number: int, what: str, quantity: str, unit: Fraction) -> Channel:
    every_ns = nanoseconds(address.every_s or 1.0)
    accuracy = address.accuracy
    sensor = None
    if accuracy is not None:
        sensor = SensorError(gain=accuracy, source=f"its data sheet's accuracy, as given with {address}")
    is_power = quantity == "W"
    place = Place(device="meter", number=number, role=Role.PLATFORM)
    return Channel(
        id=f"meter-{number}/{what}",
        kind=Kind.GAUGE if is_power else Kind.COUNTER,
        place=place,
        hw_type="power_meter",
        source=address.kind,
        lane=f"meter-{number}",
        encoding=Encoding.SIGNED if is_power else Encoding.COUNT,
        scale=Scale(quantity=quantity, unit=unit, unit_source="interface"),
        # How often it moves is not promised. Each reading is taken for an update until the trace shows more.
        timing=Timing(
            update_ns=every_ns if is_power else None,
            update_max_ns=0 if is_power else max(2 * every_ns, 2 * NS_PER_S),
            rate_max_hz=NS_PER_S / every_ns,
        ),
        trust=Trust(accuracy=accuracy, sensor=sensor),
        access=Access(reader=READER, path=str(address)),
    )


HTTP_CODES = {401: errno.EACCES, 403: errno.EACCES, 404: errno.ENOENT, 429: errno.EBUSY, 503: errno.EBUSY}


def http_failure(status: int) -> MeterFailed:
    """What an HTTP status other than 200 means."""
    why = {401: ", user and password are missing or wrong", 404: ", it has no such thing"}.get(status, "")
    return MeterFailed(f"it answered HTTP {status}{why}", code=HTTP_CODES.get(status, errno.EIO))


def first_reading(address: Address, ask: Callable[[], MeterReading]) -> MeterReading:
    """The reading that shows that a meter is there.

    Raises:
        BadMeter: It gives none.
    """
    try:
        return ask()
    except MeterFailed as error:
        remedy = "Check the address, and that the meter is on and in this network"
        if error.code == errno.EACCES:
            remedy = f"Name them: {address.kind}://USER:PASSWORD@{address.host}"
        raise BadMeter(f"The meter {address} gives no reading: {error.what}", remedy) from error
