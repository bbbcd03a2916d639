"""NVIDIA GPUs through the driver's library, NVML (``libnvidia-ml.so.1``).

Theory of the device (``nvml.h`` of nvidia-nvml-dev; measurements in ``nvml_behaviour.py``). From Volta on
a GPU counts its energy in millijoules since its driver was loaded, in 64 bits. Power comes in milliwatts
as field values: 186 the present one, 185 the mean of the last second, scope 0 of the GPU, 1 of the whole
module (on Grace Hopper with its CPU), 2 of the memory. The native half asks for all of a GPU's fields in
one call a tick and keeps each one's own timestamp (microseconds of CLOCK_REALTIME, so steps and slews
of that clock are in it) and return code. Here ``pynvml`` only finds out who is there and what answers.

- Energy is the figure. The power gauges are inside it and name it as their parent.
- ``power_samples`` is the driver's own buffer of power samples, each with its time: what happened between
  two reads, where the driver keeps it (many do not) and what of it is not written down.
- Who may read: everyone who can open ``/dev/nvidiactl`` and ``/dev/nvidiaN``.
- Without persistence mode and without a client the driver unloads and the counter starts again; the
  native half holds NVML open for as long as it samples.
- Cost: each call goes to the driver, tens of microseconds to tens of milliseconds. So each GPU has a
  lane of its own, ``gpu-N``, and what only explains a change of power has a slow one, ``gpu-N-slow``.

Known errors.
- A field that the GPU does not have may answer 0 with success: what answers 0 is not listed.
- The header says of scope 2 in one place memory and in another GPU base: which it is nobody proved.
- With MIG (a GPU cut into slices) energy and power are still the whole GPU's.
- The instantaneous power of GA100 and GH100 looks at 25 of each 100 ms.
- CUDA numbers GPUs by speed unless CUDA_DEVICE_ORDER=PCI_BUS_ID; NVML, and so ``gpu-N``, by PCI bus.

Decision: ``pynvml`` finds its library by name only, so ours is loaded first, by path where ``root`` says
so: the loader then gives pynvml the one that is there, since they have one SONAME. What was given up:
two different libraries in one process, which is noticed and said.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from ..units import seconds
from .machine import Machine
from .nvml_behaviour import Figure, chip, timing
from .nvml_channels import (
    CALLS,
    LIMITS,
    MILLI,
    NAME,
    ROWS,
    SAMPLES_CALL,
    SLOW_ROWS,
    VALUES,
    VGPU,
    Device,
    call_config,
    channels_of,
    has_module,
    without_modules,
)
from .nvml_obstacles import (
    ANOTHER_LIBRARY,
    NO_DEVICES,
    NO_PYNVML,
    cuda_order,
    lacks,
    partitioned,
    refusal,
    several_modules,
    silent,
    unloadable,
    unseen,
)
from .nvml_settings import clock_reasons, settings
from .survey import Obstacle, Survey

READERS = "everyone who may open /dev/nvidiactl"
LIBRARY = "libnvidia-ml.so.1"
REQUIRED = ("nvmlInit_v2", "nvmlShutdown", "nvmlDeviceGetHandleByUUID", "nvmlDeviceGetFieldValues")

FIGURES = frozenset(row.name for row in ROWS)  # energies and powers, the last part of their channels' ids
_EVERY = tuple(config for row in (*ROWS, *SLOW_ROWS) for config, _ in row.ways)

__all__ = ["FIGURES", "NAME", "READERS", "answering", "devices", "survey"]


def survey(machine: Machine) -> Survey:
    """The GPUs and what of each can be read.

    Args:
        machine: Its root says where the library is, if not where the loader finds it.
    """
    return _survey(machine)[0]


def devices(machine: Machine) -> tuple[Device, ...]:
    """The GPUs behind the channels of ``survey``: identity, for the head of a trace."""
    return _survey(machine)[1]


def _survey(machine: Machine) -> tuple[Survey, tuple[Device, ...]]:
    root, visible = machine.root, machine.visible_gpus
    library = LIBRARY if root == Path("/") else str(root / LIBRARY)
    try:
        loaded = ctypes.CDLL(library)
    except OSError as error:
        return _nothing(unloadable(root, library, str(error)))
    for symbol in REQUIRED:
        if not hasattr(loaded, symbol):
            return _nothing(lacks(library, symbol))
    try:
        import pynvml  # here: most machines have no GPU, and it takes 30 ms
    except ImportError:
        return _nothing(NO_PYNVML)
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return _nothing(refusal(library, error.value))
    try:
        if pynvml.nvmlLib._handle != loaded._handle:
            return _nothing(ANOTHER_LIBRARY)
        found, obstacles = _devices(pynvml, visible)
    finally:
        pynvml.nvmlShutdown()
    channels = tuple(channel for device in found for channel in channels_of(device, library))
    if sum(map(has_module, found)) > 1:
        channels = tuple(without_modules(channels))
    facts = {"gpus": [device.to_json() for device in found]}
    return Survey(NAME, READERS, channels=channels, obstacles=obstacles, facts=facts), found


def _nothing(obstacle: Obstacle) -> tuple[Survey, tuple[Device, ...]]:
    return Survey(NAME, READERS, obstacles=(obstacle,)), ()


def _devices(nvml: ModuleType, visible: str | None) -> tuple[tuple[Device, ...], tuple[Obstacle, ...]]:
    count = nvml.nvmlDeviceGetCount()
    obstacles = [] if count else [NO_DEVICES]
    found: list[Device] = []
    for index in range(count):
        try:
            found.append(_device(nvml, index))
        except nvml.NVMLError as error:
            obstacles.append(refusal(f"gpu-{index}", error.value))
    if visible is not None:
        kept = tuple(_visible(nvml, found, visible))
        if len({device.name for device in found}) > 1 and any(_is_index(word) for word in _words(visible)):
            obstacles.append(cuda_order(visible))
        if found and not kept:
            obstacles.append(unseen(visible))
        found = sorted(set(kept), key=lambda device: device.index)
    obstacles += [partitioned(device.index, device.name) for device in found if device.is_mig]
    modules = [device.index for device in found if has_module(device)]
    obstacles += [several_modules(modules)] if len(modules) > 1 else []
    figures = {config for row in ROWS for config, _ in row.ways}
    obstacles += [
        silent(device.index, device.name, device.is_vgpu) for device in found if not device.answers & figures
    ]
    return tuple(found), tuple(obstacles)


def _device(nvml: ModuleType, index: int) -> Device:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)

    def ask(function: str, default: object = None) -> Any:  # noqa: ANN401 - pynvml has no types
        try:
            return getattr(nvml, function)(handle)
        except nvml.NVMLError:
            return default

    limits = ask(LIMITS)
    architecture = ask("nvmlDeviceGetArchitecture")
    capability = ask("nvmlDeviceGetCudaComputeCapability")
    return Device(
        index=index,
        uuid=nvml.nvmlDeviceGetUUID(handle),
        name=ask("nvmlDeviceGetName", "unknown"),
        chip=chip(architecture, tuple(capability) if capability else None),
        driver=nvml.nvmlSystemGetDriverVersion(),
        limit_w=float(limits[1] * MILLI) if limits and limits[1] else None,  # 0 where none is set
        is_mig=bool(ask("nvmlDeviceGetMigMode", (0, 0))[0]),
        is_vgpu=ask("nvmlDeviceGetVirtualizationMode") == VGPU,
        answers=frozenset(_answers(nvml, handle)),
        settings=settings(nvml, handle),
        clock_reasons=clock_reasons(nvml, handle),
    )


def _answers(nvml: ModuleType, handle: object) -> Iterator[int]:
    """The configs that give a number; of energy and power one that is not 0."""
    numbers = dict(_numbers(nvml, handle))
    if any(numbers.get(config) == 0 for config, _ in ROWS[0].ways):
        # A driver that was loaded for this very question has not counted a millijoule yet.
        time.sleep(seconds(timing(Figure.ENERGY, None).update_max_ns))
        numbers = dict(_numbers(nvml, handle))
    slow = {config for row in SLOW_ROWS for config, _ in row.ways}
    return (config for config, number in numbers.items() if number or config in slow)


def answering(nvml: ModuleType, handle: object, figures: Collection[str]) -> frozenset[str]:
    """Which of some figures a GPU answers now, with more than 0.

    Raises:
        NVMLError: It does not answer at all.
    """
    rows = [row for row in ROWS if row.name in figures]
    numbers = dict(_numbers(nvml, handle, [config for row in rows for config, _ in row.ways]))
    return frozenset(row.name for row in rows if any(numbers.get(config) for config, _ in row.ways))


def _numbers(nvml: ModuleType, handle: object, asked: Collection[int] = _EVERY) -> Iterator[tuple[int, int]]:
    """What each config answers, of those that answer."""
    configs = [config for config in asked if config < call_config(1)]
    try:
        values = nvml.nvmlDeviceGetFieldValues(handle, [(c & 0xFFFFFFFF, c >> 32) for c in configs])
    except nvml.NVMLError as error:
        if error.value != nvml.NVML_ERROR_NOT_SUPPORTED:  # a Jetson's library has none of it
            raise
        configs, values = [], []
    for config, value in zip(configs, values, strict=True):
        if value.nvmlReturn == 0 and value.valueType < len(VALUES):
            yield config, getattr(value.value, VALUES[value.valueType])
    for call, (function, arguments) in CALLS.items():
        if call_config(call) not in asked:
            continue
        with suppress(nvml.NVMLError):
            answer = getattr(nvml, function)(handle, *arguments)
            yield call_config(call), len(answer[1]) if call == SAMPLES_CALL else answer


def _words(visible: str) -> list[str]:
    return [word.strip() for word in visible.split(",")]


def _is_index(word: str) -> bool:
    return word.isdecimal()


def _visible(nvml: ModuleType, found: Iterable[Device], visible: str) -> Iterator[Device]:
    """The GPUs that a list names; as CUDA reads it, what follows a wrong entry is not seen."""
    for word in _words(visible):
        uuid = _parent(nvml, word) if word.startswith("MIG-") else word
        named = [
            device
            for device in found
            if (_is_index(word) and device.index == int(word))
            or (uuid.startswith("GPU-") and device.uuid.startswith(uuid))
        ]
        if len(named) != 1:
            return
        yield named[0]


def _parent(nvml: ModuleType, slice_uuid: str) -> str:
    """The UUID of the GPU that a MIG slice is cut from; empty where there is no such slice."""
    if slice_uuid.startswith("MIG-GPU-"):  # until driver 470: MIG-GPU-uuid/instance/compute
        return slice_uuid.removeprefix("MIG-").partition("/")[0]
    try:
        handle = nvml.nvmlDeviceGetHandleByUUID(slice_uuid.encode())
        whole = nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle)
        return str(nvml.nvmlDeviceGetUUID(whole))
    except nvml.NVMLError:
        return ""
