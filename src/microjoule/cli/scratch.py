"""The temporary folder of a run, which the next run removes where this one was killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import MicrojouleError

PREFIX = "microjoule-run-"
_LOCK = "lock"
_NEW_S = 60.0  # how long another run may take between making its folder and locking it


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for as long as a ``with`` lasts.

    Raises:
        MicrojouleError: There is no folder for temporary files, or no room in it.
    """
    import fcntl  # which Windows, whose commands have this file in their imports, does not have

    _remove_leftovers(Path(tempfile.gettempdir()))
    try:
        made = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        folder = Path(made.name)
        # Held as long as this process lives, and by no child of it.
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise MicrojouleError(
            f"Cannot create a temporary folder: {error.strerror}", "Set TMPDIR to a folder with free space"
        ) from error
    with contextlib.suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        with made:
            yield folder
    finally:
        os.close(lock)


def _remove_leftovers(parent: Path) -> None:
    """Removes the folders of this user's runs that no process holds any more."""
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            is_new = time.time() - found.st_mtime < _NEW_S
            if found.st_uid == os.getuid() and folder.is_dir() and not folder.is_symlink():
                if _is_held(folder / _LOCK) or (is_new and not (folder / _LOCK).exists()):
                    continue
                shutil.rmtree(folder, ignore_errors=True)


def _is_held(path: Path) -> bool:
    import fcntl

    try:
        lock = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False
