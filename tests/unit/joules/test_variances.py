"""Causes that speak of the same joules are not added up."""

import numpy as np
import pytest

from microjoule.joules.estimates.uncertainty import K_OF_RECTANGULAR
from microjoule.joules.gauges.profile import Profile
from microjoule.joules.gauges.step_loss import OF_BOUND, steps_j
from microjoule.joules.gauges.variances import Variances


def drawn() -> Variances:
    return Variances(*np.random.default_rng(5).uniform(0, 4, (6, 40)))


def of_ends(of: Variances) -> np.ndarray:
    """U², J²."""
    return 4 * (of.begin + of.end) + 6 * of.swing


def test_ends_beside_steps_have_the_larger_of_both() -> None:
    lost_j = np.linspace(-6, 6, 40)
    steps2 = (K_OF_RECTANGULAR * lost_j) ** 2
    left = drawn().beside(lost_j, is_fitted=False)
    assert of_ends(left) + steps2 == pytest.approx(np.maximum(of_ends(drawn()), steps2))
    assert (of_ends(left) == 0).any()
    assert (left.inner == drawn().inner).all()


def test_what_bins_hide_is_not_what_a_fit_spreads_of_steps() -> None:
    left = drawn().beside(np.full(40, 1.0), is_fitted=True)
    assert (left.begin == drawn().begin).all()
    assert left.swing == pytest.approx(np.maximum(drawn().swing - K_OF_RECTANGULAR**2 / 6, 0))


def test_no_more_is_left_open_than_power_may_be_off_by() -> None:
    most2 = np.linspace(0, 100, 40)
    held = drawn().within(most2)
    of_all, of_held = (of_ends(each) + 4 * (each.inner + each.box + each.whole) for each in (drawn(), held))
    assert of_held == pytest.approx(np.minimum(of_all, most2))


@pytest.mark.filterwarnings("error")
def test_windows_of_which_nothing_is_open_keep_nothing_however_much_power_may_be_off_by() -> None:
    nothing = Variances(*np.zeros((6, 1)))
    assert np.array_equal(nothing.within(np.array([20e3**2])), nothing), "400 W for 50 s"


def lost_j(watts: list[float], t_s: float, lag_s: float = 0.0) -> float:
    """What a window that ends at an instant loses, of means of a quarter of each second."""
    ends = np.arange(1.0, len(watts) + 1)
    profile = Profile(ends - 0.25, ends, np.array(watts), np.zeros(len(watts)), 1e-3)
    return float(steps_j(profile, np.array([4.5]), np.array([t_s]), 0.0, lag_s, np.full(len(watts), True))[0])


def test_power_that_stands_still_around_an_instant_did_not_step_there() -> None:
    watts = [60.0] * 8 + [300.0] * 8
    assert lost_j(watts, 8.4) > 0  # after the eighth reading, before the ninth
    assert lost_j(watts, 7.4) == 0
    assert lost_j(watts, 9.4) == 0


def test_a_fall_loses_what_a_rise_gains() -> None:
    watts = np.array([60.0] * 8 + [300.0] * 8)
    assert lost_j(list(watts), 8.4) == pytest.approx(-lost_j(list(360 - watts), 8.4))


def test_a_lag_either_way_moves_half_of_itself_over_a_step() -> None:
    watts = [60.0] * 8 + [300.0] * 8
    most_j = OF_BOUND * 1.12 * 240 * 2.0 / 2  # with the margin of a step that few readings show
    assert 0.85 * most_j < lost_j(watts, 8.375, 2.0) - lost_j(watts, 8.375) < most_j
    assert lost_j(watts, 6.0, 0.5) == 0
    assert lost_j(watts, 16.0, 0.5) == pytest.approx(0, abs=1e-6), "behind the last reading nothing is known"
