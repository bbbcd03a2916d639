"""What is served goes forward only."""

from levels import DRAM, PACKAGE, level

from microjoule.live.odometer import Odometer


def reader(*sessions):
    """An odometer that finds these levels, one after the other."""
    return Odometer(iter(sessions).__next__)


def test_levels_of_one_session_are_given_on_as_they_are():
    first, second = (level(PACKAGE, 10),), (level(PACKAGE, 30, readings=2000),)
    odometer = reader(first, second)
    assert (odometer.read(), odometer.read()) == (first, second)


def test_a_session_that_began_anew_is_added_to_what_came_before():
    odometer = reader(
        [level(PACKAGE, 70, resets=1, readings=100)],
        [level(PACKAGE, 5, resets=0, readings=3)],
        [level(PACKAGE, 9, resets=2, readings=9)],
    )
    counts = [(one.energy_counts, one.resets, one.readings) for (one,) in (odometer.read() for _ in range(3))]
    assert counts == [(70, 1, 100), (75, 1, 103), (79, 3, 109)]


def test_a_session_that_has_already_drawn_more_is_told_by_its_fewer_readings():
    odometer = reader([level(PACKAGE, 70, readings=100)], [level(PACKAGE, 80, readings=3)])
    odometer.read()
    assert odometer.read()[0].energy_counts == 150


def test_a_channel_that_went_away_stays_where_it_was_and_has_no_power():
    odometer = reader(
        [level(PACKAGE, 70, power_w=5.0), level(DRAM, 8)],
        [level(DRAM, 9)],
        [level(DRAM, 9), level(PACKAGE, 1, readings=1)],
    )
    odometer.read()
    assert [(one.channel.id, one.energy_counts, one.power_w) for one in odometer.read()] == [
        ("package-0", 70, None),
        ("package-0/dram", 9, None),
    ]
    assert odometer.read()[0].energy_counts == 71
