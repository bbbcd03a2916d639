"""Windows that begin or end next to the first or the last reading: the quantum that fills there is in them.

A counter of few quanta stands still until the next one is full. Of what was gained meanwhile no reading tells
more than that it is less than a quantum; the power next to it tells how much is likely.
"""

import numpy as np
import pytest
from ideal import MS, T0, Ideal, S, constant, step, thinned
from scipy.stats import binomtest

from microjoule.joules.counters.counter import Counter

SETTLED_NS = 3 * MS  # behind which a window has a figure, of updates of 1 ms
UNIT_J = float(Ideal(constant(1.0)).unit)
WINDOWS = 150
# Quanta an update, from a window's ends to those of the readings, and its length: in quanta's times.
ENDS = {
    "neither quantum is whole": (0.0, 0.0, 2.5),
    "few quanta, a part of one behind them": (0.2, 0.6, 4.0),
    "many quanta, the last one is not whole": (4.0, 0.0, 20.0),
    "few quanta, the first one is not whole": (0.0, 3.0, 3.0),
}


def window(seed, quanta, before, after, length, falls=0.0):
    """An estimate and its truth, in joules; power may fall to 15 % so many quanta before its end."""
    rng = np.random.default_rng([seed, 77])
    power_w = quanta * UNIT_J / 1e-3 * rng.uniform(0.95, 1.05)
    each_ns = MS / quanta
    t0 = T0 + round(30 * MS + each_ns * rng.uniform(0, 20))
    t1 = t0 + round(length * each_ns * rng.uniform(0.8, 1.2))
    first, last = t0 - round(before * each_ns) - MS, t1 + round(after * each_ns) + SETTLED_NS
    readings = round((last - T0) / MS * 1.1)
    wave = step(power_w, 0.15 * power_w, (t1 - T0 - falls * each_ns) / S) if falls else constant(power_w)
    ideal = Ideal(wave, seed=seed, n=readings, jitter=0.02, limit_w=100.0)
    series = thinned(ideal.series, (ideal.series.t_ns >= first) & (ideal.series.t_ns <= last))
    return Counter(series, ideal.channel).energy(t0, t1), ideal.truth(t0, t1)


def is_held(windows):
    """Whether at least 93 % are, as far as so many can tell; guaranteed intervals hold always."""
    covered, figures = 0, 0
    for estimate, truth in windows:
        assert estimate.low - 1e-12 <= truth <= estimate.high + 1e-12
        figures += estimate.value is not None
        covered += estimate.value is not None and abs(estimate.value - truth) <= estimate.U
    assert figures > WINDOWS / 2
    return binomtest(covered, figures).proportion_ci(0.999).high >= 0.93


# Of more quanta an update, or several on either side, nothing that is done about them moves U.
@pytest.mark.parametrize("quanta", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("ends", ENDS)
def test_what_no_reading_shows_of_a_quantum_at_an_end_is_in_the_value_and_its_uncertainty(ends, quanta):
    assert is_held(window(seed, quanta, *ENDS[ends]) for seed in range(WINDOWS))


@pytest.mark.parametrize("quanta", [0.05, 0.3])
def test_a_quantum_that_fills_more_slowly_than_those_before_it_may_have_any_part_of_itself(quanta):
    """Taken to be as quick as they, or to be none, half of these windows are not held."""
    falls = np.random.default_rng(78).uniform(2, 10, WINDOWS).tolist()
    many = ENDS["many quanta, the last one is not whole"]
    assert is_held(window(seed, quanta, *many, falls[seed]) for seed in range(WINDOWS))
