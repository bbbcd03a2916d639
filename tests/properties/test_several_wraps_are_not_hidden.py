"""Where a step may have passed the modulus more than once, the figure says so (science.md E6)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ideal import T0, Ideal, S, constant

from microjoule.energy.counter import Counter


@given(
    st.integers(20, 400),
    st.floats(1.0, 400.0),
    st.integers(0, (1 << 32) - 1),
    st.integers(0, 1 << 20),
    st.sampled_from([1 << 22, 1 << 23, 3 * 10**6 + 1]),
)
def test_several_wraps_are_not_hidden(gap_s: int, watts: float, start: int, seed: int, modulus: int) -> None:
    """An ambiguous window gives no value, and its interval holds the truth."""
    ideal = Ideal(
        constant(watts),
        seed=seed,
        n=6,
        poll_ns=gap_s * S,
        update_ns=S // 10,
        modulus=modulus,
        start=start % modulus,
        limit_w=400.0,
    )
    counter = Counter(ideal.series, ideal.channel)
    a, b = T0 + int(1.5 * gap_s * S), T0 + int(3.7 * gap_s * S)
    estimate = counter.energy(a, b)
    truth = ideal.truth(a, b)
    assert estimate.low <= truth <= estimate.high
    most = 800.0 * gap_s * 1.2
    if modulus / (1 << 14) < 0.5 * most - 400 * gap_s * 1.2:
        assert estimate.status == "ambiguous"
    assert (estimate.value is None) == (estimate.status != "ok")
