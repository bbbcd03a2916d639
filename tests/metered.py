"""A machine on a pseudo-random load beside a meter of known gain, offset, lag and averaging window."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from microjoule.joules.reference.meter_updates import meter_updates

DT_S = 0.005
DWELL_S = 1.5
LOST = 0.05  # of all readings


class Metered(NamedTuple):
    """Readings of a meter, and the energy that the counters inside it had counted, as ``fit`` takes them."""

    t_ns: np.ndarray
    watts: np.ndarray
    spread_s: np.ndarray
    energy_t_ns: np.ndarray
    energy_j: np.ndarray
    together_s: float = 0.0


class Truth(NamedTuple):
    """What the meter does."""

    gain: float = 1.25
    offset_w: float = 35.0
    lag_s: float = 0.3
    window_s: float = 1.0


def metered(
    seed: int,
    truth: Truth,
    *,
    for_s: float = 90.0,
    every_s: float = 1.0,
    step_w: float = 0.1,
    jitter_s: float = 0.02,
    noise_w: float = 0.0,
) -> Metered:
    """A load of two levels that change at random, and the meter's readings of it; without jitter all."""
    rng = np.random.default_rng(seed)
    n = round((for_s + 20) / DT_S)
    bits = np.repeat(rng.integers(0, 2, round((for_s + 20) / DWELL_S) + 1), round(DWELL_S / DT_S))[:n]
    watts = 12.0 + 48.0 * bits + rng.normal(0, 1.0, n)
    t_s = np.arange(n + 1) * DT_S
    energy_j = np.concatenate(([0.0], np.cumsum(watts) * DT_S))
    ends_s = np.arange(12.0 + rng.random() * every_s, for_s + 15, every_s)
    ends_s = ends_s[rng.random(len(ends_s)) >= LOST * (jitter_s > 0)]
    mean = (
        np.interp(ends_s, t_s, energy_j) - np.interp(ends_s - truth.window_s, t_s, energy_j)
    ) / truth.window_s
    shown = truth.offset_w + truth.gain * mean + rng.normal(0, noise_w, len(ends_s))
    shown = np.round(shown / step_w) * step_w
    at_s = ends_s + truth.lag_s + rng.uniform(-jitter_s, jitter_s, len(ends_s))
    return Metered(
        np.rint(at_s * 1e9).astype(np.int64),
        shown,
        np.full(len(at_s), jitter_s / 3**0.5),
        np.rint(t_s * 1e9).astype(np.int64),
        energy_j,
    )


def read_often(seed: int, truth: Truth, poll_s: float, step_w: float = 0.1, **options: float) -> Metered:
    """The updates of a meter that is read more often than it is updated."""
    shown = metered(seed, truth, step_w=step_w, jitter_s=0.0, **options)
    rng = np.random.default_rng([seed, 5])
    t_ns = np.arange(shown.t_ns[0], shown.t_ns[-1], round(poll_s * 1e9)) + round(rng.random() * poll_s * 1e9)
    t_ns += rng.integers(0, round(poll_s * 5e7), len(t_ns))
    t_ns = t_ns[rng.random(len(t_ns)) >= LOST]
    steps = np.rint(shown.watts / step_w).astype(np.int64)[np.searchsorted(shown.t_ns, t_ns, "right") - 1]
    found = meter_updates(t_ns, steps, np.full(len(t_ns), 2_000_000))
    return Metered(
        found.t_ns,
        found.raw * step_w,
        found.spread_s,
        shown.energy_t_ns,
        shown.energy_j,
        found.together_s,
    )
