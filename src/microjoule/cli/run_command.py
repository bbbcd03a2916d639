"""What the commands that record another command share: its plan, its signals, its exit code, its report."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Never

from . import (
    activity,
    documents,
    options,
    pages,
    probe_against,
    probe_calibrate,
    quantities,
    sampling_cost_line,
    streams,
    trace_output,
)
from .shortage import shortage
from .signals import Came, awaited

if TYPE_CHECKING:
    from ..channel import Channel
    from ..footprint.chosen_factors import Terms
    from ..recording import RawRecorder
    from ..recording.plan import RecordingPlan

OWN_FAILURE, CANNOT_RUN, NOT_FOUND = 125, 126, 127

LOOK_S = 1.0  # between two looks whether the command has ended, where nothing says so

# By name: where some are unknown nothing can be run, and this file must still be imported.
FORWARDED = tuple(
    getattr(signal, name)
    for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGALRM")
    if hasattr(signal, name)
)


def let_go(recorder: RawRecorder, *, is_kept: bool) -> None:
    """Ends a recorder that no report has ended; removes a trace that was for the report alone."""
    from ..errors import MicrojouleError

    try:
        with contextlib.suppress(MicrojouleError):
            recorder.close()
    finally:
        if not is_kept:  # where the trace lost its folder it is beside it
            recorder.path.unlink(missing_ok=True)


def shows_footprint(arguments: argparse.Namespace) -> bool:
    """Whether anything that is printed or written has a footprint: it takes a tenth of a short run's time."""
    return bool(
        arguments.form not in ("text", "brief")
        or arguments.json is not None
        or pages.asked(arguments)
        or options.footprint_given(arguments)
    )


def refuse(arguments: argparse.Namespace) -> None:
    """Refuses places where the report could not be written, while nothing has run yet."""
    from ..errors import MicrojouleError

    trace_output.refuse_stdout(arguments.output)
    pages.refuse(arguments, [arguments.output] if arguments.output else [])
    if arguments.json is None or arguments.json == Path("-"):
        return
    target = arguments.json.resolve()
    if arguments.output is not None and target == arguments.output.resolve():
        raise MicrojouleError(
            f"The trace and the report have the same file {target}", "Give each its own file"
        )
    quantities.refuse_unwritable(arguments.json)


def opened_for(arguments: argparse.Namespace, command: list[str], folder: Path) -> RawRecorder:
    """The recorder that the arguments ask for, not open yet."""
    from ..recording import RawRecorder

    return RawRecorder(trace_output.watched(planned(arguments, command, folder), arguments))


def planned(arguments: argparse.Namespace, command: list[str], folder: Path) -> RecordingPlan:
    """What the arguments ask to be recorded; into a folder where nobody keeps the trace."""
    from ..host.calibration import applied, facts_of
    from ..host.reference import corrected
    from ..host.reference import facts_of as reference_facts
    from ..host.sampling_cost import RECORDER, THINNED
    from ..recording.meter import device_ids, only
    from ..recording.plan import RecordingPlan, alternatives, instruments, machine_facts, sampling_facts
    from ..sources import Machine, choose, survey

    cadence = options.cadence(arguments)
    machine = Machine(arguments.root, options.visible_gpus(arguments))
    surveys = survey(machine)
    closed = [one.channel for found in surveys for one in found.closed]
    listed = _with_command(choose(surveys, arguments.source), closed, arguments.source)
    channels = only(listed, arguments.only)
    chosen = arguments.source or (() if arguments.only else None)
    learnt = probe_calibrate.stored(arguments)
    reference = probe_against.stored(arguments.root, arguments.calibration)
    facts = {
        **machine_facts(machine, surveys, channels, chosen),
        **facts_of(learnt, channels),
        **reference_facts(reference),
        **sampling_facts(
            sampling_cost_line.stored(arguments.root),
            RECORDER if arguments.output else THINNED,
            channels,
            cadence,
        ),
        "command": command,
        "by": arguments.by,
    }
    channels = corrected(applied(channels, learnt), reference, device_ids(channels))
    return RecordingPlan(
        path=arguments.output or folder / "run.arrows",
        channels=channels,
        cadence=cadence,
        facts=facts,
        alternatives={} if arguments.source else alternatives(surveys, channels, learnt),
        is_thinned=arguments.output is None and not pages.asked(arguments),
        activity=activity.plan(arguments, has_command=True),
        instruments=instruments(arguments.against),
    )


def _with_command(
    channels: tuple[Channel, ...], closed: list[Channel], forced: list[str] | None
) -> tuple[Channel, ...]:
    """The channels with the command's own CPU time, from rusage where perf does not give it."""
    has_it = any(channel.is_of_command for channel in channels)
    if has_it or (forced and "cpu_time" not in forced):
        return channels
    return (
        *channels,
        *(
            replace(channel, access=replace(channel.access, reader="rusage", path="wait4"))
            for channel in closed
            if channel.is_of_command
        ),
    )


def run_in_window(
    command: list[str], recorder: RawRecorder, started: Callable[[int], None] | None = None
) -> int | str:
    """The command's wait status, or the sentence of why it did not start.

    Args:
        command: What to run.
        recorder: The open recorder.
        started: Called with the process id once it runs; it must raise nothing.
    """
    waiting = forwarded()
    address = recorder.share_marks()
    if address is None:
        print("uj run: no memory can be shared here, so windows of the command are lost", file=sys.stderr)
    mask = {*FORWARDED, signal.SIGCHLD}
    rusage = [channel.id for channel in recorder.channels if channel.access.reader == "rusage"]
    for channel in rusage:
        recorder.reading(channel, 0)
    # A process that has ended has nothing left on a GPU: its edges need no waiting.
    with recorder.window("run", command=" ".join(command), synchronised=True):
        child = spawned(command, address, mask)
        if isinstance(child, str):
            return child
        if started is not None:
            started(child.pid)
        for number in waiting:
            child.send_signal(number)
        status, used_ns = _wait(child, mask)
    for channel in rusage:
        recorder.reading(channel, used_ns)
    return status


def spawned(
    command: list[str], address: str | None, mask: set[signal.Signals]
) -> subprocess.Popen[bytes] | str:
    """Starts a command that marks to an address, if there is one; or the sentence of why it did not start.

    The child inherits the mask of this moment, and gets the default handlers at its exec.
    """
    from ..recording.marking import VARIABLE

    signal.pthread_sigmask(signal.SIG_UNBLOCK, mask)
    try:
        return subprocess.Popen(command, env={**os.environ, VARIABLE: address or ""}, close_fds=False)
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, mask)


def forwarded() -> list[int]:
    """The signals that come while a command is being started, for it; to be sent once it runs."""
    waiting: list[int] = []
    for number in FORWARDED:
        # What the caller ignores (nohup's SIGHUP, say) the command ignores too.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda got, _: waiting.append(got))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return waiting


def pass_on(got: Came, pid: int) -> None:
    """Sends a signal that came from another process on to the command.

    A terminal's own signals have reached the command already; those of a kill have not.
    """
    if got.number != signal.SIGCHLD and got.code <= 0:
        with contextlib.suppress(PermissionError):  # of a setuid command; it goes on, as under env
            os.kill(pid, got.number)


def _wait(child: subprocess.Popen[bytes], mask: set[signal.Signals]) -> tuple[int, int]:
    """Waits for the child, passing on what other processes send; (wait status, CPU time in ns)."""
    from ..units import nanoseconds

    while True:
        # Before the first wait as well: the child may have ended before its signal was blocked.
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid == child.pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return status, nanoseconds(usage.ru_utime + usage.ru_stime)
        # A thread of the caller's that does not block it may have taken the signal of the child's end.
        got = awaited(mask, LOOK_S)
        if got is not None:
            pass_on(got, child.pid)


def report_on(path: Path, arguments: argparse.Namespace, terms: Terms | None) -> None:
    """Prints the report of a complete trace."""
    summary, picture = pages.summarise(arguments, path, terms)
    documents.printed(summary, arguments.form, sys.stderr)
    pages.write(arguments, [summary], [picture], [" ".join(arguments.command).removeprefix("-- ")])
    if arguments.json is not None:
        documents.write_json(summary, arguments.json)
        streams.flush()


@contextlib.contextmanager
def failures_said(program: str = "uj run", what: str = "report") -> Iterator[None]:
    """Says what goes wrong with a report: the command has run, and its exit code stands whatever comes."""
    from ..errors import MicrojouleError

    try:
        yield
    except MicrojouleError as error:
        print(f"{program}: {error}", file=sys.stderr)
    except OSError as error:
        print(f"{program}: {streams.failure(error)}", file=sys.stderr)
        streams.abandon()
    except Exception as error:
        why = shortage(error) or f"which is a mistake in microjoule: {error!r}"
        print(f"{program}: the {what} failed: {why}", file=sys.stderr)


def drop_signals() -> None:
    """Takes away what came while the command ended, such as the Ctrl-C that ended it."""
    while signal.sigtimedwait({*FORWARDED, signal.SIGCHLD}, 0) is not None:
        pass


def end_on_signals() -> None:
    """From here on a signal ends this process, with the folders that it made; of Ctrl-C the second one.

    The first one is most often for the command, which has just ended; its figure takes less than a second.
    """
    for number in FORWARDED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end_next if number == signal.SIGINT else _end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {*FORWARDED, signal.SIGCHLD})


def _end_next(number: int, _: object) -> None:
    signal.signal(number, _end)


def _end(number: int, _: object) -> Never:
    raise SystemExit(128 + number)


def exit_as(status: int) -> int:
    """The exit code of a wait status; a signal is died of again, so that the caller sees it."""
    if not os.WIFSIGNALED(status):
        return os.waitstatus_to_exitcode(status)
    import resource

    number = signal.Signals(os.WTERMSIG(status))
    sys.stderr.flush()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    return 128 + number
