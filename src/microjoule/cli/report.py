"""``uj report``: what was used, from trace files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import intensity_over_time as along
from . import options, pages, quantities
from .progress import progress, share_of

if TYPE_CHECKING:
    from ..footprint.chosen_factors import Terms
    from ..footprint.intensity_series import IntensitySeries


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser("report", help="energy of a trace's windows; the total of several traces")
    parser.add_argument("traces", nargs="+", type=Path, metavar="TRACE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write JSON too; - for stdout, instead")
    parser.add_argument("--budget", action="store_true", help="what each figure's uncertainty is made of too")
    pages.add_options(parser)
    group = parser.add_argument_group(
        "project", "Several traces are summed, a run a line, the failed ones too."
    )
    group.add_argument("--each", action="store_true", help="of several traces each one's report instead")
    group.add_argument("--total", action="store_true", help="a project's total of one trace alone too")
    group.add_argument(
        "--until", default="", metavar="TARGET", help="what a run is to reach: 'accuracy>=0.9'"
    )
    group.add_argument("--models", type=int, default=1, metavar="N", help="tuned models that came of it")
    options.add_footprint(parser)
    along.add_series(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the report of a trace, or the total of several."""
    arguments.traces = quantities.distinct(arguments.traces)
    quantities.refuse_overwriting([*arguments.traces, arguments.series], arguments.json)
    pages.refuse(arguments, arguments.traces)
    terms = options.terms(arguments)
    is_total = arguments.total or (len(arguments.traces) > 1 and not arguments.each)
    _refuse(arguments, is_total)
    if is_total:
        return _total(arguments, terms)
    with progress() as say:
        summaries = {
            path: summarise(path, terms, along.series(path, arguments), share_of(path, say))
            for path in arguments.traces
        }
    for path, summary in summaries.items():
        pages.write(arguments, path, summary, path.name)
    if arguments.json is not None:
        write_json(joined(summaries), arguments.json)
    if Path("-") in (arguments.json, arguments.html):
        return 0
    from ..report import REPORTERS

    for path, summary in summaries.items():
        title = f"{path}\n" if len(summaries) > 1 else ""
        sys.stdout.write(title + REPORTERS["text"](summary))
        if arguments.budget:
            sys.stdout.write("\nbudget of uncertainty\n" + REPORTERS["budget"](summary))
    return 0


def _refuse(arguments: argparse.Namespace, is_total: bool) -> None:
    """Refuses options that would have no effect, because a figure would silently lack them."""
    from ..footprint.project import BadTarget

    if is_total and (arguments.series or arguments.live):
        raise BadTarget(
            "A total is not laid along a series", "Report the runs with --each, or give the total a --zone"
        )
    if is_total and pages.asked(arguments):
        raise BadTarget("A total has no page of its own", "Report one run without --total")
    if is_total and arguments.budget:
        raise BadTarget("A total has no budget of its own", "Report the runs with --each")
    if not is_total and (arguments.until or arguments.models != 1):
        raise BadTarget("--until and --models belong to a project's total", "Add --total")


def _total(arguments: argparse.Namespace, terms: Terms) -> int:
    """Prints the total of a project; 1 where a run could not be read."""
    import json

    from ..errors import TraceError
    from ..footprint.project import Target, Trial, project, trial, unreadable
    from ..joules.energy_trace import load
    from ..report.project_table import lines

    target = Target.of(arguments.until) if arguments.until else None
    trials: list[Trial] = []
    with progress() as say:
        for path in arguments.traces:
            say(f"reading {path}")
            try:
                trials.append(trial(str(path), load(path), target))
            except TraceError as error:
                trials.append(unreadable(str(path), error.what))
    plain = project(trials, terms, target, arguments.models)
    if arguments.json is not None:
        write_text(json.dumps(plain, indent=2, allow_nan=False, ensure_ascii=False) + "\n", arguments.json)
    if arguments.json != Path("-"):
        print("\n".join(lines(plain)))
    return 1 if plain["n_unreadable"] else 0


def summarise(
    path: Path,
    terms: Terms,
    series: IntensitySeries | None = None,
    told: Callable[[float], None] = lambda _: None,
) -> dict[str, Any]:
    """The summary of the trace in a file, with its footprint, along a series where there is one.

    ``told`` hears now and then how much of the file was read.
    """
    from ..footprint.footprint import attached
    from ..joules.energy_trace import load
    from ..joules.streamed import stream
    from ..joules.summary import summary

    if series is None:
        return attached(summary(stream(path, told)), terms)
    trace = load(path)  # energies between the edges of the series too
    found = summary(trace)
    if not found["windows"]:
        return attached(found, terms)
    from ..footprint.over_time import along as laid

    return attached(found, terms, laid(trace, series, terms.intensity))


def joined(summaries: dict[Path, dict[str, Any]]) -> dict[str, Any]:
    """One document of several: windows and what sampling did in a row, each with its trace's path.

    ``footprint`` is that of the first; ``traces`` has the one of each.
    """
    if len(summaries) == 1:
        return next(iter(summaries.values()))

    def rows(part_of: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        return [{"trace": str(path), **row} for path, part in summaries.items() for row in part_of(part)]

    return {
        "schema": next(iter(summaries.values()))["schema"],
        "windows": rows(lambda part: part["windows"]),
        "repeated": rows(lambda part: part["repeated"]),
        "footprint": next(iter(summaries.values())).get("footprint", {}),
        "engine": {
            "lanes": rows(lambda part: part["engine"]["lanes"]),
            "failures": rows(lambda part: part["engine"].get("failures", [])),
            "stuck": rows(lambda part: [_named(each) for each in part["engine"].get("stuck", [])]),
            "marks_dropped": sum(part["engine"].get("marks_dropped", 0) for part in summaries.values()),
        },
        "traces": [each for path, part in summaries.items() for each in _traces(path, part)],
    }


def _named(channel: str | dict[str, Any]) -> dict[str, Any]:
    """A stuck channel as a row, which it is already where the document is of several traces."""
    return channel if isinstance(channel, dict) else {"channel": channel}


def _traces(path: Path, part: dict[str, Any]) -> list[dict[str, Any]]:
    """What a joined document keeps of a trace; of a part that was joined itself, of each of its own."""
    if "facts" not in part:
        return [{"footprint": part.get("footprint"), **each} for each in part.get("traces", [])]
    kept = ("facts", "is_truncated", "footprint", "engine")
    return [{"trace": str(path), **{key: part.get(key) for key in kept}}]


def write_json(summary: dict[str, Any], path: Path) -> None:
    """Writes the report's JSON to a file, or to standard output for ``-``.

    Raises:
        TraceError: The file cannot be written.
    """
    from ..report import REPORTERS

    write_text(REPORTERS["json"](summary), path)


def write_text(text: str, path: Path) -> None:
    """Writes a text to a file, or to standard output for ``-``.

    Raises:
        TraceError: The file cannot be written.
    """
    from ..errors import TraceError

    if path == Path("-"):
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TraceError(f"Cannot write {path}: {error.strerror}", "Choose another file") from error
