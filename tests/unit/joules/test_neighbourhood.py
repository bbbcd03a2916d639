"""What is around an instant, against numpy and fits of a straight line."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from microjoule.joules.counters.neighbourhood import (
    LEAST_ROUGH,
    OWN,
    SEGMENTS,
    changes,
    median,
    recurrence,
    roughness,
    scatter,
    three_in_a_row,
    unevenness,
)

N = len(SEGMENTS)
there = arrays.arrays(bool, N)
values = arrays.arrays(np.float64, N, elements=st.integers(-1000, 1000).map(float))


@given(values, there)
@example(np.arange(float(N)), np.zeros(N, bool))
def test_a_median_is_the_lower_one_of_what_is_there(each, is_there):
    some = each[is_there]
    wanted = np.quantile(some, 0.5, method="inverted_cdf") if len(some) else 1.0
    assert median(each[None], is_there[None]).tolist() == [wanted]


@given(there)
def test_three_in_a_row_leave_the_instant_s_own_out(is_usual):
    wanted = [all(is_usual[k] and k != OWN for k in (first, first + 1, first + 2)) for first in range(N - 2)]
    assert three_in_a_row(is_usual[None])[0].tolist() == wanted


@given(values, there)
@example(np.arange(float(N)) ** 2, np.abs(SEGMENTS - 0.5) < 1)
def test_unevenness_is_what_a_straight_line_leaves(each, is_there):
    """Of fewer than two there is no line, and nothing strays from it; nor from one through two neighbours."""
    x, y = SEGMENTS[is_there].astype(float), each[is_there]
    columns = np.stack((np.ones(len(x)), x), axis=1)
    left = y - columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
    wanted = math.sqrt(left @ left / max(len(x), 1))
    assert unevenness(each[None], is_there[None])[0] == pytest.approx(wanted, abs=1e-9)


def rate_of(third, n_usual):
    """Rates whose second differences are these, about 1e6, and the first n that are usual."""
    rate = 1e6 + np.concatenate(([0.0, 0.0], np.cumsum(np.cumsum(third))))
    is_usual = np.arange(N) < n_usual
    return rate[None], is_usual[None]


@pytest.mark.parametrize(("n_usual", "is_told"), [(LEAST_ROUGH + 1, False), (LEAST_ROUGH + 2, True)])
def test_roughness_takes_eight_differences_at_least(n_usual, is_told):
    """Of ±2 in turn: 2 is the root mean square, and less than the lower quantile is taken for."""
    rate, is_usual = rate_of(np.tile([2.0, -2.0], N)[: N - 2], n_usual)
    wanted = 2e-6 * 1.09 / math.sqrt(20) if is_told else 0.0
    assert roughness(rate, is_usual)[0] == pytest.approx(wanted, rel=1e-3)


def test_a_few_steps_do_not_make_counts_rough():
    """Two fifths of the differences are no more than the third of seven: it stands for 0.5244 σ."""
    third = np.tile([0.1, -0.1, 0.2, -0.2, 50.0, -50.0], N)[: N - 2]
    rate, is_usual = rate_of(third, 22)
    twenty = np.sort(np.abs(third[:20]))
    wanted = twenty[8] / 0.5244 * 1e-6 * 1.09 / math.sqrt(20)
    assert roughness(rate, is_usual)[0] == pytest.approx(wanted, rel=1e-3)


def test_levels_that_recur_scatter_by_no_more_than_their_own_values_however_they_alternate():
    """Half of the updates are at one of two levels, each beside others: differences show the step alone."""
    chance = np.random.default_rng(8)
    there = np.ones((400, N), bool)
    rate = np.where(chance.random((400, N)) < 0.5, 60.0, 330.0) + chance.normal(0.0, 1.0, (400, N))
    mixed = chance.random((400, N)) < 0.5
    rate = np.where(mixed, chance.uniform(60.0, 330.0, (400, N)), rate)
    found = recurrence(rate, there, np.zeros(400))
    assert 2.0 < np.median(found) < 20.0
    assert np.mean(found > 1.0) > 0.99
    assert np.median(roughness(rate, there) * rate.mean(1)) > 20.0


def test_rates_nowhere_alike_scatter_by_twice_as_far_as_they_reach_and_of_few_nothing_is_told():
    rate = np.arange(float(N))[None]
    assert recurrence(rate, np.ones((1, N), bool), np.zeros(1)).tolist() == [2.0 * N]
    assert recurrence(0 * rate, np.ones((1, N), bool), np.full(1, 0.5)).tolist() == [N]
    for n in (LEAST_ROUGH, LEAST_ROUGH + 1):
        found = recurrence(rate, (np.arange(N) < n)[None], np.zeros(1))
        assert found.tolist() == [2.0 * n if n > LEAST_ROUGH else np.inf]


def test_white_scatter_of_counts_is_found_again():
    """Within a tenth: of normal errors at each update, in parts of an update's counts."""
    chance = np.random.default_rng(7)
    at_updates = 1000.0 * np.arange(N + 1) + 5.0 * chance.standard_normal((400, N + 1))
    found = roughness(np.diff(at_updates, axis=1), np.ones((400, N), bool))
    assert found.mean() == pytest.approx(5.0 / 1000, rel=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_changes_tell_how_much_a_count_scatters_though_power_steps_every_seventh_time(seed):
    rng = np.random.default_rng(seed)
    counts = np.where(np.arange(N) // 7 % 2, 700.0, 120.0) + 3.0
    found, alone = [], []
    for _ in range(200):
        late = rng.normal(0, 2.0, N + 1)
        found.append(changes((counts + np.diff(late))[None], np.ones((1, N), bool))[0] * 410)
        alone.append(changes((410 + np.diff(late))[None], np.ones((1, N), bool))[0] * 410)
    assert np.mean(alone) == pytest.approx(2.0, rel=0.1)
    assert np.mean(found) < 12.0


def test_too_few_changes_tell_nothing():
    few = np.arange(N) < LEAST_ROUGH
    assert changes(np.ones((1, N)), few[None]).tolist() == [math.inf]
    assert changes(np.ones((1, N)), (np.arange(N) <= LEAST_ROUGH)[None]).tolist() == [0.0]


@given(values, there)
def test_scatter_is_the_standard_deviation_from_a_line_where_neighbours_have_little_in_common(each, is_there):
    x, y = SEGMENTS[is_there].astype(float), each[is_there]
    columns = np.stack((np.ones(len(x)), x), axis=1)
    left = np.full(N, np.nan)
    left[is_there] = y - columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
    square, change = np.nansum(left**2), np.nansum(np.diff(left) ** 2)
    assume(abs(change - 1.2 * square) > 1e-6 * max(square, 1e-9))
    is_told = len(x) >= LEAST_ROUGH and change > 1.2 * square
    wanted = math.sqrt(square / (len(x) - 4)) if is_told else math.inf
    assert scatter(each[None], is_there[None])[0] == pytest.approx(wanted, abs=1e-6)


def test_scatter_of_what_wanders_is_not_told_and_of_a_zigzag_is():
    some = np.ones((1, N), bool)
    assert scatter(np.sin(SEGMENTS / 4.0)[None] * 100, some).tolist() == [math.inf]
    (found,) = scatter(np.where(SEGMENTS % 2, 3.0, -3.0)[None], some)
    assert found == pytest.approx(3.0, rel=0.1)
