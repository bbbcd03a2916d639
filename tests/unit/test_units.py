"""How a figure stands in a sentence: no exponent where digits are shorter to read."""

import pytest

from microjoule.units import short_time, three_digits


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.01254, "0.0125"),
        (2.5, "2.5"),
        (99.96, "100"),
        (999.6, "1,000"),
        (3000, "3,000"),
        (-41234.5, "-41,234"),
    ],
)
def test_a_figure_has_three_digits_and_all_those_before_the_point(value, shown):
    assert three_digits(value) == shown


@pytest.mark.parametrize(
    ("t_ns", "shown"),
    [(50e6, "50 ms"), (999e6, "999 ms"), (999.6e6, "1 s"), (3e9, "3 s"), (1.25e12, "1,250 s"), (0, "0 ms")],
)
def test_a_duration_is_in_seconds_from_what_is_written_as_one_second_on(t_ns, shown):
    assert short_time(t_ns) == shown
