"""Intensity from a generation mix: Σ generation × fuel factor over Σ generation.

Publishers of mixes give each fuel in its own rhythm, 15, 30 or 60 minutes. The mix is taken on the
finest common cut. Where a fuel that the answer knows says nothing, the mix is not known: a gap, and no
zero, because a grid without its coal is clean on paper only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

from ...errors import UnknownFuel, nearest
from ..factor import Factor
from ..intensity_series import G_PER_KWH, IntensityStep


class Generation(NamedTuple):
    """What one fuel generated in ``[t0_ns, t1_ns)``, as mean power in any one unit."""

    fuel: str
    t0_ns: int
    t1_ns: int
    power: float


def intervals(generation: Iterable[Generation], fuels: Mapping[str, Factor]) -> list[IntensityStep]:
    """The intensity of a mix.

    Args:
        generation: By fuel; a figure below zero, a plant's own use, counts as none.
        fuels: g/kWh by fuel.

    Raises:
        UnknownFuel: A fuel that generates has no factor.
        BadFactor: A factor is in another unit.
    """
    rows = list(dict.fromkeys(generation))
    factors = {fuel: _factor(fuel, fuels) for fuel in {row.fuel for row in rows if row.power > 0}}
    seen = {row.fuel for row in rows}
    cuts = sorted({t_ns for row in rows for t_ns in (row.t0_ns, row.t1_ns)})
    rows.sort(key=lambda row: row.t0_ns)
    found, active, coming = [], list[Generation](), iter([*rows, None])
    row = next(coming)
    for t0_ns, t1_ns in pairwise(cuts):
        while row is not None and row.t0_ns <= t0_ns:
            active.append(row)
            row = next(coming)
        active = [each for each in active if each.t1_ns > t0_ns]
        powers = [(each.fuel, max(each.power, 0.0)) for each in active]
        total = sum(power for _, power in powers)
        if {fuel for fuel, _ in powers} != seen or not total:
            continue
        emitted = sum(power * factors[fuel].value for fuel, power in powers if power)
        found.append(IntensityStep(t0_ns, t1_ns, emitted / total))
    return found


def _factor(fuel: str, fuels: Mapping[str, Factor]) -> Factor:
    if fuel not in fuels:
        raise UnknownFuel(
            f"The mix has {fuel}, for which no factor was given", f"Give its g/kWh. {nearest(fuel, fuels)}"
        )
    return fuels[fuel].in_unit(G_PER_KWH)
