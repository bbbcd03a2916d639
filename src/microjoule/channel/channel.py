"""A channel: one counter or gauge, what a count of it is worth, and what is promised of it.

Both halves share this file: a source builds channels, the native half learns from them how to read
(``access``), the trace file carries them as JSON, and the analysis needs nothing else to turn raw
readings into joules. Exact figures stay exact: a unit is a fraction, a limit an integer.

Decision: small records inside one record rather than one of twenty fields, so that a source's
table can share ``Timing`` and ``Trust`` between its rows. What was given up: one level of dots.
"""

from __future__ import annotations

from dataclasses import asdict, field, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any, TypeVar

from ..value_class import dataclass
from .place import Place

_Record = TypeVar("_Record")

UNPLACED = "?"
"""As a parent: nobody knows what contains the channel, so that it enters no total."""


class Kind(StrEnum):
    """Whether a reading accumulates (a counter) or says what is so now (a gauge)."""

    COUNTER = "counter"
    GAUGE = "gauge"


FLAGS = "flags"  # the quantity of a reading whose bits mean something each


class Encoding(StrEnum):
    """How ``raw`` is to be understood.

    ``COUNT`` is an unsigned count. ``SIGNED`` is two's complement in 64 bits. ``POWERCAP`` is the
    kernel's floor(count * floor(unit in nJ) / 1000) in microjoules, which
    :mod:`microjoule.joules.counters.unwrap` turns back into the count.
    """

    COUNT = "count"
    SIGNED = "signed"
    POWERCAP = "powercap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What one count is worth.

    Attributes:
        quantity: ``J``, ``W``, ``s``, ``°C``, ``Hz``, ``1`` or, where each bit of a reading says something
            else, ``flags``.
        unit: ``quantity`` per count, exact.
        unit_source: Where the unit comes from: ``register``, ``kernel``, ``interface``,
            ``inferred`` or ``assumed``.
        modulus: Counts after which a counter starts again; None: the full 64 bits.
        quantum: The smallest step that the reading can show, in counts.
        shown_nj: Of ``Encoding.POWERCAP``, the whole nanojoules by which the kernel multiplied a count;
            None: the unit's own, cut off; 0: the unit as it is.
        register_unit: Of a count that the kernel derives from a register by a shift, the ``quantity`` of
            one count of the register by the CPU's documents; None: the kernel's word is taken.
        starts_at_open: Whether the count begins when it is opened, so that two recordings of it have
            nothing in common.
        offset_w: Of a gauge that a meter corrected, the watts to add to what it says.
    """

    quantity: str
    unit: Fraction
    unit_source: str
    modulus: int | None = None
    quantum: int = 1
    shown_nj: int | None = None
    register_unit: Fraction | None = None
    starts_at_open: bool = False
    offset_w: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How the number moves.

    Attributes:
        update_ns: Usual time between two updates; None: not known, or at every read.
        update_max_ns: The longest time between two updates that is still normal; 0: it is up to date at every
            read.
        lag_ns: The longest time by which an update can trail the energy that it reports.
        lag_min_ns: The shortest; 0 unless it was measured.
        lag_source: Where these two are from.
        likely_lag_ns: Between which two the lag lies at 95 %, by what the readings show; the middle is the
            likeliest, and an end may lie beyond the shortest or the longest. None: they show nothing.
        window_ns: For a gauge, how much of each update period is averaged; None: not known.
        decay_ns: For a gauge that approaches the power like a capacitor, its time constant; None: it does
            not.
        sensor_clock: The clock of ``sensor_ns``; None: the channel has no timestamp of its own.
        rate_max_hz: Reads a second beyond which nothing is gained; None: no limit of its own.
    """

    update_ns: int | None = None
    update_max_ns: int = 0
    lag_ns: int = 0
    lag_min_ns: int = 0
    lag_source: str = "assumed"
    likely_lag_ns: tuple[int, int] | None = None
    window_ns: int | None = None
    decay_ns: int | None = None
    sensor_clock: str | None = None
    rate_max_hz: float | None = None

    @property
    def middle_lag_ns(self) -> int:
        """The lag that figures are corrected for: the middle of what it is likely to be."""
        least_ns, most_ns = self._likely_ns
        return (least_ns + most_ns) // 2

    @property
    def half_lag_ns(self) -> float:
        """By how much it may be less or more than that, at 95 %."""
        least_ns, most_ns = self._likely_ns
        return (most_ns - least_ns) / 2

    @property
    def _likely_ns(self) -> tuple[int, int]:
        return (self.lag_min_ns, self.lag_ns) if self.likely_lag_ns is None else self.likely_lag_ns

    def with_lag(self, least_ns: int, most_ns: int, source: str) -> Timing:
        """The same with another lag."""
        return replace(
            self, lag_min_ns=max(least_ns, 0), lag_ns=most_ns, likely_lag_ns=None, lag_source=source
        )

    def with_longest_lag(self, most_ns: int, likely_ns: int = 0) -> Timing:
        """The same with guaranteed intervals that allow for a longer lag; figures stay as they are.

        Args:
            most_ns: The longest lag.
            likely_ns: One that 95 % intervals allow for too, about the middle that figures are corrected for.
        """
        if most_ns <= self.lag_ns:
            return self
        middle_ns, (least_ns, longest_ns) = self.middle_lag_ns, self._likely_ns
        if likely_ns > longest_ns:
            least_ns, longest_ns = 2 * middle_ns - likely_ns, likely_ns
        return replace(self, lag_ns=most_ns, likely_lag_ns=(least_ns, longest_ns))

    def with_likely_lag(self, least_ns: int, most_ns: int, source: str) -> Timing:
        """The same with a lag between two that readings show: guaranteed intervals allow what they did."""
        return replace(self, likely_lag_ns=(least_ns, most_ns), lag_source=source)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerModel:
    """Watts per unit of a quantity that is not energy: what makes a figure *estimated*.

    ``value_w``, ``low_w`` and ``high_w`` are watts for each second counted a second.
    """

    value_w: float
    low_w: float
    high_w: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorError:
    """How far the sensor may be off, by the best that is known and not by its vendor's word.

    Attributes:
        gain: Half-width of the relative error of its slope that all readings of the device share.
        code: Standard uncertainty, whatever the form, of the relative error that depends on the code that
            runs: it is the same as long as the same code runs, and drawn anew for other code.
        offset_w: Half-width of its error in watts that is there at any load.
        linearity: Half-width of the relative error that is left when gain and offset are known.
        form: ``rectangular`` or ``normal`` (then the half-widths are standard uncertainties).
        source: Where this was found.
    """

    gain: float
    code: float = 0.0
    offset_w: float = 0.0
    linearity: float = 0.0
    form: str = "rectangular"
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What is promised of the channel, and by whom.

    Attributes:
        power_limit_w: The largest power limit that the device states; None: none stated.
        power_limit_source: Where that limit was read.
        accuracy: The sensor's stated accuracy as a fraction; None: unknown.
        sensor: How far the sensor may be off, for the budget of uncertainty; None: not known.
        parents: The ``physical_id`` of each channel whose readings already contain this one's, whether
            or not it is recorded; or ``UNPLACED``.
        model: The power model, where the figure is estimated; None: measured.
    """

    power_limit_w: float | None = None
    power_limit_source: str = "none"
    accuracy: float | None = None
    sensor: SensorError | None = None
    parents: tuple[str, ...] = ()
    model: PowerModel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How the native half reads the number; the analysis never looks here.

    Attributes:
        reader: ``perf``, ``text``, ``msr``, ``script``: a name in ``csrc/readers.c``.
        path: The file behind it; for perf the PMU's folder, for information; ``UUID@library`` of a device
            that a library reads.
        type: For perf, the PMU's type.
        config: For perf the event, for msr the register, for text the mask of fields to add.
        cpu: The CPU to read on; -1: for perf, the commands that this thread starts next.
    """

    reader: str
    path: str
    type: int = 0
    config: int = 0
    cpu: int = -1

    @property
    def device(self) -> str:
        """The device's own id, as a GPU's UUID; empty: it has none."""
        device, at, _ = self.path.partition("@")
        return device if at else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One counter or gauge.

    Attributes:
        id: ``package-0``, ``package-0/dram``, …, for people; a second source of one id is ``id@source``.
        place: What it is of.
        hw_type: The same in the word of OpenTelemetry's conventions for hardware (``hw.type``): ``cpu``,
            ``gpu``, ``memory``, …; ``power_meter`` where they have none.
        twin_of: The id that this one is a second reading of, through another source; empty: of none.
        source: The family of hardware that lists it: a name in ``sources.SOURCES``.
        lane: The sampler that reads it.
        kind: Counter or gauge.
        encoding: How ``raw`` is to be understood.
    """

    id: str
    place: Place
    hw_type: str
    twin_of: str = ""
    source: str
    lane: str
    kind: Kind = Kind.COUNTER
    encoding: Encoding = Encoding.COUNT
    scale: Scale
    timing: Timing = field(default_factory=Timing)
    trust: Trust = field(default_factory=Trust)
    access: Access

    @property
    def provenance(self) -> str:
        """``measured``, or ``estimated`` where a power model stands between reading and joule."""
        return "measured" if self.trust.model is None else "estimated"

    @property
    def physical_id(self) -> str:
        """What all readings of one sensor share, through whichever source: the first one's id."""
        return self.twin_of or self.id

    @property
    def is_of_command(self) -> bool:
        """Whether it counts what a command uses, so that ``uj run`` alone can fill it in."""
        return self.place.device == "command"

    def to_json(self) -> dict[str, Any]:
        """The channel as plain JSON values; ``from_json`` gives the same channel back."""
        plain = asdict(self)
        for name in ("unit", "register_unit"):
            unit = plain["scale"][name]
            plain["scale"][name] = None if unit is None else [unit.numerator, unit.denominator]
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Channel:
        """The channel that ``to_json`` wrote.

        Unknown fields are passed over, so that a later format's file can still be read.
        """
        scale = dict(plain["scale"])
        scale["unit"] = Fraction(*scale["unit"])
        if scale.get("register_unit"):
            scale["register_unit"] = Fraction(*scale["register_unit"])
        trust = dict(plain.get("trust", {}))
        trust["parents"] = tuple(trust.get("parents", ()))
        if trust.get("model"):
            trust["model"] = _known(PowerModel, trust["model"])
        if trust.get("sensor"):
            trust["sensor"] = _known(SensorError, trust["sensor"])
        return cls(
            id=plain["id"],
            place=_known(Place, plain["place"]),
            hw_type=plain["hw_type"],
            twin_of=plain.get("twin_of", ""),
            source=plain["source"],
            lane=plain["lane"],
            kind=Kind(plain.get("kind", "counter")),
            encoding=Encoding(plain.get("encoding", "count")),
            scale=_known(Scale, scale),
            timing=_timing(plain.get("timing", {})),
            trust=_known(Trust, trust),
            access=_known(Access, plain["access"]),
        )


def _timing(plain: dict[str, Any]) -> Timing:
    found = _known(Timing, plain)
    likely = found.likely_lag_ns
    if likely is None:
        return found
    least_ns, most_ns = likely
    return replace(found, likely_lag_ns=(least_ns, most_ns))


def _known(record: type[_Record], plain: dict[str, Any]) -> _Record:
    names = record.__dataclass_fields__  # type: ignore[attr-defined]
    return record(**{key: value for key, value in plain.items() if key in names})
