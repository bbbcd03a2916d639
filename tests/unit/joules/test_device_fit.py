"""How far a meter may trail what it explains."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from microjoule.channel import Timing
from microjoule.joules.device_fit import _LAG_MIN_NS, _doubt_ns

MS = 1_000_000


def doubt_ns(**timing: Any) -> float:
    counter: Any = SimpleNamespace(channel=SimpleNamespace(timing=Timing(**timing)))
    return _doubt_ns(counter)


def test_a_counters_doubt_is_that_of_its_lag_and_half_an_update() -> None:
    """A lag of anything up to 80 ms is 40 ms, give or take 40."""
    assert doubt_ns(lag_ns=80 * MS, update_ns=30 * MS, update_max_ns=60 * MS) == 55 * MS
    assert doubt_ns(lag_ns=80 * MS) == 40 * MS
    assert doubt_ns(update_ns=100 * MS, update_max_ns=200 * MS) == 50 * MS


@pytest.mark.parametrize(("more_ns", "found_ns"), [(0, 0.0), (2, _LAG_MIN_NS + 1)])
def test_what_is_too_short_to_be_seen_is_no_doubt(more_ns: int, found_ns: float) -> None:
    update_ns = 2 * int(_LAG_MIN_NS) + more_ns
    assert doubt_ns(update_ns=update_ns, update_max_ns=update_ns) == found_ns
