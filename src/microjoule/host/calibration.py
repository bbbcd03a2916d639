"""What was learnt of each channel on this host: a file that ``uj probe --calibrate`` writes.

No sampling here. A calibration is kept by path, belongs to one host, and refines what a channel
declares of its timing; every trace that was recorded with one carries it (``facts["calibration"]``).

Decision: a guarantee never becomes narrower by what was observed. The longest update, the lag and
the quantum of a channel only grow; what may shrink is the *usual* update period, which places the
value inside its bound. What was given up: tighter bounds on a counter that was quiet while watched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..channel import Channel, Kind
from ..errors import CalibrationError
from ..units import NS_PER_S
from ..value_class import dataclass
from .files import HostKey, Kept, known

FORMAT = 1
KIND = "microjoule.host.calibration"
MARGIN = 1.25  # the longest update seen in seconds is not the longest that there is
EDGES_MIN = 20  # fewer updates say too little of the usual one
SEVERAL = 8  # quanta an update, from which on a counter changes at every update
DISTINCT = 16  # increments of so many sizes: by chance they share a factor once in 2^16

AGAIN = "Run `uj probe --calibrate`"


_FILE = Kept("calibration", KIND, FORMAT, CalibrationError, AGAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Percentiles of a duration, in nanoseconds, and the longest one seen."""

    p5_ns: int
    median_ns: int
    p95_ns: int
    p99_ns: int
    max_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedPower:
    """A mean power and its standard uncertainty (type A), in the channel's quantity per second."""

    value_w: float
    u_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtering:
    """Whether Intel's energy filtering is on: ``on``, ``off`` or ``unknown``, and how that is known."""

    state: str
    known_from: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What was learnt of one channel; None: it could not be.

    Attributes:
        channel: Its id.
        source: Its source.
        edges: Updates that were seen.
        update: Time between two updates.
        read: Time that a read takes.
        resolution_ns: The usual width of the interval in which an update is known to lie.
        quantum: The greatest common divisor of the increments, in counts.
        distinct: How many different increments that rests on.
        lag_ns: By how much the reading trails a load: at most, where ``lag_min_ns`` is known, or about.
        lag_min_ns: And at least.
        likely_lag_ns: Between which two it lies at 95 %, by a power gauge of the same device; of a gauge that
            is no GPU's, by a load.
        device: The device's own id, as a GPU's UUID: it holds for that one, whatever its number is now.
        field: What is read of that device, ``Access.config``.
        idle: Power while this machine was left alone.
        spin: Power while one thread did nothing but read.
        filtering: Of RAPL.
        note: What kept the rest from being learnt; empty: nothing.
    """

    channel: str
    source: str
    edges: int = 0
    update: Spread | None = None
    read: Spread | None = None
    resolution_ns: int | None = None
    quantum: int | None = None
    distinct: int = 0
    lag_ns: int | None = None
    lag_min_ns: int | None = None
    likely_lag_ns: tuple[int, int] | None = None
    device: str = ""
    field: int = 0
    idle: LearnedPower | None = None
    spin: LearnedPower | None = None
    filtering: Filtering | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Two sources of one physical channel that do not say the same.

    Attributes:
        channel: The physical id.
        sources: The two, the one that a recording prefers first.
        ratio: Of the second's energy to the first's, over one window.
        u: Standard uncertainty of the ratio.
        what: A sentence.
    """

    channel: str
    sources: tuple[str, str]
    ratio: float
    u: float
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was learnt on one host.

    Attributes:
        host: Whose it is.
        taken_realtime_ns: When.
        channels: One for each channel and source.
        disagreements: Between sources of one channel.
    """

    host: HostKey
    taken_realtime_ns: int
    channels: tuple[Learnt, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()

    def of(self, channel: Channel) -> Learnt | None:
        """What was learnt of a channel; None: nothing."""
        mine = [one for one in self.channels if one.source == channel.source]
        device, field = channel.access.device, channel.access.config
        if device and any(one.device for one in mine):  # cards change places
            return next((one for one in mine if (one.device, one.field) == (device, field)), None)
        return next((one for one in mine if one.channel == channel.physical_id), None)

    def to_json(self) -> dict[str, Any]:
        """The calibration as plain JSON values; ``from_json`` gives the same back."""
        return {"kind": KIND, "format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Calibration:
        """The calibration that ``to_json`` wrote; unknown fields are passed over."""
        return cls(
            host=known(HostKey, plain["host"]),
            taken_realtime_ns=int(plain["taken_realtime_ns"]),
            channels=tuple(_learnt(one) for one in plain["channels"]),
            disagreements=tuple(
                known(Disagreement, one | {"sources": tuple(one["sources"])})
                for one in plain["disagreements"]
            ),
        )


_PARTS = {
    "update": Spread,
    "read": Spread,
    "idle": LearnedPower,
    "spin": LearnedPower,
    "filtering": Filtering,
}


def load(path: Path | str, host: HostKey | None = None) -> Calibration:
    """The calibration in a file.

    Args:
        path: Where it is.
        host: Whose it must be; None: anyone's.

    Raises:
        CalibrationError: There is none, it cannot be read, a later format wrote it, or it is another
            host's.
    """
    found = _FILE.load(path, Calibration.from_json)
    if host is not None:
        _FILE.refuse_other(found.host, host, path)
    return found


def usable(path: Path | str, host: HostKey) -> tuple[Calibration | None, str]:
    """The calibration in a file if it is of this host, and else None and the sentence of why not.

    What was learnt of another machine, or under an older kernel, is no reason to measure nothing.

    Raises:
        CalibrationError: There is none, it cannot be read, or a later format wrote it.
    """
    found = load(path)
    differing = _FILE.of_other(found.host, host, path)
    return (None, f"{differing}. It is not used. {AGAIN}") if differing else (found, "")


def save(calibration: Calibration, path: Path | str) -> None:
    """Writes the file whole or not at all; folders are made.

    Raises:
        CalibrationError: It cannot be written.
    """
    _FILE.save(calibration.to_json(), path)


def applied(channels: Iterable[Channel], calibration: Calibration | None) -> tuple[Channel, ...]:
    """The channels with what was learnt of them; those of which nothing was learnt as they are."""
    if calibration is None:
        return tuple(channels)
    return tuple(_refined(channel, calibration.of(channel)) for channel in channels)


def facts_of(calibration: Calibration | None, channels: Iterable[Channel]) -> dict[str, Any]:
    """What a trace of these channels keeps of the calibration that it was recorded with."""
    if calibration is None:
        return {}
    learnt = [calibration.of(channel) for channel in channels]
    kept = replace(calibration, channels=tuple(one for one in learnt if one is not None))
    return {"calibration": kept.to_json()}


def _refined(channel: Channel, learnt: Learnt | None) -> Channel:
    if learnt is None:
        return channel
    timing, scale = channel.timing, channel.scale
    if learnt.update is not None and (learnt.edges >= EDGES_MIN or _is_slow(channel, learnt.update, learnt)):
        # A gauge that shows the same value twice was updated all the same: its period looks longer.
        is_told = channel.kind is Kind.GAUGE and timing.update_ns is not None
        timing = replace(
            timing,
            update_ns=timing.update_ns if is_told else learnt.update.median_ns,
            update_max_ns=max(timing.update_max_ns, round(MARGIN * learnt.update.max_ns)),
        )
    if learnt.lag_ns is not None and learnt.lag_min_ns is not None:
        timing = timing.with_lag(learnt.lag_min_ns, learnt.lag_ns, "measured by uj probe --calibrate")
    elif learnt.lag_ns is not None:
        timing = replace(timing, lag_ns=max(timing.lag_ns, round(MARGIN * learnt.lag_ns)))
    if learnt.likely_lag_ns is not None:
        least_ns, most_ns = learnt.likely_lag_ns
        timing = timing.with_longest_lag(most_ns)  # else the likeliest lag may lie outside the guarantee
        timing = timing.with_likely_lag(least_ns, most_ns, "measured by uj probe --calibrate")
    if learnt.quantum is not None and learnt.distinct >= DISTINCT:
        scale = replace(scale, quantum=max(scale.quantum, learnt.quantum))
    return replace(channel, timing=timing, scale=scale)


def _is_slow(channel: Channel, update: Spread, learnt: Learnt) -> bool:
    """Whether updates are rarer than declared, and not just rare because nothing is drawn."""
    if learnt.spin is None or update.p5_ns <= channel.timing.update_max_ns:
        return False
    each = learnt.spin.value_w * update.median_ns / NS_PER_S / float(channel.scale.unit)
    return each > SEVERAL * channel.scale.quantum


def _learnt(plain: dict[str, Any]) -> Learnt:
    parts: dict[str, Any] = {
        name: known(kind, plain[name]) for name, kind in _PARTS.items() if plain.get(name)
    }
    if plain.get("likely_lag_ns"):
        least_ns, most_ns = plain["likely_lag_ns"]
        parts["likely_lag_ns"] = (int(least_ns), int(most_ns))
    return known(Learnt, plain | parts)
