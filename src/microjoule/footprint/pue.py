"""Power usage effectiveness: what a building uses for each kilowatt-hour of its computers.

Decision: where no facility is named nothing is added, and the range reaches to the survey's average,
because a laptop has no cooling plant and a data centre does, and only the user knows which it is.
"""

from __future__ import annotations

from dataclasses import replace

from ..errors import BadFactor, nearest
from . import data_tables
from .conversion import figure, given
from .factor import Factor
from .intensity import Zone

AVERAGE = "uptime2025"


def pue(text: str) -> Factor:
    """A PUE that the user writes (``1.1``), or that of a facility by its code (``gcp``, ``uptime2025``).

    Raises:
        BadFactor: Below one, not a number, or a code that the table does not have.
    """
    found = _row(text)
    if found is not None:
        return found
    try:
        figure(text)
    except BadFactor:
        raise BadFactor(
            f"The PUE of {text!r} is not known", f"{_known('pue', text)}, or a number: --pue 1.1"
        ) from None
    factor = given("PUE", text)
    factor = replace(factor, unit=factor.unit or "1").in_unit("1")
    if factor.value < 1:
        raise BadFactor(
            f"A PUE of {factor.value:g} is below 1",
            "A building uses at least what its computers use: give 1 or more",
        )
    return factor


def pue_of(zone: Zone) -> Factor | None:
    """The PUE of a cloud region, or of its provider's fleet; None where the zone is no cloud's."""
    provider, is_cloud, _ = zone.code.partition(":")
    return (_row(zone.code) or _row(provider)) if is_cloud else None


def wue(text: str) -> Factor:
    """Water for each kilowatt-hour of computers: ``1.8 L/kWh``, or that of a region (``aws:us-east-1``).

    Raises:
        BadFactor: No number of liters, or a code that the table does not have.
    """
    row = _water(text)
    if row is not None:
        return row
    try:
        factor = given("water", text)
    except BadFactor:
        raise BadFactor(
            f"The water use of {text!r} is not known",
            f"{_known('wue', text)}, or a figure: --wue '0.3 L/kWh'",
        ) from None
    unit = {"l/kWh": "L/kWh"}.get(factor.unit, factor.unit)
    if unit != "L/kWh":
        raise BadFactor(
            f"{text!r} is neither a number of litres per kilowatt-hour nor a place whose water use is known",
            f"{_known('wue', text)}, or a figure: --wue '0.3 L/kWh'",
        )
    return replace(factor, unit=unit)


def wue_of(zone: Zone) -> Factor | None:
    """The water of a cloud region, or of its provider's fleet; None where neither is published."""
    provider, is_cloud, _ = zone.code.partition(":")
    return (_water(zone.code) or _water(provider)) if is_cloud else None


def _water(code: str) -> Factor | None:
    rows = (row for row in data_tables.rows("wue") if row["code"] == code)
    return next((data_tables.factor(row, f"water ({row['name']})") for row in rows), None)


def unknown() -> Factor:
    """The PUE where no facility is named: one, and a range up to the average of data centres."""
    nothing, average = pue("none"), pue(AVERAGE)
    note = f"range: up to {average.value:g}, {average.origin.source}"
    origin = replace(nothing.origin, note=note)
    return replace(nothing, name="no data center given", high=average.value, origin=origin)


def _known(table: str, text: str) -> str:
    """What to give instead of a code that a table lacks: its provider's fleet, or the nearest codes."""
    codes = [row["code"] for row in data_tables.rows(table)]
    provider, is_region, _ = text.partition(":")
    if is_region and provider in codes:
        return f"Give the mean of its provider's fleet: --{table} {provider}"
    return nearest(text, codes)


def _row(code: str) -> Factor | None:
    rows = (row for row in data_tables.rows("pue") if row["code"] == code)
    return next((data_tables.factor(row, f"PUE ({row['name']})") for row in rows), None)
