import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest
from scripted import DRAM_W, PACKAGE_W, machine

import microjoule as uj

UJ = [sys.executable, "-m", "microjoule"]
ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


def command(*words):
    return subprocess.run(
        [*UJ, *map(str, words)], capture_output=True, text=True, timeout=60, env=ENVIRONMENT
    )


def uj_run(*words, stdin=None, env=ENVIRONMENT):
    return subprocess.run(
        [*UJ, "run", *map(str, words)], input=stdin, capture_output=True, text=True, timeout=120, env=env
    )


@pytest.fixture
def root(tmp_path):
    return machine(tmp_path / "root")


def test_a_command_of_known_power_is_within_the_bound_and_the_json_says_all(root, tmp_path):
    path = tmp_path / "r.json"
    done = uj_run("--source", "script", "--root", root, "--json", path, "--", "sleep", "0.3")
    assert done.returncode == 0, done.stderr
    report = json.loads(path.read_text())
    assert report["schema"] == "microjoule.report/1"
    (window,) = report["windows"]
    assert window["name"] == "run"
    assert window["duration_s"] == pytest.approx((window["t1_ns"] - window["t0_ns"]) / 1e9)
    package, dram = window["channels"]
    parts = {row["name"] for row in package["budget"]}
    assert {"edges"} <= parts <= {"edges", "power", "quantisation", "read time", "steps", "swings", "phase"}
    assert package["U_j"] == pytest.approx(package["k"] * package["u_j"])
    assert abs(package["energy_j"] - PACKAGE_W * window["duration_s"]) <= 2 * package["U_j"]
    assert (
        package.items()
        >= {
            "channel": "package-0",
            "source": "script",
            "provenance": "measured",
            "energy_j": package["energy_j"],
            "guaranteed_j": package["guaranteed_j"],
            "accuracy": "unknown",
            "mean_w": package["mean_w"],
            "peak_w": package["peak_w"],
            "peak_over_s": 0.05,
            "status": "ok",
        }.items()
    )
    for row, watts in ((package, PACKAGE_W), (dram, DRAM_W)):
        low, high = row["guaranteed_j"]
        assert low <= watts * window["duration_s"] <= high
        assert row["mean_w"] == pytest.approx(watts, rel=0.05)
        assert row["peak_w"] == pytest.approx(watts, rel=0.05)
    assert window["total"]["channels"] == ["package-0", "package-0/dram"]
    assert window["total"]["energy_j"] == pytest.approx(package["energy_j"] + dram["energy_j"])
    (lane,) = report["engine"]["lanes"]
    assert set(lane) >= {"lane", "rate_hz", "ticks", "late", "missed", "dropped", "errors", "busy_s"}
    assert lane["dropped"] == lane["errors"] == 0


def test_standard_streams_pass_through_and_the_report_goes_to_stderr(root):
    done = uj_run("--source", "script", "--root", root, "--", "cat", stdin="a line\n")
    assert done.stdout == "a line\n"
    assert "measured: package + DRAM" in done.stderr


@pytest.mark.parametrize(("command", "code"), [("exit 7", 7), ("exit 0", 0), ("kill -TERM $$", -15)])
def test_the_exit_code_is_the_command_s(root, command, code):
    assert uj_run("--source", "script", "--root", root, "--", "sh", "-c", command).returncode == code


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--", "no-such-command-here"], 127, "No such file or directory"),
        (["--", "/etc/passwd"], 126, "Permission denied"),
        (["--source", "powercap", "--root", "/nowhere", "--", "touch", "{mark}"], 125, "powercap"),
        (["--source", "nonsense", "--", "touch", "{mark}"], 125, "There is no source 'nonsense'"),
        (["--rate", "0", "--", "touch", "{mark}"], 125, "1 to 20000 Hz"),
        (["-o", "/nowhere/t.arrows", "--", "touch", "{mark}"], 125, "Create its folder first"),
        ([], 2, "name a command"),
        (["--no-such-option", "--", "true"], 2, "there is no option"),
    ],
)
def test_own_failures_have_their_own_codes_and_come_before_the_command(tmp_path, words, code, sentence):
    mark = tmp_path / "started"
    done = uj_run(*(word.format(mark=mark) for word in words))
    assert (done.returncode, sentence in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert not mark.exists()


def test_windows_of_the_command_and_of_its_children_are_in_the_report(root, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import os, microjoule as uj, time\n"
        "with uj.window('outer', kind='test'):\n"
        "    if os.fork() == 0:\n"
        "        with uj.window('child'): time.sleep(0.01)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "for i in range(5):\n"
        "    with uj.window('step', i=i): time.sleep(0.005)\n"
    )
    path = tmp_path / "r.json"
    done = uj_run(
        "--source", "script", "--root", root, "--json", path, "--", sys.executable, "-W", "ignore", program
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(path.read_text())
    windows = {window["name"]: window for window in report["windows"]}
    assert set(windows) == {"run", "outer", "child", "step"}
    assert windows["run"]["t0_ns"] < windows["outer"]["t0_ns"] < windows["child"]["t0_ns"]
    assert windows["outer"]["attributes"] == {"kind": "test"}
    steps = next(row for row in report["by_name"] if row["name"] == "step")
    assert (steps["n"], steps["n_cut"]) == (5, 0)
    each_j = (PACKAGE_W + DRAM_W) * steps["window_s"]
    assert steps["per_window"]["energy_j"] == pytest.approx(each_j, rel=0.2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_to_uj_reaches_the_command(root, tmp_path, number):
    program = tmp_path / "program.py"
    program.write_text(
        "import signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(9))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [*UJ, "run", "--source", "script", "--root", root, "--", sys.executable, program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    assert process.stdout.readline() == "ready\n"
    for _ in range(6):  # a machine under load may take its time; the last word is the command's
        process.send_signal(number)
        try:
            _, report = process.communicate(timeout=15)
            break
        except subprocess.TimeoutExpired:
            continue
    assert process.returncode == 9
    assert "measured: package + DRAM" in report


def test_open_files_of_the_caller_reach_the_command(root):
    read, write = os.pipe()
    words = [*UJ, "run", "--source", "script", "--root", root, "--"]
    words += [sys.executable, "-c", f"import os; os.write({write}, b'passed')"]
    subprocess.run(words, pass_fds=[write], check=True, capture_output=True, timeout=60, env=ENVIRONMENT)
    os.close(write)
    assert os.read(read, 100) == b"passed"
    os.close(read)


def test_a_killed_recording_keeps_its_whole_batches_and_its_open_window(root, tmp_path):
    path = tmp_path / "t.arrows"
    process = subprocess.Popen(
        [*UJ, "run", "--source", "script", "--root", root, "-o", path, "--", "sleep", "60"],
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )
    while not path.exists() or path.stat().st_size < 30_000:
        time.sleep(0.05)
        assert process.poll() is None
    process.kill()
    process.wait()
    trace = uj.load(path)
    assert trace.is_truncated
    (run,) = trace.windows
    assert run.name == "run"
    assert run.is_open
    energy = trace.energy(run)["package-0"]
    assert energy.low <= PACKAGE_W * run.duration_ns * 1e-9 <= energy.high
    assert energy.value is not None
    report = command("report", path)
    assert report.returncode == 0, report.stderr
    assert "uj repair" in report.stdout
    repaired = tmp_path / "clean.arrows"
    done = command("repair", path, "-o", repaired)
    assert done.returncode == 0, done.stderr
    assert not uj.load(repaired).is_truncated
    assert uj.load(repaired).energy(run)["package-0"] == trace.energy(run)["package-0"]


def test_without_o_no_file_is_left_behind(root, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = uj_run(
        "--source", "script", "--root", root, "--", "true", env={**ENVIRONMENT, "TMPDIR": str(scratch)}
    )
    assert done.returncode == 0, done.stderr
    assert list(scratch.iterdir()) == []


def test_record_for_a_time_and_until_a_signal(root, tmp_path):
    words = [*UJ, "record", "--source", "script", "--root", root]
    first, second = tmp_path / "a.arrows", tmp_path / "b.arrows"
    done = subprocess.run(
        [*words, "-o", first, "--for", "200ms"], capture_output=True, text=True, timeout=60, env=ENVIRONMENT
    )
    assert (done.returncode, done.stdout) == (0, f"{first}\n"), done.stderr
    assert uj.load(first).window("record").duration_ns >= 200_000_000
    process = subprocess.Popen([*words, "-o", second], stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    while not second.exists() or second.stat().st_size < 10_000:
        time.sleep(0.05)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert not uj.load(second).is_truncated


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "empty"), (b"not arrow at all, whatever it is", "not"), (None, "No such file")],
)
def test_a_file_that_is_no_trace_is_a_sentence(tmp_path, content, sentence):
    path = tmp_path / "x.arrows"
    if content is not None:
        path.write_bytes(content)
    done = command("report", path)
    assert done.returncode == 1
    assert done.stderr.startswith("uj: ")
    assert str(path) in done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_counter_that_is_stuck_is_named(root, tmp_path):
    (root / "dram.txt").write_text("by time\n0 77\n")
    path = tmp_path / "r.json"
    done = uj_run("--source", "script", "--root", root, "--json", path, "--", "sleep", "0.4")
    assert "package-0/dram never moved" in done.stderr
    assert json.loads(path.read_text())["engine"]["stuck"] == ["package-0/dram"]


def test_a_zone_that_fails_all_along_is_named_with_its_reason(root, tmp_path):
    (root / "dram.txt").write_text("by time\n0 !5\n")
    path = tmp_path / "r.json"
    done = uj_run("--source", "script", "--root", root, "--json", path, "--", "sleep", "0.1")
    assert done.returncode == 0
    assert "reads failed: Input/output error" in done.stderr
    (window,) = json.loads(path.read_text())["windows"]
    assert [row["status"] for row in window["channels"]] == ["ok", "failed"]
    assert window["channels"][1]["energy_j"] is None
    assert window["total"]["energy_j"] is None


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full", "2> >(true)", ">&-", "--json - >/dev/full"])
def test_the_exit_code_stands_whoever_listens(root, where):
    """A closed stream never becomes the other one, and what cannot be said changes no exit code."""
    options, _, redirection = where.rpartition("- ") if "json" in where else ("", "", where)
    options = f"{options}-" if options else ""
    words = f"{sys.executable} -m microjoule run --source script --root {root} {options} -- "
    line = f"{words} sh -c 'echo out; exit 7' {redirection}"
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=60, env=ENVIRONMENT, check=False
    )
    assert done.returncode == 7
    assert done.stdout in ("out\n", "")
    assert "Traceback" not in done.stderr


def test_an_error_never_goes_to_standard_output():
    line = f"{sys.executable} -m microjoule run --source nonsense -- true 2>&-"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
    assert (done.returncode, done.stdout) == (125, "")


@pytest.mark.parametrize("where", [">/dev/full", ">&-"])
def test_output_that_cannot_be_written_is_a_sentence(where):
    line = f"{sys.executable} -m microjoule zones {where}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
    assert done.returncode == 1
    assert done.stderr.startswith("uj: Cannot write to standard output")
    assert done.stderr.count("\n") == 1


def test_a_stream_without_a_sign_gets_letters(root):
    done = uj_run(
        "--source", "script", "--root", root, "--", "true", env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}
    )
    assert done.returncode == 0
    assert "true: the machine used " in done.stderr
    assert done.stderr.isascii()
    assert "\\" not in done.stderr


def test_figures_that_are_not_finite_and_names_that_are_no_text_leave_the_report_whole(root, tmp_path):
    program = (
        "import microjoule as uj\nwith uj.window('w', loss=float('nan'), of=[float('inf')]): pass\nexit(5)"
    )
    path = tmp_path / "r.json"
    words = ["--source", "script", "--root", root, "--json", path, "--", sys.executable, "-c", program]
    done = uj_run(*words, os.fsdecode(b"\xff"))
    assert done.returncode == 5, done.stderr
    report = json.loads(path.read_text())
    assert report["windows"][1]["attributes"] == {"loss": "NaN", "of": ["Infinity"]}
    assert report["facts"]["command"][-1] == "\udcff"
    assert report["facts"]["command"][0] == sys.executable


@pytest.mark.parametrize("same", [True, False])
def test_a_report_that_could_not_be_written_is_refused_before_the_command(root, tmp_path, same):
    mark, path = tmp_path / "started", tmp_path / "own"
    words = ["-o", path, "--json", path] if same else ["--json", "/nowhere/r.json"]
    done = uj_run("--source", "script", "--root", root, *words, "--", "touch", mark)
    assert done.returncode == 125
    assert (
        "The trace and the report have the same file" in done.stderr
        or "Create its folder first" in done.stderr
    )
    assert not mark.exists()


def test_an_alarm_reaches_the_command(root):
    words = [*UJ, "run", "--source", "script", "--root", root, "--", "sh", "-c"]
    words.append("trap 'exit 4' ALRM; echo ready; while :; do sleep 0.05; done")
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGALRM)
        assert process.wait(timeout=60) == 4


def test_a_signal_ends_the_report(root, tmp_path):
    """The report goes to a pipe that nobody empties: only a signal can end it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = [*UJ, "run", "--source", "script", "--root", root, "--json", pipe, "--", "true"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        while "CO2e and cost" not in process.stderr.readline():
            assert process.poll() is None
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 128 + signal.SIGTERM


def test_report_prints_the_budget_on_request(root, tmp_path):
    path = tmp_path / "t.arrows"
    assert uj_run("--source", "script", "--root", root, "-o", path, "--", "sleep", "0.1").returncode == 0
    plain, asked = command("report", path), command("report", "--budget", path)
    assert asked.stdout.startswith(plain.stdout)
    more = asked.stdout.removeprefix(plain.stdout)
    assert "edges" in more
    assert "type B" in more
    assert command("report", "--budget", "--total", path).returncode == 2


def test_the_libraries_start_no_threads_and_the_command_s_environment_is_its_caller_s():
    """The settings that keep them from it are this process's alone, and what the user has set stands."""
    said = (
        "import os; from microjoule.cli.without_threads import load_libraries; before = dict(os.environ); "
        "load_libraries(); print(len(os.listdir('/proc/self/task')), dict(os.environ) == before)"
    )
    names = ("OPENBLAS_NUM_THREADS", "JE_ARROW_MALLOC_CONF")
    plain = {key: value for key, value in os.environ.items() if key not in names}
    more = min(len(os.sched_getaffinity(0)), 2)
    for environment, threads in ((plain, 1), ({**plain, names[0]: "2"}, more)):
        words = [sys.executable, "-c", said]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == f"{threads} True"


@pytest.mark.parametrize("size_mb", [90, 180, 255])
def test_too_little_memory_for_the_libraries_is_said_before_anything_is_made(root, tmp_path, size_mb):
    limit = (size_mb << 20, size_mb << 20)
    done = subprocess.run(
        [*UJ, "run", "--source", "script", "--root", root, "--", "touch", tmp_path / "started"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "ulimit -v" in done.stderr) == (125, True), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["root"]
