"""A window that one node marked, laid over another node's readings, holds what that node used then.

The clocks of both nodes are off by any time up to what those say who keep them. The guaranteed interval
always has the truth, and ± in 93 % of windows, whatever the power does at the edges.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from ideal import MS, Ideal, constant, square, step
from job_nodes import UNSYNCHRONISED_NS, Node

from microjoule.joules.jobs.job import Job
from microjoule.joules.jobs.job_part import part

BOUND_NS = 20 * MS
A = Node("n1", Ideal(constant(50.0), n=500, seed=1, limit_w=100.0))


def job(*nodes_and_windows):
    traces = {Path(node.name): node.trace(windows) for node, windows in nodes_and_windows}
    found = Job([part(path, trace) for path, trace in traces.items()])
    return found, traces.__getitem__


def row(name, *nodes_and_windows):
    found, load = job(*nodes_and_windows)
    whole, windows = found.windows(load)
    return whole, next(each for each in windows if each.name == name), found


@pytest.mark.parametrize(
    "wave", [constant(80.0), step(20.0, 200.0, 0.25), square(10.0, 150.0, 0.07)], ids=lambda wave: wave.name
)
def test_the_energy_of_another_node_is_within_its_interval_whatever_the_clocks_are_off(wave):
    rng = np.random.default_rng(3)
    hits, n = 0, 16
    for seed in range(n):
        ahead_ns = int(rng.integers(-30 * MS, 30 * MS))
        errors = rng.integers(-BOUND_NS, BOUND_NS, 2)
        a = Node("n1", A.ideal, 0, int(errors[0]), BOUND_NS)
        b = Node("n2", Ideal(wave, n=500, seed=seed, limit_w=400.0), ahead_ns, int(errors[1]), BOUND_NS)
        t0_ns, t1_ns = A.ideal.inside(*sorted(rng.uniform([0.2, 0.5], [0.45, 0.8])))
        _, found, _ = row("step", (a, [("step", t0_ns, t1_ns, {"rank": 0})]), (b, []))
        truth = a.truth(t0_ns, t1_ns) + b.truth(t0_ns, t1_ns)
        assert found.everywhere.low - 1e-6 <= truth <= found.everywhere.high + 1e-6
        assert found.own.low - 1e-6 <= a.truth(t0_ns, t1_ns) <= found.own.high + 1e-6
        hits += abs(found.everywhere.value - truth) <= found.everywhere.U
    assert hits >= 12  # of 16; with 93 % of all windows fewer are as rare as 1 in 600


def test_one_node_needs_no_other_clock_and_several_windows_count_once():
    t = A.ideal.inside(0.2, 0.3, 0.4, 0.6)
    ranks = [("step", t[0], t[2], {"rank": 0}), ("step", t[1], t[3], {"rank": 1})]
    lost = Node("n1", A.ideal, bound_ns=UNSYNCHRONISED_NS)
    whole, found, of = row("step", (lost, ranks))
    assert (found.n, found.time_ns, found.n_nodes) == (2, t[3] - t[0], 1)
    alone = lost.trace(ranks).energy("step").total
    for each in (found.own, found.everywhere):
        assert (each.value, each.U, each.low, each.high) == (alone.value, alone.U, alone.low, alone.high)
    assert whole.low <= lost.truth(*A.ideal.inside(0.02, 0.98)) <= whole.high
    assert of.notes() == []


def test_two_traces_of_one_boot_have_one_clock_and_no_error_of_it():
    t0_ns, t1_ns = A.ideal.inside(0.3, 0.6)
    other = Node("pod", Ideal(constant(30.0), n=500, seed=2, id="gpu-0", limit_w=90.0), boot="n1")
    _, found, of = row("step", (A, [("step", t0_ns, t1_ns, {})]), (other, []))
    assert len(of.nodes) == 1
    assert "clock" not in {component["name"] for component in found.everywhere.budget()}
    truth = A.truth(t0_ns, t1_ns) + other.truth(t0_ns, t1_ns)
    assert found.everywhere.low <= truth <= found.everywhere.high
    assert found.everywhere.high - found.everywhere.low < 0.1 * truth


def steps(shift_ns=0, n=4):
    edges = A.ideal.inside(*np.linspace(0.2, 0.8, n + 1))
    return [("step", a + shift_ns, b + shift_ns, {"rank": 0}) for a, b in pairwise(edges)]


def test_a_clock_that_is_3_s_off_is_named_and_the_figures_of_each_node_stay():
    b = Node("n2", Ideal(step(20.0, 200.0, 0.2), n=500, seed=5, limit_w=400.0))
    off = Node("n2", b.ideal, error_ns=3 * 10**9)
    right, wrong = row("step", (A, steps()), (b, steps())), row("step", (A, steps()), (off, steps()))
    assert right[2].notes() == []
    (note,) = wrong[2].notes()
    assert note.startswith("the windows of n2 are 3 s later than those of n1")
    assert wrong[0] == right[0]
    assert wrong[1].own == right[1].own
    truth = sum(node.truth(t0, t1) for node in (A, b) for _, t0, t1, _ in steps())
    assert wrong[1].everywhere.low <= truth <= wrong[1].everywhere.high
    assert wrong[1].everywhere.high > right[1].everywhere.high


@pytest.mark.parametrize("shift_ns", [0, 8 * MS, -8 * MS])
def test_ranks_that_are_behind_by_less_than_the_clocks_may_be_off_are_not_named(shift_ns):
    b = Node("n2", A.ideal)
    assert job((A, steps()), (b, steps(shift_ns)))[0].notes() == []


def test_of_three_nodes_the_one_that_is_off_is_named():
    nodes = [Node(name, A.ideal, error_ns=off) for name, off in (("n1", -3 * 10**9), ("n2", 0), ("n3", MS))]
    found, _ = job(*((node, steps()) for node in nodes))
    (note,) = found.notes()
    assert note.startswith("the windows of n1 are 3 s earlier than those of n")


def test_windows_in_no_steady_distance_say_nothing_of_clocks():
    late = [(name, t0 + k * 10 * MS, t1 + k * 10 * MS, of) for k, (name, t0, t1, of) in enumerate(steps())]
    b = Node("n2", A.ideal)
    assert job((A, steps()), (b, late))[0].notes() == []


def test_a_node_whose_clock_nobody_keeps_is_in_no_window_of_others():
    lost = Node("n2", A.ideal, bound_ns=UNSYNCHRONISED_NS, source="kernel")
    _, found, of = row("step", (A, steps()), (lost, steps()))
    assert found.n_nodes == 1
    truth = 2 * sum(A.truth(t0, t1) for _, t0, t1, _ in steps())
    assert found.own.low <= truth <= found.own.high
    (note,) = of.notes()
    assert note.startswith("the clock of n2 is not synchronised")
    plain = of.to_json("7", {Path("n1"): A.trace(steps()), Path("n2"): lost.trace(steps())}.__getitem__)
    assert plain["windows"][0]["everywhere"] is None
    assert [each["bound_s"] for each in plain["clocks"]] == [0.005, None]


def test_the_part_of_a_clock_is_common_to_all_windows_of_it():
    """Energy that an offset takes at beginnings it adds at ends: in steady power it is next to nothing."""
    b = Node("n2", Ideal(constant(300.0), n=500, seed=5, limit_w=400.0), bound_ns=10 * MS)
    _, found, _ = row("step", (A, [steps()[0]]), (b, []))
    parts = {each["name"]: each["u"] for each in found.everywhere.budget()}
    assert parts["clock"] < 0.1 * 300.0 * 0.010


def test_ranks_that_did_not_end_well_are_named():
    t0_ns, t1_ns = A.ideal.inside(0.1, 0.5)
    ended = [
        ("rank", t0_ns, t1_ns, {"launcher": "slurm", "rank": 0, "exit_code": 0}),
        ("rank", t0_ns, t1_ns, {"launcher": "slurm", "rank": 1, "exit_code": 7}),
        ("rank", t0_ns, t1_ns, {"launcher": "slurm", "rank": 2, "signal": 9}),
        ("rank", t0_ns, t1_ns, {"launcher": "slurm", "rank": 3, "ended": "killed"}),
        ("rank", t0_ns, t1_ns, {"exit_code": 5}),  # a window of the program's own
    ]
    found, _ = job((A, ended))
    assert [note.partition(" after")[0] for note in found.notes()] == [
        "rank 1 on n1 ended with exit code 7",
        "rank 2 on n1 ended by signal 9",
        "rank 3 on n1 was killed",
    ]
    assert found.to_json("7", lambda _: A.trace(ended))["n_ranks"] == 4
