"""Exceptions: all in one module, and each says what happened and what to do."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

import pytest

import microjoule
from microjoule import errors

CLASSES = {name: each for name, each in vars(errors).items() if isinstance(each, type)}
BUILT_IN = {
    name
    for name, each in vars(builtins).items()
    if isinstance(each, type) and issubclass(each, BaseException)
}


def test_no_other_module_defines_an_exception() -> None:
    """So that ``uj.errors`` lists all there is to catch; a private one never leaves its module."""
    modules = sorted(Path(microjoule.__file__).parent.rglob("*.py"))
    assert len(modules) > 100
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text())):
            bases = {ast.unparse(base) for base in node.bases} if isinstance(node, ast.ClassDef) else set()
            is_private = isinstance(node, ast.ClassDef) and node.name.startswith("_")
            is_ours = path.name == "errors.py"
            assert is_ours or is_private or not bases & (CLASSES.keys() | BUILT_IN), (path, bases)


@pytest.mark.parametrize("name", CLASSES)
def test_an_error_says_what_happened_and_what_to_do(name: str) -> None:
    error = CLASSES[name]("package-0 cannot be read", "Run `uj probe`")
    assert isinstance(error, errors.MicrojouleError)
    assert (error.what, error.remedy) == ("package-0 cannot be read", "Run `uj probe`")
    assert str(error) == "package-0 cannot be read. Run `uj probe`"
    assert str(CLASSES[name]("package-0 cannot be read")) == "package-0 cannot be read."
