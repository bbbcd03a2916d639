"""The phase of a grid of updates at two edges: it cancels, unless readings march past the updates."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ideal import MS, T0, US, Ideal, constant

from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.grid_phase import at_nodes, phase_ns, phases


def edge(phase: float, drift: float = 0.0, left: int = 0, together: float = 49.0) -> Any:
    columns = {"phase": phase, "drift": drift, "left": left, "together": together}
    return SimpleNamespace(**{name: np.array([value]) for name, value in columns.items()})


def end(phase_ns: float, jitter_ns: float) -> Any:
    return SimpleNamespace(phase_ns=np.array([phase_ns]), jitter_ns=np.array([jitter_ns]))


@pytest.mark.parametrize(
    ("part", "read_ns", "expected"),
    [
        (0.3, 500.0, (60.0, 7.0)),
        (0.7, 500.0, (8.0, 0.0)),  # it jitters by more
        (0.3, 499.5, (60.0, 1.0)),
        (0.3, 499.0, (60.0, 9.0)),
        (0.3, 498.8, (60.0, 0.0)),  # 49 updates march by all of the time between two readings
    ],
)
def test_the_nearer_update_tells_the_phase_and_reads_the_march_if_it_is_slow(
    part: float, read_ns: float, expected: tuple[float, float]
) -> None:
    near = SimpleNamespace(usual_ns=np.array([7993.0]), apart_ns=np.array([read_ns]))
    at: Any = SimpleNamespace(part=np.array([part]), near=near, start=end(60.0, 0.0), end=end(8.0, 9.0))
    assert tuple(float(each[0]) for each in phase_ns(at)) == pytest.approx(expected)


def test_edges_that_march_apart_share_less_and_no_edge_is_off_by_more_than_its_phase() -> None:
    (first, second), shared = phases(edge(5.0, 0.3), edge(5.0, 0.3, left=7))
    alone = np.hypot(5 * np.sqrt(1 / 7), 0.3 * 7 / np.sqrt(2))
    assert (first[0], second[0]) == pytest.approx((alone, alone))
    assert (shared[0][0], shared[1][0]) == pytest.approx((np.sqrt(25 - alone**2),) * 2)
    (first, second), shared = phases(edge(5.0, 3.0), edge(2.0, 0.0, left=-7))
    assert (first[0], second[0]) == pytest.approx((5.0, 2 * np.sqrt(1 / 7)))
    assert (shared[0][0], shared[1][0]) == pytest.approx((0.0, 2 * np.sqrt(6 / 7)))


def test_where_reads_come_in_step_with_updates_the_phase_drifts_by_the_part_of_them_between() -> None:
    """100 of 1,000 updates: a tenth of 5, whatever single brackets show of a march."""
    (first, second), shared = phases(edge(5.0, 3.0, together=1000.0), edge(7.0, 3.0, 100, together=2000.0))
    assert (first[0], second[0]) == pytest.approx((0.5, 0.7))
    assert (shared[0][0], shared[1][0]) == pytest.approx((5 * np.sqrt(0.99), 7 * np.sqrt(0.99)))
    (first, _), shared = phases(edge(5.0, together=1000.0), edge(5.0, left=1500, together=1000.0))
    assert (first[0], shared[0][0]) == (5.0, 0.0)


def test_edges_of_two_grids_share_nothing() -> None:
    (first, second), shared = phases(edge(0.0), edge(5.0, left=1))
    assert (first[0], second[0], shared[0][0], shared[1][0]) == (0.0, 5.0, 0.0, 0.0)


def at_node(begin: Any, end: Any, *shared: float) -> list[tuple[str, float]]:
    both = np.array(shared[:1]), np.array(shared[1:])
    found = at_nodes("gpu", (begin, end), both, 2.0, np.array([100.0]))
    return [(each.group, each.u) for each in found.get(0, [])]


def test_what_a_slow_counter_s_edges_share_stands_at_two_nodes_with_the_size_that_it_has() -> None:
    """25 of 100 updates from node 1 to node 2: three quarters and one of what has the size as a whole."""
    found = at_node(edge(5.0, left=100, together=100.0), edge(5.0, left=125, together=100.0), 3.0, 4.0)
    whole = np.hypot(0.75, 0.25)
    assert [group for group, _ in found] == ["phase:gpu/1", "phase:gpu/1", "phase:gpu/2", "march:gpu/0"]
    of_march = 2 * 4 * 0.25 * np.sqrt(2)
    assert [u for _, u in found] == pytest.approx([-6.0, 8.0 * 0.75 / whole, 8.0 * 0.25 / whole, of_march])


def test_edges_of_a_quick_counter_have_no_nodes_and_those_out_of_step_no_march() -> None:
    assert at_node(edge(5.0, together=0.0), edge(5.0, left=9, together=0.0), 3.0, 4.0) == []
    out = at_node(edge(5.0, together=49.0), edge(5.0, left=9, together=49.0), 3.0, 4.0)
    assert {group for group, _ in out} == {"phase:gpu/0", "phase:gpu/1"}


def test_of_adjoining_windows_the_edge_in_common_cancels_and_marches_add_up() -> None:
    instants = [edge(5.0, left=left, together=100.0) for left in (110, 135, 160)]
    sums: dict[str, float] = {}
    for group, u in at_node(*instants[:2], 3.0, 3.0) + at_node(*instants[1:], 3.0, 3.0):
        sums[group] = sums.get(group, 0.0) + u
    whole: dict[str, float] = {}
    for group, u in at_node(instants[0], instants[2], 3.0, 3.0):
        whole[group] = whole.get(group, 0.0) + u
    assert sums == pytest.approx(whole)


@pytest.mark.parametrize("updates", [6.5, 12.5, 18.5])
def test_windows_are_covered_where_readings_march_slowly_past_the_updates(updates: float) -> None:
    """Every 500 µs past 7,993 µs: windows of 12 updates were covered in 84 % of cases."""
    held = asked = 0
    for seed in range(20):
        of = Ideal(
            constant(40.0), seed=seed, n=8000, poll_ns=500 * US, poll_jitter=0.0, read_ns=US,
            update_ns=7_993 * US, jitter=0.001, unit=Fraction(1, 1 << 20),
        )  # fmt: skip
        counter = Counter(of.series, of.channel)
        t0_ns = T0 + np.random.default_rng([seed, 3]).integers(300 * MS, 3500 * MS, 100)
        t1_ns = t0_ns + round(updates * 7_993 * US)
        found = counter.estimates(counter.energies(t0_ns, t1_ns))
        off = np.array([each.value for each in found]) - of.truth(0, round(updates * 7_993 * US))
        held += int(np.count_nonzero(np.abs(off) <= [each.U for each in found]))
        asked += len(off)
    assert held >= 0.93 * asked
