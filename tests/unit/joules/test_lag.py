"""The lag that steps of power at marks show: which steps count, and what is a straight line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ideal import T0, Ideal, constant, rows

from microjoule.joules.counters.lag import _mean, _side, _Steps, _steps
from microjoule.joules.energy_trace import Trace

LAGS_NS = np.array([90.0, 110.0] * 10 + [100.0] * 3)  # half of them 10 from their median or more


def steps(*more_ns: float, u_ns: float = 10.0, phase_ns: float = 0.0) -> _Steps:
    lag_ns = np.array([*LAGS_NS, *more_ns])
    n = len(lag_ns)
    return _Steps(lag_ns, np.full(n, u_ns), np.full(n, phase_ns), np.ones(n, bool), np.ones(n, bool))


@pytest.mark.parametrize(("far_ns", "is_taken"), [(55.0, True), (65.0, False), (-65.0, False)])
def test_a_step_six_deviations_from_the_others_is_left_out(far_ns: float, is_taken: bool) -> None:
    found = _mean(steps(100.0 + far_ns), np.ones(24, bool))
    assert found is not None
    assert found.lag_ns == pytest.approx(100.0 + (far_ns / 24 if is_taken else 0.0))


def test_the_mean_of_steps_is_as_unsure_as_they_scatter_and_as_their_phase() -> None:
    """The larger of scatter and what is expected over √n; what is common averages out where they scatter."""
    every = np.ones(23, bool)
    scatter = np.std(LAGS_NS, ddof=1)
    for u_ns, phase_ns, expected in (
        (1.0, 0.0, scatter / np.sqrt(23)),
        (40.0, 0.0, 40.0 / np.sqrt(23)),
        (1.0, 12.0, np.hypot(scatter / np.sqrt(23), 12.0 / 4)),
        (1.0, 30.0, np.hypot(scatter / np.sqrt(23), 30.0)),
    ):
        found = _mean(steps(u_ns=u_ns, phase_ns=phase_ns), every)
        assert found == pytest.approx((100.0, expected, True))
        assert found.half_ns(5.0) == pytest.approx(5 * expected + 5_000)
        assert (found.least_ns(5.0), found.most_ns(2.0)) == (
            np.floor(100.0 - found.half_ns(5.0)),
            np.ceil(100.0 + found.half_ns(2.0)),
        )


def test_few_steps_are_no_measurement_and_all_of_their_phase_is_unsure() -> None:
    """However they scatter: a few that are far apart may still lie on one phase of the updates."""
    scatter = np.std(LAGS_NS[:7], ddof=1)
    found = _mean(steps(u_ns=10.0, phase_ns=12.0), np.arange(23) < 7)
    assert found is not None
    assert found.u_ns == pytest.approx(np.hypot(scatter / np.sqrt(7), 12.0))
    assert not found.is_measured
    one = _mean(steps(u_ns=30.0, phase_ns=40.0), np.arange(23) == 1)
    assert one == pytest.approx((110.0, 50.0, False))
    assert _mean(steps(), np.zeros(23, bool)) is None


class Times:
    """Updates 100 ns apart, each known exactly."""

    learned = SimpleNamespace(usual_ns=100)
    t_ns = np.arange(40, dtype=np.int64) * 100
    changes = np.arange(40)

    def __len__(self) -> int:
        return len(self.t_ns)

    def located(self, k: Any) -> Any:
        return SimpleNamespace(t_ns=self.t_ns[k], spread_ns=np.zeros(len(k)), phase_ns=np.full(len(k), 7.0))

    def brackets(self, k: Any) -> Any:
        return self.t_ns[k] - 1, self.t_ns[k], None

    def read_by(self, at: Any) -> Any:
        return np.searchsorted(self.t_ns, at, "right") - 1


def test_a_side_is_straight_where_three_updates_or_more_lie_on_one_line() -> None:
    """Before the first mark they do; before the second they zigzag; before the third there are two."""
    times: Any = Times()
    total = times.t_ns * 2
    total[15:20:2] += 500
    at = np.array([1000, 2000, 3000], np.int64)
    previous = np.array([0, 1000, 2650], np.int64)
    k = times.read_by(at - 1) - np.arange(5, 0, -1)[:, None]
    found = _side(times, total, 1, at, k, (previous, at))
    assert found.n.tolist() == [5.0, 5.0, 2.0]
    assert found.is_straight.tolist() == [True, False, False]
    assert found.power[0] == pytest.approx(2.0)
    assert found.phase_ns[0] == 7.0


@pytest.mark.parametrize(("deviations", "is_clear"), [(5.0, False), (8.0, True), (-5.0, False), (-8.0, True)])
def test_a_step_is_clear_from_six_standard_uncertainties_on(deviations: float, is_clear: bool) -> None:
    """Of a count that is known to q/√12, lines through five updates 100 ns apart; 50 ns behind the mark."""
    times: Any = Times()
    quantum = 12_000
    u_change = quantum / np.sqrt(12) * np.sqrt(2 / (100.0**2 * 10))
    change = deviations * u_change
    total = np.round(10_000 * times.t_ns + change * np.maximum(times.t_ns - 2050, 0)).astype(np.int64)
    found = _steps(times, total, quantum, np.array([2000], np.int64), 100)
    assert found.is_clear.tolist() == [is_clear]
    assert found.rises.tolist() == [deviations > 0]
    assert not is_clear or found.lag_ns[0] == pytest.approx(50.0, abs=1.0)


def marks_in(outermost: str) -> Any:
    """The marks of a trace with a window of a program inside the one about everything."""
    at = [(0, "@begin", 0, outermost), (20, "@begin", 1, "work"), (60, "@end", 1, "work")]
    at.append((90, "@end", 0, outermost))
    return Trace(rows([Ideal(constant(5.0))], [(T0 + t, *rest) for t, *rest in at])).marks


def test_no_step_is_looked_for_where_a_recording_began_and_ended() -> None:
    """A command steps up the power, and a recording does not: a step soon after its end is one by chance."""
    recorded, run = marks_in("record"), marks_in("run")
    assert ((recorded.begins_ns - T0).tolist(), (recorded.ends_ns - T0).tolist()) == ([20], [60])
    assert ((run.begins_ns - T0).tolist(), (run.ends_ns - T0).tolist()) == ([0, 20], [60, 90])
