"""Reference meters: instruments outside the machine whose readings go into the trace beside the counters.

A meter is named by an address, because no file says that it is there: ``shelly://192.168.1.20``. A new kind
is a module here with ``NAME``, ``EVERY_S`` and ``connect(address)``, and its word in ``METERS``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ...errors import BadMeter, nearest
from . import redfish, shelly, visa
from .address import Address
from .instrument import Instrument

__all__ = ["METERS", "Address", "Instrument", "connect"]


class Kind(Protocol):
    """A kind of meter: a module of this package."""

    NAME: str
    EVERY_S: float

    def connect(self, address: Address, number: int) -> Instrument:
        """The meter at an address, after a first reply."""


METERS: dict[str, Kind] = {kind.NAME: kind for kind in (shelly, visa, redfish)}


def connect(addresses: Sequence[str]) -> tuple[Instrument, ...]:
    """The meters at these addresses, each after a first reply; they are the caller's to close.

    Raises:
        BadMeter: An address is malformed, its kind is not known, or nobody answers as that kind does.
        MissingExtra: The library for this kind is not installed.
    """
    found: list[Instrument] = []
    try:
        for number, text in enumerate(addresses):
            address = Address.of(text)
            if address.kind not in METERS:
                raise BadMeter(
                    f"{address.kind!r} is not a known kind of meter",
                    f"{nearest(address.kind, METERS)}; a file of readings is added with `uj import`",
                )
            kind = METERS[address.kind]
            found.append(kind.connect(address.every(kind.EVERY_S), number))
    except BaseException:
        for instrument in found:
            instrument.close()
        raise
    return tuple(found)
