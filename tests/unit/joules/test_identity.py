"""What readings say of their channels: units, mirrors, and parts that stand still."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from ideal import T0, Ideal, S, constant, rows, sine, write

from microjoule.channel import UNPLACED, Channel, Encoding
from microjoule.joules.counters.identity import _is_mirror, _Read
from microjoule.joules.energy_trace import Trace
from microjoule.joules.long_traces.streamed import stream
from microjoule.joules.sensor_notes import of_totals
from microjoule.joules.summary import summary
from microjoule.trace import schema

PERF_UNIT = Fraction(1, 1 << 32)
PACKAGE = Ideal(constant(100.0), n=1000, update_ns=976_563, jitter=0.02, limit_w=200.0)


def perf(step: int, watts_shown: float = 40.0, **more: object) -> Ideal:
    """A perf count whose kernel shifts so far that it moves by ``step``, of so many watts by its own word."""
    shown = constant(watts_shown)
    return Ideal(
        shown, unit=PERF_UNIT, quantum=step, modulus=step << 32, start=0, n=1000, limit_w=200.0, **more
    )


def trace_of(ideals: Iterable[Ideal], channels: Iterable[Channel]) -> Trace:
    """A trace whose opening describes its channels otherwise than the oracle that made the readings."""
    return Trace(table_of(ideals, channels))


def table_of(ideals: Iterable[Ideal], channels: Iterable[Channel]) -> pa.Table:
    return rows(ideals).replace_schema_metadata(schema.schema(list(channels), {}).metadata)


def declared(ideal: Ideal, register_unit: Fraction, quantum: int) -> Channel:
    """perf's channel as its source describes it, by the CPU's documents."""
    scale = replace(
        ideal.channel.scale,
        register_unit=register_unit,
        quantum=quantum,
        modulus=quantum << 32,
        starts_at_open=True,
    )
    return replace(ideal.channel, scale=scale)


def test_perfs_count_that_moves_two_bits_too_little_is_worth_four_times_as_much() -> None:
    """Sapphire Rapids before Linux 6.1: 40 W of DRAM are shown as 10 W, in steps of 2^16 counts."""
    shown = replace(perf(1 << 16, 10.0), id="package-0/dram")
    trace = trace_of([shown], [declared(shown, Fraction(1, 1 << 14), 1 << 18)])
    a, b = shown.inside(0.2, 0.8)
    found = trace.energy()["package-0/dram"]
    window = trace.counter("package-0/dram").energy(a, b)
    assert window.value == pytest.approx(4 * shown.truth(a, b), rel=1e-3)
    assert window.low <= 4 * shown.truth(a, b) <= window.high
    assert found.value is not None
    assert trace.channels["package-0/dram"].scale.modulus == 1 << 48
    (note,) = of_totals(trace)
    assert "this kernel takes a count for 15.3 µJ, and this CPU counts 61 µJ" in note
    assert "4 times the kernel's" in note


@pytest.mark.parametrize(
    ("register_unit", "step"), [(Fraction(1, 1 << 14), 1 << 18), (Fraction(1, 1 << 16), 1 << 16)]
)
def test_perfs_count_of_a_kernel_that_is_right_stays_as_it_is(register_unit: Fraction, step: int) -> None:
    """A fixed kernel on Sapphire Rapids, and 15.3 µJ on Ice Lake."""
    shown = replace(perf(step), id="package-0/dram")
    trace = trace_of([shown], [declared(shown, register_unit, step)])
    a, b = shown.inside(0.2, 0.8)
    assert trace.counter("package-0/dram").energy(a, b).value == pytest.approx(shown.truth(a, b), rel=1e-3)
    assert trace.channels == trace.declared
    assert of_totals(trace) == []


def test_steps_that_are_coarser_than_the_registers_prove_nothing() -> None:
    """A register may move by several counts at a time."""
    shown = replace(perf(1 << 18), id="package-0/dram")
    trace = trace_of([shown], [declared(shown, Fraction(1, 1 << 16), 1 << 16)])
    assert trace.channels == trace.declared


def test_powercaps_wrong_unit_is_named() -> None:
    dram = replace(PACKAGE, id="package-0/dram", encoding=Encoding.POWERCAP)
    scale = replace(dram.channel.scale, shown_nj=15_300)
    trace = trace_of([dram], [replace(dram.channel, scale=scale)])
    assert "the figures here are 3.99 times the kernel's" in of_totals(trace)[0]
    rounded = replace(scale, unit=Fraction(1, 1 << 16))
    assert of_totals(trace_of([dram], [replace(dram.channel, scale=rounded)])) == []


def packages(n: int, **more: object) -> list[Ideal]:
    """Packages whose counters show the same at any time; each is read by a lane of its own."""
    return [replace(PACKAGE, id=f"package-{number}", **more) for number in range(n)]


def read_by_its_own_lane(one: Ideal, phase_ns: int, offset: int = 0) -> Ideal:
    """The same counter, or one that is ``offset`` counts ahead, read at other instants."""

    class Shifted(Ideal):
        @property
        def series(self):  # type: ignore[no-untyped-def]
            return shifted(one, phase_ns, offset)

    return Shifted(**{f: getattr(one, f) for f in Ideal.__dataclass_fields__})


def shifted(one: Ideal, phase_ns: int, offset: int):  # type: ignore[no-untyped-def]
    """What a lane reads that begins its reads later by a phase."""
    begun, took = one.begun
    at, content = one.updates
    shown = content[np.searchsorted(at, begun + phase_ns, "right") - 1]
    joules = one.wave.energy(np.maximum(shown, 0) / S)
    raw = one.start + offset + np.floor(joules / float(one.unit * one.quantum)).astype(np.int64) * one.quantum
    found = Ideal.series.func(one)  # type: ignore[attr-defined]
    return replace(
        found,
        t_ns=T0 + begun + phase_ns - 1,
        read_ns=np.full(len(took), 2, np.uint32),
        raw=raw.astype(np.uint64),
    )


@pytest.mark.parametrize("phase_us", [0, 20, 200, 480])
def test_four_packages_of_one_counter_are_counted_once(phase_us: int) -> None:
    one, *others = packages(4, poll_jitter=0.0, read_ns=2000)
    read = [
        one,
        *(
            replace_id(read_by_its_own_lane(one, phase_us * 1000 * k), other.id)
            for k, other in enumerate(others, 1)
        ),
    ]
    trace = Trace(rows(read))
    whole = trace.energy()
    assert whole.total.channels == ("package-0",)
    assert whole.total.value == pytest.approx(whole["package-0"].value)
    (note,) = of_totals(trace)
    assert note.startswith(
        "package-1, package-2, package-3 show the counter of package-0, equal at every tick"
    )


def replace_id(ideal: Ideal, name: str) -> Ideal:
    return replace(ideal, id=name)


@pytest.mark.parametrize("phase_us", [0, 20, 200, 480])
@pytest.mark.parametrize("offset", [900, 1638, 6103, 6104])
def test_two_packages_of_equal_power_whose_counts_differ_stay_two(phase_us: int, offset: int) -> None:
    """Even where the counts are one update's worth apart, so that each shows what the other has shown."""
    one, other = packages(2, poll_jitter=0.0, read_ns=2000)
    trace = Trace(rows([one, replace_id(read_by_its_own_lane(one, phase_us * 1000, offset), other.id)]))
    assert trace.energy().total.channels == ("package-0", "package-1")
    assert of_totals(trace) == []


def test_counts_that_begin_at_the_opening_are_one_only_where_their_noise_is() -> None:
    """perf's counts of two packages at constant power go alike from zero on; those of real ones do not."""
    steady = [
        replace(perf(1 << 18), id=f"package-{number}", poll_jitter=0.0, jitter=0.0) for number in (0, 1)
    ]
    channels = [declared(each, Fraction(1, 1 << 14), 1 << 18) for each in steady]
    assert trace_of(steady, channels).energy().total.channels == ("package-0", "package-1")
    noisy = [replace(each, wave=sine(40.0, 20.0, 37.0), jitter=0.2) for each in steady]
    assert trace_of(noisy, channels).energy().total.channels == ("package-0",)
    two = [noisy[0], replace(noisy[1], seed=5)]
    assert trace_of(two, channels).energy().total.channels == ("package-0", "package-1")


@pytest.mark.parametrize(
    ("off", "of_100", "is_one"), [(-1, 20, False), (2, 20, False), (-1, 8, True), (2, 8, True)]
)
def test_a_mirror_is_rarely_out_of_order(off: int, of_100: int, is_one: bool) -> None:
    """What it shows was shown by the other before it, and will be: not an update older nor one newer."""
    t_ns = T0 + np.arange(1000) * 1_000_000
    count = 100 * np.arange(1000)
    shown = count + np.where(np.arange(1000) % 100 < of_100, 100 * off, 0)
    one = _Read(t_ns, t_ns + 1000, count)
    other = _Read(t_ns + 400_000, t_ns + 401_000, shown)
    assert _is_mirror(PACKAGE.channel, one, other) is is_one


def test_a_mirrored_packages_own_parts_are_in_no_total() -> None:
    read = [
        replace(each, id=each.id + part, parents=(each.id,) if part == "/core" else (), wave=constant(watts))
        for each in packages(2)
        for part, watts in (("", 100.0), ("/core", 60.0), ("/dram", 10.0))
    ]
    assert Trace(rows(read)).energy().total.channels == ("package-0", "package-0/dram")


@pytest.mark.parametrize("part", ["dram", "core"])
def test_a_part_that_stands_still_while_its_package_moves_is_no_zero(part: str) -> None:
    still = replace(PACKAGE, id=f"package-0/{part}", wave=constant(0.0))
    trace = Trace(rows([PACKAGE, still]))
    energies = trace.energy()
    assert energies[still.id].status == "failed"
    assert energies[still.id].value is None
    assert energies[still.id].high == np.inf
    assert trace.dead == {still.id}
    assert energies.total.channels == ("package-0",)
    assert energies.total.status == "ok"
    assert trace.channels[still.id].trust.parents == (UNPLACED,)
    assert summary(trace)["engine"]["stuck"] == [still.id]


def test_an_uncore_may_be_off_and_a_part_may_be_slow() -> None:
    off = replace(PACKAGE, id="package-0/uncore", wave=constant(0.0), parents=("package-0",))
    energies = Trace(rows([PACKAGE, off])).energy()
    assert energies[off.id].status == "ok"
    slow = replace(PACKAGE, id="package-0/dram", wave=constant(0.2))
    assert Trace(rows([PACKAGE, slow])).dead == frozenset()


def test_parts_of_a_package_that_never_moves_are_no_zero_either() -> None:
    still = [
        replace(PACKAGE, id=name, wave=constant(0.0), limit_w=1.0) for name in ("package-0", "package-0/dram")
    ]
    trace = Trace(rows(still))
    assert trace.dead == {"package-0", "package-0/dram"}
    assert trace.energy().total.status == "failed"


@pytest.mark.parametrize(("n", "is_dead"), [(15, False), (30, True)])
def test_a_package_is_not_called_dead_by_fewer_than_twenty_updates(n, is_dead) -> None:
    """15 ms of the least power that anything awake draws are ten times the smallest step."""
    still = replace(PACKAGE, wave=constant(0.0), n=n, poll_jitter=0.0)
    assert (still.id in Trace(rows([still])).dead) == is_dead


def test_a_trace_taken_part_by_part_says_the_same(tmp_path) -> None:
    shown = replace(perf(1 << 16, 10.0), id="package-0/dram")
    two = packages(2)
    still = replace(PACKAGE, id="package-1/dram", wave=constant(0.0))
    channels = [declared(shown, Fraction(1, 1 << 14), 1 << 18), *(each.channel for each in (*two, still))]
    path = write(tmp_path / "t.arrows", table_of([shown, *two, still], channels))
    streamed, loaded = stream(path), Trace.load(path)
    assert streamed.identity.notes == loaded.identity.notes
    assert len(loaded.identity.notes) == 2
    assert dict(streamed.channels) == dict(loaded.channels)
    assert streamed.dead == loaded.dead == {still.id}
    assert summary(streamed)["windows"] == summary(loaded)["windows"]
