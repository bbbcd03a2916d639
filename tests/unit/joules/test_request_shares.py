"""Shares of requests and their uncertainties, worked out by hand for three requests and two states."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ideal import MS, T0, Ideal, S, constant

from microjoule.channel import SensorError
from microjoule.joules.counters.counter import Counter
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.profiling.regression import Fit
from microjoule.joules.serving.request_shares import RequestShares, _bends
from microjoule.joules.serving.requests import DECODE, IDLE, Requests, Schedule

IDEAL = Ideal(constant(50.0), n=12_000, limit_w=100.0)
COUNTER = Counter(IDEAL.series, IDEAL.channel)
SPAN = T0 + S, T0 + 11 * S
TOTALS = np.array([10.0, 100.0])  # seconds, tokens
AMOUNTS = np.array([[0.0, 20.0], [0.0, 30.0], [0.0, 50.0]])
ENERGY_J = np.array([300.0, 150.0])
ALONG = np.array([[0.6, 0.8], [0.8, -0.6]])


def fit(u_j: tuple[float, float] = (3.0, 2.0)) -> Fit:
    return Fit(
        ENERGY_J, ALONG, np.array(u_j), math.inf, np.array([5.0, -4.0]), np.zeros(2), 50, 0.5, 1.0
    )  # directions in columns


def requests() -> Requests:
    start = T0 + np.array([500, 2000, 6000]) * MS
    end = T0 + np.array([3000, 7000, 12_000]) * MS
    none = np.zeros(3, np.int64)
    return Requests(
        ("a", "b", "c"), start, start + MS, end, none, none, none, none - 1, (np.empty(0, np.int64),) * 3
    )


def shares(**changed: Any) -> RequestShares:
    none = np.zeros((4, 2))
    whole = RequestShares(
        counter=COUNTER,
        requests=requests(),
        t0_ns=SPAN[0],
        t1_ns=SPAN[1],
        measured=COUNTER.energy(*SPAN),
        states=(IDLE, DECODE),
        schedule=Schedule(True),
        totals=TOTALS,
        amounts=AMOUNTS,
        is_whole=np.array([False, True, False]),
        fit=fit(),
        timing_j=np.array([4.0, -2.0]),
        rate_j=np.array([1.0, 0.5]),
        moved_j=none,
        form_j=none,
        stronger_j=none,
        bend=0.0,
        lost_j=np.zeros(2),
        inseparable=(),
    )
    return replace(whole, **changed)


BENT = {
    "moved_j": np.array([[0.0, 1.0], [0.0, -2.0], [0.0, 4.0], [-3.0, 0.0]]),
    "form_j": np.array([[0.0, 0.1], [0.0, 0.2], [0.0, 0.4], [0.7, 0.0]]),
    "stronger_j": np.array([[0.0, 0.01], [0.0, 0.02], [0.0, 0.04], [0.09, 0.0]]),
    "bend": 0.5,
}
PARTS = [  # which, how much of the energies of the states, and whose rows
    (lambda of: of.share(0), (0.0, 0.2), [0], 50.0 * 2.0),
    (lambda of: of.share(2), (0.0, 0.5), [2], 50.0 * 5.0),
    (lambda of: of.of_some([0, 1]), (0.0, 0.5), [0, 1], 500.0),
    (lambda of: of.of_state([IDLE]), (1.0, 0.0), [3], 500.0),
    (lambda of: of.of_state([IDLE, DECODE]), (1.0, 1.0), [0, 1, 2, 3], 500.0),
    (lambda of: of.of_state([DECODE], [1, 2]), (0.0, 0.8), [1, 2], 500.0),
]


def u_of(of: Estimate) -> dict[str, float]:
    """The standard uncertainty of each cause."""
    found: dict[str, float] = {}
    for each in of.components:
        found[each.name] = math.hypot(found.get(each.name, 0.0), each.u)
    return found


@pytest.mark.parametrize(("part", "shared", "rows", "drawn_j"), PARTS)
def test_a_share_is_its_part_of_each_state_s_energy_with_what_each_cause_makes_of_it(
    part: Any, shared: tuple[float, float], rows: list[int], drawn_j: float
) -> None:
    """The counter's guaranteed interval is that of the time in which the request was under way."""
    of = shares(**BENT)
    found, x = part(of), np.array(shared)
    value = float(x @ ENERGY_J) + BENT["moved_j"][rows].sum()
    assert found.value == pytest.approx(value)
    assert (found.status, found.low) == ("ok", 0.0)
    assert found.high == pytest.approx(drawn_j, abs=1.0)
    along = x @ ALONG
    expected = {
        "regression": math.hypot(3.0 * along[0], 2.0 * along[1]),
        "alignment": abs(x @ [5.0, -4.0]),
        "work times": 2 * abs(x @ [4.0, -2.0]) / math.sqrt(3),
        "prompt rate": abs(x @ [1.0, 0.5]) / math.sqrt(3),
        "lack of fit": BENT["form_j"][rows].sum(),
        "saturation": BENT["stronger_j"][rows].sum(),
    }
    causes = u_of(found)
    assert {name: causes[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize(("part", "shared"), [each[:2] for each in PARTS])
def test_what_interruptions_may_have_kept_from_a_state_is_in_each_share_of_it_and_adds_up(
    part: Any, shared: tuple[float, float]
) -> None:
    """All of it or nothing, as bounded causes are; of several shares of one state it is one loss."""
    lost_j = np.array([2.0, 7.0])
    of = shares(lost_j=lost_j)
    for found, parts in ((part(of), np.array(shared)), (part(of) + of.share(1), shared + np.array([0, 0.3]))):
        (uncounted,) = (row["u"] for row in found.budget() if row["name"] == "uncounted")
        assert uncounted == pytest.approx(parts @ lost_j / math.sqrt(3))
    assert "uncounted" not in u_of(part(shares()))


def test_a_sensor_s_offset_counts_for_the_time_that_a_request_was_under_way_in_the_span() -> None:
    """3 W, as a rectangle: for 2 s of the first request, and for all 10 s of several."""
    sensor = SensorError(gain=0.0, offset_w=3.0)
    channel = replace(IDEAL.channel, trust=replace(IDEAL.channel.trust, sensor=sensor))
    of = shares(counter=Counter(IDEAL.series, channel))
    assert u_of(of.share(0))["offset"] == pytest.approx(6.0 / math.sqrt(3))
    assert u_of(of.of_some([0, 1]))["offset"] == pytest.approx(30.0 / math.sqrt(3))


def test_what_a_request_used_is_at_least_what_its_share_says() -> None:
    """A share beyond what the counter can have counted meanwhile: the guaranteed interval holds it."""
    found = shares(moved_j=np.array([[0.0, 900.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])).share(0)
    assert found.value == found.high == pytest.approx(930.0)


def test_shares_idle_and_what_is_unexplained_add_up_to_what_was_measured() -> None:
    of = shares(**BENT)
    parts = [*(of.share(n).value for n in range(3)), of.of_state([IDLE]).value, of.unexplained.value]
    assert sum(parts) == pytest.approx(of.measured.value)
    assert of.values_j.tolist() == pytest.approx([31.0, 43.0, 79.0])
    assert of.is_idle_known
    assert not shares(states=("running", DECODE)).is_idle_known


def test_a_unit_of_a_state_takes_its_energy_by_its_amount() -> None:
    of = shares()
    assert of.coefficient(IDLE).value == pytest.approx(30.0)
    assert of.coefficient(DECODE).value == pytest.approx(1.5)
    assert u_of(of.coefficient(DECODE))["prompt rate"] == pytest.approx(0.5 / 100 / math.sqrt(3))


def test_what_the_fit_leaves_open_has_no_figure() -> None:
    found = shares(fit=fit((math.inf, 2.0))).share(0)
    assert (found.value, found.status, found.components) == (None, "incomplete", ())
    assert found.high == pytest.approx(100.0, abs=1.0)


LINEAR = np.array([[0.0, 30.0], [0.0, 45.0], [0.0, 75.0], [300.0, 0.0]])


def bends(*, is_bent: bool) -> Any:
    def bent(by: float, bend: float) -> Any:
        return SimpleNamespace(of_each=lambda *_: LINEAR * by, bend=bend)

    saturation = SimpleNamespace(best=bent(1.2, 0.7), other=bent(1.3, 0.6), strongest=bent(1.4, 0.9))
    best = SimpleNamespace(
        works={}, states=(IDLE, DECODE), design=np.array([[4.0, 60.0], [6.0, 40.0]]), fit=fit()
    )
    return _bends(saturation, best, AMOUNTS, is_bent=is_bent)


def test_where_power_clearly_saturates_energies_move_and_half_of_what_else_may_be_is_open() -> None:
    found = bends(is_bent=True)
    assert found.moved_j == pytest.approx(0.2 * LINEAR)
    assert found.form_j == pytest.approx(0.5 * 0.1 * LINEAR)
    assert found.stronger_j == pytest.approx(0.5 * 0.2 * LINEAR + 0.5 * 0.2 * LINEAR)
    assert found.bend == 0.7


def test_where_it_does_not_the_strongest_bend_is_the_lack_of_fit() -> None:
    found = bends(is_bent=False)
    assert found.form_j == pytest.approx(0.4 * LINEAR)
    assert not found.moved_j.any()
    assert not found.stronger_j.any()
    assert found.bend == 0.0
