"""Each command's help ends with examples; the parser takes every one of them, and every one of them runs."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scripted import machine

import microjoule as uj
from microjoule import cli
from microjoule.cli import main
from microjoule.cli.examples import EXAMPLES, FIRST, HEADING

COMMANDS = cli.COMMANDS
ROWS = [(name, row) for name, rows in EXAMPLES.items() for row in rows]
RECORDED = Path(__file__).parents[2] / "recorded" / "torch_cpu"
SAMPLING = ("run", "profile", "compare", "record")
MORE = {"profile": ["--max-time", "2s"]}  # of the minute that a measurement may take
LEFT_OUT = {
    "agent": "becomes another user and serves fixed sockets: ../agent/test_agent.py",
    "watch": "needs a terminal: test_watch.py",
    "serve": "binds fixed ports: test_serve.py",
    "overhead": "takes minutes: test_overhead.py",
    "gpu-0/energy": "needs a GPU: test_attribute.py",
}
NOT_HERE = 3  # the answer where a source or a counter is not on this machine
NEEDS_HARDWARE = ("nvml", "probe")
ENDLESS_S = 1.0


def words(line):
    """What a shell would hand to ``uj``: without settings and sudo before, and what follows a redirection."""
    lexer = shlex.shlex(line.replace("\\\n", " "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found = list(lexer)
    end = next((i for i, word in enumerate(found) if word in {"|", ">", "&&"}), len(found))
    start = found.index("uj")
    assert all("=" in word or word == "sudo" for word in found[:start])
    return found[start + 1 : end]


def test_every_command_has_two_examples_or_more_and_nothing_else_has():
    assert set(EXAMPLES) == set(COMMANDS)
    assert min(len(rows) for rows in EXAMPLES.values()) >= 2


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_ends_with_the_examples_in_lines_that_fit(name, capsys):
    with pytest.raises(SystemExit):
        cli.main([name, "--help"])
    told = capsys.readouterr().out
    examples = told[told.rindex(f"\n\n{HEADING}\n") :]
    assert "\n\n" not in examples.strip()
    assert all(row.does in examples for row in EXAMPLES[name])
    assert max(map(len, examples.splitlines())) <= 100


@pytest.mark.parametrize(("name", "row"), ROWS, ids=lambda value: str(value)[:60])
def test_the_parser_takes_each_example(name, row):
    found = words(row.line)
    assert found[0] == name
    assert callable(cli.parser().parse_args(found).run)


def test_the_first_examples_are_of_commands_that_are_there(capsys):
    for row in FIRST[:-1]:
        cli.parser().parse_args(words(row.line))
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert re.search(rf"\n{HEADING}\n  uj probe\n", capsys.readouterr().out)


def left_out(line):
    return next((why for word, why in LEFT_OUT.items() if word in words(line)), "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with each file that an example names."""
    folder = tmp_path_factory.mktemp("examples")
    meter = uj.Meter(sources=["script"], root=machine(folder / "root"))
    with uj.record(folder / "trace.arrows", meter) as recorder:
        for name in ("train", *("step", "inference") * 4):
            with recorder.window(name):
                time.sleep(0.01)
    (folder / "trials").mkdir()
    for name in ("before", "after", "train", "cut", "run", "a", "trials/one", "trials/two"):
        shutil.copy(folder / "trace.arrows", folder / f"{name}.arrows")
    assert main(["report", str(folder / "trace.arrows"), "--json", str(folder / "report.json")]) == 0
    archive = ["--archive", str(folder / "traces"), "--project", "vision"]
    assert main(["archive", "add", str(folder / "run.arrows"), *archive]) == 0
    assert main(["publish", str(folder / "trace.arrows"), "-o", str(folder / "result.zip")]) == 0
    for name in ("train.py", "one.py", "other.py"):
        (folder / name).write_text("print(sum(range(1000)))\n")
    for name in ("a.out", "old", "new"):
        (folder / name).write_text("#!/bin/sh\nexit 0\n")
        (folder / name).chmod(0o755)
    (folder / "Makefile").write_text("all:\n\t@true\n")
    begun_s = time.time() - 30
    (folder / "meter.csv").write_text(
        "time,power_w\n" + "".join(f"{begun_s + i / 50:.3f},{100 + i % 2}\n" for i in range(2000))
    )
    (folder / "profiled").mkdir()
    for path in RECORDED.iterdir():
        shutil.copy(path, folder / "profiled" / path.name)
    shutil.copy(RECORDED / "scripted.arrows", folder / "profiled" / "trace.arrows")
    return folder


@pytest.mark.parametrize(
    ("name", "row"), [row for row in ROWS if not left_out(row[1].line)], ids=lambda value: str(value)[:60]
)
def test_an_example_does_what_it_says(folder, name, row, tmp_path):
    folder = Path(shutil.copytree(folder, tmp_path / "folder"))  # some write over what others read
    found = words(row.line)
    if name in SAMPLING and "--source" not in found:
        found[1:1] = ["--source", "script", "--root", str(folder / "root"), *MORE.get(name, [])]
    environment = {
        **os.environ,
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "data"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "microjoule", *_matched(found, folder)],
        cwd=folder / "profiled" if name == "attribute" else folder, env=environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    if name == "record":
        time.sleep(ENDLESS_S)  # until it records; where it is not yet, Ctrl-C ends it all the same
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    allowed = {0, NOT_HERE} if any(word in found for word in NEEDS_HARDWARE) else {0}
    # Of a machine under load the signal may come when the interpreter ends.
    allowed |= {130, -signal.SIGINT} if name == "record" else set()
    allowed |= {125} if name == "flame" else set()  # where neither perf nor py-spy may sample
    assert process.returncode in allowed, (found, out, err)
    assert "Traceback" not in err
    if "--json" in found and process.returncode == 0 and out:
        json.loads(out)


def _matched(found, folder):
    """The words with a pattern replaced by the files that a shell would put there."""
    return [
        each
        for word in found
        for each in (
            sorted(str(path) for path in folder.glob(word)) if "*" in word and "/" in word else [word]
        )
    ]


def test_what_is_left_out_is_an_example_and_is_tested_elsewhere():
    reasons = {why for _, row in ROWS if (why := left_out(row.line))}
    assert reasons == set(LEFT_OUT.values())
    here = Path(__file__).parent
    assert all((here / why.rpartition(" ")[2]).exists() for why in reasons)
