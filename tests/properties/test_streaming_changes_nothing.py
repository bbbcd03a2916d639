"""Taken piece by piece, a trace tells of its windows what it tells as a whole: to the bit."""

import os
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from gauges import Poll, square
from gpu_counter import GpuCounter
from hypothesis import example, given
from hypothesis import strategies as st
from ideal import T0, S
from pieced import MODULUS, MS, counter, pieces, series, write

from microjoule.errors import NotInParts, TraceError
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import record_of
from microjoule.joules.counters.update_times import FIRST
from microjoule.joules.energy_trace import load
from microjoule.joules.gauges.stamps import Stamped
from microjoule.joules.long_traces.digest import Digest
from microjoule.joules.long_traces.streamed import StreamedTrace, stream, stream_energies, stream_readings
from microjoule.joules.peaks import Peaks, first_later
from microjoule.joules.power import peak_span, peaks_w
from microjoule.joules.power import peaks as peaks_of
from microjoule.joules.summary import summary
from microjoule.trace.series import Series


@given(
    seed=st.integers(0, 1 << 30),
    n=st.integers(1, 300),
    still=st.sampled_from([0.0, 0.5, 0.97, 1.0]),
    rare=st.sampled_from([0.0, 0.0, 0.02, 0.3]),
    lag_and_update=st.sampled_from([(0, MS), (3 * MS, MS), (3 * MS, None), (40 * MS, MS)]),
    cuts=st.lists(st.floats(0, 1), max_size=8),
    edges=st.lists(st.floats(-0.1, 1.1), min_size=2, max_size=8),
)
@example(seed=1, n=200, still=1.0, rare=0.0, lag_and_update=(0, MS), cuts=[0.2, 0.4, 0.6], edges=[0.1, 0.5])
@example(
    seed=2,
    n=250,
    still=0.5,
    rare=0.0,
    lag_and_update=(3 * MS, None),
    cuts=[0.25, 0.25, 0.9],
    edges=[0.0, 0.24, 1.0],
)
def test_where_pieces_end_is_without_effect(seed, n, still, rare, lag_and_update, cuts, edges):
    lag_ns, update_ns = lag_and_update
    whole, channel = series(seed, n, still, rare), counter(lag_ns=lag_ns)
    channel = replace(channel, timing=replace(channel.timing, update_ns=update_ns))
    first, last = int(whole.t_ns[0]), int(whole.t_ns[-1])
    instants = np.unique([first + int(edge * (last - first)) for edge in edges])
    t0, t1 = np.meshgrid(instants, instants)
    t0, t1 = t0[t0 <= t1], t1[t0 <= t1]
    digest, peaks = Digest(channel, instants), Peaks(peak_span(channel), t0, t1)
    try:
        for piece in pieces(whole, sorted(int(cut * n) for cut in cuts)):
            digest.add(piece)
            raised(peaks, *digest.updates(held_back=1))
        found = digest.counter("")
    except NotInParts:  # then the trace is loaded whole
        assert rare or still > 0.9  # of 64 J, which may start again where it stood still
        return
    raised(peaks, *digest.updates(held_back=0))
    expected = Counter(whole, channel)
    assert found.estimates(found.energies(t0, t1)) == expected.estimates(expected.energies(t0, t1))
    assert found.span_ns == expected.span_ns
    watts, spans_ns = peaks_of(expected, t0, t1)
    assert peaks_w(found, peaks).tolist() == pytest.approx(watts.tolist(), rel=0, nan_ok=True)
    assert peaks.spans_ns().tolist() == spans_ns.tolist()


@pytest.mark.parametrize("of", [0.33, 0.96])
def test_beats_of_a_slow_counter_are_seen_where_few_readings_are_kept(of):
    """They are looked for in 98 updates on either side, and beside: of 30 that were kept U was another."""
    load = square(of * 0.1, 100.0, 3)
    shown = GpuCounter(update_s=0.1)
    whole = shown.series(load, Poll(), 3)
    t0 = T0 + np.array([40, 55, 60]) * S
    t1 = t0 + np.array([30_000_000, S, 3 * S])
    digest = Digest(shown.channel, np.unique(np.concatenate((t0, t1))))
    for first in range(0, len(whole.t_ns), 700):
        columns = whole.t_ns, whole.read_ns, whole.raw, whole.status
        digest.add(Series(*(column[first : first + 700] for column in columns)))
    found, expected = digest.counter(""), Counter(whole, shown.channel)
    assert found.estimates(found.energies(t0, t1)) == expected.estimates(expected.energies(t0, t1))


def raised(peaks, piece, changes):
    if len(changes):
        peaks.add(piece.update_ns(changes), piece.steps.total[changes])


@given(
    gaps=st.lists(st.integers(0, 5), max_size=60),
    span_ns=st.integers(1, 40),
    often=st.integers(1, 20),
)
def test_the_first_later_instant_is_the_one_that_a_search_finds(gaps, span_ns, often):
    t_ns = np.cumsum(np.array(gaps * often + [1], np.int64))
    searched = np.searchsorted(t_ns, t_ns + span_ns, "left")
    assert first_later(t_ns, span_ns).tolist() == searched[searched < len(t_ns)].tolist()


@pytest.mark.parametrize("last", [2, 0])
def test_a_count_that_falls_at_the_end_of_a_piece_is_refused_as_it_may_come_back_in_the_next(last):
    """One piece does not tell whether a reading was wrong or the counter began again."""
    whole, channel = series(7, 200, 0.0, 0.0), counter()
    fell_at = 100 - 1 - last
    raw = whole.raw.copy()
    raw[fell_at:100] = (int(raw[fell_at - 1]) + MODULUS // 2) % MODULUS
    digest = Digest(channel, whole.t_ns[[20, 150]])
    parts = pieces(Series(whole.t_ns, whole.read_ns, raw, whole.status, whole.valid), [100])
    with pytest.raises(NotInParts):
        digest.add(next(parts))


def test_the_reading_that_ends_one_piece_and_begins_the_next_is_kept_once():
    whole = series(7, 300, 0.0, 0.0)
    digest = Digest(counter(), whole.t_ns[[100, 250]] + 7)
    for piece in pieces(whole, list(range(10, 300, 10))):
        digest.add(piece)
    assert digest.counter("").t_ns.tolist() == whole.t_ns.tolist()  # so few are kept all


def test_every_update_is_kept_for_a_fit_the_last_one_too(tmp_path):
    path = tmp_path / "t.arrows"
    write(path, 3, 200, has_windows=True, silent_from=1000)
    found, whole = stream(path), load(path)
    for name in ("package-0", "package-1", "package-1/dram"):
        kept, expected = found._records[name].columns(), record_of(whole.meter(name)).columns()
        assert [each.tolist() for each in kept] == [each.tolist() for each in expected]


def test_how_much_was_taken_is_told_part_by_part_up_to_all(tmp_path):
    told = []
    path = tmp_path / "t.arrows"
    write(path, 3, 200, has_windows=True, silent_from=1000)
    stream(path, told.append)
    assert len(told) > 1
    assert told == sorted(set(told))
    assert (told[0] > 0, told[-1]) == (True, 1.0)


def test_of_a_long_series_little_is_kept():
    whole, channel = series(7, 20_000, 0.5, 0.0), counter()
    digest = Digest(channel, whole.t_ns[[5000, 15_000]] + 7)
    for piece in pieces(whole, list(range(1000, 20_000, 1000))):
        digest.add(piece)
    assert len(digest.counter("")) < 400 + 2 * (FIRST + 50)


@pytest.mark.parametrize("has_windows", [False, True])
@pytest.mark.parametrize("silent_from", [90, 1000])
@pytest.mark.parametrize("cut", [0, 1, 700])
def test_a_file_in_parts_reports_as_one_in_memory(tmp_path, has_windows, silent_from, cut):
    """With windows, open ones too, and without; a channel that falls silent; a file that was cut."""
    path = tmp_path / "t.arrows"
    write(path, 3, 200, has_windows=has_windows, silent_from=silent_from)
    os.truncate(path, path.stat().st_size - cut)
    found = stream(path)
    assert isinstance(found, StreamedTrace)
    whole = load(path)
    assert summary(found) == summary(whole)
    assert whole.failures()
    assert found.meter("psu").readings.stamped is not Stamped.NOT
    energies = stream_energies(path)
    assert energies.energy() == whole.energy()
    assert [dict(each) for each in energies.energies(whole.windows)] == [
        dict(each) for each in whole.energies(whole.windows)
    ]


@pytest.mark.parametrize("name", ["package-0", "psu"])
@pytest.mark.parametrize("cut", [0, 700])
def test_of_a_channel_that_is_kept_whole_every_instant_has_its_figure(tmp_path, name, cut):
    """As a profile asks for: energies at any instant, readings and the pairs of clocks."""
    path = tmp_path / "t.arrows"
    write(path, 3, 200, has_windows=True, silent_from=90)
    os.truncate(path, path.stat().st_size - cut)
    found, whole = stream_readings(path, lambda _: [name]), load(path)
    assert isinstance(found, StreamedTrace)
    mine, other = found.meter(name), whole.meter(name)
    t_ns = np.linspace(whole.series(name).t_ns[0], whole.series(name).t_ns[-1], 40).astype(np.int64)
    assert mine.estimates(mine.energies(t_ns[:-1], t_ns[1:])) == other.estimates(
        other.energies(t_ns[:-1], t_ns[1:])
    )
    for one, another in ((found.series(name), whole.series(name)), *pairs_of_clocks(found, whole)):
        assert one.t_ns.tolist() == another.t_ns.tolist()
        assert one.raw.tolist() == another.raw.tolist()
    assert len(found.own("@clock/realtime")) > 1
    assert found.dead == whole.dead
    with pytest.raises(TraceError, match="not kept"):
        found.series(next(each for each in found.channels if each != name))


def pairs_of_clocks(*traces):
    return [[trace.own(name) for trace in traces] for name in ("@clock/realtime", "@clock/boottime")]


def test_what_was_not_kept_is_refused(tmp_path):
    path = tmp_path / "t.arrows"
    write(path, 3, 30, has_windows=True, silent_from=1000)
    found = stream(path)
    other = found.windows[0].__class__("other", found.windows[0].t0_ns + 1, found.windows[0].t1_ns)
    for ask in (
        lambda: found.series("package-0"),
        lambda: found.power("package-0"),
        lambda: found.energy(other),
        lambda: found.to_arrow(),
        lambda: found.peaks("package-0", np.array([1]), np.array([2])),
    ):
        with pytest.raises(TraceError, match="not kept"):
            ask()


def test_a_file_with_a_flaw_inside_is_read_whole(tmp_path):
    """Batches before the flaw are reported, as by ``load``."""
    path = tmp_path / "t.arrows"
    write(path, 3, 120, has_windows=True, silent_from=1000)
    spoilt = bytearray(path.read_bytes())
    spoilt[len(spoilt) // 2 : len(spoilt) // 2 + 4000] = bytes(4000)
    path.write_bytes(spoilt)
    assert summary(stream(path)) == summary(load(path))


def test_rows_in_no_order_are_read_whole(tmp_path):
    """As of recordings that were put together: the figures are those of ``load``."""
    path, mixed = tmp_path / "t.arrows", tmp_path / "mixed.arrows"
    write(path, 3, 140, has_windows=True, silent_from=1000)
    with pa.ipc.open_stream(path) as reader:
        batches = list(reader)
    with pa.ipc.new_stream(str(mixed), batches[0].schema) as stream_:
        for batch in [*batches[70:], *batches[:70]]:
            stream_.write_batch(batch)
    found = stream(mixed)
    assert not isinstance(found, StreamedTrace)
    assert summary(found) == summary(load(path))
