"""Shares of requests, idle and what is unexplained add up to what was measured, whatever the log says."""

from dataclasses import replace

import numpy as np
import pytest
from batching import BASE, Batching, saturating
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ideal import MS, S

from microjoule.errors import TooFewUpdates
from microjoule.joules.counters.update_record import updates
from microjoule.joules.estimates.estimate import summed
from microjoule.joules.serving.request_shares import shares
from microjoule.joules.serving.requests import DECODE, IDLE, PREFILL, RUNNING, STATES

SCENE = Batching(clients=8, n=150, seed=3, base=replace(BASE, poll_ns=5 * MS, update_ns=50 * MS))
COUNTER = SCENE.counter


def found(log, span_ns=None, u_align_ns=0.0):
    return shares(COUNTER, updates(COUNTER, *(span_ns or COUNTER.span_ns)), log, u_align_ns)


def parts(of):
    idle = [of.of_state([IDLE])] if of.is_idle_known else []
    return [*(of.share(number) for number in range(len(of.requests))), *idle, of.unexplained]


def assert_adds_up(of):
    values = [each.value for each in parts(of)]
    assert sum(values) == pytest.approx(of.measured.value, rel=1e-9)
    # The fit's u, the log's and the sensor's cancel in the sum: what is left is the counter's own.
    assert summed(parts(of)).u == pytest.approx(of.measured.u, rel=1e-3, abs=1e-6)
    together = {state for group in of.inseparable for state in group}
    groups = [*of.inseparable, *((state,) for state in of.states if state not in together)]
    assert sum(of.of_state(group).value for group in groups) + of.unexplained.value == pytest.approx(
        of.measured.value, rel=1e-9
    )


def test_they_add_up():
    of = found(SCENE.log)
    assert set(of.states) == set(STATES)
    assert_adds_up(of)
    assert of.of_some(range(len(SCENE.log))).value == pytest.approx(of.values_j.sum(), rel=1e-12)


@example(late_ns=0, scale=1, keep=1.0, first=0.125)  # a request reaches over the span's uncertain beginning
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    late_ns=st.integers(-3 * S, 3 * S),
    scale=st.integers(0, 3),
    keep=st.floats(0.2, 1.0),
    first=st.floats(0.0, 0.4),
)
def test_they_add_up_whatever_the_log_says(late_ns, scale, keep, first):
    """Of another clock, without the tokens of some, without some requests, over a part of the trace."""
    log, some = SCENE.log, np.arange(int(len(SCENE.log) * keep))
    odd = replace(
        log,
        names=tuple(log.names[i] for i in some),
        **{each: getattr(log, each)[some] + late_ns for each in ("start_ns", "first_ns", "end_ns")},
        **{each: getattr(log, each)[some] * scale for each in ("prompt", "cached", "output")},
        prefill_ns=log.prefill_ns[some],
        pieces_ns=tuple(log.pieces_ns[i] for i in some),
    )
    t0, t1 = COUNTER.span_ns
    assert_adds_up(found(odd, (t0 + int(first * (t1 - t0)), t1)))


def test_the_order_of_a_log_is_without_effect():
    log = SCENE.log
    mixed = np.random.default_rng(1).permutation(len(log))
    arrays = {
        each: getattr(log, each)[mixed]
        for each in ("start_ns", "first_ns", "end_ns", "prompt", "cached", "output", "prefill_ns")
    }
    other = replace(
        log,
        names=tuple(log.names[i] for i in mixed),
        pieces_ns=tuple(log.pieces_ns[i] for i in mixed),
        **arrays,
    )
    np.testing.assert_allclose(found(other).values_j, found(log).values_j[mixed], rtol=1e-6)


def test_a_request_that_the_trace_cuts_has_the_part_inside():
    t0, t1 = COUNTER.span_ns
    middle = (t0 + t1) // 2
    of = found(SCENE.log, (middle, t1))
    inside = (of.requests.start_ns >= of.t0_ns) & (of.requests.end_ns <= of.t1_ns)
    outside = of.requests.end_ns <= of.t0_ns
    assert (of.is_whole == inside).all()
    assert inside.any()
    assert outside.any()
    assert (of.values_j[outside] == 0.0).all()
    assert_adds_up(of)


def test_a_server_that_was_never_idle_gives_its_idle_power_to_its_requests():
    """One that always has a request in hand shows no idle power by itself."""
    log = SCENE.log
    gap = replace(log, start_ns=log.start_ns - 20 * S)  # each is said to have been sent long before
    busy = found(replace(gap, end_ns=log.end_ns + 60 * S, prompt=log.prompt * 0, output=log.output * 0))
    assert IDLE not in busy.states or not any(IDLE in group for group in busy.inseparable)
    one = replace(
        log,
        names=("one",),
        start_ns=np.array([COUNTER.span_ns[0] - S]),
        first_ns=np.array([COUNTER.span_ns[0] - S]),
        end_ns=np.array([COUNTER.span_ns[1] + S]),
        prompt=np.array([10]), cached=np.array([0]), output=np.array([1]),
        prefill_ns=np.array([-1]), pieces_ns=(np.empty(0, np.int64),),
    )  # fmt: skip
    of = found(one)
    assert of.states == (RUNNING,)
    assert not of.is_idle_known
    assert of.share(0).value == pytest.approx(of.measured.value, abs=3 * of.share(0).U)
    assert_adds_up(of)


def test_tokens_of_the_cache_are_not_computed():
    cached = Batching(clients=8, n=150, seed=3, cached=1.0, base=SCENE.base)
    of = cached.shares()
    assert of.totals[of.states.index(PREFILL)] == pytest.approx((cached.log.prompt - cached.log.cached).sum())
    assert of.totals[of.states.index(DECODE)] == pytest.approx((cached.log.output - 1).sum())


def test_they_add_up_where_power_saturates():
    scene = replace(SCENE, power=saturating, pieces=True, n=300)
    of = scene.shares()
    assert of.bend > 0.1
    assert_adds_up(of)


def test_they_add_up_for_a_log_of_nonsense():
    """Thousands of tokens a nanosecond."""
    log = SCENE.log
    odd = replace(log, prompt=log.prompt * 0, output=np.where(np.arange(len(log)) % 7, 1, 1 << 40))
    at_once = replace(odd, first_ns=odd.start_ns, end_ns=odd.start_ns + 1)
    for each in (odd, at_once):
        of = found(each)
        assert np.isfinite(of.values_j).all()
        assert_adds_up(of)


def test_too_few_updates_are_refused():
    t0, _ = COUNTER.span_ns
    with pytest.raises(TooFewUpdates, match="Record for longer"):
        found(SCENE.log, (t0, t0 + 400 * MS))
