"""``uj import``: a meter's log becomes a trace, or joins a recording that was taken meanwhile."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import SameFile
from ..units import S_PER_DAY, nanoseconds
from . import options

SHIFT_MAX_S = 3660 * S_PER_DAY
_DESCRIPTION = """\
Turns a power meter's CSV log into a trace, or adds it to a recording made at
the same time. The report then says which part of the meter's energy the
counters cover, and `uj probe --calibrate --against TRACE` fits them.

A line is a reading: a time (ISO 8601 with an offset, or Unix time) and a power.
Columns are found by their headings; the unit is read from the heading
(power_mw, Power (kW)) and is W otherwise.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "import", help="add a power meter's CSV log to a trace", description=_DESCRIPTION
    )
    parser.add_argument("log", type=Path, metavar="LOG", help="CSV file with a heading")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="TRACE", help="write this trace")
    parser.add_argument(
        "--with",
        dest="beside",
        type=Path,
        metavar="TRACE",
        help="add its readings to this recording's",
    )
    parser.add_argument("--time", default="", metavar="COLUMN", help="column of times [by its heading]")
    parser.add_argument("--power", default="", metavar="COLUMN", help="column of power [by its heading]")
    parser.add_argument(
        "--timezone", default="", metavar="ZONE", help="zone of times without an offset: Europe/Berlin"
    )
    parser.add_argument(
        "--shift",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="add this to the log's times, for a logger whose clock is off [0]",
    )
    parser.add_argument(
        "--accuracy", type=options.percent, metavar="PERCENT", help="the meter's accuracy of reading: 1%%"
    )
    parser.set_defaults(run=run)


def _seconds(text: str) -> float:
    """Seconds forwards or backwards; an argparse type."""
    value = float(text)
    if not abs(value) <= SHIFT_MAX_S:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds within {SHIFT_MAX_S:.0f}")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Writes the trace and prints its path; 0.

    Raises:
        SameFile: The trace would replace what it is made of.
    """
    from ..learning.meter_log import write_alone, write_beside
    from ..sources.meters.logged import Columns, log
    from ..trace.raw_trace import RawTrace

    for read in (arguments.log, arguments.beside):
        if read is not None and arguments.output.resolve() == read.resolve():
            raise SameFile(f"The trace would overwrite its own input {read}", "Give -o a new file")
    columns = Columns(arguments.time, arguments.power, arguments.timezone, nanoseconds(arguments.shift))
    found = log(arguments.log, columns, arguments.accuracy)
    others = 0
    if arguments.beside is None:
        n = write_alone(found, arguments.output)
    else:
        n, others = write_beside(found, RawTrace.load(arguments.beside), arguments.output)
    bad = f", {found.unreadable} without a number" if found.unreadable else ""
    outside = f"; {others} were taken at other times" if others else ""
    print(f"{arguments.output}: {n} readings of {arguments.log.name}{bad}{outside}")
    return 0
