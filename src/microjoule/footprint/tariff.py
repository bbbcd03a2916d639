"""What electricity costs. A price is in a currency; between two of them stands a rate that is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ..errors import BadFactor, NoRate, nearest
from ..units import KWH
from . import data_tables
from .conversion import given, per_kwh, scaled
from .factor import Factor
from .intensity import Zone, around

BUSINESS, HOUSEHOLD = "business", "household"


def price(text: str) -> Factor:
    """A price that the user writes, ``0.12 USD/kWh``, for a kilowatt-hour.

    Raises:
        BadFactor: No number, no currency of three letters, or not for an energy.
    """
    factor = given("electricity price", text)
    currency, _, energy = factor.unit.partition("/")
    if not re.fullmatch("[A-Z]{3}", currency) or energy not in KWH:
        raise BadFactor(
            f"The price {text!r} lacks a currency or an energy unit",
            "Write both, as in '0.12 USD/kWh' or '120 EUR/MWh'",
        )
    return per_kwh(factor, {currency: 1.0}, f"{currency}/kWh")


def tariff(text: str) -> Factor:
    """A price of the table: ``US-CA``, ``DE``, ``DE/household``.

    Raises:
        BadFactor: The table has no such price.
    """
    code, _, sector = text.partition("/")
    found = _row(code, sector or BUSINESS)
    if found is None:
        codes = list(dict.fromkeys(row["code"] for row in data_tables.rows("tariffs")))
        raise BadFactor(
            f"No electricity price is known for {text!r}",
            f"{nearest(code.upper(), codes)}; or give the price: --price '0.12 USD/kWh'",
        )
    return found


def tariff_of(zone: Zone) -> Factor | None:
    """The price where a zone lies, or around it: of a business, else of a household; None: none is open."""
    return next(
        (
            found
            for each in around(zone)
            for sector in (BUSINESS, HOUSEHOLD)
            if (found := _row(each.code, sector))
        ),
        None,
    )


def in_currency(factor: Factor, currency: str, rates: Mapping[str, float]) -> Factor:
    """A price in another currency.

    Args:
        factor: A price in ``XXX/kWh`` or ``XXX/h``.
        currency: The three letters that are wanted.
        rates: What one unit of a currency is worth in the wanted one.

    Raises:
        NoRate: No rate is given: none is carried here, because it would be stale.
        BadFactor: The rate is not a positive number.
    """
    own, _, per = factor.unit.partition("/")
    if own == currency:
        return factor
    if own not in rates:
        raise NoRate(
            f"The price is in {own} and {currency} is wanted, and no rate is known",
            f"Give what one {own} is worth: --exchange {own}=1.08",
        )
    if not 0 < rates[own] < float("inf"):
        raise BadFactor(f"A rate of {rates[own]:g} for {own} is not valid", "Give a positive number")
    return scaled(factor, rates[own], f"{currency}/{per}")


def _row(code: str, sector: str) -> Factor | None:
    found = [row for row in data_tables.rows("tariffs") if row["code"].casefold() == code.casefold()]
    row = next((row for row in found if row["sector"] == sector), None)
    if row is None:
        return None
    factor = data_tables.factor(row, f"electricity price of {row['name']} ({sector})")
    if len(found) < 2:
        return factor
    low, high = min(float(each["low"]) for each in found), max(float(each["high"]) for each in found)
    note = f"{factor.origin.note}; range: household and business"
    return replace(factor, low=low, high=high, origin=replace(factor.origin, note=note))
