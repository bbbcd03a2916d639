"""``uj compare 'A' 'B' …``: commands, or traces, compared in the shape of hyperfine."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from . import documents, options, profile
from .progress import progress
from .without_threads import load_libraries

if TYPE_CHECKING:
    from ..measuring.comparison import Comparison


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "compare",
        help="compare the energy of commands, in turns, with an interval",
        epilog="Trace files (.arrows) in place of commands compare what was recorded.",
    )
    parser.add_argument(
        "-r", "--runs", type=int, default=0, metavar="N", help="runs per command [10, and at least 3 s]"
    )
    parser.add_argument(
        "-w", "--warmup", type=int, default=1, metavar="N", help="runs per command before measuring [1]"
    )
    parser.add_argument(
        "-n",
        "--name",
        action="append",
        default=[],
        metavar="NAME",
        help="name of a command, in order (repeat for each)",
    )
    parser.add_argument(
        "--same-code",
        action="store_true",
        help="all run the same code, so that sensor error that depends on code cancels",
    )
    parser.add_argument(
        "--any-state",
        action="store_true",
        help="compare traces even if governor, power limits or the like differed",
    )
    parser.add_argument("--order", default="abba", metavar="ORDER", help="abba or random [abba]")
    parser.add_argument("--window", metavar="NAME", help="windows to compare, for traces")
    profile.add_meter(parser, max_time_s=300.0)
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write JSON too; -: to stdout, instead of the text"
    )
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="write a Markdown table too; -: to stdout, instead of the text",
    )
    options.add_sampling(parser)
    parser.add_argument("things", nargs="+", metavar="COMMAND", help="two or more commands, quoted")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compares, and prints what came of it."""
    load_libraries()
    from ..report.compared_lines import lines, markdown

    found = _compared(arguments).to_json()
    text = json.dumps(found, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    for content, path in ((text, arguments.json), (markdown(found), arguments.markdown)):
        if path is not None:
            documents.write_text(content, path)
    if Path("-") not in (arguments.json, arguments.markdown):
        print("\n".join(lines(found)))
    return 0


def _compared(arguments: argparse.Namespace) -> Comparison:
    from ..errors import BadRequest
    from ..measuring.compare import Turns, compared, compared_traces
    from ..measuring.task import Task, command_cpu_ns, of_command

    names = arguments.name or arguments.things
    if len(names) != len(arguments.things):
        raise BadRequest(
            f"{len(names)} names are given for {len(arguments.things)} commands or traces",
            "Give one --name for each",
        )
    traces = [thing for thing in arguments.things if thing.endswith(".arrows")]
    if len(traces) == len(arguments.things):
        with progress() as say:
            say(f"reading {len(traces)} traces")
            return compared_traces(
                traces,
                names,
                arguments.window,
                is_same_code=arguments.same_code,
                is_any_state=arguments.any_state,
            )
    if traces:
        raise BadRequest(
            "Traces and commands cannot be compared", "Record the commands with `uj run -o` first"
        )
    turns = Turns(
        runs=arguments.runs, warm_up=arguments.warmup, order=arguments.order, max_time_s=arguments.max_time
    )
    tasks = [Task(name, of_command(text).run) for name, text in zip(names, arguments.things, strict=True)]
    from .meter import meter

    reads = meter(arguments, arguments.channel)
    with progress() as say:
        return compared(
            tasks,
            turns,
            reads,
            command_cpu_ns,
            is_repeatable=False,
            is_same_code=arguments.same_code,
            say=say,
        )
