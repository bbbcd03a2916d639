"""Figures of NVIDIA GPUs that answer only after a recording has begun: a trace says that they are not in it.

A trace's channels are fixed when it opens. A figure that the driver refuses then, or answers with 0, as one
of a GPU that sleeps, is none of them. Where it answers later, because the driver was loaded again or the GPU
woke up, its readings are missing, from then on until it falls silent again. What was refused is asked once a
second: the fields of a GPU in one call.
"""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from ..sources import nvml
from ..trace import schema
from ..trace.label import label

PERIOD_S = 1.0
WORDS = "{} began to answer too late (record again)"  # a report says when after it


class LateFields:
    """The figures of some GPUs that were silent at the opening.

    Args:
        devices: The name of each GPU in places, by its UUID.
        library: Of NVML, as the channels have it.
        recorded: The ids of the channels that are recorded.
    """

    def __init__(self, devices: Mapping[str, str], library: str, recorded: Collection[str]) -> None:
        self._devices, self._library, self._recorded = devices, library, frozenset(recorded)
        self._nvml: Any = None
        self._silent: dict[str, tuple[Any, frozenset[str]]] = {}  # by device: its handle, and which figures
        self._seen_ns: dict[str, list[int]] = {}  # by channel: since when and until when it answers

    def open(self) -> bool:
        """Asks each GPU what it does not answer; whether there is anything to look for."""
        try:
            ctypes.CDLL(self._library)  # pynvml takes the one that is there, as the two have one name
            import pynvml

            pynvml.nvmlInit()
        except Exception:  # the lane that reads the same library says why
            return False
        self._nvml = pynvml
        for uuid, device in self._devices.items():
            with suppress(pynvml.NVMLError):
                handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
                silent = nvml.FIGURES - nvml.answering(pynvml, handle, nvml.FIGURES)
                silent = frozenset(name for name in silent if f"{device}/{name}" not in self._recorded)
                if silent:
                    self._silent[device] = handle, silent
        if not self._silent:
            self.close()
        return bool(self._silent)

    def look(self, t_ns: int) -> list[schema.OwnRow]:
        """Asks again; a row for each figure that has fallen silent after it had answered."""
        ended: list[schema.OwnRow] = []
        for device, (handle, silent) in self._silent.items():
            try:
                found = nvml.answering(self._nvml, handle, silent)
            except self._nvml.NVMLError:
                found = frozenset()
            for name in sorted(silent):
                channel = f"{device}/{name}"
                if name in found:
                    self._seen_ns.setdefault(channel, [t_ns, t_ns])[1] = t_ns
                elif channel in self._seen_ns:
                    ended.append(_row(channel, *self._seen_ns.pop(channel)))
        return ended

    def close(self) -> list[schema.OwnRow]:
        """Lets the library go; a row for each figure that answered to the end. Harmless when repeated."""
        if self._nvml is not None:
            with suppress(self._nvml.NVMLError):
                self._nvml.nvmlShutdown()
        self._nvml = None
        seen, self._seen_ns = self._seen_ns, {}
        return [_row(channel, *between) for channel, between in sorted(seen.items())]


def _row(channel: str, since_ns: int, until_ns: int) -> schema.OwnRow:
    return since_ns, 0, schema.GAP, until_ns, label(WORDS.format(channel), {"readings_lost": None})
