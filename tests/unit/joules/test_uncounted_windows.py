"""Windows that a program marked and that an interrupted counter measured: each loss is in U, and once."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from ideal import MS, Ideal, constant, rows, write
from interrupted import told

import microjoule as uj
from microjoule.joules.counters.uncounted import GroupLosses
from microjoule.joules.energy_trace import Trace
from microjoule.joules.profiling.by_name import by_name
from microjoule.joules.profiling.reserved_names import NO_WINDOW

WINDOWS = 20
NAME = "package-0"


def interrupted(seed: int, off: int = 60, gap: float = 0.01) -> tuple[Ideal, pa.Table]:
    """Marked windows of 100 W whose counter lost an update every 50 ms, and their truth."""
    ideal = Ideal(constant(100.0), n=3000, limit_w=150.0, seed=seed)
    rng = np.random.default_rng(seed)
    start_ns, end_ns = (int(ideal.series.t_ns[at]) for at in (100, -100))
    off_ns = np.linspace(start_ns, end_ns, off + 2)[1:-1].astype(np.int64) + rng.integers(0, 20 * MS, off)
    marks = []
    for i in range(WINDOWS):
        begin, end = ideal.inside(0.05 + 0.04 * i, 0.09 + 0.04 * i - gap)
        marks += [(begin, "@begin", i + 1, "work"), (end, "@end", i + 1, None)]
    ideal.__dict__["series"] = told(ideal.series, sorted(off_ns.tolist()))
    return ideal, rows([ideal], marks)


@pytest.mark.parametrize("gap", [0.01, 0.0])
def test_truth_is_within_what_is_told_of_marked_windows_and_their_sum(gap: float, tmp_path: Path) -> None:
    covered, whole = [], []
    for seed in range(100, 106):
        ideal, table = interrupted(seed, gap=gap)
        trace = uj.load(write(tmp_path / "t.arrows", table))
        windows = trace.windows
        true = [ideal.truth(w.t0_ns, w.t1_ns) for w in windows]
        found = [each[NAME] for each in trace.energies(windows)]
        covered += [abs(e.value - t) <= e.U for e, t in zip(found, true, strict=True)]
        of_name = trace.energy("work")[NAME]
        whole.append(abs(of_name.value - math.fsum(true)) <= of_name.U)
    assert np.mean(covered) >= 0.93
    assert all(whole)


def uncounted_of(estimate: uj.Estimate) -> float:
    return math.fsum(each.u for each in estimate.components if each.name == "uncounted")


def test_windows_that_adjoin_have_a_loss_between_them_once() -> None:
    """Marked or not: of each window its half, of two what one over both has."""
    ideal, table = interrupted(7, off=1, gap=0.0)
    at_ns = int(ideal.series.t_ns[np.flatnonzero(ideal.series.status)[0]])
    for trace in (Trace(table), Trace(rows([ideal]))):
        edges = np.array([at_ns - 200 * MS, at_ns, at_ns + 200 * MS])
        one = trace.mark_fits.together(NAME, edges[:1], edges[2:])
        both = trace.mark_fits.together(NAME, edges[:-1], edges[1:])
        each = trace.mark_fits.estimates(NAME, edges[:-1], edges[1:])
        assert uncounted_of(one) > 0.0
        assert uncounted_of(both) == pytest.approx(uncounted_of(one), rel=1e-12)
        assert [uncounted_of(half) for half in each] == pytest.approx([uncounted_of(one)] * 2, rel=1e-12)


def test_a_marked_window_has_the_loss_that_the_same_window_without_marks_has() -> None:
    _, table = interrupted(8)
    trace = Trace(table)
    edges = (trace.window_columns.t0_ns, trace.window_columns.t1_ns)
    marked = trace.mark_fits.estimates(NAME, *edges)
    meter = trace.counter(NAME)
    plain = meter.estimates(meter.energies(*edges))
    assert trace.mark_fits.edges(NAME) is not None
    assert [uncounted_of(each) for each in marked] == pytest.approx([uncounted_of(each) for each in plain])
    noise = trace.mark_fits.noise_j2(NAME, *edges)
    assert np.all(noise >= np.array([uncounted_of(each) ** 2 for each in marked]))
    summed = trace.mark_fits.together(NAME, *edges)
    assert uncounted_of(summed) <= math.fsum(map(uncounted_of, marked))
    assert uncounted_of(summed) > 0.0


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_windows_of_groups_that_come_in_blocks_have_each_loss_once_a_group(size: int) -> None:
    """Windows of 2 ms, shorter than what a loss touches, each of one group of two."""
    _, table = interrupted(10, off=8)
    counter = Trace(table).counter(NAME)
    edges = np.arange(counter.t_ns[0], counter.t_ns[-1], 2 * MS)
    group = np.random.default_rng(10).integers(0, 2, len(edges) - 1)
    found = GroupLosses(counter.resets.losses, 2)
    for at in range(0, len(group), size):
        some = at + np.argsort(group[at : at + size], kind="stable")
        found.add(group[some], edges[some], edges[some + 1])
    for number in range(2):
        (wanted,) = counter.resets.losses.components(edges[:-1][group == number], edges[1:][group == number])
        assert found.likely_most[number] == pytest.approx(wanted.u * math.sqrt(3.0))


def test_what_no_window_covers_has_its_own_losses_alone() -> None:
    _, table = interrupted(9)
    trace = Trace(table)
    rest = next(row for row in by_name(trace) if row.name == NO_WINDOW).energy
    begins = np.array([trace.span.t0_ns, *trace.window_columns.t1_ns])
    edges = begins, np.array([*trace.window_columns.t0_ns, trace.span.t1_ns])
    (wanted,) = trace.counter(NAME).resets.losses.components(*edges)
    assert uncounted_of(rest) == pytest.approx(wanted.u)
