"""The driver's buffer of power samples through the native reader, against the stand-in's truth."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from standin import Wave, compiler, machine
from standin.native import MS, fields, once, readings

from microjoule._native import clock_pair, now_ns
from microjoule.sources.nvml_channels import SAMPLES_CALL, call_config, field_config

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in library with")

GPU = "GPU-00000000-0000-0000-0000-000000000001"
SECOND = 1000 * MS
ENERGY = field_config(83)

SAMPLES = call_config(SAMPLES_CALL)
SAMPLE = 5 * MS


def ticks(opened, n, pause_s=0.012):
    found = []
    for _ in range(n):
        found += once(opened)
        time.sleep(pause_s)
    return found


def test_samples_between_two_reads_are_all_there_once_with_their_own_times(tmp_path):
    truth = Wave("saw", 90_000, 650_000, 170 * MS, now_ns() - 20 * SECOND)
    library = machine(tmp_path, f"device {GPU}\n{truth.line}\nsamples {SAMPLE} 100 1")
    found = ticks(fields(library, GPU, SAMPLES), 10)
    assert all(r.status == 0 for r in found)
    t_ns = [r.t_ns for r in found]
    assert all(a < b for a, b in pairwise(t_ns))  # one row of a channel for each t_ns
    stamps = sorted({r.sensor_ns for r in found})
    # From the first sample of the buffer on, none is missing: the stamps are whole microseconds.
    assert all(abs(b - a - SAMPLE) <= 1000 for a, b in pairwise(stamps))
    assert len(stamps) >= 100 + 9 * 2
    t0, _, realtime = clock_pair(time.CLOCK_REALTIME)
    for reading in found:
        edge = round((reading.sensor_ns - (realtime - t0)) / SAMPLE) * SAMPLE
        assert reading.raw == truth.mean_mw(edge, SAMPLE)


def test_a_read_without_a_new_sample_tells_the_last_again_with_its_old_time(tmp_path):
    library = machine(tmp_path, f"device {GPU}\nsamples {3600 * SECOND} 3 1")
    opened = fields(library, GPU, SAMPLES)
    first, again = once(opened), once(opened)
    assert len(first) == 3
    assert [(r.raw, r.sensor_ns, r.status) for r in again] == [(first[-1].raw, first[-1].sensor_ns, 0)]


def test_samples_that_are_not_supported_are_a_status_and_harm_no_other(tmp_path):
    library = machine(tmp_path, f"device {GPU}")
    energy, samples = once(fields(library, GPU, ENERGY, SAMPLES))
    assert (energy.status, samples.status, samples.raw) == (0, 10003, None)


@pytest.mark.parametrize(("value_type", "expected"), [(0, 250), (1, 250), (3, 250), (7, None)])
def test_samples_of_every_type_are_understood_or_refused(tmp_path, value_type, expected):
    script = f"device {GPU}\nwave constant 250 250 1000 0\nsamples {SAMPLE} 4 {value_type}"
    found = once(fields(machine(tmp_path, script), GPU, SAMPLES))
    assert {r.raw for r in found} == {expected}
    assert [r.t_ns - found[0].t_ns for r in found] == [0, 1, 2, 3]
    assert {r.status == 0 for r in found} == {expected is not None}


def test_samples_run_beside_the_fields_in_a_lane(tmp_path):
    library = machine(tmp_path, f"device {GPU}\nsamples {SAMPLE} 50 1")
    opened = fields(library, GPU, ENERGY, SAMPLES)
    opened.start()
    time.sleep(0.3)
    opened.stop()
    found = readings(opened.drain())
    energy = [r for r in found if r.channel == 0]
    assert len(energy) == opened.counts()["ticks"]
    assert opened.counts()["dropped"] == opened.counts()["errors"] == 0
    assert len({r.sensor_ns for r in found if r.channel == 1}) >= 50 + 40
