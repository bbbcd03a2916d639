"""``uj sql TRACE 'select …'``: a trace as tables, in DuckDB's SQL."""

from __future__ import annotations

import argparse
import signal
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..report.wrapping import wrapped
from ..text_width import width
from .arguments import AnyOrder
from .progress import progress

_BESIDE, _MEANING_MIN = 38, 16  # characters of table, column and type, and of a line beside them
_EPILOG = """\
tables:
  readings    one row per reading of a channel: raw counts, counts over all wraps, joules since the first one
  windows     one row per window, with its total energy and the uncertainty
  energy      one row per window and channel
  shares      one row per window and program, or who else used the energy
  conditions  one row per figure that says how the machine was meanwhile

A query can read the trace only: no other files, no network.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    usual = commands._parser_class
    commands._parser_class = AnyOrder  # argparse offers no parser class for one command
    parser = commands.add_parser("sql", help="query a trace in SQL", epilog=_EPILOG)
    commands._parser_class = usual
    parser.add_argument("trace", type=Path, metavar="TRACE")
    parser.add_argument(
        "query", nargs="?", metavar="QUERY", help="SQL query [list the tables and their columns]"
    )
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--csv", dest="form", action="store_const", const="csv", help="print CSV")
    forms.add_argument(
        "--json", dest="form", action="store_const", const="json", help="print JSON, an object a row"
    )
    parser.set_defaults(run=run, form="text")


def run(arguments: argparse.Namespace) -> int:
    """Prints the answer as it comes."""
    from ..plugins.sql.database import Database
    from ..report.row_output import RENDERERS

    with progress() as say:
        say(f"asking {arguments.trace}")
        with _uninterrupted():
            database = Database(arguments.trace)
        answer = database.schema() if arguments.query is None else database.ask(arguments.query)
    rows = answer.rows
    if arguments.query is None and arguments.form == "text":
        if width() < _BESIDE + _MEANING_MIN:
            sys.stdout.writelines(_beneath(rows))
            return 0
        rows = _folded(rows)
    sys.stdout.writelines(RENDERERS[arguments.form](answer.columns, rows))
    return 0


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits for the end of it: in the middle of its import DuckDB loses it, or aborts the process.

    Held by a handler and not by the thread's mask: numpy's threads would take the signal in its place.
    """
    heard: list[int] = []
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.SIG_IGN:  # as of a job in the background, which goes on
        signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if heard:
        raise KeyboardInterrupt


def _folded(rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """Rows whose last cell, a sentence, takes as many lines as the terminal needs."""
    for *cells, meaning in rows:
        first, *more = textwrap.wrap(meaning, width() - _BESIDE)
        yield (*cells, first)
        yield from ((*("" for _ in cells), each) for each in more)


def _beneath(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Lines for a narrow terminal: each column of a table, and its meaning below it."""
    for table, column, kind, meaning in rows:
        yield f"{table}.{column} {kind}\n"
        yield from (f"{line}\n" for line in wrapped(f"    {meaning}", 4))
