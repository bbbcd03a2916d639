"""``uj export TRACE``: a trace as files that other tools open. One format a row of ``FORMATS``."""

from __future__ import annotations

import argparse
import gzip
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from ..errors import NoFormat
from ..whole_file import whole_file
from . import quantities
from .progress import progress
from .trace_output import is_stdout
from .without_threads import load_libraries

if TYPE_CHECKING:
    from ..joules.energy_trace import Trace

_LEVEL = 6  # of gzip


class Format(NamedTuple):
    """A form in which a trace can be written: the option that asks for it, and what writes it."""

    option: str
    help: str
    write: Callable[[Trace, Path], None]


def _perfetto(trace: Trace, path: Path) -> None:
    from ..joules.summary import summary
    from ..joules.tracks import tracks
    from ..report import perfetto

    write_pieces(perfetto.render(summary(trace, windows_max=None), tracks(trace)), path)


def _parquet(trace: Trace, path: Path) -> None:
    from ..trace import exporting

    with whole(path) as out:
        exporting.parquet(trace, out)


def _wide(trace: Trace, path: Path) -> None:
    from ..trace import exporting

    with whole(path) as out:
        exporting.wide(trace, out)


def _csv(trace: Trace, path: Path) -> None:
    from ..report.foreign_text import in_cell
    from ..trace import exporting

    with whole(path) as out:
        exporting.csv(trace, out, in_cell)


FORMATS = (
    Format("parquet", "all rows, the smallest; `uj report` and uj.load read it as the trace", _parquet),
    Format("wide", "Parquet with one row a tick and one raw column a channel, for other tools", _wide),
    Format("csv", "all rows as text; .gz packs it", _csv),
    Format(
        "perfetto",
        "power as counters and windows as slices, for ui.perfetto.dev and chrome://tracing; .gz packs it",
        _perfetto,
    ),
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "export",
        help="convert a trace for other tools",
        epilog="FILE may be - or /dev/stdout for standard output, or a pipe.",
    )
    parser.add_argument("trace", type=Path, metavar="TRACE")
    for form in FORMATS:
        parser.add_argument(f"--{form.option}", type=Path, metavar="FILE", help=form.help)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes each file that was asked for."""
    wanted = [(form, getattr(arguments, form.option)) for form in FORMATS]
    chosen = [(form, path) for form, path in wanted if path is not None]
    if not chosen:
        options = " or ".join(f"--{form.option} FILE" for form in FORMATS)
        raise NoFormat("No output format is given", f"Add {options}")
    taken = [arguments.trace]
    for _, path in chosen:
        quantities.refuse_overwriting(taken, path)
        taken.append(path)
    to_stdout = [form for form, path in chosen if _is_stdout(path)]
    if len(to_stdout) > 1:
        options = " and ".join(f"--{form.option}" for form in to_stdout)
        raise NoFormat(f"{options} would be mixed on standard output", "Give all but one a file")
    load_libraries()
    from ..joules.energy_trace import load

    with progress() as say:
        say(f"reading {arguments.trace}")
        trace = load(arguments.trace)
        for form, path in chosen:
            say(f"writing {path}")
            form.write(trace, path)
    return 0


def write_pieces(pieces: Iterable[str], path: Path) -> None:
    """A text in pieces into a file.

    Raises:
        TraceError: The file cannot be written.
    """
    with whole(path) as out:
        for piece in pieces:
            out.write(piece.encode("utf-8"))


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, packed if its name ends in ``.gz``; it appears once it is whole.

    Standard output, a pipe and a device are written as it goes.

    Raises:
        TraceError: The file cannot be written.
        BrokenPipeError: Who reads the pipe went away.
    """
    from ..errors import TraceError

    try:
        with _opened(path) as file:
            if path.suffix != ".gz":
                yield file
                return
            # A name or a time in the header would make two exports of one trace differ.
            with gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as out:
                yield out  # type: ignore[misc]
    except BrokenPipeError:
        raise
    except OSError as error:
        raise TraceError(f"Cannot write {path}: {error.strerror or error}", "Choose another file") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if _is_stdout(path):
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.flush()
    elif _is_stream(path):
        with path.open("wb") as stream:
            yield stream
    else:
        with whole_file(path) as file:
            yield file


def _is_stdout(path: Path) -> bool:
    # /dev/null is what standard output may be too, and takes any number of formats.
    return path == Path("-") or (is_stdout(path) and path != Path(os.devnull))


def _is_stream(path: Path) -> bool:
    """Whether a path is a pipe or a character device, which nothing can take the place of."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
