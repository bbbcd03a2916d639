"""The oracle for a power gauge that looks at a part of each of its update periods.

A machine is idle, or runs calls that each draw much and then little; both are exact rectangles in
time. The gauge's readings are exact means over the part of each period that it looks at, made from the
integral of that power and never by the code under test.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt
from ideal import T0, S
from places import identity

from microjoule.channel import Access, Channel, Kind, Scale, Timing, Trust
from microjoule.joules.gauges.gauge import Gauge
from microjoule.trace.series import Series

F64 = npt.NDArray[np.float64]
REALTIME_NS = 10**18  # what the sensor's clock is ahead by


@dataclass(frozen=True, kw_only=True)
class PartTime:
    """Windows of calls back to back under a part-time gauge. Times are seconds; chance comes from ``seed``.

    Attributes:
        update_s: The gauge's period.
        part_s: How much of it, at its end, the gauge looks at.
        call_s: One call.
        calls: In a window.
        windows: How many.
        phases_s: How far into a period each window begins, from a random origin; empty: anywhere.
        around_s: What runs on before and after each window; 0: windows begin and end with power steps.
        rest_s: Idle time between what runs.
        high_w, low_w, idle_w: Power in the first and the second half of a call, and at rest.
        jitter: Of an update, as a share of the period.
    """

    update_s: float = 0.1
    part_s: float = 0.025
    call_s: float = 0.033
    calls: int = 40
    windows: int = 10
    phases_s: tuple[float, ...] = ()
    around_s: float = 0.5
    rest_s: float = 0.3
    high_w: float = 300.0
    low_w: float = 150.0
    idle_w: float = 60.0
    jitter: float = 0.005
    seed: int = 0

    @property
    def truth_j(self) -> float:
        """Of one window."""
        return self.calls * self.call_s * (self.high_w + self.low_w) / 2

    @cached_property
    def begun_s(self) -> F64:
        """float64[windows]: when each window began; whole calls run before it."""
        rng = np.random.default_rng([self.seed, 1])
        phases = self.phases_s or tuple(rng.uniform(0, self.update_s, self.windows))
        origin_s, at_s, begun = float(rng.uniform(0, self.update_s)), 1.0, []
        for phase in phases[: self.windows]:
            at_s += (origin_s + phase - at_s) % self.update_s  # what runs starts at the phase
            begun.append(at_s + self.ahead_s)
            at_s += 2 * self.ahead_s + self.calls * self.call_s + self.rest_s
        return np.array(begun)

    @property
    def ahead_s(self) -> float:
        return float(np.ceil(self.around_s / self.call_s) * self.call_s)

    @property
    def windows_ns(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        t0_s = self.begun_s
        return T0 + np.rint(t0_s * S).astype(np.int64), T0 + np.rint(
            (t0_s + self.calls * self.call_s) * S
        ).astype(np.int64)

    def energy_j(self, t_s: F64) -> F64:
        """The exact integral of the power from 0."""
        run_s = 2 * self.ahead_s + self.calls * self.call_s
        starts = self.begun_s - self.ahead_s
        k = np.searchsorted(starts, t_s, "right")
        into = np.clip(t_s - starts[np.maximum(k - 1, 0)], 0, run_s)
        busy_s = np.where(k > 0, (k - 1) * run_s + into, 0.0)
        # Every run is whole calls, so that time busy tells where in a call one is.
        whole = np.floor(busy_s / self.call_s + 1e-9)
        high_s = whole * self.call_s / 2 + np.minimum(busy_s - whole * self.call_s, self.call_s / 2)
        above_j = (self.high_w - self.low_w) * high_s + (self.low_w - self.idle_w) * busy_s
        return self.idle_w * t_s + above_j

    @cached_property
    def gauge(self) -> Gauge:
        """The gauge, each of its updates read once and stamped by the sensor."""
        rng = np.random.default_rng([self.seed, 2])
        last_s = float(self.begun_s[-1]) + self.ahead_s + self.calls * self.call_s + 1.0
        ends_s = np.arange(0.2, last_s, self.update_s)
        ends_s = ends_s + self.jitter * self.update_s * rng.uniform(-0.5, 0.5, len(ends_s))
        watts = (self.energy_j(ends_s) - self.energy_j(ends_s - self.part_s)) / self.part_s
        # A stamp that lies within its read each time would be that of the call.
        late_s = self.update_s * np.random.default_rng([self.seed, 3]).uniform(0.1, 0.6, len(ends_s))
        stamped_ns, t_ns = (T0 + np.rint(t_s * S).astype(np.int64) for t_s in (ends_s, ends_s + late_s))
        series = Series(
            t_ns,
            np.zeros(len(t_ns), np.uint32),
            np.rint(watts * 1000).astype(np.uint64),
            np.zeros(len(t_ns), np.uint16),
            sensor_ns=stamped_ns + REALTIME_NS,
        )
        pairs = np.array([T0, T0 + round(last_s * S)])
        return Gauge(series, self.channel, (pairs, pairs + REALTIME_NS))

    @property
    def channel(self) -> Channel:
        return Channel(
            **identity("gpu-0/power"),
            source="script",
            lane="gpu-0",
            kind=Kind.GAUGE,
            scale=Scale(quantity="W", unit=Fraction(1, 1000), unit_source="interface"),
            timing=Timing(
                update_ns=round(self.update_s * S),
                update_max_ns=round(2 * self.update_s * S),
                window_ns=round(self.part_s * S),
                sensor_clock="realtime",
            ),
            trust=Trust(power_limit_w=700.0),
            access=Access(reader="script", path=""),
        )
