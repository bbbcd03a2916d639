"""Whose energy, from the command line: a scripted package, and this machine's own processes."""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import standin
from machines import CLIENT, write
from scripted import machine

import microjoule

UJ = [sys.executable, "-m", "microjoule"]
BURN = "import sys, time\nfor _ in range(4 * int(sys.argv[1])):\n end = time.process_time() + 0.1\n"
BURN += " while time.process_time() < end: pass\n time.sleep(0.2)\n"


def uj(*words):
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "80"}
    return subprocess.run(
        [*UJ, *map(str, words)], capture_output=True, text=True, timeout=120, env=environment
    )


def shared(path, run):
    """What the first run says whose looks were enough to share its energy, and how long it was.

    On a busy machine looks come late. Each run is twice as long as the one before it.
    """
    for times in (1, 2, 4, 8, 16):
        done = run(times)
        assert done.returncode == 0, done.stderr
        report = json.loads(path.read_text())
        if report["shares"]["status"] != "too short":
            return done.stderr, report, times
    pytest.fail(done.stderr)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A package of constant power, beside the processes that there are."""
    folder = machine(tmp_path_factory.mktemp("whose") / "root")
    (folder / "proc").symlink_to("/proc")
    return folder


@pytest.fixture(scope="module")
def ran(root):
    path = root.parent / "r.json"
    words = ["run", "--source", "script", "--root", root, "--idle", "1s", "--json", path]
    return shared(path, lambda times: uj(*words, "--", sys.executable, "-c", BURN, times))


def test_the_first_lines_say_what_the_machine_used_and_whose_it_was(ran):
    said, report, times = ran
    assert ": the machine used " in said
    assert "\nwhose " in said
    assert "\ncommand" in said
    assert "idle machine" in said
    assert max(map(len, said.splitlines())) <= 80
    rows = report["shares"]["rows"]
    assert rows[0]["kind"] == "command"
    # Without perf's counter it is the sum of its processes, each up to the last look before it ended.
    assert 0.2 * times <= rows[0]["busy_s"] <= 0.8 * times
    total_nj = round(report["whole"]["total"]["energy_j"] * 1e9)
    assert sum(round(row["energy_j"] * 1e9) for row in rows if row["energy_j"] is not None) == total_nj


def test_a_command_that_sleeps_has_a_row(root, tmp_path):
    """Case: it used less than a millisecond of CPU time, and whose energy it was had no answer."""
    path = tmp_path / "r.json"
    words = ["run", "--source", "script", "--root", root, "--json", path, "--", "sleep"]
    said, report, _ = shared(path, lambda times: uj(*words, 3 * times))
    assert "\ncommand " in said
    assert "the command" in said.partition("measured")[0].replace("\n", " ")
    first = report["shares"]["rows"][0]
    assert first["kind"] == "command"
    assert first["busy_s"] < 0.5


def test_a_package_of_constant_power_is_the_idle_machine_s(ran):
    """Whoever is busy, it draws no more: CPU time alone would give most of it to programs."""
    _, report, _ = ran
    command = report["shares"]["rows"][0]
    least_j = command["energy_j"] - command["U_j"] if command["status"] == "ok" else 0.0
    assert least_j <= 0.05 * report["shares"]["total_j"]
    assert command["guaranteed_j"][0] == 0.0
    assert command["by_cpu_time_j"] > 0


@pytest.mark.parametrize("by", ["process", "container"])
def test_a_recording_is_grouped_as_asked(root, by, tmp_path):
    trace, path = tmp_path / "t.arrows", tmp_path / "r.json"
    words = ["--source", "script", "--root", root, "--by", by, "--for", "600ms", "-o", trace]
    assert uj("record", *words).returncode == 0
    assert uj("report", trace, "--json", path).returncode == 0
    found = json.loads(path.read_text())["shares"]
    assert found is None or found["by"] == by


@pytest.mark.skipif(standin.compiler() is None, reason="no C compiler to build the stand-in with")
def test_a_command_on_a_gpu_has_its_part_of_it(tmp_path):
    """A GPU of 60 W that draws 360 W while the command is busy on it, every other 0.4 s."""
    wave = standin.Wave("square", 60_000, 360_000, 800_000_000, time.monotonic_ns())
    standin.machine(tmp_path, f"driver 570\ndevice GPU-aaaa-1\n{wave.line}\nprocess 0 80 20\n")
    (tmp_path / "proc").symlink_to("/proc")
    path, trace = tmp_path / "r.json", tmp_path / "t.arrows"
    command = f"echo $$ > {tmp_path}/pid; exec sleep 4"
    words = ["--source", "nvml", "--root", tmp_path, "-o", trace, "--json", path]
    done = uj("run", *words, "--", "sh", "-c", command)
    assert done.returncode == 0, done.stderr
    rows = {row["kind"]: row for row in json.loads(path.read_text())["shares"]["rows"]}
    assert rows.keys() == {"command", "idle", "unexplained"}
    (run,) = (window for window in microjoule.load(trace).windows if window.name == "run")
    known_j = (wave.integral(run.t1_ns) - wave.integral(run.t0_ns)) / 1e12
    idle_j = 60.0 * (run.t1_ns - run.t0_ns) / 1e9
    command = rows["command"]
    assert abs(command["energy_j"] - (known_j - idle_j)) <= 1.5 * command["U_j"]
    assert command["energy_j"] > command["U_j"] > 0
    assert command["guaranteed_j"][1] >= known_j - idle_j
    assert 0 < command["gpu_s"] < 4
    assert "GPU time" in done.stderr


def test_reads_that_all_fail_are_named_and_the_report_is_whole(tmp_path):
    """It was one line: the trace had no time in which its channels were read, and was to be longer."""
    root = write(replace(CLIENT, pmu=None, registers={}), tmp_path / "root")
    for energy in root.rglob("energy_uj"):
        energy.write_text(energy.read_text().strip())  # a line that was cut
    kept = tmp_path / "r.json"
    done = uj("run", "--root", root, "--source", "powercap", "--json", kept, "--", "sleep", "0.6")
    said = " ".join(done.stderr.split())
    assert re.match(r"sleep 0.6: the machine has no energy figure for [\d.]+ m?s: [^;]*failed\b", said), said
    assert re.search(r"package-0[^:]*: [\d,]+ reads failed: what was read is no number\.", said), said
    (window,) = json.loads(kept.read_text())["windows"]
    assert {row["status"] for row in window["channels"] if "cpu_time" not in row["channel"]} == {"failed"}


def test_nobody_is_recorded_where_that_is_asked_for(root, tmp_path):
    path = tmp_path / "r.json"
    done = uj("run", "--source", "script", "--root", root, "--by", "none", "--json", path, "--", "true")
    assert done.returncode == 0
    assert json.loads(path.read_text())["shares"] is None


def test_a_grouping_that_there_is_not_is_refused():
    done = uj("run", "--by", "planet", "--", "true")
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert said[0] == "uj run: there is no --by 'planet'."
    assert said[1] == "Choose from: name, process, cgroup, unit, user, container, none."
    assert max(map(len, said)) <= 80


def test_a_machine_without_proc_has_a_report_without_shares(tmp_path):
    """As in a sandbox that hides all of it."""
    path = tmp_path / "r.json"
    bare = machine(tmp_path / "bare")
    done = uj("run", "--source", "script", "--root", bare, "--json", path, "--", "sleep", "0.3")
    assert done.returncode == 0
    assert json.loads(path.read_text())["shares"] is None
