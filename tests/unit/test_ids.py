"""A channel says what it is in fields (``channel.place``): its id, and its lane's, are for people."""

import ast
import re
from pathlib import Path

import pytest

import microjoule

ROOT = Path(microjoule.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
IDS = {"id", "physical_id", "twin_of", "lane", "channel_id"}
TAKES_APART = {
    "partition", "rpartition", "split", "rsplit", "startswith", "endswith", "removeprefix", "removesuffix",
    "match", "fullmatch", "search", "sub", "findall", "fnmatch", "fnmatchcase", "translate",
}  # fmt: skip
DEVICES = "package|gpu|amdgpu|xe|i915|grace|module|machine|node|psys|cpu_time|battery"
LOOKS_LIKE_AN_ID = re.compile(rf"\^?({DEVICES})[-/]")


def is_id(node):
    """Whether an expression is ``channel.id``, ``channel.lane`` or a variable of such a name."""
    if isinstance(node, ast.Attribute):
        return node.attr in IDS
    return isinstance(node, ast.Name) and node.id in IDS - {"id"}


def ids_taken_apart(tree):
    """The lines on which an id is parsed: cut, matched with a pattern, or searched for a letter."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            of = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            # "@" before a name says that the recorder wrote the row: a rule of the file, and no id.
            is_own_rows = called == "startswith" and [ast.unparse(each) for each in node.args] == ["'@'"]
            is_parsed = called in TAKES_APART and any(is_id(part) for part in (*of, *node.args))
            is_parsed = is_parsed and not is_own_rows
        elif isinstance(node, ast.Subscript):
            letters = isinstance(node.slice, ast.Slice) or isinstance(getattr(node.slice, "value", ""), int)
            is_parsed = letters and is_id(node.value)
        elif isinstance(node, ast.Compare):
            is_search = isinstance(node.ops[0], ast.In | ast.NotIn) and isinstance(node.left, ast.Constant)
            is_parsed = is_search and is_id(node.comparators[0])
        else:
            continue
        if is_parsed:
            yield node.lineno


def ids_spelt_out(tree):
    """The lines on which a constant is an id or the beginning of one; docstrings are for people."""
    statements = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and node not in statements and LOOKS_LIKE_AN_ID.match(node.value):
            yield node.lineno


def found_by(search, files):
    trees = {path: ast.parse(path.read_text()) for path in files}
    return {f"{path.relative_to(ROOT)}:{line}" for path, tree in trees.items() for line in search(tree)}


@pytest.mark.parametrize(
    ("code", "n"),
    [
        ('channel.id.partition("/")', 1),
        ('re.match("x", channel.physical_id)', 1),
        ('fnmatchcase(channel.lane, "gpu-*")', 1),
        ('"@" in channel.id', 1),
        ("channel.id[0]", 1),
        ("channel.lane[4:]", 1),
        ("channel_id.startswith(GPUS)", 1),
        ("channel.place.part.startswith(GPUS)", 0),
        ("channel.id in chosen", 0),
        ('channel_id.startswith("@")', 0),
        ('lane["rate_hz"]', 0),
    ],
)
def test_a_parser_of_ids_is_seen(code, n):
    assert len(list(ids_taken_apart(ast.parse(code)))) == n


def test_no_module_takes_a_channels_id_apart():
    """Not even a source: it built the id from the place, and has the place."""
    assert found_by(ids_taken_apart, FILES) == set()


def test_only_sources_know_how_ids_are_spelt():
    """The manual's examples aside."""
    others = [path for path in FILES if path.parent.name != "sources" and path.name != "examples.py"]
    assert len(others) > 100
    assert found_by(ids_spelt_out, others) == set()
    assert found_by(ids_spelt_out, set(FILES) - set(others)) != set()
