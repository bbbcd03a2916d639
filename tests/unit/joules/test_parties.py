"""Who was busy when: how far the CPU time before an instant between two readings may be off."""

from types import SimpleNamespace

import numpy as np
import pytest
from busy import BASE, T0, Machine, S, replace
from ideal import MS

from microjoule.joules.sharing.parties import Amount, _less, _own_of_cgroups, merged, parties

COARSE = replace(BASE, poll_ns=20 * MS)


@pytest.mark.parametrize("step_s", [0.02, 0.06, 0.12, 0.25])
def test_the_doubt_between_two_looks_holds_the_truth_of_bursts_and_of_steps(step_s):
    """Looks come ten times a second; what goes on between them may be shorter or longer than that."""
    held, wide = [], []
    for seed in range(6):
        machine = Machine(seed, seconds=5.0, step_s=step_s, base=COARSE)
        tenants = [each for each in parties(machine.trace(), "name") if each.kind != "unseen"]
        rng = np.random.default_rng([seed, 6])
        for number, party in enumerate(tenants):
            at = party.cpu.instants_ns
            for t_ns in rng.integers(at[2], at[-3], 60).tolist():
                first_s, true_s = machine.until(
                    machine.steps[1][:, number], (np.array([at[0], t_ns]) - T0) / S
                )
                known_s = float(np.diff(party.cpu.used_ns(np.array([at[0], t_ns])))[0]) / S
                held.append(abs(known_s - (true_s - first_s)) <= party.cpu.doubt_s(t_ns) + 1e-6)
                wide.append(party.cpu.doubt_s(t_ns))
    assert np.mean(held) >= 0.9
    # All of a look's CPU time on either side would be twice as much, whatever went on around it.
    assert np.mean(wide) < 0.05


@pytest.mark.parametrize(
    ("at_s", "half_s"),
    [
        (0.5, 0.5 * 0.5 * 1 * 1.5),  # 1 beside 0.3: bursts may be half as much again as the rate itself
        (2.0, 0.5 * 0.5 * 2 * 1.7),  # 0.3 between 1 and 2
        (1.5, 0.25 * 0.75 * 2 * 1.7),
        (5.0, 0.5 * 0.5 * 4 * 3.0),  # 2 behind 0.3: bursts
        (0.0, 0.0),
        (3.0, 0.0),
        (-1.0, 0.0),
        (8.0, 0.0),
    ],
)
def test_the_doubt_between_looks_is_that_of_their_rates(at_s, half_s):
    """Looks at 0, 1, 3 and 7 s; 1, 0.6 and 8 s of CPU time between them."""
    instants = np.array([0, 1, 3, 7], np.int64) * S
    amount = Amount(lambda t_ns: np.interp(t_ns, instants, np.array([0.0, 1.0, 1.6, 9.6]) * S), instants)
    assert amount.doubt_s(int(at_s * S)) == pytest.approx(half_s)
    assert amount.within(int(0.5 * S), 5 * S) == pytest.approx(5.1)


def test_there_is_no_doubt_at_a_look_nor_outside_of_them():
    machine = Machine(1, seconds=3.0, base=COARSE)
    party = parties(machine.trace(), "name")[0]
    at = party.cpu.instants_ns
    assert (
        party.cpu.doubt_s(int(at[3]))
        == party.cpu.doubt_s(int(at[0]) - 1)
        == party.cpu.doubt_s(int(at[-1]) + 1)
        == 0.0
    )


def test_what_is_left_of_one_never_falls_and_is_even_between_looks():
    """10, 30 and 20 ms are left at three looks: of 30 ms none is given back."""
    at = 9 * S + np.array([0, 100, 200]) * MS

    def used(*total_ms):
        return lambda t_ns: np.interp(t_ns, at, np.array(total_ms) * MS)

    left = _less(used(10, 50, 60), used(0, 20, 40), at)
    asked = 9 * S + np.array([0, 50, 100, 150, 200]) * MS
    assert left(asked).tolist() == [10 * MS, 20 * MS, 30 * MS, 30 * MS, 30 * MS]


def test_intervals_that_touch_or_overlap_are_one():
    pieces = np.array([[50, 60], [0, 10], [10, 20], [30, 48], [35, 40], [70, 80]])
    assert merged(pieces).tolist() == [[0, 20], [30, 48], [50, 60], [70, 80]]
    assert merged(pieces[:0]).shape == (0, 2)
    assert merged(pieces[:1]).tolist() == [[50, 60]]


def test_a_cgroups_own_time_is_without_that_of_the_nearest_below_it():
    """/a has 50 ms, of which /a/b has 30, and 20 of these /a/b/c/d, of which /a/b/c is not listed."""
    at = 9 * S + np.array([0, 100]) * MS
    used_ms = {"/a": 50, "/a/b": 30, "/a/b/c/d": 20, "/e": 7}
    of = SimpleNamespace(
        subjects=[SimpleNamespace(cgroup=path) for path in used_ms],
        numbers=lambda _: range(len(used_ms)),
        instants_ns=lambda _: at,
        used_ns=lambda n, t_ns: np.interp(t_ns, at, [0, list(used_ms.values())[n] * MS]),
    )
    own = {n: float(used(at)[-1] / MS) for n, used in _own_of_cgroups(of).items()}
    assert own == pytest.approx({0: 20.0, 1: 10.0})
