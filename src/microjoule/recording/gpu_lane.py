"""Who is busy on the GPUs: a slow lane of its own that asks ten times a second and writes down who used what.

A driver may take tens of milliseconds to answer, so this lane has a thread, and delays nobody else's looks.
Its rows are those of :mod:`.activity`, with numbers of their own: a subject is a process on one engine of one
GPU, and each GPU itself is one, whose rows say up to when it was looked at. Beside it looks for figures that
begin to answer (:mod:`.late_fields`).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from ..channel import Channel
from ..trace import schema
from ..trace.label import GPU, Subject
from ..units import nanoseconds, seconds
from .drm_clients import DrmClients, by_pci
from .gpu_processes import NvidiaProcesses, by_uuid
from .gpu_use import Moment, Use
from .late_fields import PERIOD_S as LATE_S
from .late_fields import LateFields
from .native import clock_pair, now_ns

PERIOD_S = 0.1
PERIOD_MAX_S = 1.0
SHARE = 10  # of the time that looks take: calls wait in the driver, and cost little CPU time
FIRST = 1 << 24  # the numbers of this lane's subjects
SUBJECTS_MAX = 4096
SHOWN = 3  # processes that a slice's name has


class Processes(Protocol):
    """One way to ask who uses GPUs."""

    @property
    def devices(self) -> tuple[str, ...]:
        """The GPUs that answer."""

    def open(self) -> dict[str, str]:
        """Begins; why some GPUs do not answer."""

    def close(self) -> None:
        """Ends."""

    def look(self, device: str, now: Moment) -> list[Use] | None:
        """What was used of a GPU since the last look; None: it does not answer now."""


class _Account:
    __slots__ = ("last_ns", "number", "used_ns")

    def __init__(self, number: int) -> None:
        self.number, self.used_ns, self.last_ns = number, 0, -1


class GpuLane:
    """Looks who is busy on the GPUs of some channels, from ``start`` to ``stop``.

    Args:
        channels: All that are recorded.
        root: Of the machine's files; None: nobody's use is recorded, and only figures that begin to answer
            are looked for.
        describe: Who a process is; None: it has ended, or its number is of another namespace.

    Attributes:
        left_out: Why GPUs are not looked at, by their names.
    """

    def __init__(
        self,
        channels: Iterable[Channel],
        root: Path | None = None,
        describe: Callable[[int], Subject | None] = lambda _: None,
    ) -> None:
        channels = tuple(channels)
        self._ways = [] if root is None else _ways(channels, root)
        ids = {channel.id for channel in channels}
        self._late = [LateFields(devices, library, ids) for library, devices in by_uuid(channels).items()]
        self._late_at_ns = 0
        self._describe = describe
        self._accounts: dict[tuple[str, str, tuple[int, ...], int], _Account] = {}
        self._rows: deque[schema.OwnRow] = deque()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.left_out: dict[str, str] = {}

    def start(self) -> None:
        """Looks once, and goes on beside; does nothing where there are no GPUs."""
        for way in self._ways:
            self.left_out |= way.open()
        self._ways = [way for way in self._ways if way.devices]
        self._late = [late for late in self._late if late.open()]
        if not self._ways and not self._late:
            return
        self.look()
        self._thread = threading.Thread(target=self._run, name="uj-gpus", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Looks a last time. Harmless when repeated."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._ended.set()
        thread.join()
        self.look()
        for late in self._late:
            self._rows += late.look(now_ns())
            self._rows += late.close()
        for way in self._ways:
            way.close()

    def drain(self) -> list[schema.OwnRow]:
        """The rows since the last time."""
        return [self._rows.popleft() for _ in range(len(self._rows))]

    def look(self) -> None:
        """Asks all GPUs once; one that does not answer now is asked again at the next look."""
        for way in self._ways:
            for device in way.devices:
                t_ns, _, realtime_ns = clock_pair(time.CLOCK_REALTIME)
                found = way.look(device, Moment(t_ns, realtime_ns - t_ns))
                if found is None:
                    continue
                for use in found:
                    self._take(use)
                whole = self._account((device, "", (), -1))
                if whole is not None:
                    whole.used_ns += 1
                    self._rows.append((now_ns(), whole.number, schema.ACTIVITY, whole.used_ns, None))

    def _run(self) -> None:
        apart_s = PERIOD_S if self._ways else LATE_S
        while not self._ended.wait(apart_s):
            begun_ns = now_ns()
            self.look()
            if begun_ns - self._late_at_ns >= nanoseconds(LATE_S):
                self._late_at_ns = begun_ns
                for late in self._late:
                    self._rows += late.look(begun_ns)
            if self._ways:
                apart_s = min(max(PERIOD_S, SHARE * seconds(now_ns() - begun_ns)), PERIOD_MAX_S)

    def _take(self, use: Use) -> None:
        account = self._account((use.device, use.engine, use.pids, use.slice))
        if account is None or use.to_ns <= account.last_ns:
            return
        from_ns = max(use.from_ns, account.last_ns)
        if from_ns != account.last_ns:
            self._rows.append((from_ns, account.number, schema.ACTIVITY, account.used_ns, None))
        account.used_ns += use.used_ns
        account.last_ns = use.to_ns
        self._rows.append((use.to_ns, account.number, schema.ACTIVITY, account.used_ns, None))

    def _account(self, key: tuple[str, str, tuple[int, ...], int]) -> _Account | None:
        account = self._accounts.get(key)
        if account is not None or len(self._accounts) >= SUBJECTS_MAX:
            return account
        account = self._accounts[key] = _Account(FIRST + len(self._accounts))
        self._rows.append((now_ns(), 0, schema.SUBJECT, account.number, self._subject(*key).to_label()))
        return account

    def _subject(self, device: str, engine: str, pids: tuple[int, ...], slice_: int) -> Subject:
        if not engine:
            return Subject(GPU, device, device=device)
        known = {pid: self._describe(pid) for pid in pids}
        first = next((each for each in known.values() if each is not None), None)
        names = [f"process {pid}" if each is None else each.name for pid, each in known.items()]
        if len(pids) != 1:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            names = [f"slice {slice_} of {device}" + (f": {', '.join(names[:SHOWN])}{more}" if names else "")]
        return Subject(
            GPU,
            names[0],
            pids[0] if len(pids) == 1 else 0,
            "" if first is None else first.cgroup,
            "" if first is None else first.user,
            bool(known) and all(each is not None and each.is_of_command for each in known.values()),
            device=device,
            engine=engine,
        )


def _ways(channels: tuple[Channel, ...], root: Path) -> list[Processes]:
    drm = by_pci(channels)
    nvidia = (NvidiaProcesses(devices, library) for library, devices in by_uuid(channels).items())
    return [*nvidia, *([DrmClients(drm, root)] if drm else [])]
