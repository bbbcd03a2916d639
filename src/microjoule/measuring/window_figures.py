"""A measurement from the energies of its windows: what one call used, and how far that may be off. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from ..joules.estimates.estimate import Estimate
from ..joules.estimates.uncertainty import SENSOR
from .baseline import mean_power, seconds_exactly
from .measurement import Measurement, achieved
from .repeats import averaged, line, outliers, stratified
from .scatter import Scatter, scatter
from .window_plan import Ask, Plan


def figures(
    name: str,
    ask: Ask,
    planned: Plan,
    channels: tuple[str, ...],
    energies: Sequence[Estimate],
    durations_s: Sequence[float],
    idle_power: Estimate | None,
) -> Measurement:
    """A measurement from the energies of its windows. Pure.

    Args:
        name: What was measured.
        ask: What was wanted.
        planned: What was run.
        channels: What the energies add up.
        energies: One a window.
        durations_s: How long each took.
        idle_power: Of the idle machine; None: it was not seen.
    """
    times = [seconds_exactly(t) for t in durations_s]
    is_known = idle_power is not None and idle_power.value is not None
    actives = (
        [e - idle_power * t for e, t in zip(energies, times, strict=True)] if is_known and idle_power else []
    )
    values = [e.value / n for e, n in zip(energies, planned.counts, strict=True) if e.value is not None]
    energy = _per_call(planned, energies)
    powers = [e / t for e, t in zip(energies, times, strict=True)]
    power = (
        stratified(powers, planned.offsets_s) if planned.is_stratified else mean_power(energies, durations_s)
    )
    typical_s = statistics.median(t / n for t, n in zip(durations_s, planned.counts, strict=True))
    return Measurement(
        name=name,
        energy=energy,
        active=_per_call(planned, actives) if actives else None,
        time=_per_call(planned, times),
        power=power,
        typical=power * seconds_exactly(typical_s),
        idle=idle_power,
        plan=planned,
        rel=ask.rel,
        channels=channels,
        outliers=outliers(values),
        scatter=_scatter(planned, values),
        overhead_j=line(planned.counts, energies).intercept if planned.mode == "slope" else None,
        notes=_notes(energy, ask),
    )


def _per_call(planned: Plan, figures: Sequence[Estimate]) -> Estimate:
    """From a figure a window to one a call."""
    if planned.mode == "slope":
        return line(planned.counts, figures).slope
    calls = [one / n for one, n in zip(figures, planned.counts, strict=True)]
    return stratified(calls, planned.offsets_s) if planned.is_stratified else averaged(calls)


def _scatter(planned: Plan, values: Sequence[float]) -> Scatter | None:
    """How the figures lie; those of strata were not drawn independently, so that no resample is like them."""
    found = None if planned.mode == "slope" else scatter(values)
    return found._replace(interval=None) if found and planned.is_stratified else found


def _notes(energy: Estimate, ask: Ask) -> tuple[str, ...]:
    if energy.value is None:
        return (f"no figure: the readings are {energy.status}",)
    if achieved(energy) > ask.rel:
        is_apart = any(component.name in SENSOR for component in energy.components)
        without = " without the sensor's own error" if is_apart else ""
        return (f"achieved ± {_percent(achieved(energy))}{without}, not the ± {100 * ask.rel:g} % asked for",)
    return ()


def _percent(share: float) -> str:
    """``1.6 %``, ``110 %``: two digits and no power of ten."""
    return f"{float(f'{100 * share:.2g}'):g} %"


def sum_of(estimates: Sequence[Estimate]) -> Estimate:
    """The sum of energies of channels that do not overlap."""
    whole, *rest = estimates
    for one in rest:
        whole = whole + one
    return whole
