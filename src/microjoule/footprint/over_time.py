"""The intensity of a window along a series: the mean of the grid over the joules, not over the clock.

It is a factor like any other, so that whatever multiplies an energy by a factor needs no second way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..joules.profiling.listed_windows import listed_windows
from ..units import J_PER_KWH, seconds, three_digits
from .factor import Factor
from .intensity_series import F64, I64, IntensitySeries, integrate, on_clock

if TYPE_CHECKING:
    from ..joules.energy_trace import Trace
    from ..joules.power import Power

_REALTIME = "@clock/realtime"


def along(
    trace: Trace, series: IntensitySeries, static: Factor, windows_max: int | None = None
) -> list[Factor]:
    """The intensity of each window that a summary lists, or of all of it where it has none, in its order.

    Args:
        trace: With readings of the real-time clock.
        series: The intensity over time.
        static: For whatever the series does not cover, in g/kWh.
        windows_max: How many windows a summary of the trace lists; None: all.

    Raises:
        BadSeries: The trace has no reading of the real-time clock.
        TraceError: The trace has no window and no time in which it was read.
        BadFactor: The static factor is in another unit.
    """
    pairs = trace.clock_pairs[_REALTIME]
    found = []
    for window in listed_windows(trace, windows_max)[0] or [trace.span]:
        bins = [trace.power(part, window) for part in trace.energy(window).total.channels]
        shares = [(on_clock(each.edges_ns, *pairs), _weights(each.energy_j)) for each in bins]
        found.append(_with_note(_factor(shares, series, static), _unknown(bins)))
    return found


def _weights(energy_j: F64) -> F64:
    """What a bin counts in the mean: its joules, and nothing where they are not known."""
    return np.maximum(np.nan_to_num(energy_j, nan=0.0), 0.0)


def _unknown(bins: Sequence[Power]) -> str:
    """What the mean leaves out: the time of which some channel does not tell the power."""
    unknown_ns = [int(np.diff(each.edges_ns)[np.isnan(each.energy_j)].sum()) for each in bins]
    longest = seconds(max(unknown_ns, default=0))
    return f"the power of {three_digits(longest)} s is not known and weighs nothing" if longest else ""


def _with_note(of: Factor, note: str) -> Factor:
    notes = "; ".join(each for each in (of.origin.note, note) if each)
    return replace(of, origin=replace(of.origin, note=notes)) if note else of


def _factor(shares: Sequence[tuple[I64, F64]], series: IntensitySeries, static: Factor) -> Factor:
    parts = [integrate(edges, energy, series, static) for edges, energy in shares]
    kwh = sum(float(energy.sum()) for _, energy in shares) / J_PER_KWH
    if not kwh:
        return replace(
            static, origin=replace(static.origin, note="the window holds no energy to lay along it")
        )
    covered = sum(
        (part.covered_share or 0.0) * float(energy.sum())
        for part, (_, energy) in zip(parts, shares, strict=True)
    )
    notes = " ".join(dict.fromkeys(part.note for part in parts if part.note))
    if not covered:
        return replace(static, origin=replace(static.origin, note=notes))
    low, value, high = (
        sum(figures) / kwh
        for figures in (
            [part.co2e_g_low for part in parts],
            [part.co2e_g for part in parts],
            [part.co2e_g_high for part in parts],
        )
    )
    return Factor(
        name=f"{series.name}, along the window",
        value=value,
        low=min(low, value),
        high=max(high, value),
        unit=static.unit,
        boundary=series.boundary,
        origin=replace(series.origin, note=notes),
    )
