"""``uj run`` under real launchers: Open MPI, Slurm's own daemons and torchrun, each where it is installed."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import slurm_daemons
from ranks import UJ
from scripted import machine

import microjoule as uj
from microjoule.joules.jobs.nodes import node_of

EXAMPLE = Path(__file__).parents[3] / "examples/slurm/train.sh"
MPIRUN = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none"]
PROGRAM = "import time, microjoule as uj\nwith uj.window('step'): time.sleep(1)\n"
RANK = [sys.executable, "-c", PROGRAM]
# A program that records by itself: each rank waits for the others inside its recording.
RECORDS = """
import glob, os, sys, time
import microjoule as uj
rank = int(next(os.environ[name] for name in ("OMPI_COMM_WORLD_RANK", "SLURM_PROCID") if name in os.environ))
n = int(sys.argv[2])
with uj.record("{job}/{node}.arrows", uj.Meter(sources=["script"], root=sys.argv[1])) as rec:
    open(f"here-{rank}", "w").close()
    while len(glob.glob("here-*")) < n:
        time.sleep(0.01)
    with uj.window("step"):
        time.sleep(0.5)
(step,) = rec.trace.windows
assert step.attributes == {"rank": rank}, step
assert rec.trace.energy("step").total.low > 0
"""


@pytest.fixture
def root(tmp_path):
    return machine(tmp_path / "root")


def run(command, tmp_path, environment=None):
    folder = tmp_path / "tmp"
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        list(map(str, command)),
        cwd=tmp_path,
        env={**(environment or os.environ), "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done


def recorded(root, output):
    return [*UJ, "run", "--source", "script", "--root", root, "-o", output, "--brief", "--"]


def ranks_in(trace, name):
    return sorted(each.attributes["rank"] for each in trace.windows if each.name == name)


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="Open MPI is not installed")
def test_the_ranks_of_mpirun_share_a_recorder(root, tmp_path):
    done = run([*MPIRUN, "-np", 3, *recorded(root, "{job}/{node}.arrows"), *RANK], tmp_path)
    (path,) = tmp_path.glob("*/*.arrows")
    trace = uj.load(path)
    assert path.stem == os.uname().nodename
    assert trace.facts["launch"]["launcher"] == "openmpi"
    assert trace.facts["launch"]["n_local"] == 3
    assert ranks_in(trace, "step") == ranks_in(trace, "rank") == [0, 1, 2]
    assert done.stderr.count("the machine used") == 1


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="Open MPI is not installed")
def test_the_ranks_of_mpirun_that_record_by_themselves_share_a_recorder(root, tmp_path):
    run([*MPIRUN, "-np", 3, sys.executable, "-c", RECORDS, root, 3], tmp_path)
    (path,) = tmp_path.glob("*/*.arrows")
    trace = uj.load(path)
    assert not trace.is_truncated
    assert ranks_in(trace, "step") == ranks_in(trace, "rank") == [0, 1, 2]


@pytest.mark.skipif(bool(slurm_daemons.missing()), reason=slurm_daemons.missing() or "-")
def test_the_ranks_of_a_slurm_step_that_record_by_themselves_have_a_recorder_a_node(root, tmp_path):
    (tmp_path / "rank.py").write_text(RECORDS)
    head = "#!/bin/sh\n#SBATCH --nodes=2 --ntasks-per-node=2 --output=job.out\n"
    (tmp_path / "job.sh").write_text(f"{head}srun {sys.executable} rank.py {root} 4\n")
    try:
        with slurm_daemons.cluster(tmp_path / "slurm") as found:
            slurm_daemons.run_to_its_end("job.sh", tmp_path, found)
    except slurm_daemons.NoCluster as error:
        pytest.skip(f"no cluster comes up here: {error}")
    said = (tmp_path / "job.out").read_text()
    traces = {path.stem: uj.load(path) for path in sorted(tmp_path.glob("*/*.arrows"))}
    assert list(traces) == ["n1", "n2"], said
    assert [ranks_in(trace, "step") for trace in traces.values()] == [[0, 1], [2, 3]], said
    assert "Error" not in said


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="Open MPI is not installed")
def test_windows_of_ranks_that_a_recorder_is_around_have_their_rank(root, tmp_path):
    run([*recorded(root, "{node}.arrows"), *MPIRUN, "-np", 2, *RANK], tmp_path)
    (path,) = tmp_path.glob("*.arrows")
    assert ranks_in(uj.load(path), "step") == [0, 1]


@pytest.mark.skipif(bool(slurm_daemons.missing()), reason=slurm_daemons.missing() or "-")
def test_a_slurm_job_on_two_nodes_has_a_trace_a_node_and_one_report(root, tmp_path):
    words = {"uj run": f"uj run --source script --root {root} --brief", "python train.py": "$RANK"}
    script = EXAMPLE.read_text().replace("--ntasks-per-node=4", "--ntasks-per-node=2")
    for old, new in words.items():
        assert old in script
        script = script.replace(old, new)
    (tmp_path / "train.sh").write_text(script)
    (tmp_path / "rank.py").write_text(PROGRAM)
    (tmp_path / "uj").write_text(f'#!/bin/sh\nexec {sys.executable} -m microjoule "$@"\n')
    (tmp_path / "uj").chmod(0o755)
    try:
        with slurm_daemons.cluster(tmp_path / "slurm") as found:
            path = f"{tmp_path}:{found['PATH']}"
            environment = {**found, "PATH": path, "RANK": f"{sys.executable} rank.py"}
            slurm_daemons.run_to_its_end("train.sh", tmp_path, environment)
    except slurm_daemons.NoCluster as error:
        pytest.skip(f"no cluster comes up here: {error}")
    out = (tmp_path / "job.out").read_text()
    traces = {path.stem: uj.load(path) for path in sorted(tmp_path.glob("traces/*/*.arrows"))}
    assert list(traces) == ["n1", "n2"], out
    assert [ranks_in(trace, "step") for trace in traces.values()] == [[0, 1], [2, 3]]
    launches = [trace.facts["launch"] for trace in traces.values()]
    assert [(each["launcher"], each["node"], each["n_local"]) for each in launches] == [
        ("slurm", "n1", 2),
        ("slurm", "n2", 2),
    ]
    assert out.count("the machine used") == 2
    assert f"job {launches[0]['job']}: 2 nodes with 4 ranks used" in out


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_the_ranks_of_torchrun_share_a_recorder(root, tmp_path):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2]
    run([*torchrun, "--no-python", *recorded(root, "{node}.arrows"), *RANK], tmp_path)
    (path,) = tmp_path.glob("*.arrows")
    trace = uj.load(path)
    assert trace.facts["launch"]["launcher"] == "torchrun"
    assert ranks_in(trace, "step") == ranks_in(trace, "rank") == [0, 1]


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="namespaces are made by root only"
)
def test_nodes_in_namespaces_of_their_own_have_traces_of_their_own(tmp_path):
    """The real files of two machines: each has a boot id and a host name of its own, in its namespaces."""
    outcomes = []
    for name in ("first", "second"):
        (tmp_path / name).write_text(f"boot-of-{name}\n")
        own = f"mount --bind {tmp_path / name} /proc/sys/kernel/random/boot_id && hostname {name}"
        record = [*UJ, "record", "--source", "cpu_time", "--for", "0.3s", "-o", f"{tmp_path}/{name}.arrows"]
        enter = f"{own} && exec {' '.join(record)}"
        outcomes.append(
            subprocess.run(
                ["unshare", "-m", "-u", "sh", "-c", enter], capture_output=True, text=True, timeout=60
            )
        )
    if any("unshare" in each.stderr or "mount" in each.stderr for each in outcomes):
        pytest.skip("no namespace can be made here")
    assert [each.returncode for each in outcomes] == [0, 0], outcomes
    traces = [uj.load(tmp_path / f"{name}.arrows") for name in ("first", "second")]
    assert [node_of(each.facts) for each in traces] == ["boot-of-first", "boot-of-second"]
    assert [each.facts["host"]["hostname"] for each in traces] == ["first", "second"]
