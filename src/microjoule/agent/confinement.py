"""What an agent gives up before it answers anybody: its user, its capabilities, most system calls.

By then everything that it reads is open. A counter's file stays readable through its descriptor, and perf
events count on; what is gone is the right to open another (capabilities(7), seccomp(2)). So a device that
goes away and comes back may stay away: its readings fail, are counted and named, and a restart helps.
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import TYPE_CHECKING

from ..errors import CannotServe
from ..recording.native import confine

if TYPE_CHECKING:
    import pwd

USERS = ("microjoule", "nobody")
_ID_MAX = (1 << 32) - 2  # the one above means "as it is" to chown(2)
_CAPABILITY_VERSION = 0x20080522  # linux/capability.h, version 3: two words a set
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, _PR_SET_NO_NEW_PRIVS, _PR_SET_DUMPABLE = 47, 4, 38, 4


def become(user: str) -> None:
    """Leaves root for a user, and gives up every capability, whoever it is. This process has one thread yet.

    Args:
        user: Its name or number; empty: the first of ``USERS`` that there is. Used only where this process is
            of root.

    Raises:
        CannotServe: There is no such user, it is root, or the kernel refuses.
    """
    if len(os.listdir("/proc/self/task")) > 1:
        raise CannotServe(
            "The process has threads already, which would keep their capabilities",
            "Start `uj agent` without libraries that are preloaded (LD_PRELOAD, PYTHONSTARTUP)",
        )
    try:
        if os.geteuid() == 0:
            uid, gid = _ids(user)
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
        _drop_capabilities()
    except OSError as error:
        raise CannotServe(
            f"The agent cannot give up its privilege: {error.strerror}",
            "Start it as root, or from its systemd unit",
        ) from error


def shut() -> None:
    """Leaves the process the system calls of reading and answering only (``csrc/confine.c``).

    Raises:
        CannotServe: The kernel refuses.
    """
    from ..errors import MicrojouleError

    try:
        confine()
    except (MicrojouleError, ValueError, OSError) as error:
        raise CannotServe(
            f"The agent cannot give up system calls ({error}), and does not serve without this protection",
            "Start it where seccomp is available: Linux 3.17 or later, not under gVisor or valgrind",
        ) from error


def _ids(user: str) -> tuple[int, int]:
    import pwd

    try:
        if user.isdecimal():
            uid = gid = number(user)
        else:
            found = _usual() if not user else pwd.getpwnam(user)
            uid, gid = found.pw_uid, found.pw_gid
    except ValueError as error:
        raise CannotServe(f"There is no user {user}: {error}", "Name one: --user nobody") from None
    except KeyError:
        raise CannotServe(
            f"There is no user {user!r} for the agent to run as",
            f"Create one: sudo useradd --system --no-create-home --shell /usr/sbin/nologin {user}",
        ) from None
    if uid == 0:
        raise CannotServe("The agent must not stay root", "Give it an unprivileged user: --user nobody")
    return uid, gid


def _usual() -> pwd.struct_passwd:
    """The agent's own user; where nobody has made it one that other programs may share."""
    import pwd

    try:
        return pwd.getpwnam(USERS[0])
    except KeyError:
        return pwd.getpwnam(USERS[1])


def number(text: str) -> int:
    """The number of a user or a group.

    Raises:
        ValueError: It is larger than the kernel's, or means none to it.
    """
    found = int(text)
    if found > _ID_MAX:
        raise ValueError(f"numbers end at {_ID_MAX}")
    return found


def _drop_capabilities() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    header = ctypes.create_string_buffer(struct.pack("Ii", _CAPABILITY_VERSION, 0))
    nothing = ctypes.create_string_buffer(24)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    calls = (libc.capset(header, nothing), libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if any(calls):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
