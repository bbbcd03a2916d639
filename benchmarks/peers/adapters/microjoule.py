"""This project: a window of a recording, its energy taken from the file afterwards."""

import os
import tempfile

import microjoule as uj

CHANNEL = "package-0"
RATE_HZ = 1000
recorder = None


def start():
    """Begins to record."""
    global recorder
    recorder = uj.record(
        tempfile.mktemp(suffix=".arrows"), uj.Meter(rate=RATE_HZ, sources=["powercap"])
    ).open()


def begin():
    """Begins a window."""
    global window
    window = recorder.window("work")
    window.__enter__()


def end():
    """Ends it."""
    window.__exit__(None, None, None)


def energies_j():
    """(value, low, high) of each window, in joules."""
    recorder.close()
    trace = uj.load(recorder.path)
    found = [trace.energy(window)[CHANNEL] for window in trace.windows]
    os.remove(recorder.path)
    return [(each.value, each.low, each.high) for each in found]


def sampling(work):
    """The times of the readings, in seconds, that its sampler took at 1 kHz beside the work."""
    path = tempfile.mktemp(suffix=".arrows")
    with uj.record(path, uj.Meter(rate=RATE_HZ, sources=["powercap"])):
        work()
    t_ns = uj.load(path).series(CHANNEL).t_ns
    os.remove(path)
    return [t / 1e9 for t in t_ns.tolist()]
