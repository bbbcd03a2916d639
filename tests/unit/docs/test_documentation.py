"""What the documentation shows can be typed: every ``uj`` line parses, and what is marked to run runs."""

import os
import re
import shlex
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest

from microjoule.cli import parser

ROOT = Path(__file__).parents[3]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
BLOCK = re.compile(r"(<!-- run -->\n)?```(\w+)\n(.*?)```", re.DOTALL)
UJ = [sys.executable, "-m", "microjoule"]


def blocks(page):
    """(is to be run, language, text) of each code block."""
    return [(bool(run), language, text) for run, language, text in BLOCK.findall(page.read_text())]


def typed(text):
    """The lines after a prompt, comments left out."""
    lines = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
    return [shlex.split(line, comments=True) for line in lines]


def commands():
    """Each ``uj`` line of each page, as words."""
    shown = [
        words
        for page in PAGES
        for _, language, text in blocks(page)
        if language == "console"
        for words in typed(text)
    ]
    readme = (ROOT / "README.md").read_text()
    lines = re.findall(r"^    (uj [^,\n]+)$", readme, re.MULTILINE)
    shown += [shlex.split(line, comments=True) for line in lines]
    return [list(takewhile("|".__ne__, words)) for words in shown if words and words[0] == "uj"]


@pytest.mark.parametrize("words", commands(), ids=lambda words: shlex.join(words)[:60])
def test_every_command_is_one_that_the_parser_takes(words):
    parser().parse_args(words[1:])


def test_there_are_pages_and_commands():
    assert {"index", "first", "short", "gpu", "ci", "cluster", "accuracy"} <= {page.stem for page in PAGES}
    assert len(commands()) > 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("docs")


@pytest.mark.parametrize("page", ["tutorial/first", "tutorial/cluster", "format"])
def test_what_is_marked_runs_as_it_stands(folder, page):
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    if page == "format" and not (folder / "trace.arrows").exists():
        made = [*UJ, "run", "-o", "trace.arrows", "--", sys.executable, "-c", "pass"]
        subprocess.run(made, cwd=folder, env=environment, check=True, capture_output=True)
    ran = 0
    marked = [(language, text) for is_run, language, text in blocks(ROOT / "docs" / f"{page}.md") if is_run]
    for language, text in marked:
        steps = [[sys.executable, "-c", text]] if language == "python" else typed(text)
        for step in steps:
            words = [sys.executable if word == "python" else word for word in step]
            words = [*UJ, *words[1:]] if words[0] == "uj" else words
            done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, (words, done.stderr)
            ran += 1
    assert ran


def test_every_link_between_pages_leads_somewhere():
    for page in PAGES:
        text = page.read_text()
        for place in re.findall(r"\{doc\}`([^`]+)`", text):
            assert (page.parent / f"{place}.md").exists(), (page, place)
        for place in re.findall(r"`((?:examples|benchmarks|tests|src|csrc)/[\w./]+)`", text):
            assert (ROOT / place).exists(), (page, place)
