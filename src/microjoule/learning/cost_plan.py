"""Which subjects are sampled in which ways, the most telling first.

At the rate nearest to a kilohertz, and then at every other: each subject asleep between its deadlines, idle
and beside a victim, which takes a second or two; and a recorder, of which later traces speak. At the first
the first quick lane is taken in every other way as well. Paces and loads that are named are taken of
every subject instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..channel import Channel
from ..errors import BadWish
from ..host.sampling_cost import LOADS, PACES, RECORDER, THINNED, Way
from ..recording.lane import RATE_HZ, RATE_MAX_HZ, RATE_MIN_HZ
from ..value_class import dataclass
from .sampling_loops import Subject, WholeRecorder

RATES_HZ = (10.0, 100.0, 1000.0, 10_000.0)
FOR_S = 120.0
QUICK_S = 30.0
RECORDER_WEIGHT = 5.0  # a recorder's blocks are as long as the time between its drains


@dataclass(frozen=True, slots=True, kw_only=True)
class CostOptions:
    """What to take.

    Attributes:
        rates_hz: Ticks a second.
        paces: Some of ``PACES``; empty: as the plan has it.
        loads: Some of ``LOADS``; empty: as the plan has it.
        is_fifo: Under SCHED_FIFO as well, of everything.
        is_quick: Beside a victim only, at one pace.
        cpu: Where; None: where the lanes' events are read.
        for_s: For about so long.

    Raises:
        BadWish: One of them is none.
    """

    rates_hz: tuple[float, ...] = RATES_HZ
    paces: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    is_fifo: bool = False
    is_quick: bool = False
    cpu: int | None = None
    for_s: float = FOR_S

    @property
    def is_named(self) -> bool:
        """Whether somebody said in which ways."""
        return bool(self.paces or self.loads or self.is_fifo)

    def __post_init__(self) -> None:
        for rate_hz in self.rates_hz:
            if not RATE_MIN_HZ <= rate_hz <= RATE_MAX_HZ:
                raise BadWish(
                    f"A rate of {rate_hz:g} Hz is out of range",
                    f"Choose {RATE_MIN_HZ:g} to {RATE_MAX_HZ:g} Hz",
                )
        for what, asked, all_of in (("pace", self.paces, PACES), ("load", self.loads, LOADS)):
            for one in asked:
                if one not in all_of:
                    raise BadWish(f"There is no {what} {one!r}", f"Choose some of {', '.join(all_of)}")


@dataclass(frozen=True, slots=True)
class Unit:
    """One subject in one way, and how much time it wants beside the others."""

    subject: Subject
    way: Way
    weight: float = 1.0


def units(subjects: Sequence[Subject], chosen: Sequence[Channel], wishes: CostOptions) -> tuple[Unit, ...]:
    """What to take, the most telling first.

    Args:
        subjects: The empty loop and the lanes.
        chosen: What a recording reads; none: no recorder is taken.
        wishes: Of the user.
    """
    middle_hz = min(wishes.rates_hz, key=lambda rate_hz: abs(math.log(rate_hz / RATE_HZ)))
    others_hz = sorted(set(wishes.rates_hz) - {middle_hz}, reverse=True)
    found: list[Unit] = []
    for rate_hz in (middle_hz, *others_hz):
        is_middle = rate_hz == middle_hz
        found += _lanes(subjects, rate_hz, wishes)
        found += _recorders(chosen, rate_hz, wishes)[: None if is_middle or wishes.is_named else 1]
        if is_middle and not (wishes.is_named or wishes.is_quick):
            found += _extras(subjects, rate_hz)
    return tuple(_once(found))


def _recorders(chosen: Sequence[Channel], rate_hz: float, wishes: CostOptions) -> list[Unit]:
    """What later traces say their sampling took; of the whole trace first, then of a thinned one."""
    if not chosen or (wishes.loads and "busy" not in wishes.loads):
        return []
    return [
        Unit(WholeRecorder(name, chosen), replace(way, load="busy"), RECORDER_WEIGHT)
        for name in (RECORDER, THINNED)
        for way in _ways(rate_hz, wishes)
    ]


def _ways(rate_hz: float, wishes: CostOptions) -> list[Way]:
    return [
        Way(rate_hz=rate_hz, pace=pace, is_fifo=is_fifo)
        for pace in wishes.paces or ("sleep",)
        for is_fifo in ((False, True) if wishes.is_fifo else (False,))
    ]


def _lanes(subjects: Sequence[Subject], rate_hz: float, wishes: CostOptions) -> list[Unit]:
    loads = wishes.loads or (("busy",) if wishes.is_quick else ("idle", "busy"))
    return [
        Unit(subject, replace(way, load=load))
        for subject in subjects
        for way in _ways(rate_hz, wishes)
        for load in loads
    ]


def _extras(subjects: Sequence[Subject], rate_hz: float) -> list[Unit]:
    """The other ways of the first lane that can be read so often; of the empty loop where there is none."""
    way = Way(rate_hz=rate_hz)
    quick = [one for one in subjects if one.channels and one.rate_hz(way) == rate_hz]
    subject = (quick or list(subjects))[0]
    ways = [
        *(Way(rate_hz=rate_hz, pace=pace, load=load) for pace in PACES[1:] for load in ("busy", "idle")),
        Way(rate_hz=rate_hz, is_fifo=True, load="busy"),
        Way(rate_hz=rate_hz, load="saturated"),
        Way(rate_hz=rate_hz, is_fifo=True, load="saturated"),
    ]
    return [Unit(subject, each) for each in ways]


def _once(found: Iterable[Unit]) -> Iterable[Unit]:
    """Each way of each subject once: a lane that gains nothing from more is as slow at any rate."""
    seen: set[tuple[str, float, str, bool, str]] = set()
    for unit in found:
        way = unit.way
        key = (unit.subject.name, unit.subject.rate_hz(way), way.pace, way.is_fifo, way.load)
        if key not in seen:
            seen.add(key)
            yield unit
