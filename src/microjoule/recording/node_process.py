"""Starts the recorder of a node from a measured program, as a program of its own and no copy of that.

A copy would have the threads, GPUs and gigabytes of the measured program. So a new interpreter is started,
which makes another process of itself and ends at once: the measured program has no child that lives on, which
it could wait for by mistake.

It goes by what it reads from its standard input: where to import from, its socket, and an :class:`Order`.
"""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from .launch import launch
from .meter import Meter

_PYTHONS = ("python", "pypy")
STARTS_S = 20.0  # how long the interpreter may take to start
_CODE = """
import os, pickle, sys
sys.path[:], descriptor, order = pickle.load(sys.stdin.buffer)
from microjoule.recording.node_process import serve
if os.fork():
    os._exit(0)
os.setsid()
serve(descriptor, order)
"""


class Order(NamedTuple):
    """What the recorder of a node is to do.

    Attributes:
        path: Where the trace goes; None: into a file without a name, which the ranks are given.
        meter: What to read.
        since_s: As :func:`.launch.began_s` says. What was there before and is not of this job is replaced.
            None: nothing is, as the path itself names the job or the node.
    """

    path: str | None
    meter: Meter
    since_s: float | None


def spawned(order: Order) -> Callable[[socket.socket], None]:
    """How a program that is measured starts the recorder of its node.

    What it returns raises OSError where no recorder starts.
    """
    root = str(Path(__file__).parents[2])

    def start(listener: socket.socket) -> None:
        if getattr(sys, "frozen", False) or not Path(sys.executable or "").name.startswith(_PYTHONS):
            # An application that embeds Python would be started once more.
            raise OSError(0, "this program does not say where its Python interpreter is")
        data = pickle.dumps((_import_path(root), listener.fileno(), pickle.dumps(order)))
        started = subprocess.Popen(
            [sys.executable, "-P", "-c", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
        )
        try:
            started.communicate(data, timeout=STARTS_S)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
            raise OSError(0, f"its interpreter did not start within {STARTS_S:.0f} s") from None
        if started.returncode:
            raise OSError(0, f"its interpreter, {sys.executable}, ended with {started.returncode}")

    return start


def _import_path(root: str) -> list[str]:
    """Where the recorder imports from: as its program does, but from folders of the user's code at the end.

    There a module may have any name, such as that of one of Python's own.
    """
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    users = {"", ".", str(Path(main).absolute().parent) if main else ""}
    with suppress(OSError):  # the working folder may be gone
        users.add(os.getcwd())
    first = [each for each in sys.path if each not in users]
    return [*first, root, *(each for each in sys.path if each in users)]


def serve(descriptor: int, order: bytes) -> None:
    """Records for all ranks that connect, in the process that is the node's recorder.

    Args:
        descriptor: Of the listening socket.
        order: A pickled :class:`Order`.
    """
    from .node_recorder import refused
    from .node_socket import shield

    listener = socket.socket(fileno=descriptor)
    shield()
    try:
        with ExitStack() as stack:
            _record(listener, pickle.loads(order), stack)
    except Exception as error:  # whatever it is: the ranks record by themselves, and hear of it there
        refused(listener, str(error))


def _record(listener: socket.socket, order: Order, stack: ExitStack) -> None:
    from .node_recorder import NodeRecorder, completed, passed_on
    from .plan import plan
    from .recorder import RawRecorder

    path, scratch = Path(order.path or ""), None
    if order.path is None:
        scratch = stack.enter_context(tempfile.TemporaryFile(prefix="microjoule-"))  # noqa: SIM115
        path = Path(f"/proc/self/fd/{scratch.fileno()}")
    elif order.since_s is not None:
        _replace_older(path, order.since_s)
    said: list[NodeRecorder] = []
    planned = replace(
        plan(path, order.meter),
        takes_windows=False,
        keeps_others=scratch is None,
        is_thinned=scratch is not None,
        say=lambda sentence: passed_on(sentence, said),
    )
    recorder = RawRecorder(planned)
    recorder.open()
    node = NodeRecorder(listener, recorder)
    said.append(node)
    node.serve()
    node.close(completed(recorder))


def _replace_older(path: Path, since_s: float) -> None:
    """Removes what is older than this start of the job. What the job itself has written stays.

    The time alone does not tell: the job's next step may begin after another one has ended.
    """
    try:
        if path.is_file() and path.stat().st_mtime < since_s and not _is_of_this_job(path):
            path.unlink()
    except OSError:
        return  # then the new trace is beside it


def _is_of_this_job(path: Path) -> bool:
    """Whether there is a trace that names this job; of a job without a name none does."""
    import pyarrow as pa

    from ..errors import TraceError
    from ..trace import schema

    try:
        with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
            _, facts = schema.opening(reader.schema, str(path))
    except (pa.ArrowException, OSError, TraceError):
        return False
    named, found = facts.get("launch"), launch()
    return found.is_named and isinstance(named, dict) and named.get("job") == found.job
