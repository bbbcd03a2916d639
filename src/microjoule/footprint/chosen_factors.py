"""The terms of a footprint: which factors stand between its joules and its grams and money.

What the user gives comes first, then what the method fixes, then what the zone says, and where none
of them says anything the world's average with its range, or nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ..errors import BadFactor
from ..units import GRAMS, HOURS_PER_YEAR
from . import data_tables as tables
from . import intensity, tariff
from . import pue as overhead
from .conversion import GIVEN, INTENSITY, figure, given, per_kwh, scaled
from .conversion import intensity as given_intensity
from .factor import Factor
from .methods import DEFAULT, Method, method, own_region

HOW_TO_CHOOSE = "no zone is named: --zone CODE chooses one, `uj zones TEXT` finds it"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorOptions:
    """What the user said, as it was written; an empty text where nothing was.

    Attributes:
        method: A method's name.
        zone: A zone's code or name.
        intensity: ``432.7 g/kWh``.
        pue: A number or a facility's code.
        price: ``0.12 USD/kWh``.
        tariff: A code of the price table.
        market: ``0 g/kWh`` and then what was bought.
        embodied: ``1000 kg / 4 y``.
        per: ``1000 requests``.
        currency: Three letters.
        rates: What one unit of a currency is worth in ``currency``.
    """

    method: str = DEFAULT
    zone: str = ""
    intensity: str = ""
    pue: str = ""
    price: str = ""
    tariff: str = ""
    market: str = ""
    embodied: str = ""
    per: str = ""
    currency: str = ""
    rates: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The factors of a footprint.

    Attributes:
        method: The way of reckoning.
        intensity: Of the place, in g/kWh.
        pue: Of the facility.
        marginal: Of the place, in g/kWh; None: not known.
        market: Of what was bought, in g/kWh; None: nothing.
        price: In ``XXX/kWh``; None: not known.
        embodied: Of the hardware, in g/h; None: not given.
        units: How many functional units, its unit their name; None: none.
        remark: How to choose what was not chosen; empty where all was.
    """

    method: Method
    intensity: Factor
    pue: Factor
    marginal: Factor | None = None
    market: Factor | None = None
    price: Factor | None = None
    embodied: Factor | None = None
    units: Factor | None = None
    remark: str = ""

    @property
    def factors(self) -> dict[str, Factor]:
        """Each factor by its part."""
        parts = {
            "pue": self.pue,
            "intensity": self.intensity,
            "market": self.market,
            "marginal": self.marginal,
            "price": self.price,
            "embodied": self.embodied,
            "units": self.units,
        }
        return {part: factor for part, factor in parts.items() if factor}

    def plain(self) -> dict[str, Any]:
        """The terms as JSON values, with the hash of the data that they come from."""
        return {
            "method": self.method.name,
            "formula": self.method.formula,
            "method_source": self.method.source,
            "remark": self.remark,
            "factors": {part: described(factor) for part, factor in self.factors.items()},
            "data": tables.digest(),
        }


def described(factor: Factor) -> dict[str, Any]:
    """A factor as JSON values; its range is null where it is not known."""
    known = factor.low < factor.high
    return {
        "name": factor.name,
        "value": factor.value,
        "range": [factor.low, factor.high] if known else None,
        "unit": factor.unit,
        "signal": factor.boundary.signal,
        "scope": factor.boundary.scope,
        "basis": factor.boundary.basis,
        "year": factor.origin.year,
        "source": factor.origin.source,
        "licence": factor.origin.licence,
        "note": factor.origin.note,
        "url": factor.origin.url,
        "retrieved": factor.origin.retrieved,
    }


def terms(wishes: FactorOptions) -> Terms:
    """The factors that the wishes come to.

    Raises:
        UnknownMethod: No method has the name.
        UnknownZone: No zone has the name.
        BadFactor: A figure is none, or in a unit that does not fit.
    """
    chosen = method(wishes.method)
    zone = intensity.zone(wishes.zone) if wishes.zone else None
    remark = ""
    if wishes.intensity:
        grid = given_intensity("grid intensity", wishes.intensity)
    elif zone:
        grid = own_region(chosen, zone.code) or zone.intensity
    elif chosen.intensity:
        grid = per_kwh(tables.constant(chosen.intensity), GRAMS, INTENSITY)
    else:
        grid, remark = intensity.zone(intensity.WORLD).intensity, HOW_TO_CHOOSE
    units, embodied = _units(wishes.per), _embodied(wishes.embodied)
    if chosen.needs_unit and not (units and embodied):
        raise BadFactor(
            f"The method {chosen.name} needs the embodied carbon and a functional unit",
            "Give --embodied '1000 kg / 4 y' and --per '1000 requests'",
        )
    return Terms(
        method=chosen,
        intensity=grid,
        pue=_pue(wishes, chosen, zone),
        marginal=zone.marginal if zone and not wishes.intensity else None,
        # The standard of the score leaves instruments out, because they do not change what was emitted.
        market=_market(wishes.market) if wishes.market and not chosen.needs_unit else None,
        price=_price(wishes, chosen, zone),
        embodied=embodied,
        units=units,
        remark=remark,
    )


def _pue(wishes: FactorOptions, chosen: Method, zone: intensity.Zone | None) -> Factor:
    if wishes.pue or chosen.pue:
        return overhead.pue(wishes.pue or chosen.pue)
    of_zone = overhead.pue_of(zone) if zone else None
    if of_zone is None and chosen.pue_elsewhere:
        return overhead.pue(chosen.pue_elsewhere)
    return of_zone or overhead.unknown()


def _price(wishes: FactorOptions, chosen: Method, zone: intensity.Zone | None) -> Factor | None:
    if wishes.price and wishes.tariff:
        raise BadFactor("A price and a tariff are two prices", "Give --price or --tariff, not both")
    found = None
    if wishes.price:
        found = tariff.price(wishes.price)
    elif wishes.tariff:
        found = tariff.tariff(wishes.tariff)
    elif zone:
        found = tariff.tariff_of(zone)
    if found is None and chosen.price:
        found = tariff.tariff(chosen.price)
    if found is None or not wishes.currency:
        return found
    return tariff.in_currency(found, wishes.currency, wishes.rates)


def _market(text: str) -> Factor:
    """``0 g/kWh solar contract``: the intensity of what was bought, then its name."""
    found = re.match(r"(\s*\S+\s*[A-Za-z]+/[A-Za-z]+)\s+(\S.*)", text)
    if not found:
        raise BadFactor(
            f"The instrument {text!r} does not say what was bought",
            "Write its intensity, then its name, as in '0 g/kWh solar contract'",
        )
    return given_intensity(f"market-based ({found[2]})", found[1])


def _embodied(text: str) -> Factor | None:
    """``1000 kg / 4 y``: what making the hardware emitted over its life, in grams an hour."""
    if not text:
        return None
    whole, _, life = text.partition("/")
    mass, unit = figure(whole)
    years, year = figure(life) if life.strip() else (0.0, "")
    if unit not in GRAMS or year not in ("y", "year", "years") or not years > 0:
        raise BadFactor(
            f"The embodied carbon {text!r} is not a mass over years", "Write it as in '1000 kg / 4 y'"
        )
    factor = Factor(
        name="embodied carbon", value=mass, low=mass, high=mass, unit=f"{unit}/{years:g} y", origin=GIVEN
    )
    return scaled(factor, GRAMS[unit] / (years * HOURS_PER_YEAR), "g/h")


def _units(text: str) -> Factor | None:
    """``1000 requests``: how many of what."""
    if not text:
        return None
    factor = given("functional units", text)
    if not factor.unit or not factor.value:
        raise BadFactor(
            f"{text!r} is no number of functional units", "Write how many of what, as in '1000 requests'"
        )
    return factor
