"""AMD GPUs through the vendor's library: ``libamd_smi.so``, or the older ``librocm_smi64.so``.

Theory of the device (``csrc/reader_amdsmi.c``; ``amdsmi_get_energy_count`` and ``rsmi_dev_energy_count_get``
of AMD's headers; ``kgd_pp_interface.h`` of the kernel). The firmware of an Instinct GPU accumulates its
socket's energy in 64 bits; the driver fetches it at most once a millisecond and notes CLOCK_BOOTTIME. A
count is 2^-16 J: the kernel's header says "15.259uJ (2^-16) units". The libraries call the same count
15.3 µJ, which is 0.27 % more, so where they say about that, ours is the kernel's. Who may read: everyone
in the groups ``video`` and ``render``. Cost: a read of sysfs, at times a wait for the firmware, so each
GPU has a lane of its own.

- Energy is the figure. The power of the same card, through hwmon or the library, is inside it and names it as
  its parent, so that no card is counted twice. hwmon's is taken where both are there: ``libamd_smi`` has
  whole watts.
- The N of ``amdgpu-N`` is hwmon's, by PCI address; cards that hwmon does not show come after.

Known errors.
- On MI100 and MI210 the counter stood still until a driver was fixed (ROCm/rocm_smi_lib#180): what does
  not advance is not listed.
- Virtual machines and Radeon cards have no counter, and say that it is not supported.
- A card in several partitions is several processors with one counter: the first of a card is taken.

Decision: ctypes here and not AMD's Python package, which is a build of one ROCm release and prints when
it finds no library. What was given up: names of the cards, which the PCI address stands for.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from ..channel import Access, Channel, Kind, Place, Scale, Timing, Trust
from ..channel.failed_read import AMDSMI, ROCM_SMI, meaning
from ..units import NS_PER_MS, UJ_PER_J, UW_PER_W
from ..value_class import dataclass
from . import hwmon
from .host import integer_in
from .machine import Machine
from .survey import Cause, Obstacle, Survey

NAME = "amdsmi"
READERS = "the groups video and render"
LIBRARIES = ("libamd_smi.so", "librocm_smi64.so", "librocm_smi64.so.1")
FOLDERS = ("", "/opt/rocm/lib/")  # where the loader looks, and where ROCm is installed

ENERGY_CALL, POWER_CALL = 1, 2  # csrc/reader_amdsmi.c
WORDS, VERSION_64, NO_WATTS = 256, 25, 0xFFFF  # csrc/amd_abi.h
INIT_GPUS = 2  # AMDSMI_INIT_AMD_GPUS

KERNELS_UNIT = Fraction(1, 1 << 16)
ALIKE = Fraction(1, 100)  # 15.3 µJ is the kernel's unit, rounded
# The driver's cache is a millisecond; what the firmware does nobody has said.
RATE_MAX_HZ = 100.0  # a call can take milliseconds
TIMING = Timing(
    update_max_ns=200 * NS_PER_MS, lag_ns=100 * NS_PER_MS, sensor_clock="boottime", rate_max_hz=RATE_MAX_HZ
)
ADVANCE_S = 0.2  # in which a counter that works has moved, even of a card at rest

NO_PERMISSION = {"libamd_smi": 10, "librocm_smi64": 4}


@dataclass(frozen=True, slots=True)
class Gpu:
    """One card: its PCI address, and what the library answers for it.

    Attributes:
        unit_uj: What the library says a count is worth; None: it has no energy counter.
        is_moving: Whether the counter advanced while it was watched.
        power_unit: What the library counts its power in, in watts; None: it has none.
    """

    pci: str
    unit_uj: float | None
    is_moving: bool
    power_unit: Fraction | None


def survey(machine: Machine) -> Survey:
    """The AMD GPUs that the library under ``root`` (or where the loader finds it) lists."""
    root = machine.root
    addresses = hwmon.addresses(root, hwmon.AMDGPU)
    library, loaded = _load(root)
    if loaded is None:
        return Survey(NAME, READERS, obstacles=(_without(addresses),))
    dialect = _AmdSmi(loaded) if hasattr(loaded, "amdsmi_init") else _RocmSmi(loaded)
    missing = [name for name in dialect.required if not hasattr(loaded, name)]
    if missing:
        return _nothing(Obstacle(Cause.FAILING, f"{library} has no {missing[0]}", "Update ROCm"))
    code = dialect.start()
    if code:
        return _nothing(_refusal(library, code))
    try:
        gpus = tuple(_gpus(dialect))
    finally:
        dialect.stop()
    numbers = _numbers(addresses, gpus)
    gpus = tuple(sorted(gpus, key=lambda gpu: numbers[gpu.pci]))
    channels = [channel for gpu in gpus for channel in _channels(gpu, numbers[gpu.pci], library, root)]
    obstacles = [obstacle for gpu in gpus if (obstacle := _silent(gpu, numbers[gpu.pci])) is not None]
    if not gpus:
        obstacles.append(Obstacle(Cause.NO_HARDWARE, f"{library} sees no AMD GPU"))
    return Survey(NAME, READERS, channels=tuple(channels), obstacles=tuple(obstacles))


# ---- the two libraries ----------------------------------------------------------------------------


class _AmdSmi:
    """``libamd_smi``: handles of sockets, and of the processors on each."""

    required = (
        "amdsmi_shut_down",
        "amdsmi_get_socket_handles",
        "amdsmi_get_processor_handles",
        "amdsmi_get_gpu_device_bdf",
        "amdsmi_get_energy_count",
    )

    def __init__(self, loaded: ctypes.CDLL) -> None:
        self._lib = loaded

    def start(self) -> int:
        return int(self._lib.amdsmi_init(ctypes.c_uint64(INIT_GPUS)))

    def stop(self) -> None:
        self._lib.amdsmi_shut_down()

    def devices(self) -> Iterator[tuple[str, object]]:
        for socket in _handles(self._lib.amdsmi_get_socket_handles):
            for processor in _handles(self._lib.amdsmi_get_processor_handles, socket):
                at = ctypes.c_uint64()
                if self._lib.amdsmi_get_gpu_device_bdf(processor, ctypes.byref(at)) == 0:
                    yield _address(at.value >> 16, at.value), processor

    def energy(self, device: object) -> tuple[int, int, float]:
        return _energy(self._lib.amdsmi_get_energy_count, device)

    def power_unit(self, device: object) -> Fraction | None:
        if not all(hasattr(self._lib, name) for name in ("amdsmi_get_lib_version", "amdsmi_get_power_info")):
            return None
        version, words = (ctypes.c_uint32 * WORDS)(), (ctypes.c_uint32 * WORDS)()
        if self._lib.amdsmi_get_lib_version(version) or self._lib.amdsmi_get_power_info(device, words):
            return None
        at = 2 if version[0] >= VERSION_64 else 0  # csrc/amd_abi.h says why
        return Fraction(1) if any(0 < watts < NO_WATTS for watts in words[at : at + 2]) else None


class _RocmSmi:
    """``librocm_smi64``: indices."""

    required = (
        "rsmi_init",
        "rsmi_shut_down",
        "rsmi_num_monitor_devices",
        "rsmi_dev_pci_id_get",
        "rsmi_dev_energy_count_get",
        "rsmi_dev_power_ave_get",
    )

    def __init__(self, loaded: ctypes.CDLL) -> None:
        self._lib = loaded

    def start(self) -> int:
        return int(self._lib.rsmi_init(ctypes.c_uint64(0)))

    def stop(self) -> None:
        self._lib.rsmi_shut_down()

    def devices(self) -> Iterator[tuple[str, object]]:
        n, at = ctypes.c_uint32(), ctypes.c_uint64()
        if self._lib.rsmi_num_monitor_devices(ctypes.byref(n)) != 0:
            return
        for number in range(n.value):
            if self._lib.rsmi_dev_pci_id_get(ctypes.c_uint32(number), ctypes.byref(at)) == 0:
                yield _address(at.value >> 32, at.value), ctypes.c_uint32(number)

    def energy(self, device: object) -> tuple[int, int, float]:
        return _energy(self._lib.rsmi_dev_energy_count_get, device)

    def power_unit(self, device: object) -> Fraction | None:
        power_uw = ctypes.c_uint64()
        code = self._lib.rsmi_dev_power_ave_get(device, ctypes.c_uint32(0), ctypes.byref(power_uw))
        return Fraction(1, UW_PER_W) if code == 0 and power_uw.value else None


def _handles(function: ctypes._NamedFuncPointer, *of: object) -> list[ctypes.c_void_p]:
    n = ctypes.c_uint32()
    if function(*of, ctypes.byref(n), None) != 0 or not n.value:
        return []
    handles = (ctypes.c_void_p * n.value)()
    if function(*of, ctypes.byref(n), handles) != 0:
        return []
    return [ctypes.c_void_p(each) for each in handles[: n.value]]


def _energy(function: ctypes._NamedFuncPointer, device: object) -> tuple[int, int, float]:
    """The library's code, the count, and what it says that a count is worth in µJ."""
    count, unit_uj, t_ns = ctypes.c_uint64(), ctypes.c_float(), ctypes.c_uint64()
    code = function(device, ctypes.byref(count), ctypes.byref(unit_uj), ctypes.byref(t_ns))
    return int(code), count.value, unit_uj.value


def _address(domain: int, rest: int) -> str:
    """As in /sys/bus/pci/devices."""
    bus, device, function = rest >> 8 & 0xFF, rest >> 3 & 0x1F, rest & 0x7
    return f"{domain & 0xFFFFFFFF:04x}:{bus:02x}:{device:02x}.{function}"


# ---- what they answer -----------------------------------------------------------------------------


def _load(root: Path) -> tuple[str, ctypes.CDLL | None]:
    folders = FOLDERS if root == Path("/") else (f"{root}/",)
    for name in LIBRARIES:
        for folder in folders:
            try:
                return folder + name, ctypes.CDLL(folder + name)
            except OSError:
                continue
    return "", None


def _gpus(dialect: _AmdSmi | _RocmSmi) -> Iterator[Gpu]:
    """The cards, each once, in the order of their addresses."""
    cards: dict[str, tuple[str, object]] = {}
    for pci, device in sorted(dialect.devices(), key=lambda found: found[0]):
        cards.setdefault(pci.partition(".")[0], (pci, device))  # partitions are functions of one card
    first = {pci: dialect.energy(device) for pci, device in cards.values()}
    if any(code == 0 for code, _, _ in first.values()):
        time.sleep(ADVANCE_S)
    for pci, device in cards.values():
        code, count, unit_uj = first[pci]
        answers = code == 0 and unit_uj > 0
        is_moving = answers and dialect.energy(device)[1] != count
        yield Gpu(pci, unit_uj if answers else None, is_moving, dialect.power_unit(device))


def _numbers(addresses: tuple[str, ...], gpus: tuple[Gpu, ...]) -> dict[str, int]:
    """The N of each card's ``amdgpu-N``: hwmon's; of cards that hwmon does not show, those after."""
    order = [*addresses, *(gpu.pci for gpu in gpus if gpu.pci not in addresses)]
    return {pci: number for number, pci in enumerate(order)}


def _channels(gpu: Gpu, number: int, library: str, root: Path) -> Iterator[Channel]:
    place = Place(device="gpu", number=number, owner=hwmon.AMDGPU)
    lane = place.device_name
    path = f"{gpu.pci}@{library}"
    limit_w, source = _limit(gpu.pci, root)
    energy_id = f"{lane}/energy"
    if gpu.is_moving and gpu.unit_uj is not None:
        unit, unit_source = _unit(gpu.unit_uj)
        yield Channel(
            id=energy_id,
            place=place,
            hw_type="gpu",
            source=NAME,
            lane=lane,
            scale=Scale(quantity="J", unit=unit, unit_source=unit_source),
            timing=TIMING,
            trust=Trust(power_limit_w=limit_w, power_limit_source=source, sensor=hwmon.ASSUMED),
            access=Access(reader="amdsmi", path=path, config=ENERGY_CALL),
        )
    if gpu.power_unit is not None:
        yield Channel(
            id=f"{lane}/power",
            place=place,
            hw_type="gpu",
            source=NAME,
            lane=lane,
            kind=Kind.GAUGE,
            scale=Scale(quantity="W", unit=gpu.power_unit, unit_source="interface"),
            timing=Timing(update_max_ns=hwmon.AMDGPU_SLOWEST_NS, rate_max_hz=RATE_MAX_HZ),
            trust=Trust(
                power_limit_w=limit_w, power_limit_source=source, sensor=hwmon.ASSUMED, parents=(energy_id,)
            ),
            access=Access(reader="amdsmi", path=path, config=POWER_CALL),
        )


def _unit(unit_uj: float) -> tuple[Fraction, str]:
    """What a count is worth in joules, and who says so."""
    said = Fraction(unit_uj).limit_denominator(UJ_PER_J) / UJ_PER_J
    if abs(said - KERNELS_UNIT) <= ALIKE * KERNELS_UNIT:
        return KERNELS_UNIT, "kernel"
    return said, "interface"


def _limit(pci: str, root: Path) -> tuple[float | None, str]:
    for path in sorted((root / "sys/bus/pci/devices" / pci / "hwmon").glob("hwmon*/power1_cap_max")):
        limit_uw = integer_in(path)
        if limit_uw and limit_uw > 0:  # 0 where none is set
            return limit_uw / UW_PER_W, path.name
    return None, "none"


def _nothing(obstacle: Obstacle) -> Survey:
    return Survey(NAME, READERS, obstacles=(obstacle,))


def _without(addresses: tuple[str, ...]) -> Obstacle:
    if not addresses:
        return Obstacle(Cause.NO_HARDWARE, "no AMD GPU here, or no driver for it")
    what = f"no {LIBRARIES[0]}: hwmon reports the power of the AMD GPU at {addresses[0]}, not its energy"
    return Obstacle(Cause.MODULE, what, "Install ROCm's amd-smi-lib, or your system's librocm-smi64-1")


def _refusal(library: str, code: int) -> Obstacle:
    dialect = next(name for name in NO_PERMISSION if name in library)
    if code == NO_PERMISSION[dialect]:
        return Obstacle(
            Cause.PERMISSION,
            f"{library} may not be used by this user",
            "Run `sudo usermod -aG video,render $USER` and log in again",
        )
    why = meaning(AMDSMI if dialect == "libamd_smi" else ROCM_SMI, code)
    return Obstacle(Cause.FAILING, f"{library} does not start: {why}", "See `sudo dmesg | grep amdgpu`")


def _silent(gpu: Gpu, number: int) -> Obstacle | None:
    if gpu.unit_uj is None:
        what = f"amdgpu-{number} ({gpu.pci}) has no energy counter"
        return Obstacle(Cause.NO_HARDWARE, f"{what}: Radeon cards and virtual machines have none")
    if not gpu.is_moving:
        what = f"the energy counter of amdgpu-{number} ({gpu.pci}) does not move, and is left out"
        return Obstacle(Cause.FAILING, what, "Update the amdgpu driver")
    return None
