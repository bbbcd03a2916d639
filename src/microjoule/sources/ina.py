"""Power monitors of boards that report volts and amperes: INA3221 (NVIDIA Jetson) and INA219.

Theory of the device (TI data sheets SBOS576 and SBOS448; ``Documentation/hwmon/ina3221.rst``). The chip
measures in turn the voltage of a rail and the voltage over a shunt in it, 0.1 to 8 ms each, and averages
``samples`` of both. hwmon shows ``inN_input`` in millivolts and ``currN_input`` in milliamperes; their
product is the power in microwatts, and it is read as one reading (``reader_text.c``). INA219 and its
later kin multiply by themselves (``power1_input``), and those are hwmon's. NVIDIA's driver up to JetPack
4 (``ina3221x``, an IIO device) has ``in_powerN_input`` in milliwatts. Who may read: everyone.

Which rail holds which (NVIDIA, Jetson Linux Developer Guide, "Power Monitor"; DRIVE OS, "Power
Measurement Tool"): ``VDD_IN`` and ``POM_5V_IN`` are the input of the whole module, the other rails are
inside. AGX boards have no such input: there the rails lie side by side and are added, but
``VDDQ_VDD2_1V8AO``, which is inside ``VIN_SYS_5V0``. On boards where ``VIN_SYS_5V0`` has the voltage of
the other rails it is what feeds them, and they are inside. Labels that no row knows enter no total.

Accuracy. The chip's own errors are small (shunt: 80 µV and 0.25 %; bus: 0.25 %), the shunt is 1 %. Volts
and amperes are of two moments, up to one update apart, so what a rail's voltage moves with its load is an
error of the product: rails are kept within 5 % of their voltage, of which 3.5 % is assumed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

from ..channel import (
    UNPLACED,
    Access,
    Channel,
    Encoding,
    Kind,
    Place,
    Role,
    Scale,
    SensorError,
    Timing,
    Trust,
)
from ..units import NS_PER_MS
from ..value_class import dataclass
from .host import integer_in, text_of
from .machine import Machine
from .survey import Cause, Closed, Obstacle, Survey
from .text_obstacles import obstacle

NAME = "ina"
READERS = "everyone (mode 0444)"
RATE_MAX_HZ = 100.0  # each read is a transfer on the board's I2C bus

CHIPS = {"ina3221": (1, 2, 3), "ina219": (1,), "ina220": (1,)}  # the pairs inN, currN that are a rail's
MICROWATT, MILLIWATT = Fraction(1, 1_000_000), Fraction(1, 1_000)
SHUNT_OFFSET_UV, SHUNT_STEP_UV = 80, 40
SHUNT_UOHM = 2_000  # the smallest of NVIDIA's boards, where the driver does not say
GAIN = 0.05  # 0.25 % shunt reading, 0.25 % volts, 1 % shunt, 3.5 % of volts and amperes apart
SOURCE = "INA3221 data sheet (SBOS576), a 1 % shunt, volts and amperes of two moments"
SAME_VOLTAGE = 0.05


@dataclass(frozen=True, slots=True)
class Rail:
    """What NVIDIA calls a rail.

    Attributes:
        part: The part of the board behind it.
        hw_type: OpenTelemetry's word for it.
        within: The label of the rail that contains it where the board has no input rail.
    """

    part: str
    hw_type: str
    within: str = ""


INPUTS = ("VDD_IN", "POM_5V_IN")  # of the whole module
FEED = "VIN_SYS_5V0"  # feeds the rails that have its voltage
RAILS = {
    "VDD_GPU_SOC": Rail("gpu_soc", "gpu"),
    "VDD_CPU_CV": Rail("cpu_cv", "cpu"),
    FEED: Rail("sys_5v0", "power_supply"),
    "VDDQ_VDD2_1V8AO": Rail("ddr", "memory", FEED),
    "VDD_CPU_GPU_CV": Rail("cpu_gpu_cv", "cpu"),
    "VDD_SOC": Rail("soc", "cpu"),
    "GPU": Rail("gpu", "gpu"),
    "CPU": Rail("cpu", "cpu"),
    "SOC": Rail("soc", "cpu"),
    "CV": Rail("cv", "cpu"),
    "VDDRQ": Rail("ddr", "memory"),
    "SYS5V": Rail("sys_5v", "power_supply"),
    "POM_5V_GPU": Rail("gpu", "gpu"),
    "POM_5V_CPU": Rail("cpu", "cpu"),
}
FED = Obstacle(
    Cause.MISLEADING,
    f"{FEED} has the voltage of the other rails here: it is taken for what feeds them, and its power for the "
    "whole module's",
)
MODULE = Place(device="module", role=Role.PLATFORM, owner="jetson")


@dataclass(frozen=True, slots=True)
class _Sensor:
    path: Path  # amperes, or the power
    factor: str  # the name of the file of volts; empty: path is the power
    label: str
    chip: str
    id: str
    volts: float
    shunt_uohm: int
    update_ms: int


def survey(machine: Machine) -> Survey:
    """The rails of INA power monitors under ``root``."""
    sensors = [*_of_hwmon(machine.root), *_of_iio(machine.root)]
    if not sensors:
        none = Obstacle(Cause.NO_HARDWARE, "no INA power monitor reports volts and amperes here")
        return Survey(NAME, READERS, obstacles=(none,))
    ids = {sensor.label: sensor.id for sensor in sensors}
    whole = _input(sensors)
    readable: list[Channel] = []
    closed: list[Closed] = []
    for sensor in sensors:
        channel = _channel(sensor, ids, whole)
        files = [sensor.path, *([sensor.path.with_name(sensor.factor)] if sensor.factor else [])]
        reason = next((found for path in files if (found := obstacle(path)) is not None), None)
        if reason is None:
            readable.append(channel)
        else:
            closed.append(Closed(channel, reason))
    reasons = dict.fromkeys(one.obstacle for one in closed)
    if whole == FEED:
        reasons[FED] = None
    return Survey(NAME, READERS, tuple(readable), tuple(closed), tuple(reasons))


def _of_hwmon(root: Path) -> Iterator[_Sensor]:
    numbers: dict[str, int] = {}
    for folder in sorted((root / "sys/class/hwmon").glob("hwmon*"), key=_order):
        chip = text_of(folder / "name") or ""
        if chip not in CHIPS or any(folder.glob("power[0-9]*_input")):
            continue
        number = numbers[chip] = numbers.get(chip, -1) + 1
        for n in CHIPS[chip]:
            amperes, volts = folder / f"curr{n}_input", folder / f"in{n}_input"
            is_off = integer_in(folder / f"in{n}_enable") == 0
            if is_off or not (amperes.exists() and volts.exists()):
                continue
            label = text_of(folder / f"in{n}_label") or f"rail{n}"
            yield _Sensor(
                amperes,
                volts.name,
                label,
                f"{chip}-{number}",
                f"{chip}-{number}/{_word(label)}",
                (integer_in(volts) or 0) / 1000,
                integer_in(folder / f"shunt{n}_resistor") or SHUNT_UOHM,
                integer_in(folder / "update_interval") or 0,
            )


def _of_iio(root: Path) -> Iterator[_Sensor]:
    folders = (root / "sys/bus/i2c/drivers/ina3221x").glob("*/iio*device*")
    chips = sorted({folder.parent.name: folder for folder in folders}.items())
    for number, (_, folder) in enumerate(chips):
        for power in sorted(folder.glob("in_power[0-9]*_input")):
            n = re.sub(r"\D", "", power.name)
            label = text_of(folder / f"rail_name_{n}") or f"rail{n}"
            volts = (integer_in(folder / f"in_voltage{n}_input") or 0) / 1000
            chip = f"ina3221x-{number}"
            yield _Sensor(power, "", label, chip, f"{chip}/{_word(label)}", volts, SHUNT_UOHM, 0)


def _order(folder: Path) -> tuple[str, int]:
    """By where the chip sits, which stays from boot to boot, and then by the number of ``hwmonN``."""
    device = folder / "device"
    number = re.search(r"\d+$", folder.name)
    return (device.resolve().name if device.exists() else "", int(number[0]) if number else -1)


def _word(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_") or "rail"


def _input(sensors: Iterable[_Sensor]) -> str | None:
    """The label of the rail that feeds all others; None: they lie side by side."""
    volts = {sensor.label: sensor.volts for sensor in sensors if sensor.label in (*RAILS, *INPUTS)}
    for label in INPUTS:
        if label in volts:
            return label
    others = [volts[label] for label in volts if label != FEED and not RAILS[label].within]
    feed_v = volts.get(FEED, 0.0)
    is_feed = others and all(abs(each - feed_v) <= SAME_VOLTAGE * feed_v for each in others)
    return FEED if is_feed and feed_v else None


def _channel(sensor: _Sensor, ids: dict[str, str], whole: str | None) -> Channel:
    rail = RAILS.get(sensor.label)
    parents: tuple[str, ...]
    if sensor.label == whole:
        place, parents, hw_type = MODULE, (), "enclosure"
    elif rail is not None:
        place = Place(device="rail", owner="jetson", part=rail.part, role=Role.PART)
        container = whole or rail.within
        parents = (ids[container],) if container in ids else ()
        hw_type = rail.hw_type
    else:
        place = Place(device="rail", owner=sensor.chip, part=_word(sensor.label), role=Role.PART)
        parents, hw_type = (UNPLACED,), "power_meter"
    return Channel(
        id=sensor.id,
        place=place,
        hw_type=hw_type,
        source=NAME,
        lane=NAME,
        kind=Kind.GAUGE,
        encoding=Encoding.SIGNED,
        scale=Scale(
            quantity="W",
            unit=MICROWATT if sensor.factor else MILLIWATT,
            unit_source="interface",
            quantum=_step(sensor),
        ),
        timing=_timing(sensor.update_ms * NS_PER_MS),
        trust=Trust(
            sensor=SensorError(
                gain=GAIN, offset_w=sensor.volts * SHUNT_OFFSET_UV / sensor.shunt_uohm, source=SOURCE
            ),
            parents=parents,
        ),
        access=Access(
            reader="text", path=f"{sensor.path}*{sensor.factor}" if sensor.factor else str(sensor.path)
        ),
    )


def _step(sensor: _Sensor) -> int:
    """One step of the current at the voltage of now, in counts."""
    step_w = sensor.volts * SHUNT_STEP_UV / sensor.shunt_uohm
    return max(1, round(step_w / (MICROWATT if sensor.factor else MILLIWATT)))


def _timing(update_ns: int) -> Timing:
    if not update_ns:
        return Timing(rate_max_hz=RATE_MAX_HZ)
    return Timing(update_ns=update_ns, update_max_ns=2 * update_ns, lag_ns=update_ns, rate_max_hz=RATE_MAX_HZ)
