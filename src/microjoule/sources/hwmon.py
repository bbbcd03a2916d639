"""Power and energy through hwmon: text files under ``/sys/class/hwmon/hwmonN``.

Theory of the device (``Documentation/hwmon/sysfs-interface.rst``). ``energyN_input`` is a counter in
microjoules, ``powerN_average`` a mean and ``powerN_input`` a present value in microwatts, ``_label`` says
of what, ``powerN_average_interval`` is the mean's window in milliseconds, ``powerN_cap_max``,
``powerN_max`` and ``powerN_cap`` are limits. The file ``name`` says which driver it is; the number N of
``hwmonN`` is the order of the drivers' start and says nothing. Who may read: everyone, but for drivers
that close a counter against PLATYPUS. Each read goes through the driver to the chip, 10 us to
milliseconds. The drivers known here, and their errors:

- ``amdgpu`` (``amdgpu_pm.c``): ``power1_average`` of the socket, and on some parts ``power1_input`` in
  its place; no energy. Firmware refreshes it about once a millisecond to once in 100 ms. Where
  ``amdsmi`` reports the card's energy, this power is inside it. "On APUs this includes the CPU", which
  RAPL's package counts as well: there it is ``UNPLACED``. Only an APU has the rail ``vddnb``.
- ``xe`` (``xe_hwmon.c``), ``i915`` (``i915_hwmon.c``): ``energy1_input``; on xe ``card`` contains ``pkg``.
  The driver makes 64 bits of a 32-bit register and loses a wrap that nobody reads over.
- ``power_meter`` (``acpi_power_meter.c``) is ACPI's: a mean over a window, and ``power1_oem_info`` says
  what is measured. NVIDIA Grace has several: module contains grace contains cpu and sysio; there is
  no energy, and the DRAM is only found by difference. Elsewhere it is the whole machine.
- ``amd_energy`` (``amd_energy.c``, out of the kernel since 5.13) and ``zenergy``, its successor outside the
  kernel: RAPL's registers a second time, so the sockets are ``package-N@hwmon``; the cores lie inside and
  are left out.
- ``apm_xgene`` (``xgene-hwmon.c``): Ampere Altra and X-Gene. ``CPU power`` and ``IO power`` lie side by side
  and make up the chip; where there is a ``SoC power`` it contains both.
- ``fam15h_power`` (``fam15h_power.c``): the processor's own estimate of itself, AMD before Zen.

Other drivers are rails of boards and supplies, of which nothing is known of what contains what. Their
powers are listed under the driver's name, ``UNPLACED``, so that they enter no total; their counters are
left out, and said, until somebody adds a row to ``METERS``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
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
from ..units import NS_PER_MS, UJ_PER_J, UW_PER_W
from ..value_class import dataclass
from . import text_obstacles
from .domains import sensor_error
from .host import AMD, Host, integer_in, text_of
from .machine import Machine
from .survey import Cause, Closed, Obstacle, Survey, closed_by

NAME = "hwmon"
READERS = "everyone (mode 0444)"

ENERGY = re.compile(r"energy(\d+)_input")
POWER = re.compile(r"power(\d+)_(average|input)")
# No driver says how often its energy register moves: wide bounds, as those of the slowest meters here.
RATE_MAX_HZ = 100.0  # most update about ten times a second
UNKNOWN_COUNTER = Timing(update_max_ns=200 * NS_PER_MS, lag_ns=100 * NS_PER_MS, rate_max_hz=RATE_MAX_HZ)
LIMITS = ("cap_max", "max", "cap")


AMDGPU = "amdgpu"
AMDGPU_SLOWEST_NS = 100 * NS_PER_MS  # what its firmware takes to refresh a power at most
AMD_ENERGY = ("amd_energy", "zenergy")


@dataclass(frozen=True, slots=True)
class HwmonSensor:
    """What one driver's label is.

    Attributes:
        driver: The file ``name``.
        label: A pattern of the whole label; an empty label is the file's stem, ``power1``. Its group, if it
            has one, is the number of the place; otherwise the device's among its driver's is.
        id: The channel's id with that number as ``{n}``. Empty: left out.
        place: Its place, without the number.
        hw_type: OpenTelemetry's word for it.
        parent: The id of what contains it, as ``id``.
        twin_of: The id of which it is a second reading, as ``id``.
    """

    driver: str
    label: str
    id: str
    place: Place
    hw_type: str
    parent: str = ""
    twin_of: str = ""


_MODULE = Place(device="module", role=Role.PLATFORM)
_MACHINE = Place(device="machine", role=Role.PLATFORM)
_GRACE = Place(device="package", owner="grace")
_GRACE_CPU = replace(_GRACE, part="cpu", role=Role.PART)
_SYSIO = replace(_GRACE, part="sysio", role=Role.PART)
_PACKAGE = Place(device="package")
_ALTRA = Place(device="package", owner="altra")
_ALTRA_CPU = replace(_ALTRA, part="core", role=Role.PART)
_ALTRA_IO = replace(_ALTRA, part="io", role=Role.PART)
_FAM15H = Place(device="package", owner="fam15h")
_AMDGPU, _XE, _I915 = (Place(device="gpu", owner=driver) for driver in (AMDGPU, "xe", "i915"))
_XE_PACKAGE = replace(_XE, part="package", role=Role.PART)
_GRACE_ID, _MODULE_ID, _ALTRA_ID = "grace-{n}/power", "module-{n}/power", "altra-{n}/power"
METERS = (
    HwmonSensor("power_meter", r"Module Power Socket (\d+)", _MODULE_ID, _MODULE, "enclosure"),
    HwmonSensor("power_meter", r"Grace Power Socket (\d+)", _GRACE_ID, _GRACE, "cpu", _MODULE_ID),
    HwmonSensor(
        "power_meter", r"CPU Power Socket (\d+)", "grace-{n}/cpu_power", _GRACE_CPU, "cpu", _GRACE_ID
    ),
    HwmonSensor(
        "power_meter", r"SysIO Power Socket (\d+)", "grace-{n}/sysio_power", _SYSIO, "cpu", _GRACE_ID
    ),
    HwmonSensor("power_meter", r".*", "machine-{n}/power", _MACHINE, "enclosure"),
    HwmonSensor("amdgpu", r".*PPT|power1", "amdgpu-{n}/power", _AMDGPU, "gpu", "amdgpu-{n}/energy"),
    HwmonSensor("xe", r"card|energy1", "xe-{n}/energy", _XE, "gpu"),
    HwmonSensor("xe", r"pkg", "xe-{n}/package", _XE_PACKAGE, "gpu", "xe-{n}/energy"),
    HwmonSensor("i915", r"energy1", "i915-{n}/energy", _I915, "gpu"),
    *(
        sensor
        for driver in AMD_ENERGY
        for sensor in (
            HwmonSensor(driver, r"Esocket(\d+)", "package-{n}@hwmon", _PACKAGE, "cpu", twin_of="package-{n}"),
            HwmonSensor(driver, r"Ecore\d+", "", _PACKAGE, "cpu"),
        )
    ),
    HwmonSensor("apm_xgene", r"SoC power", _ALTRA_ID, _ALTRA, "cpu"),
    HwmonSensor("apm_xgene", r"CPU(?:'s)? power", "altra-{n}/cpu_power", _ALTRA_CPU, "cpu", _ALTRA_ID),
    HwmonSensor("apm_xgene", r"IO(?:'s)? power", "altra-{n}/io_power", _ALTRA_IO, "cpu", _ALTRA_ID),
    HwmonSensor("fam15h_power", r"power1", "fam15h-{n}/power", _FAM15H, "cpu"),
)
# Parents that another source lists; they contain the sensor where they are recorded too.
ELSEWHERE = (AMDGPU,)
LEFT_OUT = frozenset(meter.driver for meter in METERS if not meter.id)
ASSUMED = SensorError(gain=0.10, source="assumed: the driver states no accuracy")
AMD_MODEL = sensor_error(Host(cpu_vendor=AMD[0]), "")  # a register of AMD's is a model, whoever shows it
APU_RAIL = "vddnb"  # amdgpu_pm.c: hwmon_attributes_visible, "only APUs have vddnb"


@dataclass(frozen=True, slots=True)
class Sensor:
    """One file that holds a figure, and the words beside it."""

    path: Path
    driver: str
    device: int
    label: str

    @property
    def stem(self) -> str:
        """``power1`` or ``energy1``."""
        return self.path.name.partition("_")[0]

    @property
    def is_energy(self) -> bool:
        """Whether it counts microjoules; otherwise it says microwatts."""
        return self.stem.startswith("energy")

    @property
    def is_apu(self) -> bool:
        """Whether the chip is CPU and GPU in one, so that the sensor sees both."""
        rail = text_of(self.path.with_name("in1_label"))
        return self.driver == AMDGPU and rail == APU_RAIL

    def beside(self, suffix: str) -> Path:
        """A file of the same sensor."""
        return self.path.with_name(f"{self.stem}_{suffix}")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a sensor is: id, place and what contains it, ready for a channel."""

    id: str
    place: Place
    hw_type: str
    parent: str = ""
    twin_of: str = ""


def survey(machine: Machine) -> Survey:
    """The energy and power sensors of hwmon under ``root``."""
    root = machine.root
    named: dict[str, tuple[Sensor, Identity]] = {}
    notes: dict[Obstacle, None] = {}
    for sensor in _sensors(root / "sys/class/hwmon"):
        identity = _identity(sensor)
        if identity is not None:
            distinct = identity if identity.id not in named else _set_apart(identity, sensor)
            named[distinct.id] = (sensor, distinct)
        elif sensor.driver not in LEFT_OUT:
            notes[_unknown(sensor)] = None
    readable: list[Channel] = []
    closed: list[Closed] = []
    for sensor, identity in named.values():
        parent = identity.parent
        is_known = parent in named or parent == UNPLACED or sensor.driver in ELSEWHERE
        channel = _channel(sensor, identity, (parent,) if is_known else ())
        obstacle = text_obstacles.obstacle(sensor.path)
        if obstacle is None:
            readable.append(channel)
        else:
            closed += closed_by(obstacle, (channel,))
            notes[obstacle] = None
    if not named and not notes:
        notes[Obstacle(Cause.NO_HARDWARE, "no hwmon driver here has an energy or a power sensor")] = None
    return Survey(NAME, READERS, tuple(readable), tuple(closed), tuple(notes))


def addresses(root: Path, driver: str) -> tuple[str, ...]:
    """The bus addresses of a driver's devices that have a sensor, in the order of their numbers here."""
    sensors = (sensor for sensor in _sensors(root / "sys/class/hwmon") if sensor.driver == driver)
    return tuple({sensor.device: _home(sensor.path) for sensor in sensors}.values())


def _home(path: Path) -> str:
    """The device behind a sensor's file, as its bus calls it."""
    return (path.parent / "device").resolve().name


def _sensors(folder: Path) -> Iterator[Sensor]:
    devices: dict[str, int] = {}
    for hwmon in sorted(folder.glob("hwmon*"), key=_place):
        driver = text_of(hwmon / "name") or "unknown"
        number = devices.get(driver, 0)
        found = tuple(_files(hwmon))
        devices[driver] = number + bool(found)
        for path in found:
            stem = path.name.partition("_")[0]
            label = text_of(path.with_name(f"{stem}_label")) or text_of(path.with_name(f"{stem}_oem_info"))
            yield Sensor(path, driver, number, label or stem)


def _files(hwmon: Path) -> Iterator[Path]:
    """The figures of one device; of a power that has both, the mean, which leaves no gap."""
    # Until Linux 6.14 ACPI's meter kept its files in the device's folder instead of hwmon's.
    for folder in (hwmon, hwmon / "device"):
        names = sorted(path.name for path in folder.glob("*[0-9]_*"))
        found = [folder / name for name in names if ENERGY.fullmatch(name)]
        powers: dict[str, Path] = {}
        for name in names:
            if match := POWER.fullmatch(name):
                powers.setdefault(match[1], folder / name)  # "average" sorts before "input"
        found += powers.values()
        if found:
            yield from found
            return


def _place(hwmon: Path) -> tuple[str, int]:
    """Where the device sits, which stays from boot to boot, as the number of ``hwmonN`` does not."""
    number = re.search(r"\d+$", hwmon.name)
    device = hwmon / "device"
    return (device.resolve().name if device.exists() else "", int(number[0]) if number else -1)


def _channel(sensor: Sensor, identity: Identity, parents: tuple[str, ...]) -> Channel:
    limit_w, limit_source = _limit(sensor)
    return Channel(
        id=identity.id,
        place=identity.place,
        hw_type=identity.hw_type,
        twin_of=identity.twin_of,
        source=NAME,
        lane=NAME,
        kind=Kind.COUNTER if sensor.is_energy else Kind.GAUGE,
        # Drivers give power as a signed long; a supply that feeds back is negative.
        encoding=Encoding.COUNT if sensor.is_energy else Encoding.SIGNED,
        scale=Scale(
            quantity="J" if sensor.is_energy else "W",
            unit=Fraction(1, UJ_PER_J if sensor.is_energy else UW_PER_W),
            unit_source="interface",
        ),
        timing=_timing(sensor),
        trust=Trust(
            power_limit_w=limit_w,
            power_limit_source=limit_source,
            accuracy=_accuracy(sensor),
            sensor=_error(sensor),
            parents=parents,
        ),
        access=Access(reader="text", path=str(sensor.path)),
    )


def _identity(sensor: Sensor) -> Identity | None:
    """What a sensor is; None where it is left out."""
    for meter in METERS:
        match = re.fullmatch(meter.label, sensor.label)
        if meter.driver == sensor.driver and match:
            n = int(match[1]) if match.groups() else sensor.device
            name, parent, twin_of = (text.format(n=n) for text in (meter.id, meter.parent, meter.twin_of))
            parent = UNPLACED if sensor.is_apu else parent
            place = replace(meter.place, number=n)
            return Identity(name, place, meter.hw_type, parent, twin_of) if name else None
    if sensor.is_energy:
        return None
    part = re.sub(r"[^a-z0-9]+", "_", sensor.label.lower()).strip("_") or sensor.stem
    place = Place(device="rail", number=sensor.device, part=part, role=Role.PART, owner=sensor.driver)
    return Identity(f"{place.device_name}/{part}", place, "power_meter", UNPLACED)


def _set_apart(identity: Identity, sensor: Sensor) -> Identity:
    """Of a sensor whose label another has already: it is read, and what contains it nobody knows."""
    apart = f"{sensor.device}_{sensor.stem}"
    part = f"{identity.place.part}_{apart}".strip("_")
    return replace(
        identity, id=f"{identity.id}_{apart}", place=replace(identity.place, part=part), parent=UNPLACED
    )


def _unknown(sensor: Sensor) -> Obstacle:
    what = f"{sensor.path} ({sensor.driver}, {sensor.label}) counts the energy of something unknown here"
    return Obstacle(Cause.EXCLUDED, f"{what}; it is left out, so that no joule is counted twice")


def _timing(sensor: Sensor) -> Timing:
    interval_ms = None if sensor.is_energy else integer_in(sensor.beside("average_interval"))
    update_ms = integer_in(sensor.path.with_name("update_interval")) or interval_ms
    if not update_ms:
        slowest_ns = 0 if sensor.driver != AMDGPU else AMDGPU_SLOWEST_NS
        return (
            UNKNOWN_COUNTER if sensor.is_energy else Timing(update_max_ns=slowest_ns, rate_max_hz=RATE_MAX_HZ)
        )
    return Timing(
        update_ns=update_ms * NS_PER_MS,
        update_max_ns=2 * update_ms * NS_PER_MS,
        lag_ns=update_ms * NS_PER_MS,
        window_ns=interval_ms * NS_PER_MS if interval_ms else None,
        rate_max_hz=RATE_MAX_HZ,
    )


def _accuracy(sensor: Sensor) -> float | None:
    """What ``power1_accuracy`` states, as a fraction: "90.0%" is ± 10 %."""
    text = (text_of(sensor.beside("accuracy")) or "").removesuffix("%").strip()
    try:
        percent = float(text)
    except ValueError:
        return None
    return (100.0 - percent) / 100.0 if 0 < percent <= 100 else None


def _error(sensor: Sensor) -> SensorError | None:
    """What the driver states, or what must be assumed of a sensor of which nobody states anything."""
    stated = _accuracy(sensor)
    if stated is not None:
        return SensorError(gain=stated, source=str(sensor.beside("accuracy")))
    return AMD_MODEL if sensor.driver in AMD_ENERGY else ASSUMED


def _limit(sensor: Sensor) -> tuple[float | None, str]:
    power = sensor.path.with_name(sensor.path.name.replace("energy", "power"))
    for suffix in LIMITS:
        path = power.with_name(f"{power.name.partition('_')[0]}_{suffix}")
        limit_uw = integer_in(path)
        if limit_uw and limit_uw > 0:
            return limit_uw / UW_PER_W, path.name
    return None, "none"
