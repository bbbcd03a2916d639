"""The quantum that was filling as readings began or ended, worked out by hand."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from microjoule.joules.counters.cut_quanta import NONE, CutQuanta, cut_quantum

ANY = 1 / math.sqrt(12)  # of a part of which nothing is known


def cut(lengths_ns, steps, waited_ns):
    return cut_quantum(np.array(lengths_ns, np.float64), np.array(steps, np.float64), waited_ns)


def test_steady_quanta_go_on_and_n_of_them_leave_an_nth_of_any_part_open() -> None:
    """50 ns each; of 20 ns 0.4 quanta, ± 0.4/(n √12)."""
    for n in (1, 2, 8):
        found = cut([50] * n, [1] * (n + 1), 20.0)
        assert (found.length_ns, found.waited_ns) == (50.0, 20.0)
        assert found.unknown == pytest.approx(0.4 * ANY / n)


def test_what_is_unknown_grows_with_time_up_to_the_end_of_the_readings() -> None:
    found = cut([50], [1, 1], 20.0)
    wanted = found.unknown * np.array([0.0, 0.25, 1.0, 1.0])
    assert found.unknown_at(np.array([0.0, 5.0, 20.0, 60.0])) == pytest.approx(wanted)


def test_quanta_that_are_unlike_tell_less_of_the_next() -> None:
    """40 and 60 ns: they scatter by √2/5 of their mean, and the next one by √1.5 times that."""
    unlike = math.hypot(ANY / 2, math.sqrt(0.08 * 1.5))
    for waited_ns in (5.0, 20.0):
        found = cut([40, 60], [1, 1, 1], waited_ns)
        assert found.length_ns == 50.0
        assert found.unknown == pytest.approx(waited_ns / 50.0 * unlike)
    any_part = cut([40, 60], [1, 1, 1], 50.0)  # which they tell no better
    assert (any_part.length_ns, any_part.unknown) == (100.0, pytest.approx(ANY))


@pytest.mark.parametrize(("n", "waited_ns"), [(0, 200.0), (8, 200.0), (8, 60.0)])
def test_a_quantum_that_takes_longer_than_any_before_it_may_have_any_part(n: int, waited_ns: float) -> None:
    found = cut([50] * n, [1] * (n + 1), waited_ns)
    assert (found.length_ns, found.unknown) == (2 * waited_ns, pytest.approx(ANY))


def test_a_wait_that_is_hardly_longer_than_a_quantum_is_one() -> None:
    found = cut([50] * 8, [1] * 9, 52.0)
    assert (found.length_ns, found.unknown) == (52.0, pytest.approx(ANY / 8))


def test_a_step_of_two_quanta_took_as_long_as_two() -> None:
    assert cut([50, 100, 50, 50], [1, 1, 2, 1, 1], 20.0).length_ns == pytest.approx(50.0)


@pytest.mark.parametrize("steps", [[2, 1, 1, 1, 1], [1, 3, 2, 1, 1], [7, 8, 7, 8, 7]])
def test_where_a_counter_grows_by_more_than_single_quanta_none_is_cut(steps: list[int]) -> None:
    assert cut([50] * 4, steps, 20.0) is NONE


def test_a_reading_that_shows_a_quantum_itself_cuts_none() -> None:
    """So it is of what is up to date at every read."""
    assert cut([50], [1, 1], 0.0) is NONE


@pytest.mark.parametrize("steps", [[0], [0, 0, 0], [0, 1 / 6, 0]])
def test_a_counter_that_shows_no_quantum_fills_none(steps: list[float]) -> None:
    """An idle machine used nothing: what it may have hidden is in the guaranteed interval."""
    assert cut([50] * (len(steps) - 1), steps, 20.0) == NONE


def test_single_quanta_beside_a_step_of_none_are_single_quanta() -> None:
    assert cut([50] * 4, [1, 1, 0, 1, 1], 20.0) is not NONE


class _Times(SimpleNamespace):
    """Ten updates 50 ns apart; 20 ns after the first reading and, the last one, 10 ns before the last."""

    first_ns, last_ns = 80, 560

    def __len__(self) -> int:
        return 10

    def located(self, k):
        return SimpleNamespace(t_ns=100 + 50 * k)


@pytest.mark.parametrize("left", [[-1, 4, 9], [-1, -1, -1], [9, 9, 9], [3, 4, 5]])
def test_only_instants_before_the_first_update_and_after_the_last_one_have_part_of_a_cut_quantum(
    left,
) -> None:
    """Of 262,144 counts each; instants lie 5 ns before the first update and 5 ns after any other."""
    cut_quanta = CutQuanta(_Times(), lambda k: k << 18, 1 << 18, lambda: False)
    found = cut_quanta.unknown(np.array(left), np.where(np.array(left) < 0, 45.0, 5.0), np.full(3, 50.0))
    of_end = {-1: cut_quanta.first, 9: cut_quanta.last}
    expected = [of_end[k].unknown_at(np.array([5.0]))[0] * (1 << 18) if k in of_end else 0.0 for k in left]
    assert found.tolist() == pytest.approx(expected)
    assert cut_quanta.first.unknown > cut_quanta.last.unknown > 0
