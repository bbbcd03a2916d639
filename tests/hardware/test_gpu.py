"""A real NVIDIA GPU through the native reader, held against pynvml.

The experiments that take minutes and want a load are ``python benchmarks/gpu.py``.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from reached import reached
from standin.native import MS, readings, sampler

from microjoule._native import clock_pair
from microjoule.channel import Kind
from microjoule.sources import nvml
from microjoule.sources.machine import Machine

FOUND = nvml.survey(Machine(Path("/")))
WHY = "; ".join(obstacle.what for obstacle in FOUND.obstacles) or "no channel"
pytestmark = pytest.mark.skipif(not FOUND.channels, reason=f"no NVIDIA GPU to read: {WHY}")

HALF_SECOND = 0.5


@pytest.fixture(scope="module")
def recorded():
    """Readings of every listed channel over half a second at 100 Hz, by channel."""
    table = [
        (c.access.reader, c.access.path, 0, c.access.config, -1, i) for i, c in enumerate(FOUND.channels)
    ]
    opened = sampler(table, 10 * MS, "gpu")
    opened.start()
    time.sleep(HALF_SECOND)
    opened.stop()
    rows = readings(opened.drain())
    return {c.id: (c, [row for row in rows if row.channel == i]) for i, c in enumerate(FOUND.channels)}


def test_what_is_listed_can_be_read(recorded):
    for channel, rows in recorded.values():
        assert rows, channel.id
        assert {row.status for row in rows} == {0}, channel.id


@pytest.mark.reaches(counter=1)
def test_counters_never_fall(recorded):
    for channel, rows in recorded.values():
        if reached("counter", channel.kind is Kind.COUNTER):
            values = [row.raw for row in rows]
            assert values == sorted(values), channel.id


@pytest.mark.reaches(limit=1)
def test_power_is_below_twice_the_limit(recorded):
    for channel, rows in recorded.values():
        if reached("limit", channel.scale.quantity == "W" and channel.trust.power_limit_w):
            assert all(0 < row.raw * channel.scale.unit < 2 * channel.trust.power_limit_w for row in rows)


def test_timestamps_are_of_this_time(recorded):
    t_ns, _, realtime_ns = clock_pair(time.CLOCK_REALTIME)
    for channel, rows in recorded.values():
        # The driver's buffer reaches back to before the first read.
        oldest_ns = 60_000 * MS if channel.id.endswith("_samples") else 5000 * MS
        is_stamped = channel.timing.sensor_clock is not None
        assert {row.sensor_ns is not None for row in rows} == {is_stamped}, channel.id
        stamped = [(row, row.sensor_ns - (realtime_ns - t_ns)) for row in rows if is_stamped]
        ages_ns = [row.t_ns + row.read_ns - stamp_ns for row, stamp_ns in stamped]
        assert all(-10 * MS < age_ns < oldest_ns for age_ns in ages_ns), channel.id


def test_native_energy_lies_between_two_of_pynvml():
    import pynvml

    pynvml.nvmlInit()
    try:
        counters = [channel for channel in FOUND.channels if channel.id.endswith("/energy")]
        assert counters
        for channel in counters:
            uuid = channel.access.path.partition("@")[0]
            handle = pynvml.nvmlDeviceGetHandleByUUID(uuid.encode())
            opened = sampler([("nvml", channel.access.path, 0, channel.access.config, -1, 0)])
            before = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
            opened.tick()
            after = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
            (row,) = readings(opened.drain())
            assert before <= row.raw <= after
    finally:
        pynvml.nvmlShutdown()


def test_no_two_rows_of_a_channel_have_one_time(recorded):
    for channel, rows in recorded.values():
        assert len({row.t_ns for row in rows}) == len(rows), channel.id
