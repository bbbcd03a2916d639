"""The table of how NVIDIA's power figures move, cell by cell."""

from __future__ import annotations

from itertools import combinations

import pytest

from microjoule.channel import Timing
from microjoule.sources.nvml_behaviour import (
    OBSERVED,
    STATED,
    TABLE,
    Figure,
    SensorShape,
    behaviour,
    branch,
    chip,
    observed,
    timing,
)

CELLS = [  # the matrix of Yang, Adamek, Armour: chip, driver, figure, period, window
    ("hopper", 535, "draw", 100, 1000),
    ("hopper", 570, "average", 100, 1000),
    ("hopper", 570, "instant", 100, 25),
    ("ada", 525, "draw", 100, 1000),
    ("ada", 530, "draw", 100, 100),
    ("ada", 535, "draw", 100, 1000),
    ("ampere", 530, "draw", 100, 100),
    ("ampere", 550, "instant", 100, 100),
    ("ga100", 470, "draw", 100, 25),
    ("ga100", 570, "instant", 100, 25),
    ("turing", 570, "draw", 100, 100),
    ("volta", 570, "instant", 20, 10),
    ("pascal", 570, "draw", 20, 10),
    ("kepler", 470, "draw", 100, None),
]


@pytest.mark.parametrize(("name", "driver", "figure", "period_ms", "window_ms"), CELLS)
def test_cell(name, driver, figure, period_ms, window_ms):
    found = behaviour(Figure(figure), name, driver)
    assert (found.period_ms, found.window_ms) == (period_ms, window_ms)


@pytest.mark.parametrize(
    ("name", "driver", "figure"),
    [
        ("hopper", 525, "draw"),  # no driver of that age knows the chip
        ("ga100", 570, "average"),
        ("turing", 570, "average"),
        ("blackwell", 570, "instant"),
        (None, 570, "instant"),
        ("ada", None, "draw"),  # it depends on the driver
        ("hopper", 570, "energy"),
    ],
)
def test_what_nobody_has_said_is_none(name, driver, figure):
    assert behaviour(Figure(figure), name, driver) is None


def test_no_two_rows_speak_of_one_cell():
    for one, other in combinations(TABLE, 2):
        shares = one.chips & other.chips and one.figures & other.figures
        apart = one.drivers[1] < other.drivers[0] or other.drivers[1] < one.drivers[0]
        assert apart or not shares


def test_ga100_is_told_from_other_ampere_chips_by_compute_capability():
    assert chip(7, (8, 0)) == "ga100"
    assert chip(7, (8, 6)) == "ampere"
    assert chip(9, (9, 0)) == "hopper"
    assert chip(4294967295, (12, 0)) is None
    assert chip(None, None) is None


@pytest.mark.parametrize(
    ("version", "expected"), [("570.86.15", 570), ("530.30", 530), ("", None), (None, None), ("x.1", None)]
)
def test_branch(version, expected):
    assert branch(version) == expected


@pytest.mark.parametrize("figure", Figure)
@pytest.mark.parametrize("name", ["hopper", "ada", "ga100", "volta", "kepler"])
def test_declared_bounds_hold_a_missed_update(figure, name):
    known = behaviour(figure, name, 570)
    moves = timing(figure, known)
    assert moves.update_max_ns >= 2 * (moves.update_ns or 0)
    # At idle the average stands still for a second.
    is_average = known is not None and known.shape is SensorShape.BOXCAR
    assert moves.update_max_ns > 1_000_000_000 or not is_average


@pytest.mark.parametrize("name", ["blackwell", "hopper", None])
def test_the_energy_counter_has_bounds_on_every_chip(name):
    moves = timing(Figure.ENERGY, behaviour(Figure.ENERGY, name, 570))
    assert moves.update_ns is None
    assert moves.update_max_ns > 0
    assert moves.lag_ns > 0


def test_a_gauge_of_which_nothing_is_known_states_nothing():
    assert timing(Figure.INSTANT, None) == Timing(sensor_clock="realtime")


@pytest.mark.parametrize(
    ("name", "period_ms", "window_ms", "decay_ms"),
    [("Quadro RTX 8000", 100, 20, None), ("Tesla M40 24GB", 31, 14, None), ("Tesla K40m", 15, None, 50)],
)
def test_a_board_that_differs_from_its_chip_has_its_own_behaviour(name, period_ms, window_ms, decay_ms):
    known = behaviour(Figure.INSTANT, "turing", 570, name)
    assert (known.period_ms, known.window_ms, known.decay_ms) == (period_ms, window_ms, decay_ms)
    moves = timing(Figure.INSTANT, known)
    assert moves.decay_ns == (decay_ms * 1_000_000 if decay_ms else None)
    assert behaviour(Figure.AVERAGE, "ampere", 570, name) == behaviour(Figure.AVERAGE, "ampere", 570)


def test_a_board_adds_as_much_as_the_worst_of_its_kind_is_known_to():
    """Four RTX 4090 read 22 to 24 W low at any load, an A100 1.2 W."""
    assert observed("ada").offset_w == observed(None).offset_w == OBSERVED.offset_w >= 24
    assert 1.2 < observed("ga100").offset_w < 10


def test_a_kepler_board_is_taken_at_the_accuracy_that_its_header_states_and_one_of_them_keeps():
    """A K40m beside an outside meter has a gain of 1.024."""
    assert 0.024 < observed("kepler").gain == STATED["kepler"] < OBSERVED.gain
    assert observed("fermi").gain == observed(None).gain == OBSERVED.gain
