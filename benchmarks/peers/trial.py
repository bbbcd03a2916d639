"""One question put to one tool, in that tool's own environment: standard library only.

    python trial.py TOOL windows WINDOW_S N      energies of N windows of busy work, with their truth
    python trial.py TOOL latency N               what a begin and an end take, N times
    python trial.py TOOL wraps WINDOW_S N        as windows, each begun shortly before the counter wraps
    python trial.py TOOL rate WORK SECONDS       the times of the readings that its sampler takes

Prints one line of JSON. The power behind the counter is constant and handed over in WATTS, the range
of the counter in RANGE_J, so that the truth of a window is power times the time of the work in it.
"""

import contextlib
import hashlib
import importlib.util
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

ENERGY_UJ = Path("/sys/class/powercap/intel-rapl:0/energy_uj")
BEFORE_WRAP_S = 0.2
BLOCK = bytes(1 << 20)
GOLDEN = 0.618_033_988_749_895


def adapter(tool):
    """The adapter of a tool; loaded by path, because it may have the tool's own name.

    ``microjoule@4000`` is microjoule at 4000 Hz.
    """
    tool, _, rate_hz = tool.partition("@")
    path = Path(__file__).resolve().parent / "adapters" / f"{tool}.py"
    found = importlib.util.module_from_spec(spec := importlib.util.spec_from_file_location("adapter", path))
    spec.loader.exec_module(found)
    if rate_hz:
        found.RATE_HZ = int(rate_hz)
    return found


def spin(seconds):
    """Pure Python work for that long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def native(seconds):
    """Work in C that has let the GIL go, for about that long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        hashlib.sha256(BLOCK).digest()


WORK = {"asleep": time.sleep, "pure Python": spin, "C without the GIL": native}


def window(tool, seconds):
    """The time that the work in one window took, in seconds."""
    tool.begin()
    t0 = time.monotonic()
    spin(seconds)
    took_s = time.monotonic() - t0
    tool.end()
    return took_s


def has_windows(tool):
    """Whether the tool can tell the energy of a part of a program."""
    return hasattr(tool, "begin")


def windows(tool, seconds, n):
    """The work's times and the tool's energies of n windows.

    They begin at all phases of the counter, and are four to six fifths of the given length: whole
    numbers of updates would flatter a bare difference.
    """
    if not has_windows(tool):
        return {"energies_j": None}
    tool.start()
    took_s = []
    for i in range(int(n)):
        time.sleep(0.005 + 0.001 * (i * GOLDEN % 1))
        took_s.append(window(tool, float(seconds) * (0.8 + 0.4 * (i * GOLDEN * GOLDEN % 1))))
    return {"took_s": took_s, "energies_j": tool.energies_j()}


def latency(tool, n):
    """What a begin and an end took, in seconds, each time."""
    if not has_windows(tool):
        return {"taken_s": None}
    tool.start()
    taken_s = []
    for _ in range(int(n)):
        t0 = time.perf_counter()
        tool.begin()
        t1 = time.perf_counter()
        spin(0.001)
        t2 = time.perf_counter()
        tool.end()
        taken_s.append(t1 - t0 + time.perf_counter() - t2)
    with contextlib.suppress(Exception):  # only what it took is asked for
        tool.energies_j()
    return {"taken_s": taken_s}


def wraps(tool, seconds, n):
    """As ``windows``; each begins a fifth of a second before the counter wraps."""
    if not has_windows(tool):
        return {"energies_j": None}
    watts, range_j = float(os.environ["WATTS"]), float(os.environ["RANGE_J"])
    tool.start()
    took_s = []
    for _ in range(int(n)):
        left_s = (range_j - int(ENERGY_UJ.read_text()) / 1e6) / watts
        time.sleep((left_s - BEFORE_WRAP_S) % (range_j / watts))
        took_s.append(window(tool, float(seconds)))
    return {"took_s": took_s, "energies_j": tool.energies_j()}


def rate(tool, work, seconds):
    """The times of the readings taken during the work; None: the tool has no sampler."""
    if not hasattr(tool, "sampling"):
        return {"times_s": None}
    span_s = []

    def timed():
        span_s.append(time.monotonic())
        WORK[work](float(seconds))
        span_s.append(time.monotonic())

    times_s = [t for t in tool.sampling(timed) if span_s[0] <= t < span_s[1]]
    asked_hz = getattr(tool, "RATE_HZ", 1000)
    return {"times_s": times_s, "took_s": span_s[1] - span_s[0], "rate_hz": asked_hz}


if __name__ == "__main__":
    name, question, *arguments = sys.argv[1:]
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        answer = globals()[question](adapter(name), *arguments)
    print(json.dumps(answer))
    sys.stdout.flush()
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(0)  # some leave threads behind that would hold the process
