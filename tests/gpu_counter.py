"""The oracle for a GPU's energy counter: it trails the load by a lag of its own, and its driver does not say.

Loads, gauges and polls are those of ``gauges``; nothing here uses the code under test to make readings.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import gauges
import numpy as np
from gauges import IDLE_W, LIMIT_W, REST_S, Load, Poll, Sensor
from ideal import T0, S, rows, write
from places import identity

from microjoule.channel import Access, Channel, Scale, Timing, Trust
from microjoule.joules.counters.counter import Counter
from microjoule.sources.nvml_behaviour import Figure, timing
from microjoule.trace.series import Series

DECLARED = timing(Figure.ENERGY, None)  # updates within 200 ms, and a lag between 0 and 100 ms
OFFSET_J = 1e4


@dataclass(frozen=True, kw_only=True)
class GpuCounter:
    """How a counter of millijoules follows the load. Times are seconds.

    Attributes:
        update_s: Between two updates.
        lag_s: By how much an update trails the energy that it shows.
        jitter: Of an update, as a share of the period.
        timing: What its channel declares.
        poll: Who reads it, and the gauge beside it.
    """

    update_s: float = 0.02
    lag_s: float = 0.0
    jitter: float = 0.02
    timing: Timing = DECLARED
    poll: Poll = field(default_factory=Poll)

    @property
    def channel(self) -> Channel:
        return Channel(
            **identity("gpu-0/energy"),
            source="script",
            lane="gpu-0",
            scale=Scale(quantity="J", unit=Fraction(1, 1000), unit_source="interface"),
            timing=self.timing,
            trust=Trust(power_limit_w=LIMIT_W),
            access=Access(reader="script", path=""),
        )

    def series(self, load: Load, poll: Poll, seed: int = 0) -> Series:
        """What a recorder gets of it."""
        chance = np.random.default_rng([seed, 21])
        end_s = load.span_s[1] + REST_S + 1.0
        n = int(end_s / self.update_s) + 2
        at = (
            np.arange(n) + chance.uniform(0, 1) + self.jitter * chance.uniform(-0.5, 0.5, n)
        ) * self.update_s
        counts = np.floor((load.energy_j(at - self.lag_s) + OFFSET_J) * 1000)
        read = poll.reads_s(at[0], end_s, chance)
        m, shown = len(read), np.searchsorted(at, read, "right") - 1
        t_ns = T0 + np.rint(read * S).astype(np.int64)
        return Series(
            t_ns, np.full(m, 20_000, np.uint32), counts[shown].astype(np.uint64), np.zeros(m, np.uint16)
        )

    def counter(self, load: Load, poll: Poll, seed: int = 0) -> Counter:
        """The counter under test, before anything is learnt of its lag."""
        return Counter(self.series(load, poll, seed), self.channel)


def trace(
    folder: Path,
    load: Load,
    of: GpuCounter,
    sensor: Sensor,
    seed: int = 0,
    marks=(),
    shown: Load | None = None,
) -> Path:
    """A recording of the counter and of a gauge inside it, read 100 times a second by default.

    Args:
        folder: Where to write it.
        load: What both follow.
        of: The counter.
        sensor: The gauge.
        seed: Of all chance.
        marks: Of the program, as ``ideal.rows`` takes them.
        shown: What the gauge follows instead of the load.
    """
    poll = of.poll
    inside = gauges.channel(sensor.timing)
    inside = replace(inside, trust=replace(inside.trust, parents=("gpu-0/energy",)))
    both = [
        SimpleNamespace(channel=of.channel, series=of.series(load, poll, seed)),
        SimpleNamespace(channel=inside, series=gauges.series(shown or load, sensor, poll, seed)),
    ]
    return write(folder / f"gpu-{seed}.arrows", rows(both, marks))


assert OFFSET_J > 20 * IDLE_W  # a count is never below zero
