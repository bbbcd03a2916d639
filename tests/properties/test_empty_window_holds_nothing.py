"""An empty window holds no energy, and a reversed one is no window."""

from __future__ import annotations

import pytest
from hypothesis import given
from ideal import Ideal, parts, wild

from microjoule.errors import BadWindow
from microjoule.joules.counters.counter import Counter
from microjoule.trace.window import Window


@given(wild(100), parts)
def test_empty_window_holds_nothing(ideal: Ideal, at: float) -> None:
    """Its energy is 0, between 0 and 0."""
    (t,) = ideal.inside(at)
    estimate = Counter(ideal.series, ideal.channel).energy(t, t)
    assert (estimate.value, estimate.low, estimate.high, estimate.status) == (0, 0, 0, "ok")


def test_reversed_window_is_rejected_with_a_remedy() -> None:
    """A window that ends before it begins raises, and says what to do."""
    with pytest.raises(BadWindow, match="before it begins") as caught:
        Window("w", 2, 1)
    assert caught.value.remedy
