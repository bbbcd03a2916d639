"""A counter that is updated more rarely than declared, as in virtual machines, is measured all the same."""

from dataclasses import replace

import numpy as np
import pytest
from ideal import MS, Ideal, constant
from reached import reached

from microjoule.channel import Timing
from microjoule.joules.counter import Counter
from microjoule.joules.counter_notes import notes
from microjoule.trace.series import Series

DECLARED = Timing(update_ns=MS, update_max_ns=10 * MS, lag_ns=MS)  # of RAPL


def rare(
    power_w: float, update_ms: int, poll_ms: int, seed: int, n: int | None = None
) -> tuple[Ideal, Counter]:
    """A counter whose readings begin at any time after an update."""
    ideal = Ideal(
        constant(power_w),
        seed=seed,
        n=8000 // poll_ms,
        poll_ns=poll_ms * MS,
        update_ns=update_ms * MS,
        jitter=0.01,
        limit_w=125.0,
    )
    begin = int(np.random.default_rng([seed, 3]).integers(1, 2 * update_ms // poll_ms)) + update_ms // poll_ms
    series = part(ideal.series, begin, None if n is None else begin + n)
    return ideal, Counter(series, replace(ideal.channel, timing=DECLARED))


def part(series: Series, begin: int, end: int | None) -> Series:
    taken = slice(begin, end)
    return replace(
        series,
        t_ns=series.t_ns[taken],
        read_ns=series.read_ns[taken],
        raw=series.raw[taken],
        status=series.status[taken],
    )


@pytest.mark.parametrize("power_w", [4.0, 50.0, 120.0])
@pytest.mark.parametrize("update_ms", [300, 1000])
@pytest.mark.parametrize("poll_ms", [1, 10])
def test_windows_of_any_phase_hold_their_truth(power_w, update_ms, poll_ms):
    """Their 95 % intervals in 89 of a hundred at least: the windows of a trace share its first update."""
    inside = []
    for seed in range(40):
        ideal, counter = rare(power_w, update_ms, poll_ms, seed)
        assert not counter.steps.code.any()
        rng = np.random.default_rng([seed, update_ms])
        first, last = int(counter.t_ns[1]), int(counter.t_ns[-1]) - 2 * update_ms * MS
        t0, t1 = np.sort(rng.integers(first, last, (2, 5)), axis=0)
        for a, b, estimate in zip(t0, t1, counter.estimates(counter.energies(t0, t1)), strict=True):
            truth = ideal.truth(a, b)
            assert estimate.value is not None
            assert estimate.low - 1e-9 <= truth <= estimate.high + 1e-9
            inside.append(abs(estimate.value - truth) <= estimate.U)
    assert np.mean(inside) >= 0.89


@pytest.mark.reaches(without=15)
@pytest.mark.parametrize("length_ms", [1200, 1400, 1600])
def test_a_window_up_to_shortly_before_the_end_has_a_right_bound_or_no_figure_and_a_sentence(length_ms):
    """As `uj run -- sleep 1.2` sees it: the trace may end before the counter is updated again."""
    for seed in range(20):
        ideal, counter = rare(50.0, 1000, 1, seed, length_ms)
        t0, t1 = int(counter.t_ns[10]), int(counter.t_ns[-20])
        found = counter.energy(t0, t1)
        assert found.low - 1e-9 <= ideal.truth(t0, t1) <= found.high + 1e-9
        if reached("without", found.value is None):
            assert found.status == "incomplete"
            assert "updated rarely" in notes(counter)[0]


def test_a_counter_that_is_updated_as_declared_or_rests_needs_no_sentence():
    ideal = Ideal(constant(50.0), n=8000)
    assert notes(Counter(ideal.series, ideal.channel)) == []
    raw = ideal.series.raw.copy()
    raw[2000:7000] = raw[2000]
    raw[7000:] -= raw[7000] - raw[2000]
    assert notes(Counter(replace(ideal.series, raw=raw), ideal.channel)) == []
