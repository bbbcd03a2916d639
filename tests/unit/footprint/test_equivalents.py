"""Comparisons that people understand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microjoule.errors import BadAmount, UnknownEquivalent
from microjoule.footprint.equivalents import Bounded, compare, equivalent, equivalents, keys, of_kind
from microjoule.units import GRAMS, J_PER_KWH, J_PER_WH, S_PER_HOUR

STRUBELL_NAS_G = 626_155 * GRAMS["lb"]


def test_the_five_cars_of_the_press():
    assert equivalent("car-lifetime", STRUBELL_NAS_G).count == pytest.approx(4.97, abs=0.005)


@pytest.mark.parametrize(
    ("key", "pounds"),
    [("flight-ny-sf", 1984), ("human-year", 11_023), ("american-year", 36_156), ("car-lifetime", 126_000)],
)
def test_the_papers_table_1_in_pounds(key, pounds):
    assert equivalent(key, pounds * GRAMS["lb"]).count == pytest.approx(1, rel=1e-6)


def test_bert_is_roughly_a_flight_across_america():
    assert equivalent("flight-ny-sf", 1438 * GRAMS["lb"]).count == pytest.approx(0.72, abs=0.01)


def test_a_brain_is_half_a_kilowatt_hour_a_day():
    assert equivalent("brain-day", 480 * J_PER_WH).count == pytest.approx(1)


def test_a_phone_and_a_home_are_counted_from_energy_and_not_from_co2e_of_one_grid():
    assert equivalent("phone-charge", 19.5 * J_PER_WH).count == pytest.approx(1)
    assert equivalent("home-electricity-year-us", 10_791 * J_PER_KWH).count == pytest.approx(1)
    with pytest.raises(BadAmount, match="not an equivalent of CO2e"):
        of_kind("phone-charge", "co2e_g")


def test_the_range_is_that_of_the_factor():
    found = equivalent("car-km", 1000)
    assert found.count_low < found.count < found.count_high
    assert found.count == pytest.approx(1000 / 175)


def test_what_is_not_given_is_left_out():
    of_energy = {"brain-day", "phone-charge", "home-electricity-year-us"}
    assert {each.key for each in equivalents(energy_j=1)} == of_energy
    assert {each.key for each in equivalents(co2e_g=1)} == set(keys()) - of_energy
    assert equivalents() == ()


def test_every_row_says_who_says_so():
    for each in equivalents(co2e_g=1, energy_j=1):
        assert each.factor.origin.source
        assert each.factor.origin.licence
        assert each.factor.unit in ("g", "g/km", "W", "Wh", "kWh")


def test_two_pipelines_on_one_input():
    """Cell Ranger and kallisto-bustools on hgmm10k_v3: 21.5 h against 27.0 min on one machine."""
    watts, g_per_kwh = 200.0, 384.4

    def grams(hours):
        return hours * S_PER_HOUR * watts / J_PER_KWH * g_per_kwh

    cell_ranger = Bounded(grams(21.5), grams(21.0), grams(22.0))
    kallisto = Bounded(grams(27 / 60), grams(26 / 60), grams(28 / 60))
    found = compare(cell_ranger, kallisto)
    assert found.ratio == pytest.approx(47.8, abs=0.05)
    assert found.ratio_low == pytest.approx(21.0 / (28 / 60))
    assert found.ratio_high == pytest.approx(22.0 / (26 / 60))
    assert found.first.factor is found.second.factor or found.first.factor == found.second.factor
    assert found.first.count / found.second.count == pytest.approx(found.ratio)
    assert found.first.count == pytest.approx(9.44, abs=0.01)  # km: across Los Angeles
    assert found.second.count == pytest.approx(0.198, abs=0.001)  # km: a few blocks


@given(st.floats(1e-3, 1e12), st.floats(1e-3, 1e12), st.sampled_from(keys()))
def test_the_ratio_does_not_depend_on_what_is_counted(one, other, key):
    found = compare(Bounded(one), Bounded(other), key)
    assert found.first.count / found.second.count == pytest.approx(one / other)
    assert found.ratio_low == found.ratio == found.ratio_high


def test_nothing_to_compare_with_has_no_ratio():
    found = compare(Bounded(1.0), Bounded(0.0, 0.0, 2.0))
    assert (found.ratio, found.ratio_low, found.ratio_high) == (None, 0.5, None)


@pytest.mark.parametrize("bad", [(-1,), (float("nan"),), (float("inf"),), (1, 2, 3), (1, 0, 0.5)])
def test_amounts_that_cannot_be_are_refused(bad):
    with pytest.raises(BadAmount):
        Bounded(*bad)
    with pytest.raises(BadAmount):
        equivalents(co2e_g=-1)


def test_an_unknown_key_is_answered_with_the_nearest():
    with pytest.raises(UnknownEquivalent, match="car-km"):
        equivalent("car-kms", 1)
