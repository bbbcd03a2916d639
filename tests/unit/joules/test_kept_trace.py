"""A trace whose readings are not kept: what it still tells, and what it refuses."""

import pickle

import numpy as np
import pytest
from fragmented import same, slices
from ideal import MS, Ideal, constant, rows, write

from microjoule.errors import NotInParts, TraceError
from microjoule.joules.energy_trace import Trace
from microjoule.joules.long_traces.fragments import integrated
from microjoule.joules.long_traces.kept_trace import Asked, KeptTrace, joined_series
from microjoule.joules.long_traces.streamed import stream
from microjoule.trace.series import NO_TIME, Series
from microjoule.trace.window import Window

IDEAL = Ideal(constant(50.0), n=200, seed=1)
T = IDEAL.inside(0.2, 0.5, 0.8)
MARKS = [(T[0], "@begin", 1, "step"), (T[1], "@end", 1, "")]


def series(t_ns, valid=None, sensor_ns=None):
    n = len(t_ns)
    return Series(
        np.array(t_ns, np.int64),
        np.full(n, 7, np.uint32),
        np.arange(n, dtype=np.uint64) + 10 * t_ns[0],
        np.zeros(n, np.uint16),
        None if valid is None else np.array(valid),
        None if sensor_ns is None else np.array(sensor_ns, np.int64),
    )


def test_successive_series_are_one_whose_missing_columns_mean_read_and_without_a_stamp():
    parts = [series([1, 2]), series([3, 5], valid=[True, False]), series([6], sensor_ns=[66])]
    found = joined_series(parts)
    assert found.t_ns.tolist() == [1, 2, 3, 5, 6]
    assert found.raw.tolist() == [10, 11, 30, 31, 60]
    assert found.valid.tolist() == [True, True, True, False, True]
    assert found.sensor_ns.tolist() == [NO_TIME, NO_TIME, NO_TIME, NO_TIME, 66]
    plain = joined_series([series([1, 2]), series([3])])
    assert (plain.valid, plain.sensor_ns) == (None, None)
    assert len(joined_series([])) == 0


@pytest.mark.parametrize("times", [([1, 3], [2, 4]), ([1, 2], [2, 3]), ([3], [1])])
def test_series_that_overlap_are_in_no_order(times):
    with pytest.raises(NotInParts, match="no order"):
        joined_series([series(each) for each in times])


def kept(marks=MARKS):
    """The same trace integrated in two parts, and whole."""
    table = rows([IDEAL], marks)
    return integrated(slices(table, [90])), Trace(table)


def test_it_tells_its_own_windows_and_its_span_and_no_other_window():
    found, whole = kept()
    assert isinstance(found, KeptTrace)
    assert same(found, whole)
    named = Window("another name", T[0], T[1])
    assert found.energy(named)["package-0"].value == whole.energy(named)["package-0"].value
    for edges in ((T[0], T[1] + 1), (T[0] - 1, T[1]), (T[1], T[2])):
        with pytest.raises(TraceError, match="the readings around the window 'other' were not kept"):
            found.energy(Window("other", *edges))


def test_it_refuses_what_only_readings_tell():
    found, _ = kept()
    for ask, what in (
        (lambda: found.power("package-0"), "the updates of 'package-0' in the trace"),
        (lambda: found.series("package-0"), "the readings of 'package-0'"),
        (found.to_arrow, "its rows"),
        (lambda: pickle.dumps(found), "its rows"),
    ):
        with pytest.raises(TraceError, match=what):
            ask()


def test_failed_reads_are_counted_by_channel_and_code():
    found, _ = kept()
    for name, codes in (("a", {5: 2, 19: 1}), ("b", {5: 1}), ("a", {5: 3})):
        found.count(name, codes)
    assert found.failures() == {"a": {5: 5, 19: 1}, "b": {5: 1}}


def test_without_windows_its_span_is_what_is_asked():
    found, whole = kept([])
    asked = Asked.of(whole)
    assert asked.edges_ns.tolist() == [[whole.span.t0_ns, whole.span.t1_ns]]
    assert asked.instants_ns.tolist() == [whole.span.t0_ns, whole.span.t1_ns]
    assert same(found, whole)
    assert asked.is_as(Asked.of(whole))
    assert not asked.is_as(asked._replace(instants_ns=asked.instants_ns + MS))
    assert not asked.is_as(asked._replace(readings=frozenset({"package-0"})))


def test_its_windows_have_the_peaks_that_they_have_in_memory_and_others_are_refused(tmp_path):
    table = rows([IDEAL], [*MARKS, (T[1], "@begin", 2, "eval"), (T[2], "@end", 2, "")])
    found, whole = stream(write(tmp_path / "t.arrows", table)), Trace(table)
    t0_ns, t1_ns = whole.window_columns.t0_ns, whole.window_columns.t1_ns
    for some in (slice(None), slice(1, None), slice(None, None, -1)):
        watts, spans_ns = found.peaks("package-0", t0_ns[some], t1_ns[some])
        expected = whole.peaks("package-0", t0_ns[some], t1_ns[some])
        assert watts.tolist() == expected[0].tolist()
        assert spans_ns.tolist() == expected[1].tolist()
    with pytest.raises(TraceError, match="peaks of other windows"):
        found.peaks("package-0", t0_ns, t1_ns + 1)
