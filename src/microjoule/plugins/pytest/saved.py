"""Runs that were saved: one JSON document each, schema ``microjoule.pytest/1``, numbered in their folder.

    {"schema": "microjoule.pytest/1", "number": 3, "saved_under": "before",
     "machine": {"name": …, "cpu": {…}, "kernel": …}, "software": {"microjoule": …, "python": …},
     "started": "2026-01-31T12:00:00+00:00",
     "tests": [{"name", "fullname", "group", "params", "extra_info",
                "measurement": {…microjoule.measure/1…},
                "kept": {"energy": …, "time": …, "power": …}}]}

``kept`` is what a comparison needs: figures with those components that a later figure may share. Fields are
only ever added within a version.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import BadRun
from .options import LATEST

SCHEMA = "microjoule.pytest/1"

STATE = ("state", "gpus", "environment")  # facts that say in which state a machine was

Plain = dict[str, Any]


def document(machine: Mapping[str, Any], started: str, tests: Sequence[Mapping[str, Any]]) -> Plain:
    """A run as JSON values.

    Args:
        machine: What the recorder's facts say of it.
        started: The time of day at which it began, in ISO 8601.
        tests: One row a measured test.
    """
    host = machine.get("host", {})
    return {
        "schema": SCHEMA,
        "machine": {
            "name": host.get("hostname"),
            "cpu": host.get("cpu"),
            "kernel": host.get("kernel"),
            "is_virtual": host.get("is_virtual"),
            **{name: machine[name] for name in STATE if name in machine},
        },
        "software": {name: machine.get(name) for name in ("microjoule", "python")},
        "started": started,
        "tests": [dict(test) for test in tests],
    }


def save(run: Plain, folder: Path, name: str) -> Path:
    """Writes a run into its folder under the next number; the file.

    Raises:
        OSError: It cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        number = max(map(_number, _runs(folder)), default=0) + 1
        path = folder / f"{number:04}_{name}.json"
        try:
            with path.open("x", encoding="utf-8") as file:  # another run may take the number just now
                file.write(text_of({**run, "number": number, "saved_under": name}))
        except FileExistsError:
            continue
        return path


def text_of(run: Plain) -> str:
    """The JSON text of a run."""
    return json.dumps(run, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def find(wanted: str, folder: Path) -> Path:
    """The file of a run by its path, its number, or ``LATEST``.

    Raises:
        BadRun: There is none.
    """
    runs = _runs(folder)
    if wanted == LATEST:
        if not runs:
            raise BadRun(f"No run is saved in {folder}", "Save one first with --energy-save NAME")
        return max(runs, key=_number)
    if wanted.isdecimal():
        numbered = [path for path in runs if _number(path) == int(wanted)]
        if not numbered:
            there = ", ".join(path.name for path in sorted(runs)[-5:]) or "none"
            raise BadRun(f"No run in {folder} has the number {int(wanted)}", f"There are: {there}")
        return numbered[-1]
    return Path(wanted)


def read(path: Path) -> Plain:
    """A saved run.

    Raises:
        BadRun: It cannot be read, or is none.
    """
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or os.strerror(error.errno or 0)
        raise BadRun(f"Cannot read {path}: {reason}", "Give a file written by --energy-save") from error
    except ValueError as error:
        raise BadRun(f"{path} is not JSON ({error})", "Give a file written by --energy-save") from error
    if not isinstance(run, dict) or run.get("schema") != SCHEMA:
        raise BadRun(f"{path} is not a run of schema {SCHEMA}", "Give a file written by --energy-save")
    return run


def _runs(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.json") if re.match(r"\d+_", path.name)]


def _number(path: Path) -> int:
    return int(path.name.partition("_")[0])
