"""``uj report``: what was used, from trace files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser("report", help="energy of each window of a trace")
    parser.add_argument("traces", nargs="+", type=Path, metavar="TRACE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write JSON too; - for stdout, instead")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the report of each trace."""
    summaries = {path: summarise(path) for path in arguments.traces}
    if arguments.json is not None:
        write_json(joined(summaries), arguments.json)
    if arguments.json == Path("-"):
        return 0
    from ..report import REPORTERS

    for path, summary in summaries.items():
        title = f"{path}\n" if len(summaries) > 1 else ""
        sys.stdout.write(title + REPORTERS["text"](summary))
    return 0


def summarise(path: Path) -> dict[str, Any]:
    """The summary of the trace in a file."""
    from ..energy.energy_trace import load
    from ..energy.summary import summary

    return summary(load(path))


def joined(summaries: dict[Path, dict[str, Any]]) -> dict[str, Any]:
    """One document of several: windows and lanes in a row, each with its trace's path."""
    if len(summaries) == 1:
        return next(iter(summaries.values()))

    def rows(part_of: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        return [{"trace": str(path), **row} for path, part in summaries.items() for row in part_of(part)]

    return {
        "schema": next(iter(summaries.values()))["schema"],
        "windows": rows(lambda part: part["windows"]),
        "repeated": rows(lambda part: part["repeated"]),
        "engine": {"lanes": rows(lambda part: part["engine"]["lanes"])},
        "traces": [
            {"trace": str(path), "facts": part["facts"], "is_truncated": part["is_truncated"]}
            for path, part in summaries.items()
        ],
    }


def write_json(summary: dict[str, Any], path: Path) -> None:
    """Writes the report's JSON to a file, or to standard output for ``-``.

    Raises:
        TraceError: The file cannot be written.
    """
    from ..errors import TraceError
    from ..report import REPORTERS

    text = REPORTERS["json"](summary)
    if path == Path("-"):
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TraceError(f"Cannot write {path}: {error.strerror}", "Choose another file") from error
