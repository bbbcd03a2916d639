"""A user's program against the installed package: what type checkers see of the public names.

mypy always runs. pyright is a program for node, which its wrapper fetches where it is missing: without node
it is left out.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import microjoule as uj

TESTS = Path(__file__).parents[1]
TYPED = TESTS / "typed"
README = TESTS.parent / "README.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)

needs_pyright = pytest.mark.skipif(
    shutil.which("node") is None, reason="pyright needs node: apt install nodejs"
)


def mypy(path: Path, *options: str) -> dict[int, str]:
    """Its errors by line, with an empty cache of their own."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file=", *options]
    done = subprocess.run([*command, path.name], cwd=path.parent, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr + done.stdout
    found = re.findall(rf"^{path.name}:(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    assert len(found) == done.stdout.count(": error: "), done.stdout  # and none in the package itself
    return {int(line): what for line, what in found}


def pyright(paths: Sequence[Path], folder: Path) -> dict[str, dict[int, str]]:
    """Its errors in strict mode, by file name and line."""
    config = {"typeCheckingMode": "strict", "include": [str(path) for path in paths]}
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", folder]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if not done.stdout.startswith("{"):
        pytest.skip(f"pyright did not start: {(done.stderr or done.stdout).strip()[-200:]}")
    found: dict[str, dict[int, str]] = {path.name: {} for path in paths}
    for each in json.loads(done.stdout)["generalDiagnostics"]:
        if each["severity"] == "error":
            found[Path(each["file"]).name][each["range"]["start"]["line"] + 1] = each["message"]
    return found


def wrong(path: Path) -> set[int]:
    """The lines that are marked as wrong."""
    return {n for n, line in enumerate(path.read_text().splitlines(), 1) if "# wrong" in line}


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    """The README's examples as one program."""
    shown = BLOCK.findall(README.read_text())
    assert len(shown) >= 5
    path = tmp_path / "readme.py"
    shutil.copy(TYPED / "readme_names.py", tmp_path)
    names = "TEXT, batches, parse, text, train_one_epoch, train_step, with_columns, with_rows"
    path.write_text(f"from readme_names import {names}\n" + "\n".join(shown))
    return path


def test_mypy_finds_nothing_wrong_and_no_any_in_the_readme(readme: Path) -> None:
    """No expression has the type Any: each name of each example is known."""
    assert mypy(readme, "--disallow-any-expr") == {}


def test_mypy_sees_the_type_of_every_public_name(tmp_path: Path) -> None:
    path = shutil.copy(TYPED / "names.py", tmp_path)
    assert mypy(Path(path), "--disallow-any-expr") == {}
    text = (TYPED / "names.py").read_text()
    assert [name for name in uj.__all__ if f"uj.{name}" not in text] == []


def test_mypy_finds_slips(tmp_path: Path) -> None:
    """A stub of which everything is Any would let them pass."""
    path = Path(shutil.copy(TYPED / "refused.py", tmp_path))
    assert set(mypy(path)) == wrong(path)
    assert len(wrong(path)) > 10


@needs_pyright
def test_pyright_agrees(readme: Path, tmp_path: Path) -> None:
    """In strict mode, which reports what is unknown too."""
    paths = [readme, *(Path(shutil.copy(TYPED / f"{name}.py", tmp_path)) for name in ("names", "refused"))]
    found = pyright(paths, tmp_path)
    assert found["readme.py"] == {}
    assert found["names.py"] == {}
    assert wrong(TYPED / "refused.py") <= set(found["refused.py"])


def test_the_stub_has_the_names_that_there_are() -> None:
    """``__init__.pyi`` is what checkers read, and ``__init__.py`` what runs."""
    stub = Path(uj.__file__).with_suffix(".pyi").read_text()
    listed = re.findall(r'^    "(\w+)",$', stub, re.MULTILINE)
    assert sorted(listed) == sorted(uj.__all__)
    imported = re.findall(r"^from \S+ import \w+ as (\w+)$", stub, re.MULTILINE)
    extension = {"load_ipython_extension", "unload_ipython_extension"}
    assert {*imported, "__version__"} == {*uj.__all__} | extension
    for module, name in re.findall(r"^from \.(\S+) import (\w+) as", stub, re.MULTILINE):
        there = __import__(f"microjoule.{module}", fromlist=[name])
        assert getattr(uj, name) is getattr(there, name)
