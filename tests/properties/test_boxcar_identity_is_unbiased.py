"""The mean of the past second gives any waveform's energy once it has settled."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from places import identity

from microjoule.channel import Access, Channel, Kind, Scale, Timing, Trust
from microjoule.joules.gauges.gauge import Gauge
from microjoule.trace.series import NO_TIME, Series

MS = 1_000_000
S = 1000 * MS
T0 = 5_000 * S
BIAS = 1e-9
OUTSIDE = 2.0  # of U: as far as a search for the worst waveform comes (1.7 was seen)
SMALL = 0.012  # of the truth or of a joule: what steps of a milliwatt leave of a short load
NANO = Fraction(1, 10**12)  # W a count: no rounding stands between the waveform and the law


class Pieces:
    """Power that is constant between instants, and its exact integral in whole watt nanoseconds."""

    def __init__(self, edges_ns: list[int], watts: list[int]) -> None:
        self.edges_ns, self.watts = edges_ns, watts  # one more watt than edges: before, between, after

    def integral(self, t_ns: int) -> int:
        done, at = 0, T0 - 100 * S
        for edge, watts in zip(self.edges_ns, self.watts, strict=False):
            done += watts * (min(edge, t_ns) - min(at, t_ns))
            at = edge
        return done + self.watts[-1] * (t_ns - min(at, t_ns))


def gauge(power: Pieces, update_ns: int, window_ns: int, phase_ns: int, end_ns: int, polls: int = 1) -> Gauge:
    """What such a gauge says from 3 s before T0 on, each update read several times."""
    edges = np.repeat(np.arange(T0 - 3 * S + phase_ns, end_ns, update_ns), polls)
    raw = [
        round(Fraction(power.integral(int(t)) - power.integral(int(t) - window_ns), window_ns) / NANO)
        for t in edges
    ]
    n = len(edges)
    channel = Channel(
        **identity("gpu-0/power_average"),
        source="nvml",
        lane="gpu-0",
        kind=Kind.GAUGE,
        scale=Scale(quantity="W", unit=NANO, unit_source="interface"),
        timing=Timing(
            update_ns=update_ns, update_max_ns=2 * update_ns, window_ns=window_ns, sensor_clock="realtime"
        ),
        trust=Trust(power_limit_w=700.0),
        access=Access(reader="nvml", path=""),
    )
    late = 3 * MS + np.tile(np.arange(polls) * (update_ns // (polls + 1)), n // polls)
    realtime = 10**18
    series = Series(
        edges + late,
        np.zeros(n, np.uint32),
        np.array(raw, np.uint64),
        np.zeros(n, np.uint16),
        sensor_ns=edges + realtime,
    )
    pairs: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] = (
        np.array([T0 - S, T0 + S]),
        np.array([T0 - S, T0 + S]) + realtime,
    )
    assert (series.sensor_ns != NO_TIME).all()
    return Gauge(series, channel, pairs)


steps = st.lists(st.tuples(st.integers(1, 700 * MS), st.integers(0, 700)), min_size=1, max_size=6)


def measured(load, idle_w, phase_ns, update_ms, polls):
    """The energy of a waveform that begins and ends at the idle power, and the truth."""
    lengths, watts = zip(*load, strict=True)
    edges = [T0, *(T0 + np.cumsum(lengths)).tolist()]
    power = Pieces(edges, [idle_w, *watts, idle_w])
    end = edges[-1]
    found = gauge(power, update_ms * MS, S, phase_ns % (update_ms * MS), end + 4 * S, polls).energy(T0, end)
    return found, (power.integral(end) - power.integral(T0)) / S


@settings(max_examples=30)
@given(steps, st.integers(0, 200), st.integers(0, 99 * MS), st.sampled_from([50, 100]), st.integers(1, 3))
def test_any_waveform_lies_in_its_guaranteed_interval(load, idle_w, phase_ns, update_ms, polls):
    found, truth = measured(load, idle_w, phase_ns, update_ms, polls)
    assert found.status == "ok"
    assert found.value is not None
    assert found.low <= truth <= found.high
    assert found.low <= found.value <= found.high
    assert "aliasing" not in {row["name"] for row in found.budget()}


@pytest.mark.parametrize(
    ("load", "idle_w", "phase_ns", "update_ms"),
    [
        ([(4286, 700)], 0, 0, 20),  # 3 mJ
        ([(1, 700)], 0, 0, 100),  # a nanosecond of load
        ([(780_870, 688)], 2, 769_080, 50),  # half a joule in less than a millisecond: its error is U
        ([(231_750, 26)], 0, 78_588, 50),  # 6 mJ: 6 mW more in a mean of a second
    ],
)
def test_a_waveform_of_millijoules_is_found(load, idle_w, phase_ns, update_ms):
    found, truth = measured(load, idle_w, phase_ns, update_ms, 1)
    assert abs(found.value - truth) <= max(OUTSIDE * found.U, SMALL * max(truth, 1.0 + idle_w))


@pytest.mark.parametrize("update_ms", [50, 100])
def test_boxcar_identity_is_unbiased(update_ms):
    """Of 200 waveforms, always the same ones: 95 % intervals hold, and the sum is right to some permille."""
    errors, wide, truths = [], [], []
    for seed in range(200):
        chance = np.random.default_rng([seed, update_ms])
        n = int(chance.integers(1, 7))
        load = list(
            zip(chance.integers(1, 700 * MS, n).tolist(), chance.integers(0, 701, n).tolist(), strict=True)
        )
        idle_w, phase_ns, polls = (int(chance.integers(*of)) for of in ((0, 201), (0, 99 * MS), (1, 4)))
        found, truth = measured(load, idle_w, phase_ns, update_ms, polls)
        errors.append(found.value - truth)
        wide.append(found.U)
        truths.append(truth)
    assert np.mean(np.abs(errors) <= wide) >= 0.93
    assert abs(np.sum(errors)) < 0.005 * np.sum(truths)


@settings(max_examples=30)
@given(steps, st.integers(1, 3))
@example([(1, 0), (10, 1), (330_769_220, 0)], 1)
@example([(206, 0), (125_925_720, 1)], 1)  # eight gaps in each second: all means before are equal
@example([(5_703_836, 684), (195_473_242, 511), (196, 306)], 3)  # it settles shortly after the window
def test_readings_a_window_apart_add_up(load: list[tuple[int, int]], m: int) -> None:
    """Of m W inside a load that never settles, the readings spaced W are the energy."""
    lengths, watts = zip(*load, strict=True)
    many = 40
    edges = (T0 - 5 * S + np.cumsum(lengths * many)).tolist()
    power = Pieces(edges, [100, *(watts * many)])
    end = T0 + m * S
    found = gauge(power, 100 * MS, S, 0, end + 3 * S).energy(T0, end)
    truth = (power.integral(end) - power.integral(T0)) / S
    assert found.value is not None
    # Instants are whole nanoseconds, and each of forty pulses may lose some of its own to that.
    rounding = 40 * max(watts) * 1e-9
    assert abs(found.value - truth) <= BIAS * max(truth, 1.0) + 2 * found.u + rounding
