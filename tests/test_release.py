"""What a release consists of: archives with all that a build needs, the same each time, of one version."""

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import microjoule
from microjoule.version import VERSION

REPOSITORY = Path(__file__).parents[1]
NEEDED = (
    "setup.py", "Makefile", "LICENSE", "CHANGELOG.md", ".ci/run", "src/microjoule/_native.pyx",
    "src/microjoule/_native.pxd", "src/microjoule/py.typed", "src/microjoule/report/report.schema.json",
    "csrc/microjoule.h", "csrc/sampler.c", "tests/conftest.py", "tests/golden", "examples/train.py",
    "tools/zig-cc",
)  # fmt: skip
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "build", "dist", "*.so", "__pycache__", "*.egg-info")
SOME_TIME = "1700000000"
# The version where it must be written out, and how it stands there.
REPEATED = {
    "CITATION.cff": r"^version: (.+)$",
    "docs/cite.md": r"(?:version = \{|microjoule )(\d[\d.]*\d)",
    "docs/packaging/recipe.yaml": r"context: \{version: (.+?)\}",
}
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
RELEASED = re.compile(r"^## (\d\S*) \((\d{4}-\d\d-\d\d)\)$", re.MULTILINE)


def made(folder: Path, changed_s: int, *command: str, **environment: str) -> tuple[str, bytes]:
    """What setup.py makes of sources that were last changed at that time: an archive's name and bytes."""
    copy = shutil.copytree(REPOSITORY, folder / "copy", ignore=LEFT_OUT, symlinks=True)
    for path in copy.rglob("*"):
        os.utime(path, (changed_s, changed_s), follow_symlinks=False)
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", *command, "--dist-dir", str(folder / "made")],
        cwd=copy,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (archive,) = (folder / "made").iterdir()
    return archive.name, archive.read_bytes()


def test_an_sdist_has_the_native_half_and_the_tests_and_is_the_same_each_time(tmp_path: Path) -> None:
    """Its bytes depend on the sources alone, and not on when they were written or where they were built."""
    name, bytes_ = made(tmp_path / "a", 1_500_000_000, "sdist", SOURCE_DATE_EPOCH=SOME_TIME, TZ="UTC")
    again = made(tmp_path / "another", 1_600_000_000, "sdist", SOURCE_DATE_EPOCH=SOME_TIME, TZ="Asia/Tokyo")
    assert (name, bytes_) == again
    with tarfile.open(tmp_path / "a" / "made" / name) as file:
        members = file.getmembers()
    names = {member.name.partition("/")[2] for member in members}
    assert {name for name in NEEDED if name not in names} == set()
    assert not {name for name in names if name.endswith((".so", ".pyc"))}
    assert {member.mtime for member in members} == {int(SOME_TIME)}
    assert {(member.uid, member.uname) for member in members} == {(0, "")}
    assert next(member.mode for member in members if member.name.endswith(".ci/run")) == 0o755


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the extension is for Linux")
def test_a_wheel_is_the_same_each_time(tmp_path: Path) -> None:
    """With symbols, which name the folder of the build, it would not be: a release's are stripped."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    environment = {
        "MICROJOULE_DEBUG": "1",  # not optimised, which takes a third of the time
        "LDSHARED": "cc -shared -s",
        "SOURCE_DATE_EPOCH": SOME_TIME,
    }
    one = made(tmp_path / "a", 1_500_000_000, "bdist_wheel", **environment)
    assert one == made(tmp_path / "another", 1_600_000_000, "bdist_wheel", **environment)
    is_free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    assert ("-cp311-abi3-" in one[0]) != is_free_threaded


@pytest.mark.parametrize("path", REPEATED)
def test_the_version_is_everywhere_the_same(path: str) -> None:
    found = re.findall(REPEATED[path], (REPOSITORY / path).read_text(encoding="utf-8"), re.MULTILINE)
    assert set(found) == {VERSION}


def test_the_version_is_a_release_of_the_changelog_with_its_date() -> None:
    """What was changed since may stand above it as *Unreleased*, and is none of a release."""
    changes = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = [line for line in changes.splitlines() if line.startswith("## ") and line != "## Unreleased"]
    assert [RELEASED.fullmatch(line) is not None for line in headings] == [True] * len(headings)
    ((version, date), *_) = RELEASED.findall(changes)
    assert (version, "## Unreleased" in changes.split(f"## {version}")[1]) == (VERSION, False)
    citation = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^date-released: (.+)$", citation, re.MULTILINE) == [date]
    assert dt.date.fromisoformat(date) <= dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)


def test_a_workflow_names_each_action_by_its_commit_and_says_which_version_that_is() -> None:
    """A tag can be moved to other code, a commit cannot."""
    uses = [
        line.strip().removeprefix("- ")
        for path in sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if "uses:" in line
    ]
    pinned = re.compile(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+")
    assert uses
    assert [line for line in uses if pinned.fullmatch(line) is None] == []


def workflow(name: str) -> str:
    return (REPOSITORY / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    return found


def test_conda_s_recipe_asks_for_what_the_project_asks_for() -> None:
    """And leaves the program to pip, which makes it from the project's own entry point."""
    yaml = pytest.importorskip("yaml")
    recipe = yaml.safe_load((REPOSITORY / "docs" / "packaging" / "recipe.yaml").read_text(encoding="utf-8"))
    asked = [one.replace(" ", "") for one in recipe["requirements"]["run"]]
    assert asked == ["python", *(one.partition(";")[0] for one in project()["dependencies"])]
    oldest = project()["requires-python"].removeprefix(">=")
    assert recipe["build"]["skip"] == ["not linux", f'match(python, "<{oldest}")']
    assert "python" not in recipe["build"]


TESTS = [path.read_text(encoding="utf-8") for path in sorted((REPOSITORY / "tests").rglob("*.py"))]
# The package where it has another name than the program or the module; None: Debian always has it.
DEBIAN = {
    "cc": "gcc", "mpirun": "openmpi-bin", "chronyd": "chrony", "promtool": "prometheus",
    "fusermount3": "fuse3", "setcap": "libcap2-bin", "systemd-analyze": "systemd", "node": "nodejs",
    "setpriv": None, "unshare": None,
}  # fmt: skip
PYPI = {
    "duckdb": "ibis-framework[duckdb]", "yaml": "pyyaml", "xdist": "pytest-xdist", "flask": "moto[server]",
    "referencing": "jsonschema", "nbformat": "nbclient",
}  # fmt: skip


def test_what_tests_are_skipped_without_is_installed_each_night() -> None:
    nightly = workflow("nightly").split()
    programs = {name for text in TESTS for name in re.findall(r'which\("([\w-]+)"\)', text)}
    asked = {DEBIAN.get(name, name) for name in programs} - {None}
    assert (len(asked) >= 8, asked - set(nightly)) == (True, set())
    modules = {name for text in TESTS for name in re.findall(r'importorskip\(\s*"(\w+)', text)}
    ours = [re.split("[<>=;]", one)[0] for one in project()["optional-dependencies"]["test"]]
    said = [one.strip("'") for one in (*nightly, *ours)]
    have = {*said, *(one.partition("[")[0] for one in said), "microjoule"}
    wanted = {PYPI.get(name, name.lower().replace("_", "-")) for name in modules}
    assert (len(wanted) >= 15, wanted - have) == (True, set())


def test_the_tour_says_what_each_package_is_for() -> None:
    packages = {path.parent.name for path in (REPOSITORY / "src" / "microjoule").glob("*/__init__.py")}
    rows = [line for line in CONTRIBUTING.splitlines() if line.startswith("| `")]
    named = re.findall(r"`(\w+)/`", " ".join(row.split("|")[1] for row in rows))
    assert (sorted(set(named) - {"csrc"}), len(named)) == (sorted(packages), len(set(named)))


def test_commands_of_the_tour_are_targets_of_make() -> None:
    targets = re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = set(re.findall(r"^\$ make ([\w-]+)", CONTRIBUTING, re.MULTILINE))
    assert named == set(targets) - {"clean", "fuzz-native"}


def test_no_entry_of_the_changelog_is_there_twice() -> None:
    entries = re.split(r"\n(?=- |## )", (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert [entry for entry, times in Counter(entry.strip() for entry in entries).items() if times > 1] == []


def test_what_is_installed_has_the_version() -> None:
    assert (metadata.version("microjoule"), microjoule.__version__) == (VERSION, VERSION)


@pytest.mark.parametrize("path", ["setup.py", "src/microjoule/__init__.py"])
def test_an_older_python_is_refused_in_one_sentence(path: str, tmp_path: Path) -> None:
    """pip runs setup.py of an archive on the disk before it compares requires-python."""
    program = (
        f"import sys; sys.version_info = (3, 10, 13, 'final', 0)\n"
        f"exec(compile(open({str(REPOSITORY / path)!r}, encoding='utf-8').read(), 'it', 'exec'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].removeprefix("ImportError: ") == (
        "microjoule needs Python 3.11 or later, and this is Python 3.10.13. "
        "Install it with a newer one: python3.11 -m pip install microjoule"
    )


def test_the_extension_has_the_stable_abi_where_there_is_one() -> None:
    """Its name has a version of Python in it where it is built for that version alone."""
    native = pytest.importorskip("microjoule._native", reason="analysis only")
    is_free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    assert native.__file__.endswith(".abi3.so") != is_free_threaded
