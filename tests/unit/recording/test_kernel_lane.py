"""Lanes that the kernel samples: which can be, what the file says of them, and what they deliver."""

import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scripted import channel

import microjoule as uj
from microjoule.channel import Access, Scale
from microjoule.errors import PermissionDenied
from microjoule.recording import Cadence
from microjoule.recording.lane import Lane, is_for_kernel
from microjoule.recording.native import Sampler
from microjoule.recording.recorder import Recorder

MSR_TYPE = Path("/sys/bus/event_source/devices/msr/type")


def event(name, cpu=0, reader="perf"):
    """The time stamp counter of the ``msr`` PMU as a channel."""
    kind = int(MSR_TYPE.read_text()) if MSR_TYPE.exists() else 0
    access = Access(reader=reader, path="", type=kind, config=0, cpu=cpu)
    scale = Scale(quantity="J", unit=Fraction(1, 10**9), unit_source="interface")
    return replace(channel(name, ""), access=access, scale=scale, lane="package-0")


@pytest.fixture
def events():
    """Two events that this process may open; else the test is skipped."""
    if not MSR_TYPE.exists():
        pytest.skip("this kernel has no msr PMU")
    found = [event("package-0"), event("package-0/dram")]
    table = [("perf", "", one.access.type, 0, 0, code) for code, one in enumerate(found)]
    try:
        Sampler("probe", table, 1_000_000, 64)
    except PermissionDenied as error:
        pytest.skip(f"perf is refused: {error}")
    return found


def test_only_perf_events_of_one_cpu_can_be_sampled_by_the_kernel():
    assert is_for_kernel([event("a"), event("b")])
    assert not is_for_kernel([event("a"), event("b", cpu=1)])
    assert not is_for_kernel([event("a"), event("b", reader="text")])
    assert not is_for_kernel([event("a", cpu=-1)])
    assert not is_for_kernel([])


def test_it_is_asked_for(events):
    """The thread samples unless the cadence says otherwise."""
    lane = Lane("package-0", events, {"package-0": 0, "package-0/dram": 1}, Cadence())
    lane.sampler.start()
    facts = lane.facts()
    lane.sampler.stop()
    assert (facts["sampled_by"], facts["kernel"]) == ("thread", "not asked")


def test_what_the_kernel_refuses_the_thread_samples(events):
    """More events than a record has room for: the lane opens all the same and says who samples."""
    many = [replace(events[0], id=f"package-0/{i}") for i in range(31)]
    lane = Lane("package-0", many, {one.id: i for i, one in enumerate(many)}, Cadence(kernel=True))
    lane.sampler.start()
    facts = lane.facts()
    lane.sampler.stop()
    assert facts["sampled_by"] == "thread"
    assert facts["kernel"].startswith("refused: sample in the kernel")
    assert lane.sampler.counts()["kernel"] == 0


def test_a_recording_of_the_kernels_is_like_any_other(tmp_path, events):
    """Rounds with one time each, in order, from the first reading to the last, and all accounted for."""
    path = tmp_path / "t.arrows"
    recorder = Recorder(path, events, Cadence(kernel=True), {})
    with recorder as rec, rec.window("work"):
        time.sleep(0.4)
    trace = uj.load(path)
    lane = trace.facts["lanes"]["package-0"]
    assert lane["sampled_by"] == "kernel"
    package, dram = (trace.series(one.id) for one in events)
    assert np.array_equal(package.t_ns, dram.t_ns)
    assert np.array_equal(package.read_ns, dram.read_ns)
    for series in (package, dram):
        assert (np.diff(series.t_ns) > 0).all()
        assert (np.diff(series.raw.astype(np.int64)) > 0).all()
        assert (series.status == 0).all()
    counts = trace.engine()["package-0"]
    assert len(package.t_ns) == counts["ticks"]
    assert counts["dropped"] == 0
    covered_ms = (package.t_ns[-2] - package.t_ns[1]) / 1e6
    assert counts["ticks"] + counts["missed"] == pytest.approx(covered_ms, abs=5 + 0.02 * covered_ms)
