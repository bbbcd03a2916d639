"""Why a text file of the kernel cannot be read, found by reading it once.

The error number says who refuses. EACCES comes from the file's mode where the mode excludes this user,
and otherwise from a security module (SELinux, AppArmor) or a sandbox (a snap, a container): then root is
refused as well, and ``chmod`` changes nothing. EPERM comes from the driver: since Linux 6.14 amdgpu
answers it while the GPU sleeps (``amdgpu_pm.c``), to root as well.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from .host import CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, capabilities, text_of
from .survey import Cause, Obstacle

SECURITY_REMEDY = (
    "See `sudo dmesg | grep -i denied` and `sudo ausearch -m avc`; measure outside the snap or container, "
    "or add a rule to its profile"
)
ASLEEP_REMEDY = "Give the device work and look again: a reading does not wake it"
FAILING_REMEDY = "A device that sleeps does not answer: give it work and look again"


def obstacle(path: Path) -> Obstacle | None:
    """Why the number in a file cannot be read; None: it can.

    Args:
        path: The file.
    """
    try:
        int(path.read_text(encoding="ascii"))
    except PermissionError as error:
        return _refused(path, error)
    except OSError as error:
        return Obstacle(Cause.FAILING, f"{path} answers {os.strerror(error.errno or 0)}", FAILING_REMEDY)
    except ValueError:
        return Obstacle(Cause.FAILING, f"{path} does not hold a number")
    return None


def refusal(path: Path) -> Obstacle | None:
    """Who refuses a file to this process; None: nobody does, whatever the file holds."""
    found = obstacle(path)
    return None if found is None or found.cause is Cause.FAILING else found


def _refused(path: Path, error: PermissionError) -> Obstacle:
    if error.errno == errno.EPERM:
        said = f"{path}: the driver refuses a reading (EPERM), to root as well"
        why = "the device is asleep" if _is_asleep(path) else "as it does while a device sleeps"
        return Obstacle(Cause.ASLEEP, f"{said}: {why}", ASLEEP_REMEDY)
    if mode_allows(path):
        return denied_by_module(str(path))
    return Obstacle(
        Cause.PERMISSION,
        f"{path} may not be read by this user",
        f"Run as root, or `sudo chmod a+r {path}` (until the next boot; `uj probe --rule` prints what lasts)",
    )


def denied_by_module(what: str) -> Obstacle:
    """A file is refused although its mode lets this process read it.

    Args:
        what: The file or files, as the beginning of a sentence.
    """
    who = "a security module (SELinux, AppArmor) or a sandbox (snap, container)"
    return Obstacle(
        Cause.SECURITY,
        f"{what}: {who} refuses it (EACCES), to root as well; the file's mode allows it",
        SECURITY_REMEDY,
    )


def mode_allows(path: Path) -> bool:
    """Whether this process may read a file by its mode and owner, or by a capability over both."""
    try:
        found = path.stat()
    except OSError:
        return False
    # Of this process, whose read was refused, and not of the machine under another root.
    own = capabilities() or 0
    if own >> CAP_DAC_OVERRIDE & 1 or own >> CAP_DAC_READ_SEARCH & 1:
        return True
    if found.st_uid == os.geteuid():
        return bool(found.st_mode & stat.S_IRUSR)
    is_group = found.st_gid in {os.getegid(), *os.getgroups()}
    return bool(found.st_mode & (stat.S_IRGRP if is_group else stat.S_IROTH))


def _is_asleep(path: Path) -> bool:
    """Whether runtime power management says that the device behind a hwmon file is suspended."""
    folders = (path.parent / "device/power", path.parent / "power")
    return any(text_of(folder / "runtime_status") == "suspended" for folder in folders)
