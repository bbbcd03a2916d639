"""Cutting batches apart gives what searching the table gives."""

import numpy as np
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st
from scripted import channel

from microjoule.trace import schema
from microjoule.trace.cut import Cutter
from microjoule.trace.raw_trace import RawTrace

CHANNELS = [
    channel(name, "x", lane=lane) for name, lane in (("a", "p"), ("b", "p"), ("c", "p"), ("d", "cpu"))
]
NAMES = schema.dictionary(CHANNELS)
OWN = NAMES.index("@begin")

lanes = st.sampled_from([(0, 1, 2), (3,), (0, 1), (2,), (1, 0)])
stretches = st.lists(
    st.tuples(lanes, st.integers(0, 5), st.integers(0, 2), st.booleans()), max_size=4
)  # lane, rounds, rows of a round cut off, read as one group
batches = st.lists(st.tuples(stretches, st.integers(0, 3)), min_size=1, max_size=6)


def table(plan):
    """Batches of stretches, then own rows; times ascend, and rise with each round or each row."""
    t, made = 1000, []
    for found, own in plan:
        rows = []
        for codes, rounds, cut_off, is_group in found:
            whole = [(code, round_) for round_ in range(rounds) for code in codes]
            for code, _ in whole[: len(whole) - cut_off if cut_off < len(whole) else None]:
                t += 0 if is_group and code != codes[0] else 7
                rows.append((t, 3, code, t * 31))
        for _ in range(own):
            t += 1
            rows.append((t, 0, OWN, 5))
        made.append(rows)
    out = []
    for rows in made:
        columns = [np.array([row[i] for row in rows], np.int64) for i in range(4)]
        n = len(rows)
        out.append(
            pa.record_batch(
                [
                    pa.array(columns[0]),
                    pa.array(columns[1].astype(np.uint32)),
                    pa.DictionaryArray.from_arrays(pa.array(columns[2].astype(np.uint16)), pa.array(NAMES)),
                    pa.array(columns[3].astype(np.uint64)),
                    pa.nulls(n, pa.int64()),
                    pa.array(np.zeros(n, np.uint16)),
                    pa.nulls(n, pa.utf8()),
                ],
                schema=schema.schema(CHANNELS, {}),
            )
        )
    return pa.Table.from_batches(out)


@given(batches)
@example([([((0, 1, 2), 3, 0, True)], 1), ([((0, 1, 2), 3, 1, True)], 0), ([((2,), 1, 0, False)], 2)])
@example([([((0, 1, 2), 4, 0, True), ((3,), 2, 0, False)], 3)] * 3)
def test_a_channel_s_readings_are_its_rows(plan):
    """Whatever lanes a batch holds, whole rounds or not, together or one by one."""
    whole = table(plan)
    trace = RawTrace(whole)
    code = whole.column("channel").combine_chunks()
    code = code.indices.to_numpy() if whole.num_rows else np.empty(0)
    for number, name in enumerate(NAMES[:4]):
        rows = np.flatnonzero(code == number)
        series = trace.series(name)
        assert series.t_ns.tolist() == whole.column("t_ns").to_numpy()[rows].tolist()
        assert series.raw.tolist() == whole.column("raw").to_numpy()[rows].tolist()
        assert series.read_ns.tolist() == whole.column("read_ns").to_numpy()[rows].tolist()


def test_what_one_read_gave_shares_its_times():
    cutter = Cutter()
    for batch in table([([((0, 1, 2), 5, 0, True)], 2)] * 2).to_batches():
        cutter.add(batch)
    cuts = cutter.cuts()
    assert cuts["a"].t_ns.base is cuts["b"].t_ns.base is cuts["c"].t_ns.base
    assert cutter.own_rows().tolist() == [15, 16, 32, 33]


def test_what_is_not_plain_ends_the_cutting():
    """A failed reading makes the whole table one to be searched."""
    batch = table([([((0, 1), 3, 0, True)], 0)]).to_batches()[0]
    status = np.zeros(batch.num_rows, np.uint16)
    status[2] = 5
    failed = batch.set_column(5, batch.schema.field("status"), pa.array(status))
    cutter = Cutter()
    cutter.add(batch)
    assert cutter.cuts() is not None
    cutter.add(failed)
    assert cutter.cuts() is None
    assert cutter.own_rows() is None
    cutter.add(batch)
    assert cutter.cuts() is None


def test_times_that_descend_in_one_lane_end_the_cutting_for_all():
    """The other lane ascends, and so do the first reading and the last one."""
    first, second, third = table(
        [
            ([((0, 1), 3, 0, True), ((2,), 3, 0, False)], 0),
            ([((2,), 3, 0, False)], 0),
            ([((2,), 3, 0, False)], 0),
        ]
    ).to_batches()
    in_turn, out_of_turn = Cutter(), Cutter()
    for batch in (first, second, third):
        in_turn.add(batch)
    assert in_turn.cuts() is not None
    for batch in (first, third, second):
        out_of_turn.add(batch)
    assert out_of_turn.cuts() is None
