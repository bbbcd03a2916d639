"""``uj run`` in each rank of a job: one recorder a node, whatever becomes of the ranks."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ranks import UJ, ended, environment, recorder_of, started
from scripted import DRAM_W, PACKAGE_W, machine

import microjoule as uj
from microjoule.recording.job_paths import filled
from microjoule.recording.launch import Launch

POWER_W = PACKAGE_W + DRAM_W
STEPS = """
for number in range(3):
    with uj.window("step", number=number):
        time.sleep(0.1)
"""


@pytest.fixture
def root(tmp_path):
    return machine(tmp_path / "root")


def ranks_of(trace):
    """By rank, the attributes of its command's window."""
    return {each.attributes["rank"]: each.attributes for each in trace.windows if each.name == "rank"}


def test_the_ranks_of_a_node_have_one_recorder_and_mark_into_it(root, tmp_path):
    output = str(tmp_path / "traces/{job}/{node}.arrows")
    codes, said = ended(started(root, output, STEPS, [environment(rank, 3) for rank in range(3)]))
    assert codes == [0, 0, 0], said
    assert [path.name for path in (tmp_path / "traces/j7").iterdir()] == ["n1.arrows"]
    assert said.count("the machine used") == 1  # the last rank reports
    trace = uj.load(tmp_path / "traces/j7/n1.arrows")
    assert not trace.is_truncated
    assert sorted(trace.channels) == ["package-0", "package-0/dram"]
    assert {rank: of["exit_code"] for rank, of in ranks_of(trace).items()} == {0: 0, 1: 0, 2: 0}
    steps = sorted((each.attributes["rank"], each.attributes["number"]) for each in trace.named("step"))
    assert steps == [(rank, number) for rank in range(3) for number in range(3)]
    run = trace.window("run")
    assert all(run.t0_ns <= each.t0_ns <= each.t1_ns <= run.t1_ns for each in trace.windows)
    total = trace.energy("run").total  # three ranks in the same time, and each joule once
    assert total.low <= POWER_W * run.duration_ns / 1e9 <= total.high
    assert trace.facts["launch"]["job"] == "j7"
    assert trace.facts["launch"]["node"] == "n1"
    assert list(trace.by_name()[0].per_unit) == []  # a rank's number is no amount


def test_a_rank_that_fails_ends_at_once_and_the_others_are_recorded_on(root, tmp_path):
    go = tmp_path / "go"
    program = (
        f"""
if rank == 0:
    sys.exit(7)
while not os.path.exists({str(go)!r}):
    time.sleep(0.01)
"""
        + STEPS
    )
    first, second = started(
        root, str(tmp_path / "{node}.arrows"), program, [environment(r, 2) for r in (0, 1)]
    )
    _, said = first.communicate(timeout=100)  # while the other rank goes on
    assert first.returncode == 7
    assert said == ""
    assert second.poll() is None
    go.touch()
    codes, said = ended([second])
    assert codes == [0], said
    trace = uj.load(tmp_path / "n1.arrows")
    found = ranks_of(trace)
    assert (found[0]["exit_code"], found[1]["exit_code"]) == (7, 0)
    assert "warning: rank 0 ended with exit code 7 after" in said
    assert len(trace.named("step")) == 3


def test_a_rank_that_is_killed_is_named_and_what_it_left_open_ends_with_it(root, tmp_path):
    go = tmp_path / "go"
    program = f"""
with uj.window("doomed" if rank == 0 else "work"):
    time.sleep(0.5)
    if rank == 0:
        os.kill(os.getppid(), signal.SIGKILL)
        sys.exit()
    while not os.path.exists({str(go)!r}):
        time.sleep(0.01)
    time.sleep(0.3)
"""
    ranks = started(root, str(tmp_path / "{node}.arrows"), program, [environment(r, 2) for r in (0, 1)])
    ranks[0].communicate(timeout=100)
    go.touch()
    codes, said = ended([ranks[1]])
    assert (ranks[0].returncode, codes) == (-signal.SIGKILL, [0]), said
    trace = uj.load(tmp_path / "n1.arrows")
    found = ranks_of(trace)
    assert (found[0]["ended"], found[1]["exit_code"]) == ("killed", 0)
    doomed, work = trace.window("doomed"), trace.window("work")
    assert not doomed.is_open
    assert doomed.attributes["ended"] == "with its rank"
    assert doomed.t1_ns < work.t1_ns


def test_a_job_that_is_cancelled_ends_as_its_commands_do_with_a_whole_trace(root, tmp_path):
    program = f"""
signal.signal(signal.SIGTERM, signal.SIG_DFL)
open({str(tmp_path)!r} + f"/ready-{{rank}}", "w").close()
time.sleep(100)
"""
    ranks = started(root, str(tmp_path / "{node}.arrows"), program, [environment(r, 2) for r in (0, 1)])
    until = time.monotonic() + 60
    while len(list(tmp_path.glob("ready-*"))) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    recorder = recorder_of(tmp_path)
    for process in (recorder, ranks[0].pid, ranks[1].pid):  # as Slurm signals all processes of a step
        os.kill(process, signal.SIGTERM)
    codes, said = ended(ranks)
    assert codes == [-signal.SIGTERM] * 2, said
    trace = uj.load(tmp_path / "n1.arrows")
    assert not trace.is_truncated
    assert [of["signal"] for of in ranks_of(trace).values()] == [signal.SIGTERM] * 2


def test_another_recorder_goes_on_where_the_first_is_killed(root, tmp_path):
    go = tmp_path / "go"
    program = (
        f"""
while not os.path.exists({str(go)!r}):
    time.sleep(0.01)
"""
        + STEPS
    )
    ranks = started(root, str(tmp_path / "{node}.arrows"), program, [environment(r, 2) for r in (0, 1)])
    until = time.monotonic() + 60
    while not (tmp_path / "n1.arrows").exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(2)  # two of its batches are in the file
    recorder = recorder_of(tmp_path)
    assert recorder is not None
    os.kill(recorder, signal.SIGKILL)
    while not (tmp_path / "n1.1.arrows").exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1)
    go.touch()
    codes, said = ended(ranks)
    assert codes == [0, 0], said
    assert said.count("This node's recorder was killed; another one goes on") == 1
    first, second = (uj.load(tmp_path / name) for name in ("n1.arrows", "n1.1.arrows"))
    assert (first.is_truncated, second.is_truncated) == (True, False)
    assert len(second.named("step")) == 6
    assert all(of["continues"] for of in ranks_of(second).values())
    assert first.span.t1_ns < second.span.t0_ns


def test_two_nodes_have_a_recorder_each_and_no_trace_of_the_job_is_replaced(root, tmp_path):
    output = str(tmp_path / "{job}-{node}.arrows")
    places = [environment(rank, 2, node=f"n{1 + rank // 2}", first=rank // 2 * 2) for rank in range(4)]
    codes, said = ended(started(root, output, STEPS, places))
    assert codes == [0] * 4, said
    again = [{**each, "TORCHELASTIC_RESTART_COUNT": "1"} for each in places[:2]]
    codes, said = ended(started(root, output, STEPS, again))
    assert codes == [0, 0], said
    traces = {path.name: uj.load(path) for path in tmp_path.glob("*.arrows")}
    assert sorted(traces) == ["j7-n1.1.arrows", "j7-n1.arrows", "j7-n2.arrows"]
    assert {name: sorted(ranks_of(trace)) for name, trace in traces.items()} == {
        "j7-n1.arrows": [0, 1],
        "j7-n1.1.arrows": [0, 1],
        "j7-n2.arrows": [2, 3],
    }


def test_without_a_trace_to_keep_the_last_rank_reports_and_nothing_is_left(root, tmp_path):
    folder = tmp_path / "tmp"
    folder.mkdir()
    places = [{**environment(rank, 2), "TMPDIR": str(folder)} for rank in range(2)]
    codes, said = ended(started(root, None, STEPS, places, "--brief"))
    assert codes == [0, 0], said
    assert said.count("the machine used") == 1
    until = time.monotonic() + 30
    while list(folder.iterdir()) and time.monotonic() < until:  # the recorder ends after its last rank
        time.sleep(0.05)
    assert list(folder.iterdir()) == []


def test_where_nothing_can_be_measured_each_rank_says_so_before_its_command_starts(tmp_path):
    (tmp_path / "empty").mkdir()
    ran = f"open({str(tmp_path)!r} + '/ran', 'w')"
    codes, said = ended(started(tmp_path / "empty", None, ran, [environment(r, 2) for r in (0, 1)]))
    assert codes == [125, 125]
    assert said.count("uj run: ") == 2
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("{jobs}.arrows", "{jobs} in {jobs}.arrows is not a known placeholder. Nearest: 'job'"),
        (
            "{job}.arrows",
            "Nothing says what {job} in {job}.arrows is: this process is not part of a job. Start it",
        ),
        ("{rank}.arrows", "Nothing says what {rank} in {rank}.arrows is"),
        ("{job:03}.arrows", "{job:03} in {job:03}.arrows is not a known placeholder"),
        ("{job }.arrows", "{job } in {job }.arrows is not a known placeholder"),
        ("{}.arrows", "{} in {}.arrows is not a known placeholder"),
    ],
)
def test_a_place_that_cannot_be_filled_in_is_refused(root, tmp_path, output, sentence):
    plain = {
        name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "OMPI", "PMI"))
    }
    done = subprocess.run(
        [*UJ, "run", "--source", "script", "--root", root, "-o", output, "--", "true"],
        env=plain,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 125
    assert sentence in done.stderr


def test_the_node_is_known_without_a_launcher(root, tmp_path):
    output = tmp_path / "{node}.arrows"
    done = subprocess.run(
        [*UJ, "run", "--source", "script", "--root", root, "-o", output, "--brief", "--", "true"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"{os.uname().nodename}.arrows").exists()


def test_a_node_that_is_recorded_again_in_one_job_keeps_both_traces(root, tmp_path):
    for _ in range(2):
        done = subprocess.run(
            [
                *UJ,
                "record",
                "--source",
                "script",
                "--root",
                root,
                "-o",
                "{job}/{node}.arrows",
                "--for",
                "0.1s",
            ],
            env={**os.environ, "MICROJOULE_JOB": "j7", "MICROJOULE_NODE": "n1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "j7").iterdir()) == ["n1.1.arrows", "n1.arrows"]


TOGETHER = {
    "pods": [{"JOB_COMPLETION_INDEX": str(number), "MICROJOULE_JOB": "j7"} for number in range(2)],
    "steps": [
        {
            "SLURM_JOB_ID": "j7",
            "SLURM_STEP_ID": str(number),
            "SLURM_PROCID": "0",
            "SLURM_NODEID": "0",
            "SLURM_STEP_TASKS_PER_NODE": "1",
        }
        for number in range(2)
    ],
    "no launcher": [{"MICROJOULE_JOB": "j7"}] * 2,
}
WAITS_FOR_THE_OTHER = """
import os, sys, time
open(sys.argv[1], "w").close()
until = time.monotonic() + 60
while not os.path.exists(sys.argv[2]) and time.monotonic() < until:
    time.sleep(0.01)
sys.exit(0 if os.path.exists(sys.argv[2]) else 3)
"""


@pytest.mark.parametrize("environments", TOGETHER.values(), ids=TOGETHER)
def test_processes_of_a_job_that_start_together_all_run_and_have_a_trace_each(root, tmp_path, environments):
    output = tmp_path / "{job}/{node}.arrows"
    recorded = [*UJ, "run", "--source", "script", "--root", root, "-o", output, "--brief", "--"]
    names = (tmp_path / "first", tmp_path / "second")
    processes = [
        subprocess.Popen(
            [*recorded, sys.executable, "-c", WAITS_FOR_THE_OTHER, *order],
            env={**os.environ, "MICROJOULE_NODE": "n1", **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        for environment, order in zip(environments, (names, names[::-1]), strict=True)
    ]
    said = [process.communicate(timeout=100)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    paths = sorted((tmp_path / "j7").iterdir())
    assert [path.name for path in paths] == ["n1.1.arrows", "n1.arrows"]
    assert all(len(uj.load(path).named("run")) == 1 for path in paths)


def test_a_name_that_is_no_path_makes_none():
    assert filled(Path("t/{job}/x"), Launch(job="../../etc")) == Path("t/.._.._etc/x")
    assert filled(Path("t/{job}/x"), Launch(job="..")) == Path("t/_/x")
    assert filled(Path("t/{job}.{rank}"), Launch(job="7[3]", rank=0)) == Path("t/7_3_.0")
