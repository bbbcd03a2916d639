"""``uj record``: the whole machine, until a time or Ctrl-C."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import activity, job_paths, options, trace_output
from .progress import progress
from .without_threads import load_libraries

if TYPE_CHECKING:
    import signal


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser("record", help="record the machine until Ctrl-C")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="TRACE",
        help="write to TRACE [trace-DATE-TIME.arrows]; {job} and {node} in it are filled in",
    )
    parser.add_argument(
        "--for", dest="for_s", type=options.duration_s, metavar="TIME", help="stop after 10s, 500ms, 2m, 1h"
    )
    activity.add_by(parser)
    trace_output.add_options(parser)
    options.add_channels(options.add_sampling(parser))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Records, then says where the trace is."""
    import signal

    job_paths.fill(arguments)
    output = arguments.output or Path(time.strftime("trace-%Y%m%d-%H%M%S.arrows"))
    # Blocked before any thread starts, numpy's own among them, so that each inherits it: a signal is then
    # taken by the wait below and by nothing else.
    ends = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    try:
        return _recorded(arguments, output, ends)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _recorded(arguments: argparse.Namespace, output: Path, ends: set[signal.Signals]) -> int:
    import signal

    load_libraries()
    from ..recording import RawRecorder
    from ..recording.plan import plan
    from .meter import meter

    planned = plan(output, meter(arguments, arguments.only))
    planned = replace(
        planned,
        facts={**planned.facts, "by": arguments.by},
        activity=activity.plan(arguments, has_command=False),
    )
    recorder = RawRecorder(trace_output.watched(planned, arguments))
    with progress() as say, recorder, recorder.window("record"):
        say(f"recording {recorder.path}; Ctrl-C ends it")
        if arguments.for_s is None:
            signal.sigwait(ends)
        else:
            signal.sigtimedwait(ends, arguments.for_s)
    for channel, why in recorder.left_out.items():
        print(f"uj: {channel} was left out: {why}", file=sys.stderr)
    # The trace itself may be what standard output is.
    print(recorder.path, file=sys.stderr if trace_output.is_stdout(recorder.path) else sys.stdout)
    return 1 if recorder.incidents else 0
