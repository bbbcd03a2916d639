"""One run of tests in a child process: with coverage by test, or with a mutant in place of a module.

The parent has imported what is slow to import and nothing of the package, so that a child costs little
and imports the mutant in place of the file. Nothing is written. A test that starts a process runs the
file itself.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.util
import json
import os
import resource
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import coverage
import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "mutants",
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


OPTIONS = [
    *("-q", "-p", "no:cacheprovider", "-p", "no:microjoule"),  # the plugin would import the package too early
    *("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"),
]
PATIENCE = 10  # longer than the CPU time: the machine is busy, or the mutant waits for what never comes
_PASSED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


class Replaced(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a module from a text."""

    def __init__(self, module: str, path: Path, source: str) -> None:
        self.module, self.path, self.source = module, path, source

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        """The module's own spec with this loader; None for any other."""
        if fullname != self.module:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        """Runs the text."""
        exec(compile(self.source, str(self.path), "exec"), module.__dict__)


class Quick:
    """Hypothesis without a search for the simplest failure; and the mutant, if there is one."""

    def __init__(self, replaced: Replaced | None = None) -> None:
        self.replaced = replaced

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """After conftest.py and pytest's own import hook, before the tests."""
        hypothesis.settings.load_profile("mutants")
        if self.replaced is not None:
            if self.replaced.module in sys.modules:
                os._exit(98)
            sys.meta_path.insert(0, self.replaced)


class ByTest:
    """Notes which test is running, and how long each took."""

    def __init__(self, covered: coverage.Coverage) -> None:
        self.covered = covered
        self.took_s: dict[str, float] = {}
        self.failed: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> object:
        """Its fixtures are its own, as far as coverage goes."""
        self.covered.switch_context(item.nodeid)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Setup, call and teardown add up."""
        self.took_s[report.nodeid] = self.took_s.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be collected."""
        if report.failed:
            self.failed.append(report.nodeid)


def forked(run: Callable[[], int], limit_s: float | None = None) -> int:
    """Runs something in a child of its own session without output, for so much CPU time; the child's id."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        if limit_s is not None:
            resource.setrlimit(resource.RLIMIT_CPU, (int(limit_s) + 1, resource.RLIM_INFINITY))
        os._exit(run())
    finally:
        os._exit(99)


def mutated(module: str, path: Path, source: str, tests: Sequence[str]) -> int:
    """Runs tests against a mutant up to the first failure; pytest's exit code."""
    return pytest.main(["-x", *OPTIONS, *tests], plugins=[Quick(Replaced(module, path, source))])


def traced(package: Path, tests: str, result: Path) -> int:
    """Runs a file of tests; writes which test runs which line, how long each takes, and what fails."""
    covered = coverage.Coverage(data_file=None, source=[str(package)], config_file=False)
    by_test = ByTest(covered)
    covered.start()
    code = pytest.main([*OPTIONS, tests], plugins=[Quick(), by_test])
    covered.stop()
    data = covered.get_data()
    numbers = {test: number for number, test in enumerate(["", *by_test.took_s])}  # "": of no test
    lines = {
        Path(path).relative_to(package).as_posix(): data.contexts_by_lineno(path) for path in _sources(data)
    }
    found = {
        "lines": {
            source: {line: [numbers[one] for one in ran if one in numbers] for line, ran in of.items()}
            for source, of in lines.items()
        },
        "sources": [source for source, of in lines.items() if _runs_a_function(package / source, of)],
        "took_s": by_test.took_s,
        "failed": by_test.failed or ([] if code in _PASSED else [tests]),
    }
    result.write_text(json.dumps(found), encoding="utf-8")
    return code


def _runs_a_function(source: Path, lines: Iterable[int]) -> bool:
    """Whether some of these lines are in a function: a module that is imported only is not run."""
    found = (node for node in ast.walk(ast.parse(source.read_bytes())) if isinstance(node, ast.FunctionDef))
    bodies = [range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1) for node in found]
    return any(line in body for line in lines for body in bodies)


def _sources(data: coverage.CoverageData) -> Iterator[str]:
    """Those that ran; coverage knows the others, too."""
    return (path for path in data.measured_files() if path.endswith(".py") and data.lines(path))
