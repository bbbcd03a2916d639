"""Estimates: what is shown, and how they add."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from microjoule.errors import BadFormat, NotComparable, NoValue, UnitMismatch
from microjoule.joules.estimates.estimate import STATUSES, Estimate, worst
from microjoule.joules.estimates.total import Total
from microjoule.joules.estimates.uncertainty import Component

ONE = Estimate(value=12.34, low=12.32, high=12.361)


def known(value: float, half: float, unit: str = "J") -> Estimate:
    """A figure with ± ``half`` at 95 %."""
    return Estimate(
        value=value,
        low=value - 2 * half,
        high=value + 2 * half,
        unit=unit,
        components=(Component("edges", half / 2),),
    )


def test_a_figure_is_ok_where_it_has_a_value() -> None:
    assert ONE.is_ok
    assert not Estimate(value=None, low=0.0, high=math.inf, status="failed").is_ok


@pytest.mark.parametrize(("value", "unit"), [(2e-20, "pJ"), (2e20, "TJ")])
def test_what_is_beyond_all_prefixes_has_the_last_one(value: float, unit: str) -> None:
    assert unit in str(known(value, value / 10))


def test_components_of_one_name_are_one_row_of_the_budget() -> None:
    """3 and 4 come to 5 of 13; the row has the fewest degrees of freedom, and all kinds, forms and groups."""
    parts = (
        Component("gain", 3.0, "A", "t", 9.0, "a"),
        Component("gain", 4.0, "B", "normal", 3.0, "b"),
        Component("edges", 12.0),
    )
    rows = Estimate(value=1.0, low=0.0, high=2.0, components=parts).budget()
    assert [row["name"] for row in rows] == ["edges", "gain"]
    gain = rows[1]
    assert gain == {
        "name": "gain", "u": 5.0, "share": pytest.approx(25 / 169), "kind": "A/B", "form": "normal/t",
        "dof": 3.0, "groups": ["a", "b"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (known(0.00385, 0.00029), "3.85 mJ ± 0.29 mJ"),
        (known(1.167, 0.035, "1"), "1.167 ± 0.035"),
        (known(-4e-6, 0.002), "0.0 mJ ± 2.0 mJ"),
        (known(0.0, 0.5), "0 mJ ± 500 mJ"),
        (known(0.99999, 0.01), "1.000 J ± 0.010 J"),
        (known(54.63, 3.2, "W"), "54.6 W ± 3.2 W"),
        (known(7200.0, 0.5, "s"), "7200 s ± 1 s"),
        (known(3.6e6, 1.0), "3.600 MJ ± 0.001 MJ"),
        (known(1.2e-5, 3e-7, "1"), "12.00e-06 ± 0.30e-06"),
        (known(123456.0, 7000.0, "1"), "123500 ± 7000"),
        (known(12.0, math.inf), "12.0 J ± ∞"),
        (known(0.0, 0.0), "0 J"),
        (ONE, "12.34 J (guaranteed 12.32 … 12.37 J)"),
        (Estimate(value=1000.0, low=900.0, high=1300.0), "1.00 kJ (guaranteed 0.90 … 1.30 kJ)"),
        (Estimate(value=None, low=3.0, high=math.inf, status="reset"), "reset (guaranteed at least 3.000 J)"),
        (
            Estimate(value=None, low=1.0, high=2.0, status="ambiguous", provenance="estimated"),
            "ambiguous (guaranteed 1.00 … 2.00 J) (estimated)",
        ),
        (Estimate(value=None, low=0.0, high=math.inf, status="failed"), "failed"),
        (Estimate(value=0.0, low=0.0, high=0.0), "0 J"),
    ],
)
def test_a_figure_and_its_uncertainty_end_at_the_same_digit(estimate: Estimate, text: str) -> None:
    """An SI prefix, two digits of ±, no digit that means nothing, no sign before zero, no unit ``1``."""
    assert str(estimate) == text
    assert repr(estimate) == f"Estimate({text})"
    assert f"{estimate}" == text


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (".4f", "0.0039"),
        ("8.1e", " 3.9e-03"),
        ("mJ", "3.85 mJ ± 0.29 mJ"),
        ("uJ", "3850 µJ ± 290 µJ"),
        ("µWh", "1.069 µWh ± 0.081 µWh"),
        (".1f mJ", "3.9 mJ"),
        (".2fmJ", "3.85 mJ"),
    ],
)
def test_a_format_names_a_number_format_or_a_unit_or_both(spec: str, text: str) -> None:
    """``.4f`` gives the bare figure in ``unit``."""
    assert format(known(0.00385, 0.00029), spec) == text


def test_a_format_of_a_figure_without_value_is_a_dash_or_what_is_known() -> None:
    """A program that prints its own line does not fail because a reading did."""
    lost = Estimate(value=None, low=0.003, high=math.inf, status="incomplete")
    assert f"{lost:.3f}" == f"{lost:.3f mJ}" == "–"
    assert f"{lost:J}" == "incomplete (guaranteed at least 0.003000 J)"


@pytest.mark.parametrize("spec", ["mW", "furlong", ".1q", "kg"])
def test_a_format_that_is_none_names_the_units(spec: str) -> None:
    with pytest.raises(BadFormat, match=r"in J cannot be written.*mJ, J, kJ"):
        format(known(1.0, 0.1), spec)
    assert format(known(0.5, 0.1, "1"), ".1%") == "50.0%"


def test_float_is_the_value_and_says_where_there_is_none() -> None:
    assert float(ONE) == 12.34
    with pytest.raises(NoValue, match=r"incomplete.*`\.low`"):
        float(Estimate(value=None, low=1.0, high=2.0, status="incomplete"))


@pytest.mark.parametrize("other", [ONE, known(1.0, 0.1), 3, 3.5, Fraction(1, 3)])
def test_estimates_have_no_order(other: object) -> None:
    """Each of the four raises and says what to compare instead; so does equality with a number."""
    compared = [operator.lt, operator.le, operator.gt, operator.ge]
    for compare in compared if isinstance(other, Estimate) else [*compared, operator.eq, operator.ne]:
        with pytest.raises(NotComparable, match=r"float\(a\) < float\(b\)"):
            compare(ONE, other)
        with pytest.raises(TypeError):
            compare(other, ONE)


def test_equality_of_estimates_is_that_of_all_their_attributes() -> None:
    assert known(1.0, 0.1) == known(1.0, 0.1) != known(1.0, 0.2)
    assert hash(known(1.0, 0.1)) == hash(known(1.0, 0.1))
    assert ONE != None  # noqa: E711
    assert ONE != "12.34 J"
    assert Total(value=1.0, low=1.0, high=1.0) == Total(value=1.0, low=1.0, high=1.0)
    with pytest.raises(NotComparable):
        Total(value=1.0, low=1.0, high=1.0) == 1.0  # noqa: B015


def test_sum_has_the_worst_status_and_no_value_without_both() -> None:
    """One part without a value leaves the sum with an interval."""
    lost = Estimate(value=None, low=1.0, high=math.inf, status="incomplete", provenance="estimated")
    found = ONE + lost
    assert (found.value, found.low, found.high) == (None, 13.32, math.inf)
    assert (found.status, found.provenance) == ("incomplete", "estimated")


def test_worst_follows_the_order_failed_reset_ambiguous_incomplete_ok() -> None:
    """Each status outranks those before it."""
    for i, status in enumerate(STATUSES):
        assert all(worst(status, other) == status for other in STATUSES[: i + 1])


@pytest.mark.parametrize("half", [0.5, Fraction(1, 2), np.float64(0.5), np.float32(0.5)])
def test_numbers_scale_the_figure_its_intervals_and_its_components(half: Any) -> None:
    e = known(2.0, 0.2)
    for found in (e * half, half * e, e / (1 / half)):
        assert (found.value, found.low, found.high, found.U) == (1.0, 0.8, 1.2, pytest.approx(0.1))


def test_a_negative_factor_swaps_the_ends_of_the_interval() -> None:
    assert ((-ONE).value, (-ONE).low, (-ONE).high) == (-12.34, -12.361, -12.32)
    lost = Estimate(value=None, low=1.0, high=math.inf, status="incomplete")
    assert ((lost * -1).low, (lost * -1).high) == (-math.inf, -1.0)
    assert ((lost * 0).low, (lost * 0).high) == (0.0, 0.0)


def test_division_of_a_number_by_a_figure_has_the_inverse_unit() -> None:
    per_joule = 500 / known(2.0, 0.2)
    assert (per_joule.value, per_joule.unit, per_joule.U) == (250.0, "1/J", pytest.approx(25.0))
    assert str(per_joule) == "250 1/J ± 25 1/J"
    with pytest.raises(ZeroDivisionError):
        1 / known(0.0, 0.1)
    with pytest.raises(ZeroDivisionError):
        ONE / 0
    with pytest.raises(ZeroDivisionError):
        ONE / 0.0


@pytest.mark.parametrize("factor", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_does_not_scale(factor: float) -> None:
    for scale in (lambda: ONE * factor, lambda: ONE / factor, lambda: factor / ONE):
        with pytest.raises(ValueError, match="cannot be scaled"):
            scale()


def test_sum_adds_from_nothing_and_keeps_what_is_shared() -> None:
    """Components of one group add with their signs: two figures of one gain are twice as uncertain."""
    gain = Estimate(value=10.0, low=9.0, high=11.0, components=(Component("gain", 0.5, group="gain:a"),))
    alone = Estimate(value=10.0, low=9.0, high=11.0, components=(Component("edges", 0.5),))
    assert sum([gain, gain]).u == 1.0  # type: ignore[union-attr]
    assert sum([alone, alone]).u == pytest.approx(math.hypot(0.5, 0.5))  # type: ignore[union-attr]
    with pytest.raises(TypeError):
        ONE + 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        1 + ONE


def test_a_quotient_of_units_without_a_name_is_written_out() -> None:
    """It was ``1`` once, which made a ratio of it."""
    assert ((ONE * ONE) / known(2.0, 0.1, "W")).unit == "J·J/W"
    assert (known(4.0, 0.1) / known(2.0, 0.1, "W")).unit == "s"
    assert (known(4.0, 0.1) / known(2.0, 0.1)).unit == "1"


def test_joules_and_watts_do_not_add() -> None:
    """Energy never means power."""
    with pytest.raises(UnitMismatch, match="in W cannot be added to one in J"):
        ONE + Estimate(value=1.0, low=1.0, high=1.0, unit="W")


def test_accuracy_of_a_sum_is_weighted_and_unknown_if_any_is() -> None:
    """Two known accuracies give the worst case of both; one unknown makes the sum's unknown."""
    one = Estimate(value=30.0, low=30.0, high=30.0, accuracy=0.02)
    two = Estimate(value=10.0, low=10.0, high=10.0, accuracy=0.10)
    assert (one + two).accuracy == pytest.approx(0.04)
    assert (one + ONE).accuracy is None
