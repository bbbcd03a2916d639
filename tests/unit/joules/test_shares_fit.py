"""The fit of shares moves energy between columns, makes none, and gives nobody more than was counted."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from busy import BASE, Machine
from ideal import MS
from reached import reached
from scipy.stats import binom

from microjoule.joules.counters.update_record import Updates
from microjoule.joules.estimates.run_window import whole
from microjoule.joules.sharing.share_fit import Looks, fitted, looks
from microjoule.joules.sharing.shares import ShareModel
from microjoule.units import NS_PER_S

COARSE = replace(BASE, poll_ns=20 * MS)


def late_looks(seed: int, power_w: float, slope_w: float, late_s: float) -> Looks:
    """Sixteen looks a tenth of a second apart at a counter that is read up to ``late_s`` too late."""
    rng = np.random.default_rng([seed, 5])
    length_s = rng.uniform(0.09, 0.12, 16)
    level = np.repeat(rng.uniform(0, 1, 8), 2)
    busy_s = np.column_stack((level, rng.uniform(0, 0.1, 16))) * length_s[:, None]
    edges = np.concatenate(([0.0], np.cumsum(length_s)))
    energy_j = power_w * np.diff(edges + rng.uniform(0, late_s, 17)) + slope_w * busy_s[:, 0]
    updates = Updates(
        (edges * NS_PER_S).astype(np.int64),
        energy_j,
        np.ones(16, bool),
        np.full(17, late_s / np.sqrt(12.0)),
        0.001,
    )
    return Looks(updates, length_s, busy_s)


@pytest.mark.reaches(bent=20)
@pytest.mark.parametrize("slope_w", [0.0, 1.0, 20.0])
def test_a_law_moves_energy_and_makes_none(slope_w):
    for seed in range(60):
        fit = fitted(late_looks(seed, 40.0, slope_w, 0.02), "f")
        energies = fit.watts * fit.used_s
        assert energies.min() >= 0.0
        assert energies.sum() == pytest.approx(fit.of.energy_j.sum(), rel=1e-9)
        assert np.abs(fit.of.energy_j + fit.bent_j - energies).max() <= 1e-9 * fit.span_j
        reached("bent", np.abs(fit.bent_j).max() > 0.01 * fit.span_j)


@pytest.mark.parametrize("is_busy_in_doubt", [False, True])
def test_who_was_never_busy_between_two_sound_looks_gets_nothing(is_busy_in_doubt):
    """Case: a command whose only CPU time was before the first look ended the report in a LinAlgError."""
    of = late_looks(1, 40.0, 20.0, 0.02)
    of.busy_s[:, 1] = 0.0
    of.busy_s[3, 1] = 0.05 * is_busy_in_doubt
    of.updates.is_ok[3] = False
    fit = fitted(of, "f")
    assert np.isfinite(fit.watts).all()
    assert fit.watts[2] == pytest.approx(0.0, abs=1e-9)
    assert fit.watts[0] == pytest.approx(40.0, rel=0.2)
    assert fit.watts @ fit.used_s == pytest.approx(fit.of.energy_j.sum(), rel=1e-9)
    assert all(len(group) == 1 for group in fit.groups())
    used_s = of.busy_s.sum(axis=0)
    assert all(np.isfinite(one.u) for one in fit.components(np.array([1.6, *used_s])))


def test_constant_power_is_the_idle_machine_s_and_little_is_unexplained():
    """45 W whatever the CPU does, for under two seconds: no row invents energy."""
    left, idle, held = [], [], []
    for seed in range(60):
        machine = Machine(seed, seconds=1.7, idle_w=45.0, per_s=(0.0, 0.0), rest_s=0.15, base=COARSE)
        trace = machine.trace()
        window = whole(trace)
        found = ShareModel(trace, "name", window).of(window)
        rows = {one.kind: one for one in found.shares}
        left.append(abs(rows["unexplained"].energy_j) / found.total_j)
        if rows["idle"].status == "ok":
            idle.append(rows["idle"].energy_j / found.total_j)
            truth = machine.truth(-1, window.t0_ns, window.t1_ns)
            held.append(abs(rows["idle"].energy_j - truth) <= rows["idle"].expanded_j)
    assert max(left) <= 0.02
    assert len(idle) >= 50
    assert max(idle) <= 1.002
    assert np.mean(held) >= 0.9


@pytest.mark.reaches(over=3)
def test_no_row_is_above_its_own_bound():
    """The fit is over the whole recording: in the pauses of one whose power wanders it gives too much."""
    for seed in range(12):
        machine = Machine(seed, seconds=4.0, wander=0.9, bend=0.5, rest_s=0.4, base=COARSE)
        trace = machine.trace(*[(f"w{i}", i / 20, (i + 0.9) / 20) for i in range(1, 17)])
        model = ShareModel(trace, "name", whole(trace))
        for window in trace.windows:
            found = model.of(window)
            assert sum(
                round(one.energy_j * 1e9) for one in found.shares if one.energy_j is not None
            ) == round(found.total_j * 1e9)
            for one in found.shares[:-1]:
                assert one.energy_j is None or one.energy_j <= one.high_j + 1e-9
                reached("over", one.energy_j is not None and one.energy_j > one.high_j - 1e-6)


def quiet(machine: Machine) -> tuple[dict, float]:
    """The shares of a recording whose command nobody saw, by kind; and what the command used."""
    trace = machine.trace()
    facts = {**trace.facts, "command": ["sleep", "1.2"]}
    trace.__dict__["facts"] = facts
    window = whole(trace)
    found = ShareModel(trace, "name", window).of(window)
    assert found.shares[0].kind == "command"
    nano_j = sum(round(one.energy_j * 1e9) for one in found.shares if one.energy_j is not None)
    assert nano_j == round(found.total_j * 1e9)
    return {one.kind: one for one in found.shares}, machine.truth(0, window.t0_ns, window.t1_ns)


@pytest.mark.reaches(fitted=20)
@pytest.mark.parametrize("busy_s", [0.0, 0.02, 0.5])
def test_a_command_that_nobody_saw_busy_has_a_row_and_an_upper_bound(busy_s):
    """Case: the command sleep 1.2 had no row. What it may have used is in the machine's CPU time alone."""
    held, most = [], []
    for seed in range(25):
        machine = Machine(seed, seconds=3.0, busy=(busy_s, 1.5), is_hidden=True, base=COARSE)
        rows, truth = quiet(machine)
        mine = rows["command"]
        assert mine.busy_s == 0.0
        assert mine.high_j == rows["idle"].high_j
        if reached("fitted", mine.status == "ok"):
            assert mine.energy_j == 0.0
            held.append(truth <= mine.expanded_j)
            most.append(mine.expanded_j / mine.high_j)
    assert binom.cdf(sum(held), len(held), 0.93) > 1e-3
    assert np.median(most) < 0.6


def test_of_a_recording_too_short_to_fit_the_total_alone_is_known():
    """Everybody has a row with his CPU time and his bound; the joules are those of nobody."""
    trace = Machine(1, seconds=0.4, base=COARSE).trace()
    window = whole(trace)
    model = ShareModel(trace, "name", window)
    found = model.of(window)
    *rows, last = found.shares
    assert found.status == "too short"
    assert [one.name for one in rows] == [*(party.name for party in model.parties), "idle"]
    assert {one.energy_j for one in rows} == {None}
    assert [one.busy_s for one in rows[:-1]] == [
        party.cpu.within(window.t0_ns, window.t1_ns) for party in model.parties
    ]
    assert (last.kind, last.energy_j) == ("unexplained", round(found.total_j, 9))


@pytest.mark.parametrize(("provenance", "value"), [("estimated", 5.0), ("measured", None)])
def test_a_total_that_was_not_measured_or_is_not_known_is_not_shared(provenance, value):
    trace = Machine(1, seconds=3.0, base=COARSE).trace()
    model = ShareModel(trace, "name", whole(trace))
    total = replace(trace.energy().total, provenance=provenance, value=value)
    model._trace = SimpleNamespace(energy=lambda _: SimpleNamespace(total=total), activity=trace.activity)
    assert model.of(whole(trace)) is None


def test_what_was_counted_between_looks_is_interpolated_between_updates():
    """Updates each second of 1, 2, 4 and 8 J; the second one is not known."""
    edges = np.arange(5, dtype=np.int64) * NS_PER_S
    of = Updates(
        edges, np.array([1.0, 2.0, 4.0, 8.0]), np.array([True, False, True, True]), np.full(5, 3e-3), 1e-3
    )
    found = looks(of, (np.array([-1.0, 0.5, 1.5, 2.0, 3.5, 9.0]) * NS_PER_S).astype(np.int64))
    assert found.edges_ns.tolist() == [NS_PER_S // 2, 3 * NS_PER_S // 2, 2 * NS_PER_S, 7 * NS_PER_S // 2]
    assert found.energy_j.tolist() == [1.5, 1.0, 8.0]
    assert found.is_ok.tolist() == [False, False, True]
    # A look that lies half a second from its update is as unsure as half of that.
    assert found.spread_s == pytest.approx(np.hypot(3e-3, np.array([0.25, 0.25, 0.0, 0.25])))


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_looks_show_nothing(n):
    edges = np.arange(5, dtype=np.int64) * NS_PER_S
    of = Updates(edges, np.ones(4), np.ones(4, bool), np.zeros(5), 1e-3)
    for updates in (of, Updates(edges[:0], np.ones(0), np.ones(0, bool), np.zeros(0), 1e-3)):
        found = looks(updates, edges[:n])
        assert [len(each) for each in found[:4]] == [0, 0, 0, 0]


def test_where_no_command_ran_there_is_no_row_of_one():
    trace = Machine(1, seconds=3.0, is_hidden=True, base=COARSE).trace()
    found = ShareModel(trace, "name", whole(trace)).of(whole(trace))
    assert "command" not in {one.kind for one in found.shares}
