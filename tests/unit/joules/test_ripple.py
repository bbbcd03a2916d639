"""How far a sine of power strays from the straight line between two updates."""

import numpy as np
import pytest

from microjoule.joules.ripple import _filled, _strays


@pytest.mark.parametrize("turn", [0.3, 0.83, 1.57, 2.31])
@pytest.mark.parametrize("part", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_a_sine_strays_as_its_phases_say(turn, part):
    phase = np.linspace(0.0, 2 * np.pi, 4000, endpoint=False)
    line = (1 - part) * np.sin(phase) + part * np.sin(phase + 2 * turn)
    off = np.sin(phase + 2 * turn * part) - line
    found = float(_strays(np.array([turn]), np.array([part]))[0])
    assert found == pytest.approx(float(np.sqrt(np.mean(off**2))), abs=1e-7)


def test_what_shows_alike_does_not_stray_alike():
    """270 and 754 Hz at 1,024 updates a second: that is why the larger one is taken where it may be."""
    turn = np.pi * np.array([270, 754]) / 1024
    small, large = _strays(turn, np.array([0.5, 0.5]))
    assert large > 5 * small


def test_what_interrupted_reads_leave_out_lies_between_its_neighbours():
    line = np.arange(9.0)
    is_there = np.array([0, 1, 1, 0, 0, 1, 0, 1, 0], bool)
    found = _filled(np.where(is_there, line, 99.0)[None], is_there[None])[0]
    assert found.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 0.0]
