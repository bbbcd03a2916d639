from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reached import reached
from scripted import channel

from microjoule.channel import Kind
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.unwrap import unwrap
from microjoule.recording.thin import BIN_NS, NEAR_NS, Thinner
from microjoule.trace import schema
from microjoule.trace.series import Series

MS = 1_000_000
S = 1_000_000_000
CHANNEL = channel("package-0", "x")
GAUGE = channel("gpu-0/power", "y")
object.__setattr__(GAUGE, "kind", Kind.GAUGE)
NAMES = pa.array(schema.dictionary([CHANNEL, GAUGE]))


def batch(t_ns, raw, status=None, code=0):
    n = len(t_ns)
    status = np.zeros(n, np.uint16) if status is None else np.asarray(status, np.uint16)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(t_ns, pa.int64()),
            pa.array(np.full(n, 1000, np.uint32)),
            pa.DictionaryArray.from_arrays(pa.array(np.full(n, code, np.uint16)), NAMES),
            pa.array(raw, pa.uint64(), mask=status != 0),
            pa.nulls(n, pa.int64()),
            pa.array(status),
            pa.nulls(n, pa.utf8()),
        ],
        schema=schema.schema([CHANNEL, GAUGE], {}),
    )


def thinned(batches, marks):
    thinner = Thinner([CHANNEL, GAUGE])
    for mark in marks:
        thinner.mark(mark)
    kept = []
    for one in batches:
        thinner.push(one)
        kept += thinner.ready(one.column("t_ns")[-1].as_py())
    return pa.Table.from_batches([*kept, *thinner.rest()])


def counter(table):
    t_ns, raw = table["t_ns"].to_numpy(), table["raw"].fill_null(0).to_numpy()
    status = table["status"].to_numpy()
    return Counter(
        Series(t_ns, table["read_ns"].to_numpy(), raw, status, status == 0, np.zeros(len(t_ns), np.int64)),
        CHANNEL,
    )


@settings(max_examples=30)
@given(
    watts=st.lists(st.integers(0, 90), min_size=10, max_size=10),
    windows=st.lists(st.tuples(st.integers(0, 9_900), st.integers(1, 3_000)), min_size=1, max_size=3),
    piece=st.integers(50, 700),
)
@example(watts=[40] * 10, windows=[(100, 9_000)], piece=250)
@example(watts=[0, 0, 1, 0, 0, 0, 0, 0, 3, 0], windows=[(7176, 4)], piece=59)  # the last update is 4 s away
def test_energies_are_unchanged_by_thinning(watts, windows, piece):
    """A window's figure from the thinned trace is the figure from the whole one, bound and all.

    The budget beside it looks at updates a little further away, and may see one less of them.
    """
    t_ns = np.arange(12_000, dtype=np.int64) * MS + 7 * S
    power = np.repeat([*watts, watts[-1], watts[-1]], 1000)
    raw = (np.cumsum(power).astype(np.uint64) + np.uint64((1 << 32) - 5000)) % np.uint64(1 << 32)
    spans = [(7 * S + t0 * MS, 7 * S + min(t0 + d, 11_900) * MS) for t0, d in windows]
    marks = [t for span in spans for t in span]
    batches = [batch(t_ns[i : i + piece], raw[i : i + piece]) for i in range(0, len(t_ns), piece)]
    whole, few = counter(pa.Table.from_batches(batches)), counter(thinned(batches, marks))
    for t0, t1 in spans:
        one, other = few.energy(t0, t1), whole.energy(t0, t1)
        assert replace(one, components=()) == replace(other, components=())


def test_far_from_marks_ten_readings_a_second_remain():
    t_ns = np.arange(20_000, dtype=np.int64) * MS
    table = thinned([batch(t_ns[i : i + 500], t_ns[i : i + 500]) for i in range(0, 20_000, 500)], [10 * S])
    kept = table["t_ns"].to_numpy()
    near = np.abs(kept - 10 * S) <= NEAR_NS
    assert near.sum() == 2001
    assert len(np.unique(kept[~near] // BIN_NS)) == 20 * 10 - 21  # each bin but those near the mark
    # The last reading of each batch stays too: the first of the next may step back.
    assert (~near).sum() <= 2 * 20 * 10


def test_failures_steps_back_and_gauges_all_remain():
    t_ns = np.arange(1000, dtype=np.int64) * MS
    raw = t_ns.copy()
    raw[500:] -= 400 * MS  # a reset
    status = np.zeros(1000)
    status[250:260] = 5
    kept = set((thinned([batch(t_ns, raw, status)], [])["t_ns"].to_numpy() // MS).tolist())
    assert {499, 500, *range(250, 260)} <= kept
    assert len(kept) < 40
    assert thinned([batch(t_ns, raw, code=1)], []).num_rows == 1000


def test_order_is_kept_and_nothing_is_invented():
    t_ns = np.arange(5000, dtype=np.int64) * MS
    kept = thinned([batch(t_ns[i : i + 300], t_ns[i : i + 300]) for i in range(0, 5000, 300)], [2 * S])
    assert (np.diff(kept["t_ns"].to_numpy()) > 0).all()
    assert kept["raw"].to_pylist() == kept["t_ns"].to_pylist()


@pytest.mark.reaches(turned_and_known=5)
@settings(max_examples=40)
@given(turn_ms=st.integers(6, 600), limit_w=st.sampled_from([None, 30.0, 5000.0]), share=st.floats(0.0, 1.9))
@example(turn_ms=60, limit_w=5000.0, share=0.6)  # 600 J at 3 kW
def test_what_unwrapping_needs_is_kept(turn_ms, limit_w, share):
    """Where no turn could hide between the readings, none can between those that are left."""
    modulus = int(turn_ms * 2 * (limit_w or 500.0))
    counter = replace(
        CHANNEL,
        scale=replace(CHANNEL.scale, modulus=modulus),
        trust=replace(CHANNEL.trust, power_limit_w=limit_w),
    )
    t_ns = np.arange(4000, dtype=np.int64) * MS + 7 * S
    power = share * (limit_w or 500.0)
    total = np.floor(np.arange(4000) * power).astype(np.uint64)
    batches = [batch(t_ns[i : i + 333], total[i : i + 333] % np.uint64(modulus)) for i in range(0, 4000, 333)]
    thinner = Thinner([counter, GAUGE])
    for one in batches:
        thinner.push(one)
    found = pa.Table.from_batches(list(thinner.rest()))
    steps, all_steps = (unwrapped(table, counter) for table in (found, pa.Table.from_batches(batches)))
    assert len(steps.ambiguous) == 0 or len(all_steps.ambiguous) > 0
    assert len(steps.reset) == 0 or len(all_steps.reset) > 0
    is_known = not len(all_steps.ambiguous) + len(all_steps.reset)
    if reached("turned_and_known", is_known and len(steps.wrapped) > 3):
        assert steps.total[-1] == all_steps.total[-1] == int(total[-1])


def unwrapped(table, counter):
    t_ns, raw = table["t_ns"].to_numpy(), table["raw"].to_numpy()
    return unwrap(raw, t_ns, table["read_ns"].to_numpy(), counter)
