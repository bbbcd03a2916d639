"""Sampling that keeps no file."""

import time

import pytest
from scripted import DRAM_W, PACKAGE_W, machine

import microjoule as uj
from microjoule.errors import NothingToMeasure
from microjoule.live.session import session
from microjoule.recording.meter import Meter
from microjoule.sources.script import Entry, script_text_by_reads

PATIENCE_S = 60


def until(running, is_so):
    """The levels by channel once they are so."""
    ends = time.monotonic() + PATIENCE_S
    while not is_so(found := {level.channel.id: level for level in running.levels()}):
        assert time.monotonic() < ends
        time.sleep(0.02)
    return found


def known(found):
    return found and all(level.power_w is not None for level in found.values())


def test_a_machine_of_known_power_shows_it_while_it_runs(tmp_path):
    with session(Meter(rate=100, sources=["script"], root=machine(tmp_path))) as running:
        found = until(running, known)
        assert list(running.channels) == ["package-0", "package-0/dram"]
    assert {name: round(level.power_w) for name, level in found.items()} == {
        "package-0": PACKAGE_W,
        "package-0/dram": DRAM_W,
    }
    at_the_end = running.levels()
    assert all(level.energy_counts >= found[level.channel.id].energy_counts for level in at_the_end)
    assert at_the_end == running.levels()


def test_two_sessions_run_side_by_side(tmp_path):
    root = machine(tmp_path)
    with (
        session(Meter(rate=100, sources=["script"], root=root)) as one,
        session(Meter(rate=100, sources=["script"], root=root)) as other,
    ):
        until(one, known)
        until(other, known)


def test_a_channel_that_does_not_open_has_no_account(tmp_path):
    (machine(tmp_path) / "dram.txt").unlink()
    with session(Meter(rate=100, sources=["script"], root=tmp_path)) as running:
        until(running, known)
        assert list(running.channels) == ["package-0"]


def test_a_recording_of_a_moment_has_readings_on_both_sides(tmp_path):
    """Whenever it begins and ends between two readings and between two drains of the rings."""
    with session(Meter(rate=50, sources=["script"], root=machine(tmp_path))) as running:
        until(running, known)
        for number in range(6):
            path = tmp_path / f"{number}.arrows"
            running.record(path, "moment")
            time.sleep(number * 0.007)
            running.stop()
            until(running, lambda _: running.recording is None)
            trace = uj.load(path)
            total = trace.energy("moment").total
            (window,) = trace.windows
            assert total.status == "ok"
            assert total.low <= (PACKAGE_W + DRAM_W) * (window.t1_ns - window.t0_ns) / 1e9 <= total.high


def test_reads_that_fail_are_counted_and_later_ones_go_on(tmp_path):
    entries = [Entry(raw=0), Entry(raw=1000), Entry(errno=5), Entry(errno=5), Entry(raw=2000)]
    (machine(tmp_path) / "dram.txt").write_text(script_text_by_reads(entries))
    with session(Meter(rate=50, sources=["script"], root=tmp_path)) as running:
        found = until(running, lambda now: "package-0/dram" in now and now["package-0/dram"].readings > 3)
    dram = found["package-0/dram"]
    assert (dram.failed, dram.energy_counts) == (2, 2000)


def test_where_nothing_is_listed_there_is_no_session(tmp_path):
    with pytest.raises(NothingToMeasure):
        session(Meter(rate=10, root=tmp_path))


def test_where_nothing_opens_there_is_no_session(tmp_path):
    root = machine(tmp_path)
    (root / "package.txt").write_text("by nonsense\n")
    (root / "dram.txt").write_text("by nonsense\n")
    with pytest.raises(NothingToMeasure, match="No channel could be opened"):
        session(Meter(rate=10, sources=["script"], root=root)).open()
