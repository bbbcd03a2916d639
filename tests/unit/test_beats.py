"""Beats of loads near a gauge's own frequency (joules/gauges/beats.py)."""

from __future__ import annotations

import numpy as np

from microjoule.joules.gauges.beats import beats


def test_a_step_of_a_billion_watts_is_divided_by_nothing() -> None:
    """Its spectrum has no top where beats are looked for, and the overflow was a warning."""
    watts = np.repeat([60.0, 1e9], 200)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        found = beats(watts, 1.0, 2e9, 0.06, 1e-6)
    assert not found.half_w[:100].any()
