"""However a counter's readings fall into batches, totals add up to what the whole of them is."""

import itertools
from dataclasses import replace

import numpy as np
from batches import batch
from hypothesis import given
from hypothesis import strategies as st
from scripted import MS, channel

from microjoule.joules.counters.unwrap import unwrap
from microjoule.live.totals import Totals

MODULUS = 1 << 20
PACKAGE = channel("package-0", "unread.txt")
PACKAGE = replace(PACKAGE, scale=replace(PACKAGE.scale, modulus=MODULUS))

# Each reading: how long after the one before, its raw value, and whether it fails.
READINGS = st.lists(
    st.tuples(st.integers(1, 400), st.integers(0, MODULUS - 1), st.booleans()), min_size=1, max_size=40
)


@given(READINGS, st.lists(st.integers(0, 40), max_size=6))
def test_batches_change_nothing_and_nothing_falls(readings, cuts):
    t_ns = np.cumsum([gap_ms * MS for gap_ms, _, _ in readings])
    rows = [
        (int(t), "package-0", None if fails else raw)
        for t, (_, raw, fails) in zip(t_ns, readings, strict=True)
    ]
    edges = [0, *sorted(cuts), len(rows)]
    totals, before = Totals([PACKAGE]), 0
    for start, stop in itertools.pairwise(edges):
        totals.add(batch([PACKAGE], rows[start:stop]))
        for level in totals.levels():
            assert level.energy_counts >= before
            assert level.power_w is None or level.power_w >= 0
            before = level.energy_counts
    (level,) = totals.levels()
    good = [(t, raw) for t, _, raw in rows if raw is not None]
    whole = unwrap(
        np.array([raw for _, raw in good], np.uint64),
        np.array([t for t, _ in good], np.int64),
        np.full(len(good), 1000, np.uint32),
        PACKAGE,
    )
    assert level.energy_counts == (int(whole.total[-1]) if good else 0)
    assert level.extra_counts == int(whole.extra.sum())
    assert level.resets == len(whole.reset)
    assert (level.readings, level.failed) == (len(good), len(rows) - len(good))
