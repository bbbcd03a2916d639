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

Known lies.
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
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

from ..channel import Access, Channel, Kind, Place, Role, Scale, Timing, Trust
from ..units import seconds
from ..value_class import dataclass
from .machine import Machine
from .nvml_behaviour import STATED, Figure, behaviour, branch, chip, observed, timing
from .nvml_obstacles import (
    ANOTHER_LIBRARY,
    NO_DEVICES,
    NO_PYNVML,
    cuda_order,
    lacks,
    partitioned,
    refusal,
    silent,
    unloadable,
    unseen,
)
from .survey import Obstacle, Survey

NAME = "nvml"
READERS = "everyone who may open /dev/nvidiactl"
LIBRARY = "libnvidia-ml.so.1"
REQUIRED = ("nvmlInit_v2", "nvmlShutdown", "nvmlDeviceGetHandleByUUID", "nvmlDeviceGetFieldValues")
SLOW = "-slow"
# A GPU's counter moves every 20 to 100 ms and a call of its driver can take one; temperatures and clocks
# move slowly.
RATE_MAX_HZ = 100.0
SLOW_TIMING = Timing(rate_max_hz=10.0)
LIMITS = "nvmlDeviceGetPowerManagementLimitConstraints"

# By number in csrc/nvml_calls.c.
ENERGY_CALL, POWER_CALL, TEMPERATURE_CALL, CLOCK_CALL, UTILIZATION_CALL, SAMPLES_CALL = range(1, 7)
CALLS = {  # the same calls through pynvml, to see which answer
    ENERGY_CALL: ("nvmlDeviceGetTotalEnergyConsumption", ()),
    POWER_CALL: ("nvmlDeviceGetPowerUsage", ()),
    TEMPERATURE_CALL: ("nvmlDeviceGetTemperature", (0,)),  # NVML_TEMPERATURE_GPU
    CLOCK_CALL: ("nvmlDeviceGetClockInfo", (1,)),  # NVML_CLOCK_SM
    UTILIZATION_CALL: ("nvmlDeviceGetUtilizationRates", ()),
    SAMPLES_CALL: ("nvmlDeviceGetSamples", (0, 0)),  # NVML_TOTAL_POWER_SAMPLES, all that there are
}
VALUES = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")  # by nvmlValueType_t

MODULE_SCOPE, MEMORY_SCOPE = 1, 2
VGPU = 2  # NVML_GPU_VIRTUALIZATION_MODE_VGPU


def field_config(field: int, scope: int = 0) -> int:
    """``Access.config`` of a field value."""
    return field | scope << 32


def call_config(call: int) -> int:
    """``Access.config`` of a quantity with a call of its own."""
    return call << 48


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One channel that a GPU may have.

    Attributes:
        ways: ``(config, figure)`` in order of preference: the first that answers is read. The figure
            is its name in ``nvml_behaviour``, None where nothing is known of how it moves.
        part: The part of the GPU, or of what it sits on; empty: the GPU.
        hw_type: OpenTelemetry's word for it.
    """

    name: str
    kind: Kind
    quantity: str
    unit: Fraction
    ways: tuple[tuple[int, Figure | None], ...]
    part: str = ""
    hw_type: str = "gpu"


MILLI = Fraction(1, 1000)
ROWS = (
    FieldRow(
        "energy",
        Kind.COUNTER,
        "J",
        MILLI,
        (
            (field_config(83), Figure.ENERGY),
            (field_config(191), Figure.ENERGY),
            (call_config(ENERGY_CALL), Figure.ENERGY),
        ),
    ),
    FieldRow(
        "power",
        Kind.GAUGE,
        "W",
        MILLI,
        ((field_config(186), Figure.INSTANT), (call_config(POWER_CALL), Figure.DRAW)),
    ),
    FieldRow("power_average", Kind.GAUGE, "W", MILLI, ((field_config(185), Figure.AVERAGE),)),
    FieldRow(
        "memory_power", Kind.GAUGE, "W", MILLI, ((field_config(185, MEMORY_SCOPE), None),), "memory", "memory"
    ),
    FieldRow("module_power", Kind.GAUGE, "W", MILLI, ((field_config(185, MODULE_SCOPE), None),), "module"),
    FieldRow("power_samples", Kind.GAUGE, "W", MILLI, ((call_config(SAMPLES_CALL), None),)),
)
SLOW_ROWS = (
    FieldRow("sm_clock", Kind.GAUGE, "Hz", Fraction(1_000_000), ((call_config(CLOCK_CALL), None),)),
    FieldRow("temperature", Kind.GAUGE, "°C", Fraction(1), ((call_config(TEMPERATURE_CALL), None),)),
    FieldRow("utilization", Kind.GAUGE, "1", Fraction(1, 100), ((call_config(UTILIZATION_CALL), None),)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One GPU, as discovery found it.

    Attributes:
        index: NVML's, by PCI bus: the N of ``gpu-N``, whatever CUDA makes visible.
        chip: Its name in ``nvml_behaviour``; None: an architecture that the table does not know.
        driver: The driver's version.
        limit_w: The largest power limit that can be set.
        is_mig: Whether it is cut into slices.
        is_vgpu: Whether it is a hypervisor's share of a GPU.
        answers: The configs that it answers.
    """

    index: int
    uuid: str
    name: str
    chip: str | None
    driver: str | None
    limit_w: float | None
    is_mig: bool
    is_vgpu: bool
    answers: frozenset[int]

    def to_json(self) -> dict[str, Any]:
        """The device as plain JSON values, without what it answers: the channel table says that."""
        plain = asdict(self)
        del plain["answers"]
        return plain


def survey(machine: Machine) -> Survey:
    """The GPUs and what of each can be read.

    Args:
        machine: Its root says where the library lies, if not where the loader finds it.
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
    channels = tuple(channel for device in found for channel in _channels(device, library))
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


def _numbers(nvml: ModuleType, handle: object) -> Iterator[tuple[int, int]]:
    """What each config answers, of those that answer."""
    configs = [config for row in ROWS for config, _ in row.ways if config < call_config(1)]
    values = nvml.nvmlDeviceGetFieldValues(handle, [(c & 0xFFFFFFFF, c >> 32) for c in configs])
    for config, value in zip(configs, values, strict=True):
        if value.nvmlReturn == 0 and value.valueType < len(VALUES):
            yield config, getattr(value.value, VALUES[value.valueType])
    for call, (function, arguments) in CALLS.items():
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


def _channels(device: Device, library: str) -> Iterator[Channel]:
    lane = f"gpu-{device.index}"
    chosen = [(row, way) for row in ROWS if (way := _way(device, row)) is not None]
    for row, (config, figure) in chosen:
        known = behaviour(figure, device.chip, branch(device.driver), device.name) if figure else None
        moves = timing(figure or Figure.AVERAGE, known)
        trust = Trust(
            power_limit_w=device.limit_w,
            power_limit_source="none"
            if device.limit_w is None
            else "nvmlDeviceGetPowerManagementLimitConstraints",
            accuracy=STATED.get(device.chip or "") if row.name == "power" else None,
            sensor=observed(device.chip),
            # The first that is there (energy, else power) contains the others, and stands for the GPU.
            parents=() if row is chosen[0][0] else (f"{lane}/{chosen[0][0].name}",),
        )
        if config >= call_config(1) and config != call_config(SAMPLES_CALL):
            moves = replace(moves, sensor_clock=None)
        moves = replace(moves, rate_max_hz=RATE_MAX_HZ)
        yield _channel(device, library, row, config, lane, moves, trust)
    for row in SLOW_ROWS:
        way = _way(device, row)
        if way is not None:
            yield _channel(device, library, row, way[0], lane + SLOW, SLOW_TIMING, Trust())


def _way(device: Device, row: FieldRow) -> tuple[int, Figure | None] | None:
    return next((way for way in row.ways if way[0] in device.answers), None)


def _channel(
    device: Device, library: str, row: FieldRow, config: int, lane: str, moves: Timing, trust: Trust
) -> Channel:
    return Channel(
        id=f"gpu-{device.index}/{row.name}",
        place=Place(
            device="gpu", number=device.index, part=row.part, role=Role.PART if row.part else Role.WHOLE
        ),
        hw_type=row.hw_type,
        source=NAME,
        lane=lane,
        kind=row.kind,
        scale=Scale(quantity=row.quantity, unit=row.unit, unit_source="interface"),
        timing=moves,
        trust=trust,
        access=Access(reader="nvml", path=f"{device.uuid}@{library}", config=config),
    )
