"""The footprint of an energy: products of factors, with two ranges that are never folded into one."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microjoule.errors import BadFactor, UnitMismatch
from microjoule.footprint.chosen_factors import FactorOptions, terms
from microjoule.footprint.factor import Factor, Origin
from microjoule.footprint.footprint import amount, attached, footprint
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import NORMAL, Component
from microjoule.report import footprint_lines
from microjoule.units import J_PER_KWH

FIGURES = st.floats(0, 1e12, allow_subnormal=False)
SHARES = st.floats(0, 1)
FRANCE = terms(FactorOptions(zone="FR", pue="1.2", price="0.2 EUR/kWh"))


def measured(kwh, low=None, high=None):
    joules = kwh * J_PER_KWH
    low = joules if low is None else low * J_PER_KWH
    return Estimate(value=joules, low=low, high=joules if high is None else high * J_PER_KWH)


def grid(low, value, high):
    return Factor(name="grid", low=low, value=value, high=high, unit="g/kWh", origin=Origin(source="x"))


@given(FIGURES, FIGURES, SHARES, SHARES)
def test_co2e_is_energy_times_pue_times_intensity(joules, intensity, below, above):
    energy = Estimate(value=joules, low=joules * below, high=joules * (1 + above))
    of = replace(FRANCE, intensity=grid(intensity * below, intensity, intensity * (1 + above)))
    found = footprint(energy, of, 1.0).location
    kwh = joules / J_PER_KWH
    assert found.value == pytest.approx(kwh * 1.2 * intensity)
    assert found.guaranteed == pytest.approx(
        (energy.low / J_PER_KWH * 1.2 * intensity, energy.high / J_PER_KWH * 1.2 * intensity)
    )
    assert found.choice == pytest.approx((kwh * 1.2 * of.intensity.low, kwh * 1.2 * of.intensity.high))


@given(st.lists(FIGURES, min_size=1, max_size=8))
def test_footprints_add_as_their_energies_do(joules):
    parts = [footprint(Estimate(value=j, low=j / 2, high=2 * j), FRANCE, 1.0) for j in joules]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    total = sum(joules)
    direct = footprint(Estimate(value=total, low=total / 2, high=2 * total), FRANCE, 1.0)
    assert whole.location.value == pytest.approx(direct.location.value)
    assert whole.location.guaranteed == pytest.approx(direct.location.guaranteed)
    assert whole.location.choice == pytest.approx(direct.location.choice)
    assert whole.electricity is not None
    assert direct.electricity is not None
    assert whole.electricity.value == pytest.approx(direct.electricity.value)


@given(FIGURES, st.floats(0, 1e3))
def test_twice_the_intensity_is_twice_the_co2e(joules, intensity):
    energy = Estimate(value=joules, low=joules, high=joules)
    one = footprint(energy, replace(FRANCE, intensity=grid(intensity, intensity, intensity)), 1.0)
    two = footprint(energy, replace(FRANCE, intensity=grid(*[2 * intensity] * 3)), 1.0)
    assert two.location.value == pytest.approx(2 * one.location.value)


def test_the_measurement_and_the_choice_are_two_ranges():
    found = footprint(measured(1.0, 0.9, 1.1), replace(FRANCE, intensity=grid(10, 100, 1000)), 1.0).location
    assert found.value == pytest.approx(120)
    assert found.guaranteed == pytest.approx((108, 132))
    assert found.choice == pytest.approx((12, 1200))


def test_an_energy_without_a_figure_has_no_co2e_and_never_a_zero():
    lost = Estimate(value=None, low=J_PER_KWH, high=math.inf, status="incomplete")
    plain = footprint(lost, FRANCE, 1.0).to_json()
    assert plain["status"] == "incomplete"
    assert plain["co2e_location"]["value"] is None
    assert plain["co2e_location"]["choice"] is None
    low, high = plain["co2e_location"]["guaranteed"]
    assert (low, high) == (pytest.approx(1.2 * 41.5), None)
    json.dumps(plain, allow_nan=False)


def test_a_zero_intensity_of_an_unbounded_energy_is_zero_and_not_nan():
    lost = Estimate(value=None, low=0.0, high=math.inf, status="failed")
    assert amount(lost, grid(0, 0, 0), "g").guaranteed == (0.0, 0.0)


def test_a_factor_in_pounds_is_refused():
    pounds = replace(grid(0.954, 0.954, 0.954), unit="lb/kWh")
    with pytest.raises(BadFactor, match="lb/kWh"):
        footprint(measured(1.0), replace(FRANCE, intensity=pounds), 1.0)


def test_watts_are_no_energy():
    with pytest.raises(UnitMismatch, match="W"):
        amount(Estimate(value=1.0, low=1.0, high=1.0, unit="W"), grid(1, 1, 1), "g")


def test_dollars_and_euros_do_not_add():
    one = footprint(measured(1.0), FRANCE, 1.0)
    other = footprint(measured(1.0), terms(FactorOptions(price="0.1 USD/kWh")), 1.0)
    with pytest.raises(UnitMismatch, match="USD"):
        one + other


def test_market_based_stands_beside_location_based():
    found = footprint(
        measured(2.0), terms(FactorOptions(zone="US-SRVC", market="0 g/kWh wind contract")), 1.0
    )
    assert found.market is not None
    assert found.market.value == 0
    assert found.location.value == pytest.approx(2 * 269.016)
    assert found.marginal is not None
    assert found.marginal.value == pytest.approx(2 * 586.622)


def test_the_software_carbon_intensity_is_energy_and_embodied_by_unit():
    """The standard's example: 1000 kg over 4 years is 28.5 g in an hour."""
    of = terms(
        FactorOptions(
            method="sci", intensity="400 g/kWh", pue="1.5", embodied="1000 kg / 4 y", per="100 requests"
        )
    )
    found = footprint(measured(2.0), of, 1.0)
    assert found.embodied is not None
    assert found.embodied.value == pytest.approx(28.54, abs=0.01)
    assert found.score is not None
    assert found.score.unit == "g/requests"
    assert found.score.value == pytest.approx((2.0 * 1.5 * 400 + 28.54) / 100, abs=1e-3)
    bought = terms(FactorOptions(method="sci", market="0 g/kWh wind", embodied="1 kg / 1 y", per="1 run"))
    assert bought.market is None


def test_a_summary_gets_a_footprint_for_each_window_and_its_terms_once():
    total = {
        "energy_j": 3.6e6,
        "guaranteed_j": [3.5e6, None],
        "status": "ok",
        "provenance": "measured",
        "channels": [],
    }
    summary = {"windows": [{"name": "run", "duration_s": 3600.0, "total": total}]}
    found = attached(summary, FRANCE)
    (window,) = found["windows"]
    assert window["footprint"]["co2e_location"]["value"] == pytest.approx(1.2 * 41.5)
    assert window["footprint"]["co2e_location"]["guaranteed"][1] is None
    assert found["footprint"]["method"] == "default"
    assert found["footprint"]["factors"]["intensity"]["source"].startswith("Ember")
    assert len(found["footprint"]["data"]) == 12
    assert "footprint" not in summary["windows"][0]
    json.dumps(found, allow_nan=False)


def test_the_sensors_error_reaches_grams_and_money():
    """The guaranteed interval leaves the sensor out; ± U at 95 % has it, and is shown beside it."""
    joules = J_PER_KWH
    gain = Component("gain", 0.1 * joules, "B", NORMAL, group="gain")
    energy = Estimate(value=joules, low=0.998 * joules, high=1.002 * joules, components=(gain,))
    found = footprint(energy, FRANCE, 1.0)
    for part in (found.facility, found.location, found.electricity):
        assert part.U / part.value == pytest.approx(energy.U / joules)
        assert part.guaranteed == pytest.approx((0.998 * part.value, 1.002 * part.value))
    doubled_u = (found + found).location.U
    assert doubled_u == pytest.approx(2 * found.location.U)
    assert json.loads(json.dumps(found.to_json()))["co2e_location"]["U"] == found.location.U
    line = " ".join(" ".join(footprint_lines.parts(found.to_json())).split())
    assert "± 20 % (95 %); counter alone ± 0.2 % (guaranteed)" in line
    told = {"energy_j": joules, "guaranteed_j": [energy.low, energy.high], "U_j": energy.U, "status": "ok"}
    window = {"name": "w", "duration_s": 1.0, "total": {**told, "provenance": "measured"}}
    (reported,) = attached({"windows": [window]}, FRANCE)["windows"]
    assert reported["footprint"]["co2e_location"]["U"] == pytest.approx(found.location.U)
    assert footprint(measured(1.0), FRANCE, 1.0).location.U is None
