"""No assertion depends on a condition that may never have been true: see ``reached.py``.

``test_architecture.py`` looks through all tests with it.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from reached import NotReached, counting, reached, uncounted

HERE = Path(__file__).parent


def lines(text: str) -> list[int]:
    return [line for _, line in uncounted(ast.parse(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f():\n if a:\n  assert b", [2]),
        ("def f():\n if a:\n  pass\n else:\n  for x in y:\n   assert b", [2]),
        ("def f():\n if a:\n  return\n assert b", [2]),
        ("def f():\n for a in b:\n  if a:\n   continue\n  assert b", [3]),
        ("def f():\n if a:\n  with pytest.raises(E):\n   g()", [2]),
        ("def f():\n if reached('a', a):\n  assert b", []),
        ("def f():\n if reached('a', a):\n  assert b\n else:\n  assert c", [2]),
        ("def f():\n if reached('a', a):\n  assert b\n elif reached('c', c):\n  assert c", [2]),
        ("def f():\n if a:\n  b = 1\n assert b", []),
        ("def f():\n while a:\n  if b:\n   return\n  assert c", []),
    ],
)
def test_conditions_of_assertions_are_found(text: str, expected: list[int]) -> None:
    """Under ``if`` and ``else``, after a return or a continue; a counted one may have no ``else``."""
    assert lines(text) == expected


def test_a_condition_that_holds_too_rarely_fails() -> None:
    """A minimum of 0 asks for one all the same."""
    with pytest.raises(NotReached, match="'once' held 0 times"), counting({"often": 2, "once": 0}):
        assert [reached("often", x) for x in (1, "", [0])] == [True, False, True]
    with counting({"once": 0}):
        assert reached("once", True)
    with pytest.raises(NotReached, match="reaches\\(other="), counting({"once": 1}):
        reached("other", True)


@pytest.mark.reaches(even=5)
def test_the_marker_states_the_minimum() -> None:
    """Five even numbers below ten."""
    for number in range(10):
        if reached("even", number % 2 == 0):
            assert number in (0, 2, 4, 6, 8)


PROBE = """
import pytest
from hypothesis import given, strategies as st
from reached import reached

@pytest.mark.reaches(large=1)
@given(st.integers(0, 10))
def test_never(x):
    if reached("large", x > 10):
        assert x > 10
"""


def test_a_test_whose_condition_never_holds_fails(pytester: pytest.Pytester) -> None:
    """With Hypothesis too, over all examples together."""
    pytester.makeconftest((HERE / "conftest.py").read_text())
    pytester.makepyfile(PROBE)
    done = pytester.runpytest("-p", "no:cacheprovider", "-o", f"pythonpath={HERE}")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*'large' held 0 times, at least 1 needed*"])
