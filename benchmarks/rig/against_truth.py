"""What recordings made in the guest say, against the exact waveform: pulses, and when updates came. Pure."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from microjoule.joules.counters.counter import Counter
from microjoule.joules.energy_trace import Trace
from microjoule.joules.estimates.estimate import Estimate
from microjoule.measuring.baseline import power
from microjoule.measuring.repeats import averaged
from microjoule.measuring.waits import energies as less_waits

CHANNEL = "package-0"
HZ, LONG_PHASE_S = 7.3, 0.0684931506849315  # pulses.conf
PULSES_S = {"1 ms": (0.001, 0.0), "10 ms": (0.01, LONG_PHASE_S)}  # length, the phase of its square
GROUP = 20  # pulses to a mean
KNOWN_NS = 50_000
OF_SENSOR = ("gain", "code", "offset")
NS_PER_S = 1_000_000_000


class Domain(Protocol):
    """One counter of the waveform, as the machine's own module gives it."""

    def energy(self, t: float) -> float: ...
    def last_update(self, t: float) -> float: ...


@dataclass(frozen=True)
class Clock:
    """CLOCK_MONOTONIC nanoseconds and the waveform's own, by a line through two pairs."""

    pairs: Sequence[Sequence[float]]

    @property
    def rate(self) -> float:
        (_, x0, y0), (_, x1, y1) = self.pairs[0], self.pairs[-1]
        return (y1 - y0) / (x1 - x0)

    def waveform_s(self, mono_ns: float) -> float:
        _, x0, y0 = self.pairs[0]
        return (y0 + self.rate * (mono_ns - x0)) / NS_PER_S

    def mono_ns(self, t_s: float) -> int:
        _, x0, y0 = self.pairs[0]
        return round(x0 + (t_s * NS_PER_S - y0) / self.rate)

    @property
    def known_to_ns(self) -> float:
        return max(pair[0] for pair in self.pairs) / 2


@dataclass(frozen=True)
class Errors:
    """Errors of figures against the truth, and what the figures said of themselves, in joules."""

    truth_j: float
    errors_j: np.ndarray
    half_j: np.ndarray  # U, the sensor's gain apart
    in_bounds: np.ndarray

    @classmethod
    def of(cls, estimates: Sequence[Estimate], truths: Sequence[float]) -> Errors:
        pairs = [(e, t) for e, t in zip(estimates, truths, strict=True) if e.value is not None]
        return cls(
            float(np.mean(truths)),
            np.array([e.value - t for e, t in pairs]),
            np.array([without_sensor(e).U for e, _ in pairs]),
            np.array([e.low - 1e-9 <= t <= e.high + 1e-9 for e, t in pairs]),
        )

    @classmethod
    def joined(cls, each: Sequence[Errors]) -> Errors:
        """Those of several recordings."""
        columns = ("errors_j", "half_j", "in_bounds")
        return cls(
            each[0].truth_j, *(np.concatenate([getattr(one, name) for one in each]) for name in columns)
        )

    def cells(self) -> list[str]:
        """n, median |error|, rms error, bias and U as shares of the truth; how often each interval held."""
        if not len(self.errors_j):
            return ["0", *["-"] * 6]
        of = 100 / self.truth_j
        held = np.mean(np.abs(self.errors_j) <= self.half_j)
        return [
            str(len(self.errors_j)),
            f"{np.median(np.abs(self.errors_j)) * of:.2f}",
            f"{np.sqrt(np.mean(self.errors_j**2)) * of:.2f}",
            f"{self.errors_j.mean() * of:+.2f}",
            f"{np.median(self.half_j) * of:.2f}",
            f"{100 * held:.0f}",
            f"{100 * self.in_bounds.mean():.0f}",
        ]


def pulses(trace: Trace, clock: Clock, domain: Domain) -> dict[tuple[str, str], Errors]:
    """By pulse and by how it was measured."""
    counter = trace.counter(CHANNEL)
    first, last = counter.span_ns  # type: ignore[misc]
    found: dict[tuple[str, str], Errors] = {}
    for name, (length_s, phase_s) in PULSES_S.items():
        t0_s = _starts(clock.waveform_s(first) + 0.2, clock.waveform_s(last) - 0.2, phase_s)
        truths = [domain.energy(t + length_s) - domain.energy(t) for t in t0_s]
        t0, t1 = [clock.mono_ns(t) for t in t0_s], [clock.mono_ns(t + length_s) for t in t0_s]
        plain = counter.estimates(counter.energies(t0, t1))
        aligned = less_waits(counter, t0, t1, _base(counter, t1))
        for way, each in (("window", plain), ("update to update", aligned)):
            found[name, f"once, {way}"] = Errors.of(each, truths)
            groups = [range(i, i + GROUP) for i in range(0, len(each) - GROUP + 1, GROUP)]
            means = [averaged([each[i] for i in group]) for group in groups]
            found[name, f"{GROUP} times, {way}"] = Errors.of(
                means, [float(np.mean([truths[i] for i in group])) for group in groups]
            )
    return found


def without_sensor(estimate: Estimate) -> Estimate:
    """An estimate without the sensor's own errors, which these counters do not have."""
    return replace(estimate, components=tuple(c for c in estimate.components if c.name not in OF_SENSOR))


def _starts(first_s: float, last_s: float, phase_s: float) -> list[float]:
    k = np.arange(np.ceil((first_s + phase_s) * HZ), np.floor((last_s + phase_s) * HZ))
    return [float(t) for t in k / HZ - phase_s]


def _base(counter: Counter, ended_ns: Sequence[int]) -> Estimate:
    """The power between pulses, from 40 ms windows a while after each."""
    t0 = np.array(ended_ns) + 10_000_000
    each = counter.estimates(counter.energies(t0, t0 + 40_000_000))
    return power(
        [one for one in each if one.value is not None], [0.04] * sum(e.value is not None for e in each)
    )


@dataclass(frozen=True)
class Updates:
    """How well the times of updates became known."""

    of_core: float
    known: float  # share of all updates whose bracket is within KNOWN_NS
    median_us: float
    p95_us: float
    n: int


def updates(trace: Trace, clock: Clock, domain: Domain, lane: Mapping[str, Any]) -> Updates:
    """The middle of each change's bracket against the true time of the one update that lies in it."""
    counter = trace.counter(CHANNEL)
    first, last = counter.span_ns  # type: ignore[misc]
    true_s = _true_updates(domain, clock.waveform_s(first), clock.waveform_s(last))
    true_ns = [clock.mono_ns(t) for t in true_s]
    earliest, latest = counter.update_span_ns(counter.changes)
    slack, errors, known = clock.known_to_ns, [], 0
    for low, high in zip(earliest.tolist(), latest.tolist(), strict=True):
        inside = range(bisect.bisect_left(true_ns, low - slack), bisect.bisect_right(true_ns, high + slack))
        if len(inside) == 1:
            errors.append(abs((low + high) / 2 - true_ns[inside[0]]))
            known += high - low <= KNOWN_NS
    return Updates(
        of_core=lane["busy_s"] * NS_PER_S / (last - first),
        known=known / max(len(true_ns), 1),
        median_us=float(np.median(errors)) / 1000,
        p95_us=float(np.percentile(errors, 95)) / 1000,
        n=len(errors),
    )


def _true_updates(domain: Domain, first_s: float, last_s: float) -> list[float]:
    found, t = [], last_s
    while t > first_s:
        t = domain.last_update(t)
        found.append(t)
        t -= 1e-9
    return found[::-1]
