"""``uj overhead --stacks``: the cost of sampling stacks, beside that of bare perf."""

import json

import numpy as np
import pytest

from microjoule.cli import main
from microjoule.plugins.profiles.samplers import perf_obstacle
from microjoule.plugins.profiles.stack_overhead import Loss, _beside
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


def test_the_ratio_is_of_the_losses_of_the_same_rounds():
    rng = np.random.default_rng(2)
    bare = 0.03 + 0.002 * rng.standard_normal(15)
    flame = Loss(1000.0, "uj flame", float(np.median(1.1 * bare)), 0.0, 0.1)
    found = _beside(flame, 1.1 * bare, bare)
    assert found.of_bare == pytest.approx(1.1)
    assert found.of_bare_low == pytest.approx(1.1)
    apart = _beside(flame, 1.1 * bare[::-1], bare)
    assert apart.of_bare_low < 1.1 < apart.of_bare_high
    # Where bare perf took nothing that can be seen there is no ratio.
    assert _beside(flame, 1.1 * bare, bare - 0.03).of_bare is None


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
        "of_bare": None,
    }
    beside = {"of_bare": 1.0234, "of_bare_low": 0.9, "of_bare_high": 1.15}
    found = lines([row, {**row, **beside}])
    assert "1000 Hz: uj flame takes 1.02 times what perf record takes (0.90 to 1.15)" in found
    assert "1.23 %" in found[1]
    assert "-0.10 to 3.00 %" in found[1]
    assert max(map(len, found)) <= 80
