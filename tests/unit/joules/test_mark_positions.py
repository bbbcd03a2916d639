"""The counts at marks: worked out some at a time, and the same as all at once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from ideal import MS, T0, Ideal, S, Wave, rows, square

from microjoule.joules.energy_trace import Trace
from microjoule.joules.marks.between_marks import Pieces, PowerBeside
from microjoule.joules.marks.mark_positions import _Local

WINDOWS = 60
IDEAL = Ideal(square(20.0, 90.0, 0.021), n=2000, unit=Fraction(1, 1 << 14), limit_w=150.0)


def marked() -> Trace:
    first = int(IDEAL.series.t_ns[0])
    edges = first + 100 * MS + np.arange(2 * WINDOWS) * 7 * MS
    marks = [
        (int(t_ns), ("@begin", "@end")[i % 2], i // 2, "ab"[i // 2 % 2] if i % 2 == 0 else "")
        for i, t_ns in enumerate(edges)
    ]
    return Trace(rows([IDEAL], marks))


def test_the_marks_of_a_trace_are_worked_out_in_any_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million at once would take a gigabyte; a count at a mark rests on nothing of the portions."""
    whole = marked().mark_fits.edges(IDEAL.channel.id)
    for name in ("mark_positions", "between_marks"):
        monkeypatch.setattr(f"microjoule.joules.marks.{name}.AT_ONCE", 7)
    parts = marked().mark_fits.edges(IDEAL.channel.id)
    assert whole is not None
    assert parts is not None
    assert len(whole.instants_ns) >= 2 * WINDOWS
    assert whole.is_known.all()
    for name in ("instants_ns", "position", "is_known", "shared", "lag"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name)), name
    for one, other in zip(whole.causes, parts.causes, strict=True):
        assert one[:2] == other[:2]
        every = np.arange(len(whole.instants_ns))
        assert np.array_equal(one.of(every), other.of(every)), one.name
        assert np.array_equal(one.u, other.u), one.name
    assert whole.instants_ns[-1] - whole.instants_ns[0] < S


def scene(seed: int, scatter: float, lengths_ms: tuple[float, float], **how: int) -> tuple[Ideal, Trace]:
    """A hundred and twenty windows of 90 and of 55 W in turns, and 20 W between; all scatter by a share."""
    chance = np.random.default_rng([seed, 9])
    bounds = 0.1 + np.cumsum(np.append(0.0, chance.uniform(*lengths_ms, 240) / 1e3))
    watts = np.tile([90.0, 20.0, 55.0, 20.0], 60) * (1 + scatter * chance.standard_normal(240))
    edges = np.concatenate(([0.0], bounds, [bounds[-1] + 1.0]))
    sums = np.append(0.0, np.cumsum(np.concatenate(([20.0], watts, [20.0])) * np.diff(edges)))
    wave = Wave("marked", 120.0, lambda t: np.interp(t, edges, sums))
    poll_ns = how.pop("poll_ns", MS // 4)
    n = int((bounds[-1] + 0.1) * S / poll_ns)
    of = Ideal(wave, seed=seed, n=n, poll_ns=poll_ns, limit_w=150.0, **how)
    t_ns = (T0 + np.rint(bounds * S).astype(np.int64)).tolist()
    marks = [
        (t_ns[at], ("@begin", "@end")[at % 2], at // 2, "ab"[at // 2 % 2] if at % 2 == 0 else "")
        for at in range(240)
    ]
    return of, Trace(rows([of], marks))


@pytest.mark.parametrize(
    ("scatter", "lengths_ms", "how", "most_mj"),
    [
        (0.0, (4.5, 12.0), {}, 1.0),
        (0.1, (4.5, 12.0), {}, 1.0),
        (0.1, (0.5, 3.0), {}, 1.7),
        (0.0, (4.5, 12.0), {"poll_ns": MS, "update_ns": 2 * MS}, 2.2),
        (0.1, (4.5, 12.0), {"lag_ns": MS}, 14.0),
    ],
)
def test_windows_err_by_what_their_marks_counts_are_uncertain_by(
    scatter: float, lengths_ms: tuple[float, float], how: dict[str, int], most_mj: float
) -> None:
    """A reading in a quarter of an update: 1 mJ of windows of 0.5 J; without the marks it would be 7."""
    of, trace = scene(21, scatter, lengths_ms, **how)
    assert trace.mark_fits.edges(of.id).is_known.all()
    found = [trace.energy(window)[of.id] for window in trace.windows]
    truth = [of.truth(window.t0_ns, window.t1_ns) for window in trace.windows]
    errors = np.array([each.value - true for each, true in zip(found, truth, strict=True)])
    u = np.array([each.u for each in found])
    assert 1e3 * u.mean() < most_mj
    assert 0.7 < np.sqrt(np.mean((errors / u) ** 2)) < 1.4
    assert all(each.low <= true <= each.high for each, true in zip(found, truth, strict=True))


def test_a_lag_moves_a_mark_by_the_power_before_it_or_that_after_it() -> None:
    """Half a millisecond of 20 W, or of 90 or 55 W: for a shorter lag and for a longer one."""
    of, trace = scene(22, 0.0, (4.5, 12.0), lag_ns=MS)
    lag_j = trace.mark_fits.edges(of.id).lag * float(of.unit)
    assert lag_j.shape[1] == 2
    assert lag_j.min() > 0.95 * 20 * 0.0005
    assert lag_j.max() < 1.05 * 90 * 0.0005
    assert (np.ptp(lag_j, axis=0) > 0.5 * 70 * 0.0005).all()


def test_a_lag_moves_marks_by_the_power_that_updates_show_beside_them_and_not_by_its_name() -> None:
    """Idle time of 60 W elsewhere, 20 W before this mark, 90 W after it: 2 ms before an update or after."""
    bounds_ns = np.array([0, 10, 20], np.int64) * MS
    watts = np.array([60.0, 90.0])
    sums = np.concatenate(([0.0], np.cumsum(watts * np.diff(bounds_ns))))
    pieces = Pieces(bounds_ns, np.array([0, 1]), watts, watts, watts, sums, watts, sums)
    beside = PowerBeside(np.array([20.0]), np.ones(1)), PowerBeside(np.array([90.0]), np.ones(1))
    local = _Local.of(pieces, slice(0, 1), beside, (np.ones(1), np.ones(1)))
    at = np.array([9 * MS], np.int64)
    assert local.counted(at, -2 * MS) == pytest.approx([40.0 * MS])
    assert local.counted(at, 2 * MS) == pytest.approx([110.0 * MS])
    assert local.counted(at, 0) == 0.0


def test_where_several_pieces_lie_between_an_update_and_a_mark_the_power_of_each_is_unsure() -> None:
    """Of pieces that are longer than updates none lies there but the two that the mark bounds."""

    def of_others_mj(lengths_ms: tuple[float, float]) -> float:
        of, trace = scene(23, 0.0, lengths_ms)
        cause = trace.mark_fits.edges(of.id).causes[-1]
        assert (cause.name, cause.kind) == ("power", "mark")
        return 1e3 * float(np.sqrt(np.mean(cause.u.astype(float) ** 2))) * float(of.unit)

    assert of_others_mj((4.5, 12.0)) < 0.05
    assert of_others_mj((0.1, 0.5)) > 0.4  # of 20 to 90 W over about half a millisecond: 15 mJ
