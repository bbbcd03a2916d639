"""How much powers of pieces scatter that no update sees alone, from what made-up powers leave."""

from __future__ import annotations

import numpy as np
import pytest

from microjoule.joules.marks.unseen_scatter import Left, unseen_scatter

MOST = 1 / np.sqrt(3)  # of a power that may be anything from nothing to twice that of its name
CUT = 0.5
RNG = np.random.default_rng(1)
PIECES = np.concatenate((RNG.uniform(50, 400, 60) ** 2, np.zeros(60)))
TIME_NS = RNG.uniform(0.8e6, 1.2e6, len(PIECES))
APART = RNG.uniform(50, 90, len(PIECES)) ** 2
COMMON = np.where(PIECES > 0, RNG.uniform(5, 40, len(PIECES)) ** 2, 0.0)


def expected(share, a=1.0, other=0.0):
    """E[e²] of each pair of updates."""
    return CUT + COMMON + a * (APART - COMMON) + other * TIME_NS + share**2 * PIECES


def scatter(square, some=slice(None), times=1):
    """Of some of the pairs, each so many times."""
    columns = [np.tile(each[some], times) for each in (square, APART, COMMON, TIME_NS, PIECES)]
    square, apart, common, time_ns, pieces = columns
    return unseen_scatter(Left(square, apart, common, CUT, time_ns, pieces))


@pytest.mark.parametrize("other", [0.0, 2e-3])
@pytest.mark.parametrize("a", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.3])
def test_the_share_that_pieces_are_off_by_is_found_the_closer_the_more_updates_there_are(share, a, other):
    """What is added to r² is its standard uncertainty, which falls with the root of their number."""
    square = expected(share, a, other)
    beyond = [scatter(square, times=times) ** 2 - share**2 for times in (100, 400, 1600)]
    assert min(beyond) > 0
    assert np.divide(beyond[:-1], beyond[1:]) == pytest.approx([2.0, 2.0], rel=0.02)
    assert beyond[-1] < 1e-3


def test_four_of_five_times_no_more_is_there_than_is_said_and_seldom_much_less():
    rng = np.random.default_rng(2)
    found = [scatter(expected(0.2) * rng.chisquare(1, len(PIECES)), times=1) for _ in range(400)]
    assert np.mean(np.array(found) >= 0.2) > 0.75
    assert np.median(found) < 0.3


def test_what_updates_do_not_show_is_a_power_from_nothing_to_twice_that_of_the_name():
    assert scatter(expected(0.0), PIECES == 0) == MOST
    least = np.argmin(np.where(PIECES > 0, PIECES, np.inf))
    assert scatter(expected(0.0), [least]) == MOST
    assert scatter(expected(0.9), times=1000) == pytest.approx(0.9, rel=1e-3)
    assert scatter(expected(1.5), times=1000) == 1.0


@pytest.mark.parametrize(("n", "is_told"), [(20, True), (19, False)])
def test_without_twenty_updates_that_show_other_power_all_of_it_is_of_the_pieces(n, is_told):
    some = np.concatenate(
        (np.repeat(np.flatnonzero(PIECES > 0), 4000 // 60), np.flatnonzero(PIECES == 0)[:n])
    )
    found = scatter(expected(0.1, other=4e-2), some)
    own = np.sqrt(0.01 + 4e-2 * TIME_NS.mean() / PIECES[PIECES > 0].mean())
    assert (found > 0.9 * own) is not is_told


def test_updates_are_no_further_apart_than_is_known_of_them():
    """Pieces scatter so that the errors of updates, were they larger, would explain it as well."""
    some = np.repeat(np.flatnonzero(PIECES > 0), 100)
    square = CUT + APART + 0.09 * PIECES + 3 * (APART - COMMON)
    assert scatter(square, some) > 0.3
    assert scatter(square, some) ** 2 * PIECES[some].mean() > 0.9 * (square - APART)[some].mean()
