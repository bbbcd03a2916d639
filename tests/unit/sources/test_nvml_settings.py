"""The settings of a GPU as a library with NVML's ABI says them, and how they reach a trace's facts."""

import json
import subprocess
import sys

import pytest
from standin import compiler, machine

from microjoule.joules.environments import GPU_SETTINGS

PROGRAM = """
import json, sys
from pathlib import Path
from microjoule.sources import Machine, nvml
print(json.dumps(nvml.survey(Machine(Path(sys.argv[1]))).facts))
"""


@pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")
def test_settings_and_what_holds_the_clock_down_are_facts(tmp_path):
    machine(tmp_path, "driver 570.86.15\ndevice GPU-aaaa-1\narch 9\nlimit_mw 700000")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=True
    )
    (gpu,) = json.loads(done.stdout)["gpus"]
    smoothing = gpu["settings"].pop("power_smoothing", None)  # a field, which the stand-in answers as others
    assert smoothing in (None, False, True)
    assert gpu["settings"] == {
        "persistence": True, "ecc": True, "power_limit_w": 350.0, "application_clock_mhz": 1755,
    }  # fmt: skip
    assert gpu["settings"].keys() <= GPU_SETTINGS.keys()
    assert gpu["clock_reasons"] == ["power cap", "heat (hardware)"]
