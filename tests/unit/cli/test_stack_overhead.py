"""``uj overhead --stacks``: the cost of sampling stacks, beside that of bare perf."""

import json

import numpy as np
import pytest

from microjoule.cli import main
from microjoule.cli.stack_sampling import not_sampled
from microjoule.plugins.profiles.samplers import perf_obstacle
from microjoule.plugins.profiles.stack_overhead import ALONE, BARE, FLAME, losses
from microjoule.report.stack_overhead_lines import lines

OBSTACLE = perf_obstacle()


@pytest.mark.skipif(bool(OBSTACLE), reason=OBSTACLE)
def test_both_ways_are_measured_at_each_rate(capsys, tmp_path):
    path = tmp_path / "o.json"
    assert main(["overhead", "--quick", "--stacks", "100", "--json", str(path)]) == 0
    rows = json.loads(path.read_text())["stacks"]
    assert [(row["rate_hz"], row["way"]) for row in rows] == [(100.0, "perf record"), (100.0, "uj flame")]
    assert all(row["low"] <= row["share"] <= row["high"] for row in rows)
    assert "perf record" in capsys.readouterr().out


def rounds(seed, of_bare, of_flame, n=400):
    """CPU times of the work: of each round its own speed, and now and then another program's interference."""
    rng = np.random.default_rng(seed)
    speed = 15e6 * (1 + 0.01 * rng.standard_normal((3, n)) + np.where(rng.random((3, n)) < 0.2, 0.1, 0.0))
    return {
        way: of * each
        for way, of, each in zip((ALONE, BARE, FLAME), (1, of_bare, of_flame), speed, strict=True)
    }


def test_intervals_of_losses_and_of_their_ratio_hold_the_truth():
    held = np.zeros((40, 3), bool)
    for seed in range(len(held)):
        bare, flame = losses(1000.0, rounds(seed, 1.02, 1.022), True)
        assert (bare.has_recorder, flame.has_recorder) == (False, True)
        assert flame.of_bare_low <= flame.of_bare <= flame.of_bare_high
        held[seed] = (
            bare.low <= 0.02 <= bare.high,
            flame.low <= 0.022 <= flame.high,
            flame.of_bare_low <= 1.1 <= flame.of_bare_high,
        )
    assert held.mean(axis=0).min() >= 0.85
    # Where bare perf took nothing that can be seen there is no ratio.
    assert losses(100.0, rounds(1, 1.0, 1.001), False)[1].of_bare is None


def test_without_perf_the_remedy_is_named(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["overhead", "--stacks", "100"]) == 3
    assert "perf is not installed" in capsys.readouterr().err


def test_lines_fit_eighty_columns():
    row = {
        "rate_hz": 1000.0,
        "way": "uj flame",
        "share": 0.0123,
        "low": -0.001,
        "high": 0.03,
        "rounds": 500,
        "has_recorder": False,
        "of_bare": None,
    }
    beside = {"has_recorder": True, "of_bare": 1.0234, "of_bare_low": 0.9, "of_bare_high": 1.15}
    found = lines([row, {**row, **beside}])
    assert "1000 Hz: uj flame takes 1.02 times what perf record takes (0.90 to 1.15)" in found
    assert "1.23 %" in found[1]
    assert "-0.10 to 3.00 %" in found[1]
    assert "in 500 rounds" in " ".join(found)
    assert "The recorder of uj flame ran" in " ".join(found)
    assert "no recorder beside" in " ".join(lines([row]))
    assert max(map(len, found)) <= 80


@pytest.mark.parametrize(
    ("cpu_s", "samples", "is_said"),
    [(30.0, 4600, True), (30.0, 29_000, False), (30.0, 24_000, False), (0.5, 0, False), (0.0, 0, False)],
)
def test_cpu_time_without_stacks_is_said(cpu_s, samples, is_said):
    """As in an emulated machine whose host was busy: 15 % of the stacks that there should be."""
    found = not_sampled(cpu_s, samples, 0.001)
    assert bool(found) == is_said
    assert not is_said or "4.6 s of the 30 s of CPU time" in found[0]
