"""``uj overhead --stacks``: the cost of sampling stacks, beside that of bare perf."""

import json

import pytest

from microjoule.cli import main
from microjoule.plugins.profiles.samplers import perf_obstacle
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


def test_without_perf_the_remedy_is_named(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["overhead", "--stacks", "100"]) == 3
    assert "perf is not installed" in capsys.readouterr().err


def test_lines_fit_eighty_columns():
    row = {"rate_hz": 1000.0, "way": "uj flame", "share": 0.0123, "low": -0.001, "high": 0.03}
    found = lines([row])
    assert "1.23 %" in found[1]
    assert "-0.10 to 3.00 %" in found[1]
    assert max(map(len, found)) <= 80
