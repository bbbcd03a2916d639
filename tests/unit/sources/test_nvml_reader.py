"""The native NVML reader against the stand-in's truth, and every way in which a library can be bad."""

from __future__ import annotations

import time

import pytest
from standin import LIBRARY, Wave, compiler, machine
from standin.native import MS, channel, fields, once, readings, sampler

from microjoule._native import clock_pair, now_ns
from microjoule.channel.failed_read import STATUS_NVML
from microjoule.errors import PermissionDenied, SourceUnavailable
from microjoule.sources.nvml_channels import (
    CLOCK_CALL,
    ENERGY_CALL,
    POWER_CALL,
    TEMPERATURE_CALL,
    UTILIZATION_CALL,
    call_config,
    field_config,
)

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in library with")

ENERGY, AVERAGE, INSTANT = field_config(83), field_config(185), field_config(186)
CALLS = [
    call_config(call) for call in (ENERGY_CALL, POWER_CALL, TEMPERATURE_CALL, CLOCK_CALL, UTILIZATION_CALL)
]
GPU = "GPU-00000000-0000-0000-0000-000000000001"
OTHER = "GPU-00000000-0000-0000-0000-000000000002"
NOT_SUPPORTED, FUNCTION_NOT_FOUND, LOST, UNKNOWN = 3, 13, 15, 999
SECOND = 1000 * MS
UPDATE = 2 * MS  # of the scripted counter: short, so that a test sees many


def edges(reading, period):
    """The update instants that a reading may have met: its read took a while."""
    first = reading.t_ns - reading.t_ns % period
    return range(first, reading.t_ns + reading.read_ns + 1, period)


def wave(kind):
    # It began 10 s ago, so that a window of a second is full of it.
    return Wave(kind, 90_000, 650_000, 37 * MS, now_ns() - 10 * SECOND)


@pytest.mark.parametrize("kind", ["constant", "square", "saw"])
def test_counter_is_the_integral_of_power_up_to_its_last_update(tmp_path, kind):
    truth = wave(kind)
    library = machine(tmp_path, f"device {GPU}\n{truth.line}\nenergy {UPDATE} 0")
    opened = fields(library, GPU, ENERGY, field_config(191), CALLS[0])
    seen = set()
    for _ in range(50):
        for reading in once(opened):
            assert reading.status == 0
            assert reading.raw in {truth.energy_mj(edge) for edge in edges(reading, UPDATE)}
            seen.add(reading.raw)
        time.sleep(0.001)
    assert len(seen) > 5


@pytest.mark.parametrize("kind", ["constant", "square", "saw"])
@pytest.mark.parametrize(("period_ms", "window_ms"), [(100, 25), (20, 10), (100, 100)])
def test_instant_power_is_the_mean_of_the_last_part_of_a_period(tmp_path, kind, period_ms, window_ms):
    truth, period, window = wave(kind), period_ms * MS, window_ms * MS
    library = machine(tmp_path, f"device {GPU}\n{truth.line}\ninstant {period} {window}")
    opened = fields(library, GPU, INSTANT, CALLS[1])
    for reading in once(opened):
        assert reading.raw in {truth.mean_mw(edge, window) for edge in edges(reading, period)}


def test_average_power_is_the_mean_of_the_last_second(tmp_path):
    truth = wave("square")
    library = machine(tmp_path, f"device {GPU}\n{truth.line}\naverage {100 * MS} {SECOND} 0")
    (reading,) = once(fields(library, GPU, AVERAGE))
    assert reading.raw in {truth.mean_mw(edge, SECOND) for edge in edges(reading, 100 * MS)}


def test_average_power_that_freezes_at_idle_speaks_of_its_last_busy_update(tmp_path):
    # The load ended 50 ms ago or more and comes back in a long while: all but the last is idle.
    truth = Wave("square", 40_000, 400_000, 1000 * SECOND, now_ns() - 500 * SECOND - 250 * MS)
    library = machine(tmp_path, f"device {GPU}\n{truth.line}\naverage {100 * MS} {SECOND} 50000")
    (reading,) = once(fields(library, GPU, AVERAGE))
    assert reading.raw == 400_000


def test_timestamp_is_the_updates_own_in_realtime(tmp_path):
    library = machine(tmp_path, f"device {GPU}\nenergy {UPDATE} 7\nstamps update")
    (reading,) = once(fields(library, GPU, ENERGY))
    t_ns, _, realtime_ns = clock_pair(time.CLOCK_REALTIME)
    assert reading.sensor_ns % 1000 == 0
    monotonic_ns = reading.sensor_ns - (realtime_ns - t_ns)
    assert min(abs(monotonic_ns - edge) for edge in edges(reading, UPDATE)) < MS


@pytest.mark.parametrize("stamps", ["none", "huge"])
def test_field_without_a_timestamp_and_a_call_have_none(tmp_path, stamps):
    library = machine(tmp_path, f"device {GPU}\nstamps {stamps}")
    assert [r.sensor_ns for r in once(fields(library, GPU, ENERGY, *CALLS))] == [None] * 6


def test_all_fields_of_a_device_are_one_call(tmp_path):
    library = machine(tmp_path, f"device {GPU}\ndevice {OTHER}\nslow {MS}")
    configs = [ENERGY, call_config(TEMPERATURE_CALL), INSTANT, AVERAGE]
    channels = [channel(library, uuid, c, i) for uuid in (GPU, OTHER) for i, c in enumerate(configs)]
    found = once(sampler(channels))
    assert [r.channel for r in found] == [0, 1, 2, 3] * 2
    for device in (found[:4], found[4:]):
        energy, temperature, instant, average = device
        assert energy.t_ns == instant.t_ns == average.t_ns != temperature.t_ns
        assert energy.read_ns == instant.read_ns == average.read_ns
    assert found[4].read_ns >= MS  # the slow one's own cost, not the other's


def test_slow_gauges(tmp_path):
    library = machine(tmp_path, f"device {GPU}")
    assert [r.raw for r in once(fields(library, GPU, *CALLS[2:]))] == [45, 1980, 73]


@pytest.mark.parametrize(
    ("value_type", "expected"),
    [(0, 250), (1, 250), (2, 250), (3, 250), (4, 2**64 - 250), (5, 2**64 - 250), (6, 250)],
)
def test_every_value_type_becomes_64_bits(tmp_path, value_type, expected):
    # A double is rounded, signed ones are in two's complement, and what a narrow one leaves is rubbish.
    script = f"device {GPU}\nwave constant 250 250 1000 0\nanswer 186 0 0 1000 {value_type}"
    (reading,) = once(fields(machine(tmp_path, script), GPU, INSTANT))
    assert (reading.status, reading.raw) == (0, expected)


def test_unknown_value_type_is_no_number(tmp_path):
    (reading,) = once(fields(machine(tmp_path, f"device {GPU}\nanswer 186 0 0 1000 99"), GPU, INSTANT))
    assert reading.raw is None
    assert 0 < reading.status < STATUS_NVML


def test_each_field_has_its_own_return_code(tmp_path):
    script = f"device {GPU}\nanswer 185 0 {NOT_SUPPORTED} 0 1\nanswer 191 0 255 0 3\nrefuse temperature 4"
    opened = fields(machine(tmp_path, script), GPU, ENERGY, AVERAGE, field_config(191), CALLS[2])
    found = once(opened)
    assert [r.status for r in found] == [
        0,
        STATUS_NVML + NOT_SUPPORTED,
        STATUS_NVML + UNKNOWN,
        STATUS_NVML + 4,
    ]
    assert [r.raw is None for r in found] == [False, True, True, True]
    assert [r.sensor_ns is None for r in found] == [False, True, True, True]
    assert opened.counts()["errors"] == 3


def test_scope_selects_the_figure(tmp_path):
    script = f"device {GPU}\nwave constant 100000 100000 1000 0\nanswer 185 2 0 150 1\nanswer 185 1 0 2000 1"
    opened = fields(machine(tmp_path, script), GPU, AVERAGE, field_config(185, 2), field_config(185, 1))
    assert [r.raw for r in once(opened)] == [100_000, 15_000, 200_000]


def test_lost_gpu_becomes_failed_rows_and_the_other_goes_on(tmp_path):
    library = machine(tmp_path, f"device {GPU}\nlost unplugged\ndevice {OTHER}")
    configs = [ENERGY, CALLS[2]]
    opened = sampler(channel(library, uuid, c, i) for uuid in (GPU, OTHER) for i, c in enumerate(configs))
    assert [r.status for r in once(opened)] == [0] * 4
    (tmp_path / "unplugged").touch()
    assert [r.status for r in once(opened)] == [STATUS_NVML + LOST] * 2 + [0] * 2


def test_counter_that_starts_again_is_kept_as_read(tmp_path):
    reset_ns = now_ns() + 2000 * MS  # a loaded machine has read it once by then
    library = machine(
        tmp_path, f"device {GPU}\n{wave('square').line}\nenergy {UPDATE} 900000\nreset {reset_ns}"
    )
    opened = fields(library, GPU, ENERGY)
    before = once(opened)[0].raw
    time.sleep(max(0, reset_ns + UPDATE - now_ns()) / 1e9)
    assert once(opened)[0].raw < before


def test_library_without_an_optional_symbol_fails_that_channel_only(tmp_path):
    library = machine(tmp_path, f"device {GPU}", without=["UTILIZATION"])
    statuses = [r.status for r in once(fields(library, GPU, ENERGY, *CALLS))]
    assert statuses == [0, 0, 0, 0, 0, STATUS_NVML + FUNCTION_NOT_FOUND]


def test_library_without_a_required_symbol_says_which(tmp_path):
    library = machine(tmp_path, f"device {GPU}", without=["FIELD_VALUES"])
    with pytest.raises(SourceUnavailable, match=f"find nvmlDeviceGetFieldValues in {library}"):
        fields(library, GPU, ENERGY)


def test_missing_library_is_named():
    with pytest.raises(SourceUnavailable, match=r"load /nowhere/libnvidia-ml\.so\.1: .*No such file"):
        sampler([channel("/nowhere/libnvidia-ml.so.1", GPU, ENERGY)])


def test_file_that_is_no_library_is_named(tmp_path):
    (tmp_path / LIBRARY).write_text("not ELF")
    with pytest.raises(SourceUnavailable, match=f"load {tmp_path / LIBRARY}"):
        fields(tmp_path / LIBRARY, GPU, ENERGY)


@pytest.mark.parametrize(
    ("code", "error"),
    [(18, SourceUnavailable), (9, SourceUnavailable), (4, PermissionDenied), (17, PermissionDenied)],
)
def test_library_that_will_not_start_gives_its_code(tmp_path, code, error):
    with pytest.raises(error, match=rf"start {tmp_path}/{LIBRARY}: .* \(NVML code {code}\)"):
        fields(machine(tmp_path, f"init {code}\ndevice {GPU}"), GPU, ENERGY)


def test_unknown_gpu_is_named(tmp_path):
    with pytest.raises(SourceUnavailable, match=rf"find GPU {OTHER}: Not Found \(NVML code 6\)"):
        fields(machine(tmp_path, f"device {GPU}"), OTHER, ENERGY)


def test_failed_open_shuts_the_library_down(tmp_path):
    library = machine(tmp_path, f"device {GPU}\nenergy {UPDATE} 5")
    for _ in range(3):
        with pytest.raises(SourceUnavailable):
            fields(library, OTHER, ENERGY)
    assert once(fields(library, GPU, ENERGY))[0].status == 0


@pytest.mark.parametrize("path", ["GPU-1", f"{LIBRARY}", "GPU-1@", ""])
def test_path_that_is_not_uuid_at_library_is_refused(path):
    with pytest.raises(ValueError, match="UUID@LIBRARY"):
        sampler([("nvml", path, 0, ENERGY, -1, 0)])


def test_call_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no such NVML call"):
        fields(machine(tmp_path, f"device {GPU}"), GPU, call_config(8))


def test_lane_has_one_library(tmp_path):
    one, other = machine(tmp_path / "a", f"device {GPU}"), machine(tmp_path / "b", f"device {GPU}")
    with pytest.raises(ValueError, match="one lane reads one NVML library"):
        sampler([channel(one, GPU, ENERGY), channel(other, GPU, ENERGY)])


def test_two_samplers_share_the_library_and_one_may_end(tmp_path):
    library = machine(tmp_path, f"device {GPU}")
    first, second = fields(library, GPU, ENERGY), fields(library, GPU, CALLS[2])
    del first
    assert once(second)[0].raw == 45


def test_slow_library_delays_its_own_lane_only(tmp_path):
    # 50 ms a call against a lane of 1 kHz: the slow lane misses most of its ticks, the other keeps its own.
    library = machine(tmp_path, f"device {GPU}\nslow {50 * MS}")
    (tmp_path / "energy1_input").write_text("1\n")
    slow = sampler([channel(library, GPU, ENERGY)], 10 * MS, "gpu-0")
    text = sampler([("text", str(tmp_path / "energy1_input"), 0, 0, -1, 0)], MS, "package-0")
    slow.start(), text.start()
    time.sleep(0.5)
    slow.stop(), text.stop()
    assert slow.counts()["missed"] > slow.counts()["ticks"] > 0
    assert text.counts()["ticks"] > 10 * slow.counts()["ticks"]
    assert all(reading.read_ns >= 50 * MS for reading in readings(slow.drain()))
