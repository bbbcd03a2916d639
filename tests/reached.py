"""Conditions on which assertions depend, counted, so that none of them is never true.

An assertion under an ``if`` passes where the condition never holds. A test counts its conditions by
name and states how often each must hold at least, over all its examples together:

    @pytest.mark.reaches(ambiguous=20)
    @given(...)
    def test_it(...):
        if reached("ambiguous", estimate.status == "ambiguous"):
            assert estimate.value is None

``conftest.py`` checks the minima when the test has passed, and ``test_architecture.py`` finds every
condition that is not counted.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_least: ContextVar[Mapping[str, int]] = ContextVar("least")
_counts: ContextVar[Counter[str]] = ContextVar("counts")


class NotReached(AssertionError):
    """A condition held less often than the test says it must."""


@contextmanager
def counting(least: Mapping[str, int]) -> Iterator[None]:
    """Counts the conditions of one test, which must hold at least so often each.

    Raises:
        NotReached: A condition held too rarely; only where nothing else was raised.
    """
    before = _least.set(least), _counts.set(Counter())
    try:
        yield
        counts = _counts.get()
        rare = [
            f"{name!r} held {counts[name]} times, at least {n} needed"
            for name, n in least.items()
            if counts[name] < max(n, 1)
        ]
        if rare:
            raise NotReached("; ".join(rare))
    finally:
        _least.reset(before[0])
        _counts.reset(before[1])


def reached(name: str, condition: object) -> bool:
    """Whether the condition holds, counted under its name.

    Raises:
        NotReached: The test has no ``@pytest.mark.reaches`` with this name.
    """
    if name not in _least.get({}):
        raise NotReached(f"Add @pytest.mark.reaches({name}=...) to the test")
    _counts.get()[name] += bool(condition)
    return bool(condition)


def uncounted(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The function and the line of each condition that assertions depend on and that is not counted.

    A condition decides about assertions where they stand in its body or in its ``else``, and where
    its body leaves the block (``return``, ``continue``, ``break``) in which they follow.
    """
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for block in _blocks(function):
            for i, statement in enumerate(block):
                if isinstance(statement, ast.If) and _decides(statement, block[i + 1 :]):
                    yield function.name, statement.lineno


def _blocks(function: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(function):
        # A polling loop fails by its deadline where its condition is never true.
        for name in () if isinstance(node, ast.While) else ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                yield block


def _decides(statement: ast.If, following: list[ast.stmt]) -> bool:
    is_counted = isinstance(statement.test, ast.Call) and ast.unparse(statement.test.func) == "reached"
    under = statement.orelse if is_counted else [*statement.body, *statement.orelse]
    leaves = isinstance(statement.body[-1], ast.Return | ast.Continue | ast.Break)
    return _asserts(under) or (leaves and _asserts(following))


def _asserts(statements: list[ast.stmt]) -> bool:
    return any(_is_assertion(node) for statement in statements for node in ast.walk(statement))


def _is_assertion(node: ast.AST) -> bool:
    if isinstance(node, ast.With):
        return any("pytest.raises" in ast.unparse(item.context_expr) for item in node.items)
    return isinstance(node, ast.Assert)
