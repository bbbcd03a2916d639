"""The coarse view: a counter with a larger unit, never ahead of the counter and never a step behind."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import channel

from microjoule.agent.coarse import CoarseView, coarse
from microjoule.channel import Encoding, Kind, Scale
from microjoule.channel.reading_status import UNCOUNTED
from microjoule.joules.counters.unwrap import counts
from microjoule.recording.native import Feed, now_ns
from microjoule.sources.agent_offer import OfferedLane

UNITS = st.sampled_from(
    [Fraction(1, 1 << esu) for esu in range(10, 21)] + [Fraction(1, 1000), Fraction(1, 10**6)]
)
DUMMY = channel("package-0", "x")


def of(unit, modulus=1 << 32, **scale):
    return replace(
        DUMMY, scale=Scale(quantity="J", unit=unit, unit_source="register", modulus=modulus, **scale)
    )


@given(UNITS, st.integers(0, (1 << 32) - 1), st.integers(0, (1 << 31)))
def test_differences_are_right_to_a_step_also_over_the_end_of_the_counter(unit, start, grown):
    exact = of(unit)
    seen, rounding = coarse(exact)
    step = seen.scale.unit
    assert 1 <= step < 2
    first, last = rounding(start), rounding((start + grown) % (1 << 32))
    told = (last - first) % seen.scale.modulus * step
    assert abs(told - grown * unit) < step
    assert first * step <= start * unit < (first + 1) * step


@given(st.integers(10, 20), st.integers(0, (1 << 32) - 1))
def test_powercap_is_rounded_by_the_count_behind_its_microjoules(esu, count):
    """The oracle is the inversion that reports use."""
    shown_nj = 10**9 >> esu
    exact = replace(of(Fraction(1, 1 << esu), shown_nj=shown_nj), encoding=Encoding.POWERCAP)
    seen, rounding = coarse(exact)
    raw = count * shown_nj // 1000
    behind = int(counts(np.array([raw], np.uint64), exact)[0])
    assert seen.encoding is Encoding.COUNT
    assert rounding(raw) == behind * exact.scale.unit // seen.scale.unit


@pytest.mark.parametrize(
    "other",
    [
        replace(DUMMY, kind=Kind.GAUGE),
        replace(DUMMY, encoding=Encoding.SIGNED),
        replace(DUMMY, scale=replace(DUMMY.scale, quantity="s")),
        of(Fraction(1, 1 << 14), modulus=(1 << 32) - 1),
    ],
)
def test_what_has_no_coarse_form_is_left_out(other):
    assert coarse(other) is None


def rows(readings):
    table = np.zeros(
        len(readings),
        [("t", "i8"), ("raw", "u8"), ("sensor", "i8"), ("read", "u4"), ("channel", "u2"), ("status", "u2")],
    )
    for row, (t_ns, raw, code, status) in zip(table, readings, strict=True):
        row["t"], row["raw"], row["sensor"] = t_ns, raw, -(1 << 63)
        row["read"], row["channel"], row["status"] = 7, code, status
    return table.tobytes()


def test_the_last_reading_of_each_counter_is_published_and_a_failed_one_stays_failed():
    gauge = replace(channel("package-0/core", "z"), kind=Kind.GAUGE)
    lane = OfferedLane("package-0", (of(Fraction(1, 1 << 14)), gauge, channel("package-0/dram", "y")), {})
    feed = Feed(64)
    view = CoarseView([lane], [feed])
    assert [each.id for each in view.lane.channels] == ["package-0", "package-0/dram"]
    assert view.resolution_j == 1.024  # of the counter of millijoules
    reader = Feed(fd=view.feed.fd)
    at_ns = now_ns()
    feed.write(
        rows(
            [
                (at_ns, 5 << 14, 0, 0),
                (at_ns + 1, 9, 1, 0),
                (at_ns + 2, (6 << 14) + 9, 0, 0),
                (at_ns + 3, 0, 2, 5),
            ]
        )
    )
    view.publish()
    view.publish()  # nothing new: no row
    taken, lost = reader.drain(np.arange(2, dtype=np.uint16).tobytes())
    assert (taken.length, lost) == (2, 0)
    assert np.frombuffer(taken.raw, np.uint64)[:2].tolist() == [6, 0]
    assert np.frombuffer(taken.t_ns, np.int64)[:2].tolist() == [at_ns + 2, at_ns + 3]
    assert np.frombuffer(taken.status, np.uint16)[:2].tolist() == [0, 5]
    assert reader.counts()["ticks"] == 2


def test_a_reading_counts_the_interruptions_of_all_that_it_stands_for():
    feed = Feed(64)
    view = CoarseView([OfferedLane("package-0", (of(Fraction(1, 1 << 14)),), {})], [feed])
    reader = Feed(fd=view.feed.fd)
    at_ns = now_ns()
    told = [UNCOUNTED + 2, 0, UNCOUNTED, UNCOUNTED + 3]
    feed.write(rows([(at_ns + i, (6 + i) << 14, 0, status) for i, status in enumerate(told)]))
    view.publish()
    feed.write(rows([(at_ns + 9, 12 << 14, 0, 0), (at_ns + 10, 13 << 14, 0, UNCOUNTED + 4999)]))
    view.publish()
    feed.write(rows([(at_ns + 11, 14 << 14, 0, UNCOUNTED)]))
    view.publish()
    taken, _ = reader.drain(np.arange(1, dtype=np.uint16).tobytes())
    assert np.frombuffer(taken.raw, np.uint64)[:3].tolist() == [9, 13, 14]
    assert np.frombuffer(taken.status, np.uint16)[:3].tolist() == [UNCOUNTED + 5, UNCOUNTED + 4999, UNCOUNTED]


def test_interruptions_before_a_failed_read_are_told_by_the_next_that_is_read():
    feed = Feed(64)
    view = CoarseView([OfferedLane("package-0", (of(Fraction(1, 1 << 14)),), {})], [feed])
    reader = Feed(fd=view.feed.fd)
    at_ns = now_ns()
    readings = [[(5, UNCOUNTED + 3), (0, 5)], [(0, 5)], [(6, UNCOUNTED)], [(7, UNCOUNTED + 1)], [(8, 0)]]
    for i, each in enumerate(readings):
        feed.write(rows([(at_ns + 9 * i + k, raw << 14, 0, status) for k, (raw, status) in enumerate(each)]))
        view.publish()
    taken, _ = reader.drain(np.arange(1, dtype=np.uint16).tobytes())
    told = np.frombuffer(taken.status, np.uint16)[: taken.length].tolist()
    assert told == [5, 5, UNCOUNTED, UNCOUNTED + 4, 0]
