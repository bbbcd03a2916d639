"""Which window is the whole of a run, and what a figure of one that did not end well must say."""

from __future__ import annotations

import pytest
from ideal import Ideal, constant, rows

from microjoule.joules.energy_trace import Trace
from microjoule.joules.estimates.run_window import doubts, whole

IDEAL = Ideal(constant(50.0), n=400)


@pytest.mark.parametrize(
    ("windows", "is_first"),
    [
        ([("run", 1, 9)], True),
        ([("record", 1, 9), ("step", 2, 8)], True),
        ([("run", 1, 9), ("step", 1, 9)], True),  # one that ends with it is inside it
        ([("run", 1, None), ("step", 2, 8)], True),  # it never ended
        ([("run", 1, 5), ("step", 2, 8)], False),
        ([("step", 1, 9), ("run", 2, 8)], False),
        ([("run", 1, 3), ("run", 4, 9)], False),
        ([], False),
    ],
)
def test_the_whole_is_the_outermost_window_that_began_first_and_holds_the_others(windows, is_first) -> None:
    marks = []
    for number, (name, begin, end) in enumerate(windows):
        marks.append((IDEAL.inside(begin / 10)[0], "@begin", number, name))
        if end is not None:
            marks.append((IDEAL.inside(end / 10)[0], "@end", number, ""))
    trace = Trace(rows([IDEAL], marks))
    assert whole(trace) == (trace.windows[0] if is_first else trace.span)


def test_each_way_not_to_end_well_has_a_sentence() -> None:
    cut, damaged, never = (doubts(*(at == number for number in range(3))) for at in range(3))
    assert cut == ("the trace was cut short: its whole part is counted",)
    assert damaged == ("the trace is damaged: its intact part is counted",)
    assert never == ("the window never ended: counted up to the last reading",)
    assert doubts(True, True, True) == (*cut, *damaged, *never)
    assert doubts(False, False, False) == ()
