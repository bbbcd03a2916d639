"""``uj equivalents``: an amount as car-kilometres, flights, phone charges and days of a brain."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from . import options, quantities

if TYPE_CHECKING:
    from ..footprint.equivalents import Bounded


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "equivalents", help="express CO2e or energy as car-kilometres, flights, phone charges, …"
    )
    parser.add_argument(
        "amount", metavar="AMOUNT", help="CO2e such as '284 t', energy such as '3 kWh', or a trace"
    )
    parser.add_argument("--against", metavar="AMOUNT", help="compare with another amount, by the same factor")
    parser.add_argument(
        "--key", metavar="NAME", help="use this equivalent only [all; with --against: car-km]"
    )
    parser.add_argument(
        "--zone",
        action=options.NotBlank,
        default="",
        metavar="CODE",
        help="show an energy as CO2e of that place too",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints them."""
    from ..errors import BadAmount
    from ..footprint import equivalents
    from ..report.equivalent_lines import render, render_comparison

    kind, amount = _amount(arguments.amount)
    if arguments.against is not None:
        other_kind, other = _amount(arguments.against)
        if kind != other_kind:
            raise BadAmount(
                "Grams and joules cannot be compared", "Give two amounts of CO2e, or two of energy"
            )
        key = arguments.key or {"co2e_g": "car-km", "energy_j": "brain-day"}[kind]
        print(render_comparison(equivalents.compare(amount, other, equivalents.of_kind(key, kind))), end="")
    elif arguments.key:
        amount, kind = _of_key(amount, kind, arguments)
        key = equivalents.of_kind(arguments.key, kind)
        print(render([equivalents.equivalent(key, amount.value)]), end="")
    else:
        print(render(equivalents.equivalents(**{kind: amount.value})), end="")
        if arguments.zone and kind == "energy_j":
            grams, words = _co2e(amount, arguments.zone)
            print(words)
            print(render(equivalents.equivalents(co2e_g=grams.value)), end="")
    return 0


def _of_key(amount: Bounded, kind: str, arguments: argparse.Namespace) -> tuple[Bounded, str]:
    """The amount as the key counts it: an energy becomes CO2e where a zone is given."""
    from ..footprint import equivalents

    if kind == "energy_j" and arguments.zone and equivalents.counts_co2e(arguments.key):
        return _co2e(amount, arguments.zone)[0], "co2e_g"
    return amount, kind


def _co2e(energy: Bounded, code: str) -> tuple[Bounded, str]:
    """An energy as grams by the grid of a place, and what was done in words."""
    from ..footprint.equivalents import Bounded
    from ..footprint.intensity import zone
    from ..report.amounts import amount
    from ..units import J_PER_KWH

    grid = zone(code).intensity
    grams = Bounded(energy.value / J_PER_KWH * grid.value)
    said = amount({"value": grams.value, "unit": "g"})
    return grams, f"as CO2e: {said} at {grid.value:.4g} {grid.unit}, {grid.name}"


def _amount(text: str) -> tuple[str, Bounded]:
    mass = quantities.mass(text)
    if mass is not None:
        return "co2e_g", mass
    return "energy_j", quantities.energy(text, "CO2e nor an energy nor a trace", "284 t or 3 kWh")
