"""The report of `uj run` on a narrow terminal, in ASCII, without a terminal, with a long Arabic name."""

import os
import re
import subprocess
import sys

import pytest
from scripted import machine

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
