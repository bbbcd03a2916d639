"""Running statistics are those of each reading's neighbours, and what they say of known loads."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from microjoule.joules.gauges import running

F64 = npt.NDArray[np.float64]


def whole_numbers(n: int, seed: int) -> F64:
    return np.random.default_rng(seed).integers(-40, 60, n).astype(float)


def around(x: F64, k: int) -> list[list[int]]:
    """Of each reading its neighbours on either side, and itself."""
    return [[int(each) for each in x[max(i - k, 0) : i + k + 1]] for i in range(len(x))]


@pytest.mark.parametrize(("n", "k"), [(1, 3), (2, 1), (7, 2), (50, 8), (50, 64)])
def test_a_mean_is_that_of_the_neighbours(n: int, k: int) -> None:
    x = whole_numbers(n, n)
    expected = [float(Fraction(sum(each), len(each))) for each in around(x, k)]
    assert running.local_mean(x, k) == pytest.approx(expected)
    assert not len(running.local_mean(x[:0], k))


def test_rounding_leaves_no_mean_of_squares_below_nothing() -> None:
    x = np.where(np.arange(3000) < 1000, 1e9 / 3, 0.0)
    found = running.local_mean(x, 3)
    assert found.min() == 0.0
    assert running.local_mean(-x, 3).min() < -1e8


@pytest.mark.parametrize("n", [1, 3, 20, 200])
@pytest.mark.parametrize("k", [1, 2, 3, 7, 32])
def test_an_extreme_is_that_of_the_neighbours(n: int, k: int) -> None:
    x = whole_numbers(n, n + k)
    assert running.extreme(x, np.maximum, k).tolist() == [max(each) for each in around(x, k)]
    assert running.extreme(x, np.minimum, k).tolist() == [min(each) for each in around(x, k)]


def test_changes_go_together_by_their_products_over_their_squares() -> None:
    step, k = whole_numbers(60, 1), 5
    step[20:34] = 0.0
    products = around(np.append(step[1:] * step[:-1], 0.0), k)
    squares = around(step**2, k)
    expected = [
        float(Fraction(sum(a), sum(b))) if any(b) else 0.0 for a, b in zip(products, squares, strict=True)
    ]
    assert max(np.abs(expected)) > 0.5
    assert running.together(step, k) == pytest.approx(np.clip(expected, -1, 1))
    assert running.together(np.ones(60), k)[10:40] == pytest.approx(1.0)
    assert running.together((-1.0) ** np.arange(60), k)[10:40] == pytest.approx(-1.0)


def by_hand(watts: F64, size: int) -> list[float]:
    """Of each gap the mean over 129 differences of neighbouring sums, whose middles are the nearest."""
    n = len(watts)
    square = {
        at + size - 1: (watts[at + size : at + 2 * size].sum() - watts[at : at + size].sum()) ** 2
        for at in range(n - 2 * size + 1)
    }
    found = []
    for gap in range(n - 1):
        middle = min(max(gap, min(square)), max(square))
        near = [each for at, each in square.items() if abs(at - middle) <= 64]
        found.append(sum(near) / len(near) / (2 * size))
    return found


@pytest.mark.parametrize("n", [64, 400])
def test_sums_scatter_as_the_differences_of_neighbouring_ones_say(n: int) -> None:
    watts = whole_numbers(n, n)
    watts[n // 3 :] += 300.0
    single = by_hand(watts, 1)
    for size, found in zip((1, 2, 4, 8, 16), running.long_run(watts), strict=True):
        assert found == pytest.approx(np.minimum(single, by_hand(watts, size)))


def test_independent_readings_have_their_variance_in_sums_of_any_length() -> None:
    watts = np.random.default_rng(3).normal(200.0, 5.0, 20_000)
    of = [each.mean() for each in running.long_run(watts)]
    assert of[0] == pytest.approx(25.0, rel=0.05)
    assert of[-1] == pytest.approx(25.0, rel=0.25)
    turns = running.long_run(200.0 + (-1.0) ** np.arange(500))
    assert turns[0] == pytest.approx(2.0)
    assert turns[1] == pytest.approx(0.0, abs=1e-9)


def test_turns_that_come_and_go_are_in_longer_sums_than_pairs() -> None:
    """High and low by turns for 16 readings, then low for 16: pairs next to each other are mostly alike."""
    watts = np.tile(np.append(np.tile([1.0, 0.0], 8), np.zeros(16)), 20)
    singles, pairs, *_, sixteens = (of.mean() for of in running.long_run(watts))
    assert sixteens == pytest.approx(singles)
    assert pairs < singles / 4


def test_of_few_readings_longer_sums_say_what_shorter_ones_do() -> None:
    """Four neighbouring sums are the least; fewer than four readings show nothing."""
    watts = whole_numbers(9, 5)
    found = running.long_run(watts)
    assert [each.tolist() for each in found[2:]] == [found[1].tolist()] * 3
    assert found[1].tolist() == pytest.approx(np.minimum(by_hand(watts, 1), by_hand(watts, 2)))
    assert [each.tolist() for each in running.long_run(watts[:3])] == [[0.0, 0.0]] * 5


def steps(rises: list[int], falls: list[int], n: int = 60) -> tuple[F64, F64]:
    """Steps of a repeated load of 100 W, and the power behind them."""
    step = np.zeros(n)
    step[rises], step[falls] = 100.0, -100.0
    return step, np.concatenate(([0.0], np.cumsum(step)))


def test_steps_that_come_equally_far_apart_are_counted() -> None:
    """Five rises 6 updates apart and then four 5 apart; the falls come at random."""
    rises, falls = [2, 8, 14, 20, 26, 31, 36, 41], [3, 9, 17, 22, 28, 33, 37, 43]
    step, watts = steps(rises, falls)
    found = running.whole_steps_apart(step, watts, False)
    assert found[rises].tolist() == [5, 5, 5, 5, 5, 4, 4, 4]
    assert np.delete(found, rises).tolist() == [1] * (len(step) - len(rises))
    down = running.whole_steps_apart(-step, -watts, False)
    assert down.tolist() == found.tolist()


@pytest.mark.parametrize(("rises", "row"), [([2, 8, 14], 1), ([2, 8, 14, 20], 4), ([2, 8, 14, 21], 1)])
def test_three_steps_or_uneven_ones_are_chance(rises: list[int], row: int) -> None:
    step, watts = steps(rises, [each + 2 for each in rises])
    step[5:8] = (3.0, -2.0, -1.0)  # as noise has
    step[40:60:5], step[42:60:5] = 28.0, -28.0  # in a row, and too small
    watts = np.concatenate(([0.0], np.cumsum(step)))
    found = running.whole_steps_apart(step, watts, False)
    assert found[rises].tolist() == [row] * len(rises)
    assert set(found[40:].tolist()) == {1.0}
    assert running.whole_steps_apart(0 * step, 0 * watts, True).tolist() == [1] * len(step)


@pytest.mark.parametrize(("apart", "row"), [(5, 3.0), (7, 3.0), (4, 9.0)])
def test_steps_that_creep_past_a_gap_are_spread_over_it(apart: int, row: float) -> None:
    """Nine of them are 6 updates apart, and the one before and the one after an update more, or less, away.

    Where they are an update nearer once and farther once, or two, they do not creep.
    """
    rises = np.cumsum([2, apart, *[6] * 8, apart]).tolist()
    step, watts = steps(rises, [each + 2 for each in rises], 80)
    assert running.whole_steps_apart(step, watts, True)[rises[1:-1]].tolist() == [row] * 9
    assert running.whole_steps_apart(step, watts, False)[rises[1:-1]].tolist() == [9.0] * 9
    uneven = np.cumsum([2, 5, *[6] * 8, 7]).tolist()
    step, watts = steps(uneven, [each + 2 for each in uneven], 80)
    assert running.whole_steps_apart(step, watts, True)[uneven[1:-1]].tolist() == [9.0] * 9


def test_a_step_that_a_reading_is_in_the_middle_of_is_in_no_gap() -> None:
    rises = [2, 8, 14, 20, 26, 32, 38, 44, 50]
    step, watts = steps(rises, [each + 3 for each in rises])
    step[26], step[27] = 60.0, 40.0
    watts = np.concatenate(([0.0], np.cumsum(step)))
    assert running.whole_steps_apart(step, watts, True)[rises].tolist() == [4.0] * 4 + [1.0] + [4.0] * 4
    assert running.whole_steps_apart(step, watts, False)[rises].tolist() == [5.0] * 5 + [4.0] * 4


@pytest.mark.parametrize(("part", "row"), [(20.0, 1.0), (2.0, 25.0)])
def test_steps_inside_of_what_is_looked_at_are_in_no_gap(part: float, row: float) -> None:
    """Readings of four that repeat: a fifth below the high level, low, a fifth above it, high."""
    watts = np.tile([100.0 - part, 0.0, part, 100.0], 25)
    found = running.whole_steps_apart(np.diff(watts), watts, True)
    falls = np.flatnonzero(np.diff(watts) < -50)
    assert found[falls].tolist() == [row] * len(falls)


def test_steps_that_readings_do_not_mirror_are_anywhere() -> None:
    """Of 80, 0, 40 and 100 W two are no mirror image of the others: it is not high for half of the time."""
    watts = np.tile([80.0, 0.0, 40.0, 100.0], 25)
    step = np.diff(watts)
    found = running.whole_steps_apart(step, watts, True)
    assert found[step < -50].tolist() == [25.0] * 25
