"""Power analysers and supplies that speak SCPI, through PyVISA.

Theory of the device. SCPI-1999 (https://www.ivifoundation.org/docs/scpi-99.pdf) answers a query such as
``MEASure:POWer?`` with a decimal number, ``*IDN?`` with manufacturer, model, serial number and firmware, and
a value that is not there with 9.91E+37 (not a number) or ±9.9E+37 (overflow). Instruments differ in the query
for active power; it is given with the address, with what sets the instrument up. Readings are averages of the
instrument's own update interval, 50 ms to 20 s, which the trace shows. A query takes 1 to 50 ms.

    visa://TCPIP::192.168.1.7::INSTR?power=MEAS:POW%3F
    visa://TCPIP::192.168.1.7::INSTR?setup=:NUM:NORM:ITEM1+P,1&power=:NUM:NORM:VAL%3F+1
"""

from __future__ import annotations

import contextlib
import errno
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from ...errors import BadMeter, MeterFailed
from ...late import extra
from ...units import J_PER_WH
from .address import Address
from .instrument import (
    TIMEOUT_S,
    Instrument,
    MeterReading,
    energy_channel,
    first_reading,
    power_channel,
)

NAME = "visa"
EVERY_S = 0.2
POWER = "MEAS:POW?"
STEPS = 1_000_000  # counts a watt, and a watt-hour: finer than any instrument shows

_NO_NUMBER = Decimal("9.9e37")  # SCPI's overflow; 9.91e37 is its "not a number"
_LARGEST = Decimal(1 << 63)


def connect(address: Address, number: int) -> Instrument:
    """The instrument at ``visa://RESOURCE``, after a first reply.

    Raises:
        BadMeter: There is no such resource, or it does not answer.
        MissingExtra: PyVISA is not installed.
    """
    query, energy_query, setup, backend = address.take("power", "energy", "setup", "backend")
    session = _opened(address, backend)
    energy = energy_channel(address, number, Fraction(J_PER_WH, STEPS)) if energy_query else None
    queries = [query or POWER, *([energy_query] if energy_query else [])]

    def ask() -> MeterReading:
        return MeterReading(tuple(_count(_asked(session, each)) for each in queries))

    def close() -> None:
        with contextlib.suppress(Exception):  # whatever a backend raises of a line that is gone
            session.close()

    try:
        for command in filter(None, setup.split(";")):
            _written(session, command, address)
        model = _model(session)
        first_reading(address, ask)
    except BaseException:
        close()
        raise
    power = power_channel(address, number, Fraction(1, STEPS))
    return Instrument(
        channels=(power,) if energy is None else (power, energy),
        every_s=address.every_s or EVERY_S,
        ask=ask,
        close=close,
        model=model,
    )


def _opened(address: Address, backend: str) -> Any:  # noqa: ANN401 - a resource of PyVISA
    pyvisa = extra("pyvisa")
    resource = f"{address.host}{'/' if address.path else ''}{address.path}".upper()
    try:
        manager = pyvisa.ResourceManager(backend or "@py")
        session = manager.open_resource(resource, open_timeout=int(TIMEOUT_S * 1000))
        session.timeout = int(TIMEOUT_S * 1000)
        session.read_termination = session.write_termination = "\n"
    except Exception as error:  # each backend raises what it likes
        raise BadMeter(
            f"The meter {address} cannot be opened: {error}",
            "`pyvisa-shell list` shows the resources",
        ) from error
    return session


def _asked(session: Any, query: str) -> str:  # noqa: ANN401 - a resource of PyVISA
    try:
        return str(session.query(query))
    except Exception as error:
        code = errno.ETIMEDOUT if "timeout" in str(error).lower() else errno.EIO
        raise MeterFailed(f"no reply to {query}: {error}", code=code) from error


def _written(session: Any, command: str, address: Address) -> None:  # noqa: ANN401 - a resource of PyVISA
    try:
        session.write(command)
    except Exception as error:
        raise BadMeter(f"The meter {address} rejects {command!r}: {error}", "Check setup=") from error


def _model(session: Any) -> str:  # noqa: ANN401 - a resource of PyVISA
    try:
        return _asked(session, "*IDN?").strip()
    except MeterFailed:
        return ""


def _count(text: str) -> int | None:
    """A reply in counts; None: it says that there is no value."""
    try:
        value = Decimal(text.strip().partition(",")[0])
    except InvalidOperation as error:
        raise MeterFailed(f"its reply {text[:40]!r} is not a number", code=errno.EBADMSG) from error
    if not value.is_finite() or abs(value) >= _NO_NUMBER or abs(value) * STEPS >= _LARGEST:
        return None
    return int((value * STEPS).to_integral_value())
