"""Factors in other units, factors times factors, and figures that a person writes.

A unit is ``mass/energy`` (``g/kWh``), ``currency/energy`` or ``currency/h``. A figure without a unit
is refused, because 0.954 is a clean grid in kilograms and a dirty one in pounds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ..errors import BadFactor
from ..units import GRAMS, KWH
from .factor import Factor, Origin

INTENSITY = "g/kWh"
GIVEN = Origin(source="given by the user", licence="the user's own")

_FIGURE = re.compile(
    r"\s*([-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?|[-+]?(?:nan|inf)\w*)\s*(\D.*?)?\s*", re.IGNORECASE
)

_CO2 = re.compile(r"CO[2₂](e|eq|-eq)?(?=/)", re.IGNORECASE)  # what is weighed, in front of the slash


def figure(text: str) -> tuple[float, str]:
    """``432.7 g/kWh`` as its number and its unit; the unit is empty where there is none.

    Raises:
        BadFactor: It does not begin with a number, or has a comma in it.
    """
    found = _FIGURE.fullmatch(text)
    if found and (found[2] or "").startswith(","):
        raise BadFactor(
            f"The comma in {text!r} may separate thousands or decimals",
            "Write a point before the decimals, as in 0.5, and thousands without a comma",
        )
    try:
        return float(found[1].replace("_", "")), (found[2] or "").replace(" ", "")  # type: ignore[index]
    except (TypeError, ValueError):
        raise BadFactor(
            f"{text!r} is not a figure", "Write a number and its unit, as in '432.7 g/kWh'"
        ) from None


def given(name: str, text: str) -> Factor:
    """A factor that the user writes; its range is not known.

    Raises:
        BadFactor: No number, negative or not finite.
    """
    value, unit = figure(text)
    return Factor(name=name, value=value, low=value, high=value, unit=unit, origin=GIVEN)


def intensity(name: str, text: str) -> Factor:
    """A carbon intensity that the user writes, in grams a kilowatt-hour: ``400 g/kWh``, ``400 gCO2e/kWh``.

    Raises:
        BadFactor: It is none, has no unit, or its unit is not a mass for an energy.
    """
    written = given(name, text)
    return per_kwh(replace(written, unit=_CO2.sub("", written.unit)), GRAMS, INTENSITY)


def per_kwh(factor: Factor, numerators: Mapping[str, float], unit: str) -> Factor:
    """A factor for a kilowatt-hour, converted on purpose.

    Args:
        factor: In ``numerator/energy``, with an energy of :data:`microjoule.units.KWH`.
        numerators: The size of each numerator that fits, in that of ``unit``.
        unit: What is wanted.

    Raises:
        BadFactor: Its unit does not fit.
    """
    top, _, bottom = factor.unit.partition("/")
    if top not in numerators or bottom not in KWH:
        what = f"in {factor.unit!r}" if factor.unit else "without a unit"
        known = ", ".join(numerators)
        raise BadFactor(
            f"{factor.name} {factor.value:g} is {what}, and {unit} is needed",
            f"Write the unit: one of {known}, then '/kWh', as in '{factor.value:g} {unit}'",
        )
    return scaled(factor, numerators[top] / KWH[bottom], unit)


def scaled(factor: Factor, by: float, unit: str) -> Factor:
    """A factor and its range times a number, in another unit."""
    low, value, high = (figure * by for figure in (factor.low, factor.value, factor.high))
    return replace(factor, low=low, value=value, high=high, unit=unit)


def product(one: Factor, share: Factor) -> Factor:
    """A factor times a bare one, such as a PUE: the ranges multiply end by end.

    Raises:
        BadFactor: The second one has a unit.
    """
    share.in_unit("1")
    return replace(
        one,
        name=f"{one.name} × {share.name}",
        low=one.low * share.low,
        value=one.value * share.value,
        high=one.high * share.high,
    )
