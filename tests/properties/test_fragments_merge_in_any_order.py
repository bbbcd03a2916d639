"""A trace in fragments: whatever they are and in whatever order they are merged, the figures are one pass's.

To the last count: values, bounds, every component of the uncertainty, and the updates that fits are made of.
"""

import random
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from fragmented import same, slices
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from ideal import parts as places
from ideal import wild, windows
from pieced import MODULUS, MS, counter, pieces, series, write
from reached import reached

import microjoule as uj
from microjoule.errors import NotInParts, TraceError
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import record_of
from microjoule.joules.long_traces.counter_fragment import counter_of, fragment_of
from microjoule.joules.long_traces.counter_seam import joined
from microjoule.joules.long_traces.fragments import (
    UNNUMBERED,
    Asked,
    Fragment,
    Here,
    JoinedTrace,
    Need,
    integrated,
    mapped,
    merged,
)
from microjoule.joules.long_traces.streamed import stream
from microjoule.trace.series import Series

GOLDEN = Path(__file__).parents[1] / "golden"


def in_any_order(fragments, merge, chance):
    """Neighbours merged until one is left, in a random order."""
    left = list(fragments)
    while len(left) > 1:
        at = chance.randrange(len(left) - 1)
        left[at : at + 2] = [merge(left[at], left[at + 1])]
    return left[0]


def fragmented(whole, channel, ends, instants, chance):
    """The counter of a series that was cut, and the record of its updates."""
    valid = whole.t_ns if whole.valid is None else whole.t_ns[whole.valid]
    first_ns = int(valid[0]) if len(valid) else 0
    found = [fragment_of(piece, channel, instants, first_ns) for piece in cut(whole, ends)]
    one = in_any_order(found, partial(joined, channel=channel, first_ns=first_ns), chance)
    return counter_of(one, channel, "", first_ns)


def cut(whole, ends):
    if whole.valid is None:
        whole = Series(whole.t_ns, whole.read_ns, whole.raw, whole.status, np.ones(len(whole), bool))
    return pieces(whole, ends)


def agree(found, record, expected, instants):
    t0, t1 = np.meshgrid(instants, instants)
    t0, t1 = t0[t0 <= t1], t1[t0 <= t1]
    assert found.estimates(found.energies(t0, t1)) == expected.estimates(expected.energies(t0, t1))
    assert found.span_ns == expected.span_ns
    assert found.update_max_ns == expected.update_max_ns
    for mine, theirs in zip(record.columns(), record_of(expected).columns(), strict=True):
        assert np.array_equal(mine, theirs)


@pytest.mark.reaches(in_fragments=15)
@given(
    seed=st.integers(0, 1 << 30),
    n=st.integers(1, 300),
    odd=st.sampled_from([(0.0, 0.0), (0.5, 0.0), (0.97, 0.0), (1.0, 0.0), (0.0, 0.02), (0.5, 0.02)]),
    lag_ns=st.sampled_from([0, 3 * MS, 40 * MS]),
    cuts=st.lists(places, max_size=8),
    edges=st.lists(st.floats(-0.1, 1.1), min_size=2, max_size=8),
)
@example(seed=1, n=200, odd=(0.97, 0.0), lag_ns=0, cuts=[0.2, 0.4], edges=[0.1, 0.5])
@example(seed=2, n=250, odd=(0.5, 0.0), lag_ns=3 * MS, cuts=[0.25, 0.9], edges=[0.2, 1.0])
def test_a_counter_in_any_pieces_joined_in_any_order(seed, n, odd, lag_ns, cuts, edges):
    still, rare = odd
    whole, channel = series(seed, n, still, rare), counter(lag_ns=lag_ns)
    first, last = int(whole.t_ns[0]), int(whole.t_ns[-1])
    instants = np.unique([first + int(edge * (last - first)) for edge in edges])
    ends = sorted(int(each * n) for each in cuts)
    try:
        found, record = fragmented(whole, channel, ends, instants, random.Random(seed))
    except NotInParts:  # then it is integrated as a whole
        assert rare or still > 0.9
        return
    if reached("in_fragments", True):
        agree(found, record, Counter(whole, channel), instants)


@pytest.mark.reaches(in_fragments=15)
@given(ideal=wild(260), cuts=st.lists(places, max_size=6), asked=st.lists(windows, min_size=1, max_size=4))
def test_counters_that_break_what_they_declare_too(ideal, cuts, asked):
    whole, channel = ideal.series, ideal.channel
    first, last = int(whole.t_ns[0]), int(whole.t_ns[-1])
    edges = {first + int(edge * (last - first)) for window in asked for edge in window}
    instants, ends = np.array(sorted(edges)), sorted(int(each * len(whole)) for each in cuts)
    try:
        found, record = fragmented(whole, channel, ends, instants, random.Random(ideal.seed))
    except NotInParts:
        return
    if reached("in_fragments", True):
        agree(found, record, Counter(whole, channel), instants)


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")
    for number, has_windows in enumerate((True, True, False)):
        write(folder / f"{number}.arrows", number, 200, has_windows=has_windows, silent_from=1000)
    return [uj.load(folder / f"{number}.arrows") for number in range(3)]


@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(number=st.integers(0, 2), cuts=st.lists(places, max_size=12), seed=st.integers(0, 1 << 30))
@example(number=1, cuts=[0.0003, 0.3, 0.6], seed=4711)  # the first part lacks readings of most channels
@example(number=0, cuts=[0.0003, 0.0006, 0.001, 0.9], seed=1)
def test_a_trace_in_any_parts_in_any_order_with_some_mapped_twice(traces, number, cuts, seed):
    """Counters, a gauge with times of its own, failed reads; numbered and unnumbered parts."""
    whole, chance = traces[number], random.Random(seed)
    parts = slices(whole.table, [int(each * whole.table.num_rows) for each in cuts])
    runner = Shuffled(chance)
    found = integrated(parts, runner)
    assert isinstance(found, JoinedTrace)
    assert same(found, whole)
    assert found.failures() == {name: whole.failures()[name] for name in found.failures()}
    asked = Asked.of(whole)
    need = Need.of(whole, asked)
    unnumbered = [mapped(part.rows(), need) for part in chance.sample(parts, len(parts))]
    fragment = in_any_order(unnumbered, partial(merged, need=need), chance)
    assert same(JoinedTrace(whole.table, asked, need, fragment, whole.table.num_rows), whole)


class Shuffled(Here):
    """Merges in a random order, neighbours or not, some of them twice."""

    def __init__(self, chance):
        self.chance = chance

    def together(self, function, merge, items):
        left = [function(item) for item in items]
        left = [merge(one, one) if self.chance.random() < 0.5 else one for one in left]
        while len(left) > 1:
            self.chance.shuffle(left)
            left.append(merge(left.pop(), left.pop()))
        return left[0]


@pytest.mark.parametrize("name", ["estimated", "nvml", "marks"])
def test_a_counter_of_cpu_time_and_gauges_too(name):
    """Of a counter that is up to date at every read all readings are kept, in parts and in a stream."""
    path = GOLDEN / f"{name}.arrows"
    whole = uj.load(path)
    found = integrated(slices(whole.table, [10, 100, 137, 250]), Shuffled(random.Random(1)))
    assert isinstance(found, JoinedTrace)
    assert same(found, whole)
    assert same(stream(path), whole)


def test_a_part_that_is_missing_or_there_twice_is_named(traces):
    whole = traces[0]
    asked = Asked.of(whole)
    need = Need.of(whole, asked)
    parts = slices(whole.table, [300, 900])
    for chosen in (parts[:2], parts[1:], [parts[0], parts[2]]):
        fragments = [mapped(part.rows(), need, parts.index(part)) for part in chosen]
        fragment = in_any_order(fragments, partial(merged, need=need), random.Random(1))
        with pytest.raises(TraceError, match="Fragments are missing"):
            JoinedTrace(whole.table, asked, need, fragment, whole.table.num_rows)
    twice = [mapped(part.rows(), need) for part in (*parts, parts[0])]
    assert twice[0].runs[0].begin == UNNUMBERED
    fragment = in_any_order(twice, partial(merged, need=need), random.Random(1))
    with pytest.raises(TraceError, match="there twice"):
        JoinedTrace(whole.table, asked, need, fragment, whole.table.num_rows)
    two = Fragment((mapped(parts[0].rows(), need, 0).runs[0]._replace(end=2),))
    three = Fragment((mapped(parts[1].rows(), need, 1).runs[0]._replace(end=3),))
    with pytest.raises(TraceError, match="overlap in part"):
        merged(two, three, need)


def test_what_a_fragment_holds_does_not_grow_with_its_readings():
    """Of 20,000 readings hardly more rows are kept than of 2,000."""
    kept = []
    for n in (2_000, 20_000):
        whole, channel = series(7, n, 0.5, 0.0), counter()
        fragment = fragment_of(whole, channel, whole.t_ns[[n // 4, n // 2]] + 7, int(whole.t_ns[0]))
        kept.append(len(fragment.rows.t_ns))
    assert kept[1] < 800 < 2 * kept[0]


def test_a_counter_that_starts_again_is_integrated_as_a_whole(tmp_path):
    path = tmp_path / "t.arrows"
    write(path, 5, 120, has_windows=True, silent_from=1000)
    table = uj.load(path).table
    raw = table["raw"].to_numpy(zero_copy_only=False).copy()
    fallen = np.flatnonzero(np.arange(len(raw)) > len(raw) // 2)
    raw[fallen] = np.where(np.isnan(raw[fallen]), np.nan, (raw[fallen] + 900_000) % MODULUS)
    spoilt = table.set_column(
        table.column_names.index("raw"),
        table.schema.field("raw"),
        pa.array(raw, pa.float64(), from_pandas=True).cast(pa.uint64()),
    )
    parts = slices(spoilt, [500, 1000, 1500])
    found = integrated(parts)
    assert not isinstance(found, JoinedTrace)
    assert "reset" in {
        each.status for energies in found.energies(found.windows) for each in energies.values()
    }
