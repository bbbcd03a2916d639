"""How much a counter trails windows that hold their work: what each lag leaves, and when it is believed."""

import gpu_counter
import numpy as np
import pytest
from gauges import Poll
from gpu_counter import GpuCounter
from gpu_steps import BESIDE, EVENTS, NEITHER, WAITED, steps
from ideal import MS, T0

import microjoule as uj
from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import record_of
from microjoule.joules.estimates.lag_search import SOURCE
from microjoule.joules.lags.lag_of_windows import _Normal, common_ns, lag_of_windows
from microjoule.joules.profiling.occupancy import Events, together

ENERGY = "gpu-0/energy"


def learnt(folder, of, lag_s, update_s=0.02, seed=3):
    """The timing that the windows of some steps tell."""
    counter = GpuCounter(update_s=update_s, lag_s=lag_s)
    trace = uj.load(gpu_counter.trace(folder, of.load, counter, BESIDE, seed, of.marks))
    plain = Counter(trace.series(ENERGY), trace.channels[ENERGY])
    return lag_of_windows(plain, record_of(plain), trace.window_columns)


@pytest.mark.parametrize("lag_s", [0.0, 0.04, 0.1])
@pytest.mark.parametrize(("update_s", "told"), [(0.02, EVENTS), (0.02, WAITED), (0.1, EVENTS)])
def test_a_lag_within_what_is_declared_is_found_to_its_ends(tmp_path, lag_s, update_s, told):
    timing = learnt(tmp_path, steps(3, told=told), lag_s, update_s)
    assert timing.lag_source == SOURCE
    assert abs(timing.middle_lag_ns - 1e9 * lag_s) <= timing.half_lag_ns < 30 * MS
    # Guaranteed is what was declared, and longer where the readings show that.
    assert timing.lag_min_ns == 0
    assert max(100 * MS, timing.likely_lag_ns[1]) <= timing.lag_ns < 110 * MS


def test_twelve_windows_that_waited_are_enough_and_eleven_are_not(tmp_path):
    of = steps(3)
    twelve, eleven = (learnt(tmp_path, of._replace(marks=of.marks[: 2 * n]), 0.04) for n in (12, 11))
    assert (twelve.lag_source == SOURCE, eleven.lag_source == SOURCE) == (True, False)
    some = [
        mark if n >= 2 else (*mark[:3], mark[3].replace("true", "false")) for n, mark in enumerate(of.marks)
    ]
    assert learnt(tmp_path, of._replace(marks=some[:24]), 0.04).lag_source != SOURCE


@pytest.mark.parametrize(
    "of", [steps(3, told=NEITHER), steps(3, busy_w=60.0)], ids=["launched", "of no power"]
)
def test_windows_that_hold_no_work_tell_nothing(tmp_path, of):
    assert learnt(tmp_path, of, 0.04).lag_source != SOURCE


def test_each_lag_leaves_what_the_best_powers_of_all_states_leave():
    """min over P of sum over blocks of w (gained - sum of P_s times how long s lasted)²; w is 0 or 1."""
    chance = np.random.default_rng(1)
    windows = T0 + np.cumsum(chance.integers(5 * MS, 40 * MS, 80)).reshape(-1, 2)
    name = np.arange(40) % 2
    last = int(windows[-1, 1])
    zeros = np.zeros(40, np.int64)
    states = together(Events(("a", "b"), name, *windows.T.copy(), zeros), T0, last)
    edges = T0 + 60 * MS + np.arange(61).reshape(1, -1) * 11 * MS
    edges = edges[:, np.arange(20) + np.array([[0], [20], [40]])][0]
    gained = chance.normal(50, 20, (3, 19))
    shifts = np.array([-20, 0, 30]) * MS
    found = _Normal(states, edges, gained, shifts)

    def lasted(state, begin, end):
        """How long a window of a state was open, or none, between two instants."""
        open_ns = [
            (max(min(w1, end) - max(w0, begin), 0), n)
            for (w0, w1), n in zip(windows.tolist(), name, strict=True)
        ]
        each = [sum(ns for ns, of in open_ns if of == n) for n in (0, 1)]
        return end - begin - sum(each) if not state else each[min(state)]

    for weights in (np.ones(3), np.array([0.0, 1.0, 1.0])):
        left = found.left(weights)
        for s, shift in enumerate(shifts.tolist()):
            rows, right = [], []
            for b in np.flatnonzero(weights).tolist():
                for k in range(19):
                    begin, end = (int(edges[b, k + at]) - shift for at in (0, 1))
                    rows.append([lasted(state, begin, end) for state in states.states])
                    right.append(gained[b, k])
            expected = np.linalg.lstsq(np.array(rows) / 1e9, np.array(right), rcond=None)[1]
            assert left[s] == pytest.approx(float(expected[0]), rel=1e-6)


@pytest.mark.parametrize(
    ("update_s", "rate_hz", "expected_ms"),
    [(0.02, 100, 5.0), (0.02, 50, 10.0), (0.1, 100, 5.0), (0.0213, 100, 1.25)],
    ids=["two reads an update", "one", "ten", "out of step"],
)
def test_updates_are_off_in_common_by_half_a_time_between_reads_in_step(update_s, rate_hz, expected_ms):
    """Reads out of step find updates early and late: a quarter is left, whatever else they have in common."""
    counter = GpuCounter(update_s=update_s, jitter=0.0)
    found = counter.counter(steps(3).load, Poll(jitter=0.02, phase=0.3, rate_hz=rate_hz))
    assert common_ns(found, record_of(found)) / MS == pytest.approx(expected_ms, rel=0.03)
