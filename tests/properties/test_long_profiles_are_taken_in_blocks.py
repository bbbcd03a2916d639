"""Profiles longer than memory: what goes through a file, in blocks of any size, is what memory would give."""

import math
import tracemalloc
from itertools import pairwise

import gpu_profile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ideal import MS, T0, Ideal, constant
from interrupted import told
from stacked_calls import innermost

from microjoule import spool
from microjoule.joules.counters.counter import Counter
from microjoule.joules.profiling import state_time
from microjoule.joules.profiling.occupancy import Events, Leaves, joined, merged, together
from microjoule.joules.profiling.sweep import Swept
from microjoule.plugins.profiles import event_rows
from microjoule.plugins.profiles.alignment import Alignment
from microjoule.plugins.profiles.choosing import Taken
from microjoule.plugins.profiles.collecting import FAR, Collecting
from microjoule.plugins.profiles.event_blocks import Aligned, Wanted, section
from microjoule.plugins.profiles.event_rows import ROW, Unordered
from microjoule.plugins.profiles.kinds import KERNELS, OPERATORS
from microjoule.spool import Spool, in_order

ROWS = np.dtype([("t0_ns", np.int64), ("number", np.int64)])
rows = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 40), st.integers(0, 15), st.integers(0, 1)), max_size=12
)
END = 45
WANTED = Wanted((), False, (T0 - 1, T0 + 300), (T0 - 1, T0 + 300))
DAY_NS = 86_400 * 10**9


def events(of):
    of = sorted(of, key=lambda row: (row[1], -row[2]))
    columns = [np.array(column, np.int64) for column in zip(*of, strict=True)] if of else [np.empty(0)] * 4
    name, start, length, track = columns
    return Events(("x", "y", "z"), name, start, start + length, track)


@given(st.lists(st.lists(st.integers(0, 12), max_size=20), max_size=5), st.integers(1, 9))
def test_rows_of_several_files_are_merged_in_order_and_an_instant_is_never_cut(files, size):
    sources, every = [], []
    for number, times in enumerate(files):
        part = np.empty(len(times), ROWS)
        part["t0_ns"], part["number"] = sorted(times), number * 100 + np.arange(len(times))
        kept = Spool(ROWS)
        kept.add(part)
        sources.append(kept.blocks(size=size))
        every.append(part)
    found = list(in_order(sources))
    for one, other in pairwise(found):
        assert one["t0_ns"][-1] < other["t0_ns"][0]
    whole = np.concatenate([np.empty(0, ROWS), *every])
    expected = whole[np.argsort(whole["t0_ns"], kind="stable")]
    assert [row for block in found for row in block.tolist()] == expected.tolist()


@given(rows, st.booleans(), st.integers(1, 5))
def test_states_of_events_that_come_in_blocks_are_those_of_all_at_once(of, is_stacked, size):
    every = events(of)
    swept = Swept(every.names, 3, END, Leaves() if is_stacked else None)
    for at in range(0, len(every.name), size):
        swept.add(Events(every.names, *(column[at : at + size] for column in every[1:])))
    swept.ended()
    expected = (innermost if is_stacked else together)(every, 3, END)
    found = [(int(s), int(a), int(b)) for block in swept.blocks() for s, a, b in zip(*block, strict=True)]
    # Pieces follow one another from the beginning to the end.
    assert [a for _, a, _ in found] == [3, *(b for _, _, b in found[:-1])]
    assert found[-1][2] == END
    for number, state in enumerate(swept.states):
        mine = joined([np.array([(a, b) for s, a, b in found if s == number], np.int64).reshape(-1, 2)])
        same = expected.states.index(state) if state in expected.states else None
        assert mine.tolist() == ([] if same is None else merged(expected, [same]).tolist())


@given(rows, st.data(), st.integers(1, 3))
def test_stretches_are_pieces_that_touch_as_one(of, data, size):
    every = events(of)
    swept = Swept(every.names, 3, END)
    for at in range(0, len(every.name), size):
        swept.add(Events(every.names, *(column[at : at + size] for column in every[1:])))
    swept.ended()
    whole = together(every, 3, END)
    of_states = st.lists(st.sampled_from(range(len(swept.states))), unique=True)
    choices = data.draw(st.lists(of_states, max_size=4))
    t0, t1 = sorted((data.draw(st.integers(0, END + 2)), data.draw(st.integers(0, END + 2))))
    found = list(state_time.stretches(swept, choices, t0, t1))
    for number, choice in enumerate(choices):
        mine = [(a, b) for block in found for c, a, b in zip(*block, strict=True) if c == number]
        same = [whole.states.index(swept.states[s]) for s in choice if swept.states[s] in whole.states]
        expected = np.clip(merged(whole, same), t0, t1)
        assert [list(map(int, each)) for each in mine] == expected[expected[:, 1] > expected[:, 0]].tolist()


def test_bounds_and_shortest_times_are_those_of_each_choice_by_itself():
    ideal = Ideal(constant(40.0), n=300, limit_w=100.0)
    counter = Counter(told(ideal.series, [T0 + at * MS for at in (60, 61, 140)], 3), ideal.channel)
    rng = np.random.default_rng(1)
    start = T0 + np.sort(rng.integers(0, 280 * MS, 400))
    every = Events(
        ("x", "y"), rng.integers(0, 2, 400), start, start + rng.integers(1, 6 * MS, 400), start * 0
    )
    span = T0 + 5 * MS, T0 + 250 * MS
    of, choices = together(every, *span), [(0,), (1, 2), (1,), ()]
    low, high, uncounted = state_time.bounds(counter, of, choices, *span)
    shortest = state_time.shortest_ns(of, choices, *span)
    for number, choice in enumerate(choices):
        t0, t1 = np.clip(merged(of, choice), *span).T.copy()
        alone = counter.bounds(t0, t1)
        assert low[number] == pytest.approx(alone.low.sum())
        assert high[number] == pytest.approx(alone.high.sum())
        once = counter.resets.losses.components(t0, t1)
        assert uncounted[number] == pytest.approx(sum(each.u for each in once) * math.sqrt(3.0))
        whole = (t1 - t0)[(t0 > span[0]) & (t1 < span[1])]
        assert shortest[number] == (min(whole) if len(whole) else 2**63 - 1)
    assert (high[:3] > low[:3]).all()
    assert (uncounted[1:3] > 0).all()
    assert low[1] > 0


@pytest.mark.parametrize("seed", range(4))
def test_events_in_any_order_are_sorted_and_corrupt_ends_are_cut_where_the_stream_goes_on(seed, monkeypatch):
    """Held against the rule itself: an end beyond more than 16 later kernels of its stream."""
    monkeypatch.setattr(event_rows, "_RUN", 37)
    monkeypatch.setattr(event_rows, "_READ", 5)
    monkeypatch.setattr(spool, "BLOCK", 11)
    monkeypatch.setattr(Spool.blocks, "__defaults__", (0, None, 11))
    rng = np.random.default_rng(seed)
    n = 400
    t0 = T0 + rng.permutation(np.sort(rng.integers(0, 10_000, n)))
    length = np.where(rng.random(n) < 0.2, rng.integers(10, 9000, n), rng.integers(0, 30, n))
    t0[rng.integers(0, n, 3)] -= 30 * DAY_NS
    table = np.stack((t0, t0 + length, t0 * 0, np.arange(n), rng.integers(0, 3, n), rng.integers(0, 5, n)), 1)
    taken = Unordered()
    for row in table.tolist():
        taken.add(tuple(row))
    found = taken.ordered()
    got = np.concatenate([np.empty(0, ROW), *found.blocks()])
    rows = sorted((row for row in table.tolist() if row[0] > T0 - DAY_NS), key=lambda row: (row[0], -row[1]))
    cut = 0
    for row in rows:
        later = [each for each in rows[rows.index(row) + 1 :] if each[4] == row[4] and each[5] <= 2]
        if row[5] <= 2 and sum(each[0] < row[1] for each in later) > 16:
            row[1], cut = later[0][0], cut + 1
    assert [list(each) for each in got.tolist()] == rows
    assert (found.far, found.cut) == (n - len(rows), cut)
    assert cut > 10
    assert found.span_ns == (rows[0][0], max(row[1] for row in rows))
    assert sum(found.counts.values()) == len(rows)


def test_events_of_a_clock_that_was_set_back_are_put_in_order():
    """Their own order is not that of the trace's time."""
    found = Collecting()
    for t0 in range(0, 200, 10):
        found.add("k", "kernel", 1, T0 + t0, 5, device=0)
    names, ordered, _ = found.finished(None, 20)
    profile = gpu_profile.profile_of(names, ordered)
    theirs, mono = np.array([T0, T0 + 100, T0 + 200]), np.array([T0, T0 + 100, T0 + 50])
    set_back = Alignment("CLOCK_REALTIME", theirs, theirs - mono, 0.0, T0, T0 + 100)
    plain = Alignment("CLOCK_REALTIME", theirs, theirs * 0, 0.0, T0, T0 + 200)
    assert (set_back.is_ascending, plain.is_ascending) == (False, True)
    taken = Taken(profile, None)
    (block,) = Aligned(taken, set_back).of(KERNELS, False)
    moved = set_back.monotonic(T0 + np.arange(0, 200, 10))
    assert (np.diff(moved) < 0).any()
    assert block.t0_ns.tolist() == sorted(moved.tolist())
    assert section([Aligned(taken, set_back)], "kernel", KERNELS, WANTED).launches.tolist() == [20]
    assert section([Aligned(taken, plain)] * 2, "kernel", KERNELS, WANTED).launches.tolist() == [40]
    assert section([Aligned(taken, plain)], "range", OPERATORS, WANTED) is None
    none = WANTED._replace(patterns=("other*",))
    assert section([Aligned(taken, plain)], "kernel", KERNELS, none) is None


def test_a_wrong_time_among_two_is_the_one_of_1970():
    found = Collecting()
    for t0 in (0, 10**18):
        found.add("k", "kernel", 1, t0, 5)
    _, events_, tally = found.finished(None, 2)
    assert events_.span_ns == (10**18, 10**18 + 5)
    assert tally.impossible == {FAR: 1}


def peak_bytes(n, monkeypatch):
    """The memory that n operators on two threads take, from their reading to the last pass over them."""
    monkeypatch.setattr(event_rows, "_RUN", 1024)
    monkeypatch.setattr(event_rows, "_READ", 64)
    monkeypatch.setattr(spool, "_IN_MEMORY", 1 << 16)
    monkeypatch.setattr(Spool.blocks, "__defaults__", (0, None, 1024))
    tracemalloc.start()
    try:
        collecting = Collecting()
        for number in range(n):
            collecting.add(f"op{number % 7}", "cpu_op", number % 2, T0 + number * 1000, 700)
        names, ordered, _ = collecting.finished(None, n)
        swept = Swept(names, T0, T0 + n * 1000, Leaves())
        profile = gpu_profile.profile_of(names, ordered)
        for block in profile.of(OPERATORS):
            swept.add(block)
        swept.ended()
        times = state_time.lasted_ns(swept, T0, T0 + n * 1000)
        assert sum(times) == n * 1000
        assert state_time.shortest_ns(swept, [[0]], T0, T0 + n * 1000) == [300]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_four_times_as_many_events_take_no_more_memory(monkeypatch):
    peak_bytes(100, monkeypatch)  # what is imported late
    few, many = (peak_bytes(n, monkeypatch) for n in (8_000, 32_000))
    assert many < few + 8_000 * 8  # of what is kept of an event, a number would be more
