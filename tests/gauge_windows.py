"""The oracle for a program's windows beside one power gauge: steps of power at marks, or not at them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import gauges
import numpy as np
from gauges import REST_S, T0, Load, Poll, S, Sensor
from marked import columns

from microjoule.joules.gauges.gauge import Gauge
from microjoule.joules.lags.lag_of_gauge import placed
from microjoule.trace.window_columns import WindowColumns

IDLE_W, BUSY_W = 60.0, 330.0
WAITED = '\t{"synchronised": true}'


class Program(NamedTuple):
    """What a program draws, and its marks: float64[n] each, seconds."""

    load: Load
    begins_s: np.ndarray
    ends_s: np.ndarray

    def windows(self, told: str = WAITED) -> WindowColumns:
        """Its windows, of two names in turns, with attributes."""
        t_ns = (T0 + np.rint(np.stack((self.begins_s, self.ends_s)) * S)).astype(np.int64)
        return columns((f"step-{n % 2}{told}", *both) for n, both in enumerate(t_ns.T.tolist()))

    def wider(self, before_s: float, after_s: float) -> Program:
        """It with marks so much before work begins, and after it ends."""
        return self._replace(begins_s=self.begins_s - before_s, ends_s=self.ends_s + after_s)

    def edges_ns(self) -> tuple[np.ndarray, np.ndarray]:
        """int64[n] each: when windows begin and end."""
        begins, ends = ((T0 + np.rint(each * S)).astype(np.int64) for each in (self.begins_s, self.ends_s))
        return begins, ends


def program(n: int, seed: int, busy_w: float = BUSY_W) -> Program:
    """Windows of 0.1 to 3 s, and power up to 3 ms after they begin; in one of seven it does not step."""
    chance = np.random.default_rng([seed, 91])
    lengths_s = np.exp(chance.uniform(np.log(0.1), np.log(3), n))
    begins = REST_S + np.cumsum(chance.uniform(0.1, 2.0, n) + np.concatenate(([0.0], lengths_s[:-1])))
    ends, late = begins + lengths_s, chance.uniform(0, 0.003, n)
    is_busy = chance.uniform(size=n) > 1 / 7
    levels = IDLE_W + (busy_w - IDLE_W) * chance.uniform(0.7, 1.0, n)
    edges = np.stack((begins + late, ends), 1)[is_busy].ravel()
    watts = np.stack((levels, np.full(n, IDLE_W)), 1)[is_busy].ravel()
    return Program(Load(edges, np.concatenate(([IDLE_W], watts))), begins, ends)


def both(
    of: Program, sensor: Sensor, lag_s: float, seed: int, *, kind: str = "gpu", poll: Poll | None = None
) -> tuple[Gauge, Gauge]:
    """A gauge that trails by so much, without and with what windows tell."""
    shown = gauges.series(of.load, replace(sensor, lag_s=lag_s), poll or Poll(), seed)
    channel = replace(gauges.channel(sensor.timing), hw_type=kind)
    return Gauge(shown, channel), placed(shown, channel, (), "", of.windows())
