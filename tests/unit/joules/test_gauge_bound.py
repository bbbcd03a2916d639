"""The guaranteed energy of windows by a gauge, against its formula as sums over single readings."""

from dataclasses import replace

import gauges
import numpy as np
import pytest

from microjoule.joules.gauges.gauge_bound import guaranteed

MOST_W = 2 * gauges.LIMIT_W  # on average a device draws no more than twice its limit
LOW = gauges.steps(0.4, 9.0, 2)
LOW = replace(LOW, watts=0.002 * LOW.watts)  # of tenths of a watt
CASES = {
    "each reading of its whole period": ("100 of 100 ms", LOW, 0),
    "of a part of it": ("25 of 100 ms", gauges.steps(0.4, 9.0, 1), 0),
    "of a past second": ("mean of 1 s", gauges.steps(0.4, 9.0, 1), 0),
    "late by three periods": ("100 of 100 ms", gauges.steps(0.4, 9.0, 1), 300_000_000),
}


def by_single_readings(of, lag_s, t0_ns, t1_ns):
    """``low`` and ``high`` of one window, in J: a reading counts where its window lies inside for certain."""
    w, origin_ns = of.window_ns / 1e9, int(of.t_ns[0])
    begin, end = (t0_ns - origin_ns) / 1e9, (t1_ns - origin_ns) / 1e9
    late = max(lag_s, of.period_ns / 2e9)
    rows, last = [], -np.inf
    for t_ns, watts, spread in zip(of.t_ns.tolist(), of.watts.tolist(), of.spread_s.tolist(), strict=True):
        if of.shape == "boxcar" and t_ns - last < round(1.2 * w * 1e9):
            continue  # it overlaps the one before
        last, at = t_ns, (t_ns - origin_ns) / 1e9
        rows.append((at - 1.5 * w - late - 4 * spread, at + 4 * spread, watts))
    inside = [
        watts
        for k, (_, _, watts) in enumerate(rows)
        if min(row[0] for row in rows[k:]) >= begin and max(row[1] for row in rows[: k + 1]) <= end
    ]
    length = max(end - begin, 0.0)
    low = sum(max(watts - of.quantum_w, 0.0) * w / 2 for watts in inside)
    high = sum((watts + of.quantum_w) * 1.5 * w for watts in inside)
    high += MOST_W * max(length - len(inside) * w / 2, 0.0)
    return min(low, MOST_W * length), min(high, MOST_W * length), len(inside)


@pytest.mark.parametrize("name", CASES)
def test_the_bound_is_the_sum_over_readings_that_lie_inside_and_the_limit_for_the_rest(name):
    sensor, load, lag_ns = CASES[name]
    of = gauges.SENSORS[sensor]
    of = replace(of, timing=replace(of.timing, lag_ns=lag_ns))
    gauge = gauges.gauge(load, of, gauges.POLLS["10 ms"], 1)
    n_inside = 0
    for length_s in (0.0, 0.03, 0.3, 1.4, 4.0):
        t0, t1 = gauges.windows(load, length_s, 6, 1)
        low, high = guaranteed(gauge.readings, gauge.channel, t0, t1)
        for k in range(6):
            expected = by_single_readings(gauge.readings, lag_ns / 1e9, t0[k], t1[k])
            assert (low[k], high[k]) == pytest.approx(expected[:2], rel=1e-9, abs=1e-12)
            n_inside += expected[2]
    assert n_inside > 5


def test_without_a_declared_window_a_device_draws_between_nothing_and_twice_its_limit():
    gauge = gauges.gauge(LOW, gauges.SENSORS["100 of 100 ms, not declared"], gauges.POLLS["10 ms"], 1)
    t0, t1 = gauges.windows(LOW, 2.0, 3, 1)
    low, high = guaranteed(gauge.readings, gauge.channel, t0, t1)
    assert (low.tolist(), high.tolist()) == ([0.0] * 3, [2.0 * MOST_W] * 3)
    for limit_w in (None, 0.0):
        unknown = replace(gauge.channel, trust=replace(gauge.channel.trust, power_limit_w=limit_w))
        assert guaranteed(gauge.readings, unknown, t0, t1)[1].tolist() == [np.inf] * 3
        assert guaranteed(gauge.readings, unknown, t0, t0)[1].tolist() == [0.0] * 3


def test_what_was_seen_to_feed_back_may_do_so_up_to_the_limit():
    gauge = gauges.gauge(LOW, gauges.SENSORS["100 of 100 ms"], gauges.POLLS["10 ms"], 1)
    gauge.readings.watts[3] = -1.0
    low, high = guaranteed(gauge.readings, gauge.channel, *gauges.windows(LOW, 2.0, 3, 1))
    assert (low.tolist(), high.tolist()) == ([-2.0 * MOST_W] * 3, [2.0 * MOST_W] * 3)
