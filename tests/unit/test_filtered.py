"""The rows of a batch that are kept are those rows, texts and nulls included, wherever the batch begins."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from microjoule.arrays import filtered

ROW = st.tuples(
    st.one_of(st.none(), st.text(max_size=5), st.sampled_from(["", "ä", "𝄞 long label" * 9])),
    st.one_of(st.none(), st.integers(0, 2**63 - 1)),
    st.booleans(),
)


@given(rows=st.lists(ROW, max_size=40), first=st.integers(0, 5))
def test_the_rows_that_are_kept_are_the_same_as_before(rows, first):
    texts, numbers, keep = ([row[i] for row in rows] for i in range(3))
    batch = pa.record_batch({"label": pa.array(texts, pa.utf8()), "raw": pa.array(numbers, pa.uint64())})
    batch, keep = batch.slice(first), keep[first:]
    found = filtered(batch, pa.array(keep, pa.bool_()).to_numpy(zero_copy_only=False))
    found.validate(full=True)
    expected = [row for row, kept in zip(batch.to_pylist(), keep, strict=True) if kept]
    assert found.to_pylist() == expected
    assert found.column("label").null_count == sum(row["label"] is None for row in expected)
