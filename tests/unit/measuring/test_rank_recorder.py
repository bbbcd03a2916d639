"""``uj.record`` in the ranks of a job: one recorder a node, and to each rank what is its own."""

import os
import signal
import time
from pathlib import Path

import pytest
from rank_programs import STEPS, ended, started
from ranks import environment
from scripted import DRAM_W, PACKAGE_W, machine
from state_tree import tree

import microjoule as uj

POWER_W = PACKAGE_W + DRAM_W


@pytest.fixture(autouse=True)
def _root(tmp_path):
    machine(tmp_path / "root")


def recorder_into(path):
    """The process that records for a node into a file; None: there is none, or it is not that far."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_one = b"recording.node_process" in (process / "cmdline").read_bytes()
            if is_one and any(os.readlink(each) == str(path) for each in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    return None


@pytest.mark.parametrize("path", ["{tmp}/traces/{{job}}/{{node}}.arrows", ""], ids=["a file", "no file"])
def test_ranks_share_a_recorder_and_each_has_its_own_windows(tmp_path, path):
    found, said = ended(started(tmp_path, STEPS, path.format(tmp=tmp_path)))
    assert said == ""
    for rank, of in enumerate(found):
        assert [window[0] for window in of["windows"]] == ["step", "step"]
        assert [window[1] for window in of["windows"]] == [{"rank": rank, "number": n} for n in (0, 1)]
        assert of["rank"] == rank
        assert not of["is_truncated"]
        assert not any(of["lost"].values())
        used_j = POWER_W * sum(t1 - t0 for _, _, t0, t1 in of["windows"]) / 1e9
        assert of["steps"][0] <= used_j <= of["steps"][1]
        t0_ns, t1_ns = of["span"]
        assert t0_ns <= of["windows"][0][2]
        assert of["windows"][-1][3] <= t1_ns
        assert of["low"] <= POWER_W * (t1_ns - t0_ns) / 1e9 <= of["high"]
    assert found[0]["span"][1] < found[1]["windows"][-1][3]  # of the time after its end it knows nothing
    traces = [uj.load(each) for each in (tmp_path / "traces/j7").glob("*")]
    assert len(traces) == bool(path)
    for trace in traces:
        assert not trace.is_truncated
        steps = sorted((each.attributes["rank"], each.attributes["number"]) for each in trace.named("step"))
        assert steps == [(0, 0), (0, 1), (1, 0), (1, 1)]
        assert sorted(each.attributes["rank"] for each in trace.named("rank")) == [0, 1]
        assert {of["path"] for of in found} == {str(trace.path)}


def test_a_rank_that_records_alone_ends_at_once_with_a_whole_trace(tmp_path):
    """As under ``if rank == 0:``, the others never come."""
    program = """
if rank == 0:
    with recorder() as rec, uj.window("step"):
        time.sleep(0.1)
    assert not uj.load(path).is_truncated
    told(rec)
"""
    (rank,) = started(tmp_path, program, str(tmp_path / "a.arrows"), places=[environment(0, 2)])
    (found,), said = ended([rank])
    assert said == ""
    assert [window[0] for window in found["windows"]] == ["step"]


def test_a_rank_that_is_killed_ends_its_windows_and_the_others_go_on(tmp_path):
    program = """
rec = recorder().open()
meet("begun")
if rank == 0:
    if os.fork() == 0:  # a worker that outlives its rank
        time.sleep(3)
        os._exit(0)
    with uj.window("doomed"):
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
with uj.window("step"):
    time.sleep(1.5)
rec.close()
told(rec)
"""
    ranks = started(tmp_path, program, str(tmp_path / "a.arrows"))
    (found,), said = ended(ranks[1:])
    ranks[0].communicate(timeout=60)
    assert ranks[0].returncode == -signal.SIGKILL
    assert said == ""
    assert [window[0] for window in found["windows"]] == ["step"]
    trace = uj.load(tmp_path / "a.arrows")
    doomed, step = trace.window("doomed"), trace.window("step")
    assert doomed.attributes["ended"] == "with its rank"
    assert doomed.t1_ns < step.t1_ns
    assert [each.attributes.get("ended") for each in trace.named("rank")].count("killed") == 1


def test_where_the_recorder_is_killed_the_ranks_go_on_and_none_has_a_figure_of_a_part(tmp_path):
    program = """
rec = recorder().open()
meet("begun")
while not os.path.exists(meeting + "/killed"):
    time.sleep(0.01)
with uj.window("step"):
    time.sleep(1)
meet("ending")
rec.close()
try:
    rec.trace
except uj.errors.TraceError as error:
    print(json.dumps(str(error)))
"""
    ranks = started(tmp_path, program, str(tmp_path / "a.arrows"))
    (meeting,) = tmp_path.glob("meeting-*")
    until = time.monotonic() + 60
    while len(list(meeting.glob("begun-*"))) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1.2)  # until the first trace has something
    os.kill(recorder_into(tmp_path / "a.arrows"), signal.SIGKILL)
    (meeting / "killed").touch()
    found, said = ended(ranks)
    assert all("recorder was killed while this rank recorded" in each for each in found)
    assert all(f"uj report {tmp_path}/a*.arrows" in each for each in found)
    assert "another one goes on in a trace beside the first" in said
    first, second = (uj.load(tmp_path / name) for name in ("a.arrows", "a.1.arrows"))
    assert first.is_truncated
    assert len(second.named("step")) == 2
    assert first.span.t1_ns < second.span.t0_ns


FAILING = """
import warnings
warnings.simplefilter("error")
with recorder() as rec:
    meet("begun", 1)
    {before}
    while not os.path.exists(meeting + "/done"):
        time.sleep(0.01)
    with uj.window("late"):
        time.sleep(1)
try:
    rec.trace
except uj.errors.TraceError as error:
    print(json.dumps([str(error), [each.name for each in __import__("threading").enumerate()]]))
"""


@pytest.mark.parametrize(
    ("number", "before", "says"),
    [
        (signal.SIGKILL, "", "was killed while this rank recorded"),
        (signal.SIGKILL, "sys.executable = ''", "has not handed its trace over"),
        (signal.SIGSTOP, "", "has not handed its trace over"),
    ],
    ids=["killed", "killed, and no other starts", "stopped"],
)
def test_no_end_of_the_recorder_breaks_a_program_not_even_where_warnings_are_errors(
    tmp_path, number, before, says
):
    path = tmp_path / "a.arrows"
    ranks = started(tmp_path, FAILING.format(before=before), str(path), places=[environment(0, 2)])
    (meeting,) = tmp_path.glob("meeting-*")
    until = time.monotonic() + 60
    while not list(meeting.glob("begun-*")) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1.2)  # until the trace has something
    recorder = recorder_into(path)
    os.kill(recorder, number)
    (meeting / "done").touch()
    try:
        ((error, threads),), said = ended(ranks)
    finally:
        if number == signal.SIGSTOP:
            os.kill(recorder, signal.SIGKILL)
    assert says in error
    assert f"uj report {tmp_path}/a*.arrows" in error
    assert threads == ["MainThread"]
    assert said == ""
    second = tmp_path / "a.1.arrows"
    assert second.exists() == (number == signal.SIGKILL and not before)
    assert not second.exists() or len(uj.load(second).named("late")) == 1


def test_where_no_recorder_can_be_started_each_rank_records_by_itself(tmp_path):
    program = "sys.executable = ''\n" + STEPS
    found, said = ended(started(tmp_path, program, str(tmp_path / "a.arrows")))
    assert said.count("RuntimeWarning: This rank records by itself: ") == 2
    assert sorted(Path(of["path"]).name for of in found) == ["a.1.arrows", "a.arrows"]
    assert all(len(of["windows"]) == 2 for of in found)


def test_where_warnings_are_errors_and_no_recorder_can_be_started_a_rank_records_by_itself(tmp_path):
    program = "import warnings; warnings.simplefilter('error'); sys.executable = ''\n" + STEPS.replace(
        '"begun"', '"begun", 1'
    )
    (of,), said = ended(started(tmp_path, program, str(tmp_path / "a.arrows"), places=[environment(0, 2)]))
    assert len(of["windows"]) == 2
    assert said == ""


def test_what_cannot_be_measured_is_the_same_error_as_without_a_job(tmp_path):
    (tmp_path / "root/microjoule.json").unlink()
    program = """
try:
    recorder()
except uj.errors.MicrojouleError as error:
    print(json.dumps(type(error).__name__))
"""
    found, _ = ended(started(tmp_path, program, n=1, places=[environment(0, 2)]))
    assert found == ["SourceUnavailable"]


def test_places_in_a_path_are_filled_in_without_a_job_too(tmp_path, monkeypatch):
    for name in ("MICROJOULE_JOB", "SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MICROJOULE_NODE", "n9")
    meter = uj.Meter(sources=["script"], root=tmp_path / "root")
    with uj.record(tmp_path / "new/{node}.arrows", meter) as rec:
        pass
    assert rec.path == tmp_path / "new/n9.arrows"
    with pytest.raises(uj.errors.BadPath, match=r"Nothing says what \{job\}"):
        uj.record(tmp_path / "{job}.arrows", meter)
    with pytest.raises(uj.errors.BadPath, match=r"\{nodes\} in .* is not a known placeholder"):
        uj.record(tmp_path / "{nodes}.arrows", meter)


def test_a_recorder_that_is_open_cannot_be_opened_again(tmp_path):
    program = """
rec = recorder().open()
try:
    rec.open()
except uj.errors.MicrojouleError as error:
    assert str(error).startswith("A recorder can record only once"), error
with uj.window("step"):
    time.sleep(0.1)
rec.close()
try:
    rec.open()
except uj.errors.MicrojouleError as error:
    assert str(error).startswith("A recorder can record only once"), error
told(rec)
"""
    (found,), _ = ended(started(tmp_path, program, str(tmp_path / "a.arrows"), places=[environment(0, 2)]))
    assert [window[0] for window in found["windows"]] == ["step"]


def test_what_ranks_compute_is_not_of_other_programs(tmp_path):
    """The scripted machine's own time stands still, so the row falls by what ranks and recorder used."""
    tree(tmp_path / "root")
    program = """
def burn(for_s):
    ends = time.process_time() + for_s
    while time.process_time() < ends:
        pass
burn(1)  # before it records it is another program
with recorder() as rec:
    meet("begun")
    burn(1.5)
    meet("ending")
burn(0.1)
print(json.dumps(rec.trace.state.values("other_programs_s")))
"""
    found, _ = ended(started(tmp_path, program, str(tmp_path / "a.arrows")))
    (first, *_, last) = uj.load(tmp_path / "a.arrows").state.values("other_programs_s")
    assert 3 - 0.1 <= first - last < 3 + 1
    for values in found:
        assert max(values) - min(values) >= 1.5


def test_what_only_the_recorder_of_the_node_can_do_is_refused_in_a_sentence(tmp_path):
    program = """
rec = recorder()
assert rec.opening == {}
asked = {
    "opening": lambda: rec.opening, "settled": lambda: rec.settled(1), "reading": lambda: rec.reading("x", 1)
}
found = {}
with rec:
    settle_s = rec.settle_s
    for name, ask in asked.items():
        try:
            ask()
        except uj.errors.MicrojouleError as error:
            found[name] = str(error)
print(json.dumps([settle_s, rec.settle_s, found]))
"""
    ((settle_s, after_s, found),), _ = ended(
        started(tmp_path, program, str(tmp_path / "a.arrows"), places=[environment(0, 2)])
    )
    assert 0 < settle_s == after_s
    assert set(found) == {"opening", "settled", "reading"}
    for sentence in found.values():
        assert sentence.startswith("The recorder of this node is another process, which has ")


def test_a_rank_that_records_by_itself_does_all_that_a_recorder_does(tmp_path):
    program = """
sys.executable = ''
with recorder() as rec:
    assert rec.opening["launch"]["rank"] == 0
    assert rec.settled(60)
    assert rec.settle_s > 0
    print(json.dumps(sorted(rec.opening)))
"""
    (found,), _ = ended(started(tmp_path, program, str(tmp_path / "a.arrows"), places=[environment(0, 2)]))
    assert "lanes" in found
