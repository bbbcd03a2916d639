"""``uj profile [-s SETUP] STMT``: the energy of a statement, in the shape of ``python -m timeit``.

Exit codes: 1 where the statement itself fails, with its traceback; else as of all commands.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from pathlib import Path

from . import documents, options
from .progress import progress

STATEMENT_FAILED = 1


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "profile",
        help="measure the energy of a Python statement, however short",
        epilog="Several statements are the lines of one program, as in python -m timeit.",
    )
    parser.add_argument(
        "-s",
        "--setup",
        action="append",
        metavar="SETUP",
        help="run this once before (repeat for several lines)",
    )
    parser.add_argument(
        "-n", "--number", type=int, default=0, metavar="N", help="calls in a window [as many as needed]"
    )
    parser.add_argument("-r", "--repeat", type=int, default=0, metavar="N", help="windows [10]")
    parser.add_argument(
        "--rel",
        type=share,
        default=0.01,
        metavar="X",
        help="wanted ± at 95 %%, as a share: 0.01 or 1%% [1%%]",
    )
    add_meter(parser, max_time_s=60.0)
    parser.add_argument(
        "--mode",
        default="auto",
        metavar="MODE",
        help="batch, slope (without the cost of each window), dither (not back to back), "
        "edge (with -r 1: runs once) [batch]",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write JSON too; -: to stdout, instead of the text"
    )
    options.add_sampling(parser)
    parser.add_argument("statement", nargs="*", default=["pass"], metavar="STMT")
    parser.set_defaults(run=run)


def add_meter(parser: argparse.ArgumentParser, max_time_s: float) -> None:
    """What both profile and compare ask of the machine."""
    parser.add_argument(
        "--max-time",
        type=options.duration_s,
        default=max_time_s,
        metavar="TIME",
        help=f"time limit: 90s, 5m [{max_time_s:g}s]",
    )
    parser.add_argument("--channel", default="", metavar="ID", help="measure this channel [the total]")


def share(text: str) -> float:
    """``0.01`` or ``1%``; an argparse type."""
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share: write 0.01 or 1%") from None


def run(arguments: argparse.Namespace) -> int:
    """Measures the statement and prints what came of it."""
    from ..errors import MicrojouleError
    from ..measuring.measure import measure_task
    from ..measuring.task import of_statement
    from ..measuring.window_plan import Ask
    from ..report.measured_lines import lines
    from .meter import meter

    ask = Ask(
        rel=arguments.rel,
        max_time_s=arguments.max_time,
        mode=arguments.mode,
        number=arguments.number,
        repeat=arguments.repeat,
    )
    sys.path.insert(0, "")  # as python -m timeit does, so that a module beside is found
    try:
        task = of_statement("\n".join(arguments.statement), "\n".join(arguments.setup or ["pass"]))
        with progress() as say:
            found = measure_task(task, ask, meter(arguments, arguments.channel), say).to_json()
    except MicrojouleError:
        raise
    except SyntaxError as error:
        line = (error.text or "").strip()
        print(f"uj profile: {error.msg}: {line}", file=sys.stderr)
        return STATEMENT_FAILED
    except Exception:
        traceback.print_exc()
        return STATEMENT_FAILED
    if arguments.json is not None:
        documents.write_text(
            json.dumps(found, indent=2, allow_nan=False, ensure_ascii=False) + "\n", arguments.json
        )
    if arguments.json != Path("-"):
        print("\n".join(lines(found)))
    return 0
