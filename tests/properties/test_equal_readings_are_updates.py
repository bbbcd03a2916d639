"""An update may show the value of the one before it, as of coarse sensors, unless the sensor stood still."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gauges import (
    BUSY_W,
    POLLS,
    SENSORS,
    T0,
    Load,
    S,
    Sensor,
    channel,
    covered,
    gauge,
    series,
    square,
    steps,
    uneven,
)
from scipy.stats import binomtest

from microjoule.joules.gauges.gauge import Gauge
from microjoule.joules.gauges.readings import Readings

ROUND = ((0.0, 0.001), (0.1, 1.0))  # noise and quantum, watts
LONG, WHOLE = SENSORS["mean of 1 s"], SENSORS["100 of 100 ms"]
PHASES = tuple(np.random.default_rng(71).uniform(0, 1, 8))


def _holds(readers: list[Gauge], loads: list[Load], window_s: float, n: int) -> bool:
    held = covered(readers, loads, window_s, n)
    return binomtest(held, len(loads) * n).proportion_ci(0.999, "exact").high >= 0.93


@pytest.mark.parametrize("window_s", [0.3, 3.0])
@pytest.mark.parametrize("of", [0.9, 0.97, 1.1])
@pytest.mark.parametrize(("noise_w", "quantum_w"), ROUND)
def test_a_second_mean_that_repeats_a_value_was_updated(
    of: float, noise_w: float, quantum_w: float, window_s: float
) -> None:
    """Taken for standstills at idle, 0 to 80 % of these windows were covered."""
    sensor = replace(LONG, noise_w=noise_w, quantum_w=quantum_w)
    loads = [square(of * 0.1, 60.0, seed, 60, 250) for seed in range(8)]
    readers = [
        gauge(load, sensor, replace(POLLS["10 ms"], phase=PHASES[seed]), seed)
        for seed, load in enumerate(loads)
    ]
    assert _holds(readers, loads, window_s, 12)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("noise_w", "quantum_w"), ROUND)
def test_values_that_come_twice_make_no_longer_period(noise_w: float, quantum_w: float, seed: int) -> None:
    """The mean of gaps of one and of two updates was taken for a period of up to 115 ms."""
    sensor = replace(WHOLE, noise_w=noise_w, quantum_w=quantum_w)
    load = steps(0.8, 60.0, seed)
    found = Readings(
        series(load, sensor, replace(POLLS["10 ms"], phase=PHASES[seed]), seed), channel(sensor.timing)
    )
    assert found.period_ns == pytest.approx(1e8, rel=0.02)
    assert len(found) == pytest.approx((found.t_ns[-1] - found.t_ns[0]) / 1e8 + 1, abs=2)


def _updates(sensor: Sensor, seed: int) -> float:
    """Readings to a true update, under bursts of a second every few seconds."""
    load = square(3.7, 40.0, seed)
    found = Readings(series(load, sensor, POLLS["10 ms"], seed), channel(sensor.timing))
    true_s, _ = sensor.updates(load, load.span_s[1] + 3.0, seed)
    return len(found) / len(true_s)


@pytest.mark.parametrize("seed", range(3))
def test_a_sensor_that_stands_still_at_idle_is_not_said_to_have_been_updated(seed: int) -> None:
    """Where it rests it is updated once in a second."""
    assert _updates(SENSORS["mean of 1 s, frozen at idle"], seed) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_a_sensor_without_noise_that_stands_still_at_idle_repeats_steady_power(seed: int) -> None:
    """What it repeats in 0.7 s of steady power was taken for a standstill: energies were 12 to 22 % low."""
    sensor, load = replace(SENSORS["mean of 1 s, frozen at idle"], noise_w=0.0), square(3.4, 40.0, seed)
    first_s, last_s = load.span_s
    found = gauge(load, sensor, POLLS["10 ms"], seed).energy(T0 + round(first_s * S), T0 + round(last_s * S))
    assert found.value == pytest.approx(load.energy_j(np.array([last_s]))[0], rel=0.03)


def _between_busy_times(period_s: float, high: float, seed: int) -> Load:
    """A load that nowhere rests for a second, neither before nor after it."""
    of = uneven(period_s, 60.0, high, 0.02, seed)
    return replace(of, watts=np.concatenate(([BUSY_W], of.watts[1:-1], [BUSY_W])))


@pytest.mark.parametrize(("period_s", "high"), [(0.37, 0.5), (0.4, 0.25), (0.8, 0.3), (1.7, 0.5)])
def test_short_rests_show_that_a_sensor_stands_still_at_idle(period_s: float, high: float) -> None:
    """Its value was taken for that of each update, or its lowest mean for idle power: 0 to 38 % were held."""
    loads = [_between_busy_times(period_s, high, seed) for seed in range(8)]
    readers = [
        gauge(load, SENSORS["mean of 1 s, frozen at idle"], POLLS["10 ms"], seed)
        for seed, load in enumerate(loads)
    ]
    assert _holds(readers, loads, 10.0, 12)
