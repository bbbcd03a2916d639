"""Mutation testing: `make mutants`, or `make mutants MUTANTS="src/microjoule/joules/unwrap.py --minutes 5"`.

Each file is changed in one small way at a time, and the tests that run the changed line must notice. A mutant
that survives its own tests is tried again with all tests of their files. What survives and is listed in
``accepted.txt`` with a reason is no failure; what survives and is not, is.

``TESTS`` says which tests are asked of a file. A row of its own for a file, of tests that take seconds, makes
what took minutes: to find out which tests run which line. What only tests of other rows notice survives, so
that the rates in ``results.json`` are lower bounds: ``make mutants MUTANTS="FILE --sample 25 --keep"``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import in_place
import mutate
import numpy as np  # noqa: F401 - imported once, here, and not in each child
import pyarrow as pa  # noqa: F401
import trial

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/microjoule"
INSTALLED = Path(find_spec("microjoule").submodule_search_locations[0])  # what the tests run: the wheel
ACCEPTED, RESULTS = (Path(__file__).with_name(name) for name in ("accepted.txt", "results.json"))
SLOW = ("cover_the_truth", "hold_under_drift", "kill_at_any_byte", "agree_with_scipy", "bootstrap")
PROPERTIES = [
    f"tests/properties/test_{name}.py"
    for name in (
        "dropped_readings_only_widen", "energy_is_additive", "energy_never_decreases",
        "no_joule_is_counted_twice", "reset_is_not_a_wrap", "several_wraps_are_not_hidden",
        "steps_are_judged_one_by_one", "totals_are_what_the_counter_did", "width_is_without_effect",
        "wrap_changes_nothing",
    )
]  # fmt: skip
TESTS = {  # by the beginning of the file's path under src/microjoule; the first that fits
    "joules/unwrap.py": ["tests/unit/joules/test_unwrap.py", *PROPERTIES],
    "joules/total.py": [
        "tests/unit/joules/test_total.py",
        "tests/properties/test_no_joule_is_counted_twice.py",
    ],
    "joules/doubts.py": ["tests/unit/joules/test_doubts.py"],
    "joules/glitches.py": ["tests/unit/joules/test_glitches.py", "tests/unit/joules/test_unwrap.py"],
    "joules/occupancy.py": ["tests/unit/joules/test_occupancy.py"],
    "joules/uncertainty.py": ["tests/unit/joules/test_uncertainty.py", "tests/unit/joules/test_estimate.py"],
    "trace/checksum.py": ["tests/unit/trace/test_checksum.py"],
    "joules": ["tests/unit/joules", "tests/properties", "tests/golden"],
    "trace": ["tests/unit/trace", "tests/unit/joules/test_summary.py", "tests/golden", *PROPERTIES],
    "sources/zones.py": [
        f"tests/unit/sources/test_{name}.py" for name in ("machine", "powercap", "rapl_cores", "zones")
    ],
    "sources": ["tests/unit/sources"],
}
# What is tried whole, 170 mutants in three minutes: what a total adds, and which zone and limit is whose. The
# other files of joules/ and trace/ have 6,500 more: name them.
DEFAULT = ["joules/total.py", "sources/zones.py"]
SURVIVED, NO_TEST = 0, -1


class Trial(NamedTuple):
    """A mutant with the tests that are to notice it, and how long they may take."""

    path: Path
    mutant: mutate.Mutant
    tests: tuple[str, ...]
    limit_s: float
    is_second: bool = False

    @property
    def name(self) -> str:
        """What ``accepted.txt`` calls it: no line numbers, so that it stays when the file moves on."""
        one = self.mutant
        return f"{self.path.relative_to(SOURCE)} {one.function}: {one.before} -> {one.after}"


class Traced(NamedTuple):
    """Which tests run which lines, how long they take, and which of them failed."""

    lines: dict[str, dict[str, list[str]]]
    took_s: dict[str, float]
    failed: list[str]

    def tests(self, path: Path, first: int, last: int) -> tuple[str, ...]:
        """The tests that run some of these lines, the quickest first; all of the file where none is named."""
        by_line = self.lines[str(_installed(path))]
        wanted = {t for line in range(first, last + 1) for t in by_line.get(str(line), []) if t}
        if not wanted and any(str(line) in by_line for line in range(first, last + 1)):
            wanted = {t for tests in by_line.values() for t in tests if t}  # the line runs at import
        return tuple(sorted(wanted, key=lambda t: self.took_s.get(t, 0.0)))

    def limit_s(self, tests: Sequence[str]) -> float:
        """Far more than they take, and little enough for a loop without an end."""
        return 20 + 5 * sum(self.took_s.get(one, 0.0) for one in tests)

    def second(self, one: Trial) -> Trial:
        """The trial of a mutant that its own tests did not notice: with all tests of their files."""
        whole = self.beside(one.tests)
        return one._replace(tests=whole, limit_s=self.limit_s(whole), is_second=True)

    def beside(self, tests: Sequence[str]) -> tuple[str, ...]:
        """All tests of the same files."""
        files = {one.partition("::")[0] for one in tests}
        return tuple(one for one in self.took_s if one.partition("::")[0] in files)


def main() -> int:
    """Prints the survivors; 1 where one of them is not accepted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path, help=f"files or folders [{', '.join(DEFAULT)}]")
    parser.add_argument("--minutes", type=float, default=30, help="stop after this time [30]")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes at once")
    parser.add_argument("--tests", nargs="*", help="tests to use, instead of those of the file's package")
    parser.add_argument("--sample", type=int, help="try so many mutants of each file, always the same [all]")
    parser.add_argument(
        "--once", action="store_true", help="try functions alone, and what survives once no second time"
    )
    parser.add_argument("--keep", action="store_true", help="write the rate of each file into results.json")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    files = _files(arguments.paths or [SOURCE / name for name in DEFAULT])
    until_s = time.monotonic() + 60 * arguments.minutes
    asked = arguments.tests or _tests(files)
    traced = _traced(files, asked)
    every = [
        Trial(file, mutant, tests, traced.limit_s(tests))
        for file in files
        for mutant in _sampled(file, arguments.sample)
        for tests in [traced.tests(file, *mutant.lines)]
    ]
    random.Random(1).shuffle(every)  # a run that stops early has tried a fair sample
    print(f"{len(every)} mutants of {len(files)} files, {len(traced.took_s)} tests", flush=True)
    noticed, unnoticed = _in_place(every, asked, arguments.jobs, until_s)
    print(f"{len(noticed)} noticed at once", flush=True)
    if arguments.once:
        survivors = [every[number] for number in unnoticed]
        waiting = [one for number, one in enumerate(every) if number not in noticed | unnoticed]
    else:
        waiting = [
            traced.second(one) if number in unnoticed else one
            for number, one in enumerate(every)
            if number not in noticed
        ]
        survivors = _run(waiting, traced, arguments.jobs, until_s)
    left = {id(one.mutant) for one in waiting}
    if arguments.keep:
        _keep([one for one in every if id(one.mutant) not in left], survivors, asked)
    return _report(survivors, len(every), len(waiting))


def _files(paths: Sequence[Path]) -> list[Path]:
    """The files of paths, which may be written as ``results.json`` has them, under src/microjoule."""
    found = []
    for path in paths:
        place = next((each for each in (path.resolve(), SOURCE / path) if each.exists()), None)
        if place is None:
            sys.exit(f"No file or folder {path}, nor {SOURCE / path}")
        found += [place] if place.is_file() else sorted(place.rglob("*.py"))
    return sorted(dict.fromkeys(found))


def _sampled(file: Path, n: int | None) -> list[mutate.Mutant]:
    """Mutants of a file, as many as asked for: a draw that depends on the file's name alone."""
    found = list(mutate.mutants(file.read_text(encoding="utf-8")))
    return found if n is None or n >= len(found) else random.Random(file.name).sample(found, n)


def _keep(tried: Sequence[Trial], survivors: Sequence[Trial], tests: Sequence[str]) -> None:
    """Writes what became of each file's mutants, and leaves the other files' results."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for path in dict.fromkeys(one.path for one in tried):
        names = [one.name for one in survivors if one.path == path]
        n = sum(one.path == path for one in tried)
        kept[path.relative_to(SOURCE).as_posix()] = {
            "mutants": len(list(mutate.mutants(path.read_text(encoding="utf-8")))),
            "tried": n,
            "noticed": n - len(names),
            "accepted": sum(name in _accepted() for name in names),
            "test_files": len(tests),
            "survivors": sorted(name for name in names if name not in _accepted()),
        }
    RESULTS.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")


def _installed(file: Path) -> Path:
    return INSTALLED / file.relative_to(SOURCE)


def _tests(files: Sequence[Path]) -> list[str]:
    names = [file.relative_to(SOURCE).as_posix() for file in files]
    fitting = [
        next((TESTS[start] for start in TESTS if name.startswith(start)), ["tests/unit"]) for name in names
    ]
    places = dict.fromkeys(place for places in fitting for place in places)
    found = [str(file) for place in places for file in _test_files(Path(place))]
    return [file for file in found if not any(word in file for word in SLOW)]


def _test_files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(place.rglob("test_*.py"))


def _traced(files: Sequence[Path], tests: Sequence[str]) -> Traced:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "traced.json"
        code = os.waitstatus_to_exitcode(
            os.waitpid(
                trial.forked(lambda: trial.traced([_installed(file) for file in files], tests, result)), 0
            )[1]
        )
        found = Traced(**json.loads(result.read_text(encoding="utf-8"))) if result.exists() else None
        if code != 0 or found is None:
            names = "".join(f"\n  {name}" for name in found.failed) if found else ""
            sys.exit(f"Tests fail without a mutant (pytest's exit code {code}): fix them first{names}")
        return found


def _in_place(
    waiting: list[Trial], tests: Sequence[str], jobs: int, until_s: float
) -> tuple[set[int], set[int]]:
    """The numbers of those that a test notices with the code of a function exchanged, and that none does.

    What is in no function, or comes too late, is in neither.
    """
    changes = [
        in_place.Change(
            number, _installed(each.path), each.mutant.source, each.mutant.function, each.tests, each.limit_s
        )
        for number, each in enumerate(waiting)
        if each.tests and each.mutant.function
    ]
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "noticed.json"
        forks = in_place.Forks(changes, jobs, until_s, _ended)
        os.waitpid(trial.forked(lambda: in_place.noticed(forks, tests, result)), 0)
        found = json.loads(result.read_text(encoding="utf-8")) if result.exists() else [[], []]
    return set(found[0]), set(found[1])


def _run(waiting: list[Trial], traced: Traced, jobs: int, until_s: float) -> list[Trial]:
    """Tries the mutants until the time is over; takes those that were tried from the list."""
    survivors: list[Trial] = []
    running: dict[int, tuple[Trial, float]] = {}
    while running or (waiting and time.monotonic() < until_s):
        while waiting and len(running) < jobs and time.monotonic() < until_s:
            one = waiting.pop()
            if not one.tests:
                survivors.append(one)
                continue
            parts = one.path.relative_to(SOURCE.parent).with_suffix("").parts
            module = ".".join(parts).removesuffix(".__init__")
            child = trial.forked(
                lambda one=one, module=module: trial.mutated(module, one.path, one.mutant.source, one.tests)
            )
            running[child] = one, time.monotonic() + one.limit_s
        for child, code in _ended(running):
            one, _ = running.pop(child)
            if code == SURVIVED and not one.is_second and set(traced.beside(one.tests)) != set(one.tests):
                waiting.append(traced.second(one))
            elif code == SURVIVED:
                survivors.append(one)
        time.sleep(0.02)
    return survivors


def _ended(running: dict[int, tuple[Trial, float]]) -> list[tuple[int, int]]:
    """The children that ended, with their exit codes; one that takes too long is ended, and was noticed."""
    found = []
    for child, (_, until_s) in running.items():
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            found.append((child, os.waitstatus_to_exitcode(status)))
        elif time.monotonic() > until_s:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            found.append((child, 1))
    return found


def _accepted() -> set[str]:
    lines = ACCEPTED.read_text(encoding="utf-8").splitlines() if ACCEPTED.exists() else []
    return {line for line in lines if line and not line.startswith(("#", " "))}


def _report(survivors: Sequence[Trial], total: int, left: int) -> int:
    accepted = _accepted()
    new = [one for one in survivors if one.name not in accepted]
    for one in sorted(new, key=lambda one: (one.path, one.mutant.lines)):
        print(
            f"{one.path.relative_to(ROOT)}:{one.mutant.lines[0]}{'' if one.tests else ' (no test runs it)'}"
        )
        print(f"  {one.name}")
    tried = total - left
    print(
        f"{tried} of {total} mutants tried: {tried - len(survivors)} noticed, "
        f"{len(survivors) - len(new)} accepted, {len(new)} survive"
    )
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
