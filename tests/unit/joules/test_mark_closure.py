"""Two readings of a count at a mark that differ by one sign at all marks of a kind are a cause of all."""

from __future__ import annotations

import numpy as np
import pytest

from microjoule.joules.marks.mark_closure import closure

N = 400  # marks of each kind
STATES = np.tile([0, 1], N + 1)[: 2 * N + 1]  # idle and a window, in turns


def found(apart, *, variance=0.01, lesser=0.2, of_lag=0.0, states=STATES):
    every = (np.broadcast_to(np.asarray(part, float), len(states) - 1) for part in (variance, lesser, of_lag))
    return closure(states, np.asarray(apart, float), *every)


def turns(begin, end, scatter=0.0, seed=0):
    """What beginnings and ends are apart by."""
    noise = np.random.default_rng(seed).normal(0, scatter, 2 * N) if scatter else 0.0
    return np.tile([begin, end], N) + noise


def test_what_all_marks_of_a_kind_are_apart_by_is_common_to_them_by_the_lesser_weight():
    closed = found(turns(5.0, -3.0))
    assert closed.common[0::2] == pytest.approx(1.0)
    assert closed.common[1::2] == pytest.approx(-0.6)
    assert len(set(closed.kind[0::2].tolist())) == len(set(closed.kind[1::2].tolist())) == 1
    assert closed.kind[0] != closed.kind[1]
    assert not closed.alone.any()


def test_what_marks_are_apart_by_beyond_what_is_known_of_each_is_a_cause_of_each():
    closed = found(turns(5.0, 5.0, scatter=2.0), variance=1.0)
    assert closed.alone == pytest.approx(0.2 * np.sqrt(2.0**2 - 1.0), rel=0.1)
    assert not found(turns(5.0, 5.0, scatter=2.0), variance=9.0).alone.any()


@pytest.mark.parametrize(
    ("apart", "more"),
    [
        (turns(0.1, -0.1, scatter=1.0), {}),  # no more than their scatter explains
        (turns(5.0, -5.0), {"of_lag": 5.0}),  # as the lag may move them, which is a component of its own
        (turns(5.0, -5.0)[:8], {"states": STATES[:9]}),  # four of a kind tell nothing
        (np.full(2 * N, np.nan), {}),  # an update on one side alone
    ],
)
def test_otherwise_there_is_no_such_cause(apart, more):
    closed = found(apart, **more)
    assert not closed.common.any()
    assert not closed.alone.any()
