"""The oracle for power gauges: loads of known energy, sensors that misbehave as real ones do, and a poller.

A ``Load`` is power that is constant between instants, so that its energy is exact. A ``Sensor`` makes
readings of it: means of a past window, momentary values or a capacitor's, updated with jitter, late,
frozen at idle, with noise and a quantum. A ``Poll`` asks the sensor at a rate of its own and stamps the
rows as drivers do. Nothing here uses the code under test to make readings or truth. What the same arguments
make is made once: tests ask windows of several lengths of one recording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from ideal import T0, S
from places import identity

from microjoule.channel import Access, Channel, Encoding, Kind, Scale, SensorError, Timing, Trust
from microjoule.joules.gauges.gauge import Gauge
from microjoule.trace.series import Series

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
REALTIME_NS = 10**18  # what the sensor's clock is ahead by
IDLE_W, BUSY_W, LIMIT_W = 60.0, 330.0, 400.0
kept = lru_cache(maxsize=16)  # nothing that is made here is changed by who asks
SILENT_S = (0.05, 0.5)  # for how long a busy machine reads nothing now and then
REST_S = 3.0  # idle time before and after a load


@dataclass(frozen=True, eq=False)
class Load:
    """Power over time, constant between instants.

    Attributes:
        edges_s: float64[n], ascending.
        watts: float64[n + 1], before, between and after the instants.
    """

    edges_s: F64
    watts: F64

    def energy_j(self, t_s: F64) -> F64:
        """The exact energy from the first instant to each of some; negative before it."""
        sums = np.concatenate(([0.0], np.cumsum(self.watts[1:-1] * np.diff(self.edges_s))))
        inside = np.interp(t_s, self.edges_s, sums)
        before = np.minimum(t_s - self.edges_s[0], 0.0) * self.watts[0]
        after = np.maximum(t_s - self.edges_s[-1], 0.0) * self.watts[-1]
        return np.asarray(inside + before + after)

    def power_w(self, t_s: F64) -> F64:
        """Power at instants."""
        return np.asarray(self.watts[np.searchsorted(self.edges_s, t_s, "right")])

    @property
    def span_s(self) -> tuple[float, float]:
        """From the first to the last change."""
        return float(self.edges_s[0]), float(self.edges_s[-1])


def _joined(lengths_s: F64, watts: F64, idle_w: float) -> Load:
    edges = REST_S + np.concatenate(([0.0], np.cumsum(lengths_s)))
    return Load(edges, np.concatenate(([idle_w], watts, [idle_w])))


@kept
def square(
    period_s: float, length_s: float, seed: int = 0, low_w: float = IDLE_W, high_w: float = BUSY_W
) -> Load:
    """High for the first half of each period, from a random instant on."""
    n = int(np.ceil(length_s / period_s))
    lengths = np.full(2 * n, period_s / 2)
    lengths[0] *= np.random.default_rng([seed, 1]).uniform(0.1, 1)
    return _joined(lengths, np.tile([high_w, low_w], n), low_w)


@kept
def uneven(period_s: float, length_s: float, high: float, spread: float, seed: int = 0) -> Load:
    """High for a part of each period; each high and each low part is longer or shorter by up to a share."""
    chance = np.random.default_rng([seed, 9])
    n = int(np.ceil(length_s / period_s))
    lengths = np.tile([high, 1 - high], n) * period_s * (1 + spread * chance.uniform(-1, 1, 2 * n))
    lengths[0] *= chance.uniform(0.1, 1)
    return _joined(lengths, np.tile([BUSY_W, IDLE_W], n), IDLE_W)


@kept
def steps(mean_s: float, length_s: float, seed: int = 0) -> Load:
    """Levels at random, each for a random time."""
    chance = np.random.default_rng([seed, 2])
    n = int(length_s / mean_s) + 1
    return _joined(chance.uniform(0.3, 1.7, n) * mean_s, chance.uniform(IDLE_W, BUSY_W, n), IDLE_W)


@kept
def bursts(burst_s: float, every_s: float, length_s: float, seed: int = 0) -> Load:
    """Short pulses at random instants, idle in between."""
    chance = np.random.default_rng([seed, 3])
    n = int(length_s / every_s) + 1
    rests = burst_s * 0.5 + chance.exponential(max(every_s - burst_s, burst_s) - burst_s * 0.5, n)
    pulses = burst_s * chance.uniform(0.5, 1.5, n)
    return _joined(np.stack((pulses, rests), 1).ravel(), np.tile([BUSY_W, IDLE_W], n), IDLE_W)


@kept
def steady(length_s: float, seed: int = 0) -> Load:
    """One level."""
    level = np.random.default_rng([seed, 4]).uniform(150, BUSY_W)
    return _joined(np.array([length_s]), np.array([level]), IDLE_W)


@kept
def wandering(length_s: float, seed: int = 0) -> Load:
    """A level that fluctuates every few milliseconds by a few percent, as busy machines do, and drifts."""
    chance = np.random.default_rng([seed, 5])
    n = int(length_s / 0.004)
    slow = 40 * np.sin(np.arange(n) * 0.004 * 2 * np.pi / 7.3 + chance.uniform(0, 6))
    return _joined(np.full(n, 0.004), 230 + slow + 12 * chance.standard_normal(n), IDLE_W)


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """How a gauge follows the power. Times are seconds.

    Attributes:
        update_s: Between two updates.
        window_s: Each is the mean of so much before it; 0: momentary.
        tau_s: Of a capacitor, in place of a mean.
        lag_s: By how much later an update shows than it was taken.
        jitter: Of an update, as a share of the period.
        freeze_s: At idle updates come so far apart.
        noise_w, quantum_w: Of a reading.
        timing: What its channel declares.
    """

    update_s: float = 0.1
    window_s: float = 0.1
    tau_s: float = 0.0
    lag_s: float = 0.0
    jitter: float = 0.01
    freeze_s: float = 0.0
    noise_w: float = 0.1
    quantum_w: float = 0.001
    timing: Timing = field(default_factory=Timing)

    def updates(self, load: Load, end_s: float, seed: int) -> tuple[F64, F64]:
        """When it was updated, and to what."""
        chance = np.random.default_rng([seed, 6])
        n = int(end_s / self.update_s) + 2
        early = chance.uniform(0, 1) + self.jitter * chance.uniform(-0.5, 0.5, n)
        at = (np.arange(n) + early) * self.update_s
        at = at[at > self.window_s + 0.01]
        if self.freeze_s:
            at = self._thawed(load, at)
        if self.tau_s:
            watts = _charged(load, at, self.tau_s)
        elif self.window_s:
            watts = (load.energy_j(at) - load.energy_j(at - self.window_s)) / self.window_s
        else:
            watts = load.power_w(at)
        watts = watts + self.noise_w * chance.standard_normal(len(at))
        return at + self.lag_s, np.maximum(np.round(watts / self.quantum_w) * self.quantum_w, 0.0)

    def _thawed(self, load: Load, at: F64) -> F64:
        """The updates that happen: at idle only one in a while."""
        kept, last = [], -np.inf
        lately = (load.energy_j(at) - load.energy_j(at - self.update_s)) / self.update_s
        for each, watts in zip(at.tolist(), lately.tolist(), strict=True):
            if watts > 1.3 * IDLE_W or each - last >= self.freeze_s - self.update_s / 2:
                kept.append(each)
                last = each
        return np.array(kept)


def _charged(load: Load, at: F64, tau_s: float) -> F64:
    """A capacitor's voltage at instants: exact between the load's changes."""
    t = np.concatenate((load.edges_s, at))
    order = np.argsort(t, kind="stable")
    level, now, found = load.watts[0], 0.0, np.empty(len(t))
    power = load.power_w(t - 1e-12)
    for i in order.tolist():
        level = power[i] + (level - power[i]) * np.exp(-(t[i] - now) / tau_s)
        now, found[i] = t[i], level
    return found[len(load.edges_s) :]


@dataclass(frozen=True, kw_only=True)
class Poll:
    """Who asks the sensor.

    Attributes:
        rate_hz: How often.
        jitter: Of a read, as a share of the time between two.
        phase: By how much reads come after the sensor's first update, as a share of the time between two.
        stamps: ``update``: the sensor's time of its update; ``call``: the time of the call; empty: none.
        silent_every_s: How often nothing is read for 50 to 500 ms, in the mean; 0: never.
        late: Share of reads that come late, by up to nine tenths of the time between two.
    """

    rate_hz: float = 100.0
    jitter: float = 0.2
    stamps: str = ""
    phase: float = 0.0
    silent_every_s: float = 0.0
    late: float = 0.0

    def reads_s(self, first_s: float, end_s: float, chance: np.random.Generator) -> F64:
        """When it reads, from an update on."""
        n = int((end_s - first_s) * self.rate_hz)
        jitter = self.jitter * chance.uniform(-0.5, 0.5, n)
        if self.late:
            jitter += np.where(chance.uniform(size=n) < self.late, chance.uniform(0.0, 0.9, n), 0.0)
        read_s = first_s + (np.arange(n) + 1 + self.phase + jitter) / self.rate_hz
        if not self.silent_every_s:
            return np.asarray(read_s)
        begins_s = np.sort(chance.uniform(first_s, end_s, int((end_s - first_s) / self.silent_every_s)))
        ends_s = np.maximum.accumulate(begins_s + chance.uniform(*SILENT_S, len(begins_s)))
        is_silent = np.searchsorted(begins_s, read_s, "right") > np.searchsorted(ends_s, read_s, "right")
        return np.asarray(read_s[~is_silent])


@kept
def series(load: Load, sensor: Sensor, poll: Poll, seed: int = 0) -> Series:
    """What a recorder gets of it."""
    chance = np.random.default_rng([seed, 7])
    end_s = load.span_s[1] + REST_S + sensor.window_s
    at, watts = sensor.updates(load, end_s, seed)
    read = poll.reads_s(at[0], end_s, chance)
    shown = np.searchsorted(at, read, "right") - 1
    stamps = {"update": at[shown], "call": read}.get(poll.stamps)
    t_ns = T0 + np.rint(read * S).astype(np.int64)
    if poll.stamps == "update":  # a lane keeps what it was given: the same stamp until there is a new one
        stamps = at[shown] - sensor.lag_s
    return Series(
        t_ns,
        np.full(len(read), 20_000, np.uint32),
        np.rint(watts[shown] * 1000).astype(np.uint64),
        np.zeros(len(read), np.uint16),
        sensor_ns=None if stamps is None else T0 + np.rint(stamps * S).astype(np.int64) + REALTIME_NS,
    )


def channel(timing: Timing, name: str = "gpu-0/power", sensor: SensorError | None = None) -> Channel:
    return Channel(
        **identity(name),
        source="script",
        lane="gpu-0",
        kind=Kind.GAUGE,
        encoding=Encoding.COUNT,
        scale=Scale(quantity="W", unit=Fraction(1, 1000), unit_source="interface"),
        timing=timing,
        trust=Trust(power_limit_w=LIMIT_W, sensor=sensor),
        access=Access(reader="script", path=""),
    )


def nvml_power(timing: Timing = Timing(), name: str = "gpu-0/power", **trust: object) -> Channel:  # noqa: B008
    """NVML's own: signed milliwatts, trusted as said."""
    declared = channel(timing, name)
    access, trusted = Access(reader="nvml", path=""), Trust(**trust)  # type: ignore[arg-type]
    return replace(declared, source="nvml", encoding=Encoding.SIGNED, trust=trusted, access=access)


@kept
def gauge(load: Load, sensor: Sensor, poll: Poll, seed: int = 0) -> Gauge:
    """The gauge under test."""
    found = series(load, sensor, poll, seed)
    timing = sensor.timing
    if poll.stamps and timing.sensor_clock is None:
        timing = replace(timing, sensor_clock="realtime")
    pairs = np.array([T0, T0 + round((load.span_s[1] + 10) * S)])
    return Gauge(found, channel(timing), (pairs, pairs + REALTIME_NS))


def _timing(update_s: float, window_s: float = 0.0, decay_s: float = 0.0) -> Timing:
    return Timing(
        update_ns=round(update_s * S),
        update_max_ns=round(2.2 * update_s * S) if window_s <= update_s else round(1.2 * S),
        window_ns=round(window_s * S) or None,
        decay_ns=round(decay_s * S) or None,
    )


SENSORS = {
    "100 of 100 ms": Sensor(timing=_timing(0.1, 0.1)),
    "25 of 100 ms": Sensor(window_s=0.025, timing=_timing(0.1, 0.025)),
    "20 of 100 ms": Sensor(window_s=0.02, timing=_timing(0.1, 0.02)),
    "10 of 20 ms": Sensor(update_s=0.02, window_s=0.01, timing=_timing(0.02, 0.01)),
    "mean of 1 s": Sensor(window_s=1.0, timing=_timing(0.1, 1.0)),
    "mean of 1 s, frozen at idle": Sensor(window_s=1.0, freeze_s=1.0, timing=_timing(0.1, 1.0)),
    "capacitor of 50 ms": Sensor(
        update_s=0.015, window_s=0.0, tau_s=0.05, timing=_timing(0.015, decay_s=0.05)
    ),
    "100 of 100 ms, not declared": Sensor(),
    "1 s of 1 s, not declared": Sensor(update_s=1.0, window_s=1.0, quantum_w=0.1),
}
POLLS = {
    "10 ms": Poll(),
    "2 ms": Poll(rate_hz=500.0),
    "10 ms, stamps of updates": Poll(stamps="update"),
    "10 ms, stamps of calls": Poll(stamps="call"),
}
LENGTHS_S = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


def _square(of: float) -> Callable[[float, float, int], Load]:
    return lambda update_s, length_s, seed: square(of * update_s, length_s, seed)


PERIODS = {"near: 0.9": 0.9, "near: 0.97": 0.97, "near: 1.1": 1.1, "near twice: 2.03": 2.03}
PERIODS |= {"far: 0.23": 0.23, "far: 3.7": 3.7, "far: 17.3": 17.3}
LOADS: dict[str, Callable[[float, float, int], Load]] = {  # of the sensor's update, the length and the seed
    **{f"{name} T": _square(of) for name, of in PERIODS.items()},
    "bursts": lambda update_s, length_s, seed: bursts(0.6 * update_s, 6 * update_s, length_s, seed),
    "steps": lambda update_s, length_s, seed: steps(8 * update_s, length_s, seed),
    "wandering": lambda _, length_s, seed: wandering(length_s, seed),
    "steady": lambda _, length_s, seed: steady(length_s, seed),
}


def loads(update_s: float, length_s: float, seed: int) -> dict[str, Load]:
    """One of each kind, near and far from the sensor's own period."""
    return {name: load(update_s, length_s, seed) for name, load in LOADS.items()}


@dataclass(frozen=True)
class Outcome:
    """What became of windows of one kind: errors and U in joules, and whether both bounds held."""

    error_j: F64
    wide_j: F64
    is_bound: npt.NDArray[np.bool_]

    @property
    def covered(self) -> int:
        """How many errors lie within U; what is smaller than a microjoule is rounding."""
        return int((np.abs(self.error_j) <= self.wide_j + 1e-6).sum())


def outcome(found: Gauge, load: Load, length_s: float, n: int, seed: int) -> Outcome:
    """Windows at random instants under one gauge."""
    t0, t1 = windows(load, length_s, n, seed)
    brackets = found.energies(t0, t1)
    assert (brackets.status == 0).all()
    true_j = truth_j(load, t0, t1)
    slack = 1e-6
    is_bound = (brackets.low <= true_j + slack) & (true_j <= brackets.high + slack)
    is_bound &= (brackets.low <= brackets.value) & (brackets.value <= brackets.high)
    wide = np.array([each.U for each in found.estimates(brackets)])
    return Outcome(brackets.value - true_j, wide, is_bound)


def covered(readers: Sequence[Gauge], of: Sequence[Load], length_s: float, n: int) -> int:
    """How many of n windows under each gauge U holds; the guaranteed intervals hold all."""
    each = [
        outcome(reader, load, length_s, n, seed)
        for seed, (reader, load) in enumerate(zip(readers, of, strict=True))
    ]
    assert all(one.is_bound.all() for one in each)
    return sum(one.covered for one in each)


def windows(load: Load, length_s: float, n: int, seed: int = 0, margin_s: float = 0.0) -> tuple[I64, I64]:
    """Windows at random instants, over the load and somewhat around it."""
    first, last = load.span_s
    chance = np.random.default_rng([seed, 8])
    t0 = chance.uniform(first - margin_s, max(last + margin_s - length_s, first), n)
    t0_ns = T0 + np.rint(t0 * S).astype(np.int64)
    return t0_ns, t0_ns + round(length_s * S)


def marked(load: Load, least_s: float = 0.0) -> tuple[I64, I64]:
    """Windows that a program marks: each begins and ends where the power changes."""
    t = load.edges_s
    keep = np.diff(t) >= least_s
    t_ns = T0 + np.rint(t * S).astype(np.int64)
    return t_ns[:-1][keep], t_ns[1:][keep]


def truth_j(load: Load, t0_ns: I64, t1_ns: I64) -> F64:
    """The energy of windows."""
    return load.energy_j((t1_ns - T0) / S) - load.energy_j((t0_ns - T0) / S)
