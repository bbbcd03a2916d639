"""Counters beside a meter of known gain and offset: its fit, its coverage, and what is refused."""

import json
from dataclasses import dataclass, replace

import gauges
import numpy as np
import pytest
from ideal import MS, Ideal, S, Wave, constant, rows

from microjoule.channel import Channel, Timing
from microjoule.errors import BadMeter, NoValue
from microjoule.joules.energy_trace import Trace
from microjoule.joules.reference.beside_meter import against, coverage, device_id
from microjoule.trace import schema
from microjoule.trace.series import Series
from microjoule.trace.window import Window

LOAD = gauges.steps(0.5, 30.0, seed=3)
DRAM_W, GAIN, OFFSET_W = 80.0, 1.3, 25.0
PACKAGE = Ideal(
    Wave("steps", 330.0, lambda t: LOAD.energy_j(t) - LOAD.energy_j(np.zeros(1))),
    n=3600, seed=1, poll_ns=10 * MS, update_ns=10 * MS,
)  # fmt: skip
DRAM = replace(PACKAGE, wave=constant(DRAM_W), seed=2, id="package-0/dram")
BEYOND = 1.5  # U that one recording may be off by: of twenty one is off by more than U
DISPLAY = gauges.Sensor(quantum_w=0.1, noise_w=0.0, jitter=0.5)


@dataclass(frozen=True)
class Meter:
    """A meter's channel and its readings, of which some failed."""

    series: Series
    channel: Channel


def meter(gain=GAIN, offset_w=OFFSET_W, load=LOAD):
    """One that shows ``offset_w + gain P``, P being the power of a load and of the DRAM."""
    shown = gauges.Load(load.edges_s, offset_w + gain * (load.watts + DRAM_W))
    found = gauges.series(shown, DISPLAY, gauges.Poll(rate_hz=9.0))
    is_read = np.abs(np.arange(len(found)) - 290) > 15
    channel = gauges.channel(Timing(update_ns=S // 9), "meter-0/power")
    return Meter(
        replace(found, valid=is_read, raw=np.where(is_read, found.raw, 0)),
        replace(channel, access=replace(channel.access, path="shelly://plug")),
    )


def trace(*channels, facts=None):
    table = rows(channels)
    if facts:
        known = {**table.schema.metadata, schema.KEY_FACTS: json.dumps(facts).encode()}
        table = table.replace_schema_metadata(known)
    return Trace(table)


def off(found, truth):
    """By how many U a figure is off."""
    return abs(found.value - truth) / found.U


@pytest.mark.parametrize("n", [PACKAGE.n, 2600], ids=["all the time", "until one counter fell silent"])
def test_a_meter_of_the_machine_has_its_gain_and_offset_beside_the_sum_of_the_counters(n):
    found = against(trace(PACKAGE, replace(DRAM, n=n), meter()))
    assert off(found.gain, GAIN) < BEYOND
    assert off(found.offset_w, OFFSET_W) < BEYOND
    assert found.gain.U < 0.02 * GAIN
    assert found.offset_w.U < 0.3 * OFFSET_W
    assert found.explained > 0.95


def test_a_meter_of_one_channel_may_show_less_than_all_counters_and_one_of_all_may_not():
    of_trace = trace(PACKAGE, DRAM, meter(gain=0.9, offset_w=-0.9 * DRAM_W))
    found = against(of_trace, "package-0")
    assert off(found.gain, 0.9) < BEYOND
    assert off(found.offset_w, 0.0) < BEYOND
    assert found.gain.U < 0.02
    assert found.offset_w.U < 5.0
    with pytest.raises(BadMeter, match="less than the"):
        against(of_trace)


def test_a_meter_of_another_load_no_meter_and_no_counter_are_refused():
    with pytest.raises(BadMeter, match="does not follow the counters"):
        against(trace(PACKAGE, DRAM, meter(load=gauges.steps(0.5, 30.0, seed=4))))
    falling = trace(PACKAGE, DRAM, meter(gain=-0.9, offset_w=300.0))
    with pytest.raises(
        BadMeter, match=r"gives package-0 no gain: the meter falls where the channel rises \(gain -0\."
    ):
        against(falling, "package-0")
    with pytest.raises(BadMeter, match=r"does not follow the counters: it falls where they rise \(gain -0\."):
        against(falling)
    with pytest.raises(BadMeter, match="no meter that shows watts"):
        against(trace(PACKAGE, DRAM))
    with pytest.raises(NoValue, match="No energy counter"):
        against(trace(meter()))


def test_the_counters_cover_of_a_meter_in_the_trace_what_they_count_of_its_energy():
    of_trace = trace(PACKAGE, DRAM, meter())
    window = Window("some", *PACKAGE.inside(0.2, 0.8))
    found = coverage(of_trace, window)
    counted_j = sum(each.truth(window.t0_ns, window.t1_ns) for each in (PACKAGE, DRAM))
    true_j = OFFSET_W * window.duration_ns / S + GAIN * counted_j
    assert (found.meter, found.taken_realtime_ns, found.is_meter_assessed) == ("meter-0/power", None, False)
    assert abs(found.energy_j - true_j) <= found.U_j < 0.05 * true_j
    assert abs(found.share - counted_j / true_j) <= found.U_share < 0.05


@pytest.mark.parametrize("accuracy", [None, 0.01])
def test_a_calibration_gives_the_line_at_the_mean_of_its_powers(accuracy):
    """E = offset T + gain C. U has the height at the mean, the gain off it, and the meter's limits.

    Limits of ± 1 % are a rectangle: its 95 % is taken as 2 / sqrt(3) of them.
    """
    line = {
        "of": "", "meter": "shelly://plug", "taken_realtime_ns": 7, "offset_w": OFFSET_W, "gain": GAIN,
        "mean_w": 100.0, "U_mean_w": 2.0, "U_gain": 0.05, "meter_accuracy": accuracy,
    }  # fmt: skip
    of_trace = trace(PACKAGE, DRAM, facts={"reference": [{**line, "of": "package-0", "gain": 9.0}, line]})
    window = of_trace.span
    found = coverage(of_trace, window)
    time_s, counted_j = window.duration_ns / S, of_trace.energy(window).total.value
    expected_j = OFFSET_W * time_s + GAIN * counted_j
    parts = (2.0 * time_s, 0.05 * (counted_j - 100.0 * time_s), (accuracy or 0) * 2 / 3**0.5 * expected_j)
    U_j = sum(each**2 for each in parts) ** 0.5  # noqa: N806 - the GUM's own symbol
    assert found.energy_j == pytest.approx(expected_j, rel=1e-12)
    assert found.U_j == pytest.approx(U_j, rel=1e-12)
    assert found.share == pytest.approx(counted_j / expected_j, rel=1e-12)
    assert found.U_share == pytest.approx(found.share * U_j / expected_j, rel=1e-12)
    assert (found.meter, found.taken_realtime_ns) == ("shelly://plug", 7)
    assert found.is_meter_assessed is (accuracy is not None)
    assert coverage(trace(PACKAGE, DRAM), window) is None


@pytest.mark.parametrize(("path", "expected"), [("GPU-1a2b@total", "GPU-1a2b"), ("/sys/energy_uj", "")])
def test_what_stands_before_the_sign_in_an_address_tells_a_device_from_others(path, expected):
    of = PACKAGE.channel
    assert device_id(replace(of, access=replace(of.access, path=path))) == expected
