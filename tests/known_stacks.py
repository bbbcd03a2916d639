"""Functions of known power that stay in random turns, sampled, under a counter that misbehaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from ideal import MS, T0, US, Ideal, Wave, constant

from microjoule.joules.counters.counter import Counter
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.profiling.sample_cells import Moments, Sampled
from microjoule.joules.profiling.sampled import Shares, around, shares
from microjoule.joules.profiling.stack_energy import Frames, frames

RAPL = Ideal(constant(1.0), poll_ns=250 * US, limit_w=300.0)


def in_blocks(of: Moments, period_ns: int, u_ns: float, block: int = 1 << 15) -> Sampled:
    """Samples that are gone through some at once."""
    parts = [Moments(*(column[at : at + block] for column in of)) for at in range(0, len(of.t_ns), block)]
    return Sampled(lambda: iter(parts), period_ns, u_ns, int(of.node.max()) + 1)


@dataclass(frozen=True)
class Stacks:
    """Functions in random turns.

    Attributes:
        watts: Of each function.
        shares: Of the time.
        stay_ms: The mean length of a stay; lengths are exponential, or all alike if ``is_regular``.
        period_ms: Between samples.
        seconds: How long.
        block: Samples that are gone through at once.
    """

    watts: tuple[float, ...] = (90.0, 30.0)
    shares: tuple[float, ...] = (0.5, 0.5)
    stay_ms: float = 30.0
    period_ms: float = 10.0
    seconds: float = 10.0
    seed: int = 0
    is_regular: bool = False
    base: Ideal = RAPL
    block: int = 1 << 15

    @cached_property
    def stays(self):
        """Which function, until when (seconds), watts."""
        rng = np.random.default_rng([self.seed, 5])
        mean = np.array(self.shares) / np.mean(self.shares) * self.stay_ms / 1e3
        n = int(self.seconds / (self.stay_ms / 1e3) * 3) + 20
        if self.is_regular:
            which = np.arange(n) % len(self.watts)
            long = mean[which]
        else:
            which = rng.integers(0, len(self.watts), n)
            long = rng.exponential(1.0, n) * mean[which]
        until = np.cumsum(long)
        kept = np.searchsorted(until, self.seconds + 0.1) + 1
        return which[:kept], until[:kept], np.array(self.watts)[which[:kept]]

    @cached_property
    def counter(self) -> Counter:
        _, until, watts = self.stays
        bounds = np.concatenate(([0.0], until))
        sums = np.concatenate(([0.0], np.cumsum(watts * np.diff(bounds))))
        wave = Wave("stays", float(watts.max()), lambda t: np.interp(t, bounds, sums))
        n = int(self.seconds * 1e9 / self.base.poll_ns)
        ideal = replace(self.base, wave=wave, n=n, seed=self.seed)
        return Counter(ideal.series, ideal.channel)

    @cached_property
    def sampled(self) -> Sampled:
        rng = np.random.default_rng([self.seed, 6])
        n = int(self.seconds * 1e3 / self.period_ms)
        t_s = (np.arange(n) + rng.uniform()) * self.period_ms / 1e3 + rng.uniform(0, 1e-4, n)
        margin = 12 * self.base.update_ns / 1e9 + self.period_ms / 1e3
        t_s = t_s[(t_s > margin) & (t_s < self.seconds - margin)]
        which = self.stays[0][np.searchsorted(self.stays[1], t_s)]
        t_ns, what = (t_s * 1e9).astype(np.int64) + T0, which.astype(np.int32)
        return in_blocks(
            Moments(t_ns, np.zeros(len(t_ns), np.int32), what, what + 1),
            round(self.period_ms * MS),
            1000.0,
            self.block,
        )

    def found(self) -> tuple[Shares, Frames, Estimate]:
        """What comes of it, and the whole; frame 1 + n is function n."""
        counter = self.counter
        total = counter.energy(*self.span)
        found = shares(around(counter, *self.span), self.sampled, float(total), self.span)
        return found, frames([-1] + [0] * len(self.watts), found.sums, found), total

    @cached_property
    def span(self) -> tuple[int, int]:
        half = self.sampled.period_ns // 2
        blocks = list(self.sampled.blocks())
        return int(blocks[0].t_ns[0]) - half, int(blocks[-1].t_ns[-1]) + half

    def truth(self) -> np.ndarray:
        """Joules of each function in the span."""
        which, until, watts = self.stays
        start, end = (
            np.clip(np.asarray(t), *((np.array(self.span) - T0) / 1e9))
            for t in (np.concatenate(([0.0], until[:-1])), until)
        )
        return np.bincount(which, watts * (end - start), len(self.watts))
