import subprocess
import sys

import pytest
from scripted import machine

from microjoule.cli import main


def uj(*words):
    return main(["amortise", *map(str, words)])


def test_a_training_is_spread_over_its_uses(capsys):
    assert uj("--training", "1287 MWh", "--use", "3 Wh", "--uses", "1e9", "--instead-of", "10 Wh") == 0
    text = capsys.readouterr().out
    for words in ("1.29 Wh", "4.29 GWh", "30 %", "after 429,000,000 uses", "after 183,857,143 uses"):
        assert words in text
    assert max(map(len, text.splitlines())) < 80


def test_what_never_pays_is_said(capsys):
    assert uj("--training", "1 kWh", "--use", "3 Wh", "--uses", "10", "--instead-of", "3 Wh") == 0
    assert "never" in capsys.readouterr().out


def test_traces_give_their_energy_with_its_interval(tmp_path, capsys):
    words = ["run", "-o", tmp_path / "t.arrows", "--source", "script", "--root", machine(tmp_path / "root")]
    command = [sys.executable, "-m", "microjoule", *words, "--", "sleep", "0.2"]
    subprocess.run([*map(str, command)], check=True, capture_output=True, timeout=60)
    trace = tmp_path / "t.arrows"
    assert uj("--training", trace, "--use", trace, "--uses", "3", "--uses-in-trace", "2") == 0
    text = capsys.readouterr().out
    assert "40 %" in text
    assert " – " in text


@pytest.mark.parametrize("word", ["", "3", "3 kg", "-3 Wh", "1.2.3 Wh", "1e999 Wh", "1,5 MWh", "1,28,7 Wh"])
def test_what_is_no_energy_is_a_mistake_of_usage(word, capsys):
    assert uj("--training", word, "--use", "3 Wh", "--uses", "1") == 2
    err = capsys.readouterr().err
    assert "uj: " in err
    assert "None" not in err


def test_a_missing_trace_is_a_file_that_cannot_be_read(tmp_path, capsys):
    assert uj("--training", tmp_path / "nowhere.arrows", "--use", "3 Wh", "--uses", "1") == 1
    assert "cannot open" in capsys.readouterr().err


def test_a_share_of_nearly_all_is_not_all(capsys):
    assert uj("--training", "1 MWh", "--use", "1 J", "--uses", "1") == 0
    assert "> 99.9 %" in capsys.readouterr().out


def test_no_uses_are_refused(capsys):
    assert uj("--training", "1 kWh", "--use", "3 Wh", "--uses", "0") == 2
    assert "how often" in capsys.readouterr().err
