"""Where an update was seen late, one beside it that was seen as it came bounds the wait."""

from __future__ import annotations

import numpy as np
import pytest
from ideal import S
from scripted import MS, PACKAGE_W, channel

from microjoule.joules.counters.counter import Counter
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import Component
from microjoule.measuring.repeats import averaged
from microjoule.measuring.waits import energies
from microjoule.trace.series import Series

T0 = 1_000 * MS
READ_NS = 20_000
RUN_NS, EVERY_NS = 3 * MS, 13 * MS
N = 50


BEGUN = T0 + np.arange(N) * EVERY_NS + 5 * MS  # each run a tenth of an update after one


def counter(away_ns, others_j=0.0):
    """Updated each millisecond; nobody reads while code runs, and for some time before and after it.

    Besides what is drawn all the time, something else uses energy at once 4.8 ms before each run.
    """
    t_ns = np.arange(T0, T0 + (N + 1) * EVERY_NS, READ_NS)
    into_ns = (t_ns - T0) % EVERY_NS
    before_ns, after_ns = away_ns
    is_read = (into_ns < 5 * MS - before_ns) | (into_ns >= 5 * MS + RUN_NS + after_ns)
    # And once as the code is about to begin, the first time after the thread was away.
    t_ns = np.union1d(t_ns[is_read], BEGUN - 1000)
    updated_ns = (t_ns - T0 + 100_000) // MS * MS - 100_000
    joules = PACKAGE_W * (updated_ns + MS) / S + others_j * ((updated_ns - MS // 5) // EVERY_NS + 1)
    n = len(t_ns)
    rows = t_ns, np.full(n, 500, np.uint32), np.rint(1000 * joules).astype(np.uint64), np.zeros(n, np.uint16)
    return Counter(Series(*rows), channel("package-0", ""))


def found(of, reach_ns):
    """The mean of the runs, with a wait whose power is known to 0.05 W."""
    part = Component("baseline", 0.05, "A", group="baseline:spin")
    wait = Estimate(value=PACKAGE_W, low=0.0, high=100.0, unit="W", components=(part,))
    return averaged(energies(of, BEGUN, BEGUN + RUN_NS, wait, reach_ns))


@pytest.mark.parametrize("away_ns", [(2_300_000, 0), (0, 2_300_000), (1_200_000, 1_700_000)])
def test_updates_that_are_seen_late_at_the_same_phase_bias_no_mean(away_ns):
    """No number of runs would average it out."""
    mean = found(counter(away_ns), 4 * MS)
    assert mean.value == pytest.approx(PACKAGE_W * RUN_NS / S, abs=mean.U)
    assert mean.U < 1e-3


def test_a_wait_goes_no_farther_than_it_is_known_to():
    """Beyond it something else ran, however well the updates there were seen."""
    of, truth_j = counter((4_500_000, 0), others_j=1.0), PACKAGE_W * RUN_NS / S
    half_an_update_j = PACKAGE_W * MS / 2 / S
    assert found(of, 4 * MS).value == pytest.approx(truth_j, abs=half_an_update_j)
    assert found(of, 8 * MS).value > truth_j + half_an_update_j  # where it was called a wait
