"""When a meter around one device gives its channel no gain."""

import pytest

from microjoule.channel import SensorError
from microjoule.joules.reference.beside_meter import no_gain
from microjoule.joules.reference.reference_fit import Fitted, ReferenceFit

ASSUMED = SensorError(gain=0.1)


def fitted(gain: float, u: float, explained: float = 0.99) -> ReferenceFit:
    found = Fitted(gain, u)
    return ReferenceFit(
        gain=found, offset_w=found, lag_s=found, window_s=found, n=50, residual_w=1.0,
        explained=explained, mean_w=50.0, mean_meter_w=60.0, at_mean_w=found,
    )  # fmt: skip


def test_a_gain_that_is_known_better_than_assumed_is_one():
    assert not no_gain(fitted(1.2, 0.05), ASSUMED)  # ± 8.3 % of 1.2, and 9.5 % is 95 % of a rectangle of 10 %


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (fitted(0.8, 0.04), "± 10%, and without a calibration ± 10% is assumed"),
        (fitted(1.2, 0.01, explained=0.52), "explains 52% of the meter's changes"),
        (fitted(-1.2, 0.01), "falls where the channel rises (gain -1.2)"),
    ],
)
def test_a_gain_that_says_no_more_than_is_assumed_is_none(found, words):
    assert words in no_gain(found, ASSUMED)


def test_nothing_to_compare_with_is_no_reason_and_neither_is_an_earlier_calibration():
    wide = fitted(1.0, 0.2)
    assert not no_gain(wide, None)
    assert not no_gain(wide, SensorError(gain=0.001, form="normal", source="measured against shelly://plug"))
