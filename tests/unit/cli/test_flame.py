"""``uj flame -- COMMAND`` over a scripted machine: the command is left alone, and the graph is whole."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import scripted

from microjoule.cli import main
from microjoule.plugins.profiles.samplers import perf_obstacle, py_spy_path, python_facts

OBSTACLE = perf_obstacle()
by_perf = pytest.mark.skipif(bool(OBSTACLE), reason=OBSTACLE)
by_py_spy = pytest.mark.skipif(py_spy_path() is None, reason="py-spy is not installed")

BUSY = """
import os, sys, time
def spin(until):
    while time.process_time() < until: sum(range(500))
print("said", file=sys.stdout)
print("warned", file=sys.stderr)
spin(time.process_time() + 1.0)  # of CPU time: however busy the machine is, there are samples
sys.exit(7)
"""


@pytest.fixture
def flame(tmp_path):
    root = scripted.machine(tmp_path / "root")

    def run(*arguments, **more):
        line = [sys.executable, "-m", "microjoule", "flame", "--root", str(root), *map(str, arguments)]
        environment = {**os.environ, "COLUMNS": "80", **more.pop("env", {})}
        return subprocess.run(
            line, capture_output=True, text=True, timeout=120, cwd=tmp_path, env=environment, **more
        )

    return run


SAMPLERS = [pytest.param("perf", marks=by_perf), pytest.param("py-spy", marks=by_py_spy)]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_command_keeps_its_streams_and_exit_code_and_the_graph_is_whole(flame, tmp_path, sampler):
    outputs = [tmp_path / name for name in ("f.html", "f.speedscope.json", "f.folded", "f.pb.gz")]
    options = [word for path in outputs for word in ("-o", path)]
    program = tmp_path / "busy.py"
    program.write_text(BUSY)
    done = flame(
        "--sampler", sampler, *options, "--json", "f.json", "--trace", "t.arrows", "--",
        sys.executable, program,
    )  # fmt: skip
    assert done.returncode == 7
    assert done.stdout == "said\n"
    assert "warned" in done.stderr
    assert "py-spy>" not in done.stderr
    assert all(f"Wrote {path}" in done.stderr for path in outputs)
    found = json.loads((tmp_path / "f.json").read_text())
    whole = found["measured"]["value"]
    assert sum(row["own_j"] for row in found["frames"]) == pytest.approx(whole, rel=1e-9)
    low, high = found["measured"]["guaranteed"]
    assert low <= scripted.PACKAGE_W * found["span_s"] <= high
    energies = [int(line.rpartition(" ")[2]) for line in (tmp_path / "f.folded").read_text().splitlines()]
    assert sum(energies) == round(whole * 1e6)
    assert found["samples"] > 3
    assert max(map(len, done.stderr.split("warned\n")[1].split("Wrote")[0].splitlines())) <= 80
    assert (tmp_path / "t.arrows").exists()


@by_py_spy
def test_python_functions_have_their_names(flame, tmp_path):
    program = tmp_path / "busy.py"
    program.write_text(BUSY)
    flame("--sampler", "py-spy", "-o", "f.folded", "--", sys.executable, program)
    text = (tmp_path / "f.folded").read_text()
    assert "<module> (busy.py);spin (busy.py)" in text
    assert "begun" not in text  # the shell between is no part of the program


@by_perf
def test_an_estimate_says_that_it_is_one(flame, tmp_path):
    done = flame("--source", "cpu_time", "--root", "/", "-o", "f.html", "--", "sh", "-c", _COUNT)
    assert done.returncode == 0
    assert "is estimated from CPU time" in done.stderr.replace("\n", " ")
    assert "is estimated from CPU time" in (tmp_path / "f.html").read_text()


_COUNT = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"


@by_perf
def test_a_command_that_a_signal_ends_is_died_of(flame):
    done = flame("-o", "f.folded", "--", "sh", "-c", "kill -TERM $$")
    assert done.returncode == -signal.SIGTERM


@by_perf
def test_a_command_that_is_not_there_exits_with_127(flame, tmp_path):
    done = flame("-o", "f.folded", "--", "/nowhere/none")
    assert done.returncode == 127
    assert not (tmp_path / "f.folded").exists()


BAD = {
    "no command": ([], 2, "name a command after --"),
    "no form": (["-o", "f.png", "--", "true"], 125, "does not end in a known flame graph format"),
    "no folder": (["-o", "no/f.html", "--", "true"], 125, "cannot be written"),
    "one file for two": (["-o", "f.json", "--json", "f.json", "--", "true"], 125, "Give each its own file"),
    "a rate": (["--stacks", "5", "--", "true"], 2, "write a number from 10 to 10000"),
    "a sampler": (["--sampler", "gdb", "--", "true"], 2, "there is no --sampler"),
}


@pytest.mark.parametrize(("arguments", "code", "words"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_before_anything_runs(flame, arguments, code, words):
    done = flame(*arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert done.stdout == ""


def test_without_any_sampler_the_remedy_is_in_the_message(capsys, tmp_path, monkeypatch):
    root = scripted.machine(tmp_path / "root")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    code = main(["flame", "--root", str(root), "--sampler", "perf", "--", sys.executable, "-c", ""])
    assert code == 125
    err = capsys.readouterr().err
    assert "perf is not installed" in err
    assert "microjoule[flame]" in err


def test_an_interpreter_says_its_version_and_others_are_none(tmp_path):
    minor, _ = python_facts(sys.executable)
    assert minor == sys.version_info[1]
    assert python_facts("/bin/true") is None
    fake = tmp_path / "python3"
    fake.write_text("#!/bin/sh\nexit 1\n")
    Path(fake).chmod(0o755)
    assert python_facts(str(fake)) is None


@by_perf
@pytest.mark.parametrize(("script", "code"), [("true", 125), ("exit 7", 7)])
def test_a_command_too_short_for_a_stack_is_said_to_be_and_no_graph_is_no_success(
    flame, tmp_path, script, code
):
    done = flame("--stacks", "10", "--", "sh", "-c", script)
    assert done.returncode == code
    assert "too little CPU time for 10 stacks a second" in done.stderr
    assert "perf record" not in done.stderr
    assert not (tmp_path / "flame.html").exists()


def test_where_perf_is_missing_the_remedy_installs_it(flame, tmp_path):
    done = flame("--sampler", "perf", "--", sys.executable, "-c", "", env={"PATH": str(tmp_path)})
    assert done.returncode == 125
    assert "Install perf (Debian: linux-perf" in done.stderr
    assert "sysctl" not in done.stderr
