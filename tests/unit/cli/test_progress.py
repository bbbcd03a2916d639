"""Long commands say where they are: on a terminal, on one line, which is gone at the end."""

import os
import pty
import re
import subprocess
import sys
import termios

import pytest
from ideal import MS, T0, Ideal, constant, rows, write
from scripted import machine

UJ = [sys.executable, "-m", "microjoule"]
ERASE = "\r\x1b[K"
COLUMNS = 40
MARKS = [(T0 + 20 * MS, "@begin", 1, "step"), (T0 + 60 * MS, "@end", 1, "")]


def seen(words, folder):
    """What a command writes to a terminal as its standard error, and to a pipe as its standard output."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, COLUMNS))
    command = [*UJ, *map(str, words)]
    environment = {**os.environ, "COLUMNS": str(COLUMNS)}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as started:
        os.close(theirs)
        told = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # nobody has the terminal open any more
                break
            if not piece:
                break
            told += piece
        out = started.stdout.read()
    os.close(ours)
    assert started.returncode == 0, told
    return told.decode(), out


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "t.arrows", rows([Ideal(constant(50), n=100)], MARKS))
    machine(tmp_path / "root")
    return tmp_path


SCRIPTED = ["--source", "script", "--root", "root"]
COMMANDS = [
    (["report", "t.arrows"], ["reading t.arrows: 100%"]),
    (["export", "t.arrows", "--csv", "t.csv"], ["reading t.arrows", "writing t.csv"]),
    (["record", "--for", "100ms", "-o", "x.arrows", *SCRIPTED], ["recording x.arrows; Ctrl-C ends it"]),
    (
        ["compare", "-r", "2", "-w", "1", *SCRIPTED, "true", "true"],
        ["warming up 1 of 2", "warming up 2 of 2", "block 1 of 1"],
    ),
    (
        ["profile", "--max-time", "1s", "-r", "2", *SCRIPTED, "sum(range(99))"],
        ["a first call", "warming up", "the idle machine", "window 1 of 2", "window 2 of 2"],
    ),
]


@pytest.mark.parametrize(("words", "lines"), COMMANDS, ids=lambda value: str(value[0]))
def test_a_terminal_sees_each_word_on_one_line_that_is_gone_at_the_end(words, lines, folder):
    told, out = seen(words, folder)
    shown = told.split(ERASE)
    assert [line for line in shown if line] == [f"uj: {line}" for line in lines]
    assert shown[0] == shown[-1] == ""
    assert "\n" not in told
    assert "\x1b" not in out


def test_a_pipe_sees_nothing_of_it(folder):
    words, _ = COMMANDS[0]
    done = subprocess.run([*UJ, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""


def test_a_line_that_is_longer_than_the_terminal_is_cut(folder):
    name = "t" * 100 + ".arrows"
    (folder / "t.arrows").rename(folder / name)
    told, _ = seen(["report", name], folder)
    assert {len(line) for line in told.split(ERASE) if line} == {COLUMNS - 1}
    assert re.search("uj: reading ttt", told)
