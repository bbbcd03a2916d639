"""Cgroups of this kernel with known loads: what is read of them is what ran in them."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from microjoule.recording.activity import ActivityLane, ActivityPlan
from microjoule.recording.cpu_times import Cgroups
from microjoule.trace import schema

BURN = "import time, sys\nsys.stdin.readline()\nwhile time.process_time() < {}: pass\n"


@pytest.fixture
def groups():
    """Two cgroups of this test; skipped where none can be made."""
    of = Cgroups(Path("/"))
    if not of.is_there:
        pytest.skip("this kernel accounts no CPU time by cgroup")
    made = [Path(f"{of._folder}/uj-test-{os.getpid()}-{name}") for name in "ab"]
    try:
        for each in made:
            each.mkdir()
    except OSError as error:
        for each in made:
            with contextlib.suppress(OSError):
                each.rmdir()
        pytest.skip(f"no cgroup can be made here: {error}")
    yield made
    for each in made:
        each.rmdir()


def test_two_tenants_have_what_they_used_and_one_that_disappears_is_no_failure(groups):
    lane = ActivityLane(ActivityPlan(kinds=("cgroup",)))
    lane.look()
    used_s = {}
    for folder, burn_s in zip(groups, (0.3, 0.1), strict=True):
        child = subprocess.Popen([sys.executable, "-c", BURN.format(burn_s)], stdin=subprocess.PIPE)
        (folder / "cgroup.procs").write_text(str(child.pid))
        child.stdin.write(b"\n")
        child.stdin.close()
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        used_s[folder.name] = usage.ru_utime + usage.ru_stime
    lane.look()
    rows = lane.drain()
    names = {raw: label for _, _, name, raw, label in rows if name == schema.SUBJECT}
    for name, expected_s in used_s.items():
        (number,) = (n for n, label in names.items() if f"/{name}" in label)
        counts = [raw for _, n, of, raw, _ in rows if of == schema.ACTIVITY and n == number]
        # What it used before it was moved into its cgroup, to start, is not the cgroup's.
        assert expected_s * 1e9 * 0.5 <= counts[-1] - counts[0] <= expected_s * 1e9 * 1.02 + 5e6
    groups[1].rmdir()
    lane.look()
    groups[1].mkdir()
