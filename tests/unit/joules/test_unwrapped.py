"""Which readings of a counter say something, and where it may have started again between two updates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ideal import MS, T0, US, Ideal, constant

from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.unwrap import ENDLESS_NS
from microjoule.joules.counters.unwrapped import Unwrapped, sound, unwrapped
from microjoule.trace.series import Series

N = 4000
# Twice 100 W for 1.25 s are 4.1 million counts: this many are few enough to pass in a silence of a second,
# and far too many for the milliseconds between two readings.
MODULUS = 1 << 21
CHANNEL = replace(Ideal(constant(10.0), limit_w=100.0, modulus=MODULUS).channel)
STILL = 1000  # readings, a millisecond each


def series(counts: np.ndarray, endless: tuple[int, ...] = (), failed: tuple[int, ...] = ()) -> Series:
    n = len(counts)
    read_ns = np.full(n, 10 * US, np.uint32)
    read_ns[list(endless)] = ENDLESS_NS
    valid = ~np.isin(np.arange(n), failed)
    t_ns = T0 + np.arange(n, dtype=np.int64) * MS
    status = np.where(valid, 0, 5).astype(np.uint16)
    return Series(t_ns, read_ns, counts.astype(np.uint64), status, valid if failed else None)


@pytest.mark.parametrize(
    ("endless", "failed"), [((), ()), ((3,), ()), ((), (0, 5)), ((3, 9), (0, 5)), ((5,), (5,))]
)
def test_a_read_that_failed_or_of_which_nobody_knows_when_it_ended_tells_nothing(
    endless: tuple[int, ...], failed: tuple[int, ...]
) -> None:
    of = series(np.arange(10) * 3, endless, failed)
    bad = sorted({*endless, *failed})
    good = np.setdiff1d(np.arange(10), bad)
    t_ns, read_ns, raw, failed_ns = sound(of)
    assert t_ns.tolist() == of.t_ns[good].tolist()
    assert read_ns.tolist() == [10 * US] * len(good)
    assert raw.tolist() == (3 * good).tolist()
    assert failed_ns.tolist() == of.t_ns[bad].tolist()
    assert unwrapped(of, CHANNEL).failed_ns.tolist() == of.t_ns[bad].tolist()


def test_no_readings_are_sound_and_tell_nothing() -> None:
    found = unwrapped(series(np.empty(0, np.int64)), CHANNEL)
    assert [len(each) for each in (found.t_ns, found.steps.total, found.failed_ns)] == [0, 0, 0]
    assert not found.is_noise


def gained(rate: int, still: int | None = None) -> np.ndarray:
    """So many counts a millisecond; what is drawn in a silence of a second shows at its end."""
    total = rate * np.arange(N)
    if still is not None:
        total[still : still + STILL] = total[still - 1]
    return total


@pytest.mark.parametrize("still", [3, 700, 2500, N - STILL - 1])
def test_after_a_silence_in_which_it_may_have_started_again_a_step_is_ambiguous_wherever_that_is(
    still: int,
) -> None:
    """So is the first change of all: the counter may have been silent before it as well."""
    total = gained(2, still)
    found = unwrapped(series(total), CHANNEL)
    assert found.steps.ambiguous.tolist() == [1, still + STILL]
    assert found.steps.extra.tolist() == [MODULUS] * 2
    assert found.steps.total.tolist() == total.tolist()
    short = replace_modulus(MODULUS << 1)  # more than passes in a second and a quarter
    assert not len(unwrapped(series(total), short).steps.ambiguous)


def test_a_counter_that_is_never_silent_is_certain_of_each_of_its_steps() -> None:
    found = unwrapped(series(gained(160) % (MODULUS >> 3)), replace_modulus(MODULUS >> 3))
    assert len(found.steps.wrapped) == 160 * N // (MODULUS >> 3)
    assert not len(found.steps.ambiguous)
    assert not len(found.dropped_ns)


def replace_modulus(modulus: int):
    return replace(CHANNEL, scale=replace(CHANNEL.scale, modulus=modulus))


def test_a_reading_that_falls_and_comes_back_is_left_out_and_named() -> None:
    counts = gained(160)
    counts[[50, 1000]] -= 5000
    of = series(counts)
    found = unwrapped(of, replace_modulus(1 << 40))
    kept = np.delete(np.arange(N), [50, 1000])
    assert found.dropped_ns.tolist() == of.t_ns[[50, 1000]].tolist()
    assert found.t_ns.tolist() == of.t_ns[kept].tolist()
    assert found.steps.total.tolist() == gained(160)[kept].tolist()
    assert not len(found.steps.reset)


def test_readings_are_a_count_until_they_are_found_to_be_noise() -> None:
    chance = np.random.default_rng(2).integers(0, 1 << 40, N)
    noise = unwrapped(series(chance), replace_modulus(1 << 40))
    assert noise.is_noise
    found = unwrapped(series(gained(160)), replace_modulus(1 << 40))
    assert not found.is_noise
    pieces = Unwrapped(
        found.t_ns, found.read_ns, found.steps, found.failed_ns
    )  # as a part of a trace has them
    whole, part = (Counter.of(each, CHANNEL).energy(T0 + 10 * MS, T0 + 900 * MS) for each in (found, pieces))
    assert whole.low > 0
    assert (part.value, part.low, part.high) == (whole.value, whole.low, whole.high)
