import csv
import io
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from replay import Answer, serving
from scripted import machine

from microjoule import load
from microjoule.cli import main
from microjoule.report.emitters import EMITTERS
from microjoule.report.emitters.record import doubts
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


def test_the_command_offers_each_emitter(capsys):
    with pytest.raises(SystemExit):
        uj("emit", "--help")
    out = " ".join(capsys.readouterr().out.split()).replace("- ", "-")
    assert [form for form in EMITTERS if form not in out] == []


@pytest.mark.parametrize("form", EMITTERS)
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
    assert uj("emit", "codecarbon", path, "--zone", "FR") == 0
    from_json = capsys.readouterr().out
    assert uj("emit", "codecarbon", trace, "--zone", "FR") == 0
    assert capsys.readouterr().out == from_json
    assert len(from_json.splitlines()) == 2  # head, and run, which holds a and b


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


# What would be silent


@pytest.mark.parametrize("words", [["--zone", "DE"], ["--pue", "1.5"], ["--method", "strubell2019"]])
def test_a_report_s_joules_are_reckoned_with_other_factors(trace, tmp_path, words, capsys):
    path = tmp_path / "r.json"
    assert uj("report", trace, "--zone", "FR", "--json", path) == 0
    capsys.readouterr()
    assert uj("emit", "markdown", path, *words) == 0
    from_json = capsys.readouterr().out
    assert uj("emit", "markdown", trace, *words) == 0
    assert from_json == capsys.readouterr().out


def test_a_series_needs_the_power_over_time_which_a_report_lacks(trace, tmp_path, capsys):
    path = tmp_path / "r.json"
    assert uj("report", trace, "--json", path) == 0
    assert uj("emit", "markdown", path, "--series", "a.csv") == 2
    assert "without power over time" in capsys.readouterr().err


def test_what_a_form_still_lacks_is_said_as_options(trace, capsys):
    assert uj("emit", "boamps", trace, "--window", "a") == 0
    err = capsys.readouterr().err
    for word in ("--stage", "--task", "--algorithm", "--data-type", "--infrastructure", "--country"):
        assert word in err
    assert uj("emit", "boamps", trace, "--window", "a", "--zone", "aws:eu-west-1") == 0
    said = capsys.readouterr()
    assert "--country" not in said.err
    assert "--infrastructure" not in said.err
    plain = json.loads(said.out)
    assert plain["environment"]["country"] == "Ireland"
    assert plain["infrastructure"]["cloudProvider"] == "aws"


def test_a_zone_says_the_code_of_the_country(trace, capsys):
    for words, code in ((["--zone", "aws:eu-west-1"], "IRL"), (["--zone", "FR", "--country", "Poland"], "")):
        assert uj("emit", "codecarbon", trace, "--window", "a", *words) == 0
        [row] = csv.DictReader(io.StringIO(capsys.readouterr().out))
        assert row["country_iso_code"] == code


@pytest.mark.parametrize("form", ["codecarbon", "boamps"])
def test_rows_that_add_up_hold_no_window_twice(trace, form, capsys):
    assert uj("emit", form, trace, "--zone", "FR") == 0
    text, said = capsys.readouterr()
    rows = json.loads(text)["measures"] if form == "boamps" else list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 1
    assert "2 of 3 windows lie inside others" in said


def test_rows_are_added_to_a_table_that_is_there(trace, tmp_path, capsys):
    path = tmp_path / "emissions.csv"
    words = ["emit", "codecarbon", trace, "--zone", "FR", "--append", "-o", path]
    assert uj(*words) == uj(*words, "--window", "a") == 0
    lines = path.read_text().splitlines()
    assert len(lines) == 1 + 1 + 1  # the window run holds the others
    assert sum(line.startswith("timestamp,") for line in lines) == 1
    path.write_text("other,columns\n1,2\n")
    assert uj(*words) == 2
    assert path.read_text() == "other,columns\n1,2\n"
    assert uj("emit", "markdown", trace, "--append", "-o", path) == 2
    assert "to a table format only" in capsys.readouterr().err


def test_reports_of_different_factors_are_not_emitted_as_one(trace, tmp_path, capsys):
    paths = tmp_path / "a.json", tmp_path / "b.json"
    for path, zone in zip(paths, ("FR", "DE"), strict=True):
        assert uj("report", trace, "--zone", zone, "--json", path) == 0
    assert uj("emit", "markdown", *paths) == 2
    assert "different factors" in capsys.readouterr().err
    assert uj("emit", "json", *paths) == 0
    found = json.loads(capsys.readouterr().out)
    names = [each["footprint"]["factors"]["intensity"]["name"] for each in found["traces"]]
    assert names == ["grid of France", "grid of Germany"]


def test_a_file_that_is_named_twice_counts_once(trace, tmp_path, capsys):
    link = tmp_path / "link.arrows"
    link.symlink_to(trace)
    assert uj("emit", "markdown", trace, link, "--window", "a") == 0
    said = capsys.readouterr()
    assert said.out.count("| a |") == 1
    assert "counts once" in said.err
    assert uj("report", trace, trace) == 0
    assert "total of" not in capsys.readouterr().out


@pytest.mark.parametrize("command", [["emit", "json", "-o"], ["report", "--json"]])
def test_an_input_is_never_written_over(trace, tmp_path, command, capsys):
    path = Path(shutil.copy(trace, tmp_path / "t.arrows"))
    assert uj(*command, path, path) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert path.read_bytes() == trace.read_bytes()


@pytest.mark.parametrize("form", EMITTERS)
def test_a_trace_that_was_cut_short_is_emitted_with_a_remark(trace, tmp_path, form, capsys):
    cut = tmp_path / "cut.arrows"
    cut.write_bytes(trace.read_bytes()[:-8])
    assert uj("emit", form, cut, "--window", "a") == 0
    said = capsys.readouterr()
    assert "cut short" in said.err
    no_field = ("json", "boamps", "codecarbon", "ai-energy-score")  # json says it by ``is_truncated``
    assert ("cut short" in said.out) == (form not in no_field)
    assert form != "json" or json.loads(said.out)["is_truncated"]


def test_several_traces_keep_what_sampling_did_of_each(trace, tmp_path):
    other = Path(shutil.copy(trace, tmp_path / "other.arrows"))
    assert uj("report", trace, other, "--each", "--json", tmp_path / "r.json") == 0
    found = json.loads((tmp_path / "r.json").read_text())
    assert set(found["engine"]) == {"lanes", "failures", "stuck", "lost_marks"}
    assert all({"facts", "footprint", "engine", "is_truncated"} <= set(each) for each in found["traces"])


def test_several_runs_of_one_name_are_to_be_emitted_one_by_one(trace, tmp_path, capsys):
    other = Path(shutil.copy(trace, tmp_path / "other.arrows"))
    assert uj("emit", "sci", trace, other, "--window", "run") == 2
    assert "one by one" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--infrastructure", "foo"], ["--quality", "bar"]])
def test_words_that_boamps_does_not_know_are_refused(trace, words, capsys):
    with pytest.raises(SystemExit) as left:
        uj("emit", "boamps", trace, *words)
    assert left.value.code == 2
    assert f"there is no {words[0]} {words[1]!r}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("live", "code", "says"),
    [
        ("electricitymaps", 2, "has no zone"),
        ("nobody:DE", 2, "Nearest: "),
        ("electricitymaps:DE", 3, "MICROJOULE_ELECTRICITYMAPS_TOKEN"),
    ],
)
def test_a_live_provider_that_cannot_be_asked_says_what_is_missing(trace, live, code, says, capsys):
    assert uj("report", trace, "--live", live) == code
    assert says in capsys.readouterr().err


def test_a_window_that_never_ended_is_told():
    record = {"windows": [{"name": "a", "is_open": True, "trace": "t"}], "traces": [{"trace": "t"}]}
    assert doubts(record, record["windows"][0]) == ["the window never ended: counted up to the last reading"]
    cut = {**record, "traces": [{"trace": "t", "is_truncated": True}]}
    assert len(doubts(cut, cut["windows"][0])) == 2


def test_a_trace_without_a_whole_window_is_a_sentence(trace, tmp_path, capsys):
    whole = pa.ipc.open_stream(trace.read_bytes()).read_all()
    with pa.ipc.new_stream(str(tmp_path / "empty.arrows"), whole.schema) as writer:
        writer.write_table(whole.slice(0, 0))
    assert uj("emit", "sci", tmp_path / "empty.arrows") == 1
    assert "No window is complete" in capsys.readouterr().err
    assert uj("report", tmp_path / "empty.arrows") == 0
    assert "No energy figure" in capsys.readouterr().out
