"""The file of a trace while it is being written: whole after each batch, and looked after.

Other programs may delete a file that is open, replace it, cut it or remove its folder, and none of that
fails a write. So each append is preceded by a look: whether the path still leads to this file, and whether
the file has the size that it should have. What was deleted is still there while it is open, and is written
again at its path; a path where another file now lies is left to that file.

Decision: the file is opened with O_APPEND, so that a write after somebody's truncation lands at the end,
where the next look finds it, and not behind a hole of the right size. A failed write is cut off again, so
that the file ends with a whole batch at any time. What was given up: pipes and terminals can take nothing
back; what they have not taken of a batch is owed and comes first the next time.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
import time
from array import array
from itertools import count
from pathlib import Path
from typing import NamedTuple

from ..errors import Disturbed, TraceError

MODE = 0o600  # counters that only root may read are in it
READER_S = 10.0  # how long a pipe without a reader is waited for
PIPE_S = 0.5  # how long a reader may make one append wait
_COPY_BYTES = 1 << 20


class Lost(NamedTuple):
    """What a file that was cut has lost: since when, and how many rows."""

    t_ns: int
    rows: int


class TraceFile:
    """A file that whole batches are appended to.

    Args:
        path: Where; an existing regular file is replaced. ``/dev/stdout`` and ``/dev/fd/N`` are what is open
            there, from where it is on.
        owner: The user and group that it is to belong to; None: those of this process.
        keeps_others: A regular file that is there stays, and this one gets a numbered name beside it.

    Attributes:
        path: Where it is now; another one where it had to move, or where another file was.
        size: The bytes of all whole batches, the opening among them.

    Raises:
        TraceError: It cannot be made, or another recorder is writing it.
    """

    def __init__(self, path: Path, owner: tuple[int, int] | None = None, keeps_others: bool = False) -> None:
        self.path = path
        self._owner = owner
        descriptor = descriptor_of(path)
        self._has_path = descriptor is None
        try:
            if descriptor is not None:
                self._fd = os.dup(descriptor)
            elif keeps_others:
                self.path, self._fd = _beside(path)
            else:
                self._fd = _opened(path)
            self._is_regular = stat.S_ISREG(os.fstat(self._fd).st_mode)
        except OSError as error:
            raise cannot_write(path, error) from error
        self._begin = 0
        try:
            if self._has_path and self._is_regular:
                self._take()
            elif self._is_regular:
                self._begin = os.lseek(self._fd, 0, os.SEEK_CUR)
        except BaseException:
            os.close(self._fd)
            raise
        self.size = self._begin
        self._owed = b""
        # Of each append: where the file ended before it, its time and its rows.
        self._ends, self._times_ns, self._rows = array("q"), array("q"), array("q")

    @property
    def is_empty(self) -> bool:
        """Whether nothing that was appended is left."""
        return self.size == self._begin

    def append(self, data: bytes, t_ns: int, rows: int = 0) -> None:
        """Appends all of it, or nothing.

        Args:
            data: The bytes of a batch, or of the opening.
            t_ns: When its first row began; for :meth:`restore`.
            rows: How many rows it holds.

        Raises:
            OSError: The disk is full, or the device failed. The file ends where it did.
        """
        if self._is_regular:
            try:
                _write(self._fd, data)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._fd, self.size)
                raise
        else:
            self._push(data)
        self._ends.append(self.size)
        self._times_ns.append(t_ns)
        self._rows.append(rows)
        self.size += len(data)

    def settle(self) -> None:
        """Waits until the disk has it.

        Raises:
            OSError: The device failed.
        """
        if self._is_regular:
            os.fsync(self._fd)

    def look(self) -> None:
        """Looks whether the file is as it was left.

        Raises:
            Disturbed: It was deleted, moved, replaced, cut, or written by others.
        """
        if not self._is_regular:
            return
        found = os.fstat(self._fd)
        if found.st_size < self.size:
            raise Disturbed(f"{self.path} was truncated by another program")
        if found.st_size > self.size:
            raise Disturbed(f"another program wrote to {self.path}")
        if not self._has_path:
            return
        try:
            there = os.stat(self.path)
        except OSError:
            gone = "was deleted" if self.path.parent.is_dir() else "was deleted with its folder"
            raise Disturbed(f"{self.path} {gone}") from None
        if (there.st_dev, there.st_ino) != (found.st_dev, found.st_ino):
            raise Disturbed(f"{self.path} was replaced by another file")

    def restore(self) -> Lost | None:
        """Makes the file whole again after a :class:`Disturbed`, at its path or beside it.

        Returns:
            What is lost; None: nothing.

        Raises:
            OSError: It cannot be now: there is no room, or no folder.
        """
        lost = self._cut_back()
        if self._has_path:
            if not os.path.lexists(self.path):
                self.move(self.path)
            elif not self._is_at(self.path):
                self.move(free(self.path))
        return lost

    def move(self, path: Path) -> None:
        """Writes all of it again at a path where there is no file, and goes on there.

        Raises:
            OSError: It cannot be made.
        """
        new = _new(path)
        try:
            at = 0
            while at < self.size and (part := os.pread(self._fd, min(_COPY_BYTES, self.size - at), at)):
                _write(new, part)
                at += len(part)
            if at < self.size:
                raise OSError(errno.EIO, "what was written cannot be read again")
        except BaseException:
            os.close(new)
            path.unlink(missing_ok=True)
            raise
        os.close(self._fd)
        self._fd, self.path = new, path
        self._take(is_new=True)

    def close(self, patience_s: float = 0.0) -> None:
        """Lets the file go.

        Args:
            patience_s: How long the reader of a pipe may take for what is owed to it.

        Raises:
            OSError: A network's disk was full; or the pipe's reader took too long, or went away.
        """
        try:
            self._pay(patience_s)
            if self._owed:
                raise OSError(errno.EPIPE, f"its reader left {len(self._owed)} bytes")
        finally:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def _take(self, is_new: bool = False) -> None:
        """Makes an open regular file this recorder's own, and empties it unless it is new."""
        import fcntl  # which Windows, whose commands have this file in their imports, does not have

        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                return  # a file system without locks: nobody is kept out
            raise TraceError(
                f"Another recorder is writing {self.path}",
                "Give this one another path, or end that one first",
            ) from error
        with contextlib.suppress(PermissionError):  # of another user's file: it stays that user's
            os.fchmod(self._fd, MODE)
            if self._owner is not None:
                os.fchown(self._fd, *self._owner)
        if not is_new:
            os.ftruncate(self._fd, 0)

    def _cut_back(self) -> Lost | None:
        """Cuts the file back to the last whole batch that it still has."""
        found = os.fstat(self._fd).st_size
        if found == self.size:
            return None
        lost = Lost(0, 0)
        while self._ends and found < self.size:
            self.size = self._ends.pop()
            lost = Lost(self._times_ns.pop(), lost.rows + self._rows.pop())
        os.ftruncate(self._fd, self.size)
        return lost if lost.t_ns else None

    def _is_at(self, path: Path) -> bool:
        there, mine = os.stat(path), os.fstat(self._fd)
        return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)

    def _push(self, data: bytes) -> None:
        self._pay(PIPE_S)
        if self._owed:
            raise OSError(errno.EAGAIN, "its reader takes nothing")
        self._owed = data
        self._pay(0)

    def _pay(self, for_s: float) -> None:
        """Hands over what the reader takes of what is owed within a time."""
        ends = time.monotonic() + for_s
        # A pipe is writable when a page fits, so that a page never blocks; its flags belong to others too.
        while self._owed and select.select([], [self._fd], [], max(ends - time.monotonic(), 0))[1]:
            self._owed = self._owed[os.write(self._fd, self._owed[: select.PIPE_BUF]) :]


def caller_of_sudo() -> tuple[int, int] | None:
    """The user and group that called sudo; None: nobody did."""
    try:
        caller = int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
    except (KeyError, ValueError):
        return None
    return caller if os.geteuid() == 0 else None


def descriptor_of(path: Path) -> int | None:
    """The open file that a path such as ``/dev/stdout`` stands for; None: it is a path like any other."""
    named = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
    folder, name = os.path.split(path)
    if folder in ("/dev/fd", "/proc/self/fd", f"/proc/{os.getpid()}/fd") and name.isdecimal():
        return int(name)
    return named.get(os.fspath(path))


def cannot_write(path: Path, error: OSError) -> TraceError:
    """The error of a trace that cannot be written, with what to do."""
    remedies = {
        errno.ENOSPC: "The disk is full: free some space, or write elsewhere with -o",
        errno.EDQUOT: "Your disk quota is used up: free some space, or write elsewhere with -o",
        errno.EFBIG: "The limit on a file's size is reached: raise it with `ulimit -f`, or write elsewhere",
        errno.ENOENT: "Create its folder first",
        errno.EACCES: "Choose a folder that you can write to",
        errno.EROFS: "The file system is read-only: choose another folder",
        errno.EISDIR: "Give a file's name, not a folder's",
        errno.ENXIO: "Nothing reads this pipe: start its reader first",
        errno.EPIPE: "The reader of this pipe ended; write to a file instead",
        errno.EMFILE: "Too many files are open: raise the limit with `ulimit -n`",
    }
    why = os.strerror(error.errno) if error.errno else str(error)
    return TraceError(f"Cannot write the trace {path}: {why}", remedies.get(error.errno or 0, ""))


def _opened(path: Path) -> int:
    flags = os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    if not path.exists() or path.is_file():
        return os.open(path, flags | os.O_RDWR, MODE)
    ends = time.monotonic() + READER_S
    while True:  # a pipe refuses to be opened until somebody reads it
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno != errno.ENXIO or not path.is_fifo() or time.monotonic() > ends:
                raise
        time.sleep(0.05)


def _beside(path: Path) -> tuple[Path, int]:
    """A new file at a path, or beside the file that is there; processes that start together each get one."""
    here = path
    while True:
        try:
            return here, _new(here)
        except FileExistsError:
            if not path.is_file():  # a pipe or a device
                return path, _opened(path)
        here = free(path)


def _new(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, MODE)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def free(path: Path) -> Path:
    """A path beside this one where there is no file."""
    names = (path.with_name(f"{path.stem}.{number}{path.suffix}") for number in count(1))
    return next(each for each in names if not os.path.lexists(each))
