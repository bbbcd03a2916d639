"""What stamps are: an update's or a call's, or nothing where too few of them can be believed."""

from __future__ import annotations

import numpy as np
import pytest

from microjoule.joules.gauges.stamps import Stamped, instants
from microjoule.trace.series import Series

MS = 1_000_000
S = 1000 * MS
N = 100
T_NS = 50 * S + np.arange(N, dtype=np.int64) * 10 * MS
CLOCK = (T_NS[:1], T_NS[:1])


def series(raw: np.ndarray, sensor_ns: np.ndarray) -> Series:
    zeros = np.zeros(N, np.uint32)
    return Series(T_NS, zeros, raw.astype(np.uint64), zeros.astype(np.uint16), None, sensor_ns)


@pytest.mark.parametrize(("each", "kind"), [(2, Stamped.CALL), (5, Stamped.CALL), (1, Stamped.CALL)])
def test_stamps_of_all_reads_at_their_own_moments_are_those_of_calls(each: int, kind: Stamped) -> None:
    """Of new values too: at the very moment of each read no sensor is updated by itself."""
    found = instants(series(np.arange(N) // each, T_NS), (CLOCK,))
    assert found.kind is kind
    assert found.is_sound.all()


@pytest.mark.parametrize(("of_a_hundred", "kind"), [(49, Stamped.NOT), (50, Stamped.UPDATE)])
def test_a_clock_that_explains_half_of_the_stamps_is_theirs(of_a_hundred: int, kind: Stamped) -> None:
    updated_ns = T_NS - 4 * MS
    sensor_ns = np.where(np.arange(N) < of_a_hundred, updated_ns, 7 * T_NS)
    found = instants(series(np.arange(N), sensor_ns), (CLOCK,))
    assert found.kind is kind
    assert found.is_sound.sum() == (of_a_hundred if kind is Stamped.UPDATE else 0)
    assert found.t_ns.tolist() == np.where(found.is_sound, updated_ns, T_NS).tolist()
