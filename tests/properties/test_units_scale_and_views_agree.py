"""The unit is one factor, and three interfaces show one counter alike."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ideal import Ideal, wild, windows

from microjoule.channel import Encoding
from microjoule.joules.counters.counter import Counter


@given(wild(), st.sampled_from([2, 3, 1024, Fraction(1, 4), Fraction(153, 100)]), windows)
def test_unit_is_one_factor(ideal: Ideal, factor: Fraction, at: list[float]) -> None:
    """A unit k times as large makes every figure k times as large, to the last digit but one."""
    channel = ideal.channel
    limit = float(factor) * (channel.trust.power_limit_w or 0)
    scaled = replace(
        channel,
        scale=replace(channel.scale, unit=channel.scale.unit * factor),
        trust=replace(channel.trust, power_limit_w=limit),
    )
    window = ideal.inside(*at)
    one, other = Counter(ideal.series, channel).energy(*window), Counter(ideal.series, scaled).energy(*window)
    assert one.status == other.status
    expected = [float(factor) * each for each in (one.low, one.high, one.value or 0.0)]
    assert [other.low, other.high, other.value or 0.0] == pytest.approx(expected, rel=1e-15, abs=0)


@given(wild(), st.integers(10, 19), windows)
def test_three_interfaces_show_one_counter_alike(ideal: Ideal, esu: int, at: list[float]) -> None:
    """MSR counts, perf's 2**-32 J and powercap's microjoules of one register give one figure."""
    unit = Fraction(1, 1 << esu)
    msr = replace(ideal, unit=unit, modulus=1 << 32, start=ideal.start % (1 << 32), quantum=1)
    shift = 32 - esu
    powercap = replace(msr, encoding=Encoding.POWERCAP)
    perf_channel = replace(
        msr.channel,
        scale=replace(
            msr.channel.scale, unit=Fraction(1, 1 << 32), modulus=1 << (32 + shift), quantum=1 << shift
        ),
    )
    perf_series = replace(msr.series, raw=msr.series.raw << np.uint64(shift))
    window = msr.inside(*at)
    direct = Counter(msr.series, msr.channel).energy(*window)
    assert Counter(powercap.series, powercap.channel).energy(*window) == direct
    through_perf = Counter(perf_series, perf_channel).energy(*window)
    assert (through_perf.low, through_perf.high) == (direct.low, direct.high)
    assert through_perf.value == pytest.approx(direct.value, abs=float(unit) / 500)
