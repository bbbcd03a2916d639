"""Powercap's microjoules give back the counter's counts."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from ideal import Ideal, constant

from microjoule.channel import Encoding
from microjoule.joules.counters.unwrap import counts, quantum

UNITS = [Fraction(1, 1 << esu) for esu in range(10, 20)] + [Fraction(153, 10**7)]
raws = st.lists(st.integers(0, (1 << 32) - 1), min_size=1, max_size=50)


@given(raws, st.sampled_from(UNITS))
def test_powercap_inverts_exactly(counted: list[int], unit: Fraction) -> None:
    """raw -> microjoules -> raw is the identity for every unit of a microjoule or more."""
    channel = replace(Ideal(constant(1.0)), unit=unit, encoding=Encoding.POWERCAP).channel
    nanojoules = int(unit * 10**9)
    shown = np.array([count * nanojoules // 1000 for count in [*counted, 0, (1 << 32) - 1]], np.uint64)
    assert counts(shown, channel).tolist() == [*counted, 0, (1 << 32) - 1]


@given(raws, st.integers(20, 24))
def test_coarse_microjoules_are_an_interval(counted: list[int], esu: int) -> None:
    """Below a microjoule a count the true count lies within the channel's quantum above."""
    channel = replace(Ideal(constant(1.0)), unit=Fraction(1, 1 << esu), encoding=Encoding.POWERCAP).channel
    nanojoules = int(channel.scale.unit * 10**9)
    shown = np.array([count * nanojoules // 1000 for count in counted], np.uint64)
    for found, count in zip(counts(shown, channel).tolist(), counted, strict=True):
        assert 0 <= count - found < quantum(channel)
