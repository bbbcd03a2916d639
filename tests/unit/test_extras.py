"""A library that only an extra brings is named with its extra, and nothing else is hidden by that."""

import sys
import tomllib
from pathlib import Path

import pytest

from microjoule.errors import MissingExtra
from microjoule.late import EXTRAS, extra

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_what_is_installed_is_the_module_itself(monkeypatch, tmp_path):
    (tmp_path / "lightning.py").write_text("found = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lightning", raising=False)
    assert extra("lightning").found == 1


@pytest.mark.parametrize("package", EXTRAS)
def test_a_missing_library_is_named_with_its_extra(package, monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtra, match=rf"{package}.*pip install 'microjoule\[{EXTRAS[package]}\]'"):
        extra(package)


def test_a_library_that_lacks_something_of_its_own_says_that(monkeypatch, tmp_path):
    (tmp_path / "lightning.py").write_text("import nothing_of_this_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lightning", raising=False)
    with pytest.raises(ModuleNotFoundError, match="nothing_of_this_name"):
        extra("lightning")


def test_every_extra_is_one_of_the_project():
    declared = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    assert set(EXTRAS.values()) <= set(declared)
