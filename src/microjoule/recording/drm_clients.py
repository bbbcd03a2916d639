"""Which process used how much of a GPU whose driver is of the kernel's DRM, such as amdgpu, i915 or xe.

Theory of the device (Documentation/gpu/drm-usage-stats.rst). Each open file of ``/dev/dri`` has a text in
``/proc/PID/fdinfo/N`` with ``drm-pdev`` (the PCI address), ``drm-client-id`` (files that were duplicated
have one), and for each engine ``drm-engine-NAME: N ns``, the time that this client's work spent on it. Of an
engine of which there are several ``drm-engine-capacity-NAME`` says how many: the time is divided by it. xe
counts cycles in its place: ``drm-cycles-NAME`` of ``drm-total-cycles-NAME``, the same part of the time.

Who may read: the user of the process, or CAP_SYS_PTRACE for others. Which files there are is looked up each
two seconds; a client that lives shorter is not seen.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ..channel import Channel
from ..units import NS_PER_S
from .gpu_use import Moment, Use

SCAN_NS = 2 * NS_PER_S
FILES_MAX = 4096
_PCI = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_ENGINE, _CAPACITY = "drm-engine-", "drm-engine-capacity-"
_CYCLES, _TOTAL = "drm-cycles-", "drm-total-cycles-"


class _Client(NamedTuple):
    """What a client's text says: its GPU, its number, nanoseconds by engine, and cycles of how many."""

    pci: str
    number: str
    used_ns: Mapping[str, int]
    cycles: Mapping[str, tuple[int, int]]


class DrmClients:
    """The processes on some GPUs.

    Args:
        devices: The name of each GPU in places, by its PCI address.
        root: Of the machine's files.
    """

    def __init__(self, devices: Mapping[str, str], root: Path) -> None:
        self._by_pci = dict(devices)
        self._proc = root / "proc"
        self._files: list[tuple[int, str]] = []
        self._scanned_ns: int | None = None
        self._known: dict[tuple[str, str], tuple[int, _Client]] = {}
        self._found: list[Use] = []

    def open(self) -> dict[str, str]:
        """Nothing to open, and nothing that cannot be had."""
        return {}

    @property
    def devices(self) -> tuple[str, ...]:
        """All the GPUs."""
        return tuple(self._by_pci.values())

    def close(self) -> None:
        """Nothing to close."""

    def look(self, device: str, now: Moment) -> list[Use] | None:
        """What was used of a GPU since the last look; of clients that were there at the first, nothing."""
        if device == self.devices[0]:  # one look is of all GPUs
            self._found = list(self._all(now.t_ns))
        return [use for use in self._found if use.device == device]

    def _all(self, now_ns: int) -> Iterator[Use]:
        is_first = self._scanned_ns is None
        if self._scanned_ns is None or now_ns - self._scanned_ns >= SCAN_NS:
            self._scanned_ns, self._files = now_ns, list(self._scan())
        seen = set()
        for pid, file in self._files:
            client = _client(file)
            if client is None or client.pci not in self._by_pci or (client.pci, client.number) in seen:
                continue
            key = client.pci, client.number
            seen.add(key)
            last = self._known.get(key)
            self._known[key] = now_ns, client
            if last is not None:
                yield from self._used(pid, last[1], client, last[0], now_ns)
            elif not is_first:  # it began since the last look for files
                nothing = _Client(client.pci, client.number, {}, {})
                yield from self._used(pid, nothing, client, now_ns - SCAN_NS, now_ns)
        for key in self._known.keys() - seen:
            del self._known[key]

    def _used(self, pid: int, last: _Client, now: _Client, from_ns: int, to_ns: int) -> Iterator[Use]:
        device = self._by_pci[now.pci]
        for engine, used_ns in now.used_ns.items():
            grown_ns = used_ns - last.used_ns.get(engine, 0)
            if grown_ns > 0:
                yield Use(device, engine, (pid,), from_ns, to_ns, min(grown_ns, to_ns - from_ns))
        for engine, (cycles, total) in now.cycles.items():
            before = last.cycles.get(engine)
            if before is not None and total > before[1] and cycles > before[0]:
                part = min((cycles - before[0]) / (total - before[1]), 1.0)
                yield Use(device, engine, (pid,), from_ns, to_ns, round(part * (to_ns - from_ns)))

    def _scan(self) -> Iterator[tuple[int, str]]:
        """The texts of all open files of ``/dev/dri``, of processes that may be looked at."""
        n = 0
        for name in (each for each in _names(self._proc) if each.isdigit()):
            folder = f"{self._proc}/{name}"
            for file in _names(f"{folder}/fd"):
                try:
                    is_gpu = os.readlink(f"{folder}/fd/{file}").startswith("/dev/dri/")
                except OSError:
                    continue
                if is_gpu and n < FILES_MAX:
                    n += 1
                    yield int(name), f"{folder}/fdinfo/{file}"


def _names(folder: str | Path) -> list[str]:
    """What is in a folder; nothing where it is of another user, has ended or is hidden, as in a sandbox."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _client(file: str) -> _Client | None:
    try:
        with open(file, encoding="ascii", errors="replace") as opened:
            pairs = dict(line.rstrip("\n").split(":", 1) for line in opened if ":" in line)
    except OSError:
        return None
    pci, number = pairs.get("drm-pdev", "").strip(), pairs.get("drm-client-id", "").strip()
    if not pci or not number:
        return None
    numbers = {
        key: int(words[0]) for key, text in pairs.items() if (words := text.split()) and words[0].isdigit()
    }
    used = {
        key.removeprefix(_ENGINE): value // max(numbers.get(_CAPACITY + key.removeprefix(_ENGINE), 1), 1)
        for key, value in numbers.items()
        if key.startswith(_ENGINE) and not key.startswith(_CAPACITY)
    }
    cycles = {
        engine: (value, numbers[_TOTAL + engine])
        for key, value in numbers.items()
        if key.startswith(_CYCLES) and _TOTAL + (engine := key.removeprefix(_CYCLES)) in numbers
    }
    return _Client(pci, number, used, cycles)


def by_pci(channels: Iterable[Channel]) -> dict[str, str]:
    """The GPUs of the kernel's DRM drivers among channels: PCI address to name in places."""
    found = {}
    for channel in channels:
        if channel.place.device != "gpu" or channel.access.reader == "nvml":
            continue
        path = channel.access.path
        addresses = _PCI.findall(path.partition("@")[0]) or _PCI.findall(os.path.realpath(path))
        if addresses:
            found[addresses[-1]] = channel.place.device_name
    return found
