"""Power that readings do not show: what a gap and a step may hide, in figures of one's own."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from microjoule.joules.swings import steps

LENGTH_NS, USUAL_NS = 2e6, 1e6


def segment(is_gap: bool, part: float = 0.25, **kink: float) -> Any:
    plain = {
        "before": 1.0,
        "after": 1.0,
        "noise": 0.0,
        "one": 0.0,
        "ramp": 0.0,
        "sides": 0.0,
        "at_ns": 0.0,
        "trust": 0.0,
    }
    return SimpleNamespace(
        kink=SimpleNamespace(**{name: np.array([value]) for name, value in {**plain, **kink}.items()}),
        length_ns=np.array([LENGTH_NS]),
        part=np.array([part]),
        x_ns=np.array([part * LENGTH_NS]),
        power=np.array([1.0]),
        is_gap=np.array([is_gap]),
        near=SimpleNamespace(usual_ns=np.array([USUAL_NS])),
    )


@pytest.mark.parametrize("part", [0.25, 0.5, 0.9])
def test_in_a_gap_the_power_may_have_changed_at_any_instant(part: float) -> None:
    """From 2 to 5 counts a nanosecond: 3 T f (1 - f), rectangular; four times the noise is taken off."""
    inside, lost = steps(segment(True, part, before=2.0, after=5.0, noise=1.25))
    assert inside[0] == pytest.approx(math.sqrt(9.0 - 5.0) * LENGTH_NS * part * (1 - part) / math.sqrt(3.0))
    assert lost[0] == 0.0
    assert steps(segment(True, part, before=2.0, after=4.0, noise=1.0))[0][0] == 0.0


def test_what_a_ramp_does_not_explain_is_a_step() -> None:
    """Of 5, a change of 2 within the sides leaves 3; scatter of one update makes 16 x (σ / usual)² of it."""
    (inside,), _ = steps(segment(False, ramp=5.0, sides=2.0, one=0.5 * USUAL_NS))
    step = math.sqrt(3.0**2 - 16 * 0.5**2) * math.sqrt(1 / 30)
    assert inside == pytest.approx(math.hypot(step, 5.0 * math.sqrt(1 / 120) / 2) * LENGTH_NS)
    (inside,), (lost,) = steps(segment(False, ramp=5.0, sides=9.0))
    assert inside == pytest.approx(5.0 * math.sqrt(1 / 120) / 2 * LENGTH_NS), "sides explain all of it"
    assert lost == 0.0


def test_the_mean_of_what_a_step_loses_has_its_sign_and_less_of_it_where_a_kink_is_trusted() -> None:
    """A third of the step times the length, and half as much again; noise takes 6 σ²/step² of it."""
    for ramp in (4.0, -4.0):
        _, (lost,) = steps(segment(False, ramp=ramp, one=0.5 * USUAL_NS))
        assert lost == pytest.approx(1.5 * ramp * (1 - 6 * 0.25 / 16) * LENGTH_NS / 3)
        _, (half,) = steps(segment(False, ramp=ramp, one=0.5 * USUAL_NS, trust=0.5, before=1.0, after=1.0))
        assert half == pytest.approx(lost / 2)
