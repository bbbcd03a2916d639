import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from replay import Answer, serving
from scripted import machine

from microjoule import load
from microjoule.cli import emit, main
from microjoule.report.emit import EMITTERS
from microjoule.units import NS_PER_S

WINDOWS = """\
import microjoule as uj, time
for name in ("a", "b"):
    with uj.window(name):
        time.sleep(0.1)
"""


def uj(*words):
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trace")
    words = ["run", "-o", folder / "t.arrows", "--source", "script", "--root", machine(folder / "root")]
    command = [sys.executable, "-m", "microjoule", *words, "--", sys.executable, "-c", WINDOWS]
    subprocess.run([*map(str, command)], check=True, capture_output=True, timeout=60)
    return folder / "t.arrows"


def test_the_command_offers_each_emitter():
    assert set(emit.FORMATS) == set(EMITTERS)


@pytest.mark.parametrize("form", emit.FORMATS)
def test_each_form_of_a_window_is_written(trace, tmp_path, form):
    path = tmp_path / "out"
    assert uj("emit", form, trace, "--window", "a", "--zone", "FR", "--pue", "1.1", "-o", path) == 0
    assert path.read_text()


def test_what_the_person_says_is_in_it(trace, capsys):
    words = ["--place", "Paris, France", "--stage", "inference", "--hardware", "2 × something"]
    assert uj("emit", "huggingface", trace, "--window", "a", "--zone", "FR", *words) == 0
    text = capsys.readouterr().out
    for word in ("Paris, France", "inference", "2 × something", "grid of France"):
        assert word in text


def test_a_reports_json_gives_what_its_trace_gives(trace, tmp_path, capsys):
    path = tmp_path / "r.json"
    assert uj("report", trace, "--zone", "FR", "--json", path) == 0
    capsys.readouterr()
    assert uj("emit", "codecarbon", path) == 0
    from_json = capsys.readouterr().out
    assert uj("emit", "codecarbon", trace, "--zone", "FR") == 0
    assert capsys.readouterr().out == from_json
    assert len(from_json.splitlines()) == 4  # head, run, a, b


def test_several_traces_are_one_table(trace, tmp_path, capsys):
    other = Path(shutil.copy(trace, tmp_path / "other.arrows"))
    assert uj("emit", "markdown", trace, other, "--window", "b", "--zone", "FR") == 0
    assert capsys.readouterr().out.count("| b |") == 2


def test_a_form_of_one_window_asks_which(trace, capsys):
    assert uj("emit", "sci", trace) == 2
    assert "Choose one: run, a, b" in capsys.readouterr().err


def test_an_unknown_window_is_answered_with_those_there_are(trace, capsys):
    assert uj("emit", "sci", trace, "--window", "c") == 2
    assert "There are: run, a, b" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"schema": "other/1", "windows": []})])
def test_json_of_something_else_is_refused(tmp_path, text, capsys):
    path = tmp_path / "x.json"
    path.write_text(text)
    assert uj("emit", "sci", path) == 1
    assert "not a report of microjoule" in capsys.readouterr().err


def test_a_missing_report_is_refused(tmp_path, capsys):
    assert uj("emit", "sci", tmp_path / "x.json") == 1
    assert "Cannot read" in capsys.readouterr().err


# Along a series


def series_csv(path, trace, g_per_kwh, hours=2):
    """An hour before the trace began, for so many hours."""
    began = load(trace).facts["started_realtime_ns"] - 3600 * NS_PER_S
    rows = [
        "t_start,t_end,g_per_kwh,source",
        f"{began},{began + round(hours * 3600) * NS_PER_S},{g_per_kwh},a test",
    ]
    path.write_text("\n".join(rows) + "\n")
    return path


def grams_of(text):
    return float(
        next(line for line in text.splitlines() if "emissions:" in line and "co2" not in line).split()[1]
    )


def test_a_series_takes_the_place_of_the_zones_figure(trace, tmp_path, capsys):
    words = ["emit", "huggingface", trace, "--window", "a", "--pue", "1"]
    assert uj(*words, "--intensity", "1000 g/kWh") == 0
    static = grams_of(capsys.readouterr().out)
    assert uj(*words, "--series", series_csv(tmp_path / "grid.csv", trace, 500)) == 0
    text = capsys.readouterr().out
    assert grams_of(text) == pytest.approx(static / 2, rel=1e-3)
    assert "along the window" in text


def test_a_series_of_another_day_is_told_and_not_zero(trace, tmp_path, capsys):
    words = ["emit", "markdown", trace, "--window", "a", "--zone", "FR"]
    assert uj(*words) == 0
    static = capsys.readouterr().out
    assert uj(*words, "--series", series_csv(tmp_path / "grid.csv", trace, 500, hours=0.5)) == 0
    text = capsys.readouterr().out
    assert "(100 % of the energy): there grid of France was taken" in text
    assert text.splitlines()[2] == static.splitlines()[2]


def test_a_live_provider_is_asked_where_the_environment_says(trace, monkeypatch, capsys):
    began = datetime.fromtimestamp(load(trace).facts["started_realtime_ns"] // NS_PER_S, UTC)
    first, last = (f"{began + hours:%Y-%m-%dT%H:%MZ}" for hours in (timedelta(hours=-1), timedelta(hours=1)))
    half_hour = {"from": first, "to": last, "intensity": {"forecast": 77, "actual": None, "index": "low"}}
    with serving(Answer(json.dumps({"data": [half_hour]}))) as (url, seen):
        monkeypatch.setenv("MICROJOULE_NESO_URL", url)
        assert uj("emit", "annex-xi", trace, "--window", "a", "--live", "neso:GB") == 0
    text = capsys.readouterr().out
    assert "77 g/kWh (grid of GB, along the window" in text
    assert len(seen) == 1


def test_without_a_token_nothing_is_asked_and_the_exit_code_says_so(trace, capsys):
    assert uj("emit", "annex-xi", trace, "--live", "electricitymaps:DE") == 3
    assert "needs a token" in capsys.readouterr().err
    assert uj("emit", "annex-xi", trace, "--live", "nobody:DE") != 0
