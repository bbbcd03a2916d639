"""Independent domains add; overlapping ones refuse to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from ideal import Ideal, rows, wild
from reached import reached

from microjoule.errors import Overlap
from microjoule.joules.energy_trace import Trace
from microjoule.trace.window import Window


@pytest.mark.reaches(values=5)
@settings(max_examples=60)
@given(wild(80), wild(80), wild(80))
def test_domains_add_and_overlaps_refuse(package: Ideal, core: Ideal, dram: Ideal) -> None:
    """The total is package + dram; package + core is refused when it is asked for."""
    trace = Trace(
        rows(
            [
                replace(package, id="package-0"),
                replace(core, id="package-0/core", parents=("package-0",)),
                replace(dram, id="package-0/dram"),
                replace(package, id="package-0@powercap"),
                replace(package, id="psys"),
            ]
        )
    )
    # Memory that stands still while its package moves is not measured: it is no 0 J.
    assume(len(trace.counter("package-0/dram").changes))
    energies = trace.energy(Window("w", *package.inside(0.2, 0.7)))
    a, b = energies["package-0"], energies["package-0/dram"]
    assert energies.total.channels == ("package-0", "package-0/dram")
    assert (energies.total.low, energies.total.high) == (a.low + b.low, a.high + b.high)
    if reached("values", a.value is not None and b.value is not None):
        assert energies.total.value == a.value + b.value
    for pair in (
        ("package-0", "package-0/core"),
        ("package-0", "package-0@powercap"),
        ("psys", "package-0/dram"),
    ):
        with pytest.raises(Overlap):
            energies.add(*pair)
