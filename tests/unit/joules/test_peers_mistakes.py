"""Counter arithmetic that other tools get wrong (shared/peers.md): each row is a test."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from ideal import MS, T0, Ideal, S, constant

from microjoule.channel import Channel, Encoding, PowerModel
from microjoule.joules.counters.counter import Counter
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.total import covered, total
from microjoule.trace.series import Series

ESU14 = Ideal(constant(100.0), limit_w=200.0, update_ns=1 * MS)
PACKAGE_MAX_UJ = 262_143_328_850
DRAM_MAX_UJ = 65_712_999_613


def readings(raw: list[int], gap_ns: int = S) -> Series:
    """Readings one gap apart, each of 2 µs."""
    n = len(raw)
    return Series(
        t_ns=T0 + gap_ns * np.arange(n, dtype=np.int64),
        read_ns=np.full(n, 2000, np.uint32),
        raw=np.array(raw, np.uint64),
        status=np.zeros(n, np.uint16),
    )


def between(raw: list[int], channel: Channel, gap_ns: int = S) -> npt.NDArray[np.int64]:
    """Cumulative counts over these readings."""
    return Counter(readings(raw, gap_ns), channel).steps.total


def powercap(unit: Fraction) -> Channel:
    return replace(ESU14, encoding=Encoding.POWERCAP, unit=unit).channel


def test_unchanged_counter_is_no_energy_rather_than_its_absolute_value() -> None:
    """PAPI powercap: 100 kJ for 0 J."""
    counter = Counter(readings([1_638_400_000] * 6), ESU14.channel)
    estimate = counter.energy(T0 + S, T0 + 3 * S)
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high <= 2 / 16384


@pytest.mark.parametrize(
    ("unit", "max_uj"), [(Fraction(1, 1 << 14), PACKAGE_MAX_UJ), (Fraction(153, 10**7), DRAM_MAX_UJ)]
)
def test_each_channel_wraps_at_its_own_range(unit: Fraction, max_uj: int) -> None:
    """PAPI, PowerJoular: one range for package and DRAM; kepler, zeus, Variorum: max for max + one unit."""
    nanojoules = int(unit * 10**9)
    before, after = max_uj, 2 * nanojoules // 1000
    assert between([before, after], powercap(unit))[-1] == 3


def test_one_wrap_of_32_bits_is_not_1e15_joules() -> None:
    """LIKWID: a difference of 32-bit counts taken in 64 bits."""
    counter = Counter(readings([(1 << 32) - 10, 30, 70, 110, 150, 190]), ESU14.channel)
    assert counter.steps.total.tolist() == [0, 40, 80, 120, 160, 200]
    assert counter.steps.wrapped.tolist() == [1]
    assert counter.energy(T0 + S // 2, T0 + S).high < 1


def test_wrap_is_neither_zero_nor_negative_nor_dropped() -> None:
    """Scaphandre, pyRAPL, pyJoules, zeus, emt, carbontracker: a window that ends just after a wrap."""
    ideal = Ideal(constant(100.0), n=200, start=(1 << 32) - 163840)
    wrap_ns = T0 + int(0.1 * S)
    counter = Counter(ideal.series, ideal.channel)
    assert len(counter.steps.wrapped) == 1
    for after_ms in (1, 2, 3, 5):
        a, b = wrap_ns - 20 * MS, wrap_ns + after_ms * MS
        estimate = counter.energy(a, b)
        assert estimate.status == "ok"
        assert estimate.low <= ideal.truth(a, b) <= estimate.high
        assert estimate.value == pytest.approx(ideal.truth(a, b), abs=0.2)


def test_several_wraps_between_two_reads_are_ambiguous_and_not_10_j_for_100_j() -> None:
    """joule-profiler, pyRAPL, pyJoules, emt, codecarbon at its 15 s default."""
    ideal = replace(ESU14, n=8, poll_ns=15 * S, poll_jitter=0.0, modulus=1 << 23, update_ns=S // 10)
    a, b = T0 + 40 * S, T0 + 70 * S
    estimate = Counter(ideal.series, ideal.channel).energy(a, b)
    assert (estimate.status, estimate.value) == ("ambiguous", None)
    truth = ideal.truth(a, b)
    assert truth == pytest.approx(3000.0)
    assert estimate.low <= truth <= estimate.high


def test_modulus_need_not_be_a_power_of_two() -> None:
    """perf's framework PMU steps back by 2**32 units of 262 143 counts, not of 262 144."""
    modulus = 262143 << 32
    channel = replace(ESU14, modulus=modulus, unit=Fraction(1, 1 << 32), quantum=262143).channel
    assert between([modulus - 262143, 2 * 262143, 5 * 262143], channel).tolist() == [
        0,
        3 * 262143,
        6 * 262143,
    ]


def test_perf_counts_negative_by_one_wrap_are_put_right() -> None:
    """The kernel books a step of more than 2**31 raw units negative: modulo the register it is right."""
    channel = replace(
        ESU14, modulus=1 << 50, unit=Fraction(1, 1 << 32), quantum=1 << 18, limit_w=None
    ).channel
    step = (3 << 30) << 18  # raw units that 32 signed bits take for negative
    channel = replace(channel, trust=replace(channel.trust, power_limit_w=1e5))
    booked = [1 << 51, (1 << 51) + step - (1 << 50)]
    assert between(booked, channel, 10 * S)[-1] == step


def test_millisecond_steps_are_exact_at_any_count() -> None:
    """PMT: joules in float32 quantise a 1 ms step by 16 %."""
    start = 4_000_000_000
    raw = [start + 1639 * i for i in range(50)]
    assert np.diff(between(raw, ESU14.channel, MS)).tolist() == [1639] * 49
    counter = Counter(readings(raw, MS), ESU14.channel)
    estimate = counter.energy(T0 + 10 * MS, T0 + 11 * MS)
    assert estimate.value == pytest.approx(1639 / 16384, rel=1e-9)


def test_two_equal_readings_are_two_readings() -> None:
    """Dedupe by value moves the time of a plateau's end: equal readings in a row are legal."""
    raw = [0, 100, 100, 100, 100, 200, 300]
    counter = Counter(readings(raw, MS), ESU14.channel)
    assert len(counter) == 7
    early, late = counter.position([T0 + 3 * MS, T0 + 5 * MS])
    assert early >> counter.bits <= 190
    assert counter.energy(T0 + 2 * MS + 5000, T0 + 4 * MS + 5000).low == 0
    assert late >= early


def table(*rows: tuple[str, tuple[str, ...]], model: PowerModel | None = None) -> dict[str, Channel]:
    channels = {}
    for name, parents in rows:
        channel = replace(ESU14, id=name, parents=parents).channel
        if name.startswith("cpu_time"):
            channel = replace(
                channel,
                scale=replace(channel.scale, quantity="s"),
                trust=replace(
                    channel.trust, model=model or PowerModel(value_w=3, low_w=1, high_w=9, source="t")
                ),
            )
        channels[name] = channel
    return channels


P = ("package-0",)


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        pytest.param(
            table(("psys", ()), ("package-0", ("psys",)), ("package-0/core", P), ("package-0/dram", ())),
            ("package-0", "package-0/dram"),
            id="psys + package + core summed",
        ),
        pytest.param(table(("psys", ())), ("psys",), id="psys alone"),
        pytest.param(
            table(("node/energy", ()), ("package-0", ())),
            ("package-0",),
            id="a Cray node beside what it holds",
        ),
        pytest.param(
            table(("package-0", ()), ("package-0@powercap", ()), ("package-1", ())),
            ("package-0", "package-1"),
            id="a second source counted beside the first",
        ),
        pytest.param(table(("package-0@powercap", ())), ("package-0@powercap",), id="the only source"),
        pytest.param(
            table(("package-0", ()), ("package-0/dram", P)), P, id="dram inside the package, as parents say"
        ),
        pytest.param(
            table(*((f"gpu-{i}/energy", ()) for i in range(8))),
            tuple(f"gpu-{i}/energy" for i in range(8)),
            id="mean over devices instead of a sum",
        ),
        pytest.param(table(("cpu_time/system", ()), ("package-0", ())), P, id="estimated added to measured"),
        pytest.param(
            table(("cpu_time/command", ("cpu_time/system",)), ("cpu_time/system", ())),
            ("cpu_time/command",),
            id="the command added to the system that contains it",
        ),
        pytest.param(table(("package-0/core", P)), ("package-0/core",), id="a child without its parent"),
    ],
)
def test_total_counts_no_joule_twice(channels: dict[str, Channel], expected: tuple[str, ...]) -> None:
    """Overlaps, mirrors and models are left out, and the total says what it covers."""
    assert covered(channels) == expected
    estimates = {name: Estimate(value=2.0, low=1.0, high=4.0) for name in channels}
    found = total(estimates, channels)
    assert (found.value, found.channels) == (2.0 * len(expected), expected)


def test_no_channel_is_no_zero() -> None:
    """No hardware → silence, None, exit 0, an invented CPU: here it is a failed total."""
    found = total({}, {})
    assert (found.value, found.status, found.channels) == (None, "failed", ())


def test_estimated_figure_says_so_and_carries_its_wide_interval() -> None:
    """An invented wattage given as a measurement: here it is marked, with the model's interval."""
    channel = table(("cpu_time/system", ()))["cpu_time/system"]
    channel = replace(channel, scale=replace(channel.scale, unit=Fraction(1, 100)))
    raw = [10 * i for i in range(100)]
    estimate = Counter(readings(raw, 100 * MS), channel).energy(T0 + S, T0 + 6 * S)
    assert estimate.provenance == "estimated"
    assert estimate.unit == "J"
    assert estimate.value == pytest.approx(15.0, rel=0.01)
    assert estimate.low <= 5.0
    assert estimate.high >= 45.0
