"""± of several traces is one figure: in the sum of an archive, in a project's total and in a footprint."""

import json
import math
from dataclasses import replace

import pytest
from team import trace

from microjoule.archive import adding, layout
from microjoule.archive.totals import Question, totals
from microjoule.cli import main
from microjoule.footprint import FactorOptions
from microjoule.footprint.chosen_factors import terms as chosen
from microjoule.footprint.footprint import footprint
from microjoule.joules.energy_trace import load
from microjoule.joules.estimates.estimate import Estimate, summed
from microjoule.joules.estimates.sentence import headline
from microjoule.joules.estimates.uncertainty import Component, of_trace
from microjoule.joules.jobs.job import Job
from microjoule.joules.jobs.job_part import part

TERMS = chosen(FactorOptions(zone="DE", price="0.30 EUR/kWh"))


def test_a_total_has_the_uncertainty_of_the_archive(tmp_path, capsys):
    """Edges of several traces are independent, the gain of their machine is not."""
    pytest.importorskip("duckdb")
    of = layout.opened(str(tmp_path / "archive"), is_made=True)
    watts = (40, 60, 30)
    paths = [trace(tmp_path / f"{n}.arrows", seed=n, watts=each) for n, each in enumerate(watts)]
    for path in paths:
        adding.add(of, path, "p", TERMS)
    (row,) = totals(of, Question.of("", layout.EVERYTHING))["rows"]
    words = ["--total", "--zone", "DE", "--price", "0.30 EUR/kWh", "--json", "-"]
    assert main(["report", *map(str, paths), *words]) == 0
    total = json.loads(capsys.readouterr().out)["total"]["footprint"]
    assert total["facility"]["U"] / total["facility"]["value"] == pytest.approx(
        row["U_j"] / row["energy_j"], rel=1e-9
    )
    assert total["co2e_location"]["U"] == pytest.approx(row["co2e_U_g"], rel=1e-9)


def test_a_job_has_it_too(tmp_path):
    """Edges at one reading of the clocks of two boots have groups of one name, and nothing in common."""
    paths = [trace(tmp_path / f"{boot}.arrows", host=f"one#{boot}") for boot in ("first", "second")]
    energies = [headline(load(path)).energy for path in paths]
    apart = [replace(of, components=of_trace(of.components, str(n))) for n, of in enumerate(energies)]
    expected, as_one = summed(apart).U, summed(energies).U
    whole, _ = Job([part(path, load(path)) for path in paths]).windows(load)
    assert math.isclose(whole.U, expected, rel_tol=1e-9)
    assert not math.isclose(whole.U, as_one, rel_tol=1e-6)


def energy(value, *components):
    return Estimate(value=value, low=value, high=value, components=components)


@pytest.mark.parametrize(
    ("groups", "u"), [(("a", "b"), 5.0), (("a", "a"), 7.0)], ids=["independent", "of one cause"]
)
def test_amounts_add_as_their_energies_do(groups, u):
    one, two = (
        footprint(energy(100.0, Component("gain", u, group=group)), TERMS, 0.1)
        for u, group in zip((3.0, 4.0), groups, strict=True)
    )
    both = one + two
    assert both.energy.u == pytest.approx(u)
    for amount in (both.facility, both.location, both.electricity):
        assert amount.U / amount.value == pytest.approx(both.energy.U / 200)


def test_a_run_that_is_not_counted_takes_nothing_from_what_is_known():
    counted = footprint(energy(100.0, Component("gain", 3.0, group="a")), TERMS, 0.1)
    nothing = footprint(energy(0.0), TERMS, 0.0)
    unassessed = footprint(energy(1.0), TERMS, 0.1)
    of_both = [both.location.U for both in (counted + nothing, nothing + counted)]
    assert of_both == pytest.approx([counted.location.U] * 2)
    assert (counted + unassessed).location.U is None
