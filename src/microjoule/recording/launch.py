"""Which process of a job this is: its job, node and ranks, as the program that launched it says.

Each launcher puts them into the environment of the processes that it starts. Several may be around one
process: Slurm starts torchrun, and torchrun the ranks. So ranks are those of the innermost launcher that has
some, and the job is that of the outermost, whose name people know:

=============== ============================================================================================
torchrun        https://docs.pytorch.org/docs/stable/elastic/run.html (Environment Variables)
torch           ``RANK``, ``LOCAL_RANK``, … as torch.distributed's ``env://`` reads them, by whoever set them:
                https://docs.pytorch.org/docs/stable/distributed.html
Ray             https://docs.ray.io/en/latest/ray-core/configure.html; Ray Train sets torch's variables
Open MPI        https://docs.open-mpi.org/en/main/tuning-apps/environment-var.html
MPICH, Intel    https://github.com/pmodels/mpich/blob/main/doc/wiki/how_to/Using_the_Hydra_Process_Manager.md
PMIx            https://pmix.github.io/standard (client environment: ``PMIX_RANK``, ``PMIX_NAMESPACE``)
Slurm           https://slurm.schedmd.com/srun.html (OUTPUT ENVIRONMENT VARIABLES)
Kubernetes      https://kubernetes.io/docs/concepts/workloads/controllers/job/ (Indexed completion mode)
PBS, LSF        ``PBS_JOBID``, ``LSB_JOBID``: the job alone
=============== ============================================================================================

What no launcher says, such as the node of a Kubernetes pod, a manifest may say: ``MICROJOULE_JOB`` and
``MICROJOULE_NODE`` come before all others.

Careful: a Slurm batch script has ``SLURM_PROCID=0`` and is no rank of anything; only a step has a
``SLURM_STEP_ID``. torchrun calls a job ``none`` that nobody gave a name.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

_N_MAX = 1 << 24  # ranks: a larger number is none


class _Row(NamedTuple):
    """A launcher: the variable that says it is there, and those that hold what it says; empty: none does."""

    launcher: str
    sign: str
    rank: str
    local_rank: str = ""
    n_ranks: str = ""
    n_local: str = ""


# The innermost first.
_LAUNCHERS = (
    _Row("torchrun", "TORCHELASTIC_RUN_ID", "RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"),
    _Row("ray", "RAY_JOB_ID", "RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"),
    _Row("torch", "LOCAL_RANK", "RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"),
    _Row(
        "openmpi",
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_LOCAL_RANK",
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_LOCAL_SIZE",
    ),
    _Row("mpich", "MPI_LOCALRANKID", "PMI_RANK", "MPI_LOCALRANKID", "PMI_SIZE", "MPI_LOCALNRANKS"),
    _Row("slurm", "SLURM_STEP_ID", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NTASKS"),
    _Row("pmix", "PMIX_NAMESPACE", "PMIX_RANK"),
    _Row("kubernetes", "JOB_COMPLETION_INDEX", "JOB_COMPLETION_INDEX"),
)
# The outermost first.
_JOBS = (
    "MICROJOULE_JOB",
    "SLURM_JOB_ID",
    "PBS_JOBID",
    "LSB_JOBID",
    "TORCHELASTIC_RUN_ID",
    "RAY_JOB_ID",
    "PMIX_NAMESPACE",
    "OMPI_MCA_ess_base_jobid",
)
_NODES = ("MICROJOULE_NODE", "SLURMD_NODENAME")
# Together they are one for all ranks of one start of a job on a node, and another after each restart.
_ATTEMPT = (
    *_JOBS,
    "SLURM_STEP_ID",
    "SLURM_RESTART_COUNT",
    "TORCHELASTIC_RESTART_COUNT",
    "MASTER_ADDR",
    "MASTER_PORT",
)
_UNNAMED = "none"
_NO_RAY_JOB = "ffffffff"  # what workers have that Ray started before there was a job


class Launch(NamedTuple):
    """What is known of where a process stands in a job; None: nobody says.

    Attributes:
        launcher: The name of the innermost launcher that gives ranks; empty: there is none.
        job: The job's name.
        node: The name of this node; the host's where no launcher has one.
        rank: Among all processes of the job.
        local_rank: Among those on this node.
        n_ranks: How many there are in all.
        n_local: How many there are on this node.
        attempt: A text that all ranks of one start of the job share, and no other start has.
    """

    launcher: str = ""
    job: str | None = None
    node: str = ""
    rank: int | None = None
    local_rank: int | None = None
    n_ranks: int | None = None
    n_local: int | None = None
    attempt: str = ""

    @property
    def is_shared(self) -> bool:
        """Whether other ranks may run on this node, so that one recorder is to read for all."""
        return self.rank is not None and 1 not in (self.n_local, self.n_ranks)

    def to_json(self) -> dict[str, Any]:
        """What is known, as JSON values, for the facts of a trace; empty: no launcher says anything."""
        if not self.launcher and self.job is None:
            return {}
        plain = {name: value for name, value in self._asdict().items() if name != "attempt"}
        return {name: value for name, value in plain.items() if value not in (None, "")}

    @property
    def is_named(self) -> bool:
        """Whether the job has a name of its own, which no other job has."""
        return self.job not in (None, _UNNAMED)

    @property
    def rank_variable(self) -> str:
        """What the launcher sets in the rank, and not around itself; empty: there is no launcher."""
        return next((row.rank for row in _LAUNCHERS if row.launcher == self.launcher), "")


def launch(environment: Mapping[str, str] | None = None) -> Launch:
    """What the launchers around a process say of it.

    Args:
        environment: Of the process; None: this one.
    """
    found = os.environ if environment is None else environment
    row = next(
        (each for each in _LAUNCHERS if each.sign in found and _count(found, each.rank) is not None), None
    )
    names = [found.get(name, "") for name in _JOBS]
    named = [name for name in names if name not in ("", _NO_RAY_JOB)]
    job = next((name for name in named if name != _UNNAMED), named[0] if named else None)
    node = next((found[name] for name in _NODES if found.get(name)), os.uname().nodename)
    if row is None:
        return Launch(job=job, node=node)
    numbers = {
        name: _count(found, getattr(row, name)) for name in ("rank", "local_rank", "n_ranks", "n_local")
    }
    if row.launcher == "slurm":
        numbers["n_local"] = _slurm_tasks_here(found)
    if row.launcher == "kubernetes":
        numbers["n_local"] = 1  # a pod has one process of the job, and sees no other's
    attempt = "\n".join(found.get(name, "") for name in _ATTEMPT)
    return Launch(row.launcher, job, node, **numbers, attempt=attempt)


def began_s() -> float:
    """Since when, in real time, a file can be of this job.

    Where the job has a name, the trace says whether it is of the job, and this is when the process began.
    Otherwise it is when the launcher began: the first process above that has another rank, or none. Ranks
    that come late and restarts are its children too.
    """
    found = launch()
    parent, ticks = _process("self")
    if not found.is_named and found.rank_variable:
        mark = os.fsencode(f"{found.rank_variable}={os.environ.get(found.rank_variable, '')}")
        with suppress(OSError):  # a process of a container may see none above it
            is_rank = True
            while is_rank and parent > 0:
                is_rank = mark in Path(f"/proc/{parent}/environ").read_bytes().split(b"\0")
                parent, ticks = _process(parent)
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")


def _process(pid: int | str) -> tuple[int, int]:
    """The parent of a process, and when it began, in ticks since the boot."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1]), int(fields[19])


def _count(found: Mapping[str, str], name: str) -> int | None:
    """The count that a variable holds; None: it holds none."""
    text = found.get(name, "") if name else ""
    return int(text) if re.fullmatch(r"\d{1,9}", text) and int(text) < _N_MAX else None


def _slurm_tasks_here(found: Mapping[str, str]) -> int | None:
    """Of ``SLURM_STEP_TASKS_PER_NODE``, as in ``4(x2),3``, the count of this node."""
    node = _count(found, "SLURM_NODEID")
    counts: list[int] = []
    for tasks, times in re.findall(
        r"(\d{1,9})(?:\(x(\d{1,9})\))?", found.get("SLURM_STEP_TASKS_PER_NODE", "")
    ):
        counts += [int(tasks)] * min(int(times or 1), _N_MAX)
    return counts[node] if node is not None and node < len(counts) else None
