"""Lanes that the kernel samples: which can be, what the file says of them, and what they deliver."""

import errno
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
from microjoule.joules.summary import summary
from microjoule.recording import Cadence
from microjoule.recording import lane as lanes
from microjoule.recording.idle_tick import why_not
from microjoule.recording.lane import Lane, cadence_of, is_for_kernel
from microjoule.recording.native import Sampler
from microjoule.recording.plan import RecordingPlan
from microjoule.recording.recorder import RawRecorder
from microjoule.report import REPORTERS
from microjoule.report.as_long_text import warnings
from microjoule.trace import schema

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


CODES = {"package-0": 0, "package-0/dram": 1}


def told(events, cadence):
    """What the lane says of itself once it has started."""
    lane = Lane("package-0", events, CODES, cadence)
    lane.sampler.start()
    facts = lane.facts()
    lane.sampler.stop()
    return facts["sampled_by"], facts["kernel"]


@pytest.mark.parametrize(
    "cadence",
    [Cadence(kernel=False), Cadence(spin_ns=50_000), Cadence(fifo_priority=1)],
    ids=["refused", "spin", "fifo"],
)
def test_the_thread_samples_where_something_is_asked_of_it(events, cadence):
    assert told(events, cadence) == ("thread", "not asked")


@pytest.mark.parametrize("why", ["", "an idle CPU has no tick here"])
def test_by_default_it_depends_on_the_idle_tick(events, monkeypatch, why):
    """The kernel samples where it will not throttle; else the trace says why it is the thread."""
    asked = []
    monkeypatch.setattr(lanes, "why_not", lambda *of: asked.append(of) or why)
    expected = ("thread", f"left to the thread: {why}") if why else ("kernel", "started")
    assert told(events, Cadence(rate_hz=2000)) == expected
    assert asked == [(500_000, 0)]
    assert Cadence(rate_hz=2000).pace(events) == ("sleep" if why else "kernel")


MENU = {"cpuidle/current_driver": "intel_idle", "cpuidle/current_governor": "menu"}


@pytest.mark.parametrize(
    ("period_ms", "files", "cmdline", "limit", "why"),
    [
        (1.0, MENU, "quiet", 100_000, ""),
        (2.0, MENU, "quiet", 100_000, ""),
        (2.1, MENU, "quiet", 100_000, "4 ms are too few"),
        (1.0, {**MENU, "cpuidle/current_governor": "teo"}, "quiet", 100_000, ""),
        (1.0, {**MENU, "cpuidle/current_governor": "haltpoll"}, "quiet", 100_000, "governor is haltpoll"),
        (1.0, {"cpuidle/current_driver": "none", "cpuidle/current_governor": "menu"}, "", 100_000, "no idle"),
        (1.0, {}, "quiet", 100_000, "no idle driver"),
        (1.0, {}, "quiet nohz=off", 100_000, ""),
        (5.0, {}, "quiet nohz=off", 100_000, ""),
        (1.0, {**MENU, "nohz_full": "0-1"}, "", 100_000, "nohz_full"),
        (1.0, {**MENU, "nohz_full": "2-3"}, "", 100_000, ""),
        (1.0, {**MENU, "nohz_full": "(null)"}, "", 100_000, ""),
        (1.0, MENU, "", 2000, ""),
        (1.0, MENU, "nohz=off", 1999, "perf_event_max_sample_rate is 1999"),
        (1.0, MENU, "nohz=off", None, "perf_event_max_sample_rate is None"),
    ],
)
def test_when_an_idle_cpu_keeps_its_tick(tmp_path, period_ms, files, cmdline, limit, why):
    """By the files of the machine, at 250 ticks a second, of CPU 1."""
    for name, text in {
        **{f"sys/devices/system/cpu/{name}": text for name, text in files.items()},
        "proc/cmdline": cmdline,
        **({} if limit is None else {"proc/sys/kernel/perf_event_max_sample_rate": str(limit)}),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    found = why_not(round(period_ms * 1e6), 1, tmp_path, tick_ns=4_000_000)
    assert (why in found) if why else found == ""


@pytest.mark.parametrize(("why", "rate_hz"), [("", 2000), ("an idle CPU has no tick here", 1000)])
def test_where_no_rate_is_given_the_kernel_samples_twice_as_often_as_a_thread(
    events, monkeypatch, why, rate_hz
):
    """It costs the kernel next to nothing, and tells when the counter is updated."""
    monkeypatch.setattr(lanes, "why_not", lambda *_: why)
    assert Lane("package-0", events, CODES, cadence_of(None)).facts()["rate_hz"] == rate_hz
    assert cadence_of(None).rate_of(events) == rate_hz
    assert Lane("package-0", events, CODES, cadence_of(500)).facts()["rate_hz"] == 500


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
    recorder = RawRecorder(RecordingPlan(path=path, channels=tuple(events), cadence=Cadence(kernel=True)))
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


def test_a_kernel_that_gives_up_shows_in_the_trace_and_in_the_report(tmp_path, events):
    """Its lane says until when the kernel sampled; the report says that the thread took over."""
    path = tmp_path / "t.arrows"
    recorder = RawRecorder(RecordingPlan(path=path, channels=tuple(events), cadence=Cadence(kernel=True)))
    with recorder as rec, rec.window("work"):
        (lane,) = rec._lanes
        lane.sampler = GivesUp(lane.sampler)
    trace = uj.load(path)
    assert trace.facts["lanes"]["package-0"]["sampled_by"] == "kernel"
    by_kernel = trace.own(schema.engine("package-0", "by_kernel")).raw
    assert (by_kernel[0], by_kernel[-1]) == (1, 0)
    found = summary(trace)
    assert found["engine"]["lanes"][0]["sampled_by"] == "kernel, then thread"
    assert "until it stopped (throttled), then by the lane's thread" in " ".join(
        REPORTERS["long"](found).split()
    )
    assert trace.facts["lanes"]["package-0"]["kernel"] == "started"
    assert warnings(found)[0].startswith("the kernel stopped sampling lane package-0 (throttled)")


class GivesUp:
    """A sampler whose kernel has throttled it: throttling itself needs a CPU without a tick."""

    def __init__(self, sampler):
        self._sampler = sampler

    def __getattr__(self, name):
        return getattr(self._sampler, name)

    def counts(self):
        return {**self._sampler.counts(), "kernel": -errno.EAGAIN}
