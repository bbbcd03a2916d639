"""``uj run -- COMMAND``: the energy of a command, with its windows.

The command keeps its standard streams, its signals and its exit code; the report goes to stderr.
Failures of ``uj run`` itself exit as those of ``env`` and ``timeout`` do: 125 its own, 126 a
command that cannot be run, 127 one that is not found. They come before the command starts; once it has
run its exit code stands, whatever becomes of the report. Where something happened to the trace meanwhile and
the command itself succeeded, it is 125. A signal then ends ``uj run`` and no other, of
Ctrl-C the second one.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import activity, documents, job_paths, options, pages, trace_output
from .run_command import (
    CANNOT_RUN,
    FORWARDED,
    NOT_FOUND,
    OWN_FAILURE,
    drop_signals,
    end_on_signals,
    exit_as,
    failures_said,
    let_go,
    opened_for,
    refuse,
    report_on,
    run_in_window,
    shows_footprint,
)
from .run_ranks import run_rank
from .scratch import scratch
from .without_threads import load_libraries

if TYPE_CHECKING:
    from ..footprint.chosen_factors import Terms
    from ..recording import RawRecorder


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "run",
        help="measure the energy of a command",
        epilog="Windows that the command marks with uj.window() are in the report too.",
    )
    documents.add_form(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="TRACE",
        help="keep all readings in TRACE; {job}, {node}, {rank} and {local_rank} in it are filled in under a "
        "launcher (torchrun, Slurm, MPI, Ray, Kubernetes)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write JSON too")
    pages.add_options(parser)
    trace_output.add_options(parser)
    activity.add_by(parser)
    activity.add_idle(parser)
    options.add_footprint(parser)
    options.add_channels(options.add_sampling(parser))
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND ...")
    parser.set_defaults(run=run, own_failure=OWN_FAILURE)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command under a recorder, prints the report, and exits as the command did."""
    from ..errors import MicrojouleError

    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        print("uj run: name a command after --, as in: uj run -- python train.py", file=sys.stderr)
        return 2
    try:
        launch = job_paths.fill(arguments)
    except MicrojouleError as error:
        print(f"uj run: {error}", file=sys.stderr)
        return OWN_FAILURE
    # Blocked before any thread starts, so that each thread inherits it and the wait below gets all.
    signal.pthread_sigmask(signal.SIG_BLOCK, {*FORWARDED, signal.SIGCHLD})
    if launch.is_shared:
        return run_rank(arguments, command, launch)
    with contextlib.ExitStack() as stack:
        try:
            refuse(arguments)
            load_libraries()
            folder = stack.enter_context(scratch())
            terms = options.terms(arguments) if shows_footprint(arguments) else None
            recorder = opened_for(arguments, command, folder)
            # Whatever comes: while it records, its folder must not go away.
            stack.callback(let_go, recorder, is_kept=arguments.output is not None)
            recorder.open()
        except MicrojouleError as error:
            print(f"uj run: {error}", file=sys.stderr)
            return OWN_FAILURE
        begun_s = time.monotonic()
        code = run_in_window(command, recorder)
        if isinstance(code, str):
            print(f"uj run: {command[0]}: {code}", file=sys.stderr)
            return NOT_FOUND if code == os.strerror(2) else CANNOT_RUN
        _look_without_it(activity.idle_after_s(arguments, time.monotonic() - begun_s))
        is_whole = _report(recorder, arguments, terms)
    return OWN_FAILURE if code == 0 and not is_whole else exit_as(code)


def _look_without_it(for_s: float) -> None:
    """Goes on recording for a while, without the command; any signal ends that at once."""
    if for_s > 0:
        signal.sigtimedwait({*FORWARDED, signal.SIGCHLD}, for_s)


def _report(recorder: RawRecorder, arguments: argparse.Namespace, terms: Terms | None) -> bool:
    """Prints the report; whether nothing happened to the trace that it is of."""
    from ..errors import MicrojouleError

    drop_signals()
    is_whole = True
    with failures_said():
        try:
            recorder.close()
        except MicrojouleError as error:
            is_whole = False
            print(f"uj run: {error}", file=sys.stderr)
        end_on_signals()
        report_on(recorder.path, arguments, terms)
    return is_whole and not recorder.incidents
