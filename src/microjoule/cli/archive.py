"""``uj archive``: traces of a team in one place, and what they used together."""

from __future__ import annotations

import argparse
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import documents, options, signs, streams
from .progress import progress

if TYPE_CHECKING:
    from ..archive.layout import Wanted
    from ..archive.store import Store

VARIABLE = "UJ_ARCHIVE"
_WIDTH, _WIDEST = 80, 120
_PROJECT = "default"
_KEYS = "project, month, date, year, host, name, command, environment"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command and what it can do."""
    parser = commands.add_parser(
        "archive",
        help="keep the traces of many machines, and add up what they used",
        epilog="It is a folder, or a URI that pyarrow.fs knows: s3://BUCKET/FOLDER?region=REGION.",
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add_verb in (_add_add, _add_report, _add_list, _add_verify):
        add_verb(verbs)


def _add_add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("add", help="add traces; traces that are already stored are not added twice")
    parser.add_argument("traces", nargs="+", type=Path, metavar="TRACE")
    _add_address(parser)
    parser.add_argument(
        "--project",
        action=options.NotBlank,
        default=_PROJECT,
        metavar="NAME",
        help=f"whose they are [{_PROJECT}]",
    )
    documents.add_windows(parser, " of a trace")
    options.add_footprint(parser)
    parser.set_defaults(run=_add)


def _add_report(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("report", help="add up what the traces used")
    _add_address(parser)
    parser.add_argument(
        "--by", default="project,month", metavar="KEYS", help=f"a row for each of: {_KEYS} [project,month]"
    )
    _add_wanted(parser)
    _add_json(parser)
    parser.set_defaults(run=_report)


def _add_list(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("list", help="list the traces")
    _add_address(parser)
    _add_wanted(parser)
    _add_json(parser)
    parser.set_defaults(run=_list)


def _add_verify(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("verify", help="work out each figure of the catalogue again, from the readings")
    _add_address(parser)
    parser.add_argument(
        "--dask", default="", metavar="ADDRESS", help="on the workers of this scheduler: tcp://HOST:8786"
    )
    _add_wanted(parser)
    _add_json(parser)
    parser.set_defaults(run=_verify)


def _add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--archive", default="", metavar="ADDRESS", help=f"the archive: a folder or a URI [${VARIABLE}]"
    )


def _add_wanted(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which traces")
    group.add_argument(
        "--project",
        action="append",
        default=[],
        metavar="NAME",
        help="of this project alone (repeat for several)",
    )
    group.add_argument(
        "--host", action="append", default=[], metavar="NAME", help="of this host alone (repeat for several)"
    )
    group.add_argument("--since", default="", metavar="DAY", help="from this UTC day on: 2026-11-01, 2026-11")
    group.add_argument("--until", default="", metavar="DAY", help="up to this day, itself included")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write JSON too; -: to stdout, instead of the text"
    )


def _opened(arguments: argparse.Namespace, *, is_made: bool = False) -> Store:
    from ..archive.layout import opened
    from ..errors import BadArchiveAddress

    address = arguments.archive or os.environ.get(VARIABLE, "")
    if not address:
        raise BadArchiveAddress("No archive was named", f"Add --archive ADDRESS, or set {VARIABLE}")
    return opened(address, is_made=is_made)


def _wanted(arguments: argparse.Namespace) -> Wanted:
    from ..archive.layout import Wanted

    return Wanted.of(arguments.project, arguments.host, arguments.since, arguments.until)


def _add(arguments: argparse.Namespace) -> int:
    """Adds each trace; 1 where one of them could not be."""
    from ..archive.adding import add
    from ..archive.layout import written
    from ..errors import ArchiveError, MicrojouleError
    from ..report.archive_lines import added

    terms = options.terms(arguments)  # first: a bad option leaves no archive behind
    project = written(arguments.project)
    store = _opened(arguments, is_made=True)
    failed = 0
    with progress() as say:
        for number, path in enumerate(arguments.traces):
            say(f"adding {path} ({number + 1} of {len(arguments.traces)})")
            try:
                found = add(store, path, project, terms, arguments.windows_max)
            except ArchiveError:
                raise
            except MicrojouleError as error:
                failed += 1
                print(f"uj: {path}: not added: {error}", file=sys.stderr)
                continue
            print("\n".join(added(str(path), found)))
    return 1 if failed else 0


def _report(arguments: argparse.Namespace) -> int:
    """Prints the totals."""
    from ..archive.totals import Question, totals
    from ..report.archive_lines import lines

    question = Question.of(arguments.by, _wanted(arguments))
    with progress() as say:
        say("reading the catalogue")
        found = totals(_opened(arguments), question)
    return _shown(arguments, found, lines)


def _list(arguments: argparse.Namespace) -> int:
    """Prints the traces."""
    from ..archive.totals import listing
    from ..report.archive_lines import traces

    with progress() as say:
        say("reading the catalogue")
        found = listing(_opened(arguments), _wanted(arguments))
    return _shown(arguments, found, traces)


def _verify(arguments: argparse.Namespace) -> int:
    """Prints what is not as it should be; 1 where something is."""
    from ..archive.verifying import verify
    from ..report.archive_lines import verified

    store, wanted = _opened(arguments), _wanted(arguments)
    with progress() as say:
        if arguments.dask:
            from ..archive.on_dask import OnDask

            with OnDask(arguments.dask) as runner:
                found = verify(store, wanted, say, runner)
        else:
            found = verify(store, wanted, say)
    _shown(arguments, found, verified)
    return 0 if found["n_equal"] == found["n_traces"] and not found["findings"] else 1


def _shown(arguments: argparse.Namespace, found: dict[str, Any], lines: Any) -> int:  # noqa: ANN401 - one of report's
    if arguments.json is not None:
        text = json.dumps(found, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        documents.write_text(text, arguments.json)
    if arguments.json != Path("-"):
        width = min(streams.columns(sys.stdout) or _WIDTH, _WIDEST)
        print("\n".join(lines(found, width, partial(signs.shown_on, sys.stdout))))
    return 0
