"""How NVIDIA's power figures move, by architecture and driver: a table, and what is not known.

The library's power is one name for several things. ``nvmlDeviceGetPowerUsage`` (``power.draw``) was a
momentary value on some architectures and drivers and a mean of one second on others; field 186
(``power.draw.instant``) is a mean of the last part of each update period, on GA100 and GH100 of 25 of
100 ms, so that three quarters of the time is never looked at; field 185 (``.average``) is the mean of
the last second, a boxcar.

The rows are measurements of others on more than 70 boards: Z. Yang, K. Adamek, W. Armour, "Accurate and
Convenient Energy Measurements for GPUs", SC24 (arXiv 2312.02741), workbook ``Overall_Results.xlsx`` of
github.com/JimZeyuYang/GPU_Power_Benchmark. Periods had a 5-95 % range of 99 to 104 ms. The idle freeze
of the average is in the logs of PowerSensor3's authors (RTX 4000 Ada). Blackwell and H200 are in no
public table; H200 has the GH100 chip and its row.

What is unknown stays None, for a calibration to fill in:

- the energy counter's update period, on every architecture (reports go from 10 to 100 ms);
- whether that counter inherits the part-time sampling of the instantaneous power;
- memory and module power.

Accuracy. NVIDIA states one in ``nvml.h`` only for Fermi and Kepler: ±5 %. Against external meters, 16
boards of the same study had a gain of 0.89 to 1.06 and errors of -8.9 to +10.9 % (mean -1.4, standard
deviation 4.7), different for each *card* and the same to 0.7 % with every driver. ``OBSERVED`` is that,
as what to assume of a card that nobody calibrated. It is not a stated accuracy, and no channel calls
it one.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from ..channel import SensorError, Timing
from ..units import NS_PER_MS
from ..value_class import dataclass

SENSOR_CLOCK = "realtime"
SECOND_MS = 1000


class SensorShape(StrEnum):
    """How a figure follows the power."""

    PART = "part of each period averaged"
    BOXCAR = "mean of a past window, longer than a period"
    LOGARITHMIC = "approaches the power like a capacitor"
    ESTIMATE = "not measured"


class Figure(StrEnum):
    """What is asked: field 186, field 185, ``nvmlDeviceGetPowerUsage``, the energy counter, the buffer."""

    INSTANT = "instant"
    AVERAGE = "average"
    DRAW = "draw"
    ENERGY = "energy"
    SAMPLES = "samples"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one figure moves; None: not known."""

    shape: SensorShape
    period_ms: int | None
    window_ms: int | None
    decay_ms: int | None = None


@dataclass(frozen=True, slots=True)
class BehaviourRow:
    """The behaviour of one figure on some chips under some drivers.

    Attributes:
        chips: Names as ``chip`` gives them.
        drivers: First and last driver branch, both included; the branch is the version's first number.
    """

    chips: frozenset[str]
    figures: frozenset[Figure]
    drivers: tuple[int, int]
    behaviour: Behaviour


OBSERVED = SensorError(
    gain=0.10,
    code=0.003,  # a judgement: with each board's own line removed its kernels scatter by 0.2 to 0.3 %
    offset_w=25.0,  # RTX 4090: -22 to -24 W on four boards; A5000 +16 W; data center boards 1 to 2 W
    linearity=0.02,  # what is left of seven logs against an outside meter with each board's own line removed
    source="Yang, Adamek, Armour (SC24): 16 boards against external meters",
)
# GA100: -1.2 W on an A100; Kepler: 0.8 W on a K40. What a board of these chips adds at any load is small.
SMALL_OFFSET_W = {"ga100": 5.0, "kepler": 5.0}
# Kepler: nvml.h states 5 % of the power, and a K40m, the one board with a public log beside an outside meter,
# keeps it with 2.4 %. Of Fermi, for which it says the same, there is no such log.
SMALL_GAIN = {"kepler": 0.05}
STATED = {"fermi": 0.05, "kepler": 0.05}  # nvml.h at nvmlDeviceGetPowerUsage: "+/- 5% of current power draw"

ARCHITECTURES = {  # NVML_DEVICE_ARCH_* of nvml.h
    2: "kepler",
    3: "maxwell",
    4: "pascal",
    5: "volta",
    6: "turing",
    7: "ampere",
    8: "ada",
    9: "hopper",
    10: "blackwell",
}
GA100 = (8, 0)  # compute capability: the one Ampere chip with a sensor of its own

ALL_DRIVERS = (0, 1 << 16)
BEFORE_530 = (0, 529)
ONLY_530 = (530, 530)
AFTER_530 = (531, 1 << 16)

_SECOND = Behaviour(SensorShape.BOXCAR, 100, SECOND_MS)
_QUARTER = Behaviour(SensorShape.PART, 100, 25)
_FULL = Behaviour(SensorShape.PART, 100, 100)
_HALF_OF_20 = Behaviour(SensorShape.PART, 20, 10)
_LOGARITHMIC = Behaviour(SensorShape.LOGARITHMIC, 100, None)


def _row(chips: str, figures: str, drivers: tuple[int, int], behaviour: Behaviour) -> BehaviourRow:
    return BehaviourRow(frozenset(chips.split()), frozenset(map(Figure, figures.split())), drivers, behaviour)


TABLE = (
    _row("hopper", "draw", AFTER_530, _SECOND),
    _row("hopper", "average", ALL_DRIVERS, _SECOND),
    _row("hopper", "instant", ALL_DRIVERS, _QUARTER),
    _row("ada ampere", "draw", BEFORE_530, _SECOND),
    _row("ada ampere", "draw", ONLY_530, _FULL),
    _row("ada ampere", "draw", AFTER_530, _SECOND),
    _row("ada ampere", "average", ALL_DRIVERS, _SECOND),
    _row("ada ampere", "instant", ALL_DRIVERS, _FULL),
    _row("ga100", "draw instant", ALL_DRIVERS, _QUARTER),
    _row("turing", "draw instant", ALL_DRIVERS, _FULL),
    _row("volta pascal", "draw instant", ALL_DRIVERS, _HALF_OF_20),
    _row("maxwell kepler", "draw instant", ALL_DRIVERS, _LOGARITHMIC),
)

# Boards that differ from their chip, by a part of the name, in the same workbook. The K40's time constant is
# a fit to its public log beside an outside meter: 50 ms.
BOARDS = {
    "Quadro RTX 8000": Behaviour(SensorShape.PART, 100, 20),
    "Tesla M40": Behaviour(SensorShape.PART, 31, 14),
    "Tesla K40": Behaviour(SensorShape.LOGARITHMIC, 15, None, 50),
}

ENERGY_PERIOD_MAX_MS = 200  # twice the slowest report of the energy counter
ENERGY_LAG_MS = 100  # one update of the slowest report: none was seen to trail by more
FREEZE_MS = 1000  # how long the average stands still when the GPU falls idle
MISSED = 2  # an update in two may be missed and the period is still normal


def observed(chip: str | None) -> SensorError:
    """What to assume of the power sensor of a board that nobody calibrated."""
    name = chip or ""
    gain, offset_w = SMALL_GAIN.get(name, OBSERVED.gain), SMALL_OFFSET_W.get(name, OBSERVED.offset_w)
    return replace(OBSERVED, gain=gain, offset_w=offset_w)


def chip(architecture: int | None, capability: tuple[int, int] | None) -> str | None:
    """The name under which the table knows a GPU; None: the table does not.

    Args:
        architecture: What ``nvmlDeviceGetArchitecture`` gives.
        capability: What ``nvmlDeviceGetCudaComputeCapability`` gives.
    """
    name = ARCHITECTURES.get(architecture) if architecture is not None else None
    return "ga100" if name == "ampere" and capability == GA100 else name


def branch(driver: str | None) -> int | None:
    """The driver's branch: 570 for ``570.86.15``; None where the version does not begin with a number."""
    first = (driver or "").partition(".")[0]
    return int(first) if first.isdecimal() else None


def behaviour(figure: Figure, chip: str | None, branch: int | None, name: str = "") -> Behaviour | None:
    """How a figure moves on a named board, or else on its chip under a driver branch; None: not known."""
    own = next((one for part, one in BOARDS.items() if part in name), None)
    # The buffer holds values of the board's sensor. Of which times they are the means nobody has published;
    # a capacitor's stay a capacitor's.
    is_own = figure in (Figure.DRAW, Figure.INSTANT)
    if own is not None and (is_own or (figure is Figure.SAMPLES and own.decay_ms is not None)):
        return own
    for row in TABLE:
        is_driver = row.drivers == ALL_DRIVERS or (
            branch is not None and row.drivers[0] <= branch <= row.drivers[1]
        )
        if chip in row.chips and figure in row.figures and is_driver:
            return row.behaviour
    return None


def timing(figure: Figure, known: Behaviour | None) -> Timing:
    """The behaviour as a channel states it.

    A gauge of which nothing is known states nothing. The energy counter's bound must hold all the same,
    so it has wide ones: an integral rests on them, and a recorder waits for them at each end.
    """
    if figure is Figure.ENERGY:
        return Timing(
            update_max_ns=ENERGY_PERIOD_MAX_MS * NS_PER_MS,
            lag_ns=ENERGY_LAG_MS * NS_PER_MS,
            sensor_clock=SENSOR_CLOCK,
        )
    if known is None or known.period_ms is None:
        return Timing(sensor_clock=SENSOR_CLOCK)
    freeze_ms = FREEZE_MS if known.shape is SensorShape.BOXCAR else 0
    return Timing(
        update_ns=known.period_ms * NS_PER_MS,
        update_max_ns=(MISSED * known.period_ms + freeze_ms) * NS_PER_MS,
        lag_ns=known.period_ms * NS_PER_MS,
        window_ns=None if known.window_ms is None else known.window_ms * NS_PER_MS,
        decay_ns=None if known.decay_ms is None else known.decay_ms * NS_PER_MS,
        sensor_clock=SENSOR_CLOCK,
    )
