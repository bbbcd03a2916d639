"""What is drawn while it goes on, as plain data."""

import pytest
from levels import CORE, PACKAGE, level

from microjoule.live.scene import read_s

S = 1_000_000_000


def test_energy_belongs_to_the_time_from_the_first_reading_to_the_last():
    """Not to the time since the screen opened, in which nothing was read at first."""
    found = [
        level(PACKAGE, 45_000, since_ns=7 * S, t_ns=8 * S),
        level(CORE, since_ns=7 * S - 500, t_ns=8 * S - 500),
        level(CORE, since_ns=0, t_ns=0, readings=0, failed=9),
    ]
    assert read_s(found) == pytest.approx(1.0000005, rel=1e-12)
    assert read_s(found[2:]) == 0.0
