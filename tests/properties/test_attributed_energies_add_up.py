"""What is attributed, and what is nobody's, comes to what was measured, within the interval of the sum."""

import math
from dataclasses import replace
from functools import reduce

import pytest
from ideal import US
from launches import BASE, Launches

LENGTHS = {
    "all short": (0.3, 0.4, 0.3),
    "one long": (0.3, 25.0, 0.4),
    "all long": (30.0, 25.0, 20.0),
}


@pytest.mark.parametrize("length_ms", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("scatter", [0.0, 0.5])
@pytest.mark.parametrize("seed", range(4))
def test_the_sum_is_the_measured_energy(length_ms, scatter, seed):
    scene = Launches(replace(BASE, poll_ns=250 * US, n=1000), seed, length_ms=length_ms, scatter=scatter)
    found = scene.attributed()
    total = reduce(lambda one, other: one + other, (share.energy for share in found.shares))
    assert sum(share.time_ns for share in found.shares) == pytest.approx(found.t1_ns - found.t0_ns, rel=1e-6)
    # Their intervals have no more in common than the readings: together they are a little over one in two.
    # The fit knows each update by its two readings alone, and the measured energy by the grid of all of them.
    ends = 2 * math.sqrt(2) * 225.0 * 250e-6 / math.sqrt(12)
    assert abs(total.value - found.measured.value) <= 1.5 * math.hypot(total.U, found.measured.U, ends)
    assert sum(share.energy.U for share in found.shares) > total.U
    methods = {share.method for share in found.shares}
    assert ("bracketed" in methods) == (max(length_ms) > 20)
