"""How far this machine's real-time clock may be from the true time: what those who keep it say.

Windows of one node are laid over the readings of another by both real-time clocks. How far these may differ
is the sum of two errors, which are known only to what keeps each clock:

* The kernel has a bound, ``maxerror`` of adjtimex(2), in every container and for every user. Who keeps the
  clock sets it, and it grows by 500 ppm of the time since (kernel/time/ntp.c, ``second_overflow``). At 16 s
  the kernel calls the clock not synchronised. chronyd sets it to the root distance (RFC 5905); systemd's
  timesyncd and phc2sys set it to zero, so that it says of their clocks only how long ago they were set.
* chrony: "clock_error <= |system_time_offset| + root_dispersion + (0.5 * root_delay)", of its ``tracking``
  (https://chrony-project.org/doc/4.6/chronyc.html). It is asked where ``chronyc`` is installed.
* PTP: the offset from the master and the whole mean path delay, of linuxptp's management client
  (``pmc -u -b 0 'GET CURRENT_DATA_SET'``, https://linuxptp.nwtime.org/documentation/pmc/): no asymmetry of
  the path can do more. It is asked where ``pmc`` is installed and may read ptp4l's socket.

The last two are programs; they run beside, now and then, and only where a launcher says that this is one of
several nodes.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..trace import schema
from ..units import NS_PER_US, nanoseconds
from .native import now_ns

UNKNOWN_NS = 16 * 10**9  # NTP_PHASE_LIMIT of the kernel: a clock that is not synchronised
KERNEL = "kernel"
AGAIN_S = 60.0
_PATIENCE_S = 2.0
_OF_ITSELF = "7F7F0101"  # chrony's reference in its mode "local": it follows nobody, and calls that normal
_STA_UNSYNC = 0x40  # include/uapi/linux/timex.h


class ClockError(NamedTuple):
    """A bound of a clock's error.

    Attributes:
        bound_ns: The clock is no further off; ``UNKNOWN_NS``: nobody keeps it.
        source: Who says so: ``kernel``, ``chrony`` or ``ptp``.
    """

    bound_ns: int
    source: str


class _Timex(ctypes.Structure):
    """``struct timex`` of a kernel with 64-bit longs; what is not read here is its rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def of_kernel() -> ClockError | None:
    """What the kernel says; None: it cannot be asked here."""
    found = _Timex()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(found))
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    is_kept = not found.status & _STA_UNSYNC
    bound_ns = min(max(found.maxerror, 0) * NS_PER_US, UNKNOWN_NS)
    return ClockError(bound_ns if is_kept else UNKNOWN_NS, KERNEL)


def of_chrony(text: str) -> int | None:
    """The bound in what ``chronyc -c tracking`` prints, in ns; None: there is none."""
    fields = text.strip().split(",")
    if len(fields) < 14 or fields[13].strip() == "Not synchronised" or fields[0] == _OF_ITSELF:
        return None
    try:
        offset_s, delay_s, dispersion_s = (float(fields[at]) for at in (4, 10, 11))
    except ValueError:
        return None
    return _bound(abs(offset_s) + dispersion_s + delay_s / 2)


def of_ptp(text: str) -> int | None:
    """The bound in what ``pmc`` prints of CURRENT_DATA_SET, in ns; None: there is none, or no master."""
    found = {
        name: re.search(rf"\b{name}\s+(-?\d+(?:\.\d+)?)", text)
        for name in ("stepsRemoved", "offsetFromMaster", "meanPathDelay")
    }
    if any(each is None for each in found.values()):
        return None
    steps, offset_ns, delay_ns = (float(each[1]) for each in found.values() if each is not None)
    return _bound((abs(offset_ns) + abs(delay_ns)) / 1e9) if steps > 0 else None


def _bound(seconds: float) -> int | None:
    return nanoseconds(seconds) + 1 if 0 <= seconds < UNKNOWN_NS / 1e9 else None


# Who may know more than the kernel: its name, what to run, and how to read it. The first that answers counts.
_Keeper = tuple[str, Sequence[str], Callable[[str], int | None]]
KEEPERS: tuple[_Keeper, ...] = (
    ("chrony", ("chronyc", "-c", "tracking"), of_chrony),
    ("ptp", ("pmc", "-u", "-b", "0", "GET CURRENT_DATA_SET"), of_ptp),
)


class ClockErrors:
    """Rows about the error of this machine's clock.

    Args:
        keepers: Whom to ask besides the kernel; nobody: the kernel alone.
    """

    def __init__(self, keepers: Sequence[_Keeper] = ()) -> None:
        self._keepers = keepers
        self._kept: ClockError | None = None
        self._asked_s = float("-inf")
        self._thread: threading.Thread | None = None

    def now(self) -> list[schema.OwnRow]:
        """A row with what is known now; none where nothing is."""
        if self._keepers and time.monotonic() > self._asked_s + AGAIN_S and not self._is_asking():
            self._asked_s = time.monotonic()
            self._thread = threading.Thread(target=self.ask, name="uj-clock", daemon=True)
            self._thread.start()
        found = self._kept or of_kernel()
        return [] if found is None else [(now_ns(), 0, schema.CLOCK_ERROR, found.bound_ns, found.source)]

    def ask(self) -> None:
        """Asks who keeps the clock."""
        for name, command, bound in self._keepers:
            try:
                done = subprocess.run(
                    command,
                    check=False,
                    capture_output=True,
                    text=True,
                    timeout=_PATIENCE_S,
                    stdin=subprocess.DEVNULL,
                )
            except (OSError, ValueError, subprocess.SubprocessError):
                continue
            bound_ns = bound(done.stdout) if done.returncode == 0 else None
            if bound_ns is not None:
                self._kept = ClockError(bound_ns, name)
                return
        self._kept = None

    def _is_asking(self) -> bool:
        return self._thread is not None and self._thread.is_alive()
