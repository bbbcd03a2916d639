import json
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from scripted import DRAM_W, PACKAGE_W, machine

from microjoule.cli import main

SET = "luccioni2024-text-generation"
GIVEN = ["--wh-per-unit", "30", "--low", "20", "--high", "40", "--unit", "1000 texts", "--set", SET]


def uj(*words):
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trace")
    words = ["run", "-o", folder / "t.arrows", "--source", "script", "--root", machine(folder / "root")]
    command = [sys.executable, "-m", "microjoule", *words, "--", "sleep", "0.3"]
    subprocess.run([*map(str, command)], check=True, capture_output=True, timeout=60)
    return folder / "t.arrows"


def test_the_sets_are_listed_with_their_sources(capsys):
    assert uj("label", "--sets") == 0
    assert f"{SET}: 47 Wh per 1000 texts" in capsys.readouterr().out


def test_stated_figures_give_a_label_on_the_terminal(capsys):
    assert uj("label", *GIVEN, "--hardware", "a laptop", "--title", "my model") == 0
    text = capsys.readouterr().out
    for words in ("◀ D", "a laptop", "my model", SET, "20 Wh … 40 Wh, classes C to D", "as stated"):
        assert words in text
    assert "\x1b" not in text


def test_the_range_of_a_leaderboard_gives_stars(capsys):
    assert uj("label", *GIVEN, "--hardware", "NVIDIA H100", "--leaderboard", "1", "51") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert (
        "3 of 5 stars (2 to 4 within the uncertainty): GPU energy in five equal parts of 1 Wh – 51 Wh" in text
    )
    assert uj("label", *GIVEN, "--hardware", "x", "--leaderboard", "3", "2") == 2
    assert "--leaderboard" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "start"), [("l.svg", "<svg"), ("l.html", "<!doctype html>"), ("l.json", "{")]
)
def test_the_file_says_its_format(tmp_path, name, start):
    assert uj("label", *GIVEN, "--hardware", "a laptop", "-o", tmp_path / name) == 0
    assert (tmp_path / name).read_text().startswith(start)


def test_a_trace_gives_its_energy_with_its_interval(trace, capsys):
    words = ["--units", "0.001", "--unit", "1000 texts", "--set", SET, "--hardware", "scripted"]
    assert uj("label", trace, "--window", "run", *words, "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["provenance"] == "measured"
    low, high = found["guaranteed_wh"]
    assert low <= found["wh"] <= high
    assert found["wh"] * 3.6 / (PACKAGE_W + DRAM_W) == pytest.approx(0.3, rel=0.2)
    assert uj("label", trace, *words, "--format", "svg") == 0
    ElementTree.fromstring(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--unit", "1000 texts", "--set", SET, "--hardware", "x"], "Give exactly one of them"),
        ([*GIVEN], "--hardware"),
        ([*GIVEN, "--set", "nothing", "--hardware", "x"], "There is no reference set 'nothing'"),
        ([*GIVEN, "--unit", "1 text", "--hardware", "x"], "not the functional unit"),
    ],
)
def test_a_label_without_what_it_must_name_is_refused(words, says, capsys):
    assert uj("label", *words) == 2
    assert says in capsys.readouterr().err


def test_a_trace_without_a_number_of_units_is_refused(trace, capsys):
    assert uj("label", trace, "--unit", "1000 texts", "--set", SET, "--hardware", "x") == 2
    assert "--units N" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_said(tmp_path, capsys):
    assert uj("label", *GIVEN, "--hardware", "x", "-o", tmp_path / "no" / "l.svg") == 1
    assert "Cannot write" in capsys.readouterr().err


UNIT = ["--unit", "1000 texts", "--set", SET, "--hardware", "scripted"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([*UNIT, "--units", "0"], "cannot be divided by 0 units"),
        ([*UNIT, "--units", "-3"], "cannot be divided by -3 units"),
        ([*UNIT, "--units", "nan"], "cannot be divided by nan units"),
        (UNIT, "does not record how many"),
        ([*UNIT, "--units", "1", "-o", "x.pdf"], "'.pdf'"),
    ],
)
def test_a_label_of_a_trace_that_cannot_be_is_a_sentence(trace, words, says, capsys):
    assert uj("label", trace, *words) == 2
    assert says in capsys.readouterr().err


def test_a_negative_figure_is_told_without_ends_that_nobody_gave(capsys):
    assert uj("label", "--wh-per-unit", "-1", *UNIT) == 2
    assert "None" not in capsys.readouterr().err


def test_a_trace_is_never_written_over(trace, capsys):
    before = trace.read_bytes()
    assert uj("label", trace, *UNIT, "--units", "1", "--format", "text", "-o", trace) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert trace.read_bytes() == before


def test_without_a_window_it_is_the_command_and_not_the_recorder_s_time_around_it(trace, capsys):
    found = []
    for window in ([], ["--window", "run"]):
        assert uj("label", trace, *window, *UNIT, "--units", "0.001", "--format", "json") == 0
        found.append(json.loads(capsys.readouterr().out)["wh"])
    assert found[0] == found[1]


def test_a_trace_that_was_cut_short_says_so_on_its_label(trace, tmp_path, capsys):
    cut = tmp_path / "cut.arrows"
    cut.write_bytes(trace.read_bytes()[:-8])
    assert uj("label", cut, *UNIT, "--units", "0.001") == 0
    said = capsys.readouterr()
    assert "Note" in said.out
    assert "cut short" in said.err
