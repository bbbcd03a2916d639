"""Grid intensity that changes while the program runs, and the grams of a run along it.

Decision: a series is a set of intervals that do not overlap, and nothing is known between them. Where
the run leaves the intervals it is charged with the static factor, and the result says for how much of
the energy and for how long: a gap is never a zero and never a guess between its neighbours. What was
given up: interpolation, which would read as knowledge.

An energy bin that a border cuts is shared in proportion to time: power is taken as constant inside it.
Times are nanoseconds of the real-time clock since 1970 in UTC, so that summer time has no meaning here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import BadSeries
from ..joules import clocks
from ..late import shown
from ..units import J_PER_KWH, NS_PER_S, seconds
from ..value_class import dataclass
from .factor import Boundary, Factor, Origin

G_PER_KWH = "g/kWh"

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class IntensityStep(NamedTuple):
    """The half-open ``[t0_ns, t1_ns)`` of the real-time clock with one intensity.

    ``is_estimated``: the publisher itself calls the figure estimated or forecast.
    """

    t0_ns: int
    t1_ns: int
    g_per_kwh: float
    is_estimated: bool = False

    @property
    def begins(self) -> str:
        """When, as ISO 8601 in UTC."""
        return _iso(self.t0_ns)


class IntensitySeries:
    """The intensity of a grid over time.

    Args:
        name: Of what it is the intensity, for a person: ``grid of GB``.
        intervals: In any order; one that is there twice counts once.
        boundary: What the figures count.
        origin: Who published them.
        retrieved_at: When they were fetched, ISO 8601; empty where unknown.

    Raises:
        BadSeries: An interval is empty or ends before it begins, a figure is negative or not finite,
            or two intervals overlap.
    """

    def __init__(
        self,
        name: str,
        intervals: Iterable[IntensityStep],
        boundary: Boundary,
        origin: Origin,
        retrieved_at: str = "",
    ) -> None:
        self.name = name
        self.boundary = boundary
        self.origin = origin
        self.retrieved_at = retrieved_at
        self.intervals = tuple(sorted(set(intervals)))
        for interval in self.intervals:
            _check(name, interval)
        for before, after in zip(self.intervals, self.intervals[1:], strict=False):
            if after.t0_ns < before.t1_ns:
                raise BadSeries(
                    f"The series {name!r} has two figures for {_iso(after.t0_ns)}: "
                    f"{before.g_per_kwh:g} and {after.g_per_kwh:g} g/kWh",
                    "Keep one of two intervals that overlap",
                )
        self.t0_ns: I64 = np.array([i.t0_ns for i in self.intervals], np.int64)
        self.t1_ns: I64 = np.array([i.t1_ns for i in self.intervals], np.int64)
        self.g_per_kwh: F64 = np.array([i.g_per_kwh for i in self.intervals], np.float64)
        self.is_estimated: npt.NDArray[np.bool_] = np.array(
            [i.is_estimated for i in self.intervals], np.bool_
        )

    _repr_html_ = shown("intensities")

    def __len__(self) -> int:
        return len(self.intervals)

    def __repr__(self) -> str:
        if not self.intervals:
            return f"IntensitySeries({self.name!r}, empty)"
        span = f"{_iso(self.intervals[0].t0_ns)} … {_iso(self.intervals[-1].t1_ns)}"
        return f"IntensitySeries({self.name!r}, {len(self)} intervals, {span})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrated:
    """The grams of a run along a series.

    Attributes:
        co2e_g: Σ Eᵢ·I(tᵢ), with the static factor in the gaps.
        co2e_g_low: The same with the static factor's least; the series has no range of its own.
        co2e_g_high: And with its most.
        mean_g_per_kwh: ``co2e_g`` over the energy; None where no energy was used.
        covered_share: Of the energy, what the series covers; None where no energy was used.
        estimated_share: Of the energy, what its publisher calls estimated; None likewise.
        gap_s: Seconds of the run that the series does not cover.
        note: A sentence on the gaps and estimates; empty where there are none.
    """

    co2e_g: float
    co2e_g_low: float
    co2e_g_high: float
    mean_g_per_kwh: float | None
    covered_share: float | None
    estimated_share: float | None
    gap_s: float
    note: str


def integrate(
    edges_realtime_ns: npt.ArrayLike, energy_j: npt.ArrayLike, series: IntensitySeries, static: Factor
) -> Integrated:
    """The CO2e of energy bins along a series: Σ Eᵢ·I(tᵢ).

    Args:
        edges_realtime_ns: int64[n + 1], ascending, real-time clock; see ``on_clock``.
        energy_j: float64[n], the energy of each bin.
        series: The intensity over time.
        static: The factor for whatever the series does not cover, in g/kWh.

    Raises:
        BadSeries: The edges do not ascend, or the energies are not one a bin, finite and not negative.
        BadFactor: The static factor is in another unit.
    """
    static.in_unit(G_PER_KWH)
    edges, energy = _bins(edges_realtime_ns, energy_j)
    if not len(energy):
        return _result(np.zeros(0), np.zeros(0, np.int64), series, static)
    borders = np.concatenate((series.t0_ns, series.t1_ns))
    inside = borders[(borders > edges[0]) & (borders < edges[-1])]
    cuts = np.unique(np.concatenate((edges, inside)))
    starts, lengths = cuts[:-1], np.diff(cuts)
    of_bin = np.searchsorted(edges, starts, "right") - 1
    pieces: F64 = energy[of_bin] * (lengths / np.diff(edges)[of_bin])
    at = np.searchsorted(series.t0_ns, starts, "right") - 1
    if len(series):
        at = np.where((at >= 0) & (starts < series.t1_ns[at]), at, -1)
    return _result(pieces, lengths, series, static, at)


def on_clock(edges_ns: npt.ArrayLike, t_ns: npt.ArrayLike, clock_ns: npt.ArrayLike) -> I64:
    """Times of one clock on another one, between pairs of both read together.

    Args:
        edges_ns: int64[n], on the first clock.
        t_ns: int64[m], the pairs on the first clock, ascending.
        clock_ns: int64[m], the same instants on the other clock.

    Returns:
        int64[n]; the offset is interpolated between pairs and kept constant outside them.

    Raises:
        BadSeries: There is no pair.
    """
    if not len(np.asarray(t_ns)):
        raise BadSeries(
            "The trace has no readings of the real-time clock, so it cannot be aligned with a series",
            "Record it again; `uj run` and `uj record` read the clock once a second",
        )
    return clocks.on_clock(edges_ns, t_ns, clock_ns)


def _bins(edges_realtime_ns: npt.ArrayLike, energy_j: npt.ArrayLike) -> tuple[I64, F64]:
    edges, energy = np.asarray(edges_realtime_ns, np.int64), np.asarray(energy_j, np.float64)
    if len(energy) != max(len(edges) - 1, 0):
        raise BadSeries(
            f"{len(energy)} energies do not fit {len(edges)} edges", "Give one edge more than energies"
        )
    if (np.diff(edges) <= 0).any():
        raise BadSeries("The edges of the energy bins do not ascend", "Sort them, and drop empty bins")
    if not np.isfinite(energy).all() or (energy < 0).any():
        raise BadSeries("An energy is negative or not a finite number", "Leave out what was not measured")
    return edges, energy


def _result(
    pieces: F64, lengths: I64, series: IntensitySeries, static: Factor, at: npt.NDArray[np.intp] | None = None
) -> Integrated:
    at = np.full(len(pieces), -1, np.intp) if at is None else at
    covered = at >= 0
    known = np.where(covered, series.g_per_kwh[at], 0.0) if len(series) else np.zeros(len(pieces))
    in_series_g = math.fsum(pieces * known) / J_PER_KWH
    outside_kwh = math.fsum(pieces[~covered]) / J_PER_KWH
    total_j = math.fsum(pieces)
    kwh = total_j / J_PER_KWH
    estimated = covered & (series.is_estimated[at] if len(series) else False)
    gap_ns = int(lengths[~covered].sum())
    shares = (
        (math.fsum(pieces[covered]) / total_j, math.fsum(pieces[estimated]) / total_j)
        if total_j
        else (None, None)
    )
    co2e_g = in_series_g + outside_kwh * static.value
    return Integrated(
        co2e_g=co2e_g,
        co2e_g_low=in_series_g + outside_kwh * static.low,
        co2e_g_high=in_series_g + outside_kwh * static.high,
        mean_g_per_kwh=co2e_g / kwh if kwh else None,
        covered_share=shares[0],
        estimated_share=shares[1],
        gap_s=seconds(gap_ns),
        note=_note(shares, gap_ns, series, static),
    )


def _note(
    shares: tuple[float | None, float | None], gap_ns: int, series: IntensitySeries, static: Factor
) -> str:
    notes = []
    if gap_ns:
        told = "" if shares[0] is None else f" ({100 * (1 - shares[0]):.3g} % of the energy)"
        notes.append(
            f"{series.name} says nothing for {gap_ns / NS_PER_S:.6g} s{told}: there {static.name} was taken, "
            f"{static.value:g} g/kWh."
        )
    if shares[1]:
        notes.append(
            f"{100 * shares[1]:.3g} % of the energy met a figure that its publisher calls estimated."
        )
    return " ".join(notes)


def _check(name: str, interval: IntensityStep) -> None:
    if interval.t1_ns <= interval.t0_ns:
        raise BadSeries(
            f"An interval of the series {name!r} begins at {_iso(interval.t0_ns)} and ends at "
            f"{_iso(interval.t1_ns)}",
            "Give its end after its beginning",
        )
    if not math.isfinite(interval.g_per_kwh) or interval.g_per_kwh < 0:
        raise BadSeries(
            f"The series {name!r} says {interval.g_per_kwh:g} g/kWh at {_iso(interval.t0_ns)}",
            "Leave out what is not known; a gap is answered with the static factor",
        )


def _iso(t_ns: int) -> str:
    try:
        return datetime.fromtimestamp(t_ns // NS_PER_S, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return f"{t_ns} ns"
