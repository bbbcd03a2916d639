"""Which process used how much of an NVIDIA GPU, as NVML says it.

Theory of the device (``nvml.h``).

- ``nvmlDeviceGetProcessUtilization`` gives for each process that did something in the driver's last sample
  period (a sixth of a second to a second) its time in the cores and in the memory, in whole percent, with
  the instant of the sample; of an idle process nothing. So the time of a sample is its percent of the time
  since that process's sample before, and of one period where there is none.
- *MIG*: a GPU in slices answers that with NOT_SUPPORTED. From Hopper on ``nvmlGpmMigSampleGet`` says which
  part of each slice's cores was busy between two looks. Its time is that part of the time, times the slice's
  part of all cores; it is that of the process in the slice, and of several together where there are.

Known errors: a percent is cut off, so that much of less than one is not seen; what runs in another PID
namespace has a number that means nothing here, and so no name; vGPUs and WSL answer NOT_SUPPORTED.
Calls take up to tens of milliseconds.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any, NamedTuple

from ..channel import Channel
from ..units import NS_PER_S, NS_PER_US
from .gpu_use import Moment, Use

PERIOD_NS = NS_PER_S // 6  # of samples, until two of them show how far apart they are
PERIOD_MIN_NS, PERIOD_MAX_NS = NS_PER_S // 20, NS_PER_S
LATE = 1.5  # periods after which a process is taken to have paused
OLDEST_NS = 10 * NS_PER_S  # a stamp older than that, or of the future, is none
SM, MEMORY = "sm", "memory"
GPM_SM_UTIL = 2  # NVML_GPM_METRIC_SM_UTIL


class _Slice(NamedTuple):
    """A MIG slice: the handles of what it is divided into, its number, and its part of all cores."""

    handles: tuple[Any, ...]
    number: int
    part: float


class NvidiaProcesses:
    """The processes on some GPUs.

    Args:
        devices: The name of each GPU in places, by its UUID.
        library: Of NVML, as the channels have it.
    """

    def __init__(self, devices: Mapping[str, str], library: str) -> None:
        self._devices, self._library = dict(devices), library
        self._nvml: ModuleType | None = None
        self._handles: dict[str, Any] = {}
        self._slices: dict[str, list[_Slice]] = {}
        self._samples: dict[tuple[str, int], tuple[int, Any]] = {}
        self._seen_us: dict[str, int] = {}
        self._last_ns: dict[tuple[str, int], int] = {}
        self._shortest_ns = dict.fromkeys(self._devices.values(), PERIOD_MAX_NS)

    def open(self) -> dict[str, str]:
        """Asks each GPU once; what cannot be had of which, in sentences."""
        try:
            ctypes.CDLL(self._library)  # pynvml takes the one that is there, as the two have one name
            import pynvml

            pynvml.nvmlInit()
        except Exception as error:
            return dict.fromkeys(self._devices.values(), f"NVML cannot be asked for processes: {error}")
        self._nvml = pynvml
        why = {}
        for uuid, device in self._devices.items():
            try:
                handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
                self._handles[device] = handle
                if self._is_mig(handle):
                    self._slices[device] = list(self._slices_of(handle))
                    list(self._sample(device, 0))
                else:
                    self._utilization(device)
            except pynvml.NVMLError as error:
                self._handles.pop(device, None)
                why[device] = (
                    f"NVML does not say which process uses this GPU ({error}). "
                    "Its energy is a row by device and not by program."
                )
        return why

    @property
    def devices(self) -> tuple[str, ...]:
        """The GPUs that answer, by their names in places."""
        return tuple(self._handles)

    def close(self) -> None:
        """Lets the library go."""
        if self._nvml is not None:
            for _, sample in self._samples.values():
                with suppress(self._nvml.NVMLError):
                    self._nvml.nvmlGpmSampleFree(sample)
            with suppress(self._nvml.NVMLError):
                self._nvml.nvmlShutdown()
        self._nvml = None

    def look(self, device: str, now: Moment) -> list[Use] | None:
        """What was used of a GPU since the last look; None: the driver does not answer now."""
        if self._nvml is None:
            return None
        try:
            return list(
                self._sample(device, now.t_ns) if device in self._slices else self._since(device, now)
            )
        except self._nvml.NVMLError:
            return None

    # ---- whole GPUs ---------------------------------------------------------------------------------

    def _since(self, device: str, now: Moment) -> Iterator[Use]:
        for each in sorted(self._utilization(device), key=lambda sample: int(sample.timeStamp)):
            self._seen_us[device] = max(self._seen_us.get(device, 0), int(each.timeStamp))
            at_ns = int(each.timeStamp) * NS_PER_US - now.ahead_ns
            if not now.t_ns - OLDEST_NS <= at_ns <= now.t_ns:
                at_ns = now.t_ns
            pid = int(each.pid)
            last_ns = self._last_ns.get((device, pid))
            if last_ns is not None and at_ns <= last_ns:
                continue
            from_ns = self._begun_ns(device, at_ns, last_ns)
            self._last_ns[device, pid] = at_ns
            for engine, percent in ((SM, int(each.smUtil)), (MEMORY, int(each.memUtil))):
                used_ns = min(percent, 100) * (at_ns - from_ns) // 100
                yield Use(device, engine, (pid,), from_ns, at_ns, used_ns)

    def _begun_ns(self, device: str, at_ns: int, last_ns: int | None) -> int:
        """Since when a sample speaks: since the one before, if that is no more than a period ago."""
        shortest_ns = self._shortest_ns[device]
        if last_ns is not None:
            gap_ns = at_ns - last_ns
            shortest_ns = min(shortest_ns, max(gap_ns, PERIOD_MIN_NS))
            self._shortest_ns[device] = shortest_ns
            if gap_ns <= LATE * shortest_ns:
                return last_ns
        return at_ns - (shortest_ns if shortest_ns < PERIOD_MAX_NS else PERIOD_NS)

    def _utilization(self, device: str) -> list[Any]:
        nvml: Any = self._nvml
        try:
            found: list[Any] = nvml.nvmlDeviceGetProcessUtilization(
                self._handles[device], self._seen_us.get(device, 0)
            )
        except nvml.NVMLError as error:
            if error.value in (nvml.NVML_ERROR_NOT_FOUND, nvml.NVML_SUCCESS):  # nobody did anything
                return []
            raise
        return found

    # ---- slices -------------------------------------------------------------------------------------

    def _is_mig(self, handle: object) -> bool:
        nvml: Any = self._nvml
        try:
            return bool(nvml.nvmlDeviceGetMigMode(handle)[0])
        except nvml.NVMLError:
            return False

    def _slices_of(self, handle: object) -> Iterator[_Slice]:
        nvml: Any = self._nvml
        found: dict[int, list[Any]] = {}
        parts: dict[int, int] = {}
        for index in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
            try:
                one = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)
            except nvml.NVMLError:  # there are fewer
                continue
            number = int(nvml.nvmlDeviceGetGpuInstanceId(one))
            found.setdefault(number, []).append(one)
            parts[number] = int(nvml.nvmlDeviceGetAttributes(one).gpuInstanceSliceCount)
        for number, handles in found.items():
            yield _Slice(tuple(handles), number, parts[number] / max(sum(parts.values()), 1))

    def _sample(self, device: str, now_ns: int) -> Iterator[Use]:
        nvml: Any = self._nvml
        for each in self._slices[device]:
            sample = nvml.nvmlGpmMigSampleGet(self._handles[device], each.number, nvml.nvmlGpmSampleAlloc())
            last_ns, first = self._samples.get((device, each.number), (0, None))
            self._samples[device, each.number] = now_ns, sample
            if first is None:
                continue
            busy = self._busy(first, sample)
            nvml.nvmlGpmSampleFree(first)
            running = (p for one in each.handles for p in nvml.nvmlDeviceGetComputeRunningProcesses(one))
            pids = tuple(sorted({int(process.pid) for process in running}))
            from_ns = last_ns or now_ns
            used_ns = round(busy * each.part * (now_ns - from_ns))
            yield Use(device, SM, pids, from_ns, now_ns, used_ns, each.number)

    def _busy(self, first: object, last: object) -> float:
        """Which part of a slice's cores was busy between two samples."""
        nvml: Any = self._nvml
        asked = nvml.c_nvmlGpmMetricsGet_t()
        asked.version, asked.numMetrics = nvml.NVML_GPM_METRICS_GET_VERSION, 1
        asked.sample1, asked.sample2 = first, last
        asked.metrics[0].metricId = GPM_SM_UTIL
        nvml.nvmlGpmMetricsGet(asked)
        found = asked.metrics[0]
        return min(max(float(found.value) / 100, 0.0), 1.0) if found.nvmlReturn == 0 else 0.0


def by_uuid(channels: Iterable[Channel]) -> dict[str, dict[str, str]]:
    """The GPUs of NVML's channels: of each library, UUID to name in places."""
    found: dict[str, dict[str, str]] = {}
    for channel in channels:
        if channel.access.reader == "nvml" and channel.place.device == "gpu":
            uuid, _, library = channel.access.path.partition("@")
            found.setdefault(library, {})[uuid] = channel.place.device_name
    return found
