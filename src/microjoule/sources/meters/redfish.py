"""The power of a server by its management controller, through Redfish.

Theory of the device. The controller serves JSON over HTTPS (DMTF DSP0266, DSP2046). A chassis has
``EnvironmentMetrics`` with ``PowerWatts.Reading`` and, where the controller counts, ``EnergykWh.Reading``;
before version 2020.4 it has ``Power`` with ``PowerControl[0].PowerConsumedWatts``. The figure is what the
power supplies say, input side, updated every 1 to 60 s by model, and averaged over as long or longer. A reply
takes 20 ms to several seconds. The header ``Date`` is the controller's clock, in whole seconds.

Known errors: steps of 1 W and more; supplies state 1 to 5 % at half load; figures are stale where the
controller is busy. Users are checked by password.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from fractions import Fraction
from typing import Any

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

NAME = "redfish"
EVERY_S = 1.0
OK = 200
UNREACHABLE = (errno.ECONNREFUSED, errno.ETIMEDOUT, errno.EACCES)
CHASSIS = "/redfish/v1/Chassis"
STEPS = 1_000_000  # counts a watt, and a kilowatt-hour

# What a chassis has -> the paths to its power and its energy.
RESOURCES: dict[str, tuple[tuple[str | int, ...], tuple[str | int, ...]]] = {
    "EnvironmentMetrics": (("PowerWatts", "Reading"), ("EnergykWh", "Reading")),
    "Power": (("PowerControl", 0, "PowerConsumedWatts"), ()),
}


def connect(address: Address, number: int) -> Instrument:
    """The controller at ``redfish://USER:PASSWORD@HOST[/CHASSIS]``, after a first reply.

    Raises:
        BadMeter: Nobody answers as one does, or no chassis has a power.
        MissingExtra: The library redfish is not installed.
    """
    (scheme,) = address.take("scheme")
    get, close = _client(address, scheme or "https")
    try:
        path, (power_at, energy_at) = _resource(address, get)
        has_energy = bool(energy_at) and _at(_body(get(path)), energy_at) is not None
        places = [power_at, *([energy_at] if has_energy else [])]

        def ask() -> MeterReading:
            reply = get(path)
            body = _body(reply)
            raws = tuple(_count(_at(body, place)) for place in places)
            if raws[0] is None:
                raise MeterFailed(f"{path} shows no power", code=errno.EBADMSG)
            return MeterReading(raws, _date_ns(reply))

        first_reading(address, ask)
    except BaseException:
        close()
        raise
    energy = energy_channel(address, number, Fraction(1000 * J_PER_WH, STEPS)) if has_energy else None
    power = power_channel(address, number, Fraction(1, STEPS))
    return Instrument(
        channels=(power,) if energy is None else (power, energy),
        every_s=address.every_s or EVERY_S,
        ask=ask,
        close=close,
        model=path,
    )


def _client(address: Address, scheme: str) -> tuple[Callable[[str], Any], Callable[[], None]]:
    redfish = extra("redfish")
    try:
        client = redfish.redfish_client(
            base_url=f"{scheme}://{address.host}",
            username=address.user,
            password=address.password,
            timeout=TIMEOUT_S,
            max_retry=1,
            check_connectivity=False,
        )
        if address.password:
            client.login(auth="basic")
    except Exception as error:  # requests' errors, and the library's own
        raise BadMeter(
            f"The meter {address} cannot be reached: {error}",
            "Check the address of the management controller, the user and the password",
        ) from error

    def get(path: str) -> Any:  # noqa: ANN401 - a reply of the library
        try:
            reply = client.get(path)
        except Exception as error:
            is_late = "timed out" in str(error).lower() or "timeout" in type(error).__name__.lower()
            code = errno.ETIMEDOUT if is_late else errno.ECONNREFUSED
            why = str(error) or type(error).__name__
            raise MeterFailed(f"no reply from {path}: {why}", code=code) from error
        if reply.status != OK:
            raise http_failure(reply.status)
        return reply

    def close() -> None:
        with contextlib.suppress(Exception):
            client.logout()

    return get, close


def _resource(
    address: Address, get: Callable[[str], Any]
) -> tuple[str, tuple[tuple[str | int, ...], tuple[str | int, ...]]]:
    """The resource that has the chassis' power: that of the named chassis, or of the first that has one."""
    try:
        chassis = [f"{CHASSIS}/{address.path}"] if address.path else _chassis(get)
        for folder in chassis:
            for name, places in RESOURCES.items():
                try:
                    if _at(_body(get(f"{folder}/{name}")), places[0]) is not None:
                        return f"{folder}/{name}", places
                except MeterFailed as error:
                    if error.code in UNREACHABLE:  # and not only without this resource
                        raise
    except MeterFailed as error:
        raise BadMeter(
            f"The meter {address} gives no reading: {error.what}",
            "Check the address of the management controller, the user and the password",
        ) from error
    names = ", ".join(folder.rpartition("/")[2] for folder in chassis) or "none"
    raise BadMeter(
        f"No chassis of {address} shows its power (chassis: {names})",
        "Name one that does: redfish://USER:PASSWORD@HOST/CHASSIS",
    )


def _chassis(get: Callable[[str], Any]) -> list[str]:
    members = _body(get(CHASSIS)).get("Members", [])
    return [str(each["@odata.id"]) for each in members if isinstance(each, Mapping) and "@odata.id" in each]


def _body(reply: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a reply of the library
    try:
        body = reply.dict
    except Exception as error:
        raise MeterFailed("its reply is not JSON", code=errno.EBADMSG) from error
    if not isinstance(body, Mapping):
        raise MeterFailed("its reply is not a resource", code=errno.EBADMSG)
    return body


def _at(found: Any, path: tuple[str | int, ...]) -> float | None:  # noqa: ANN401 - JSON
    for word in path:
        try:
            found = found[word]
        except (KeyError, IndexError, TypeError):
            return None
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _count(value: float | None) -> int | None:
    return None if value is None else round(Fraction(value) * STEPS)


def _date_ns(reply: Any) -> int | None:  # noqa: ANN401 - a reply of the library
    try:
        return int(parsedate_to_datetime(reply.getheader("Date")).timestamp()) * NS_PER_S
    except (TypeError, ValueError, AttributeError):
        return None
