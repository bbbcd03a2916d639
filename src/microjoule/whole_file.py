"""A file that appears once it is whole: nothing else is replaced, and no other file is touched."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_KINDS = (
    (stat.S_ISDIR, errno.EISDIR, "it is a folder"),
    (stat.S_ISCHR, errno.EINVAL, "it is a device, not a regular file"),
    (stat.S_ISBLK, errno.EINVAL, "it is a device, not a regular file"),
    (stat.S_ISFIFO, errno.EINVAL, "it is a pipe, not a regular file"),
    (stat.S_ISSOCK, errno.EINVAL, "it is a socket, not a regular file"),
)


@contextmanager
def whole_file(path: str | os.PathLike[str], mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write to. It takes the place of what the path names when the block ends without an exception.

    Until then it lies beside that, under a name of its own, and is removed where the block fails.

    Args:
        path: A regular file, or none yet; of a symbolic link, the file that it leads to.
        mode: The permissions, less those that the umask takes away.

    Raises:
        OSError: The path names a device, a pipe or a folder, or the file cannot be written.
    """
    target = _regular(path)
    # os.open and not tempfile: the kernel then applies the umask, which one thread cannot read without
    # changing it for all.
    partial = target.with_name(f".{os.urandom(8).hex()}.partial")
    number = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(number)
        os.replace(partial, target)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def _regular(path: str | os.PathLike[str]) -> Path:
    """The file that a path leads to, which a rename may replace."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    for is_kind, number, what in _KINDS:
        if is_kind(mode):
            raise OSError(number, what, os.fspath(path))
    return Path(os.path.realpath(path))
