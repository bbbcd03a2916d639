"""Windows of a program that end within an update of a gauge: their sum may be as far off as each of them.

The reading shows how much energy an update had, and neither for how long nor when. Two programs have the same
readings: one draws 360 W in its windows and idles between, the other 210 W for twice as long, of which the
windows are the first half.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import gauges
import numpy as np
import pytest
from gauges import POLLS, REST_S, SENSORS, T0, Load, S, truth_j
from ideal import rows as rows_of

from microjoule.joules.energy_trace import Trace
from microjoule.joules.estimates.estimate import summed

EXACT = replace(SENSORS["100 of 100 ms"], jitter=0.0, noise_w=0.0)
IDLE_W, HIGH_W, WINDOWS, SEED = 60.0, 360.0, 60, 7_610_000
BURST_S = 0.03


def program(begins_s: np.ndarray, lasts_s: float, watts: float) -> Load:
    edges_s = np.stack((begins_s, begins_s + lasts_s), axis=1).ravel()
    return Load(edges_s, np.concatenate(([IDLE_W], np.tile([watts, IDLE_W], len(begins_s)))))


def begins() -> np.ndarray:
    """When bursts begin: each a little after an update of the sensor, two to five updates apart."""
    at_s, _ = EXACT.updates(program(np.array([REST_S, 100.0]), 1.0, IDLE_W), 40.0, SEED)
    apart = np.random.default_rng(SEED).integers(2, 6, WINDOWS)
    return at_s[at_s > REST_S][np.cumsum(apart)] + 0.01


def windows(begins_s: np.ndarray, lasts_s: float | np.ndarray = BURST_S) -> tuple[np.ndarray, np.ndarray]:
    t0, t1 = (T0 + np.rint(each * S).astype(np.int64) for each in (begins_s, begins_s + lasts_s))
    return t0, t1


def test_two_programs_of_the_same_readings_are_within_one_interval():
    short, long = program(begins(), BURST_S, HIGH_W), program(begins(), 2 * BURST_S, (IDLE_W + HIGH_W) / 2)
    gauge, other = (gauges.gauge(load, EXACT, POLLS["10 ms"], SEED) for load in (short, long))
    assert (gauge.readings.watts == other.readings.watts).all()
    bursts = windows(begins())
    for t0, t1 in (bursts, (bursts[1][:-1], bursts[0][1:])):  # what bursts lack the rests between them have
        found = gauge.estimates(gauge.energies(t0, t1))
        whole = summed(found)
        for load in (short, long):
            truth = truth_j(load, t0, t1)
            assert abs(float(whole) - truth.sum()) <= whole.U
            assert sum(abs(float(each) - j) <= each.U for each, j in zip(found, truth, strict=True)) >= 57
        assert 1.5 * truth_j(short, *bursts).sum() > whole.U


def test_which_other_windows_are_asked_for_with_them_does_not_matter():
    """Beside a window around all, or windows between them, U of the sum was a fifth to half of its error."""
    load = program(begins(), BURST_S, HIGH_W)
    both = SimpleNamespace(
        channel=gauges.channel(EXACT.timing), series=gauges.series(load, EXACT, POLLS["10 ms"], SEED)
    )
    t0, t1 = windows(begins())
    bursts = list(zip(t0.tolist(), t1.tolist(), ["burst"] * WINDOWS, strict=True))
    around = (int(t0[0]) - S, int(t1[-1]) + S, "program")
    between = list(zip(t1[:-1].tolist(), t0[1:].tolist(), ["rest"] * (WINDOWS - 1), strict=True))
    told = []
    for marked in (bursts, [around, *bursts], [*bursts, *between], [around, *bursts, *between]):
        rows = [
            row
            for number, (begin, end, name) in enumerate(marked)
            for row in ((begin, "@begin", number, name), (end, "@end", number, None))
        ]
        trace = Trace(rows_of([both], rows))
        asked = zip(trace.windows, trace.energies(trace.windows), strict=True)
        found = [each[both.channel.id] for window, each in asked if window.name == "burst"]
        told.append((summed(found).U, [each.U for each in found]))
    assert told[1:] == told[:1] * 3
    assert told[0][0] > 2 * np.linalg.norm(told[0][1]), "all of them err alike"


@pytest.mark.parametrize("apart_s", [1e-5, 1e-3])
def test_windows_one_after_another_have_what_their_updates_had(apart_s):
    """They are off by no more than power in the time between them can be."""
    load = program(begins(), BURST_S, HIGH_W)
    gauge = gauges.gauge(load, EXACT, POLLS["10 ms"], SEED)
    t0, t1 = windows(REST_S + np.arange(400) * (BURST_S + apart_s))
    whole = summed(gauge.estimates(gauge.energies(t0, t1)))
    assert abs(float(whole) - truth_j(load, t0, t1).sum()) <= whole.U
    assert 0.2 * float(whole) + 400 * apart_s * gauges.LIMIT_W > whole.U  # each by itself is off by all


def test_bursts_that_a_sensor_does_not_look_at_are_covered():
    """25 of 100 ms: it sees one of three, and beside the others its readings are of idle power."""
    held, off = 0, []
    for seed in range(SEED, SEED + 4):
        chance = np.random.default_rng(seed)
        lasts_s, begins_s = (
            chance.uniform(0.01, 0.06, 100),
            REST_S + np.cumsum(chance.uniform(0.1, 0.35, 100)),
        )
        edges_s = np.stack((begins_s, begins_s + lasts_s), axis=1).ravel()
        load = Load(edges_s, np.concatenate(([IDLE_W], np.tile([HIGH_W, IDLE_W], 100))))
        t0, t1 = windows(begins_s, lasts_s)
        gauge = gauges.gauge(load, SENSORS["25 of 100 ms"], POLLS["10 ms"], seed)
        found, truth = gauge.estimates(gauge.energies(t0, t1)), truth_j(load, t0, t1)
        held += sum(abs(float(each) - j) <= each.U for each, j in zip(found, truth, strict=True))
        whole = summed(found)
        off.append(abs(float(whole) - truth.sum()) / whole.U)
    assert (
        held >= 0.9 * 400
    )  # 68 % were, and sums were two and a half U off; the benchmark has the exact share
    assert max(off) <= 1.0


@pytest.mark.parametrize("sensor", ["mean of 1 s", "mean of 1 s, frozen at idle"])
def test_sums_of_windows_shorter_than_what_a_reading_is_the_mean_of_are_covered(sensor):
    """Halves of steps of 0.25 to 0.8 s: each is spread over a second, and all windows have too little."""
    for seed in range(SEED, SEED + 5):
        chance = np.random.default_rng(seed)
        lasts_s = chance.uniform(0.12, 0.4, 2) * chance.uniform(0.9, 1.1, (100, 2))
        edges_s = REST_S + np.cumsum(lasts_s.ravel())
        load = Load(edges_s, np.concatenate(([IDLE_W], np.tile([HIGH_W, IDLE_W], 100))))
        t0, t1 = windows(edges_s[0::2], lasts_s[:, 1])
        gauge = gauges.gauge(load, SENSORS[sensor], POLLS["10 ms"], seed)
        whole = summed(gauge.estimates(gauge.energies(t0, t1)))
        assert abs(float(whole) - truth_j(load, t0, t1).sum()) <= whole.U
