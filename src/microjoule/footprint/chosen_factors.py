"""The terms of a footprint: which factors stand between its joules and its grams and money.

What the user gives comes first, then what the method fixes, then what the zone says, and where none
of them says anything the world's average with its range, or nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from ..errors import BadFactor
from ..units import GRAMS, HOURS_PER_YEAR
from ..value_class import dataclass
from . import data_tables, intensity, pue, tariff
from .conversion import GIVEN, INTENSITY, figure, given, per_kwh, scaled
from .conversion import intensity as given_intensity
from .factor import Factor
from .methods import DEFAULT, Method, method, own_region

SCOPE_2, RESIDUAL = "scope2", "residual"
_SCOPES = MappingProxyType({"": "", SCOPE_2: intensity.DIRECT, "lifecycle": intensity.LIFECYCLE})
HOW_TO_CHOOSE = "no zone is named: --zone CODE chooses one, `uj zones TEXT` finds it"
NO_PRICE = "no open electricity price of {} is known: --price '0.12 USD/kWh' gives one"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorOptions:
    """What the user said, as it was written; an empty text where nothing was.

    Attributes:
        method: A method's name.
        zone: A zone's code or name.
        scope: ``scope2``: direct emissions, with losses and upstream on lines of their own; ``lifecycle``:
            all of them in one figure; empty: as the zone's preferred figure has it.
        wue: ``0.3 L/kWh``, or a cloud region's code.
        intensity: ``432.7 g/kWh``.
        pue: A number or a facility's code.
        price: ``0.12 USD/kWh``.
        tariff: A code of the price table.
        market: ``0 g/kWh`` and then what was bought, or ``residual``: nothing was.
        embodied: ``1000 kg / 4 y``, or devices of the table: ``8 x H100 + gpu-server / 4 y``.
        per: ``1000 requests``.
        currency: Three letters.
        rates: What one unit of a currency is worth in ``currency``.
    """

    method: str = DEFAULT
    zone: str = ""
    scope: str = ""
    wue: str = ""
    intensity: str = ""
    pue: str = ""
    price: str = ""
    tariff: str = ""
    market: str = ""
    embodied: str = ""
    per: str = ""
    currency: str = ""
    rates: Mapping[str, float] = field(default_factory=dict)


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
        losses: Of the network, a share of what arrives; None: not asked for or not known.
        upstream: Of mining, transport and building, in g/kWh; None: not asked for or not known.
        water: In L/kWh of the computers; None: not asked for.
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
    losses: Factor | None = None
    upstream: Factor | None = None
    water: Factor | None = None
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
            "losses": self.losses,
            "upstream": self.upstream,
            "water": self.water,
            "units": self.units,
        }
        return {part: factor for part, factor in parts.items() if factor}

    def to_json(self) -> dict[str, Any]:
        """The terms as JSON values, with the hash of the data that they come from."""
        return {
            "method": self.method.name,
            "formula": self.method.formula,
            "method_source": self.method.source,
            "remark": self.remark,
            "factors": {part: described(factor) for part, factor in self.factors.items()},
            "data": data_tables.digest(),
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
        "age_years": _age(factor.origin.year),
        "source": factor.origin.source,
        "licence": factor.origin.licence,
        "note": factor.origin.note,
        "url": factor.origin.url,
        "retrieved": factor.origin.retrieved,
    }


def _age(year: int | None) -> int | None:
    """How many years ago a figure was of; None of a timeless one."""
    return None if year is None else max(datetime.now(UTC).year - year, 0)


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
        grid = own_region(chosen, zone.code) or intensity.intensity(zone, _scope(wishes.scope))
        remark = _of_other_scope(grid, wishes.scope)
    elif chosen.intensity:
        fixed = per_kwh(data_tables.constant(chosen.intensity), GRAMS, INTENSITY)
        grid = replace(fixed, name=f"intensity that the method {chosen.name} fixes")
    else:
        grid, remark = intensity.world().intensity, HOW_TO_CHOOSE
    price = _price(wishes, chosen, zone)
    if zone and price is None:
        remark = "; ".join(filter(None, (remark, NO_PRICE.format(zone.name))))
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
        market=_market(wishes.market, zone) if wishes.market and not chosen.needs_unit else None,
        price=price,
        embodied=embodied,
        losses=zone.losses if zone and wishes.scope else None,
        upstream=zone.upstream if zone and wishes.scope == SCOPE_2 else None,
        water=pue.wue(wishes.wue) if wishes.wue else None,
        units=units,
        remark=remark,
    )


def _scope(said: str) -> str:
    """The scope of the published figures that a wish means.

    Raises:
        BadFactor: There is no such scope.
    """
    if said not in _SCOPES:
        known = ", ".join(each for each in _SCOPES if each)
        raise BadFactor(f"There is no scope {said!r}", f"The scopes are: {known}")
    return _SCOPES[said]


def _of_other_scope(grid: Factor, said: str) -> str:
    """What to say where a place has no figure of the scope that was asked for."""
    wanted = _SCOPES[said]
    if not wanted or grid.boundary.scope in ("", wanted):
        return ""
    place = grid.name.removeprefix("grid of ")
    return f"no {wanted} figure of {place} is open: its {grid.boundary.scope} one stands"


def _pue(wishes: FactorOptions, chosen: Method, zone: intensity.Zone | None) -> Factor:
    if wishes.pue or chosen.pue:
        return pue.pue(wishes.pue or chosen.pue)
    of_zone = pue.pue_of(zone) if zone else None
    if of_zone is None and chosen.pue_elsewhere:
        return pue.pue(chosen.pue_elsewhere)
    return of_zone or pue.unknown()


def _price(wishes: FactorOptions, chosen: Method, zone: intensity.Zone | None) -> Factor | None:
    if wishes.price and wishes.tariff:
        raise BadFactor("A price and a tariff cannot be used together", "Give --price or --tariff, not both")
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


def _market(text: str, zone: intensity.Zone | None) -> Factor:
    """``0 g/kWh solar contract``: what was bought and its intensity; ``residual``: nothing was bought."""
    if text.strip() == RESIDUAL:
        residual = zone.residual if zone else None
        if residual is None:
            place = zone.name if zone else "no place"
            raise BadFactor(
                f"No open residual mix of {place} is known",
                "Give its intensity and a name, as in --market '400 g/kWh residual mix'. Europe's are at "
                "https://www.aib-net.org/facts/european-residual-mix and may not be redistributed",
            )
        return residual
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
    devices = [_device(part) for part in whole.split("+")]
    if all(devices):
        return _of_devices([each for each in devices if each], life)
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


def _device(text: str) -> tuple[int, data_tables.Row] | None:
    """``8 x H100`` as eight and the row of the table; None where the text names none of it."""
    found = re.fullmatch(r"\s*(?:(\d+)\s*[x×*]\s*)?(.*?)\s*", text)
    name = found[2].casefold() if found else ""
    for row in data_tables.rows("embodied"):
        if name in (row["name"].casefold(), *row["alias"].casefold().split("|")):
            return int(found[1] or 1), row  # type: ignore[index]
    return None


def _of_devices(devices: Sequence[tuple[int, data_tables.Row]], life: str) -> Factor:
    """The embodied carbon of some devices over a life that is given, or over each one's own."""
    if life.strip():
        years, year = figure(life)
        if year not in ("y", "year", "years") or not years > 0:
            raise BadFactor(f"{life.strip()!r} is not a lifetime", "Write it in years, as in '/ 4 y'")
    ends = []
    for column in ("low", "value", "high"):
        parts = (
            count * float(row[column]) * GRAMS[row["unit"]] / (years if life.strip() else float(row["life"]))
            for count, row in devices
        )
        ends.append(sum(parts) / HOURS_PER_YEAR)
    first = devices[0][1]
    sources = "; ".join(dict.fromkeys(row["source"] for _, row in devices))
    notes = "; ".join(dict.fromkeys(row["note"] for _, row in devices))
    return Factor(
        name="embodied carbon of " + " + ".join(f"{count} × {row['name']}" for count, row in devices),
        low=ends[0],
        value=ends[1],
        high=ends[2],
        unit="g/h",
        origin=replace(data_tables.origin(first), source=sources, note=notes),
    )


def _units(text: str) -> Factor | None:
    """``1000 requests``: how many of what."""
    if not text:
        return None
    factor = given("functional units", text)
    if not factor.unit or not factor.value:
        raise BadFactor(
            f"{text!r} is not a number of functional units", "Write how many of what, as in '1000 requests'"
        )
    return factor
