"""Into which file ``uj.record`` writes in the ranks of a job: none that the job wrote before is lost."""

import os

import pytest
from rank_programs import STEPS, ended, started
from ranks import environment
from scripted import machine

import microjoule as uj


@pytest.fixture(autouse=True)
def _root(tmp_path):
    machine(tmp_path / "root")


def test_a_trace_of_an_earlier_job_is_replaced_and_one_of_this_job_is_not(tmp_path):
    path = tmp_path / "a.arrows"
    path.write_bytes(b"old")
    os.utime(path, (1e9, 1e9))
    twice = STEPS.replace(
        "told(rec)", "meet('first'); meeting += '/2'; os.makedirs(meeting, exist_ok=True)"
    ) + STEPS.replace('"begun"', '"again"')
    found, said = ended(started(tmp_path, twice, str(path)))
    assert said == ""
    assert {of["path"] for of in found} == {str(tmp_path / "a.1.arrows")}
    assert len(uj.load(path).named("step")) == len(uj.load(tmp_path / "a.1.arrows").named("step")) == 4


@pytest.mark.parametrize("path", ["traces/{job}/{node}.arrows", "a.arrows"])
@pytest.mark.parametrize(
    ("name", "job"), [("TORCHELASTIC_RESTART_COUNT", {}), ("SLURM_STEP_ID", {"SLURM_JOB_ID": "7"})]
)
def test_what_an_earlier_start_of_the_job_wrote_is_kept(tmp_path, name, job, path):
    program = "with recorder() as rec, uj.window('step'):\n    pass\ntold(rec)"
    paths = []
    for number in "01":
        place = {**environment(0, 2), **job, name: number}
        (found,), _ = ended(started(tmp_path, program, str(tmp_path / path), places=[place]))
        os.utime(found["path"], (1e9, 1e9))  # long before the next one begins
        paths.append(found["path"])
    assert len(set(paths)) == 2
    assert all(len(uj.load(each).named("step")) == 1 for each in paths)


def test_a_rank_of_a_job_without_a_name_keeps_what_one_before_it_wrote(tmp_path):
    program = "with recorder() as rec, uj.window('step'):\n    pass\ntold(rec)"
    path = tmp_path / "a.arrows"
    path.write_bytes(b"of an earlier job")
    os.utime(path, (1e9, 1e9))
    ranks = [
        ended(started(tmp_path, program, str(path), places=[environment(rank, 2, "none")]))[0]
        for rank in (0, 1)
    ]
    assert [found["path"] for (found,) in ranks] == [str(path), str(tmp_path / "a.1.arrows")]
    assert all(len(uj.load(found["path"]).named("step")) == 1 for (found,) in ranks)


def test_the_only_rank_of_a_job_replaces_its_trace_as_without_a_launcher(tmp_path):
    program = """
for _ in range(2):
    with recorder() as rec, uj.window("step"):
        pass
told(rec)
"""
    path = tmp_path / "a.arrows"
    (found,), said = ended(started(tmp_path, program, str(path), places=[environment(0, 1)]))
    assert said == ""
    assert found["path"] == str(path)
    assert [each.name for each in tmp_path.glob("*.arrows")] == ["a.arrows"]
