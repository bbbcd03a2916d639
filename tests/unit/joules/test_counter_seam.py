"""Two stretches of a counter joined at any reading have what one pass over both has."""

import numpy as np
import pytest
from pieced import MODULUS, MS, counter

from microjoule.errors import NotInParts
from microjoule.joules.long_traces.counter_fragment import fragment_of
from microjoule.joules.long_traces.counter_seam import joined
from microjoule.trace.series import Series

N = 40
EVERY = {
    "wraps": {10, 30},
    "ambiguous": {20},
    "stands still": {4, 5, 6, 25, 26, 27},
    "failed": {15, 33},
}
FIELDS = (
    "n", "ends_ns", "ends_read_ns", "since_ns", "total", "changed", "first", "last", "bin_ns", "span_bits",
)  # fmt: skip
ARRAYS = ("ends_raw", "wrapped", "ambiguous", "extra", "failed_ns", "early", "skeleton")


def series(chosen):
    """A millisecond and 800 counts apart; where the count wraps it is little, after a silence much."""
    of = {name: EVERY[name] if name in chosen else set() for name in EVERY}
    at = range(N)
    apart_ms = np.array([500 if k in of["ambiguous"] else 1 for k in at])
    steps = np.array([0 if k in of["stands still"] else 800 + 7 * k for k in at])
    raw = np.cumsum(steps) + (MODULUS - 800 * 10 if of["wraps"] else 0)
    if of["wraps"]:
        raw[30:] += MODULUS - 24_000  # 61 J in a millisecond are too many for 200 W, and a silence for them
        apart_ms[30] = 160
    valid = np.array([k not in of["failed"] for k in at])
    t_ns = 10**12 + np.cumsum(apart_ms) * MS
    return Series(
        t_ns,
        np.full(N, 1000, np.uint32),
        (raw % MODULUS).astype(np.uint64),
        np.where(valid, 0, 5).astype(np.uint16),
        valid,
    )


def some(of, part):
    return Series(of.t_ns[part], of.read_ns[part], of.raw[part], of.status[part], of.valid[part])


@pytest.mark.parametrize(
    "chosen", [(), ("wraps",), ("ambiguous",), ("stands still",), ("failed",), tuple(EVERY)], ids=str
)
def test_a_seam_anywhere_is_without_effect(chosen):
    whole, channel = series(chosen), counter()
    first_ns, instants = int(whole.t_ns[0]), whole.t_ns[[3, 22]] + 17
    expected = fragment_of(whole, channel, instants, first_ns)
    for cut in range(1, N):
        parts = (
            fragment_of(some(whole, each), channel, instants, first_ns)
            for each in (slice(cut), slice(cut, N))
        )
        found = joined(*parts, channel, first_ns)
        for name in FIELDS:
            assert getattr(found, name) == getattr(expected, name), (cut, name)
        for name in ARRAYS:
            assert np.array_equal(getattr(found, name), getattr(expected, name)), (cut, name)
        for mine, theirs in zip(found.record, expected.record, strict=True):
            assert np.array_equal(mine, theirs), cut
        assert np.isin(expected.rows.number, found.rows.number).all()


def test_a_change_is_by_how_much_a_reading_differs_from_the_one_before():
    found = fragment_of(series(()), counter(), np.array([10**12]), 10**12)
    assert (found.first.number, found.first.step, found.first.total) == (1, 807, 807)
    last = 800 + 7 * (N - 1)
    assert (found.last.number, found.last.step) == (N - 1, last)
    assert found.last.total == found.total == sum(800 + 7 * k for k in range(1, N))


def test_a_count_that_falls_where_stretches_meet_is_for_one_pass():
    whole = series(())
    raw = whole.raw.copy()
    raw[20:] -= np.uint64(12_000)
    fallen = Series(whole.t_ns, whole.read_ns, raw, whole.status, whole.valid)
    first_ns = int(whole.t_ns[0])
    for cut in (19, 20, 21):
        with pytest.raises(NotInParts, match="a count fell"):
            joined(
                *(
                    fragment_of(some(fallen, each), counter(), whole.t_ns[:1], first_ns)
                    for each in (slice(cut), slice(cut, N))
                ),
                counter(),
                first_ns,
            )
    one, other = (
        fragment_of(some(whole, each), counter(), whole.t_ns[:1], first_ns)
        for each in (slice(20), slice(20, N))
    )
    with pytest.raises(NotInParts, match="no order"):
        joined(other, one, counter(), first_ns)
