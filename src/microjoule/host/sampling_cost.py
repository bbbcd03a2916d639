"""What sampling costs on this host: a file that ``uj overhead`` writes, and what later traces say of it.

No sampling here. ``microjoule.learning`` takes the figures; this file holds, keeps and finds them again.

Decision: a trace says what a victim loop lost *while something else was recorded, at another time*, so
the figure is estimated and says when it was taken. It is given only where the same number of channels of
the same sources was read at the same pace, at a rate that was measured or lies between two that were:
a loss is so much a tick, so between two rates it is a straight line. Where other programs disturbed the
victim, it is its loss of CPU time, and says so. What was given up: a figure for any other recording, which
would be a guess.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, field, replace
from pathlib import Path
from typing import Any

from ..channel import Channel
from ..errors import OverheadError
from ..units import NS_PER_S
from ..value_class import dataclass
from .files import HostKey, Kept, known

PACES = ("sleep", "hybrid", "edges", "kernel")
LOADS = ("idle", "busy", "saturated")
RECORDER, THINNED, EMPTY = "recorder", "recorder, thinned", "empty loop"

QUIET_SHARE = 0.02  # what others may take of a core that is still called quiet
_SAME_RATE = 0.01  # rates that differ by less are one


_FILE = Kept("overhead", "microjoule.host.sampling_cost", 1, OverheadError, "Run `uj overhead`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean, or a median, of ``n`` values, with its expanded uncertainty at 95 %."""

    value: float
    U: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """How late ticks began, in nanoseconds, rounded up by at most an eighth; None: too few ticks to say."""

    p50_ns: int | None
    p99_ns: int | None
    p999_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How it was sampled, and beside what.

    Attributes:
        rate_hz: Ticks a second that were asked for.
        pace: One of ``PACES``.
        is_fifo: Under SCHED_FIFO.
        load: One of ``LOADS``: nothing; a victim on the sampler's core; the same, and every other core
            busy too.
    """

    rate_hz: float
    pace: str = "sleep"
    is_fifo: bool = False
    load: str = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one way of sampling cost; None: it was not measured, and ``notes`` may say why.

    Attributes:
        subject: What sampled: ``EMPTY``, a source with its lane, ``RECORDER`` or ``THINNED``.
        channels: How many channels of each source.
        way: How.
        taken_realtime_ns: When.
        ticks: That were taken.
        missed: Deadlines that were not.
        lateness: Of the ticks.
        tick_cpu_ns: CPU time of the sampler a tick, as the kernel books it.
        over_empty_ns: The same over that of an empty loop, sampled in the same way.
        read_ns: Median time of a tick's reads.
        own_share: Share of a core that the kernel books to the sampler.
        loss_share: Share of its core that a victim loop lost.
        loss_cpu_share: The same of CPU time, the victim's and the sampler's: without what other programs
            took meanwhile, and without interrupts where the kernel books them to nobody.
        others_share: Share of the core that other programs took from the victim meanwhile.
        added_w: Power that sampling adds.
        notes: Sentences.
    """

    subject: str
    channels: Mapping[str, int]
    way: Way
    taken_realtime_ns: int
    ticks: int = 0
    missed: int = 0
    lateness: Lateness | None = None
    tick_cpu_ns: Mean | None = None
    over_empty_ns: Mean | None = None
    read_ns: int | None = None
    own_share: Mean | None = None
    loss_share: Mean | None = None
    loss_cpu_share: Mean | None = None
    others_share: float | None = None
    added_w: Mean | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_quiet(self) -> bool:
        """Whether other programs left the core alone meanwhile."""
        return self.others_share is None or self.others_share < QUIET_SHARE

    @property
    def loss(self) -> Mean | None:
        """The loss by the clock; where others disturbed it, that of CPU time, which they don't touch."""
        return self.loss_share if self.is_quiet else self.loss_cpu_share

    @property
    def key(self) -> tuple[object, ...]:
        """What a later measurement of the same replaces."""
        return (self.subject, tuple(sorted(self.channels.items())), *asdict(self.way).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What one tick's reads cost back to back.

    Attributes:
        subject: A source with its lane.
        channels: How many channels of each source.
        hot_ns: A tick over an empty one: the median of short blocks.
    """

    subject: str
    channels: Mapping[str, int]
    hot_ns: Mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """All that was measured on one host.

    Attributes:
        host: Whose it is.
        taken_realtime_ns: When the last of it was.
        machine: Facts of the machine and of how it was used.
        reads: Of each source.
        costs: Of each way of sampling.
        left_out: What was not measured, and why.
    """

    host: HostKey
    taken_realtime_ns: int
    machine: Mapping[str, Any] = field(default_factory=dict)
    reads: tuple[Read, ...] = ()
    costs: tuple[Cost, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The overhead as plain JSON values; ``from_json`` gives the same back."""
        return {"schema": "microjoule.host.sampling_cost/1", **asdict(self)}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Overhead:
        """The overhead that ``to_json`` wrote; unknown fields are passed over."""
        return cls(
            host=known(HostKey, plain["host"]),
            taken_realtime_ns=int(plain["taken_realtime_ns"]),
            machine=dict(plain["machine"]),
            reads=tuple(known(Read, one | {"hot_ns": _mean(one["hot_ns"])}) for one in plain["reads"]),
            costs=tuple(_cost(one) for one in plain["costs"]),
            left_out=dict(plain["left_out"]),
        )

    def over(self, older: Overhead | None) -> Overhead:
        """The same, with what only an older one of the same host measured behind it."""
        if older is None or older.host != self.host:
            return self
        ours = {cost.key for cost in self.costs}
        reads = {read.subject for read in self.reads}
        return replace(
            self,
            costs=self.costs + tuple(cost for cost in older.costs if cost.key not in ours),
            reads=self.reads + tuple(read for read in older.reads if read.subject not in reads),
        )


def load(path: Path | str, host: HostKey | None = None) -> Overhead:
    """The overhead in a file.

    Args:
        path: Where it is.
        host: Whose it must be; None: anyone's.

    Raises:
        OverheadError: There is none, it cannot be read, or it is another host's.
    """
    found = _FILE.load(path, Overhead.from_json)
    if host is not None:
        _FILE.refuse_other(found.host, host, path)
    return found


def save(overhead: Overhead, path: Path | str) -> None:
    """Writes the file whole or not at all; folders are made.

    Raises:
        OverheadError: It cannot be written.
    """
    _FILE.save(overhead.to_json(), path)


def counted(channels: Iterable[Channel]) -> dict[str, int]:
    """How many channels of each source; what a command counts of itself costs no lane anything."""
    return dict(Counter(c.source for c in channels if not c.is_of_command))


def facts_of(
    overhead: Overhead | None, subject: str, channels: Iterable[Channel], way: Way
) -> dict[str, Any]:
    """What a trace says of what its sampling takes; nothing where nothing alike was measured.

    Args:
        overhead: What was measured on this host.
        subject: ``RECORDER`` or ``THINNED``.
        channels: That will be read.
        way: How; its load is not looked at: the figure is that of a victim on one busy core.
    """
    if overhead is None:
        return {}
    want = {"channels": counted(channels), "pace": way.pace, "is_fifo": way.is_fifo}
    alike = sorted(
        (
            cost
            for cost in overhead.costs
            if cost.subject == subject
            and cost.way.load == "busy"
            and cost.loss is not None
            and want == {"channels": cost.channels, "pace": cost.way.pace, "is_fifo": cost.way.is_fifo}
        ),
        key=lambda cost: cost.way.rate_hz,
    )
    found = _at(alike, way.rate_hz)
    if found is None:
        return {}
    share, ends = found
    taken_realtime_ns = min(cost.taken_realtime_ns for cost in ends)
    taken = time.strftime("%Y-%m-%d", time.gmtime(taken_realtime_ns // NS_PER_S))
    is_quiet = all(cost.is_quiet for cost in ends)
    return {
        "overhead": {
            "share_of_core": share.value,
            "U": share.U,
            "n": share.n,
            "provenance": "estimated",
            "method": "victim loop" if is_quiet else "victim loop, CPU time",
            "rate_hz": way.rate_hz,
            "measured_at_hz": [cost.way.rate_hz for cost in ends],
            "pace": way.pace,
            "is_fifo": way.is_fifo,
            "taken": taken,
        }
    }


def _at(alike: list[Cost], rate_hz: float) -> tuple[Mean, tuple[Cost, ...]] | None:
    """The loss at a rate, measured there or on the line between its neighbours; and what it rests on."""
    for cost in alike:
        if abs(cost.way.rate_hz - rate_hz) <= _SAME_RATE * rate_hz and cost.loss is not None:
            return cost.loss, (cost,)
    below = [cost for cost in alike if cost.way.rate_hz < rate_hz]
    above = [cost for cost in alike if cost.way.rate_hz > rate_hz]
    if not below or not above:
        return None
    low, high = below[-1], above[0]
    first, second = low.loss, high.loss
    if first is None or second is None:
        return None
    part = (rate_hz - low.way.rate_hz) / (high.way.rate_hz - low.way.rate_hz)
    value = first.value + part * (second.value - first.value)
    half = (((1 - part) * first.U) ** 2 + (part * second.U) ** 2) ** 0.5
    return Mean(value=value, U=half, n=min(first.n, second.n)), (low, high)


def _mean(plain: dict[str, Any] | None) -> Mean | None:
    return None if plain is None else known(Mean, plain)


_MEANS = ("tick_cpu_ns", "over_empty_ns", "own_share", "loss_share", "loss_cpu_share", "added_w")


def _cost(plain: dict[str, Any]) -> Cost:
    parts: dict[str, Any] = {name: _mean(plain.get(name)) for name in _MEANS}
    parts["lateness"] = known(Lateness, plain["lateness"]) if plain.get("lateness") else None
    parts["way"] = known(Way, plain["way"])
    parts["notes"] = tuple(plain.get("notes", ()))
    return known(Cost, plain | parts)
