"""Mutation testing: `make mutants`, or `make mutants MUTANTS="src/microjoule/sources/zones.py --minutes 5"`.

Each file is changed in one small way at a time, and the tests that run the changed line must notice, or the
others of their files: the quickest first, as far as ``--seconds`` go. What survives and is listed in
``accepted.txt`` with a reason is no failure; what survives and is not, is.

``TESTS`` says which tests are asked of a file. What only tests of other rows notice survives, and what only
tests beyond ``--seconds`` notice, so that the rates in ``results.json`` are lower bounds: ``make mutants
MUTANTS="FILE --sample 25 --keep"``. Which tests run which lines takes minutes to find out and is kept.
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
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import in_place
import mutate
import numpy as np  # noqa: F401 - imported once, here, and not in each child
import pyarrow as pa  # noqa: F401
import trial
from tested_lines import tested_lines

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/microjoule"
INSTALLED = Path(find_spec("microjoule").submodule_search_locations[0])  # what the tests run: the wheel
ACCEPTED, RESULTS = (Path(__file__).with_name(name) for name in ("accepted.txt", "results.json"))
HOME = {path.stem: str(path.relative_to(SOURCE)) for path in (SOURCE / "joules").rglob("*.py")}
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
MEANS = [
    "tests/properties/test_a_longer_mean_than_declared_is_found.py",
    "tests/properties/test_a_shorter_mean_than_declared_is_found.py",
    "tests/properties/test_any_part_of_a_gauges_period_may_be_averaged.py",
]
OF_GAUGE = [f"tests/unit/joules/test_{name}.py" for name in ("readings", "gauge", "gauge_profile")]
JOB = [
    "tests/unit/joules/test_job.py",
    "tests/unit/joules/test_joint_windows.py",
    "tests/properties/test_windows_of_other_nodes_cover_the_truth.py",
]
STREAMED = [
    "tests/properties/test_streaming_changes_nothing.py",
    "tests/properties/test_paths_agree_to_the_last_count.py",
    "tests/unit/joules/test_by_name.py",
    "tests/unit/joules/test_uncounted.py",
]
OWN = (  # files of joules/ that have a file of tests of their own, which is enough
    "added_shares", "aliasing", "beats", "beside_meter", "between_marks", "clocks", "coming_round",
    "counter_seam", "cut_quanta", "energies", "fragments", "frames", "fused_edges", "gap_edges",
    "gauge_bound", "gauge_notes", "grid_phase", "interpolation", "irregular", "kept_rows", "kept_trace",
    "lag", "lag_of_gauge", "lag_of_parts", "lag_of_windows", "lag_search", "lags_left_open", "lessons",
    "listed_windows", "mark_positions", "meter_updates", "neighbourhood", "node_clocks", "nodes",
    "quanta", "rank_ends", "rank_part", "readings_around", "related_lags", "request_fit",
    "request_shares", "ripple", "running", "sample_fit", "sample_sums", "saturation", "separability",
    "share_laws", "short_windows", "slow_updates", "sparse_readings", "stack_energy", "stand_in",
    "state_fit", "state_time", "stillness", "swinging", "tracks", "unseen_scatter", "unwrapped",
    "update_record", "update_times", "window_groups",
)  # fmt: skip
SEVERAL = {  # and those that have several
    "budget": ("budget", "interrupted_reads", "uncounted", "counter_notes"),
    "counter_notes": ("counter_notes", "uncounted"),
    "energy_trace": (
        "kept_trace", "tracks", "nodes", "stand_in", "glitches", "power", "summary", "summary_rows",
        "beside_meter", "identity",
    ),
    "marked_edges": ("marked_edges", "uncounted_windows"),
    "repeating": ("repeating", "aliasing"),
    "reserved_names": ("by_name", "window_groups"),
    "resets": ("resets", "uncounted"),
    "sentence": ("sentence", "gauge_sentences"),
    "shares": ("shares_fit", "gauge_shares", "gpu_shares", "event_shares", "share_rows"),
    "step_clock": ("step_clock", "prompts_by_steps"),
    "uncounted": ("uncounted", "uncounted_windows"),
}  # fmt: skip
TESTS = {  # by the beginning of the file's path under src/microjoule; the first that fits
    **{HOME[name]: [f"tests/unit/joules/test_{name}.py"] for name in OWN},
    "joules/counters/unwrap.py": ["tests/unit/joules/test_unwrap.py", *PROPERTIES],
    "joules/estimates/total.py": [
        "tests/unit/joules/test_total.py",
        "tests/properties/test_no_joule_is_counted_twice.py",
    ],
    "joules/gauges/averaged_part.py": ["tests/unit/joules/test_averaged_part.py", *MEANS],
    "joules/gauges/averaging.py": ["tests/unit/joules/test_averaging.py", *MEANS],
    "joules/gauges/readings.py": [*OF_GAUGE, *MEANS],
    "joules/gauges/profile.py": [*OF_GAUGE, "tests/properties/test_power_conserves_energy.py", *MEANS],
    "joules/sharing/device_fit.py": [
        "tests/unit/joules/test_device_fit.py",
        "tests/unit/joules/test_gpu_shares.py",
        "tests/unit/joules/test_share_columns.py",
    ],
    "joules/counters/doubtful_counts.py": ["tests/unit/joules/test_doubtful_counts.py"],
    "joules/counters/glitches.py": ["tests/unit/joules/test_glitches.py", "tests/unit/joules/test_unwrap.py"],
    "joules/lags/lag_samples.py": [
        "tests/unit/joules/test_lag_samples.py",
        "tests/properties/test_lag_beside_a_gauge_is_learnt.py",
    ],
    "joules/lags/lag_beside_gauge.py": [
        "tests/unit/joules/test_lag_beside_gauge.py",
        "tests/properties/test_lag_beside_a_gauge_is_learnt.py",
    ],
    "joules/profiling/occupancy.py": ["tests/unit/joules/test_occupancy.py"],
    "joules/reference/reference_fit.py": [
        "tests/unit/joules/test_reference_line.py",
        "tests/unit/joules/test_reference_fit.py",
    ],
    "joules/summary.py": ["tests/unit/joules/test_summary.py", "tests/unit/joules/test_summary_rows.py"],
    **{HOME[name]: STREAMED for name in ("digest", "streamed")},
    **{HOME[name]: [f"tests/unit/joules/test_{each}.py" for each in of] for name, of in SEVERAL.items()},
    "joules/sensor_notes.py": [
        "tests/unit/joules/test_disagreement.py",
        "tests/unit/joules/test_gauge_sentences.py",
        "tests/unit/joules/test_meter_clock.py",
        "tests/unit/report/test_what_gauges_hide.py",
    ],
    "joules/profiling/sweep.py": ["tests/properties/test_long_profiles_are_taken_in_blocks.py"],
    "joules/estimates/uncertainty.py": [
        "tests/unit/joules/test_uncertainty.py",
        "tests/unit/joules/test_estimate.py",
    ],
    "joules/marks/mark_fits.py": [
        f"tests/unit/joules/test_{name}.py"
        for name in ("mark_fits", "mark_positions", "command_life", "stand_in")
    ],
    "joules/long_traces/counter_fragment.py": ["tests/unit/joules/test_counter_seam.py"],
    **{HOME[name]: JOB for name in ("job", "job_part", "joint_windows", "clock_doubts")},
    "trace/checksum.py": ["tests/unit/trace/test_checksum.py"],
    "trace/repairing.py": ["tests/unit/trace/test_repairing.py"],
    "joules": ["tests/unit/joules", "tests/properties", "tests/golden"],
    "trace": ["tests/unit/trace", "tests/unit/joules/test_summary.py", "tests/golden", *PROPERTIES],
    "sources/zones.py": [
        f"tests/unit/sources/test_{name}.py" for name in ("machine", "powercap", "rapl_cores", "zones")
    ],
    "sources": ["tests/unit/sources"],
}
# What is tried whole, 170 mutants in three minutes: what a total adds, and which zone and limit is whose. The
# other files of joules/ and trace/ have 6,500 more: name them.
DEFAULT = ["joules/estimates/total.py", "sources/zones.py"]
SURVIVED = 0


class Trial(NamedTuple):
    """A mutant with the tests that are to notice it, and how long they may take."""

    path: Path
    mutant: mutate.Mutant
    tests: tuple[str, ...]
    limit_s: float

    @property
    def name(self) -> str:
        """What ``accepted.txt`` calls it: no line numbers, so that it stays when the file moves on."""
        one = self.mutant
        return f"{self.path.relative_to(SOURCE)} {one.function}: {one.before} -> {one.after}"


def main() -> int:
    """Prints the survivors; 1 where one of them is not accepted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path, help=f"files or folders [{', '.join(DEFAULT)}]")
    parser.add_argument("--minutes", type=float, default=30, help="stop after this time [30]")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes at once")
    parser.add_argument("--tests", nargs="*", help="tests to use, instead of those of the file's package")
    parser.add_argument("--sample", type=int, help="try so many mutants of each file, always the same [all]")
    parser.add_argument(
        "--seconds", type=float, default=60, help="for the tests of a mutant, as they take without one [60]"
    )
    parser.add_argument(
        "--again", action="store_true", help="try what survives according to results.json, and nothing else"
    )
    parser.add_argument("--keep", action="store_true", help="write the rate of each file into results.json")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    files = _files(arguments.paths or [SOURCE / name for name in DEFAULT])
    until_s = time.monotonic() + 60 * arguments.minutes
    asked = arguments.tests or _tests(files)
    of_tests = tested_lines(ROOT, INSTALLED, asked, arguments.jobs, _ended)
    every = [
        Trial(file, mutant, tests, of_tests.limit_s(tests))
        for file in files
        for functions in [in_place.functions(file.read_text(encoding="utf-8"), str(file))]
        for mutant in (_survivors(file) if arguments.again else _sampled(file, arguments.sample))
        for function in [in_place.outermost(mutant.function, functions)]
        for tests in [of_tests.tests(_source(file), mutant.lines, function, arguments.seconds)]
    ]
    random.Random(1).shuffle(every)  # a run that stops early has tried a fair sample
    print(f"{len(every)} mutants of {len(files)} files, {len(of_tests.took_s)} tests", flush=True)
    noticed, unnoticed = _in_place(every, asked, arguments.jobs, until_s)
    print(f"{len(noticed)} noticed at once", flush=True)
    sure = {n for n in unnoticed if not of_tests.at_import(_source(every[n].path), *every[n].mutant.lines)}
    waiting = [one for number, one in enumerate(every) if number not in noticed | sure]
    survivors = [every[number] for number in sure] + _run(waiting, arguments.jobs, until_s)
    left = {id(one.mutant) for one in waiting}
    if arguments.keep:
        tried = [one for one in every if id(one.mutant) not in left]
        if arguments.again:
            _keep_again(tried, survivors, asked)
        else:
            _keep(files, tried, survivors, asked)
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


def _survivors(file: Path) -> list[mutate.Mutant]:
    """The mutants of a file that ``results.json`` names, and others of the same name."""
    names = _kept().get(_source(file), {"survivors": []})["survivors"]
    every = mutate.mutants(file.read_text(encoding="utf-8"))
    return [one for one in every if Trial(file, one, (), 0.0).name in names]


def _kept() -> dict[str, Any]:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def _write(kept: Mapping[str, Any]) -> None:
    RESULTS.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")


def _keep_again(tried: Sequence[Trial], survivors: Sequence[Trial], tests: Sequence[str]) -> None:
    """Takes from the survivors that are kept what was noticed now, or is accepted now."""
    kept, accepted = _kept(), _accepted()
    noticed = {one.name for one in tried} - {one.name for one in survivors}
    for row in (kept[_source(path)] for path in dict.fromkeys(one.path for one in tried)):
        before = [name for name in row["survivors"] if name not in noticed]
        row["survivors"] = [name for name in before if name not in accepted]
        row["accepted"] += len(before) - len(row["survivors"])
        row["noticed"] = row["tried"] - row["accepted"] - len(row["survivors"])
        row["test_files"] = max(row["test_files"], len(tests))
    _write(kept)


def _keep(
    files: Sequence[Path], tried: Sequence[Trial], survivors: Sequence[Trial], tests: Sequence[str]
) -> None:
    """Writes what became of each file's mutants, even of none, and leaves the other files' results."""
    kept = _kept()
    for path in files:
        names = [one.name for one in survivors if one.path == path]
        n = sum(one.path == path for one in tried)
        every = len(list(mutate.mutants(path.read_text(encoding="utf-8"))))
        if every and not n:
            continue
        kept[_source(path)] = {
            "mutants": every,
            "tried": n,
            "noticed": n - len(names),
            "accepted": sum(name in _accepted() for name in names),
            "test_files": len(tests),
            "survivors": sorted(name for name in names if name not in _accepted()),
        }
    _write(kept)


def _source(file: Path) -> str:
    return file.relative_to(SOURCE).as_posix()


def _installed(file: Path) -> Path:
    return INSTALLED / _source(file)


def _tests(files: Sequence[Path]) -> list[str]:
    names = [_source(file) for file in files]
    fitting = [
        next((TESTS[start] for start in TESTS if name.startswith(start)), ["tests/unit"]) for name in names
    ]
    places = dict.fromkeys(place for places in fitting for place in places)
    return [str(file) for place in places for file in _test_files(Path(place))]


def _test_files(place: Path) -> list[Path]:
    """A file, or those of a folder that are not slow."""
    if place.is_file():
        return [place]
    return [file for file in sorted(place.rglob("test_*.py")) if not any(word in str(file) for word in SLOW)]


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


def _run(waiting: list[Trial], jobs: int, until_s: float) -> list[Trial]:
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
                lambda one=one, module=module: trial.mutated(module, one.path, one.mutant.source, one.tests),
                one.limit_s,
            )
            running[child] = one, time.monotonic() + trial.PATIENCE * one.limit_s
        for child, code in _ended(running):
            one, _ = running.pop(child)
            if code == SURVIVED:
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
