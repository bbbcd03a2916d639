"""The footprint of an energy: CO2e and money, each with its ranges, which are never folded into one.

    facility energy = energy × PUE
    CO2e            = facility energy × intensity      location-based: of the place
                                                       market-based: of what was bought
                                                       marginal: what one kilowatt-hour more causes
    losses          = facility energy × intensity × what the network loses, and upstream likewise
    water           = energy × WUE
    cost            = facility energy × price          and what the accelerators' hire costs, apart
    score           = (CO2e + embodied share) / units

``guaranteed`` is what the readings leave open, guaranteed but for the sensor's own error; ``U`` is the
energy's ± U at 95 %, the sensor's error among it; both with every factor at its value. ``choice`` is
what the choice of factors leaves open, with the energy at its value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..errors import UnitMismatch
from ..joules.estimates.estimate import PROVENANCES, Estimate, worst
from ..late import shown
from ..units import J_PER_KWH, S_PER_HOUR
from ..value_class import dataclass
from .chosen_factors import Terms, described
from .conversion import product
from .factor import Factor

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """What an energy and its factors come to.

    Attributes:
        value: The figure; None where the energy has none.
        unit: ``kWh``, ``g``, or a currency's three letters.
        guaranteed: What the readings leave open, the sensor's own error apart.
        choice: What the choice of factors leaves open; None where the energy has no figure.
        is_choice_known: Whether some factor has a range at all.
        U: Half the width of what the measurement leaves open at 95 %, with the sensor; None: it was
            not assessed.
    """

    value: float | None
    unit: str
    guaranteed: tuple[float, float]
    choice: tuple[float, float] | None
    is_choice_known: bool = True
    U: float | None = None

    def __add__(self, other: Amount) -> Amount:
        """The sum of two amounts of different things; all ranges add, as if both sensors erred alike.

        Raises:
            UnitMismatch: They are in different units.
        """
        if not isinstance(other, Amount):
            return NotImplemented
        if other.unit != self.unit:
            raise UnitMismatch(
                f"An amount in {other.unit} cannot be added to one in {self.unit}",
                "Convert it on purpose first",
            )
        known = self.value is not None and other.value is not None
        chosen = self.choice is not None and other.choice is not None
        return Amount(
            value=self.value + other.value if known else None,  # type: ignore[operator]
            unit=self.unit,
            guaranteed=_plus(self.guaranteed, other.guaranteed),
            choice=_plus(self.choice, other.choice) if chosen else None,  # type: ignore[arg-type]
            is_choice_known=self.is_choice_known or other.is_choice_known,
            U=None if self.U is None or other.U is None else self.U + other.U,
        )

    def to_json(self) -> Plain:
        """The amount as JSON values."""
        return {
            "value": self.value,
            "unit": self.unit,
            "guaranteed": [_finite(end) for end in self.guaranteed],
            "U": self.U,
            "choice": list(self.choice) if self.choice and self.is_choice_known else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """The energy, CO2e and cost of one thing.

    Attributes:
        energy: As measured or estimated, in J, without any facility.
        facility: With the PUE, in kWh.
        location: CO2e by the place's intensity, in g.
        market: CO2e by what was bought; None: no instrument.
        marginal: CO2e that one kilowatt-hour more causes, never added to the others; None: not known.
        losses: CO2e of what the network loses, in g, beside the location's; None: not asked for.
        upstream: CO2e of mining, transport and building, in g, beside the location's; None: not asked for.
        water: In L; None: not asked for.
        embodied: The hardware's share, in g; None: not given.
        electricity: What the electricity costs; None: no price.
        rental: What hiring the accelerators costs; None: not known. It is no sum with electricity.
        score: CO2e with the embodied share, of one functional unit; None: no unit.
    """

    energy: Estimate
    facility: Amount
    location: Amount
    market: Amount | None = None
    marginal: Amount | None = None
    losses: Amount | None = None
    upstream: Amount | None = None
    water: Amount | None = None
    embodied: Amount | None = None
    electricity: Amount | None = None
    rental: Amount | None = None
    score: Amount | None = None

    _repr_html_ = shown("footprint")

    def __add__(self, other: Footprint) -> Footprint:
        """The footprint of both; what one lacks the sum lacks; U adds as that of the energies does."""
        if not isinstance(other, Footprint):
            return NotImplemented
        energy = self.energy + other.energy
        correlation = _correlation(self.energy.U, other.energy.U, energy.U)

        def both(one: Amount | None, two: Amount | None) -> Amount | None:
            return _correlated(one, two, correlation) if one and two else None

        return Footprint(
            energy=energy,
            facility=_correlated(self.facility, other.facility, correlation),
            location=_correlated(self.location, other.location, correlation),
            market=both(self.market, other.market),
            marginal=both(self.marginal, other.marginal),
            losses=both(self.losses, other.losses),
            upstream=both(self.upstream, other.upstream),
            water=both(self.water, other.water),
            embodied=both(self.embodied, other.embodied),
            electricity=both(self.electricity, other.electricity),
            rental=both(self.rental, other.rental),
        )

    def to_json(self) -> Plain:
        """The footprint as JSON values: what is None was not asked for or is not known."""
        parts = {
            "facility": self.facility,
            "co2e_location": self.location,
            "co2e_market": self.market,
            "co2e_marginal": self.marginal,
            "co2e_losses": self.losses,
            "co2e_upstream": self.upstream,
            "water": self.water,
            "co2e_embodied": self.embodied,
            "cost_electricity": self.electricity,
            "cost_rental": self.rental,
            "score": self.score,
        }
        return {
            "status": self.energy.status,
            "provenance": self.energy.provenance,
            **{name: amount.to_json() if amount else None for name, amount in parts.items()},
        }


def amount(energy: Estimate, factor: Factor, unit: str) -> Amount:
    """An energy times a factor for a kilowatt-hour.

    Args:
        energy: In J.
        factor: In ``unit/kWh``; a bare 1 gives the energy itself in kWh.
        unit: Of what comes out.

    Raises:
        BadFactor: The factor is in another unit.
        UnitMismatch: The energy is not in joules.
    """
    return _amount(_Energy(energy, _expanded(energy)), factor, unit)


class _Energy(NamedTuple):
    """An energy and its ± U in J, which a report keeps without the budget behind it."""

    figure: Estimate
    expanded_j: float | None


def _expanded(energy: Estimate) -> float | None:
    return energy.U if energy.components and energy.value is not None else None


def _amount(of: _Energy, factor: Factor, unit: str) -> Amount:
    energy = of.figure
    factor.in_unit("1" if unit == "kWh" else f"{unit}/kWh")
    if energy.unit != "J":
        raise UnitMismatch(f"{energy.unit} is not a unit of energy", "Give it in joules")
    kwh = None if energy.value is None else energy.value / J_PER_KWH
    return Amount(
        value=None if kwh is None else kwh * factor.value,
        unit=unit,
        guaranteed=(_times(energy.low, factor.value), _times(energy.high, factor.value)),
        choice=None if kwh is None else (kwh * factor.low, kwh * factor.high),
        is_choice_known=factor.low < factor.high,
        U=None if of.expanded_j is None else _times(of.expanded_j, factor.value),
    )


def constant(factor: Factor, times: float, unit: str) -> Amount:
    """A factor times an exact number: nothing of it was measured."""
    value = factor.value * times
    return Amount(
        value=value,
        unit=unit,
        guaranteed=(value, value),
        choice=(factor.low * times, factor.high * times),
        is_choice_known=factor.low < factor.high,
        U=0.0,
    )


def footprint(energy: Estimate, terms: Terms, hours: float, rental: Amount | None = None) -> Footprint:
    """The footprint of an energy.

    Args:
        energy: Of the computers, in J, without any facility.
        terms: The factors.
        hours: How long the hardware was held, for its embodied share.
        rental: What hiring it costs.

    Raises:
        BadFactor: A factor is in a unit that does not fit.
    """
    return _footprint(_Energy(energy, _expanded(energy)), _rates(terms), hours, rental)


def attached(summary: Plain, terms: Terms, along: Sequence[Factor] = ()) -> Plain:
    """A trace's summary with the footprint of each window, and with the terms beneath.

    Args:
        summary: Of :func:`microjoule.joules.summary.summary`.
        terms: The factors.
        along: The intensity of each window where it changes with time; empty: the terms' own.
    """
    windows = []
    rates = _rates(terms)
    for number, each in enumerate(summary["windows"]):
        of = _rates(replace(terms, intensity=along[number])) if along else rates
        found = _footprint(_energy(each["total"]), of, hours_of(each), None).to_json()
        own = {"intensity": described(along[number])} if along else {}
        windows.append({**each, "footprint": {**found, **own}})
    found = {**summary, "windows": windows, "footprint": terms.to_json()}
    whole = summary.get("whole")
    if whole and not along:
        of_whole = _footprint(_energy(whole["total"]), rates, hours_of(whole), None).to_json()
        found["whole"] = {**whole, "footprint": of_whole}
    return found


class _Rates(NamedTuple):
    """The factors of one joule, multiplied out once for many energies."""

    terms: Terms
    location: Factor
    market: Factor | None
    marginal: Factor | None
    losses: Factor | None
    upstream: Factor | None
    price: Factor | None
    currency: str


def _rates(terms: Terms) -> _Rates:
    def in_building(rate: Factor | None) -> Factor | None:
        return product(rate, terms.pue) if rate else None

    return _Rates(
        terms=terms,
        location=product(terms.intensity, terms.pue),
        market=in_building(terms.market),
        marginal=in_building(terms.marginal),
        losses=in_building(product(terms.intensity, terms.losses) if terms.losses else None),
        upstream=in_building(terms.upstream),
        price=in_building(terms.price),
        currency=terms.price.unit.partition("/")[0] if terms.price else "",
    )


def _footprint(energy: _Energy, rates: _Rates, hours: float, rental: Amount | None) -> Footprint:
    terms = rates.terms
    location = _amount(energy, rates.location, "g")
    embodied = constant(terms.embodied.in_unit("g/h"), hours, "g") if terms.embodied else None
    score = None
    if terms.units:
        score = _per(location + embodied if embodied else location, terms.units)
    return Footprint(
        energy=energy.figure,
        facility=_amount(energy, terms.pue, "kWh"),
        location=location,
        market=_amount(energy, rates.market, "g") if rates.market else None,
        marginal=_amount(energy, rates.marginal, "g") if rates.marginal else None,
        losses=_amount(energy, rates.losses, "g") if rates.losses else None,
        upstream=_amount(energy, rates.upstream, "g") if rates.upstream else None,
        water=_amount(energy, terms.water, "L") if terms.water else None,
        embodied=embodied,
        electricity=_amount(energy, rates.price, rates.currency) if rates.price else None,
        rental=rental,
        score=score,
    )


def hours_of(window: Plain) -> float:
    """The length of a window in hours."""
    return float(window["duration_s"] / S_PER_HOUR)


def _energy(total: Plain) -> _Energy:
    low, high = total["guaranteed_j"]
    figure = Estimate(
        value=total["energy_j"],
        low=0.0 if low is None else low,
        high=math.inf if high is None else high,
        status=worst(total["status"]),
        provenance=max("measured", total["provenance"], key=PROVENANCES.index),
    )
    return _Energy(figure, None if figure.value is None else total.get("U_j"))


def _per(of: Amount, units: Factor) -> Amount:
    """An amount of one functional unit of so many."""
    count = units.value
    return Amount(
        value=None if of.value is None else of.value / count,
        unit=f"{of.unit}/{units.unit}",
        guaranteed=(of.guaranteed[0] / count, of.guaranteed[1] / count),
        choice=None if of.choice is None else (of.choice[0] / count, of.choice[1] / count),
        is_choice_known=of.is_choice_known,
        U=None if of.U is None else of.U / count,
    )


def _correlation(one: float, other: float, both: float) -> float:
    """How far two U are of one cause, from that of the sum; 1 where either is nothing."""
    return (both**2 - one**2 - other**2) / (2 * one * other) if one and other else 1.0


def _correlated(one: Amount, other: Amount, correlation: float) -> Amount:
    """The sum of two amounts, each with the U of its energy times a factor; the energies' U correlate so."""
    # Of a run that is not counted, nothing is uncertain.
    u, v = (0.0 if each.U is None and each.guaranteed == (0.0, 0.0) else each.U for each in (one, other))
    if u is None or v is None:
        return one + other
    squared = u**2 + v**2 + 2 * correlation * u * v
    return replace(one + other, U=math.sqrt(max(squared, 0.0)))


def _plus(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return one[0] + other[0], one[1] + other[1]


def _times(energy_j: float, figure: float) -> float:
    return energy_j / J_PER_KWH * figure if figure else 0.0


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
