"""A measurement waits while the package cools down, says so, and never longer than it may."""

import pytest
from state_tree import tree

from microjoule.measuring.settling import MOST_S, STEP_S, cooled


def cooling(root, degrees):
    """A machine that shows the next temperature after each wait, and how long it was waited."""
    temperature = tree(root) / "sys/class/hwmon/hwmon2/temp1_input"
    left, waits = list(degrees), []
    temperature.write_text(f"{left.pop(0) * 1000}\n")

    def sleep(seconds):
        waits.append(seconds)
        temperature.write_text(f"{(left.pop(0) if len(left) > 1 else left[0]) * 1000}\n")

    return sleep, waits


@pytest.mark.parametrize(
    ("degrees", "steps", "says"),
    [
        ([50, 50], 1, ""),
        ([50, 55, 60], 1, ""),
        ([80, 70, 63, 60, 60], 4, "waited 2 s while the package cooled down from 80 to 60 °C"),
    ],
)
def test_it_waits_until_the_package_no_longer_cools(tmp_path, degrees, steps, says):
    sleep, waits = cooling(tmp_path, degrees)
    assert cooled(tmp_path, 60.0, sleep) == says
    assert len(waits) == steps


def test_it_waits_no_longer_than_a_tenth_of_the_time(tmp_path):
    sleep, waits = cooling(tmp_path, range(99, 0, -1))
    assert "still cooling down after 1 s: 99 to 97 °C" in cooled(tmp_path, 10.0, sleep)
    assert sum(waits) == 1.0
    sleep, waits = cooling(tmp_path, range(99, 0, -2))
    cooled(tmp_path, 1e6, sleep)
    assert sum(waits) == MOST_S


def test_without_a_temperature_or_without_time_it_does_not_wait(tmp_path):
    def never(_):
        pytest.fail("it waited")

    assert cooled(tmp_path / "nothing", 60.0, never) == ""
    assert cooled(tree(tmp_path), STEP_S, never) == ""
