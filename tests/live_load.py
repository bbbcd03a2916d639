"""A machine under a folder whose energy counter follows the load that a program puts on it, while it goes on.

A thread looks every few milliseconds whether the program has children, as a load has one for each CPU, and
moves the counter of a powercap zone by the power of that: what a package would do.
"""

from __future__ import annotations

import bisect
import os
import threading
import time
from pathlib import Path

from machines import CLIENT, write

LOOK_S = 0.004
IDLE_W, LOADED_W = 20.0, 70.0


class LoadedMachine:
    """The machine, from ``start`` to ``stop``.

    Args:
        root: A folder, in which its files are made.
    """

    def __init__(self, root: Path) -> None:
        self.root = write(CLIENT, root)
        zones = root / "sys/class/powercap"
        for zone in zones.glob("intel-rapl:*:*"):
            (zone / "energy_uj").unlink()  # the package alone: its parts do not move
        self._zone = next(
            zone for zone in sorted(zones.glob("intel-rapl:*")) if (zone / "energy_uj").exists()
        )
        self._pid = 0
        self._ended = threading.Event()
        self._at_s, self._watts = [time.monotonic()], [IDLE_W]
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """The counter moves from here on."""
        self._thread.start()

    def stop(self) -> None:
        """It stands still."""
        self._ended.set()
        self._thread.join()

    def follow(self, pid: int) -> None:
        """Names the program whose children are the load."""
        self._pid = pid

    def watts(self, at_s: float) -> float:
        """The power by the monotonic clock."""
        return self._watts[max(bisect.bisect_right(self._at_s, at_s) - 1, 0)]

    @property
    def changes(self) -> int:
        """How often the load went on or off."""
        return len(self._watts) - 1

    def _run(self) -> None:
        file = os.open(self._zone / "energy_uj", os.O_WRONLY)
        energy_uj, last_s = 1e9, time.monotonic()
        while not self._ended.wait(LOOK_S):
            now_s = time.monotonic()
            energy_uj += 1e6 * self._watts[-1] * (now_s - last_s)
            os.pwrite(file, b"%d\n" % energy_uj, 0)  # never fewer digits: no reader sees a mixture
            last_s = now_s
            watts = LOADED_W if self._has_children() else IDLE_W
            if watts != self._watts[-1]:
                self._watts.append(watts)
                self._at_s.append(now_s)
        os.close(file)

    def _has_children(self) -> bool:
        try:
            with open(f"/proc/{self._pid}/task/{self._pid}/children") as file:
                return bool(file.read().strip())
        except OSError:
            return False
