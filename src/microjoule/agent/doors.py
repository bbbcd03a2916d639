"""The agent's sockets: who connects, may they have it, one packet, and nothing is ever read.

Each connection is answered at once with a packet that lies ready, sent without waiting. What a client sends
is refused by the kernel, because the agent shuts the reading side. A connection is kept until the client
closes it, since a packet that was not read holds memory and descriptors that count as this process's: so a
user has a few connections at a time, and more are closed unanswered. Nobody else notices. One person may be
many users (``/etc/subuid`` gives each 65,536), so that doors for everybody leave a quarter of all room to
those for some.

Answers take CPU time that the scheduler counts as this process's, its samplers included, where processes are
in groups (a systemd unit, a session). So there are 250 answers a second at most, whoever asks for more: on a
full machine a flood made the sampler miss half of its deadlines without that bound, and none with it.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import errno
import os
import resource
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Sequence

from ..sources.agent_offer import refusal, stamped
from ..value_class import dataclass

USER_CONNECTIONS = 16
CONNECTIONS = 512
RESERVED = 4  # one part in so many is for doors that are not for everybody
BACKLOG = 64  # of which the last waits for a quarter of a second
_ACCEPTS = 8  # at one door before the other has its turn
_CREDENTIALS = struct.Struct("iII")
_SO_PEERGROUPS = 59  # asm-generic/socket.h, Linux 4.13
_GROUPS_BYTES = 1024  # 256 groups; the kernel says how many more are needed
_LIBC = ctypes.CDLL(None, use_errno=True)  # loaded before the agent gives up opening files
OVERFLOW_ID = 65534  # whom a user namespace does not know; the kernel's default
_NICE = 10
_PAUSE_S = 0.01  # where there is no room for another connection
_ANSWER_S = 0.004  # from one answer to the next, where there are many


@dataclass(frozen=True, slots=True)
class Guests:
    """Who may have a view.

    Attributes:
        uids: These users.
        gid: The members of this group; None: of none.
        is_open: Everybody.
    """

    uids: frozenset[int] = frozenset()
    gid: int | None = None
    is_open: bool = False

    def admit(self, connection: socket.socket, uid: int, gid: int) -> bool:
        """Whether the process at the other end may have it, by what the kernel says of it."""
        if self.is_open or (uid in self.uids and uid != OVERFLOW_ID):
            return True
        return self.gid is not None and self.gid != OVERFLOW_ID and self.gid in {gid, *_groups(connection)}


@dataclass(frozen=True, slots=True)
class Door:
    """One socket, and what is given away there.

    Attributes:
        listener: Bound, listening, and not blocking.
        table: The offer (``agent_offer.packet``).
        feeds: The descriptors that go with it.
        guests: Who may have it.
        refused: The sentence for those who may not.
        remedy: What they can do.
    """

    listener: socket.socket
    table: bytes
    feeds: tuple[int, ...]
    guests: Guests
    refused: str = ""
    remedy: str = ""


class Doors:
    """Answers at some doors in a thread, from ``start`` to ``stop``.

    Args:
        doors: All of them.

    Attributes:
        failure: What ended it before its time; None: nothing did.
    """

    def __init__(self, doors: Sequence[Door]) -> None:
        self.failure: BaseException | None = None
        self._doors = {door.listener.fileno(): door for door in doors}
        self._open: dict[int, tuple[socket.socket, int]] = {}
        self._users: Counter[int] = Counter()
        self._poll = select.epoll()
        self._woken, self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._poll.register(self._woken, select.EPOLLIN)
        for fd in self._doors:
            self._poll.register(fd, select.EPOLLIN)
        self._room = _room(max(len(door.feeds) for door in doors))
        self._thread = threading.Thread(target=self._run, name="uj-doors", daemon=True)

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Closes the connections and the listeners."""
        os.write(self._wake, b"x")
        self._thread.join()
        for connection, _ in self._open.values():
            connection.close()
        for door in self._doors.values():
            door.listener.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # readings before answers, where there is one CPU for both
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        try:
            while True:
                answers = 0
                for fd, _ in self._poll.poll():
                    if fd == self._woken:
                        return
                    if fd in self._doors:
                        answers += self._accept(self._doors[fd])
                    else:
                        self._forget(fd)
                if answers >= _ACCEPTS:
                    time.sleep(answers * _ANSWER_S)
        except BaseException as error:  # whoever waits for the agent reports it
            self.failure = error

    def _accept(self, door: Door) -> int:
        """Answers those who wait, up to a number; how many it took."""
        for taken in range(_ACCEPTS):
            try:
                connection, _ = door.listener.accept()
            except BlockingIOError:
                return taken
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS):
                    time.sleep(_PAUSE_S)
                return taken  # or the client has gone before it was its turn
            try:
                if not self._answer(door, connection):
                    connection.close()
            except OSError:
                connection.close()  # it has gone, or reads nothing
        return _ACCEPTS

    def _answer(self, door: Door, connection: socket.socket) -> bool:
        """Sends what this client is to have; whether the connection is kept."""
        told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, uid, gid = _CREDENTIALS.unpack(told)
        room = self._room - (-(-self._room // RESERVED) if door.guests.is_open else 0)
        if self._users[uid] >= USER_CONNECTIONS or len(self._open) >= max(room, 1):
            return False
        connection.shutdown(socket.SHUT_RD)
        if door.guests.admit(connection, uid, gid):
            fds = array.array("i", door.feeds).tobytes()
            extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
            connection.sendmsg([stamped(door.table)], extra, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        else:
            words = stamped(refusal(door.refused, door.remedy))
            connection.sendmsg([words], [], socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        self._poll.register(connection.fileno(), 0)  # a hang-up is always reported
        self._open[connection.fileno()] = connection, uid
        self._users[uid] += 1
        return True

    def _forget(self, fd: int) -> None:
        connection, uid = self._open.pop(fd)
        self._users[uid] -= 1
        if not self._users[uid]:
            del self._users[uid]
        self._poll.unregister(fd)
        connection.close()


def _groups(connection: socket.socket) -> Sequence[int]:
    """The other end's supplementary groups; none where the kernel does not say."""
    # Not Socket.getsockopt, which takes 1024 bytes at most: a user may have 65,536 groups.
    size = ctypes.c_uint32(_GROUPS_BYTES)
    while True:
        room = ctypes.create_string_buffer(size.value)
        asked = (connection.fileno(), socket.SOL_SOCKET, _SO_PEERGROUPS, room, ctypes.byref(size))
        if _LIBC.getsockopt(*asked) == 0:
            return array.array("I", room.raw[: size.value])
        if ctypes.get_errno() != errno.ERANGE or size.value <= len(room):
            return ()


def _room(n_feeds: int) -> int:
    """How many connections fit: the descriptors of packets that nobody has read count as this process's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS * (1 + n_feeds)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard >= 0 else wanted, hard))
            soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(min(CONNECTIONS, soft // (2 * (1 + n_feeds))), 1)
