"""What a counter and a gauge show of one power: which samples count, and by how much steps are locked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gauges import Poll, square
from gpu_counter import GpuCounter
from ideal import MS, T0, Ideal, constant

from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import record_of
from microjoule.joules.counters.update_times import AROUND
from microjoule.joules.gauges.readings import Shape
from microjoule.joules.lags.lag_samples import (
    _evened,
    _locked_ns,
    _looked_at,
    _may_be_in_step,
    _stray_w,
    _tells,
)

COUNTER = Counter(Ideal(constant(100.0), n=200).series, Ideal(constant(100.0)).channel)


@pytest.mark.parametrize("n", [2 * AROUND + 1, 3 * AROUND, 200])
def test_regular_updates_are_put_where_their_neighbours_say(n: int) -> None:
    """Each was seen up to half a period late; of 49 with all around them the mean instant is kept."""
    period_ns = 20 * MS
    late_ns = np.random.default_rng(3).integers(0, period_ns // 2, n)
    seen_ns = np.arange(n) * period_ns + late_ns
    found = _evened(seen_ns, period_ns)
    middle = slice(AROUND, n - AROUND)
    off_ns = (found - np.arange(n) * period_ns)[middle]
    expected = np.convolve(late_ns, np.ones(2 * AROUND + 1) / (2 * AROUND + 1), "valid")
    assert off_ns == pytest.approx(expected, abs=2.0)
    fewer = seen_ns[: 2 * AROUND]
    assert _evened(fewer, period_ns).tolist() == fewer.tolist()


def test_updates_of_which_some_are_missing_are_put_where_the_phase_around_them_is() -> None:
    period_ns = 20 * MS
    k = np.flatnonzero(np.arange(300) % 10)
    late_ns = np.random.default_rng(3).integers(0, period_ns // 3, len(k))
    found = _evened(k * period_ns + late_ns, period_ns)
    assert (found - k * period_ns).std() < 0.2 * late_ns.std()


def test_readings_of_when_the_counter_was_not_updated_are_no_samples() -> None:
    """At any of the lags that are asked for; wild ones are taken first where they are samples."""
    edges = np.arange(100, 600, dtype=np.int64) * 20 * MS
    rng = np.random.default_rng(4)
    total = np.concatenate(([0], np.cumsum(rng.integers(20_000, 60_000, len(edges) - 1))))
    ends = np.arange(1, 140, dtype=np.int64) * 100 * MS
    starts = ends - 25 * MS
    shifts = np.array([-450 * MS, 0, 850 * MS])
    is_inside = (starts + shifts[0] >= edges[0]) & (ends + shifts[-1] <= edges[-1])
    watts = np.where(is_inside, 100.0 + rng.normal(0.0, 5.0, len(ends)), 1e6)
    found = _looked_at(COUNTER, (edges, total), (starts, ends, watts), shifts)
    assert found is not None
    assert found.is_exact
    assert found.locked_ns == 0.0
    blocks = is_inside.sum() // found.n
    assert found.sums.shape == (6, len(shifts), blocks)
    used = watts[is_inside][: blocks * found.n].reshape(blocks, found.n)
    assert found.sums[5] == pytest.approx(np.broadcast_to((used**2).sum(1), (len(shifts), blocks)))


@pytest.mark.parametrize(("periods", "is_alias"), [(0.93, True), (4.5, False)])
def test_a_counter_whose_updates_may_be_the_alias_of_a_load_is_in_step_where_it_shows_it(
    periods: float, is_alias: bool
) -> None:
    """From 4 s on, of a load of 18.6 ms under updates of 20; one of 90 ms shows its own corners."""
    load = square(periods * 0.02, 20.0, 3, low_w=60.0, high_w=330.0)
    counter = GpuCounter().counter(load, Poll(), 3)
    edges, _, total = record_of(counter).columns()
    updates = _evened(edges, counter.usual_ns), total
    t_ns = T0 + np.arange(4, 20, dtype=np.int64)[:, None] * 1000 * MS + np.arange(0, 500, 7) * MS
    assert _may_be_in_step(counter, updates, t_ns) is is_alias
    first = edges[:49], total[:49]
    assert not _may_be_in_step(counter, first, t_ns)


def test_one_step_between_two_updates_strays_by_what_its_place_and_size_make_it() -> None:
    """From P to Q at a part f of the time: f (1 - f) of the step; a pulse, by half of its power."""
    part = 0.3
    mean_w = 50.0 * part + 90.0 * (1 - part)
    assert _stray_w(np.array([50.0, mean_w, 90.0]))[1] == pytest.approx(part * (1 - part) * 40.0)
    assert _stray_w(np.array([50.0, 70.0, 50.0]))[1] == pytest.approx(10.0)
    assert _stray_w(np.full(3, 50.0)).tolist() == [0.0, 0.0, 0.0]


PERIOD_NS, UPDATE_NS, GAP = 100 * MS, 20 * MS, 0.75


def updated_ns() -> np.ndarray:
    """A gauge's updates, each up to a fifth of a period late."""
    late = np.random.default_rng(7).uniform(0.0, 0.2, 250)
    return np.rint((np.arange(250) + late) * PERIOD_NS).astype(np.int64)


def looking(shape: Shape = Shape.HOLD, coverage: float = 1 - GAP) -> Any:
    ends = updated_ns()
    return SimpleNamespace(
        readings=SimpleNamespace(
            t_ns=ends,
            shape=shape,
            coverage=coverage,
            period_ns=PERIOD_NS,
            window_ns=round((1 - GAP) * PERIOD_NS),
        )
    )


def stepping(at_ns: np.ndarray, sizes_w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A block of updates and the power between them, of a load that steps by so much at some instants."""
    edges = np.arange(0, int(at_ns[-1]) + 10 * UPDATE_NS, UPDATE_NS, dtype=np.int64)
    instants = np.concatenate(([0], at_ns)).astype(float)
    levels = 500.0 + np.concatenate(([0.0], np.cumsum(sizes_w)))
    sums = np.concatenate(([0.0], np.cumsum(levels[:-1] * np.diff(instants))))
    joules = np.interp(edges, instants, sums) + levels[-1] * np.maximum(edges - instants[-1], 0.0)
    return edges[None], np.diff(joules)[None] / UPDATE_NS


@pytest.mark.parametrize("in_step", [True, False])
def test_steps_are_locked_by_the_mean_of_how_early_each_may_be_taken(in_step: bool) -> None:
    """Weighed by their squares, at whatever lag that is most: by half of the gap if all are in step."""
    rng = np.random.default_rng(6)
    ends = updated_ns()
    k = np.arange(3, 180, 3)
    part = np.full(len(k), 0.33) if in_step else rng.random(len(k))
    at_ns = np.rint(ends[k] + part * np.diff(ends)[k])
    sizes_w = rng.uniform(20.0, 60.0, len(at_ns)) * np.tile([1.0, -1.0], 30)[: len(at_ns)]
    found = _locked_ns(looking(), *stepping(at_ns, sizes_w))
    expected = 0.0
    for turn in np.linspace(0, 1, 40, endpoint=False):
        phase = (part + turn) % 1.0
        early = np.where(phase < GAP, GAP / 2 - phase, 0.0)
        expected = max(expected, abs(float(np.average(early, weights=sizes_w**2))) * PERIOD_NS)
    assert found == pytest.approx(expected, rel=1e-6)
    assert (found > 0.9 * GAP / 2 * PERIOD_NS) == in_step


def test_a_gauge_that_looks_all_the_time_or_nobody_knows_when_locks_nothing() -> None:
    steps = stepping(np.arange(1, 20) * 3 * PERIOD_NS + 33 * MS, np.tile([50.0, -50.0], 10)[:19])
    assert _locked_ns(looking(coverage=1.0), *steps) == 0.0
    assert _locked_ns(looking(Shape.POINT), *steps) == 0.0
    assert _locked_ns(looking(), *steps) > 0.0


def test_blocks_tell_in_which_the_gauge_leaves_less_open_than_the_counter_changes_by() -> None:
    """Squares added up over a block: of 8 J² of changes, 4 times 1.5 J² tell and 4 times 2.5 J² do not."""
    edges = np.arange(10).reshape(2, 5) * 100 * MS
    gained = 10.0 + np.array([[2.0, 0.0, -2.0, 0.0], [2.0, 0.0, -2.0, 0.0]])
    unseen = {int(t): j2 for row, j2 in zip(edges, (1.5, 2.5), strict=True) for t in row}

    def energies(t0_ns: np.ndarray, t1_ns: np.ndarray) -> Any:
        assert (t1_ns - t0_ns == 100 * MS).all()
        u = np.sqrt([unseen[int(t)] for t in t0_ns])
        return SimpleNamespace(value=np.zeros(len(u)), parts=[SimpleNamespace(name="aliasing", u=u)])

    gauge: Any = SimpleNamespace(energies=energies)
    assert _tells(gauge, edges, gained, np.full((2, 4), 0.1)).tolist() == [True, False]
