"""A RAPL counter of exactly known energy, read as recorders read: the oracle of ``coverage.py``. Pure numpy.

Power is piecewise constant or a sine, so that its integral is exact. The counter is updated on a timer that
jitters and misses, trails the energy by a lag, and is cut off to whole counts; reads come late, take time,
and stop in gaps. Nothing of the code under test makes a reading or the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from microjoule.channel import Access, Channel, Place, Scale, Timing, Trust
from microjoule.joules.counters.lag import Marks
from microjoule.trace.series import I64, Series

F64 = npt.NDArray[np.float64]
MS = 1_000_000
T0_NS = 5_000_000_000_000
DECLARED = Timing(update_ns=MS, update_max_ns=10 * MS, lag_ns=MS)  # what the tables say of RAPL
LENGTHS = 0.1  # by which windows differ: of one length, all may err alike where readings march with updates
NO_LAG = Timing(update_ns=MS, update_max_ns=10 * MS, lag_ns=0)


class Wave(NamedTuple):
    """A load: ``energy(t_s)`` in joules, exact, and when its power steps."""

    energy: Callable[[F64], F64]
    steps_s: F64


Load = Callable[[np.random.Generator, float], Wave]
_NO_STEPS = np.empty(0)


def steady(power_w: float) -> Load:
    return lambda _rng, _span: Wave(lambda t: power_w * t, _NO_STEPS)


def about(power_w: float) -> Load:
    """Another steady power in each recording, within a tenth: quanta of one power come in one pattern."""

    def load(rng: np.random.Generator, _span: float) -> Wave:
        drawn_w = power_w * rng.uniform(0.95, 1.05)
        return Wave(lambda t: drawn_w * t, _NO_STEPS)

    return load


def sine(mean_w: float, amplitude_w: float, hz: float) -> Load:
    def load(rng: np.random.Generator, _span: float) -> Wave:
        phase, w = rng.uniform(0, 2 * np.pi), 2 * np.pi * hz
        return Wave(lambda t: mean_w * t - amplitude_w * np.cos(w * t + phase) / w, _NO_STEPS)

    return load


def square(low_w: float, high_w: float, hz: float) -> Load:
    """Half periods that wander by 20 %, so that they march in step with nothing."""

    def load(rng: np.random.Generator, span_s: float) -> Wave:
        n = int(span_s * hz * 2.6) + 8
        lengths = 0.5 / hz * (1 + 0.2 * rng.uniform(-1, 1, n))
        at = np.concatenate(([0.0], np.cumsum(lengths))) - rng.random() / hz
        return _pieces(at, np.where(np.arange(n + 1) % 2 == 0, low_w, high_w))

    return load


def telegraph(low_w: float, high_w: float, mean_s: float) -> Load:
    """Any power between two, for times that are exponentially distributed."""

    def load(rng: np.random.Generator, span_s: float) -> Wave:
        n = int((span_s + 2) / mean_s * 1.5) + 60
        at = -1.0 + np.concatenate(([0.0], np.cumsum(rng.exponential(mean_s, n))))
        return _pieces(at, rng.uniform(low_w, high_w, n + 1))

    return load


def noisy(mean_w: float, sd_w: float, every_s: float) -> Load:
    def load(rng: np.random.Generator, span_s: float) -> Wave:
        at = np.arange(-1.0, span_s + 1, every_s)
        return _pieces(at, mean_w + rng.normal(0, sd_w, len(at)))

    return load


def _pieces(at_s: F64, power_w: F64) -> Wave:
    used = np.concatenate(([0.0], np.cumsum(np.diff(at_s) * power_w[:-1])))

    def energy(t: F64) -> F64:
        k = np.clip(np.searchsorted(at_s, t, "right") - 1, 0, len(at_s) - 1)
        found: F64 = used[k] + power_w[k] * (t - at_s[k])
        return found

    return Wave(energy, at_s)


class Recording(NamedTuple):
    """Readings, windows, and what each of them used."""

    series: Series
    t0_ns: I64
    t1_ns: I64
    truth_j: F64

    @property
    def marks(self) -> Marks:
        return Marks(np.sort(self.t0_ns), np.sort(self.t1_ns))


_STEADY = steady(37.0)


@dataclass(frozen=True)
class Sensor:
    """A counter, its load, its reader, and the windows that are asked for.

    Attributes:
        late_us: Mean lateness of a read: 2 where the kernel samples, 60 a thread on a desktop.
        gaps: How many a second, and how long each is at most, in seconds.
        window_s: How long windows are, within a tenth.
        at: Where windows begin: ``random``, at ``steps`` of the power, or in ``gaps``, or end there.
        n: Windows a recording.
        most: Of those at steps as many at most, the first ones; None: all.
        is_marked: Whether a program marked the windows, so that the trace learns the lag and their power.
    """

    load: Load = _STEADY
    rate_hz: float = 1000.0
    late_us: float = 60.0
    read_us: float = 3.0
    update_us: float = 976.5625
    jitter_us: float = 20.0
    missed: float = 0.0
    lag_us: float = 0.0
    unit: Fraction = Fraction(1, 1 << 14)
    gaps: tuple[float, float] | None = None
    declared: Timing = DECLARED
    window_s: float = 0.1
    at: str = "random"
    n: int = 50
    most: int | None = None
    is_marked: bool = False

    @property
    def channel(self) -> Channel:
        return Channel(
            id="package-0",
            place=Place(device="package", number=0),
            hw_type="cpu",
            source="script",
            lane="lane-0",
            scale=Scale(quantity="J", unit=self.unit, unit_source="register", modulus=1 << 32),
            timing=self.declared,
            trust=Trust(power_limit_w=200.0),
            access=Access(reader="script", path=""),
        )

    def recorded(self, seed: int) -> Recording:
        """One recording; all chance comes from the seed."""
        rng = np.random.default_rng([seed, 2026])
        span_s = max(0.6 + self.window_s * self.n * (1.1 if self.window_s > 0.02 else 2.5), 1.5)
        if self.at == "gaps" and self.gaps:
            span_s = max(span_s, 0.5 * self.n / self.gaps[0])
        wave = self.load(rng, span_s)
        t_ns, gaps = self._reads(rng, span_s)
        series = self._series(rng, wave, t_ns, span_s)
        t0, t1 = self._windows(rng, wave, gaps, span_s)
        truth = wave.energy(t1 / 1e9) - wave.energy(t0 / 1e9)
        return Recording(series, t0 + T0_NS, t1 + T0_NS, truth)

    def _reads(self, rng: np.random.Generator, span_s: float) -> tuple[I64, list[tuple[float, float]]]:
        period_ns = 1e9 / self.rate_hz
        ticks = np.arange(int(span_s * self.rate_hz)) * period_ns
        late = rng.gamma(1.5, self.late_us / 1.5, len(ticks)) * 1e3
        t = np.maximum.accumulate(ticks + rng.random() * period_ns + np.minimum(late, 5 * period_ns))
        t = t[np.concatenate(([True], np.diff(t) > 20e3))]
        gaps: list[tuple[float, float]] = []
        if self.gaps:
            often, length_s = self.gaps
            for begin in np.sort(rng.uniform(0.3, span_s - 0.3, max(int(often * span_s), 1))) * 1e9:
                end = begin + length_s * 1e9 * rng.uniform(0.5, 1.0)
                if not gaps or begin > gaps[-1][1] + 60e6:
                    t = t[(t <= begin) | (t >= end)]
                    gaps.append((begin, end))
        return t.astype(np.int64), gaps

    def _series(self, rng: np.random.Generator, wave: Wave, t_ns: I64, span_s: float) -> Series:
        apart_ns = self.update_us * 1e3
        # One at least before the first reading, which else would show what is yet to come.
        ticks = np.arange(-0.2e9 - 2 * apart_ns, span_s * 1e9 + 0.2e9, apart_ns) + rng.random() * apart_ns
        updates = np.sort(ticks + rng.normal(0, self.jitter_us * 1e3, len(ticks)))
        updates = updates[rng.random(len(updates)) >= self.missed]
        counts = np.floor(wave.energy((updates - self.lag_us * 1e3) / 1e9) / float(self.unit)) + (1 << 20)
        counts = np.maximum.accumulate(counts).astype(np.int64)
        at = t_ns + self.read_us * 1e3 * rng.random(len(t_ns))
        raw = counts[np.maximum(np.searchsorted(updates, at, "right") - 1, 0)] % (1 << 32)
        read_ns = np.full(len(t_ns), round(self.read_us * 1e3), np.uint32)
        return Series(t_ns + T0_NS, read_ns, raw.astype(np.uint64), np.zeros(len(t_ns), np.uint16))

    def _windows(
        self, rng: np.random.Generator, wave: Wave, gaps: list[tuple[float, float]], span_s: float
    ) -> tuple[I64, I64]:
        first, last = 0.15e9, (span_s - 0.15) * 1e9 - 2.5e3 * self.update_us
        window = self.window_s * 1e9
        longest = window * (1 + LENGTHS / 2)
        if self.at == "steps":
            steps = wave.steps_s * 1e9
            # From a rise to the fall after it.
            pairs = [(a, b) for a, b in zip(steps[1::2], steps[2::2], strict=False) if first < a and b < last]
            pairs = pairs[: self.most]
            t0, t1 = (np.array(each) for each in zip(*pairs, strict=True))
        elif self.at == "gaps":
            inside = [(a, b) for a, b in gaps if a > first + longest and b < last - longest]
            begins = np.array([rng.uniform(a, b) for a, b in inside])
            lengths = window * (1 + LENGTHS * rng.uniform(-0.5, 0.5, len(begins)))
            t0 = np.where(rng.random(len(begins)) < 0.5, begins, begins - lengths)
            t1 = t0 + lengths
        else:
            lengths = window * (1 + LENGTHS * rng.uniform(-0.5, 0.5, self.n))
            t0 = rng.uniform(first, last - lengths)
            t1 = t0 + lengths
        return t0.astype(np.int64), t1.astype(np.int64)
