"""A counter on a real file system that misbehaves: FUSE serves a machine's tree, and its package's energy.

``python mounted.py TREE MOUNT CONTROL``: each read of the counter looks into CONTROL. Empty: 40 W; a number:
reads fail with this errno; ``short``: a read ends amid the number. It ends when MOUNT is unmounted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COUNTER = "intel-rapl:0/energy_uj"
SHORT = "short"
_W = 40  # as scripted.PACKAGE_W
_STAT = ("st_mode", "st_nlink", "st_size", "st_uid", "st_gid")


@contextmanager
def mounted(tree: Path) -> Iterator[tuple[Path, Path]]:
    """The mounted tree, and the file that says what its counter answers."""
    from faults.play import NotHere, until

    try:
        import mfusepy as _  # noqa: F401
    except (ImportError, OSError):
        raise NotHere("mfusepy or libfuse is not installed") from None
    if not Path("/dev/fuse").is_char_device() or shutil.which("fusermount3") is None:
        raise NotHere("no /dev/fuse or no fusermount3")
    mount, control = tree.with_name("mounted"), tree.with_name("answers")
    mount.mkdir()
    control.write_text("")
    command = [sys.executable, __file__, str(tree), str(mount), str(control)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # it minds that it is unmounted
    try:
        until(lambda: os.path.ismount(mount) or process.poll() is not None)
        if process.poll() is not None:
            raise NotHere("FUSE does not mount here")
        yield mount, control
    finally:
        subprocess.run(["fusermount3", "-q", "-u", "-z", str(mount)], check=False)
        process.terminate()
        process.wait()


def serve(tree: str, mount: str, control: Path) -> None:
    """Mounts the tree, and returns when it is unmounted."""
    import mfusepy

    class Counting(mfusepy.Operations):
        use_ns = True

        def getattr(self, path, fh=None):  # noqa: ARG002 - FUSE's own signatures
            found = os.lstat(tree + path)
            times = {"st_atime": 0, "st_mtime": 0, "st_ctime": 0}
            return {name: getattr(found, name) for name in _STAT} | times

        def readdir(self, path, fh):  # noqa: ARG002
            return [".", "..", *os.listdir(tree + path)]

        def readlink(self, path):
            return os.readlink(tree + path)

        def open(self, path, flags):  # noqa: ARG002
            return os.open(tree + path, os.O_RDONLY)

        def read(self, path, size, offset, fh):
            if not path.endswith(COUNTER):
                return os.pread(fh, size, offset)
            if offset:
                return b""
            how = control.read_text()
            if how.isdigit():
                raise mfusepy.FuseOSError(int(how))
            ticks = time.monotonic_ns() // 1_000_000 * _W * (1 << 14) // 1000 & 0xFFFF_FFFF
            text = f"{ticks * 61_035 // 1000}\n"
            return text[: len(text) // 2 if how == SHORT else size].encode()

        def release(self, path, fh):  # noqa: ARG002
            os.close(fh)

    mfusepy.FUSE(Counting(), mount, foreground=True, direct_io=True, nothreads=True, ro=True)


if __name__ == "__main__":
    serve(os.path.realpath(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
