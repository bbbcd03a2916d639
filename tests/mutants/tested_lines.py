"""Which tests run which lines, and how long they take: found once for each file of tests, and kept.

To find it out takes minutes, and changes only with a file: what is kept of a file of tests counts until that
file, a helper beside it or a source whose functions it runs is another. It lies in ``build/``.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import trial

_Ended = Callable[[dict[int, tuple[Any, float]]], list[tuple[int, int]]]


class TestedLines(NamedTuple):
    """Which tests run which lines.

    Attributes:
        lines: By the source's path under the package, the line and the test; "": it runs at import.
        took_s: By the test's id, in the order in which pytest runs them.
    """

    lines: dict[str, dict[int, set[str]]]
    took_s: dict[str, float]

    def at_import(self, source: str, first: int, last: int) -> bool:
        """Whether some of these lines run when the module is imported."""
        return any("" in self.lines.get(source, {}).get(line, ()) for line in range(first, last + 1))

    def tests(self, source: str, lines: tuple[int, int], function: str, within_s: float) -> tuple[str, ...]:
        """The tests that run some of these lines and then the others of their files, the quickest first.

        A line that ran in one test may matter to the next one, which finds its result kept.

        Args:
            source: Path under the package.
            lines: The first and the last, from 1.
            function: Which they are of; empty: of none, so that they run when somebody imports the module.
            within_s: How long they may have taken all together, but for the first one.
        """
        by_line = self.lines.get(source, {})
        these = range(lines[0], lines[1] + 1)
        reach = {test for line in these for test in by_line.get(line, ()) if test}
        if not function or (not reach and self.at_import(source, *lines)):
            reach = {test for tests in by_line.values() for test in tests if test}
        files = {test.partition("::")[0] for test in reach}
        beside = [test for test in self.took_s if test.partition("::")[0] in files and test not in reach]
        wanted, left_s = [], within_s
        for test in [
            *sorted(reach, key=self.took_s.__getitem__),
            *sorted(beside, key=self.took_s.__getitem__),
        ]:
            left_s -= self.took_s[test]
            if wanted and left_s < 0:
                break
            wanted.append(test)
        return tuple(wanted)

    def limit_s(self, tests: Sequence[str]) -> float:
        """CPU time: far more than they take, and little enough for a loop without an end."""
        return 20 + 5 * sum(self.took_s[test] for test in tests)


def tested_lines(root: Path, package: Path, tests: Sequence[str], jobs: int, ended: _Ended) -> TestedLines:
    """What is kept of these files of tests, and the rest run to find it out.

    Args:
        root: Of the project, to which the paths of tests are relative.
        package: Folder of the sources, as the tests import them.
        tests: Files.
        jobs: Processes at once.
        ended: Takes the children that ended.
    """
    folder = root / "build/tested_lines"
    folder.mkdir(parents=True, exist_ok=True)
    places = {file: folder / f"{file.replace('/', '.')}.json" for file in tests}
    found = {file: _read(place) for file, place in places.items()}
    found = {
        file: one for file, one in found.items() if one and one["state"] == _state(root, package, file, one)
    }
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as results:
        missing = [file for file in tests if file not in found]
        for file, result in _runs(package, missing, Path(results), jobs, ended):
            one = _read(result) or {"failed": [file]}
            failed += one["failed"]
            if not one["failed"]:
                found[file] = one
                kept = {**one, "state": _state(root, package, file, one)}
                places[file].write_text(json.dumps(kept), encoding="utf-8")
    if failed:
        sys.exit(
            "".join(["Tests fail without a mutant: fix them first", *(f"\n  {name}" for name in failed)])
        )
    return _joined([found[file] for file in tests])


def _read(place: Path) -> dict[str, Any] | None:
    return json.loads(place.read_text(encoding="utf-8")) if place.exists() else None


def _runs(
    package: Path, tests: Sequence[str], folder: Path, jobs: int, ended: _Ended
) -> Iterator[tuple[str, Path]]:
    """Each file of tests with the file of what its run found."""
    waiting, running = list(enumerate(tests))[::-1], {}
    while waiting or running:
        while waiting and len(running) < jobs:
            number, file = waiting.pop()
            result = folder / f"{number}.json"
            child = trial.forked(lambda file=file, result=result: trial.traced(package, file, result))
            running[child] = (file, result), float("inf")
        for child, _ in ended(running):
            yield running.pop(child)[0]
        time.sleep(0.02)


def _state(root: Path, package: Path, file: str, found: Mapping[str, Any]) -> str:
    """Of all that a file of tests depends on, as far as its run shows."""
    helpers = (one for one in (root / "tests").glob("*.py") if not one.name.startswith("test_"))
    sources = (package / source for source in found["sources"])
    texts = [
        path.read_bytes() if path.exists() else b""
        for path in [root / file, *sorted(helpers), *sorted(sources)]
    ]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def _joined(found: Sequence[Mapping[str, Any]]) -> TestedLines:
    lines: dict[str, dict[int, set[str]]] = {}
    for one in found:
        names = ["", *one["took_s"]]
        for source, by_line in one["lines"].items():
            of = lines.setdefault(source, {})
            for line, tests in by_line.items():
                of.setdefault(int(line), set()).update(names[number] for number in tests)
    return TestedLines(lines, {test: took_s for one in found for test, took_s in one["took_s"].items()})
