"""What systemd gives a service, and what it wants to hear (sd_listen_fds(3), sd_notify(3))."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

_FIRST = 3


def inherited(environment: Mapping[str, str]) -> dict[str, socket.socket]:
    """The listening sockets that systemd opened for this process, by the name of each in its unit."""
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return {}
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    count = int(environment.get("LISTEN_FDS", "0"))
    found = {}
    for fd, name in zip(range(_FIRST, _FIRST + count), names, strict=False):
        os.set_inheritable(fd, False)
        found[name] = socket.socket(fileno=fd)
    return found


class Notifier:
    """Tells the service manager how the service is; connected while the process may still connect.

    Args:
        address: ``NOTIFY_SOCKET``; empty: nobody listens.
    """

    def __init__(self, address: str) -> None:
        self._socket: socket.socket | None = None
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            with contextlib.suppress(OSError):
                self._socket.connect("\0" + address[1:] if address.startswith("@") else address)

    def say(self, state: str) -> None:
        """One state, as ``READY=1``."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendmsg([state.encode()])
