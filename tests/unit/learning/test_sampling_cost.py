"""Costs taken of a scripted machine: real threads, real files, and no time that must be met."""

import os
import subprocess
from pathlib import Path

import pytest
from scripted import channel, steady

from microjoule.errors import BadWish
from microjoule.host.files import HostKey
from microjoule.host.sampling_cost import EMPTY, RECORDER, Overhead
from microjoule.learning import (
    CostOptions,
    Site,
    saturate,
    take,
)
from microjoule.learning import (
    paired_blocks as blocks,
)
from microjoule.learning import (
    sampling_loops as subject,
)
from microjoule.learning.loop_cost import moves
from microjoule.sources import script
from microjoule.sources.machine import Machine
from microjoule.sources.script import write_machine

HOST = HostKey(hostname="bench", cpu="1", kernel="6.1")


@pytest.fixture
def channels(tmp_path):
    """Two counters of one lane: 40 W and 5 W."""
    write_machine(tmp_path, [channel("package-0", "a.txt"), channel("package-0/dram", "b.txt")])
    (tmp_path / "a.txt").write_text(steady(40, 0))
    (tmp_path / "b.txt").write_text(steady(5, 0))
    return script.survey(Machine(tmp_path)).channels


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """As few pairs as say anything, and drains in quick succession: blocks are as long as between two."""
    monkeypatch.setattr(blocks, "PAIRS_MAX", blocks.PAIRS_MIN)
    monkeypatch.setattr(subject, "DRAIN_S", 0.05)


def taken(channels, chosen=(), **wishes):
    said = []
    usual = {"rates_hz": (2000.0,), "paces": ("sleep",), "loads": ("busy",), "for_s": 60.0}
    found = take(Site(host=HOST, listed=channels, chosen=chosen), CostOptions(**usual | wishes), said.append)
    return found, said


def test_a_lane_beside_a_victim_is_told_in_every_figure(channels):
    found, said = taken(channels)
    lane = next(one for one in found.costs if one.subject == "script: package-0")
    empty = next(one for one in found.costs if one.subject == EMPTY)
    assert "script: package-0, 2000 Hz, sleep, busy" in said
    assert lane.channels == {"script": 2}
    assert lane.ticks > 0
    assert lane.read_ns > 0
    assert lane.tick_cpu_ns.value > 0
    assert lane.lateness.p50_ns >= 0
    assert lane.loss_share.n == lane.own_share.n >= 3
    assert lane.loss_share.U > 0
    difference = lane.tick_cpu_ns.value - empty.tick_cpu_ns.value
    assert lane.over_empty_ns.value == pytest.approx(difference)
    assert empty.over_empty_ns is None
    assert empty.read_ns is None
    (read,) = found.reads
    assert read.hot_ns.value > 0
    assert Overhead.from_json(found.to_json()) == found


def test_added_power_is_what_a_measured_counter_says(channels):
    """The script knows nothing of the sampler: what it adds lies around nothing."""
    found, _ = taken(channels, channels, loads=("idle",))
    lane = next(one for one in found.costs if one.subject == "script: package-0")
    assert found.machine["meter"] == ["package-0", "package-0/dram"]
    assert lane.loss_share is None
    assert lane.added_w.n >= 3
    assert abs(lane.added_w.value) <= 5 * lane.added_w.U + 0.5
    assert "added power" not in found.left_out


def test_a_counter_that_never_moves_is_no_meter(channels, tmp_path):
    (tmp_path / "a.txt").write_text("0 7\n")
    (tmp_path / "b.txt").write_text("0 7\n")
    assert not moves(channels[0])
    found, _ = taken(channels, channels, paces=("edges",))
    assert found.left_out["added power"] == "not measurable here: package-0, package-0/dram never moves"
    assert "No update of script: package-0 was ever seen" in found.left_out["script: package-0, edges, busy"]


def test_edges_are_ticks_where_a_counter_can_be_followed(channels):
    found, _ = taken(channels, paces=("edges",))
    lane = next(one for one in found.costs if one.subject == "script: package-0")
    assert lane.ticks > 0
    assert lane.way.rate_hz == 1000.0
    assert "nothing that could be read at this pace" in found.left_out["empty loop, edges, busy"]


def test_what_cannot_be_done_is_left_out_with_its_reason(channels):
    found, _ = taken(channels, paces=("kernel",))
    assert "not read through perf events" in found.left_out["script: package-0, 2000 Hz, kernel, busy"]
    assert not found.costs


def test_what_there_is_no_time_for_is_left_out_and_says_so(channels):
    found, _ = taken(channels, channels, for_s=0.01)
    assert all("--max-time" in why for what, why in found.left_out.items())
    assert f"{RECORDER}, 2000 Hz, sleep, busy" in found.left_out
    assert not found.costs


def test_a_saturated_machine_needs_a_second_cpu_and_leaves_nobody_behind(channels):
    allowed = os.sched_getaffinity(0)
    found, _ = taken(channels, loads=("saturated",))
    assert {one.way.load for one in found.costs} == ({"saturated"} if len(allowed) > 1 else set())
    assert any("one CPU only" in why for why in found.left_out.values()) == (len(allowed) == 1)
    assert os.sched_getaffinity(0) == allowed


def test_cores_are_busy_meanwhile_and_not_afterwards():
    def children():
        mine = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
        return mine.read_text().split() if mine.exists() else pytest.skip("this kernel lists no children")

    before = children()
    with saturate.busy(os.sched_getaffinity(0)):
        assert len(children()) == len(before) + len(os.sched_getaffinity(0))
    assert children() == before


def test_a_spinner_ends_when_its_parent_is_gone():
    spin = saturate._SPIN.format(cpu=min(os.sched_getaffinity(0)), parent=1 << 22)
    assert subprocess.run(["python3", "-c", spin], capture_output=True, timeout=60).returncode == 0


def test_a_cpu_that_may_not_be_used_is_one_sentence(channels):
    with pytest.raises(BadWish, match="may not run on CPU 4095"):
        taken(channels, cpu=4095)


def test_without_any_channel_the_empty_loop_is_taken():
    found, _ = taken(())
    assert [one.subject for one in found.costs] == [EMPTY]
    assert found.left_out == {
        "added power": "no measured energy counter can be read here: `uj probe` says why"
    }
