"""Runs of known energy on an ideal counter, with idling or a spin around them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ideal import MS, T0, US, Ideal, S, Wave

from microjoule.joules.counters.counter import Counter
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import Component


def runs_wave(power_w: float, wait_w: float, starts_s: np.ndarray, length_s: float, powers=None) -> Wave:
    """``power_w`` for ``length_s`` from each start on, ``wait_w`` else; ``powers`` one a run."""
    powers = np.full(len(starts_s), power_w) if powers is None else np.asarray(powers)
    before = np.concatenate([[0.0], np.cumsum((powers - wait_w) * length_s)])

    def energy(t):
        k = np.searchsorted(starts_s, t, "right") - 1
        at = np.maximum(k, 0)
        inside = np.clip(t - starts_s[at], 0, length_s)
        return wait_w * t + np.where(k >= 0, before[at] + (powers[at] - wait_w) * inside, 0.0)

    return Wave("runs", float(max(wait_w, powers.max())), energy)


@dataclass(frozen=True)
class Kernels:
    """Many isolated runs of one kernel, each well apart from the next."""

    seed: int = 0
    n: int = 40
    power_w: float = 100.0
    wait_w: float = 40.0
    wait_u: float = 0.1
    length_ns: int = 370 * US
    poll_ns: int = 20 * US
    update_ns: int = 1 * MS
    gap_ns: int = 5 * MS
    lag_ns: int = 0
    missed: float = 0.0
    jitter: float = 0.1
    read_ns: int = 1 * US
    declared_max: float = 1.3

    @cached_property
    def starts_ns(self) -> np.ndarray:
        rng = np.random.default_rng([self.seed, 11])
        step = self.gap_ns + self.length_ns
        return (1 + np.arange(self.n)) * step + rng.integers(0, self.update_ns, self.n)

    @cached_property
    def ideal(self) -> Ideal:
        wave = runs_wave(self.power_w, self.wait_w, self.starts_ns / S, self.length_ns / S)
        whole = int(self.starts_ns[-1]) + 2 * (self.gap_ns + self.length_ns)
        return Ideal(
            wave,
            seed=self.seed,
            n=whole // self.poll_ns,
            poll_ns=self.poll_ns,
            update_ns=self.update_ns,
            jitter=self.jitter,
            missed=self.missed,
            lag_ns=self.lag_ns,
            read_ns=self.read_ns,
            declared_max=self.declared_max,
        )

    @property
    def counter(self) -> Counter:
        return Counter(self.ideal.series, self.ideal.channel)

    @property
    def wait(self) -> Estimate:
        """The wait's power as a measurement would find it: off by its own uncertainty."""
        rng = np.random.default_rng([self.seed, 12])
        value = self.wait_w + self.wait_u * rng.standard_normal()
        part = Component("baseline", self.wait_u, "A", group="baseline:spin")
        return Estimate(value=value, low=value, high=value, unit="W", components=(part,))

    @property
    def windows(self) -> tuple[np.ndarray, np.ndarray]:
        return T0 + self.starts_ns, T0 + self.starts_ns + self.length_ns

    @property
    def truth_j(self) -> float:
        return self.power_w * self.length_ns / S
