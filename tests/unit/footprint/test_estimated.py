"""Energies that nobody measured."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microjoule.errors import BadFactor, BadJob
from microjoule.footprint.chosen_factors import FactorOptions, terms
from microjoule.footprint.estimated import Hours, Job, energy, estimate
from microjoule.footprint.methods import METHODS, method
from microjoule.units import J_PER_KWH


def kwh(job, name="default"):
    return energy(job, method(name)).value / J_PER_KWH


@given(st.floats(0, 1e6), st.integers(1, 10_000))
def test_wall_hours_and_device_hours_are_two_ways_of_saying_one_thing(hours, devices):
    wall = Hours.of(devices, wall=hours)
    assert wall.device == devices * hours
    assert Hours.of(devices, device=wall.device).wall == pytest.approx(hours)


@pytest.mark.parametrize("given_hours", [{}, {"wall": 1.0, "device": 8.0}])
def test_hours_are_given_in_exactly_one_way(given_hours):
    with pytest.raises(BadJob, match="exactly one"):
        Hours.of(8, **given_hours)


@pytest.mark.parametrize(
    "words",
    [
        {"devices": 0, "wall": 1.0},
        {"devices": 0, "device": 1.0},
        {"devices": 1, "wall": -1.0},
        {"devices": 1, "wall": math.nan},
        {"devices": 1, "device": math.inf},
    ],
)
def test_hours_that_are_none_are_a_sentence(words):
    with pytest.raises(BadJob):
        Hours.of(**words)


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"hardware": "V100", "utilisation": 1.5},
        {"hardware": "V100", "utilisation": -0.1},
        {"hardware": "V100", "cpu_w": -1.0},
        {"device_w": math.nan},
        {"device_w": math.inf},
    ],
)
def test_a_job_that_is_none_is_a_sentence(words):
    with pytest.raises((BadJob, BadFactor)):
        Job(hours=Hours.of(1, wall=1.0), **words)


def test_the_search_of_2019_is_two_million_gpu_hours_and_not_a_quarter_of_one():
    assert Hours.of(8, wall=274_120).device == 2_192_960


@given(st.floats(0, 1e5), st.integers(1, 512), st.floats(0.01, 1))
def test_an_estimate_is_linear_in_its_hours(hours, devices, utilisation):
    def job(of):
        return Job(hours=Hours.of(devices, wall=of), hardware="V100", utilisation=utilisation)

    assert kwh(job(2 * hours)) == pytest.approx(2 * kwh(job(hours)))
    assert kwh(job(hours)) == pytest.approx(0.3 * devices * hours * utilisation)


def test_what_was_not_measured_says_so():
    found = estimate(Job(hours=Hours.of(8, wall=24.0), hardware="V100"), terms(FactorOptions(zone="FR")))
    assert found.footprint.energy.provenance == "estimated"
    assert found.footprint.to_json()["provenance"] == "estimated"
    assert any("nothing was measured" in each for each in found.assumed)


def test_an_unknown_utilisation_opens_the_interval_down_to_idle():
    job = Job(hours=Hours.of(1, wall=1.0), hardware="V100-SXM2")
    found = energy(job, method("default"))
    assert found.value == pytest.approx(0.3 * J_PER_KWH)
    assert found.low == pytest.approx(0.113 * 0.3 * J_PER_KWH)
    told = Job(hours=Hours.of(1, wall=1.0), hardware="V100-SXM2", utilisation=0.5)
    assert energy(told, method("default")).low == pytest.approx(0.15 * J_PER_KWH)


def test_each_method_counts_its_own_things():
    """The same job by five methods: which parts of the machine, and whether utilisation, enter."""
    job = Job(
        hours=Hours.of(4, wall=10.0),
        hardware="V100-SXM2",
        cpu_w=100.0,
        memory_gb=64.0,
        utilisation=0.5,
    )
    memory_w = 64 * 0.3725
    whole = (4 * 150 + 100 + memory_w) * 10 / 1000
    expected = {
        "default": whole,
        "greenalgorithms": whole,
        "sci": whole,
        "strubell2019": (4 * 300 + 100 + memory_w) * 10 / 1000,
        "lacoste2019": 4 * 300 * 10 / 1000,
    }
    assert {each.name: kwh(job, each.name) for each in METHODS} == pytest.approx(expected)


def test_lacoste_2019_is_power_times_time_times_intensity():
    job = Job(hours=Hours.of(1, device=100.0), hardware="V100")
    found = estimate(job, terms(FactorOptions(method="lacoste2019", zone="FR"))).footprint
    assert found.location.value == pytest.approx(300 * 100 / 1000 * 41.5)


def test_green_algorithms_multiplies_by_the_building():
    job = Job(hours=Hours.of(1, wall=10.0), device_w=200.0, memory_gb=100.0)
    found = estimate(job, terms(FactorOptions(method="greenalgorithms", zone="FR", pue="1.67"))).footprint
    assert found.location.value == pytest.approx(10 * (200 + 37.25) / 1000 * 1.67 * 41.5)


def test_hire_and_electricity_are_two_costs():
    job = Job(hours=Hours.of(8, wall=10.0), hardware="P100", provider="gcp")
    paper = FactorOptions(method="strubell2019", price="0.1 USD/kWh", pue="1")
    found = estimate(job, terms(paper)).footprint
    assert found.electricity is not None
    assert found.electricity.value == pytest.approx(8 * 0.25 * 10 * 0.1)
    assert found.rental is not None
    assert found.rental.choice == pytest.approx((0.43 * 80, 1.46 * 80))
    machine = estimate(job, terms(FactorOptions(price="0.1 USD/kWh", pue="1"))).footprint
    assert machine.rental is None, "the price of an accelerator alone is no price of a machine"


def test_green_algorithms_brings_its_own_constants():
    """Lannelongue et al.: PUE 1.56 and 475 g/kWh where nothing is given; a processor by its cores; PSF."""
    job = Job(hours=Hours.of(1, wall=10.0), hardware="Intel Xeon E5-2683 v4", cores=8, utilisation=1.0)
    found = estimate(job, terms(FactorOptions(method="greenalgorithms"))).footprint
    assert found.location.value == pytest.approx(10 * 120 * 8 / 16 / 1000 * 1.56 * 475)
    thrice = replace(job, scaling=3.0)
    assert estimate(thrice, terms(FactorOptions(method="greenalgorithms"))).footprint.location.value == (
        pytest.approx(3 * found.location.value)
    )
    default = estimate(thrice, terms(FactorOptions(pue="1", intensity="475 g/kWh")))
    assert default.footprint.location.value == pytest.approx(found.location.value / 1.56)
    assert any("scaling factor" in each for each in default.assumed)
    cloud = estimate(job, terms(FactorOptions(method="greenalgorithms", zone="aws:eu-north-1")))
    assert cloud.footprint.facility.value == pytest.approx(10 * 60 / 1000 * 1.1, rel=0.02)


def test_lacoste_2019_brings_its_own_regions():
    job = Job(hours=Hours.of(1, device=100.0), hardware="V100")
    region = terms(FactorOptions(method="lacoste2019", zone="gcp:us-central1"))
    assert estimate(job, region).footprint.location.value == pytest.approx(30 * 566.3)
    assert estimate(job, terms(FactorOptions(method="lacoste2019"))).footprint.location.value == (
        pytest.approx(30 * 432)
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"hardware": "Intel Xeon E5-2683 v4", "cores": 17}, "has 16 cores"),
        ({"hardware": "Apple M2 Pro", "cores": 4}, "is not known"),
        ({"hardware": "V100", "cores": 0}, "at least one core"),
        ({"hardware": "V100", "scaling": 0.5}, "is not valid"),
    ],
)
def test_cores_and_scaling_that_are_none_are_a_sentence(words, sentence):
    with pytest.raises(BadJob, match=sentence):
        estimate(Job(hours=Hours.of(1, wall=1.0), **words), terms(FactorOptions()))


def test_a_processor_is_not_without_a_cpu():
    job = Job(hours=Hours.of(1, wall=1.0), hardware="AMD EPYC 7763")
    assert not any("CPU" in each for each in estimate(job, terms(FactorOptions())).assumed)
    gpu = Job(hours=Hours.of(1, wall=1.0), hardware="V100")
    assert any("without CPU and memory" in each for each in estimate(gpu, terms(FactorOptions())).assumed)
