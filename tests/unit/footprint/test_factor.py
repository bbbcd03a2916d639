"""Factors, their units, and the figures that a person writes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microjoule.errors import BadFactor
from microjoule.footprint.conversion import figure, intensity, per_kwh, product, scaled
from microjoule.footprint.conversion import given as written
from microjoule.footprint.factor import Factor, Origin
from microjoule.units import GRAMS, KWH

SOMEONE = Origin(source="someone")
SIZES = st.floats(0, 1e9, allow_subnormal=False)


def factor(value, unit="g/kWh", low=None, high=None):
    low, high = value if low is None else low, value if high is None else high
    return Factor(name="f", value=value, low=low, high=high, unit=unit, origin=SOMEONE)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, -math.inf])
def test_a_factor_is_finite_and_not_negative(value):
    with pytest.raises(BadFactor):
        factor(value)


def test_a_factor_lies_in_its_range():
    with pytest.raises(BadFactor, match="low <= value <= high"):
        factor(5.0, low=6.0, high=7.0)


def test_pounds_are_never_taken_for_kilograms():
    with pytest.raises(BadFactor, match="lb/kWh"):
        factor(0.954, "lb/kWh").in_unit("g/kWh")


def test_a_pound_a_kilowatt_hour_is_converted_on_purpose_only():
    assert intensity("grid", "0.954 lb/kWh").value == pytest.approx(432.727, abs=0.001)
    assert intensity("grid", "0.4327 kg/kWh").value == pytest.approx(432.7)
    assert intensity("grid", "775.239 lb/MWh").value == pytest.approx(351.642, abs=0.001)


@pytest.mark.parametrize("text", ["0.954", "0.954 lb", "0.954 lb/kW", "0.12 USD/kWh", "432 g/kwh"])
def test_a_figure_without_its_unit_is_a_sentence(text):
    with pytest.raises(BadFactor, match="Write the unit"):
        intensity("grid", text)


@pytest.mark.parametrize("text", ["-5 g/kWh", "nan g/kWh", "inf g/kWh", "g/kWh", ""])
def test_a_figure_that_is_none_is_a_sentence(text):
    with pytest.raises(BadFactor):
        intensity("grid", text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1e3 g/kWh", (1000.0, "g/kWh")),
        ("0.12USD/kWh", (0.12, "USD/kWh")),
        ("0.2 EUR / kWh", (0.2, "EUR/kWh")),
        ("1_000 requests", (1000.0, "requests")),
        (".5", (0.5, "")),
    ],
)
def test_a_figure_is_a_number_and_a_unit(text, found):
    assert figure(text) == found


@given(SIZES, st.sampled_from(sorted(GRAMS)), st.sampled_from(sorted(KWH)))
def test_there_and_back_is_the_same(value, mass, energy):
    there = per_kwh(factor(value, f"{mass}/{energy}"), GRAMS, "g/kWh")
    back = scaled(there, KWH[energy] / GRAMS[mass], f"{mass}/{energy}")
    assert back.value == pytest.approx(value, rel=1e-12)


@given(SIZES, SIZES, st.floats(0, 10))
def test_a_product_multiplies_both_ends(low, more, share):
    one = factor(low, low=low, high=low + more)
    found = product(one, factor(share, "1", low=share / 2, high=share * 2))
    assert (found.low, found.value) == (one.low * (share / 2), one.value * share)
    assert found.high == one.high * (share * 2)
    assert found.unit == "g/kWh"


def test_a_product_takes_a_bare_number_only():
    with pytest.raises(BadFactor, match="1 is needed"):
        product(factor(1.0), factor(1.0))


def test_what_the_user_writes_says_so():
    assert written("PUE", "1.2").origin.source == "given by the user"
