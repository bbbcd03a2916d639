"""Where a process stands in a job, as each launcher's environment says."""

import os

import pytest

from microjoule.recording.launch import launch

HOST = os.uname().nodename
TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "none",
    "RANK": "5",
    "LOCAL_RANK": "1",
    "WORLD_SIZE": "8",
    "LOCAL_WORLD_SIZE": "4",
}
OPENMPI = {
    "OMPI_COMM_WORLD_RANK": "3",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
    "OMPI_COMM_WORLD_SIZE": "4",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
    "PMIX_NAMESPACE": "1096941569",
    "PMIX_RANK": "3",
}
SLURM = {
    "SLURM_JOB_ID": "7",
    "SLURM_STEP_ID": "0",
    "SLURMD_NODENAME": "n2",
    "SLURM_NODEID": "1",
    "SLURM_PROCID": "4",
    "SLURM_LOCALID": "0",
    "SLURM_NTASKS": "6",
    "SLURM_STEP_TASKS_PER_NODE": "4,2",
}
BATCH = {name: value for name, value in SLURM.items() if "STEP" not in name}
MPICH = {"PMI_RANK": "2", "PMI_SIZE": "4", "MPI_LOCALRANKID": "0", "MPI_LOCALNRANKS": "2"}
POD = {"JOB_COMPLETION_INDEX": "2", "MICROJOULE_JOB": "train", "MICROJOULE_NODE": "worker-7"}
RAY = {"RAY_JOB_ID": "02000000", **{k: v for k, v in TORCHRUN.items() if "ELASTIC" not in k}}


@pytest.mark.parametrize(
    ("environment", "launcher", "job", "node", "ranks"),
    [
        ({}, "", None, HOST, (None, None, None, None)),
        (TORCHRUN, "torchrun", "none", HOST, (5, 1, 8, 4)),
        ({**TORCHRUN, "TORCHELASTIC_RUN_ID": "exp4"}, "torchrun", "exp4", HOST, (5, 1, 8, 4)),
        (RAY, "ray", "02000000", HOST, (5, 1, 8, 4)),
        (
            {**RAY, "RAY_JOB_ID": "ffffffff"},
            "ray",
            None,
            HOST,
            (5, 1, 8, 4),
        ),  # started before there was a job
        ({"RAY_JOB_ID": "02000000"}, "", "02000000", HOST, (None, None, None, None)),
        ({"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2"}, "torch", None, HOST, (1, 1, 2, None)),
        (OPENMPI, "openmpi", "1096941569", HOST, (3, 1, 4, 2)),
        ({"PMIX_NAMESPACE": "slurm.7.0", "PMIX_RANK": "3"}, "pmix", "slurm.7.0", HOST, (3, None, None, None)),
        (MPICH, "mpich", None, HOST, (2, 0, 4, 2)),
        (SLURM, "slurm", "7", "n2", (4, 0, 6, 2)),
        ({**SLURM, "SLURM_STEP_TASKS_PER_NODE": "3(x2)"}, "slurm", "7", "n2", (4, 0, 6, 3)),
        ({**SLURM, "SLURM_STEP_TASKS_PER_NODE": "6"}, "slurm", "7", "n2", (4, 0, 6, None)),
        (BATCH, "", "7", "n2", (None, None, None, None)),  # a batch script is no rank
        ({**SLURM, **TORCHRUN}, "torchrun", "7", "n2", (5, 1, 8, 4)),
        ({**BATCH, **OPENMPI}, "openmpi", "7", "n2", (3, 1, 4, 2)),
        (POD, "kubernetes", "train", "worker-7", (2, None, None, 1)),
        ({"PBS_JOBID": "9.host"}, "", "9.host", HOST, (None, None, None, None)),
        ({**TORCHRUN, "RANK": "-1"}, "", "none", HOST, (None, None, None, None)),
        ({**TORCHRUN, "RANK": "9" * 30}, "", "none", HOST, (None, None, None, None)),
    ],
)
def test_each_launcher_says_which_rank_of_which_job_it_is(environment, launcher, job, node, ranks):
    found = launch(environment)
    assert (found.launcher, found.job, found.node) == (launcher, job, node)
    assert (found.rank, found.local_rank, found.n_ranks, found.n_local) == ranks


def test_all_ranks_of_one_start_have_one_attempt_and_a_restart_has_another():
    first, second = (launch({**SLURM, "SLURM_PROCID": rank, "SLURM_LOCALID": rank}) for rank in "01")
    assert first.attempt == second.attempt
    restarts = (
        {"SLURM_STEP_ID": "1"},
        {"SLURM_RESTART_COUNT": "1"},
        {"TORCHELASTIC_RESTART_COUNT": "1"},
        {"MASTER_PORT": "29501"},
    )
    attempts = [launch({**SLURM, **restart}).attempt for restart in restarts]
    assert len({first.attempt, *attempts}) == 1 + len(attempts)


def test_one_rank_alone_on_its_node_shares_no_recorder():
    assert not launch({}).is_shared
    assert not launch(POD).is_shared
    assert launch(SLURM).is_shared
    assert not launch({**SLURM, "SLURM_STEP_TASKS_PER_NODE": "4,1"}).is_shared
    assert launch({**SLURM, "SLURM_STEP_TASKS_PER_NODE": ""}).is_shared  # nobody says how many there are


@pytest.mark.parametrize(
    "environment",
    [
        {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"},
        {**TORCHRUN, "RANK": "0", "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": ""},
        {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1"},
        {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_NTASKS": "1"},
        {"MPI_LOCALRANKID": "0", "PMI_RANK": "0", "PMI_SIZE": "1"},
        {"PMIX_RANK": "0"},
    ],
)
def test_the_only_rank_of_a_job_shares_no_recorder(environment):
    assert not launch(environment).is_shared


def test_a_trace_keeps_what_is_known():
    assert launch({}).to_json() == {}
    assert launch(SLURM).to_json() == {
        "launcher": "slurm",
        "job": "7",
        "node": "n2",
        "rank": 4,
        "local_rank": 0,
        "n_ranks": 6,
        "n_local": 2,
    }
