"""`uj paper`, and a method by its name on a measured trace."""

import json
from dataclasses import replace

import pytest
from ideal import Ideal, constant, rows

from microjoule.cli import main
from microjoule.joules.energy_trace import Trace
from microjoule.trace.label import label

IDEAL = Ideal(constant(100.0), n=600, limit_w=150.0)


def as_json(capsys, *words):
    assert main([*words]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_printed_figure_is_recomputed(capsys):
    assert main(["paper"]) == 0
    out = capsys.readouterr().out
    assert "≠" not in out
    for word in (
        "656,347 | 656,347 =",
        "626,155 | 626,155 =",
        "1,438",
        "79.2",
        "252 t",
        "3.2 t for the\nsearch as it was run",
        "data ",
    ):
        assert word in out
    assert max(map(len, out.splitlines())) < 80


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_no_line_is_wider_than_the_terminal(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["paper"]) == 0
    words = [line for line in capsys.readouterr().out.splitlines() if " " in line.strip()]
    assert max(map(len, words)) <= columns


def test_another_pue_changes_the_cells(capsys):
    one, other = as_json(capsys, "paper", "--json"), as_json(capsys, "paper", "--pue", "1.1", "--json")
    for before, after in zip(one["rows"], other["rows"], strict=True):
        ours = [row["cells"]["co2e"]["ours"]["value"] for row in (before, after)]
        assert ours[1] == pytest.approx(ours[0] * 1.1 / 1.58)
        assert after["today"]["value"] == pytest.approx(before["today"]["value"] * 1.1 / 1.58)
        assert before["cells"]["cloud"] == after["cells"]["cloud"]


def test_another_grid_changes_today_only(capsys):
    one, other = as_json(capsys, "paper", "--json"), as_json(capsys, "paper", "--zone", "FR", "--json")
    for before, after in zip(one["rows"], other["rows"], strict=True):
        assert before["cells"] == after["cells"]
        assert after["today"]["value"] == pytest.approx(before["today"]["value"] * 41.5 / 384.4)


@pytest.fixture
def runs(tmp_path):
    """Three files: a run, a run with an epoch that reaches 0.9, and one that is no trace."""
    import pyarrow as pa

    paths = []
    for name, accuracy in (("a", 0.7), ("b", 0.9)):
        start, end = IDEAL.inside(0.2, 0.6)
        text = label("epoch", {"accuracy": accuracy, "flops": 1e9})
        marks = [(start, "@begin", 0, text), (end, "@end", 0, "")]
        table = Trace(rows([IDEAL, replace(IDEAL, id="package-0/dram", seed=3)], marks)).table
        path = tmp_path / f"{name}.arrows"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        paths.append(str(path))
    (tmp_path / "c.arrows").write_text("nothing")
    return [*paths, str(tmp_path / "c.arrows")]


def test_a_method_works_on_a_measured_trace(capsys, runs):
    found = as_json(capsys, "report", runs[0], "--method", "strubell2019", "--json", "-")
    (window,) = found["windows"]
    kwh = window["total"]["energy_j"] / 3.6e6
    assert window["footprint"]["provenance"] == "measured"
    assert window["footprint"]["facility"]["value"] == pytest.approx(1.58 * kwh)
    assert window["footprint"]["co2e_location"]["value"] == pytest.approx(1.58 * kwh * 0.954 * 453.59237)
    assert window["footprint"]["cost_electricity"]["value"] == pytest.approx(1.58 * kwh * 0.12)
    assert found["footprint"]["factors"]["intensity"]["year"] == 2018


def test_a_report_without_a_zone_shows_the_world_and_how_to_choose(capsys, runs):
    assert main(["report", runs[0], "--verbose"]) == 0
    out = capsys.readouterr().out
    for word in (
        "world average grid",
        "[20.83 – 1,000]",
        "--zone",
        "(95 %); counter alone ±",
        "with other published factors:",
        "data ",
    ):
        assert word in out


def test_a_report_of_a_zone_names_each_factor(capsys, runs):
    words = ["--zone", "US-SRVC", "--market", "0 g/kWh wind contract", "--verbose"]
    assert main(["report", runs[0], *words]) == 0
    out = capsys.readouterr().out
    for word in (
        "location-based",
        "market-based",
        "marginal (apart)",
        "eGRID2023",
        "wind contract",
        "non-baseload",
    ):
        assert word in out


def test_a_report_with_an_unknown_zone_is_a_sentence(capsys, runs):
    assert main(["report", runs[0], "--zone", "germny"]) == 2
    assert "Germany" in capsys.readouterr().err


def test_a_project_s_total_sums_all_runs(capsys, runs):
    words = ["report", *runs[:2], "--total", "--until", "accuracy>=0.8", "--zone", "FR", "--models", "2"]
    found = as_json(capsys, *words, "--json", "-")
    energies = [run["energy"]["energy_j"] for run in found["runs"]]
    assert found["total"]["energy"]["energy_j"] == pytest.approx(sum(energies))
    assert found["per_model"]["facility"]["value"] == pytest.approx(sum(energies) / 3.6e6 / 2)
    assert [run["to_target"] is not None for run in found["runs"]] == [False, True]
    assert all(run["j_per_flop"] > 0 for run in found["runs"])
    assert main(words) == 0
    out = capsys.readouterr().out
    for word in (
        "total of 2 runs",
        "each of 2 models",
        "until accuracy >= 0.8",
        "not reached",
        "Pareto",
        "J/FLOP",
    ):
        assert word in out


def test_a_project_with_an_unreadable_run_is_an_at_least_and_says_so(capsys, runs):
    assert main(["report", *runs, "--total"]) == 1
    out = capsys.readouterr().out
    assert "AT LEAST" in out
    assert "c.arrows" in out
    assert "≥" in out


def test_a_target_that_is_none_is_a_sentence(capsys, runs):
    assert main(["report", *runs, "--total", "--until", "good"]) == 2
    assert "accuracy>=0.9" in capsys.readouterr().err


def clocked(tmp_path):
    """A run of 100 W and its DRAM, whose real-time clock is 1,000 s ahead of the monotonic one."""
    import pyarrow as pa

    pairs = [(0, "@clock/realtime", 10**12, ""), (10**9, "@clock/realtime", 10**12 + 10**9, "")]
    a, b = IDEAL.inside(0.1, 0.5)
    marks = [*pairs, (a, "@begin", 0, "run"), (b, "@end", 0, "")]
    table = Trace(rows([IDEAL], marks)).table
    path = tmp_path / "clocked.arrows"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return str(path)


def test_a_constant_series_is_energy_times_its_intensity(capsys, tmp_path):
    (tmp_path / "grid.csv").write_text("t_start,t_end,g_per_kwh\n0,9000000000000,250\n")
    path = clocked(tmp_path)
    (window,) = as_json(capsys, "report", path, "--series", str(tmp_path / "grid.csv"), "--json", "-")[
        "windows"
    ]
    kwh = window["total"]["energy_j"] / 3.6e6
    assert window["footprint"]["co2e_location"]["value"] == pytest.approx(250 * kwh)
    assert window["footprint"]["intensity"]["value"] == pytest.approx(250)


def test_a_gap_in_a_series_is_the_static_factor_and_says_so(capsys, tmp_path):
    (tmp_path / "grid.csv").write_text("t_start,t_end,g_per_kwh\n0,1000,250\n")
    path = clocked(tmp_path)
    words = ["report", path, "--series", str(tmp_path / "grid.csv"), "--zone", "FR"]
    (window,) = as_json(capsys, *words, "--json", "-")["windows"]
    assert window["footprint"]["intensity"]["value"] == 41.5
    assert "says nothing" in window["footprint"]["intensity"]["note"]
    assert main([*words, "--verbose"]) == 0
    assert "says nothing" in capsys.readouterr().out


def test_a_series_that_is_none_is_a_sentence(capsys, runs, tmp_path):
    assert main(["report", runs[0], "--series", str(tmp_path / "absent.csv")]) == 1
    assert "absent.csv" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--until", "accuracy>=0.8"], "Add --total"),
        (["--models", "3"], "Add --total"),
        (["--total", "--series", "grid.csv"], "cannot use intensities over time"),
    ],
)
def test_an_option_without_effect_is_refused(capsys, runs, words, sentence):
    assert main(["report", runs[0], *words]) == 2
    assert sentence in capsys.readouterr().err


def test_a_price_in_another_currency_needs_what_it_is_worth(capsys):
    assert main(["paper", "--price", "0.5 EUR/kWh"]) == 2
    assert "--exchange EUR=" in capsys.readouterr().err
    assert main(["paper", "--price", "0.06 EUR/kWh", "--exchange", "EUR=2", "--json"]) == 0
    converted = json.loads(capsys.readouterr().out)
    assert main(["paper", "--price", "0.12 USD/kWh", "--json"]) == 0
    assert [row["cells"] for row in converted["rows"]] == [
        row["cells"] for row in json.loads(capsys.readouterr().out)["rows"]
    ]
