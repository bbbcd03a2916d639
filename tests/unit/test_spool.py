"""Rows in a file without a name: what happens where there is no room for them."""

import subprocess
import sys

_FULL = """
import resource
import numpy as np
from microjoule.errors import CannotWrite
from microjoule.spool import Spool

ROW = np.dtype([("t0_ns", np.int64)])
kept = Spool(ROW)
kept.add(np.zeros(1 << 20, ROW))
resource.setrlimit(resource.RLIMIT_FSIZE, ((8 << 20) + 100, resource.RLIM_INFINITY))
try:
    kept.add(np.zeros(64, ROW))  # fewer bytes than a buffer holds
except CannotWrite as error:
    print(error)
"""


def test_the_last_rows_that_a_full_disk_does_not_take_are_an_error_as_they_come():
    done = subprocess.run([sys.executable, "-c", _FULL], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"cannot keep {(1 << 20) + 64} events in ")
    assert "name another folder" in done.stdout
