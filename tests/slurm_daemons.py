"""Slurm's own daemons on this machine: a controller and two nodes, each with a boot id and host name."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "sinfo", "unshare")

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/controller.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/controller.log
SlurmdLogFile={folder}/%n.log
SlurmctldPort={ports[0]}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 State=UNKNOWN
PartitionName=p Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
"""


class NoCluster(Exception):
    """The daemons do not come up."""


def missing() -> str:
    """Why there can be no cluster here; empty: there can."""
    if os.geteuid() != 0:
        return "Slurm's daemons are started by root only"
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"not installed: {', '.join(lacking)}" if lacking else ""


@contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """A cluster of two nodes in a folder; the environment in which Slurm's commands find it."""
    for name in ("munge", "state", "spool.n1", "spool.n2"):
        (folder / name).mkdir(parents=True)
    (folder / "munge/key").write_bytes(os.urandom(1024))
    (folder / "munge/key").chmod(0o400)
    configuration = folder / "slurm.conf"
    configuration.write_text(
        CONFIGURATION.format(host=socket.gethostname(), folder=folder, ports=[_port() for _ in range(3)])
    )
    environment = {**os.environ, "SLURM_CONF": str(configuration)}
    munge = [f"--{name}={folder}/munge/{name}" for name in ("socket", "pid-file", "log-file", "seed-file")]
    with ExitStack() as stack:
        _daemon(stack, ["munged", "-F", "--force", f"--key-file={folder}/munge/key", *munge], environment)
        _daemon(stack, ["slurmctld", "-D"], environment)
        for node in ("n1", "n2"):
            boot = folder / f"boot.{node}"
            boot.write_text(f"boot-of-{node}\n")
            own = f"mount --bind {boot} /proc/sys/kernel/random/boot_id && hostname {node}"
            enter = f"{own} && exec slurmd -D -N {node}"
            _daemon(stack, ["unshare", "-m", "-u", "sh", "-c", enter], environment)
        _wait_for_nodes(environment)
        yield environment


def _daemon(stack: ExitStack, command: list[str], environment: dict[str, str]) -> None:
    silent = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    daemon = subprocess.Popen(command, env=environment, **silent)
    stack.callback(daemon.wait, 60)
    stack.callback(daemon.terminate)


def _wait_for_nodes(environment: dict[str, str]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        asked = subprocess.run(
            ["sinfo", "-h", "-o", "%D %t"], env=environment, capture_output=True, text=True, check=False
        )
        if asked.stdout.split() == ["2", "idle"]:
            return
        time.sleep(0.2)
    raise NoCluster("its nodes do not come up")


def run_to_its_end(script: str, folder: Path, environment: dict[str, str]) -> None:
    """Submits a batch script of a folder, and waits until its job has ended well."""
    call = {"cwd": folder, "env": environment, "capture_output": True, "text": True, "check": True}
    job = subprocess.run(["sbatch", "--parsable", "--output=job.out", script], **call).stdout.strip()
    until = time.monotonic() + 90
    while time.monotonic() < until:
        state = subprocess.run(["squeue", "-h", "-j", job, "-t", "all", "-o", "%T"], **call).stdout.strip()
        if state == "COMPLETED":
            return
        time.sleep(0.2)
    raise TimeoutError(f"the job does not end well: {state}")


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
