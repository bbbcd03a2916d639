"""How much a package trails its cores: what each difference leaves, against a solver of least squares."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from ideal import MS, US
from package_and_cores import CORES, PACKAGE, PackageAndCores
from scipy.optimize import lsq_linear

from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import record_of
from microjoule.joules.lags import lag_of_parts
from microjoule.joules.lags.lag_of_parts import Recorded, _Columns, _Squares, lag_difference

SHIFTS = np.arange(-4, 5) * MS // 4
WEIGHTS = np.hanning(11)[1:-1] / np.hanning(11)[1:-1].sum()
OF = PackageAndCores(seed=5, lag_us=(2000, 0), span_s=2.2)


def recorded(name, of=OF):
    counter = Counter(of.series(name), of.channel(name))
    return Recorded(counter, record_of(counter))


def changes(counted):
    """By how much means of nine successive increments change, one after the other."""
    steps = [b - a for a, b in pairwise(counted)]
    means = [float(np.dot(WEIGHTS, steps[i : i + 9])) for i in range(len(steps) - 8)]
    return np.array([b - a for a, b in pairwise(means)])


@pytest.mark.parametrize("follows", [1.3, -1.0], ids=["inside", "against it"])
def test_each_difference_leaves_what_the_best_gain_and_base_leave_of_all_blocks(follows):
    """min over g >= 0 and b of sum over blocks of w (c - g p(D) - b t)²; w is 0 or 1."""
    chance = np.random.default_rng(2)
    blocks, n = 3, 40
    t = (
        np.cumsum(chance.integers(MS // 2, 3 * MS // 2, (blocks, n + 1)), axis=1)
        + np.array([[0], [100], [300]]) * MS
    )
    part_t = np.arange(0, 400 * MS, MS)
    part = np.cumsum(chance.uniform(0, 0.1, len(part_t)))
    whole = follows * np.interp(t - MS // 2, part_t, part) + 3e-8 * t + chance.normal(0, 0.01, t.shape)
    squares = _Squares(t, whole, (part_t, part), SHIFTS)
    for weights in (np.ones(blocks), np.array([1.0, 0.0, 1.0])):
        left, gain, explained = squares.left(weights)
        for s, shift_ns in enumerate(SHIFTS):
            some = np.flatnonzero(weights)
            c, base, p = (
                np.concatenate([changes(of[b].tolist()) for b in some])
                for of in (whole, (t - t[:, :1]) / 1e9, np.interp(t - shift_ns, part_t, part))
            )
            columns = np.stack((p, base), axis=1)
            best = lsq_linear(columns, c, bounds=([0.0, -np.inf], np.inf), tol=1e-14)
            assert left[s] == pytest.approx(2 * best.cost, rel=1e-6)
            assert gain[s] == pytest.approx(best.x[0], rel=1e-5, abs=1e-6)
            alone = c - base * (base @ c) / (base @ base)
            assert explained[s] == pytest.approx(1 - 2 * best.cost / (alone @ alone), abs=1e-6)


def test_an_update_of_the_record_is_in_its_bracket_around_the_middle_of_the_declared_lag():
    whole = recorded(PACKAGE)
    found = _Columns.of(whole)
    instants, widths, total = whole.record.columns()
    some = np.arange(50, 1500)
    at = found.times.located(some)
    middle_ns = whole.counter.declared.middle_lag_ns
    assert found.t_ns.tolist() == (instants + middle_ns).tolist()
    assert (np.abs(at.t_ns - found.t_ns[some]) <= widths[some] / 2 + 1).all()
    assert at.own_ns == pytest.approx(widths[some] / np.sqrt(12), abs=1.0)
    joules = (total - total[0]) * float(whole.counter.channel.scale.unit)
    assert found.counted == pytest.approx(joules, rel=1e-12)
    assert abs(found.usual_ns - 976_562) < 50 * US


@pytest.mark.parametrize("lag_us", [(2000, 0), (0, 2000)], ids=["later", "earlier"])
def test_a_difference_is_found_and_all_that_leave_little_more_are_in_its_interval(monkeypatch, lag_us):
    of = replace(OF, lag_us=lag_us)
    both = recorded(PACKAGE, of), recorded(CORES, of)
    found = lag_difference(*both)
    assert abs(found.ns - (lag_us[0] - lag_us[1]) * US) <= found.half_ns < 150 * US
    monkeypatch.setattr(lag_of_parts, "NEARLY", 1e9)  # all differences that are looked at: to 8 ms either way
    assert lag_difference(*both).half_ns > 8 * MS + abs(found.ns)


@pytest.mark.parametrize(
    "how",
    [{"cores_w": (30.0, 30.0)}, {"ripple_hz": 270.0}, {"follows": False}, {"span_s": 0.8}],
    ids=["steady", "repeating", "of another load", "too short"],
)
def test_swings_that_are_faint_repeat_or_are_not_the_parts_tell_no_difference(how):
    of = replace(OF, lag_us=(700, 0), **how)
    assert lag_difference(recorded(PACKAGE, of), recorded(CORES, of)) is None
