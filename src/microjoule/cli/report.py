"""``uj report``: what was used, from trace files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import documents, intensity_over_time, options, pages, quantities
from .documents import joined, write_json, write_text
from .progress import progress, share_of
from .without_threads import load_libraries

NAMED_MAX = 3  # traces in one note

if TYPE_CHECKING:
    from ..footprint.chosen_factors import Terms


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command; its forms are those of the registry."""
    from ..report import REPORTERS

    parser = commands.add_parser("report", help="report the energy of a trace, or the total of several")
    parser.add_argument("traces", nargs="+", type=Path, metavar="TRACE", help="trace file (.arrows)")
    documents.add_form(parser)
    parser.add_argument(
        "--as",
        dest="form",
        choices=tuple(REPORTERS),
        metavar="FORM",
        help=f"print as {', '.join(REPORTERS)} [text]",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write JSON too; -: to stdout, instead of the text"
    )
    parser.add_argument("--budget", action="store_true", help="show the components of each uncertainty too")
    pages.add_options(parser)
    group = parser.add_argument_group(
        "project", "Several traces are added up, with one line per run. Failed runs count too."
    )
    group.add_argument("--each", action="store_true", help="report each trace by itself")
    group.add_argument("--total", action="store_true", help="report a project's total, even of one trace")
    group.add_argument(
        "--until", default="", metavar="TARGET", help="goal that each run is to reach: 'accuracy>=0.9'"
    )
    group.add_argument(
        "--models",
        type=int,
        default=1,
        metavar="N",
        help="number of tuned models that the project produced [1]",
    )
    options.add_footprint(parser)
    intensity_over_time.add_series(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the report of a trace, or the total of several."""
    load_libraries()
    arguments.traces = quantities.distinct(arguments.traces)
    quantities.refuse_overwriting([*arguments.traces, arguments.series], arguments.json)
    pages.refuse(arguments, arguments.traces)
    terms = options.terms(arguments)
    is_page = bool(pages.asked(arguments))
    is_total = arguments.total or (len(arguments.traces) > 1 and not arguments.each and not is_page)
    _refuse(arguments, is_total)
    if is_total:
        return _total(arguments, terms)
    with progress() as say:
        found = {
            path: pages.summarise(
                arguments, path, terms, intensity_over_time.series(path, arguments), share_of(path, say)
            )
            for path in arguments.traces
        }
    summaries = {path: summary for path, (summary, _) in found.items()}
    pictures = [picture for _, picture in found.values()]
    pages.write(arguments, list(summaries.values()), pictures, [path.name for path in summaries])
    if arguments.json is not None:
        write_json(joined(summaries), arguments.json)
    if Path("-") in (arguments.json, arguments.html):
        return 0
    from ..report import REPORTERS

    if len(summaries) > 1:
        from ..report.wrapping import wrapped

        for note in _states({str(path): summary["facts"] for path, summary in summaries.items()}):
            print("\n".join(wrapped(f"note: {note}", 2)))
    for path, summary in summaries.items():
        title = f"{path}\n" if len(summaries) > 1 else ""
        sys.stdout.write(title)
        documents.printed(summary, arguments.form, sys.stdout)
        if arguments.budget:
            sys.stdout.write("\nbudget of uncertainty\n" + REPORTERS["budget"](summary))
    return 0


def _refuse(arguments: argparse.Namespace, is_total: bool) -> None:
    """Refuses options that would have no effect, because a figure would silently lack them."""
    from ..errors import BadTarget

    if is_total and (arguments.series or arguments.live):
        raise BadTarget(
            "A total cannot use intensities over time",
            "Report the runs with --each, or give the total a --zone",
        )
    if is_total and pages.asked(arguments):
        raise BadTarget("A total has no page", "Report the runs without --total")
    if is_total and arguments.form != "text":
        raise BadTarget(
            f"A total cannot be printed as {arguments.form!r}",
            "Report the runs with --each, or leave --as out",
        )
    if is_total and arguments.budget:
        raise BadTarget("A total has no uncertainty budget", "Report the runs with --each")
    if not is_total and (arguments.until or arguments.models != 1):
        raise BadTarget("--until and --models belong to a project's total", "Add --total")


def _total(arguments: argparse.Namespace, terms: Terms) -> int:
    """Prints the total of a project; 1 where a run could not be read."""
    import json

    from ..errors import TraceError
    from ..footprint.project import Target, Trial, at_once, counted_once, project, trial, unreadable
    from ..joules.energy_trace import load
    from ..report import job_lines
    from ..report.project_table import lines
    from ..report.wrapping import wrapped

    target = Target.of(arguments.until) if arguments.until else None
    trials: dict[str, Trial] = {}
    facts: dict[str, Mapping[str, Any]] = {}
    notes: list[str] = []
    with progress() as say:
        for path in arguments.traces:
            say(f"reading {path}")
            try:
                trace = load(path)
                trials[str(path)] = trial(str(path), trace, target)
                facts[str(path)] = trace.facts
            except TraceError as error:
                trials[str(path)] = unreadable(str(path), error.what)
        for names in at_once(list(trials.values())):
            say(f"reading {len(names)} recorders of one node")
            notes.append(_of_one_node(names, facts))
            trials |= counted_once(
                {name: trials[name] for name in names}, {name: load(name) for name in names}
            )
        job = _job([path for path in arguments.traces if str(path) in facts], facts, say)
    plain = {"job": job, **project(list(trials.values()), terms, target, arguments.models)}
    if arguments.json is not None:
        write_text(json.dumps(plain, indent=2, allow_nan=False, ensure_ascii=False) + "\n", arguments.json)
    if arguments.json != Path("-"):
        print("\n".join([*([] if job is None else [*job_lines.lines(job), ""]), *lines(plain)]))
        for note in (*notes, *_states(facts)):
            print("\n".join(wrapped(f"note: {note}", 2)))
    return 1 if plain["n_unreadable"] else 0


def _job(
    paths: list[Path], facts: Mapping[str, Mapping[str, Any]], say: Callable[[str], None]
) -> dict[str, Any] | None:
    """What the job used that all these traces are of; None: they are of none, or of several."""
    from ..errors import TraceError
    from ..joules.energy_trace import Trace, load
    from ..joules.jobs.job import Job
    from ..joules.jobs.job_part import part

    launches = [facts[str(path)].get("launch") for path in paths]
    names = {each.get("job") if isinstance(each, dict) else None for each in launches}
    if len(names) != 1 or None in names:
        return None

    def opened(path: Path) -> Trace:
        say(f"reading {path}")
        return load(path)

    parts = []
    for path in paths:
        with suppress(TraceError):  # it has no time in which all was read, which its row says
            parts.append(part(path, opened(path)))
    return Job(parts).to_json(str(names.pop()), opened) if parts else None


def _of_one_node(names: list[str], facts: Mapping[str, Mapping[str, Any]]) -> str:
    """That several traces are of one node, in a sentence."""
    from ..joules.jobs.nodes import name_of

    node = name_of(facts[names[0]]) or "one node"
    return (
        f"{', '.join(names[:-1])} and {names[-1]} are recorders of {node} at one time: each joule counts once"
    )


def _states(facts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What of the machines' settings differs from those of the first trace: a sentence a difference."""
    from ..joules.environments import Difference, differences

    (first, one), *others = facts.items() if facts else [("", {})]
    alike: dict[Difference, list[str]] = {}
    for name, other in others:
        for each in differences(one, other):
            alike.setdefault(each, []).append(name)
    return [each.sentence(first, _listed(names)) for each, names in alike.items()]


def _listed(names: list[str]) -> str:
    """The first of some names, and how many there are besides."""
    rest = len(names) - NAMED_MAX
    return f"{', '.join(names[:NAMED_MAX])} and {rest} more" if rest > 1 else ", ".join(names)
