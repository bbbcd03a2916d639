"""``uj run`` in each rank of a job: one recorder a node, which the ranks mark into.

Each rank's command keeps its streams, signals and exit code, as elsewhere. The last rank of a node prints the
report, which is of the node. A rank whose command ends earlier ends with it, and so does one whose command
fails: its launcher hears of it at once.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import activity, options, run_command, trace_output
from .scratch import scratch
from .shortage import shortage
from .signals import awaited
from .without_threads import load_libraries

if TYPE_CHECKING:
    from ..recording.launch import Launch
    from ..recording.node_member import NodeMember
    from ..recording.node_recorder import NodeRecorder

PUMP_S = 0.2  # between two looks for marks
_COMMAND_MAX = 1000  # signs of a command, in its window's attributes


def run_rank(arguments: argparse.Namespace, command: list[str], launch: Launch) -> int:
    """Runs the command of one rank, and exits as it did."""
    from ..errors import MicrojouleError
    from ..recording.node_member import NodeMember
    from ..recording.node_socket import address, forked

    try:
        run_command.refuse(arguments)
        terms = options.terms(arguments) if run_command.shows_footprint(arguments) else None
        member = NodeMember(
            address(launch, arguments.output),
            {"n_local": launch.n_local, "attributes": _attributes(launch, command)},
            forked(lambda listener: _record(listener, arguments, command)),
            _say,
        )
        member.join()
    except MicrojouleError as error:
        print(f"uj run: {error}", file=sys.stderr)
        return run_command.OWN_FAILURE
    if member.failure:
        print(f"uj run: {member.failure}", file=sys.stderr)
        return run_command.OWN_FAILURE
    code = _run(command, member)
    if isinstance(code, str):
        print(f"uj run: {command[0]}: {code}", file=sys.stderr)
        member.end({"ended": f"could not start ({code})"})
        return run_command.NOT_FOUND if code == os.strerror(2) else run_command.CANNOT_RUN
    closed = member.end(_ended(code))
    is_whole = True
    if closed is not None:
        load_libraries()
        is_whole = bool(closed.get("is_whole"))
        if closed.get("problem"):
            _say(str(closed["problem"]))
        run_command.drop_signals()
        run_command.end_on_signals()
        with run_command.failures_said():
            run_command.report_on(Path(str(closed["path"])), arguments, terms)
    member.close()
    return run_command.OWN_FAILURE if code == 0 and not is_whole else run_command.exit_as(code)


def _attributes(launch: Launch, command: list[str]) -> dict[str, Any]:
    known = {"rank": launch.rank, "local_rank": launch.local_rank, "launcher": launch.launcher}
    found = {name: value for name, value in known.items() if value is not None}
    # A process that has ended has nothing left on a GPU: its edges need no waiting.
    return {**found, "command": " ".join(command)[:_COMMAND_MAX], "synchronised": True}


def _ended(status: int) -> dict[str, int]:
    """How a command ended, by its wait status."""
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status)}
    return {"exit_code": os.waitstatus_to_exitcode(status)}


def _run(command: list[str], member: NodeMember) -> int | str:
    """The command's wait status, or the sentence of why it did not start; marks are sent on meanwhile."""
    waiting = run_command.forwarded()
    if member.address is None:
        _say("No memory can be shared here, so windows of the command are lost")
    mask = {*run_command.FORWARDED, signal.SIGCHLD}
    child = run_command.spawned(command, member.address, mask)
    if isinstance(child, str):
        return child
    for number in waiting:
        child.send_signal(number)
    while True:
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        if pid == child.pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return status
        got = awaited(mask, PUMP_S)
        if got is not None:
            run_command.pass_on(got, child.pid)
        member.pump()


def _say(sentence: str) -> None:
    print(f"uj run: {sentence}", file=sys.stderr, flush=True)


def _record(listener: socket.socket, arguments: argparse.Namespace, command: list[str]) -> None:
    """Records for all ranks of this node; in the process that is the node's recorder."""
    from ..errors import MicrojouleError
    from ..recording.node_recorder import refused

    try:
        load_libraries()
        with scratch() as folder:
            _record_into(listener, arguments, command, folder)
    except MicrojouleError as error:
        refused(listener, str(error))
    except Exception as error:
        refused(
            listener, shortage(error) or f"The recorder failed, which is a mistake in microjoule: {error!r}"
        )


def _record_into(
    listener: socket.socket, arguments: argparse.Namespace, command: list[str], folder: Path
) -> None:
    from ..recording import RawRecorder
    from ..recording.node_recorder import NodeRecorder, completed, passed_on

    # Of a node all GPUs are read: each rank may see another one.
    of_node = argparse.Namespace(**{**vars(arguments), "all_gpus": True})
    plan = trace_output.watched(run_command.planned(of_node, command, folder), arguments)
    said: list[NodeRecorder] = []
    channels = tuple(channel for channel in plan.channels if not channel.is_of_command)
    recorder = RawRecorder(
        # An earlier recorder of this job may have written a trace at the same path.
        replace(plan, keeps_others=True, channels=channels, say=lambda sentence: passed_on(sentence, said))
    )
    with contextlib.ExitStack() as stack:
        stack.callback(run_command.let_go, recorder, is_kept=arguments.output is not None)
        recorder.open()
        node = NodeRecorder(listener, recorder)
        said.append(node)
        begun_s = time.monotonic()
        with recorder.window("run", command=" ".join(command), synchronised=True):
            node.serve()
        time.sleep(activity.idle_after_s(arguments, time.monotonic() - begun_s))
        node.close(completed(recorder))
