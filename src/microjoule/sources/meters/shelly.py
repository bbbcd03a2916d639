"""Smart plugs and meters of Shelly's second generation and later, through their RPC over HTTP.

Theory of the device. ``Shelly.GetStatus`` answers with the status of all components in one JSON object
(https://shelly-api-docs.shelly.cloud/gen2/): ``switch:0`` and ``pm1:0`` have ``apower``, the active power in
watts, in steps of 0.1 W, and ``aenergy.total``, the energy in watt-hours since it was reset, to a thousandth;
``em:0``, of three phases, has ``total_act_power``. ``sys.unixtime`` is the device's clock in whole seconds,
null until it has the time from the network. How often the power is updated and over how long it is averaged
is not documented: about once a second, and the trace shows it. Replies take 5 to 50 ms over a wireless
network, and seconds where the signal is poor. Users are checked by HTTP digest with SHA-256; the only user is
``admin``.

Known errors: the energy is kept in steps of a minute by some firmware; the power includes what the plug
itself draws from the line or not, by model.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, NamedTuple

from ...errors import BadMeter, MeterFailed
from ...late import extra
from ...units import J_PER_WH, NS_PER_S
from .address import Address
from .instrument import (
    TIMEOUT_S,
    Instrument,
    MeterReading,
    energy_channel,
    first_reading,
    http_failure,
    power_channel,
)

NAME = "shelly"
EVERY_S = 1.0
USER = "admin"

_MILLI = 1000


class Component(NamedTuple):
    """Where a component keeps its figures; an empty path: it has none."""

    power: tuple[str, ...]
    energy: tuple[str, ...]


COMPONENTS = {
    "switch": Component(("apower",), ("aenergy", "total")),
    "pm1": Component(("apower",), ("aenergy", "total")),
    "em1": Component(("act_power",), ()),
    "em": Component(("total_act_power",), ()),
}


def connect(address: Address, number: int) -> Instrument:
    """The plug at ``shelly://HOST[/switch/0]``, after a first reply.

    Raises:
        BadMeter: Nobody answers as one does.
        MissingExtra: httpx is not installed.
    """
    address.take()
    name, _, index = (address.path or "switch/0").partition("/")
    if name not in COMPONENTS or not (index or "0").isdecimal():
        raise BadMeter(
            f"A Shelly has no component {address.path!r}",
            f"Components: {', '.join(COMPONENTS)}, as in /switch/0",
        )
    component, key = COMPONENTS[name], f"{name}:{index or 0}"
    get, close = _client(address)

    def ask() -> MeterReading:
        status = get()
        found = status.get(key)
        if not isinstance(found, Mapping):
            raise MeterFailed(
                f"it has no component {key}; it has {', '.join(_metering(status))}", code=errno.ENODEV
            )
        unixtime = _at(status, ("sys", "unixtime"))
        raws = [_thousandths(_at(found, path)) for path in component if path]
        if all(raw is None for raw in raws):
            raise MeterFailed(f"its {key} shows neither power nor energy", code=errno.EBADMSG)
        return MeterReading(tuple(raws), None if unixtime is None else int(unixtime) * NS_PER_S)

    try:
        first_reading(address, ask)
    except BaseException:
        close()
        raise
    energy = energy_channel(address, number, Fraction(J_PER_WH, _MILLI)) if component.energy else None
    power = power_channel(address, number, Fraction(1, _MILLI))
    channels = (power,) if energy is None else (power, energy)
    return Instrument(
        channels=channels, every_s=address.every_s or EVERY_S, ask=ask, close=close, model=f"Shelly {key}"
    )


def _client(address: Address) -> tuple[Callable[[], Mapping[str, Any]], Callable[[], None]]:
    httpx = extra("httpx")
    auth = httpx.DigestAuth(address.user or USER, address.password) if address.password else None
    client = httpx.Client(auth=auth, timeout=TIMEOUT_S, trust_env=False)
    url = f"http://{address.host}/rpc/Shelly.GetStatus"

    def get() -> Mapping[str, Any]:
        try:
            reply = client.get(url)
        except httpx.TimeoutException as error:
            raise MeterFailed(f"no reply within {TIMEOUT_S:g} s", code=errno.ETIMEDOUT) from error
        except httpx.HTTPError as error:
            raise MeterFailed(f"it cannot be reached: {error}", code=errno.ECONNREFUSED) from error
        if reply.status_code != httpx.codes.OK:
            raise http_failure(reply.status_code)
        try:
            # Exact: a float of 0.1 W is none.
            status = json.loads(reply.content, parse_float=Decimal, parse_int=Decimal)
        except ValueError as error:
            raise MeterFailed("its reply is not JSON", code=errno.EBADMSG) from error
        if not isinstance(status, Mapping):
            raise MeterFailed("its reply is not the status of a Shelly", code=errno.EBADMSG)
        return status

    return get, client.close


def _metering(status: Mapping[str, Any]) -> list[str]:
    return [name for name in status if name.partition(":")[0] in COMPONENTS] or ["none that measures"]


def _at(found: Mapping[str, Any], path: tuple[str, ...]) -> Decimal | None:
    """The number at a path; None: there is none."""
    for word in path:
        if not isinstance(found, Mapping) or word not in found:
            return None
        found = found[word]
    return found if isinstance(found, Decimal) and found.is_finite() else None


def _thousandths(value: Decimal | None) -> int | None:
    try:
        return None if value is None else int((value * _MILLI).to_integral_value())
    except InvalidOperation:
        return None
