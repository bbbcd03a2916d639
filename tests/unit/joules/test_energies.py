"""The energies of a window: a mapping that says what is missing."""

import math

import pytest
from ideal import Ideal, constant, rows

from microjoule.errors import UnknownChannel
from microjoule.joules.energy_trace import Trace

ALIVE = Ideal(constant(50.0), n=200, seed=1)
SILENT = Ideal(constant(0.0), n=200, seed=2, id="package-1", limit_w=100.0)


def test_a_counter_that_told_nothing_bounds_nothing():
    trace = Trace(rows([ALIVE, SILENT]))
    of = trace.energy()["package-1"]
    assert (of.value, of.low, of.high, of.status, of.components) == (None, 0.0, math.inf, "failed", ())
    assert trace.energies([trace.span])[0]["package-1"] == of
    total = trace.energy().total
    assert (total.value, total.low, total.high) == (None, trace.energy()["package-0"].low, math.inf)


def test_they_are_a_mapping_of_channels_that_names_the_nearest_one():
    found = Trace(rows([ALIVE])).energy()
    assert (list(found), len(found)) == (["package-0"], 1)
    assert found.add("package-0").value == found.total.value
    with pytest.raises(UnknownChannel, match="'package0'") as refused:
        found["package0"]
    assert "package-0" in refused.value.remedy
