"""Without counters there is one answer, the command's, whatever else keeps the machine busy."""

import json
import subprocess
import sys

import pytest

_BUSY = "while True: pass"
_COMMAND = """
import time, microjoule as uj
with uj.window("step"):
    ends = time.monotonic() + 1.0
    while time.monotonic() < ends: pass
"""


def test_windows_and_footprint_are_of_the_command_s_cpu_time_as_the_first_sentence_is(tmp_path):
    with subprocess.Popen([sys.executable, "-c", _BUSY]) as other:
        try:
            run = [sys.executable, "-m", "microjoule", "run", "--source", "cpu_time", "--zone", "DE"]
            run += ["--json", tmp_path / "a.json", "--", sys.executable, "-c", _COMMAND]
            done = subprocess.run(run, capture_output=True, text=True, timeout=120)
        finally:
            other.kill()
    assert done.returncode == 0, done.stderr
    assert "CPU time of the command" in " ".join(done.stderr.split())
    plain = json.loads((tmp_path / "a.json").read_text())
    rows = {row["name"]: row for row in plain["by_name"]}
    whole_j = plain["whole"]["total"]["energy_j"]
    assert 0 < rows["step"]["energy_j"] <= whole_j
    assert rows["step"]["share"] == pytest.approx(rows["step"]["energy_j"] / whole_j)
