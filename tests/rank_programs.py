"""Programs that record in the ranks of a job, each a process of its own."""

import json
import subprocess
import sys
import time

from ranks import environment

# Ranks meet inside their recordings, so that these overlap.
PROGRAM = """
import glob, json, os, signal, sys, time
import microjoule as uj
rank = int(os.environ["RANK"])
root, path, meeting = sys.argv[1:]
def meet(name, n=int(os.environ["LOCAL_WORLD_SIZE"])):
    open(f"{meeting}/{name}-{rank}", "w").close()
    while len(glob.glob(f"{meeting}/{name}-*")) < n:
        time.sleep(0.01)
def told(rec):
    windows = [[each.name, each.attributes, each.t0_ns, each.t1_ns] for each in rec.trace.windows]
    total = rec.energy.total
    span = rec.trace.span
    print(json.dumps({
        "path": str(rec.path), "windows": windows, "low": total.low, "high": total.high,
        "span": [span.t0_ns, span.t1_ns], "is_truncated": rec.trace.is_truncated,
        "rank": rec.trace.facts["launch"]["rank"], "lost": rec.trace.lost_marks,
        "steps": [rec.trace.energy("step").total.low, rec.trace.energy("step").total.high],
    }))
def recorder():
    return uj.record(path or None, uj.Meter(sources=["script"], root=root))
"""
STEPS = """
with recorder() as rec:
    meet("begun")
    for number in range(2):
        with uj.window("step", number=number):
            time.sleep(0.1)
            while rank and number and not glob.glob(f"{meeting}/left-*"):
                time.sleep(0.01)  # until the first rank has its part
open(f"{meeting}/left-{rank}", "w").close()
told(rec)
"""


def started(tmp_path, program, path="", n=2, places=None):
    meeting = tmp_path / f"meeting-{time.monotonic_ns()}"
    meeting.mkdir()
    return [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM + program, tmp_path / "root", path, meeting],
            env=each,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for each in places or [environment(rank, n) for rank in range(n)]
    ]


def ended(ranks):
    """What the ranks printed, as JSON; and all that they said."""
    said = [rank.communicate(timeout=100) for rank in ranks]
    errors = "".join(error for _, error in said)
    assert [rank.returncode for rank in ranks] == [0] * len(ranks), errors
    return [json.loads(out) for out, _ in said], errors
