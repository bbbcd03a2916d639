"""Parts of windows with a power of their own: where readings show that the power follows a pattern."""

from __future__ import annotations

import numpy as np
import pytest
from gauges import IDLE_W, REST_S, SENSORS, Load, S, truth_j
from gpu_counter import GpuCounter, trace
from ideal import T0

import microjoule as uj
from microjoule.joules.counters.update_record import Updates
from microjoule.joules.marks.between_marks import UpdatesAround
from microjoule.joules.marks.mark_fits import at_lag
from microjoule.joules.marks.uneven_windows import telling, with_patterns
from microjoule.joules.profiling.attribution import Span

GPU = "gpu-0/energy"
BUSY_W = 300.0
PARTS = 7  # the middle of windows, and three at each end


def program(folder, levels, *, lag_s=0.1, bursts=False):
    """Sixty steps of 0.48 s: a load of 40 ms, the rest at two levels, an optimiser of 50 ms.

    Args:
        folder: Where to write it.
        levels: Of the rest of each step, as shares of the busy power: of its first 0.16 s and of the others.
        lag_s: Of the counter, whose driver says that it is up to 0.1 s.
        bursts: Only the rest is marked.
    """
    chance = np.random.default_rng(5)
    lengths_s = np.array([0.04, 0.16, 0.23, 0.05]) * chance.uniform(0.97, 1.03, (60, 4))
    edges_s = REST_S + np.concatenate(([0.0], np.cumsum(lengths_s)))
    watts = np.array([70.0, levels[0] * BUSY_W, levels[1] * BUSY_W, 170.0])
    load = Load(edges_s, np.concatenate(([IDLE_W], np.tile(watts, 60), [IDLE_W])))
    t_ns = T0 + np.rint(edges_s * S).astype(np.int64)
    windows = {"load": (t_ns[0:-1:4], t_ns[1::4]), "rest": (t_ns[1::4], t_ns[3::4])}
    if not bursts:
        windows |= {"opt": (t_ns[3::4], t_ns[4::4]), "step": (t_ns[0:-1:4], t_ns[4::4])}
        del windows["rest"]
    marks = [
        each
        for n, (name, (t0, t1)) in enumerate(windows.items())
        for k in range(60)
        for each in ((int(t0[k]), "@begin", 60 * n + k, name), (int(t1[k]), "@end", 60 * n + k, name))
    ]
    of = GpuCounter(update_s=0.1, lag_s=lag_s)
    return uj.load(trace(folder, load, of, SENSORS["25 of 100 ms"], 7, marks)), load, windows


@pytest.mark.parametrize("lag_s", [0.0, 0.1])
def test_windows_beside_a_pattern_are_held_with_their_sums(tmp_path, lag_s):
    """What a step lacks at its beginning was booked to the load: 0 W ± 50 %, and to the optimiser twice."""
    of, load, windows = program(tmp_path, (0.9, 1.0), lag_s=lag_s)
    assert of.counter(GPU).channel.timing.half_lag_ns == 50_000_000, "nothing tells the lag"
    for name, (t0, t1) in windows.items():
        truth = truth_j(load, t0, t1)
        found = of.estimates(GPU, t0, t1)
        held = [abs(each.value - true) <= each.U for each, true in zip(found, truth, strict=True)]
        assert np.mean(held) >= 0.93, name
        whole = of.energy(name)[GPU]
        assert abs(whole.value - truth.sum()) <= whole.U, name


def test_each_lag_is_tried_as_if_it_were_known(tmp_path):
    """What is open of the lag was in each fit as well: at the true lag, too, the load had little."""
    of, load, windows = program(tmp_path, (0.9, 1.0))
    t0, t1 = windows["load"]
    edges, counter = of.mark_fits.edges(GPU), of.counter(GPU)
    at = [np.searchsorted(edges.instants_ns, t_ns) for t_ns in (t0, t1)]
    moved_j = (edges.lag[at[1]] - edges.lag[at[0]]).sum(0) * float(counter.channel.scale.unit)
    by_the_longest = edges.values(counter, t0, t1).sum() + moved_j[-1]
    assert by_the_longest == pytest.approx(truth_j(load, t0, t1).sum(), rel=0.35)


@pytest.mark.parametrize(("levels", "is_cut"), [((0.8, 1.0), True), ((1.0, 1.0), False)])
def test_parts_are_taken_where_power_differs_and_not_where_only_the_lag_is_unknown(tmp_path, levels, is_cut):
    of, _, _ = program(tmp_path, levels)
    edges = sum(map(len, of.mark_fits.occupancy.pieces)) - 1
    assert (len(of.mark_fits.edges(GPU).instants_ns) > edges) == is_cut


def test_parts_of_windows_add_up_to_them(tmp_path):
    of, _, _ = program(tmp_path, (0.9, 1.0))
    occupancy, tried = of.mark_fits.occupancy, []

    def spans(other):
        tried.append(other)
        return [Span(of.counter(GPU), of.updates(GPU), other, 0.0)]

    with_patterns(occupancy, 100_000_000, spans)
    (parts,) = tried
    assert sorted(map(sorted, set(parts.states))) == sorted(map(sorted, set(occupancy.states)))
    for state, names in enumerate(occupancy.states):
        mine = [k for k, other in enumerate(parts.states) if other == names]
        assert sum(parts.time_ns(k) for k in mine) == occupancy.time_ns(state)
        assert len(mine) in (1, 2, PARTS)
        assert (np.diff(parts.pieces[state].ravel()) >= 0).all()
    longest = max(range(len(occupancy.states)), key=occupancy.time_ns)
    assert sum(names == occupancy.states[longest] for names in parts.states) == PARTS


def test_what_goes_on_outside_of_all_windows_is_not_what_goes_on_between_them(tmp_path):
    """Seconds of idle time around 60 loads, between which the machine is busy: 300 W were fitted as 240 W."""
    of, load, windows = program(tmp_path, (1.0, 1.0), bursts=True)
    t0, t1 = windows["load"]
    found, truth = of.estimates(GPU, t0, t1), truth_j(load, t0, t1)
    assert all(abs(each.value - true) <= each.U for each, true in zip(found, truth, strict=True))


def test_the_power_beside_a_mark_is_that_of_the_updates_next_to_it_where_it_stepped_among_five(tmp_path):
    """A piece that ends 0.25 s into the busy time: of its five last updates three are of idle time."""
    of, _, windows = program(tmp_path, (1.0, 1.0), bursts=True)
    begin = int(windows["load"][1][0])
    pieces = np.array([[begin - S, begin + S // 4], [begin + S // 4, begin + S]])
    shown = UpdatesAround(at_lag(of.counter(GPU), of.updates(GPU), 50e6)[0], pieces).power(
        pieces, is_end=True
    )
    assert shown.value[0] * 1e6 == pytest.approx(BUSY_W, rel=0.1)


@pytest.mark.parametrize("n", [4096, 4097, 100_000])
def test_of_very_many_updates_stretches_from_the_first_to_the_last_are_asked_for_patterns(n):
    is_ok = np.append(np.tile([True, True, False], n // 2 + 1)[: 3 * n // 2 - 1], True)
    of = Updates(np.arange(len(is_ok) + 1), np.ones(len(is_ok)), is_ok, np.zeros(len(is_ok) + 1), 1.0)
    rows, asked = np.flatnonzero(is_ok), np.flatnonzero(telling(of).is_ok)
    at = np.searchsorted(rows, asked)
    assert (rows[at] == asked).all()
    assert (asked[0], asked[-1]) == (rows[0], rows[-1])
    assert len(asked) == min(len(rows), 4096)
    breaks = np.flatnonzero(np.diff(at) > 1)
    assert np.diff(breaks).min(initial=len(at)) >= 256
