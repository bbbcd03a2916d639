"""A program whose marked steps have known power, under a counter that misbehaves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from ideal import MS, T0, Ideal, Wave, constant, rows, write

import microjoule as uj

BASE = Ideal(constant(1.0), update_ns=976_562, limit_w=150.0)


@dataclass(frozen=True)
class Steps:
    """Windows of some names, one after another with idle time between them.

    ``power_w`` and ``length_ms`` are by name; each window's length varies by ``vary``, its power by
    ``scatter`` (a standard deviation, as a share).
    """

    power_w: dict[str, float] = field(default_factory=lambda: {"decode": 60.0})
    length_ms: dict[str, float] = field(default_factory=lambda: {"decode": 10.0})
    idle_w: float = 20.0
    idle_ms: tuple[float, float] = (5.0, 20.0)
    n: int = 100
    vary: float = 0.1
    scatter: float = 0.0
    seed: int = 0
    base: Ideal = BASE

    @cached_property
    def windows(self) -> list[tuple[str, int, int, float]]:
        """Name, first nanosecond, last nanosecond and watts of each."""
        rng = np.random.default_rng([self.seed, 77])
        names, t, found = list(self.power_w), 60 * MS, []
        for i in range(self.n):
            name = names[i % len(names)]
            t += round(rng.uniform(*self.idle_ms) * MS)
            length = round(self.length_ms[name] * MS * (1 + self.vary * rng.uniform(-1, 1)))
            found.append(
                (name, t, t + length, self.power_w[name] * (1 + self.scatter * rng.standard_normal()))
            )
            t += length
        return found

    @cached_property
    def ideal(self) -> Ideal:
        bounds = np.array([edge for _, t0, t1, _ in self.windows for edge in (t0, t1)]) / 1e9
        watts = np.full(len(bounds) - 1, self.idle_w)
        watts[::2] = [w for *_, w in self.windows]
        sums = np.concatenate(([0.0], np.cumsum(watts * np.diff(bounds)))) + self.idle_w * bounds[0]

        def energy(t):
            t = np.asarray(t, float)
            outside = self.idle_w * (np.minimum(t, bounds[0]) - bounds[0] + np.maximum(t - bounds[-1], 0.0))
            return np.interp(t, bounds, sums) + outside

        wave = Wave("steps", max(watts.max(), self.idle_w), energy)
        n = (self.windows[-1][2] + 60 * MS) // self.base.poll_ns
        return replace(self.base, wave=wave, seed=self.seed, n=n)

    def truth(self, name: str) -> float:
        """The energy of all windows of a name."""
        return sum(self.ideal.truth(T0 + t0, T0 + t1) for each, t0, t1, _ in self.windows if each == name)

    def trace(self, folder: Path, attributes: dict | None = None, more=(), ideals=()) -> uj.Trace:
        """The recording, with its windows; ``more`` are windows (name, t0, t1) beside them."""
        tail = f"\t{json.dumps(attributes)}" if attributes else ""
        marks = []
        every = [*((name, t0, t1) for name, t0, t1, _ in self.windows), *more]
        for number, (name, t0, t1) in enumerate(every):
            marks += [(T0 + t0, "@begin", number, name + tail), (T0 + t1, "@end", number, "")]
        path = folder / f"steps-{self.seed}.arrows"
        return uj.load(write(path, rows([self.ideal, *ideals], marks), batch_rows=5000))
