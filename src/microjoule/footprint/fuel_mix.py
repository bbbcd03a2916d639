"""A mix of fuels as one intensity, as the second table of Strubell et al. gives them."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import BadFactor
from . import data_tables
from .conversion import INTENSITY
from .factor import Boundary, Factor, Origin

LIFECYCLE = "lifecycle"
_ALL = 100.0


def fuel(name: str, scope: str = LIFECYCLE) -> Factor:
    """The intensity of one fuel.

    Args:
        name: ``coal``, ``gas``, ``nuclear``, ``renewables``, …
        scope: ``lifecycle`` or ``direct``.

    Raises:
        BadFactor: The table does not have it.
    """
    for row in data_tables.rows("fuels"):
        if row["fuel"] == name and row["scope"] == scope:
            return data_tables.factor(row, name)
    known = ", ".join(sorted({row["fuel"] for row in data_tables.rows("fuels") if row["scope"] == scope}))
    raise BadFactor(f"No {scope} factor is known for the fuel {name!r}", f"The fuels are: {known}")


def mix(name: str, shares: Mapping[str, float], scope: str = LIFECYCLE) -> Factor:
    """The intensity of a mix.

    What the shares leave out is taken to be as the rest on average, and in the range as the best and
    as the worst fuel of the mix.

    Args:
        name: What it is the mix of.
        shares: Per cent by fuel.
        scope: ``lifecycle`` or ``direct``.

    Raises:
        BadFactor: A fuel is unknown, a share is negative, or they make more than 100 %, or nothing.
    """
    told = sum(shares.values())
    if not all(share >= 0 for share in shares.values()) or not 0 < told <= _ALL + 0.5:
        raise BadFactor(
            f"The shares of the mix {name!r} add up to {told:g} %",
            "Give shares of at least 0 % that add up to at most 100 %",
        )
    fuels = {each: fuel(each, scope) for each in shares}
    rest = max(_ALL - told, 0.0)

    def weighted(figures: Mapping[str, float], left: float) -> float:
        known = sum(share * figures[each] for each, share in shares.items())
        return (known + rest * left) / (told + rest)

    values = {each: of.value for each, of in fuels.items()}
    lows = {each: of.low for each, of in fuels.items()}
    highs = {each: of.high for each, of in fuels.items()}
    value = sum(share * values[each] for each, share in shares.items()) / told
    sources = "; ".join(dict.fromkeys(of.origin.source for of in fuels.values()))
    return Factor(
        name=f"mix of {name}",
        value=value,
        low=weighted(lows, min(lows.values())),
        high=weighted(highs, max(highs.values())),
        unit=INTENSITY,
        boundary=Boundary(signal="average", scope=scope, basis="generation"),
        origin=Origin(
            source=sources,
            year=max((of.origin.year or 0 for of in fuels.values()), default=0) or None,
            licence="; ".join(dict.fromkeys(of.origin.licence for of in fuels.values())),
            note=f"{rest:g} % of the mix is not named" if rest else "",
        ),
    )


def published_mixes() -> dict[str, tuple[str, dict[str, float]]]:
    """The mixes of the table: their name and their shares in per cent, by code."""
    found: dict[str, tuple[str, dict[str, float]]] = {}
    for row in data_tables.rows("mixes"):
        found.setdefault(row["mix"], (row["name"], {}))[1][row["fuel"]] = float(row["value"])
    return found
