"""The oracle for a package and the cores inside it: two counters, each with a lag of its own.

The cores' power steps at random, and so does that of the rest of the package. Nothing here uses the code
under test to make readings.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from types import SimpleNamespace

import numpy as np
from ideal import MS, T0, US, S, rows
from places import identity

from microjoule.channel import Access, Channel, Scale, Timing, Trust
from microjoule.trace.series import Series

UNIT = Fraction(1, 1 << 14)
DECLARED = Timing(update_ns=MS, update_max_ns=10 * MS, lag_ns=MS)  # of RAPL
PACKAGE, CORES = "package-0", "package-0/core"


class Steps:
    """Power that is drawn anew between two watts, for times that are exponentially distributed."""

    def __init__(self, chance, low_w, high_w, mean_s, span_s):
        n = int((span_s + 2) / mean_s * 1.5) + 60
        self.at_s = -1.0 + np.concatenate(([0.0], np.cumsum(chance.exponential(mean_s, n))))
        power = chance.uniform(low_w, high_w, n)
        self.used = np.concatenate(([0.0], np.cumsum(np.diff(self.at_s) * power)))

    def __call__(self, t_s):
        return np.interp(t_s, self.at_s, self.used)


@dataclass(frozen=True, kw_only=True)
class PackageAndCores:
    """Two counters of one package. Times of updates are microseconds.

    Attributes:
        lag_us: Of the package and of its cores.
        update_us: Between two updates of each.
        cores_w: Between which two watts the cores' power steps.
        ripple_hz: In place of these steps a sine of this frequency; 0: none.
        mean_s: How long it mostly stays.
        follows: Whether the package contains the cores; otherwise it steps by itself.
    """

    seed: int = 0
    lag_us: tuple[float, float] = (0.0, 0.0)
    update_us: tuple[float, float] = (976.5625, 976.5625)
    cores_w: tuple[float, float] = (5.0, 60.0)
    ripple_hz: float = 0.0
    mean_s: float = 0.02
    span_s: float = 4.0
    rate_hz: float = 4000.0
    follows: bool = True
    declared: tuple[Timing, Timing] = (DECLARED, DECLARED)

    @cached_property
    def _loads(self):
        chance = np.random.default_rng([self.seed, 31])
        cores, rest, other = (
            Steps(chance, *each, self.span_s)
            for each in ((*self.cores_w, self.mean_s), (2.0, 12.0, 0.05), (5.0, 60.0, self.mean_s))
        )
        if self.ripple_hz:
            turn = 2 * np.pi * self.ripple_hz
            return lambda t: 35.0 * (t + 1) - 30.0 * np.cos(turn * t) / turn, rest, other
        return cores, rest, other

    def used_j(self, name, t_ns):
        """What a channel has used until instants."""
        cores, rest, other = self._loads
        t = (np.asarray(t_ns) - T0) / S
        return cores(t) if name == CORES else 1.15 * (cores if self.follows else other)(t) + rest(t) + 8 * t

    def channel(self, name):
        return Channel(
            **identity(name),
            source="script",
            lane="package-0",
            scale=Scale(quantity="J", unit=UNIT, unit_source="register", modulus=1 << 32),
            timing=self.declared[name == CORES],
            trust=Trust(power_limit_w=200.0, parents=(PACKAGE,) if name == CORES else ()),
            access=Access(reader="script", path=""),
        )

    def series(self, name):
        """Both are read one after the other, on time; each is updated on its own grid."""
        at = int(name == CORES)
        chance = np.random.default_rng([self.seed, 32, at])
        n = int(self.span_s * self.rate_hz)
        late = np.random.default_rng([self.seed, 33]).gamma(1.5, 2.0 * US / 1.5, n)
        t_ns = (np.arange(n) * (S / self.rate_hz) + late).astype(np.int64) + 4 * US * at
        apart = self.update_us[at] * US
        updates = np.arange(-200 * MS, self.span_s * S, apart) + chance.random() * apart
        updates = np.sort(updates + chance.normal(0, 20 * US, len(updates)))
        counted = self.used_j(name, updates - self.lag_us[at] * US + T0) + 100.0
        counts = np.maximum.accumulate(np.floor(counted / float(UNIT)).astype(np.int64))
        raw = counts[np.searchsorted(updates, t_ns + 1 * US, "right") - 1]
        return Series(t_ns + T0, np.full(n, 2 * US, np.uint32), raw.astype(np.uint64), np.zeros(n, np.uint16))

    def table(self, marks=(), names=(PACKAGE, CORES)):
        """The trace's rows, with marks as of ``ideal.rows``."""
        return rows([SimpleNamespace(channel=self.channel(n), series=self.series(n)) for n in names], marks)
