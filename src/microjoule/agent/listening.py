"""The agent's sockets as files: the folder that they are in, and who may connect.

Decision: the whole way to the folder belongs to root or to who starts the agent, and nobody else may write
there. Otherwise another user could put a socket of theirs in the place of the agent's, or a link that the
agent follows as root. A sticky folder such as /tmp may be on the way: what is root's there stays there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import CannotServe
from ..sources.agent_offer import short
from .doors import BACKLOG

_FOLDER_MODE = 0o755
_ALL = 0o777


def made(folder: Path) -> list[str]:
    """Makes the folder of the sockets, and the folders above it.

    Returns:
        A sentence for each folder on the way that other users may not search.

    Raises:
        CannotServe: It cannot be made, or somebody else could replace what is in it.
    """
    try:
        missing = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
        _refuse_untrusted(_way(missing[-1].parent if missing else folder))
        for each in reversed(missing):
            with contextlib.suppress(FileExistsError):  # another agent that starts now has made it
                each.mkdir(_FOLDER_MODE)
                each.chmod(_FOLDER_MODE)  # whatever the umask is
        way = _way(folder)
        _refuse_untrusted(way)  # again: another process may have made some of it
    except OSError as error:
        raise CannotServe(
            f"The folder {folder} cannot be created: {error.strerror}",
            "Start it as root, or name a folder: --runtime DIR",
        ) from error
    return [
        f"warning: other users cannot reach the sockets: {each} has mode {mode:04o}. Run: chmod a+x {each}"
        for each in way
        if stat.S_ISDIR(each.lstat().st_mode) and not (mode := stat.S_IMODE(each.stat().st_mode)) & 0o001
    ]


def listening(path: Path, mode: int, gid: int | None) -> socket.socket:
    """A listening socket at a path, in place of one that nobody listens at any more.

    Args:
        path: In a folder that was :func:`made`.
        mode: Who may connect.
        gid: Whose group it is; None: this process's.

    Raises:
        CannotServe: Another agent serves there, something else lies there, or the kernel refuses.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    try:
        _clear(path)
        # The mode is there from the start, and the group before anybody is listened to.
        before = os.umask(_ALL & ~mode)
        try:
            with short(path) as address:
                listener.bind(address)
        finally:
            os.umask(before)
        if gid is not None:
            os.chown(path, -1, gid, follow_symlinks=False)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotServe(
            f"No socket can be made at {path}: {error.strerror}",
            "Start it as root, or name a folder: --runtime DIR",
        ) from error
    return listener


def remove(path: Path) -> None:
    """Removes a socket where this process still may."""
    with contextlib.suppress(OSError):  # the agent may have become somebody who may not
        path.unlink()


def _way(folder: Path) -> list[Path]:
    """All folders and links from the root to a folder that is there."""
    real = folder.resolve()
    found = [*reversed(folder.parents), folder, *reversed(real.parents), real]
    return list(dict.fromkeys(found))


def _refuse_untrusted(way: list[Path]) -> None:
    for each in way:
        reason = "".join(_reasons(each))
        if reason:
            raise CannotServe(
                f"The agent's sockets cannot be under {each}: {reason}",
                "Name a folder that only root can change: --runtime DIR",
            )


def _reasons(path: Path) -> Iterator[str]:
    """Why another user could change what is there; of several the first."""
    found = path.lstat()
    if found.st_uid not in (0, os.geteuid()):
        yield f"it belongs to user {found.st_uid}"
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_mode & stat.S_ISVTX:
        return
    writers = [stat.S_IWOTH] if found.st_gid in (0, os.getegid()) else [stat.S_IWOTH, stat.S_IWGRP]
    if any(found.st_mode & each for each in writers):
        yield f"other users may write to it (mode {stat.S_IMODE(found.st_mode):04o})"


def _clear(path: Path) -> None:
    """Removes what an agent has left there.

    Raises:
        CannotServe: An agent serves there, or it is no socket.
    """
    try:
        is_socket = stat.S_ISSOCK(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise CannotServe(
            f"{path} exists and is not a socket", f"Check what it is, then remove it: rm {path}"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe, short(path) as address:
        probe.settimeout(1.0)
        try:
            probe.connect(address)
        except OSError as error:
            if error.errno == errno.ECONNREFUSED:  # otherwise it is there, and busy
                path.unlink()
                return
    raise CannotServe(
        f"Another agent serves at {path}", "Stop it first: sudo systemctl stop microjoule-agent"
    )
