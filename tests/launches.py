"""Launches of known power under a counter that misbehaves: what attribution is held against."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from ideal import MS, T0, Ideal, Wave, constant
from interrupted import told

from microjoule.joules.counters.counter import Counter
from microjoule.joules.profiling.attribution import Attribution, Item, attribute, usable_span
from microjoule.joules.profiling.occupancy import Events, together

NAMES = ("idle", "a", "b", "c")
BASE = Ideal(constant(1.0), n=600, limit_w=300.0)


def piecewise(bounds_s, watts):
    sums = np.concatenate(([0.0], np.cumsum(watts * np.diff(bounds_s))))
    return Wave("launches", float(watts.max()), lambda t: np.interp(t, bounds_s, sums))


@dataclass(frozen=True)
class Launches:
    """Pieces one after another: which name each has, when it ends, and its power.

    ``scatter`` is by how much launches of one name differ in power, and ``off`` how often the counter's event
    was off, each time for an update.
    """

    ideal: Ideal
    seed: int
    powers_w: tuple[float, ...] = (40.0, 150.0, 80.0)
    length_ms: tuple[float, ...] = (0.3, 0.4, 0.3)
    scatter: float = 0.0
    in_turn: bool = False
    off: int = 0

    @cached_property
    def pieces(self):
        rng = np.random.default_rng([self.seed, 9])
        over_ns = int(self.ideal.begun[0][-1]) + 60 * MS
        n = int(over_ns / (min(self.length_ms) * 0.5 * MS)) + 2
        kinds = len(self.powers_w)
        name = np.arange(n) % kinds if self.in_turn else rng.integers(0, kinds, n)
        part = np.ones(n) if self.in_turn else rng.uniform(0.5, 1.5, n)
        lengths = np.array(self.length_ms)[name] * part * MS
        bounds = np.concatenate(([0], np.cumsum(lengths.astype(np.int64))))
        watts = np.array(self.powers_w)[name] * (1 + self.scatter * rng.uniform(-1, 1, n))
        return name, bounds, watts

    @cached_property
    def counter(self) -> Counter:
        _, bounds, watts = self.pieces
        ideal = replace(self.ideal, wave=piecewise(bounds / 1e9, watts), seed=self.seed)
        if not self.off:
            return Counter(ideal.series, ideal.channel)
        rng, t_ns = np.random.default_rng([self.seed, 10]), ideal.series.t_ns
        off_ns = rng.choice(np.arange(t_ns[0] + 20 * MS, t_ns[-1] - 20 * MS, 3 * MS), self.off, replace=False)
        return Counter(told(ideal.series, sorted(off_ns.tolist())), ideal.channel)

    @property
    def events(self) -> Events:
        name, bounds, _ = self.pieces
        some = name > 0
        times = T0 + bounds[:-1][some], T0 + bounds[1:][some]
        return Events(NAMES[1:], name[some] - 1, *times, np.zeros(int(some.sum()), np.int64))

    def attributed(self, late_ns: int = 0, u_align_ns: float = 0.0) -> Attribution:
        """What comes of it, with the launches thought to be ``late_ns`` later than they are."""
        events = self.events._replace(t0_ns=self.events.t0_ns + late_ns, t1_ns=self.events.t1_ns + late_ns)
        span = self.counter.span_ns
        updates = usable_span(self.counter, *span)
        occupancy = together(events, span[0] - 5 * MS, span[1] + 5 * MS)
        items = [
            Item(" and ".join(NAMES[1 + n] for n in sorted(state)) or NAMES[0], (number,))
            for number, state in enumerate(occupancy.states)
        ]
        return attribute(self.counter, updates, occupancy, items, u_align_ns)

    def truth(self, found: Attribution, names) -> float:
        """The mean power of the pieces of some names, over the time that they are said to have taken."""
        name, bounds, watts = self.pieces
        mine = np.isin(name, [NAMES.index(each) for each in names])
        start = np.clip(T0 + bounds[:-1][mine], found.t0_ns, found.t1_ns)
        end = np.clip(T0 + bounds[1:][mine], found.t0_ns, found.t1_ns)
        return float((watts[mine] * (end - start)).sum() / 1e9)
