"""A step back that the channel's power cannot explain is a reset."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from ideal import Ideal, pulses, tame

from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.unwrap import Step

# Updates so rare that one may have been missed at the end, which its power limit bounds too.
SLOW = Ideal(
    wave=pulses(1.0, 0.0002, 0.03125),
    n=100,
    poll_ns=333_000,
    jitter=0.0,
    read_ns=0,
    declared_max=1.6,
    limit_w=1.0,
)


@example(SLOW, 5, 0)
@given(tame(100), st.integers(5, 95), st.integers(0, 1 << 30))
def test_reset_is_not_a_wrap(ideal: Ideal, at: int, left: int) -> None:
    """A counter that starts again gives no value over the reset, and the same as before elsewhere."""
    ideal = replace(ideal, modulus=1 << 32, start=(1 << 31) + 1000)
    series = ideal.series
    raw = series.raw.copy()
    raw[at:] -= raw[at] - np.uint64(left)
    broken = Counter(replace(series, raw=raw), ideal.channel)
    assert broken.steps.code[at - 1] == Step.RESET
    across = broken.energy(*ideal.inside(0.02, 0.98))
    assert across.status in ("reset", "incomplete")
    assert across.value is None
    a, b = int(series.t_ns[0] + series.read_ns[0]), int(series.t_ns[-1])
    over = broken.energy(a, b)
    assert over.status == "reset"
    assert over.low <= ideal.truth(a, b) + 1e-9
    assert over.high >= ideal.truth(a, b)  # which the power limit may bound, behind the last update as well
    no_limit = replace(ideal.channel, trust=replace(ideal.channel.trust, power_limit_w=0.0))
    assert Counter(replace(series, raw=raw), no_limit).energy(a, b).high == math.inf
