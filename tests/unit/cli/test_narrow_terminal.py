"""The report of `uj run` on a narrow terminal, in ASCII, without a terminal, with a long Arabic name."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from scripted import machine

from microjoule.cli import main
from microjoule.cli.examples import EXAMPLES

NAME = "\u0646\u0627\u0641\u0630\u0629" * 100  # 1 kB in UTF-8
PROGRAM = f"""
import time, microjoule as uj
for name in ("epoch", {NAME!r}) * 3:
    with uj.window(name):
        time.sleep(0.02)
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = machine(tmp_path_factory.mktemp("narrow") / "root")
    (root.parent / "program.py").write_text(PROGRAM, encoding="utf-8")
    return root


def report(root, words=(), **settings):
    """What the report says, on no terminal: only COLUMNS tells how wide one would be."""
    command = [
        sys.executable,
        "-m",
        "microjoule",
        "run",
        "--source",
        "script",
        "--root",
        str(root),
        *words,
        "--",
    ]
    environment = {**os.environ, **settings}
    done = subprocess.run(
        [*command, sys.executable, "program.py", "x" * 500],
        cwd=root.parent,
        capture_output=True,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr.decode(settings.get("PYTHONIOENCODING", "utf-8"))


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_every_line_fits_and_every_name_has_its_figures(root, columns, encoding):
    text = report(root, COLUMNS=str(columns), PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    lines = text.splitlines()
    # A word, such as a command to be copied, is never broken; nothing else is wider than the terminal.
    assert all(len(line) <= columns or " " not in line.strip() for line in lines), text
    assert " used " in " ".join(lines[:5])
    names = ("epoch", NAME[:5] if encoding == "utf-8" else "\\u06")
    rows = [line for line in lines if line.startswith(names)]
    assert len(rows) == 2, text
    assert all(re.search(r"\d m?J ", row) for row in rows), text
    assert text.isascii() or encoding == "utf-8"
    assert "\x1b" not in text


def test_the_long_form_cuts_the_name_too(root):
    text = report(root, ["-v"])
    assert max(map(len, text.splitlines())) <= 140
    assert NAME not in text


TESTS = Path(__file__).parents[2]
TRACE, PROFILED = TESTS / "golden" / "marks.arrows", TESTS / "recorded" / "stacks" / "perf.arrows"
ANSWERS = {
    "report": ("report", TRACE, "--zone", "DE"),
    "all of it": ("report", "-v", TRACE, "--zone", "DE"),
    "budget": ("report", "--budget", TRACE),
    "zones": ("zones",),
    "zone": ("zones", "DE"),
    "licences": ("data", "licences"),
    "equivalents": ("equivalents", "3 kWh"),
    "estimate": ("estimate", "--hardware", "8 x H100", "--wall-hours", "100"),
    "functions": ("attribute", PROFILED, PROFILED.with_name("perf.script.gz")),
}
WHOLE = re.compile(r"`[^`]*`|\d [A-Za-zµ%]{1,4}\b|\S+")  # what is never broken


@pytest.fixture
def answer(capsys, monkeypatch):
    def answered(name, columns=None):
        if columns is None:
            monkeypatch.delenv("COLUMNS", raising=False)
        else:
            monkeypatch.setenv("COLUMNS", str(columns))
        assert main(list(map(str, ANSWERS[name]))) == 0
        return capsys.readouterr().out

    return answered


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("columns", [40, 56, 100])
def test_each_answer_fits_the_terminal(answer, name, columns):
    for line in answer(name, columns).splitlines():
        assert len(line) <= columns or len(WHOLE.findall(line)) == 1, line


@pytest.mark.parametrize("name", ["all of it", "zone", "licences", "equivalents", "estimate"])
def test_a_narrow_terminal_loses_no_word(answer, name):
    """Of prose, and of tables all of whose columns are shown."""
    words, narrow = ({word.strip(":,;") for word in answer(name, columns).split()} for columns in (None, 40))
    assert words - narrow <= {""}


def test_without_a_terminal_texts_are_those_of_80_columns(answer):
    for name in ANSWERS.keys() - {"functions"}:  # which are 110 wide where nobody says how wide
        assert answer(name) == answer(name, 80)


@pytest.fixture
def help_of(capsys, monkeypatch):
    def said(name, columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit):
            main([*filter(None, [name]), "--help"])
        return capsys.readouterr().out

    return said


@pytest.mark.parametrize("columns", [40, 80])
def test_help_breaks_nothing_that_is_to_be_copied(help_of, columns):
    """`redfish://USER:PW@HOST` and OTEL_EXPORTER_OTLP_ENDPOINT went on in the middle of a word."""
    for name in ("", *EXAMPLES):
        text = help_of(name, columns)
        assert set(text.split()) == set(help_of(name, 1000).split()), name
        for line in text.splitlines():
            assert line.count("`") % 2 == 0, line
            is_whole = re.fullmatch(r"\s*(\[?-.*\]?|uj .*|sudo .*|`[^`]*`\S*|\S+)", line)
            assert len(line) <= columns or (columns < 80 and is_whole), line
