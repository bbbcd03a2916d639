"""How late single quanta are shown: the distances of those of steady power tell it, and others do not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from microjoule.joules.counters.neighbourhood import SEGMENTS, roughness, unevenness
from microjoule.joules.counters.quanta import cut_off, lateness
from microjoule.joules.counters.update_times import AROUND

UPDATE_NS = 8_000_000.0
DECLARED_NS = 1_000_000


def shown(
    updates_a_quantum: float, drift: float = 0.0, is_single: bool = True, n: int = len(SEGMENTS)
) -> Any:
    """Quanta that fill in so many updates each, more and more by a drift; each is shown by an update."""
    k = np.arange(n + 1)
    full = np.cumsum(updates_a_quantum * (1 + drift * k))
    at_ns = np.ceil(full) * UPDATE_NS
    is_usual = np.zeros((1, len(SEGMENTS)), bool)
    is_usual[0, :n] = True
    length_ns, ends_ns = np.zeros((2, 1, len(SEGMENTS)))
    length_ns[0, :n], ends_ns[0, :n] = np.diff(at_ns), at_ns[1:]
    return SimpleNamespace(
        is_usual=is_usual,
        length_ns=length_ns,
        uneven_ns=unevenness(ends_ns, is_usual),
        is_single=np.array([is_single]),
    )


def found(near: Any, apart_ns: float = 1e9, read_ns: float = 0.0) -> tuple[float, float]:
    late = lateness(near, np.array([apart_ns]), DECLARED_NS, np.array([read_ns]))
    return float(late.longest_ns[0]), float(late.alike[0])


def is_steady(near: Any) -> bool:
    return bool(lateness(near, np.array([1e9]), DECLARED_NS, np.zeros(1)).is_steady[0])


def test_no_two_in_a_row_are_more_opposed_than_by_half_an_update() -> None:
    """Two and a half updates a quantum: late by nothing and by a half in turn, of which two are -1 alike."""
    assert found(shown(2.5))[1] == -0.5


@pytest.mark.parametrize("part", [0.3, 0.38, 0.62, 0.7])
def test_quanta_are_late_by_up_to_an_update_and_two_in_a_row_by_the_part_between_them(part: float) -> None:
    """Uniform lateness that moves on by a part p each time: 1 - 6 p (1 - p). An eighth is declared."""
    late_ns, alike = found(shown(2 + part + 0.0007))
    assert late_ns == pytest.approx(UPDATE_NS, rel=0.1)
    assert alike == pytest.approx(1 - 6 * part * (1 - part), abs=0.1)


def test_of_quanta_that_fill_in_nearly_whole_updates_the_correlation_is_not_taken() -> None:
    assert found(shown(3.05))[1] == 0.0


def test_where_power_drifts_the_declared_time_is_taken() -> None:
    assert found(shown(2.4, drift=0.02)) == (DECLARED_NS, 0.0)


def test_few_quanta_tell_nothing() -> None:
    assert found(shown(2.4, n=AROUND - 1)) == (DECLARED_NS, 0.0)
    assert found(shown(2.4, n=AROUND))[0] > DECLARED_NS


def test_ends_on_a_line_after_a_longer_first_quantum_overflow_nothing() -> None:
    """Their unevenness is 0, and the scatter of their lengths is not."""
    near = shown(2.0)
    near.length_ns[0, 0] += UPDATE_NS
    near.uneven_ns[0] = 0.0
    assert found(near) == (DECLARED_NS, -0.5)


def test_a_counter_of_several_quanta_an_update_is_late_by_the_time_between_updates() -> None:
    assert found(shown(2.4, is_single=False), apart_ns=5e6) == (5e6, 0.0)
    assert found(shown(2.4), apart_ns=5e6)[0] == 5e6, "no later than updates are apart"


def test_what_readings_are_late_is_no_part_of_it() -> None:
    """Of all that instants stray, s, readings have r: √12 √(s² - r²), and the declared time at least."""
    near = shown(2.4)
    (s,) = near.uneven_ns
    assert found(near, read_ns=0.6 * s)[0] == pytest.approx(np.sqrt(12.0) * 0.8 * s)
    assert found(near, read_ns=2.0 * s)[0] == DECLARED_NS


def test_power_is_steady_where_lateness_is_all_that_distances_of_quanta_differ_by() -> None:
    assert is_steady(shown(2.4))
    assert not is_steady(shown(2.4, drift=0.02)), "it drifts"
    assert not is_steady(shown(3.05)), "quanta come nearly in step with updates, which looks like a drift"
    assert not is_steady(shown(2.4, n=AROUND - 1)), "nobody knows"
    assert not is_steady(shown(2.4, is_single=False)), "others have their own scatter"


QUANTUM = 1 << 18


def counted(gained_quanta: np.ndarray, is_single: bool = False, n: int = len(SEGMENTS)) -> Any:
    """Updates that count so many quanta each; the last ones are not there."""
    rate = np.asarray(gained_quanta, float)[None] * QUANTUM / UPDATE_NS
    is_usual = np.arange(len(SEGMENTS))[None] < n
    return SimpleNamespace(
        rate=np.where(is_usual, rate, 1e6), usual_ns=np.array([UPDATE_NS]), is_usual=is_usual,
        is_single=np.array([is_single]),
    )  # fmt: skip


def steady(quanta: float, phase: float = 0.2) -> np.ndarray:
    """Whole quanta that updates of one power show."""
    return np.diff(np.floor(quanta * np.arange(len(SEGMENTS) + 1) + phase))


@pytest.mark.parametrize("quanta", [1.38, 2.62, 7.45, 15.3])
def test_what_steady_power_scatters_by_is_that_of_counts_that_are_cut_off(quanta: float) -> None:
    near = counted(steady(quanta))
    is_cut, rough = cut_off(near, QUANTUM)
    own = roughness(near.rate, near.is_usual) * quanta * QUANTUM
    assert is_cut.tolist() == [True]
    assert own[0] > QUANTUM / 5
    assert rough == pytest.approx(own, rel=0.15)


@pytest.mark.parametrize(
    ("gained", "is_single"),
    [
        (steady(2.62) + 1.5 * (SEGMENTS > 0), False),
        (steady(2.62) + 2 * np.eye(len(SEGMENTS))[3], False),
        (steady(40.6), False),
        (steady(1.38), True),
    ],
)
def test_power_that_moves_counts_by_a_quantum_is_more_than_cutting_off(
    gained: np.ndarray, is_single: bool
) -> None:
    """So are many quanta, of which nobody looks, and single ones, whose lateness says it."""
    is_cut, rough = cut_off(counted(gained, is_single), QUANTUM)
    assert is_cut.tolist() == [False]
    assert rough.tolist() == [0.0]


def test_updates_that_are_not_there_say_nothing() -> None:
    """Thirty of 49: what stands in the places of the others is no count."""
    is_cut, rough = cut_off(counted(steady(2.62), n=30), QUANTUM)
    assert is_cut.tolist() == [True]
    assert rough == pytest.approx(cut_off(counted(steady(2.62)), QUANTUM)[1], rel=0.15)
