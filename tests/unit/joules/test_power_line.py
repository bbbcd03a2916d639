"""The power of a few equal bins: what counters and gauges say of each, and nothing where one is silent."""

from __future__ import annotations

from dataclasses import replace

import gauges
import numpy as np
import pytest
from ideal import MS, Ideal, constant, rows

from microjoule.channel import Timing
from microjoule.joules.energy_trace import Trace
from microjoule.joules.power_line import _of_counter, power_line

S = 1_000_000_000
EDGES_NS = np.array([10, 20, 30, 40]) * S
ENERGY_J = np.array([10.0, 20.0, 30.0])
BINS_NS = np.array([0, 5, 15, 25, 35, 45, 50]) * S
NAN = float("nan")


@pytest.mark.parametrize(
    ("is_ok", "expected"),
    [
        ([True, True, True], [NAN, 1.0, 1.5, 2.5, 3.0, NAN]),
        ([True, False, True], [NAN, 1.0, NAN, NAN, 3.0, NAN]),
        ([False, True, True], [NAN, NAN, NAN, 2.5, 3.0, NAN]),
        ([True, True, False], [NAN, 1.0, 1.5, NAN, NAN, NAN]),
    ],
)
def test_a_bin_has_the_power_of_its_part_inside_the_updates(is_ok: list[bool], expected: list[float]) -> None:
    """1, 2 and 3 W for ten seconds each, and of a span in doubt no bin that touches it."""
    found = _of_counter(EDGES_NS, ENERGY_J, np.array(is_ok), BINS_NS)
    assert found == pytest.approx(expected, nan_ok=True)


def test_bins_inside_the_updates_are_all_known() -> None:
    """Two of six seconds at 1 W and four at 2 W, between bins of one power."""
    found = _of_counter(EDGES_NS, ENERGY_J, np.ones(3, bool), np.array([12, 18, 24, 28]) * S)
    assert found == pytest.approx([1.0, 10 / 6, 2.0])


def test_a_counter_and_a_gauge_add_up() -> None:
    package = Ideal(constant(60.0), n=600, limit_w=150.0)
    trace = Trace(rows([package, Steady(package)]))
    both = power_line(trace, trace.span, ["package-0", "gpu-0/power"])
    alone = power_line(trace, trace.span, ["package-0"])
    assert both is not None
    assert alone is not None
    known = [(a, b) for a, b in zip(both["power_w"], alone["power_w"], strict=True) if a is not None]
    assert len(known) >= 50
    assert [a - b for a, b in known] == pytest.approx([90.0] * len(known), rel=0.01)


class Steady:
    """A gauge of 90 W."""

    def __init__(self, of: Ideal) -> None:
        self.channel = replace(gauges.channel(Timing(update_ns=MS), "gpu-0/power"), lane="gpu-0")
        self.series = replace(of.series, raw=np.full(of.n, 90_000, np.uint64))
