"""What a server had to do: amounts of work over time, in exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microjoule.joules.serving.requests import _SECONDS_AROUND, SHORTEST_NS, StepClock, Work, _time_left

MS = 1_000_000
T0 = 10**12
pieces = st.tuples(st.integers(0, 50), st.integers(0, 30), st.integers(0, 9), st.integers(-1, 2))
many = st.lists(pieces, max_size=8)


def spans(found):
    """Begin, end, amount and request of each; what takes no time takes a millisecond before its end."""
    for begin, length, amount, request in found:
        end = T0 + (begin + length) * MS
        yield min(T0 + begin * MS, end - SHORTEST_NS), end, amount, request


def work(found):
    columns = [(T0 + b * MS, T0 + (b + length) * MS, float(n), who) for b, length, n, who in found]
    begin, end, amount, request = np.array(columns).reshape(-1, 4).T
    begin, end, request = (each.astype(np.int64) for each in (begin, end, request))
    return Work(begin, end, amount, request)


def inside(begin, end, t0, t1):
    """Which part of a span lies in another one."""
    return Fraction(max(min(end, t1) - max(begin, t0), 0), end - begin)


@given(many, st.lists(st.integers(-10, 100), min_size=1, max_size=5))
def test_work_is_spread_evenly_over_its_time(found, at):
    t_ns = [T0 + each * MS for each in at]
    wanted = [
        float(sum(n * inside(begin, end, T0 - 10**10, t) for begin, end, n, _ in spans(found))) for t in t_ns
    ]
    assert work(found).until(np.array(t_ns)) == pytest.approx(wanted, abs=1e-9)


@given(many, st.integers(-10, 100), st.integers(1, 60))
def test_each_request_has_its_own_part_of_a_span(found, since, length):
    t0, t1 = T0 + since * MS, T0 + (since + length) * MS
    wanted = [
        float(sum(n * inside(begin, end, t0, t1) for begin, end, n, who in spans(found) if who == one))
        for one in range(3)
    ]
    assert work(found).of_each(3, t0, t1) == pytest.approx(wanted, abs=1e-9)


@given(many, st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3)), min_size=1, max_size=4))
def test_each_request_has_its_part_of_what_parts_of_a_span_weigh(found, weighed):
    edges = np.cumsum([T0 + 5 * MS, *(length * MS for length, _ in weighed)])
    weight = [n for _, n in weighed]
    wanted = [
        float(
            sum(
                n * factor * inside(begin, end, t0, t1)
                for begin, end, n, who in spans(found)
                if who == one
                for t0, t1, factor in zip(edges[:-1].tolist(), edges[1:].tolist(), weight, strict=True)
            )
        )
        for one in range(3)
    ]
    assert work(found).of_each_weighted(3, edges, np.array(weight, float)) == pytest.approx(wanted, abs=1e-9)


def test_a_clock_of_steps_goes_on_before_and_after_as_time_does():
    t_ns, shown = np.array([2e9, 3e9, 5e9]), np.array([7.0, 8.0, 11.0])
    at, shows = StepClock(t_ns, shown, shown, 1.0, 0.0).around(shown)
    assert at[1:-1].tolist() == t_ns.tolist()
    assert shows[1:-1].tolist() == shown.tolist()
    for each in (at, shows):
        assert each[1] - each[0] == each[-1] - each[-2] == 3600 * 10**9


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 20)), min_size=1, max_size=6),
    st.tuples(st.integers(-20, 50), st.integers(51, 150)),
    st.integers(-30, 200),
)
def test_answers_grow_at_a_tenth_of_their_speed_while_any_prompt_is_computed(prompts, span, at):
    begin, end = (np.array(each, np.int64) for each in zip(*((a, a + n) for a, n in prompts), strict=True))
    times, shows = _time_left(T0 + begin * MS, T0 + end * MS, tuple(T0 + each * MS for each in span))
    first, last = min(span[0], begin.min()), max(span[1], end.max())
    assert times[0] == T0 + first * MS - _SECONDS_AROUND * 10**9
    assert times[-1] == T0 + last * MS + _SECONDS_AROUND * 10**9
    slow = sum(any(b <= t < e for b, e in zip(begin, end, strict=True)) for t in range(-30, at))
    since = T0 - 30 * MS
    found = np.interp(np.array([since, T0 + at * MS], float) - T0, np.asarray(times, float) - T0, shows)
    assert found[1] - found[0] == pytest.approx((at + 30 - 0.9 * slow) * MS, abs=1.0)
    assert (np.diff(shows) >= 0).all()
