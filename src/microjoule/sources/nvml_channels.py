"""What NVML answers of a GPU, as channels: a table of fields and calls, and which channel contains which.

The first row that answers is the whole (energy, else power) and contains the others of its scope. Scope 1
is the module that the GPU sits on, with its CPU and memory: it contains the GPU, and a total takes the one
or the other, never both. On boards of several GPUs each may show the module of all of them, and which share
one nobody says: there a module's figures enter no total.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, field, replace
from fractions import Fraction
from typing import Any

from ..channel import FLAGS, UNPLACED, Access, Channel, Kind, Place, Role, Scale, Timing, Trust
from ..value_class import dataclass
from .nvml_behaviour import STATED, Figure, behaviour, branch, observed, timing

NAME = "nvml"
SLOW = "-slow"
# A GPU's counter moves every 20 to 100 ms and a call of its driver can take one; temperatures and clocks
# move slowly.
RATE_MAX_HZ = 100.0
SLOW_TIMING = Timing(rate_max_hz=10.0)
LIMITS = "nvmlDeviceGetPowerManagementLimitConstraints"

# By number in csrc/nvml_calls.c.
ENERGY_CALL, POWER_CALL, TEMPERATURE_CALL, CLOCK_CALL, UTILIZATION_CALL, SAMPLES_CALL = range(1, 7)
REASONS_CALL = 7
CALLS = {  # the same calls through pynvml, to see which answer
    ENERGY_CALL: ("nvmlDeviceGetTotalEnergyConsumption", ()),
    POWER_CALL: ("nvmlDeviceGetPowerUsage", ()),
    TEMPERATURE_CALL: ("nvmlDeviceGetTemperature", (0,)),  # NVML_TEMPERATURE_GPU
    CLOCK_CALL: ("nvmlDeviceGetClockInfo", (1,)),  # NVML_CLOCK_SM
    UTILIZATION_CALL: ("nvmlDeviceGetUtilizationRates", ()),
    REASONS_CALL: ("nvmlDeviceGetCurrentClocksEventReasons", ()),
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
        is_module: Whether it is of the module that the GPU sits on, rather than of the GPU.
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
    is_module: bool = False


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
    # Each sample with its time, also those between two reads: before the gauges that show the latest alone.
    FieldRow("power_samples", Kind.GAUGE, "W", MILLI, ((call_config(SAMPLES_CALL), Figure.SAMPLES),)),
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
    FieldRow(
        "module_energy",
        Kind.COUNTER,
        "J",
        MILLI,
        ((field_config(191, MODULE_SCOPE), Figure.ENERGY),),
        hw_type="enclosure",
        is_module=True,
    ),
    FieldRow(
        "module_power",
        Kind.GAUGE,
        "W",
        MILLI,
        ((field_config(185, MODULE_SCOPE), None),),
        hw_type="enclosure",
        is_module=True,
    ),
)
SLOW_ROWS = (
    FieldRow("sm_clock", Kind.GAUGE, "Hz", Fraction(1_000_000), ((call_config(CLOCK_CALL), None),)),
    FieldRow("temperature", Kind.GAUGE, "°C", Fraction(1), ((call_config(TEMPERATURE_CALL), None),)),
    # Bits of why the clock is not what it could be: nvml_settings.REASONS has the ones that disturb.
    FieldRow("clock_reasons", Kind.GAUGE, FLAGS, Fraction(1), ((call_config(REASONS_CALL), None),)),
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
        settings: What its power depends on, by name (``nvml_settings``).
        clock_reasons: What held its clock down when it was found; None: it does not say.
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
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    clock_reasons: list[str] | None = field(default=None, hash=False)

    def to_json(self) -> dict[str, Any]:
        """The device as plain JSON values, without what it answers: the channel table says that."""
        plain = asdict(self)
        del plain["answers"]
        return plain


def has_module(device: Device) -> bool:
    """Whether the GPU answers for the module that it sits on."""
    return any(_way(device, row) is not None for row in ROWS if row.is_module)


def without_modules(channels: Iterable[Channel]) -> Iterator[Channel]:
    """The channels of GPUs of which several may show one module: it contains them, and enters no total."""
    channels = tuple(channels)
    modules = {channel.id for channel in channels if channel.place.is_platform}
    for channel in channels:
        parents = tuple(each for each in channel.trust.parents if each not in modules)
        parents = (UNPLACED,) if channel.place.is_platform else parents
        yield replace(channel, trust=replace(channel.trust, parents=parents))


def channels_of(device: Device, library: str) -> Iterator[Channel]:
    """The channels of a GPU that is alone on its module."""
    lane = f"gpu-{device.index}"
    chosen = [(row, way) for row in ROWS if (way := _way(device, row)) is not None]
    # By scope the first that is there (energy, else power): it stands for the GPU, or the module around it.
    wholes = {row.is_module: f"{lane}/{row.name}" for row, _ in reversed(chosen)}
    for row, (config, figure) in chosen:
        known = behaviour(figure, device.chip, branch(device.driver), device.name) if figure else None
        moves = timing(figure or Figure.AVERAGE, known)
        whole = wholes[row.is_module]
        around = wholes.get(True) if not row.is_module else None
        container = whole if whole != f"{lane}/{row.name}" else around
        limit_w = None if row.is_module else device.limit_w  # the one that NVML states is the GPU's
        trust = Trust(
            power_limit_w=limit_w,
            power_limit_source="none" if limit_w is None else LIMITS,
            accuracy=STATED.get(device.chip or "") if row.name == "power" else None,
            sensor=observed(device.chip),
            parents=() if container is None else (container,),
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
        place=Place(device="module", number=device.index, role=Role.PLATFORM)
        if row.is_module
        else Place(
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
