"""``uj flame -- COMMAND``: a flame graph of a command whose width is energy.

As under ``uj run`` the command keeps its standard streams, its signals and its exit code; the report goes to
stderr. Failures of ``uj flame`` itself exit with 125 to 127, before the command starts; where the command
succeeded and a file that was asked for could not be written, it is 125.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import activity, options, quantities, stack_sampling, trace_output
from . import run_command as running
from .scratch import scratch
from .without_threads import load_libraries

if TYPE_CHECKING:
    from ..plugins.profiles.samplers import Perf, PySpy
    from ..recording import RawRecorder

_DEFAULT = Path("flame.html")
_TITLE = 80
_ESTIMATED = (
    "the graph says how busy the processor was, and not what one instruction costs more than another. "
    "`uj probe` shows how to open a counter"
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "flame",
        help="measure which functions of a command use the energy, as a flame graph",
        epilog="Stacks are sampled by perf where permitted, otherwise by py-spy (pip install "
        "'microjoule[flame]').",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        action="append",
        metavar="FILE",
        help="write the graph: .html, .speedscope.json, .folded (collapsed stacks) or .pb.gz (pprof); "
        f"repeat for several [{_DEFAULT}]",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON too")
    parser.add_argument("--trace", type=Path, metavar="TRACE", help="keep all readings in TRACE")
    parser.add_argument(
        "--stacks",
        type=stack_sampling.rate_hz,
        default=stack_sampling.RATE_HZ,
        metavar="HZ",
        help=f"stack samples per second, 10 to 10000 [{stack_sampling.RATE_HZ:g}]",
    )
    parser.add_argument(
        "--sampler",
        choices=stack_sampling.SAMPLERS,
        default="auto",
        help="sample stacks with perf or py-spy [perf where permitted]",
    )
    parser.add_argument(
        "--call-graph",
        choices=("fp", "dwarf", "lbr"),
        default="",
        help="let perf unwind by frame pointers, debug information or branch records "
        "[fp; dwarf where Python needs it]",
    )
    parser.add_argument(
        "--channel", default="", metavar="ID", help="divide the energy of this counter [the first]"
    )
    options.add_sampling(parser)
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND ...")
    parser.set_defaults(run=run, own_failure=running.OWN_FAILURE, fsync=False, by=activity.NOBODY, only=())


def run(arguments: argparse.Namespace) -> int:
    """Runs the command under a recorder and a sampler of stacks, and exits as the command did."""
    from ..errors import MicrojouleError

    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        print("uj flame: name a command after --, as in: uj flame -- python train.py", file=sys.stderr)
        return 2
    if shutil.which(command[0]) is None:
        print(f"uj flame: {command[0]}: {os.strerror(2)}", file=sys.stderr)
        return running.NOT_FOUND
    with contextlib.ExitStack() as stack:
        try:
            _refuse(arguments)
            load_libraries()
            folder = stack.enter_context(scratch())
            # Its trial runs end before signals are blocked, which its own children would inherit.
            sampler, notes = stack_sampling.chosen(arguments, command, folder)
            os.environ.update(sampler.variables)
            signal.pthread_sigmask(signal.SIG_BLOCK, {*running.FORWARDED, signal.SIGCHLD})
            # The whole trace is wanted, thinned nowhere: between two stacks each update counts.
            arguments.output, graphs = arguments.trace or folder / "flame.arrows", _graphs(arguments)
            recorder = running.opened_for(arguments, command, folder)
            stack.callback(running.let_go, recorder, is_kept=arguments.trace is not None)
            recorder.open()
        except MicrojouleError as error:
            print(f"uj flame: {error}", file=sys.stderr)
            return running.OWN_FAILURE
        before_s = stack_sampling.cpu_time_s()
        code = running.run_in_window(sampler.wrapped(command), recorder, _starting(sampler, notes))
        ended_ns, cpu_s = time.monotonic_ns(), stack_sampling.cpu_time_s() - before_s
        if isinstance(code, str):
            print(f"uj flame: {command[0]}: {code}", file=sys.stderr)
            return running.NOT_FOUND if code == os.strerror(2) else running.CANNOT_RUN
        kept = sampler.exit_code
        is_whole = _report(recorder, sampler, arguments, (graphs, notes, " ".join(command), ended_ns, cpu_s))
    if not is_whole and not (code if kept is None else kept):
        return running.OWN_FAILURE
    return kept if kept is not None else running.exit_as(code)


def _graphs(arguments: argparse.Namespace) -> list[Path]:
    return list(arguments.output or [_DEFAULT])


def _refuse(arguments: argparse.Namespace) -> None:
    """Refuses what could not be written, while nothing has run yet."""
    from ..errors import MicrojouleError
    from ..report.flame import form_of

    trace_output.refuse_stdout(arguments.trace)
    outputs = [*_graphs(arguments), *([arguments.json] if arguments.json else [])]
    for output in _graphs(arguments):
        form_of(output)
    for output in outputs:
        quantities.refuse_unwritable(output)
    places = [path.resolve() for path in (*outputs, arguments.trace) if path is not None]
    if len(set(places)) < len(places):
        raise MicrojouleError("Two outputs have the same file", "Give each its own file")


def _starting(sampler: Perf | PySpy, notes: list[str]) -> Any:  # noqa: ANN401 - a function of the process id
    from ..errors import MicrojouleError

    def start(process: int) -> None:
        try:
            sampler.started(process)
        except (MicrojouleError, OSError) as error:
            notes.append(str(error))

    return start


def _report(
    recorder: RawRecorder,
    sampler: Perf | PySpy,
    arguments: argparse.Namespace,
    what: tuple[list[Path], list[str], str, int, float],
) -> bool:
    """Writes the graph and prints the functions; whether all of it was written. It raises nothing."""
    from ..errors import MicrojouleError, ProfileError

    running.drop_signals()
    with running.failures_said("uj flame", "graph"):
        try:
            try:
                recorder.close()
            except MicrojouleError as error:
                print(f"uj flame: {error}", file=sys.stderr)
            running.end_on_signals()
            _write(recorder.path, sampler, arguments, what)
        except ProfileError as error:
            # Why the sampler did not start, which the graph would have said.
            print("\n".join(f"uj flame: {line}" for line in (*what[1], error)), file=sys.stderr)
        else:
            return True
    return False


def _write(
    trace_path: Path,
    sampler: Perf | PySpy,
    arguments: argparse.Namespace,
    what: tuple[list[Path], list[str], str, int, float],
) -> None:
    from ..joules.long_traces.streamed import stream_readings
    from ..plugins.profiles.attribute import Asked
    from ..plugins.profiles.choosing import needed
    from ..plugins.profiles.functions import functions
    from ..report import flame
    from ..report.foreign_text import cut

    graphs, notes, title, ended_ns, cpu_s = what
    samples = sampler.samples()
    trace = stream_readings(trace_path, lambda trace: needed(trace, [samples], arguments.channel))
    asked = Asked(arguments.channel, wishes=sampler.wishes)
    found = functions(trace, samples, asked, (sampler.begun_ns, ended_ns)).plain
    if sampler.name == "perf":  # py-spy's stacks are of time, in which a thread may have waited for a CPU
        notes += stack_sampling.not_sampled(cpu_s, found["samples"], found["period_s"])
    if found["provenance"] != "measured":
        notes.insert(0, f"{found['channel']} is estimated from CPU time: {_ESTIMATED}")
    plain = {**found, "title": cut(" ".join(title.split()), _TITLE), "notes": notes, "sampler": sampler.name}
    for path in graphs:
        flame.write(plain, path)
    if arguments.json is not None:
        text = json.dumps(plain, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        quantities.write(text, arguments.json)
    lines = flame.lines(plain)
    print("\n".join([*lines, *(f"Wrote {path}" for path in graphs)]), file=sys.stderr)
