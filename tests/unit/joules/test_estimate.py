"""Estimates: what is shown, and how they add."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from microjoule.joules.estimate import STATUSES, Estimate, worst

ONE = Estimate(value=12.34, low=12.32, high=12.361)


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (ONE, "12.340 J [12.320, 12.361], sensor accuracy unknown"),
        (
            Estimate(value=1000.0, low=900.0, high=1300.0, accuracy=0.05),
            "1000 J [900, 1300], sensor accuracy 5 %",
        ),
        (
            Estimate(value=None, low=3.0, high=math.inf, status="reset"),
            "reset: at least 3.0000 J, sensor accuracy unknown",
        ),
        (
            Estimate(value=None, low=1.0, high=2.0, status="ambiguous", provenance="modelled"),
            "ambiguous: [1.0, 2.0] J, modelled, sensor accuracy unknown",
        ),
        (Estimate(value=0.0, low=0.0, high=0.0), "0.000 J [0.000, 0.000], sensor accuracy unknown"),
    ],
)
def test_estimate_shows_interval_and_accuracy(estimate: Estimate, text: str) -> None:
    """The interval's width decides the digits; the sensor's accuracy always stands beside it."""
    assert str(estimate) == text


def test_sum_has_the_worst_status_and_no_value_without_both() -> None:
    """One part without a value leaves the sum with an interval."""
    lost = Estimate(value=None, low=1.0, high=math.inf, status="incomplete", provenance="modelled")
    found = ONE + lost
    assert (found.value, found.low, found.high) == (None, 13.32, math.inf)
    assert (found.status, found.provenance) == ("incomplete", "modelled")


def test_worst_follows_the_order_failed_reset_ambiguous_incomplete_ok() -> None:
    """Each status outranks those before it."""
    for i, status in enumerate(STATUSES):
        assert all(worst(status, other) == status for other in STATUSES[: i + 1])


def test_only_exact_non_negative_numbers_scale() -> None:
    """A float would bring its own error into a guaranteed interval."""
    assert (ONE * Fraction(1, 2)).low == 6.16
    assert (2 * ONE).high == 24.722
    with pytest.raises(TypeError):
        ONE * 0.5  # type: ignore[operator]
    with pytest.raises(ValueError, match="non-negative"):
        ONE * -1


def test_joules_and_watts_do_not_add() -> None:
    """Energy never means power."""
    with pytest.raises(ValueError, match="cannot add W to J"):
        ONE + Estimate(value=1.0, low=1.0, high=1.0, unit="W")


def test_accuracy_of_a_sum_is_weighted_and_unknown_if_any_is() -> None:
    """Two known accuracies give the worst case of both; one unknown makes the sum's unknown."""
    one = Estimate(value=30.0, low=30.0, high=30.0, accuracy=0.02)
    two = Estimate(value=10.0, low=10.0, high=10.0, accuracy=0.10)
    assert (one + two).accuracy == pytest.approx(0.04)
    assert (one + ONE).accuracy is None
