"""A figure as text is near the figure, its ± is not understated, and both end at the same digit."""

from __future__ import annotations

import re
from decimal import Decimal

from hypothesis import event, example, given
from hypothesis import strategies as st

from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.uncertainty import Component

SIZES = {"p": -12, "n": -9, "µ": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12}
TEXT = re.compile(
    r"(?P<value>-?[\d.]+)(?P<e>e[+-]\d+)?(?: (?P<prefix>[pnµmkMGT]?)(?P<unit>J|W|s))?"
    r" ± (?P<half>[\d.]+)(?P<e2>e[+-]\d+)?(?: (?P<prefix2>[pnµmkMGT]?)(?P<unit2>J|W|s))?"
)


def digits(text: str) -> int:
    """Decimals of a number as it is written."""
    return len(text.partition(".")[2])


@given(
    st.floats(-1e9, 1e9).filter(lambda v: v == 0 or abs(v) > 1e-9),
    st.floats(1e-9, 1e9),
    st.sampled_from(["J", "W", "s", "1"]),
)
@example(0.00385, 0.00029, "J")
@example(-4e-6, 0.002, "J")  # was -0.000 J
@example(0.99996, 0.00029, "J")  # rounds up into the next prefix
@example(9.99e5, 1e4, "1")
def test_text_agrees_with_the_figure(value: float, half: float, unit: str) -> None:
    low, high = value - 2 * half, value + 2 * half  # what may be negative is never a limit, "at most 16 mJ"
    e = Estimate(value=value, low=low, high=high, unit=unit, components=(Component("edges", half / 2),))
    found = TEXT.fullmatch(str(e))
    assert found, str(e)
    assert (found["unit"], found["prefix"], found["e"]) == (found["unit2"], found["prefix2"], found["e2"])
    assert found["unit"] == (None if unit == "1" else unit)
    assert digits(found["value"]) == digits(found["half"])
    assert not re.match(r"-0*\.?0*$", found["value"])
    one = Decimal(10) ** (SIZES[found["prefix"]] if found["prefix"] else int((found["e"] or "e0")[1:]))
    shown, spread = Decimal(found["value"]) * one, Decimal(found["half"]) * one
    last = one * Decimal(10) ** -digits(found["value"])
    # Whole tens or hundreds are rounded too: then the last digit that counts lies before the point.
    if not digits(found["value"]):
        while shown % (10 * last) == 0 and spread % (10 * last) == 0 and last < spread:
            last *= 10
    assert abs(shown - Decimal(value)) <= last * Decimal("0.5000001")
    is_cut = max(abs(Decimal(value)), Decimal(e.U)).adjusted() - 3 > Decimal(e.U).adjusted() - 1
    event("cut at four digits" if is_cut else "two digits of ±")
    assert spread >= Decimal(e.U) * (Decimal("0.9999999") if is_cut else Decimal("0.949"))
    assert len(found["value"].lstrip("-0.").replace(".", "").rstrip("0")) <= 4
