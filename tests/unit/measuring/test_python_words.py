"""From Python, advice names arguments; from a terminal, options."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from scripted import machine

import microjoule as uj
from microjoule import measuring
from microjoule.errors import TooLong
from microjoule.measuring.python_words import of_python


def nap():
    time.sleep(0.05)


OPTION = re.compile(r"(?<![\w`-])--?[a-z][\w-]*")


def test_each_option_that_advice_names_is_an_argument_in_python():
    """All strings of the package that speak of an option."""
    folder = Path(measuring.__file__).parent
    lines = [
        line
        for path in folder.glob("*.py")
        if path.name != "python_words.py"
        for line in path.read_text().splitlines()
        if re.search(r'f?"[^"]*--[a-z]', line) and "`uj probe --rule`" not in line
    ]
    assert len(lines) >= 10
    assert [line for line in lines if OPTION.search(of_python(re.sub(r"\{[^}]*\}", "1", line)))] == []


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("run with --max-time 3800s", "run with max_time_s=3800"),
        ("Allow --max-time 1.2e+02s", "Allow max_time_s=1.2e+02"),
        ("a single call with --mode edge -r 1", 'a single call with mode="edge" repeat=1'),
        ("ask: `uj probe --rule`", "ask: `uj probe --rule`"),
    ],
)
def test_the_words_of_python(said, text):
    assert of_python(said) == text


@pytest.mark.parametrize(
    "ask",
    [
        lambda meter: uj.measure(nap, max_time_s=0.01, meter=meter),
        lambda meter: uj.compare([nap, nap], turns=uj.Turns(max_time_s=0.01), meter=meter),
    ],
)
def test_errors_of_python_name_no_option(tmp_path, ask):
    meter = uj.Meter(root=machine(tmp_path), sources=["script"], calibration=None)
    with pytest.raises(TooLong, match=r"Allow max_time_s=\d") as caught:
        ask(meter)
    assert not OPTION.search(str(caught.value))


def test_the_note_of_a_missed_target_names_the_argument(tmp_path):
    meter = uj.Meter(root=machine(tmp_path), sources=["script"], calibration=None)
    found = uj.measure(lambda: sum(range(99)), rel=1e-6, max_time_s=1.0, meter=meter)
    assert any(re.search(r"run with max_time_s=\d", note) for note in found.notes), found.notes
