"""Makes the recordings of this folder again: a profile of torch on the CPU, and two traces of the same run.

    pip install torch==2.13.0 && python tests/recorded/torch_cpu/record.py

Not needed to run the tests, and neither is torch.
"""

import gzip
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, record_function

import microjoule as uj

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))
import scripted  # noqa: E402 - of the tests, once their folder is on the path


def work():
    """Long multiplications, short additions, and a pause in which nothing runs."""
    a, big, small = torch.randn(256, 256), torch.randn(1_500_000), torch.randn(200)
    for _ in range(40):
        with record_function("multiply"):
            for _ in range(12):
                a @ a
        with record_function("exponentiate"):
            torch.exp(big)
        with record_function("many small ones"):
            for _ in range(30):
                small + small
        time.sleep(0.002)


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = scripted.machine(Path(folder))
        with (
            uj.record(HERE / "scripted.arrows", uj.Meter(sources=("script",), root=root, rate=1000)),
            uj.record(HERE / "cpu_time.arrows", uj.Meter(sources=("cpu_time",), rate=500)) as other,
        ):
            work()  # the first calls set things up for a second
            with (
                other.window("profiled", note="forty rounds"),
                profile(activities=[ProfilerActivity.CPU]) as found,
            ):
                work()
        found.export_chrome_trace(f"{folder}/profile.json")
        text = Path(folder, "profile.json").read_bytes().replace(folder.encode(), b"/tmp")
        (HERE / "profile.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))


if __name__ == "__main__":
    main()
