"""The power of a machine that does nothing else, and how it moves while something is measured. Pure.

Idle before and after, a straight line between them (docs/methods.md). All windows from which one
baseline is subtracted share it: its uncertainty carries one group and does not average away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from ..joules.estimates.estimate import Estimate
from ..joules.estimates.uncertainty import RECTANGULAR, ROOT_3, SENSOR, Component, combined, gathered
from .repeats import averaged, mean, quotient


def seconds_exactly(duration_s: float, components: tuple[Component, ...] = ()) -> Estimate:
    """A duration as an estimate."""
    return Estimate(value=duration_s, low=duration_s, high=duration_s, unit="s", components=components)


def power(energies: Sequence[Estimate], durations_s: Sequence[float]) -> Estimate:
    """The mean power of windows in which nothing changed, in watts, with its scatter."""
    return averaged([energy / seconds_exactly(t) for energy, t in zip(energies, durations_s, strict=True)])


def mean_power(energies: Sequence[Estimate], durations_s: Sequence[float]) -> Estimate:
    """All energy over all time, in watts; its scatter is that of energy beyond what time explains."""
    whole, whole_s = mean(energies), math.fsum(durations_s) / len(durations_s)
    if whole.value is None:
        return whole / seconds_exactly(whole_s)
    values = np.array([one.value for one in energies], np.float64)
    return quotient(whole, seconds_exactly(whole_s), values, np.asarray(durations_s, np.float64))


def between(before: Estimate, after: Estimate, share: float, group: str) -> Estimate:
    """The baseline some way from one power to another, in watts.

    Its components become one, ``baseline``, of that group; the sensor's stay apart, because they move
    with the sensor's other figures. That the way was no straight line costs a quarter of the
    difference either way.

    Args:
        before: Power before.
        after: Power after.
        share: How far from one to the other, 0 to 1.
        group: Of all that this baseline is subtracted from.
    """
    whole = before * Fraction(1 - share) + after * Fraction(share)
    if whole.value is None or before.value is None or after.value is None:
        return whole
    kept = tuple(c for c in whole.components if c.name in SENSOR)
    found = combined(gathered(c for c in whole.components if c.name not in SENSOR))
    drift = Component("drift", abs(after.value - before.value) / 4 / ROOT_3, form=RECTANGULAR)
    joint = combined([Component("baseline", found.u, "A", dof=found.dof), drift])
    return replace(
        whole,
        components=(*kept, Component("baseline", joint.u, "A", dof=joint.dof, group=f"baseline:{group}")),
    )
