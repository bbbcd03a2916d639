"""A job on nodes of steady power: what its clocks, windows and ranks come to is worked out by hand."""

import math
from pathlib import Path

import numpy as np
import pytest
from ideal import MS, Ideal, S, constant
from job_nodes import Node

from microjoule.joules.energy_trace import Trace
from microjoule.joules.jobs.job import Job, moved_j
from microjoule.joules.jobs.job_part import part
from microjoule.trace import schema

WATTS = 50.0, 80.0
A, B = (
    Node(f"n{number}", Ideal(constant(watts), n=300, seed=number, limit_w=200.0), boot=f"boot {number}")
    for number, watts in enumerate(WATTS, 1)
)
T = A.ideal.inside(*np.linspace(0.1, 0.9, 9))


def step(first, last, name="step", **attributes):
    return (name, T[first], T[last], attributes)


def job(*nodes_and_windows):
    traces = {Path(node.name): node.trace(windows) for node, windows in nodes_and_windows}
    return Job([part(path, trace) for path, trace in traces.items()]), traces.__getitem__


def test_a_part_has_the_programs_windows_in_their_order_and_the_ranks_that_ran():
    ranks = [
        step(0, 8, "rank", launcher="slurm", rank=0, exit_code=3),
        step(1, 2, rank=4),
        step(3, 5, rank=4),
        step(5, 6, "eval", rank=True),
        step(6, 7, "rank", rank="5"),
    ]
    found = part(Path("t"), A.trace(ranks))
    assert (found.node, found.name, found.ranks) == ("boot 1", "n1", {0, 4})
    windows = {name: edges.tolist() for name, edges in found.windows.items()}
    assert windows == {"step": [[T[1], T[2]], [T[3], T[5]]], "eval": [[T[5], T[6]]], "rank": [[T[6], T[7]]]}
    assert list(found.ends) == [0]
    facts = {**A.table().schema.metadata, schema.KEY_FACTS: b"{}"}
    unknown = part(Path("some/t"), Trace(A.table().replace_schema_metadata(facts)))
    assert (unknown.node, unknown.name) == ("some/t", "some/t")


def test_names_come_by_the_time_of_their_windows_on_all_nodes():
    found, _ = job((A, [step(0, 3, "a"), step(3, 8, "b")]), (B, [step(0, 3, "a"), step(4, 5, "c")]))
    assert found.names == ["a", "b", "c"]


def test_a_name_that_one_node_has_used_on_its_own_node_what_that_trace_says():
    windows = [step(1, 5)]
    found, load = job((A, windows), (B, [step(2, 3, "eval")]))
    of = next(each for each in found.windows(load)[1] if each.name == "step")
    alone = A.trace(windows).energy("step").total
    assert (of.own.value, of.own.low, of.own.high) == (alone.value, alone.low, alone.high)
    assert of.own.U == alone.U
    plain = next(row for row in found.to_json("7", load)["windows"] if row["name"] == "step")
    assert (plain["own"]["energy_j"], plain["own"]["U_j"]) == (alone.value, alone.U)
    assert plain["time_s"] == (T[5] - T[1]) / S


def test_an_edge_of_one_clock_and_an_edge_of_another_leave_the_power_of_all_times_both_bounds():
    """A's window begins and B's ends: an error e of A's clock adds -(P_A + P_B) e, one of B's the opposite.

    e is any within the bound, taken at ± 1/8, 3/8, 5/8 and 7/8 of it: of mean square 21/64. A window that is
    A's alone loses at its beginning what it gains at its end.
    """
    a = Node("n1", A.ideal, bound_ns=2 * MS)
    b = Node("n2", B.ideal, bound_ns=5 * MS)
    found, load = job((a, [step(0, 1), step(3, 5)]), (b, [step(4, 6)]))
    (row,) = found.to_json("7", load)["windows"]
    u = math.sqrt(21 / 64) * sum(WATTS) * math.hypot(0.002, 0.005)
    assert row["clock_U_j"] == pytest.approx(2 * u, rel=0.03)
    (of,) = found.windows(load)[1]
    signs = {
        each.group: math.copysign(1, each.u) for each in of.everywhere.components if each.name == "clock"
    }
    assert signs == {"clock:n1": -1, "clock:n2": 1}
    truth = sum(node.truth(*edges) for node in (a, b) for edges in ((T[0], T[1]), (T[3], T[6])))
    assert of.everywhere.low < truth < of.everywhere.high
    assert of.everywhere.value == pytest.approx(truth, rel=0.03)


def test_an_edge_takes_with_it_what_is_counted_between_where_it_was_and_where_it_is():
    found, load = job((A, []))
    ((piece,),) = found.pieces
    middle, last = (piece.t0_ns + piece.t1_ns) // 2, piece.t1_ns - 10 * MS
    far = piece.t1_ns + S
    t_ns = np.array([middle, middle, middle, last, last, far, far])
    by_ns = np.array([40, -40, 0, 40, -40, 40, -40]) * MS
    joules = moved_j(load(Path("n1")), piece, t_ns, by_ns)
    expected = WATTS[0] * np.array([40, -40, 0, 10, -40, 0, 0]) / 1000
    assert joules == pytest.approx(expected, abs=0.03 * WATTS[0] * 0.04)
    nothing = piece._replace(channels=())
    assert moved_j(load(Path("n1")), nothing, t_ns, by_ns).tolist() == [0.0] * 7


def late(*by_ns):
    """Windows of A, and the same of B so much later on the clock that both have."""
    mine = [step(2 * k, 2 * k + 1) for k in range(len(by_ns))]
    return mine, [(name, t0, t1 + by, of) for (name, t0, t1, of), by in zip(mine, by_ns, strict=True)]


@pytest.mark.parametrize("name", ["n0", "n2"])
def test_a_doubted_clock_may_be_off_by_all_that_its_windows_are_apart_as_well(name):
    """Three windows are 3.00, 3.01 and 3.02 s apart: their middle is 3.01 s, and they scatter by 0.02 s."""
    mine, others = late(0, 10 * MS, 20 * MS)
    off = Node(name, B.ideal, error_ns=3 * S)
    found, load = job((A, mine), (off, others))
    (note,) = found.notes()
    assert note.startswith(f"the windows of {name} are 3.01 s later than those of n1")
    bounds = {each["node"]: each["bound_s"] for each in found.to_json("7", load)["clocks"]}
    assert bounds == {"n1": 0.005, name: pytest.approx(0.005 + 3.01 + 0.02, abs=1e-6)}


@pytest.mark.parametrize(
    ("by_ns", "error_ns"),
    [((0, 0), 3 * S), ((8 * MS, 9 * MS, 11 * MS), 0), ((0, 0, 2 * S), S)],
    ids=["two windows are too few", "some are as near as clocks are kept", "they scatter by more than that"],
)
def test_no_clock_is_doubted(by_ns, error_ns):
    mine, others = late(*by_ns)
    assert job((A, mine), (Node("n2", B.ideal, error_ns=error_ns), others))[0].notes() == []
