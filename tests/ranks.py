"""Ranks of a job on this machine, as torchrun would start them: each is a ``uj run``."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

UJ = [sys.executable, "-m", "microjoule"]
# What every rank does first: it meets the others of its node, as the ranks of a job do.
PROGRAM = """
import glob, os, signal, sys, time
import microjoule as uj
rank = int(os.environ["RANK"])
here = "{MEETING}-{TORCHELASTIC_RESTART_COUNT}-{MICROJOULE_NODE}-".format_map(os.environ)
open(here + str(rank), "w").close()
while len(glob.glob(here + "*")) < int(os.environ["LOCAL_WORLD_SIZE"]):
    time.sleep(0.01)
with uj.window("setup"):
    time.sleep(0.1)
"""


def environment(rank: int, n_local: int, job: str = "j7", node: str = "n1", first: int = 0) -> dict[str, str]:
    """What torchrun puts into the environment of a rank; the node's name besides."""
    return {
        **os.environ,
        "TORCHELASTIC_RUN_ID": job,
        "TORCHELASTIC_RESTART_COUNT": "0",
        "RANK": str(rank),
        "LOCAL_RANK": str(rank - first),
        "WORLD_SIZE": str(n_local),
        "LOCAL_WORLD_SIZE": str(n_local),
        "MICROJOULE_NODE": node,
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def started(
    root: Path, output: str | None, program: str, environments: list[dict[str, str]], *options: str
) -> list[subprocess.Popen[str]]:
    """A ``uj run`` of the program for each environment; ``program`` comes after ``PROGRAM``."""
    where = [] if output is None else ["-o", output]
    meeting = tempfile.mkdtemp(dir=root)
    command = [*UJ, "run", "--source", "script", "--root", str(root), *where, *options]
    return [
        subprocess.Popen(
            [*command, "--", sys.executable, "-c", PROGRAM + program],
            env={**each, "MEETING": f"{meeting}/here"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        for each in environments
    ]


def ended(ranks: list[subprocess.Popen[str]]) -> tuple[list[int], str]:
    """The exit codes of the ranks, and all that they said."""
    said = [rank.communicate(timeout=100)[1] for rank in ranks]
    return [rank.returncode for rank in ranks], "".join(said)


def recorder_of(folder: Path) -> int | None:
    """The process of the node's recorder whose arguments name a folder; None: there is none."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes()
            is_silent = os.readlink(process / "fd/1") == os.devnull
        except OSError:
            continue
        if is_silent and b"run\0--source" in arguments and os.fsencode(folder) in arguments:
            return int(process.name)
    return None
