"""The rows of shares that a terminal shows."""

from microjoule.joules.share_rows import NAMED, brief
from microjoule.joules.shares import IDLE, OK, UNEXPLAINED, Share


def share(kind: str, name: str, energy_j: float, half_j: float | None, high_j: float) -> Share:
    return Share(kind, name, OK, (name,), 0.2, energy_j, half_j, high_j, None)


def test_programs_that_are_shown_as_one_have_no_more_than_was_counted():
    """Case: of 137 J nineteen others used at most 800 J, which was the sum of their bounds."""
    others = [share("program", f"p{i}", 1.0, 40.0, 120.0) for i in range(NAMED + 4)]
    idle = share(IDLE, IDLE, 130.0, 5.0, 137.2)
    left = share(UNEXPLAINED, UNEXPLAINED, 0.0, None, 137.2)
    shown = brief([idle, *others, left])
    (together,) = (one for one in shown if one.name == "4 others")
    assert together.high_j == 137.2
    assert together.energy_j == 4.0
    assert together.expanded_j == 160.0
    few = [share("program", f"p{i}", 1.0, 2.0, 3.0) for i in range(NAMED + 4)]
    (together,) = (one for one in brief([idle, *few, left]) if one.name == "4 others")
    assert together.high_j == 12.0
