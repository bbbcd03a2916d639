"""How the ranks of one node agree on one recorder, and talk to it.

The name of a Unix socket is the lock: whoever binds it starts the node's recorder, and all others connect to
it. The name is in Linux's abstract namespace (unix(7)), so that it leaves no file behind and is free again as
soon as the recorder ends, however it ends. It is made of the user, the boot, the clock's namespace, the job
with its attempt, and the trace: ranks that write different traces do not share a recorder.

Messages are JSON objects, one a line. Whoever is at the other end must be the same user: the kernel says who
that is (SO_PEERCRED).

Decision: the recorder is a process of its own, in a session of its own, and no rank. A rank may end, fail or
be killed at any time, and the launcher must hear of it at once; the others go on being recorded. What was
given up: one more process a node, which ends when its last rank has ended.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import signal
import socket
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Never

from ..errors import MicrojouleError
from ..version import VERSION
from .launch import Launch

LINE_MAX = 4 << 20  # bytes of one message: a thousand marks with the longest labels take less
_RACE_S = 5.0
_PAUSE_S = 0.01
_BACKLOG = 4096


def address(launch: Launch, trace: Path | None, what: str = "") -> str:
    """The name of the socket of a launch's node.

    Args:
        launch: Of one of its ranks.
        trace: Where the trace is to be; None: nobody keeps it.
        what: What is recorded, and by what; ranks that want something else share no recorder.
    """
    clock = _text("/proc/self/timens_offsets")  # in another time namespace CLOCK_MONOTONIC is another clock
    parts = (
        VERSION,  # another one may have other messages
        str(os.geteuid()),
        _text("/proc/sys/kernel/random/boot_id"),
        clock,
        launch.launcher,
        launch.attempt,
        launch.node,
        "" if trace is None else str(trace.absolute()),
        what,
    )
    return f"\0microjoule-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def joined(name: str, start: Callable[[socket.socket], object]) -> tuple[socket.socket, bool]:
    """A connection to the node's recorder, which is started where there is none; whether this call did.

    Args:
        name: The socket's.
        start: Starts a process that records, and gives it the listening socket: :func:`forked`.

    Raises:
        MicrojouleError: There is a recorder of that name and it is another user's, or no process can be made.
    """
    has_started, ends = False, time.monotonic() + _RACE_S
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            connection.connect(name)
        except OSError as error:
            connection.close()
            if error.errno not in (errno.ECONNREFUSED, errno.ENOENT, errno.EAGAIN):
                raise _cannot(error) from error
        else:
            if peer_user(connection) != os.geteuid():
                connection.close()
                raise MicrojouleError(
                    "A process of another user holds the name of this node's recorder",
                    "Give each rank a trace of its own, such as 'trace-{rank}.arrows'",
                )
            return connection, has_started
        if time.monotonic() > ends:
            raise MicrojouleError("This node's recorder takes no connection", "Start the job again")
        if has_started:  # and it has ended before anybody could connect: the next one would do so too
            raise MicrojouleError(
                "This node's recorder ended as soon as it was started", "Start the job again"
            )
        has_started = _started(name, start)


def _cannot(error: OSError) -> MicrojouleError:
    return MicrojouleError(
        f"This node's recorder cannot be reached: {error.strerror}",
        "Give each rank a trace of its own, such as 'trace-{rank}.arrows'",
    )


def peer_user(connection: socket.socket) -> int:
    """The user at the other end of a connection."""
    return _peer(connection)[1]


def peer_process(connection: socket.socket) -> int:
    """The process that connected; 0: one of a PID namespace that is not seen here."""
    return _peer(connection)[0]


def _peer(connection: socket.socket) -> tuple[int, int, int]:
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    process, user, group = struct.unpack("3i", found)
    return process, user, group


def _started(name: str, start: Callable[[socket.socket], object]) -> bool:
    """Starts the recorder, unless another rank was first."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    with listener:
        try:
            listener.bind(name)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise _cannot(error) from error
            time.sleep(_PAUSE_S)  # until it listens
            return False
        listener.listen(_BACKLOG)
        try:
            start(listener)
        except OSError as error:
            raise _cannot(error) from error
    return True


def forked(serve: Callable[[socket.socket], object]) -> Callable[[socket.socket], None]:
    """How a process without threads starts the recorder: a copy of it serves, and ends when that returns.

    Args:
        serve: Records, for the ranks that connect to the listening socket.
    """

    def start(listener: socket.socket) -> None:
        child = os.fork()
        if child == 0:
            _detached(listener, serve)
        os.waitpid(child, 0)

    return start


def _detached(listener: socket.socket, serve: Callable[[socket.socket], object]) -> Never:
    """Runs the recorder in a session of its own; nothing of the rank's is kept open, nothing ends it."""
    try:
        os.setsid()
        if os.fork() == 0:
            null = os.open(os.devnull, os.O_RDWR)
            for standard in range(3):
                os.dup2(null, standard)
            for name in os.listdir("/proc/self/fd"):
                if int(name) > 2 and int(name) != listener.fileno():
                    try:
                        os.close(int(name))
                    except OSError:  # the folder that was listed
                        continue
            shield()
            serve(listener)
    finally:
        os._exit(0)


def shield() -> None:
    """Makes this process a recorder that outlives its ranks, and runs on any CPU of the job.

    A launcher binds each rank to its own CPUs, and the recorder is no rank's.
    """
    # A job that is cancelled signals all processes; this one ends with the last rank.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))


def encoded(message: Mapping[str, Any]) -> bytes:
    """A message as its line."""
    return json.dumps(message).encode() + b"\n"


class Lines:
    """The messages that come over a connection, which is read as far as it has something.

    Args:
        connection: Without a timeout of Python's, which would wait before it reads.
        takes_files: Whether open files may come with them.

    Attributes:
        is_open: Whether more may come.
        files: The descriptors that came, for whoever closes them.
    """

    def __init__(self, connection: socket.socket, *, takes_files: bool = False) -> None:
        self._connection = connection
        self._takes_files = takes_files
        self._rest = b""
        self.is_open = True
        self.files: list[int] = []

    def read(self) -> list[dict[str, Any]]:
        """The messages that have come; what is none ends the connection."""
        parts = [self._rest]
        size = len(self._rest)
        while self.is_open and size <= LINE_MAX:
            try:
                part = self._part()
            except BlockingIOError:
                break
            except OSError:
                part = b""
            self.is_open = bool(part)
            parts.append(part)
            size += len(part)
        *lines, self._rest = b"".join(parts).split(b"\n")
        try:
            found = [json.loads(line) for line in lines]
        except ValueError:
            found = [None]
        if len(self._rest) > LINE_MAX or not all(isinstance(each, dict) for each in found):
            self.is_open = False
            return []
        return found

    def _part(self) -> bytes:
        if not self._takes_files:
            return self._connection.recv(1 << 16, socket.MSG_DONTWAIT)
        flags = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
        part, files, _, _ = socket.recv_fds(self._connection, 1 << 16, 1, flags)
        self.files += files
        return part
