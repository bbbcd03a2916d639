"""The power behind overlapping means: the weights of a window's ends, and what a standstill may hide."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from microjoule.joules.gauges.boxcar import Boxcar, _begins, _leaning, overlaps


def weight(x: Fraction, w: Fraction) -> Fraction:
    """Of the power at x from the instant, in the energy up to it less its mean over the W around it."""
    if not -w / 2 <= x <= w / 2:
        return Fraction(0)
    return (x + w / 2) / w if x < 0 else (x - w / 2) / w


def integral(low: Fraction, high: Fraction, w: Fraction) -> Fraction:
    """Of the weight, which is linear between its three corners: trapezoids."""
    corners = sorted({low, high, *(c for c in (-w / 2, Fraction(0), w / 2) if low < c < high)})
    total = Fraction(0)
    for a, b in pairwise(corners):
        middle = weight((a + b) / 2, w)  # the mean of a line over a piece is its value in the middle
        total += middle * (b - a)
    return total


@pytest.mark.parametrize("w", [Fraction(1, 4), Fraction(1), Fraction(3)])
def test_the_weights_of_an_end_are_the_integrals_of_their_formula(w: Fraction) -> None:
    edges = [Fraction(n, 8) for n in range(-20, 21)]
    instants = [Fraction(0), Fraction(1, 16), Fraction(-7, 24)]
    expected = [[float(integral(a - t, b - t, w)) for a, b in pairwise(edges)] for t in instants]
    found = _leaning(np.array(edges, float), np.array(instants, float), float(w))
    assert found == pytest.approx(np.array(expected), abs=1e-12)


def test_the_overlaps_of_a_window_add_up_to_its_length() -> None:
    edges = np.array([0.0, 1.0, 1.5, 4.0])
    found = overlaps(edges, np.array([0.5, 1.2]), np.array([2.0, 1.4]))
    assert found == pytest.approx(np.array([[0.5, 0.5, 0.5], [0.0, 0.2, 0.0]]))


def test_an_edge_within_a_standstill_is_less_sure_than_at_its_end() -> None:
    """A burst between two standstills of which nobody knows when it was."""
    t_s = np.concatenate((np.arange(0, 3.0, 0.1), [4.4, 4.5, 6.0], np.arange(6.1, 9.0, 0.1)))
    watts = np.where((t_s > 4.0) & (t_s < 6.05), 80.0, 50.0)
    found = Boxcar(t_s, watts, 1.0, 0.1, 0.5, np.full(len(t_s), 0.005))
    begin = np.array([t_s[29], 3.7])  # the last update before the first standstill, of 1.5 s, and inside it
    at_end, inside = found.variance(begin, np.full(2, 8.5))
    # With one update behind it, of eight that would show all, it may hide 7/8 of 1.5 s times 30 W. A share f
    # of that lies before the edge: a variance of f (1 - f) of its square at least.
    assert inside - at_end > 0.25 * (7 / 8 * 1.5 * 30.0) ** 2


SLOW_S = np.concatenate((np.arange(1.0, 4.05, 0.1), [5.0, 6.0, 7.0, 8.0], np.arange(8.1, 10.0, 0.1)))


def slow(halved: bool) -> tuple[np.ndarray, Boxcar]:
    """Of 100 W until 4.5 s and 60 W from then on: the energy until instants of 10 ms, and the sensor's."""
    grid_s = np.arange(-1.0, 10.0, 0.001)
    energy_j = np.cumsum(np.where(grid_s < 4.5, 100.0, 60.0)) * 0.001
    begins_s = SLOW_S - 1.0
    if halved:
        begins_s[np.isin(SLOW_S, [6.0, 7.0, 8.0])] -= 1.0
    ends, begins = (np.interp(each, grid_s, energy_j) for each in (SLOW_S, begins_s))
    watts = (ends - begins) / (SLOW_S - begins_s)
    return watts, Boxcar(SLOW_S, watts, 1.0, 0.1, 0.05, np.full(len(SLOW_S), 0.005))


@pytest.mark.parametrize("halved", [False, True], ids=["of one second", "of two, as an RTX A5000"])
def test_a_mean_that_is_updated_once_in_a_second_is_of_one_or_two_as_the_readings_show(halved: bool) -> None:
    """A reading of 70 W between 80 and 60 W is one of the time since the last but one."""
    watts, found = slow(halved)
    assert watts[SLOW_S == 6.0] == pytest.approx(70.0 if halved else 60.0, abs=0.1)
    inside = (found.edges_s[:-1] >= 5.0 - 1e-9) & (found.edges_s[1:] <= 8.0 + 1e-9)
    assert found.watts[inside] == pytest.approx(60.0, abs=1.0)


def test_power_that_changes_in_each_standstill_leaves_the_means_those_of_a_window() -> None:
    watts, _ = slow(halved=False)
    watts[np.isin(SLOW_S, [5.0, 6.0, 7.0, 8.0])] = [90.0, 80.0, 75.0, 66.0]
    begins_s, is_sure = _begins(SLOW_S, watts, 1.0, 0.05)
    assert begins_s == pytest.approx(SLOW_S - 1.0)
    assert not is_sure.any()


@pytest.mark.parametrize("halved", [False, True])
def test_a_late_update_is_less_sure_unless_the_readings_show_what_it_is_the_mean_of(halved: bool) -> None:
    """When in the time beyond one and a half periods the sensor looked nobody knows: 0.3 of it."""
    _, found = slow(halved)
    late_s = found._late * 1.0  # of a window of one second
    is_late = np.isin(SLOW_S, [5.0, 6.0, 7.0, 8.0])
    assert late_s[~is_late] == pytest.approx(0.005)
    expected = 0.005 if halved else np.hypot(0.005, 0.3 * (1.0 - 0.15))
    assert late_s[is_late] == pytest.approx(expected)


@pytest.mark.parametrize("burst_w", [30.0, 0.3])
def test_a_burst_widens_windows_near_the_first_update_as_it_does_any(burst_w: float) -> None:
    """Of less than one window length by the whole of it, and of two by nothing; however small it is."""
    t_s = np.concatenate((np.arange(0, 0.35, 0.1), [1.8, 1.9, 3.4], np.arange(3.5, 6.0, 0.1)))
    watts = np.where((t_s > 1.7) & (t_s < 3.45), 50.0 + burst_w, 50.0)
    late_s = np.full(len(t_s), 0.005)
    found = Boxcar(t_s, watts, 1.0, 0.1, 0.5, late_s)
    before = np.arange(-3.0, -0.05, 0.1)
    longer = Boxcar(
        np.concatenate((before, t_s)),
        np.concatenate((np.full(len(before), 50.0), watts)),
        *(1.0, 0.1, 0.5),
        np.full(len(before) + len(t_s), 0.005),
    )
    begins, ends = np.array([0.05, 0.05, 0.05]), np.array([1.0, 1.55, 2.05])
    wider = longer._among_bursts(begins, ends)
    assert wider == pytest.approx([2.0, 1.5, 1.0])
    assert found._among_bursts(begins, ends) == pytest.approx(wider)


def hiding(pattern_w: list[float]) -> tuple[Boxcar, float]:
    """Three bins over and over, of which the third shows no update; and their mean.

    Before them it is idle at 60 W for 3 s, in which it is updated once in a second.
    """
    bins_w = np.concatenate((np.full(30, 60.0), np.tile(pattern_w, 60)))
    t_s = np.arange(1, len(bins_w) + 1) * 0.1
    watts = np.array([bins_w[max(i - 9, 0) : i + 1].mean() for i in range(len(bins_w))])
    at = np.arange(len(bins_w))
    is_seen = np.where(at < 30, at % 10 == 9, at % 3 != 2)
    late_s = np.full(is_seen.sum(), 0.001)
    found = Boxcar(t_s[is_seen], watts[is_seen], 1.0, 0.1, 0.1, late_s)
    inside = (found.edges_s[:-1] > 8.95) & (found.edges_s[1:] < 15.05)
    return found, float(found.watts[inside].mean())


@pytest.mark.parametrize("pattern_w", [[250.0, 200.0, 60.0], [180.0, 250.0, 62.0]])
def test_a_load_whose_idle_part_hides_its_own_updates_keeps_its_mean(pattern_w: list[float]) -> None:
    """Two of three readings leave the third bin anything, and the least change is the others' power."""
    found, mean_w = hiding(pattern_w)
    assert mean_w == pytest.approx(np.mean(pattern_w), abs=1.0)
    # What is taken for idle may be 7 % more: 4.2 W in a bin, 1 / 7 of which is left in its cycle of three.
    begin, end = np.array([6.0]), np.array([18.0])
    until_j = np.interp(np.append(begin, end), found.edges_s, found._moved_j)
    moved_j = np.diff(until_j)
    assert moved_j[0] == pytest.approx(40 * 0.1 * 4.2 / 7, rel=0.1)
    assert found.variance(begin, end)[0] > moved_j[0] ** 2


def test_a_value_that_repeats_itself_is_no_idle_machine() -> None:
    """Of steady power each third update is not seen because it is equal."""
    found, mean_w = hiding([250.0, 250.0, 250.0])
    assert mean_w == pytest.approx(250.0, abs=0.5)
    assert found._is_idle[found.edges_s[1:] < 4.0].any()
    assert not found._is_idle[found.edges_s[1:] > 4.3].any()  # a second after the last other power
