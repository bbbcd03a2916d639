"""A copy of a folder in which chosen files answer a read with an error: a process of FUSE.

``python failing.py FOLDER MOUNT '{"/path": 1}'``: the number is the errno of each read of that file. A list,
``[13]``, is the errno of each open. It ends when MOUNT is unmounted.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

STAT = ("st_mode", "st_nlink", "st_size", "st_uid", "st_gid")


@contextmanager
def failing(folder: Path, errors: Mapping[str, int | list[int]]) -> Iterator[Path]:
    """The folder's copy; where FUSE is missing the test is skipped."""
    pytest.importorskip(
        "mfusepy", reason="mfusepy or libfuse is not installed", exc_type=(ImportError, OSError)
    )
    if not Path("/dev/fuse").is_char_device() or shutil.which("fusermount3") is None:
        pytest.skip("no /dev/fuse or no fusermount3")
    mount = folder.with_name(f"{folder.name}-failing")
    mount.mkdir()
    process = subprocess.Popen([sys.executable, __file__, str(folder), str(mount), json.dumps(errors)])
    try:
        while not os.path.ismount(mount):
            if process.poll() is not None:
                pytest.skip("FUSE does not mount here")
            time.sleep(0.01)
        yield mount
    finally:
        subprocess.run(["fusermount3", "-q", "-u", str(mount)], check=False)
        process.terminate()
        process.wait()


def serve(base: str, mount: str, errors: Mapping[str, int | list[int]]) -> None:
    """Mounts the copy, and returns when it is unmounted."""
    import mfusepy

    class Failing(mfusepy.Operations):
        use_ns = True

        def getattr(self, path, fh=None):  # noqa: ARG002 - FUSE's own signatures
            found = os.lstat(base + path)
            times = {"st_atime": 0, "st_mtime": 0, "st_ctime": 0}
            return {name: getattr(found, name) for name in STAT} | times

        def readdir(self, path, fh):  # noqa: ARG002
            return [".", "..", *os.listdir(base + path)]

        def readlink(self, path):
            return os.readlink(base + path)

        def open(self, path, flags):  # noqa: ARG002
            if isinstance(errors.get(path), list):
                raise mfusepy.FuseOSError(errors[path][0])
            return os.open(base + path, os.O_RDONLY)

        def read(self, path, size, offset, fh):
            if isinstance(errors.get(path), int):
                raise mfusepy.FuseOSError(errors[path])
            return os.pread(fh, size, offset)

        def release(self, path, fh):  # noqa: ARG002
            os.close(fh)

    mfusepy.FUSE(Failing(), mount, foreground=True, direct_io=True, nothreads=True, ro=True)


if __name__ == "__main__":
    serve(os.path.realpath(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]))
