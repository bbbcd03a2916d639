"""A reference meter beside the counters: its readings are in the trace, and what did not come is counted."""

import errno
import re
import time

import numpy as np
import pytest
from power_meters import Played, served
from scripted import DRAM_W, PACKAGE_W, machine

import microjoule as uj
from microjoule.errors import BadMeter
from microjoule.joules.long_traces.streamed import stream
from microjoule.joules.sensor_notes import clock_notes
from microjoule.joules.summary import summary
from microjoule.report import REPORTERS

WALL_W = 90.0


def recorded(tmp_path, played, for_s=1.0, words="every=50ms&accuracy=1%25"):
    with served(played) as host:
        meter = uj.Meter(
            rate=200, sources=["script"], root=machine(tmp_path), against=f"shelly://{host}?{words}"
        )
        with uj.record(tmp_path / "t.arrows", meter=meter), uj.window("load"):
            time.sleep(for_s)
    return uj.load(tmp_path / "t.arrows")


def test_the_report_says_which_part_of_the_meters_energy_the_counters_cover(tmp_path):
    trace = recorded(tmp_path, Played(watts=lambda _: WALL_W))
    found = summary(trace)["whole"]["meter"]
    assert found["meter"] == "meter-0/power"
    share = (PACKAGE_W + DRAM_W) / WALL_W
    assert abs(found["share"] - share) <= found["U_share"] < 0.1
    text = REPORTERS["text"](summary(trace))
    assert "counters cover 50" in text or "counters cover 49" in text
    assert "by meter-0/power" in text


def test_readings_carry_both_times_and_a_clock_that_is_wrong_moves_nothing(tmp_path):
    trace = recorded(tmp_path, Played(watts=lambda _: WALL_W, clock_offset_s=-3.0))
    series = trace.series("meter-0/power")
    realtime = np.interp(series.t_ns, *trace.clock_pairs["@clock/realtime"])
    behind_s = (realtime - series.sensor_ns) / 1e9
    assert (behind_s > 2.9).all()
    assert (behind_s < 4.6).all()  # its clock shows whole seconds
    total = trace.energy("load")["meter-0/power"]
    assert total.status == "ok"
    (said,) = clock_notes(trace)
    assert re.fullmatch(r"meter-0: the meter's clock is [234]\.\d s behind this machine's\. .*", said)
    assert clock_notes(stream(tmp_path / "t.arrows")) == [said]
    right = tmp_path / "right"
    right.mkdir()
    assert clock_notes(recorded(right, Played(watts=lambda _: WALL_W))) == []


def test_replies_that_are_lost_are_counted_and_are_no_zeros(tmp_path):
    trace = recorded(tmp_path, Played(watts=lambda _: WALL_W, lost=lambda n: n > 3 and n % 3 == 0))
    counts = trace.engine()["meter-0"]
    assert counts["errors"] >= 4  # two channels a reply
    failures = trace.failures()["meter-0/power"]
    assert failures == {errno.ECONNREFUSED: counts["errors"] // 2}
    series = trace.series("meter-0/power")
    assert (series.raw[series.valid] > 0).all()


def test_a_slow_meter_misses_its_own_deadlines_and_nobody_elses(tmp_path):
    trace = recorded(tmp_path, Played(watts=lambda _: WALL_W, delay_s=0.12))
    counts = trace.engine()
    assert counts["meter-0"]["missed"] >= counts["meter-0"]["ticks"] - 3  # the first and the last have none
    assert len(trace.series("package-0")) > 10 * len(trace.series("meter-0/power"))


def test_a_meter_that_is_not_there_is_an_error_before_anything_is_recorded(tmp_path):
    with pytest.raises(BadMeter, match="cannot be reached"):
        uj.record(
            tmp_path / "t.arrows", meter=uj.Meter(root=machine(tmp_path), against=["shelly://127.0.0.1:9"])
        ).open()
    assert not (tmp_path / "t.arrows").exists()
