"""Whether a counter and a gauge of one device say the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import Component
from microjoule.joules.gauges.readings import Shape
from microjoule.joules.sensor_notes import _sentence
from microjoule.trace.window import Window

S = 1_000_000_000


def joules(value: float, half: float) -> Estimate:
    return Estimate(value=value, low=value - 9, high=value + 9, components=(Component("edges", half / 2),))


def said(counted_j: float, shown_j: float, missing_s: float = 0.0, shape: Shape = Shape.POINT) -> str:
    """Of ten seconds; each figure is ± 3 J, and the gauge shows 20 to 90 W."""
    readings = SimpleNamespace(watts=np.array([20.0, 90.0, 30.0]), shape=shape, coverage=0.25)
    gauge: Any = SimpleNamespace(
        span_ns=(int(missing_s * S), 10 * S),
        energy=lambda *_: joules(shown_j, 3.0),
        readings=readings,
        channel=SimpleNamespace(id="gpu-0/power"),
    )
    whole = SimpleNamespace(shape=Shape.POINT, coverage=1.0)
    counter: Any = SimpleNamespace(channel=SimpleNamespace(id="gpu-0"), readings=whole)
    return _sentence(counter, joules(counted_j, 3.0), gauge, Window("w", 0, 10 * S))


def test_what_lies_within_both_uncertainties_is_no_disagreement() -> None:
    """± 3 J each: √(9 + 9) = 4.24 J."""
    assert said(500.0, 504.2) == said(504.2, 500.0) == ""
    assert "further apart than both" in said(500.0, 504.3)
    assert said(504.3, 500.0).startswith("gpu-0/power shows 50 W on average and gpu-0 50.4 W, further apart")


def test_while_a_gauge_did_not_look_its_largest_power_may_have_been_drawn() -> None:
    """0.5 s at 90 W: 45 J; of a gauge that misses more than a tenth nothing is said."""
    assert said(500.0, 500.0 - 45.0 - 4.2, missing_s=0.5) == ""
    assert said(500.0, 500.0 - 45.0 - 4.3, missing_s=0.5)
    assert said(500.0, 100.0, missing_s=1.1) == ""


@pytest.mark.parametrize(
    ("shape", "why"),
    [(Shape.HOLD, "gpu-0/power measures only a part of the time"), (Shape.POINT, "measures something else")],
)
def test_a_gauge_that_looks_at_a_part_of_the_time_is_named_so(shape: Shape, why: str) -> None:
    assert why in said(500.0, 400.0, shape=shape)


def test_nothing_is_said_of_what_has_no_figure() -> None:
    counter: Any = SimpleNamespace(channel=SimpleNamespace(id="gpu-0"))
    silent, blind = SimpleNamespace(span_ns=(0, 10 * S)), SimpleNamespace(span_ns=None)
    assert (
        _sentence(
            counter,
            Estimate(value=None, low=None, high=None, status="incomplete"),
            silent,
            Window("w", 0, 10 * S),
        )
        == ""
    )  # type: ignore[arg-type]
    assert _sentence(counter, joules(500.0, 3.0), blind, Window("w", 0, 10 * S)) == ""  # type: ignore[arg-type]
