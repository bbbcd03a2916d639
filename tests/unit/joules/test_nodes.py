"""Who counts what of a node with several recorders, worked out by hand, and what tells nodes apart."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from ideal import Ideal, constant, rows

from microjoule.channel import Channel
from microjoule.joules.energy_trace import Trace
from microjoule.joules.jobs.nodes import Piece, counted_ns, energy, name_of, node_of, pieces
from microjoule.trace.window import Window

IDEALS = {name: Ideal(constant(50.0), id=name, n=60) for name in ("package-0", "gpu-0")}


class Recorder(NamedTuple):
    """What one trace has."""

    energy_channels: tuple[str, ...]

    @property
    def channels(self) -> dict[str, Channel]:
        return {name: IDEALS[name].channel for name in IDEALS}


BOTH, PACKAGE, GPU = Recorder(("package-0", "gpu-0")), Recorder(("package-0",)), Recorder(("gpu-0",))


def test_the_recorder_that_began_first_counts_what_both_have() -> None:
    """From 5 to 10 the second one counts its GPU alone; from 10 on, when the first has ended, all it has."""
    first, second = Window("run", 0, 10), Window("run", 5, 15)
    expected = [
        [Piece(0, 10, ("package-0",))],
        [Piece(5, 10, ("gpu-0",)), Piece(10, 15, ("package-0", "gpu-0"))],
    ]
    assert pieces([(PACKAGE, first), (BOTH, second)]) == expected
    assert pieces([(BOTH, second), (PACKAGE, first)]) == expected[::-1]
    assert [counted_ns(each) for each in expected] == [10, 10]


def test_of_two_that_began_at_once_the_one_that_is_named_first_counts() -> None:
    span = Window("run", 3, 8)
    found = pieces([(GPU, span), (GPU, span)])
    assert found == [[Piece(3, 8, ("gpu-0",))], [Piece(3, 8, ())]]
    assert [counted_ns(each) for each in found] == [5, 0]


def test_what_counts_nothing_has_no_energy_for_sure() -> None:
    trace = Trace(rows([IDEALS["package-0"]]))
    t0_ns, t1_ns = IDEALS["package-0"].inside(0.3, 0.6)
    for counted in ([], [Piece(t0_ns, t1_ns, ())]):
        nothing = energy(trace, counted)
        assert (nothing.value, nothing.low, nothing.high) == (0.0, 0.0, 0.0)
    middle_ns = (t0_ns + t1_ns) // 2
    halves = [Piece(t0_ns, middle_ns, ("package-0",)), Piece(middle_ns, t1_ns, ("package-0",))]
    whole = trace.energy(Window("w", t0_ns, t1_ns)).total.value
    assert energy(trace, halves).value == pytest.approx(whole)


@pytest.mark.parametrize(
    ("facts", "node", "name"),
    [
        ({"host": {"boot_id": "b1", "hostname": "h"}, "launch": {"node": "n1"}}, "b1", "n1"),
        ({"host": {"boot_id": "", "hostname": "h"}, "launch": {"node": ""}}, None, "h"),
        ({"host": {"hostname": "h"}, "launch": None}, None, "h"),
        ({"host": "damaged", "launch": {"node": "n1"}}, None, "n1"),
        ({"host": None, "launch": "damaged"}, None, ""),
        ({}, None, ""),
    ],
)
def test_a_node_is_told_by_its_boot_and_called_what_its_launcher_calls_it(
    facts: dict[str, Any], node: str | None, name: str
) -> None:
    assert node_of(facts) == node
    assert name_of(facts) == name
