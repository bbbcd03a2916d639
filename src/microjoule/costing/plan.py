"""Which subjects are sampled in which ways, the most telling first.

Each subject is taken at every rate, asleep between its deadlines, idle and beside a victim. At the rate
nearest to a kilohertz the first quick lane is taken in every other way as well. Paces or loads that are
named are taken of every subject instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..channel import Channel
from ..overhead import LOADS, PACES, BadWish, Way
from ..recording.lane import RATE_HZ, RATE_MAX_HZ, RATE_MIN_HZ
from .subject import Subject, WholeRecorder

RATES_HZ = (10.0, 100.0, 1000.0, 10_000.0)
FOR_S = 100.0
QUICK_S = 25.0
RECORDER_WEIGHT = 5.0  # a recorder's blocks are as long as the time between its drains


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
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


def units(subjects: Sequence[Subject], chosen: Sequence[Channel], wishes: Wishes) -> tuple[Unit, ...]:
    """What to take, the most telling first.

    Args:
        subjects: The empty loop and the lanes.
        chosen: What a recording reads; none: no recorder is taken.
        wishes: Of the user.
    """
    middle_hz = min(wishes.rates_hz, key=lambda rate_hz: abs(math.log(rate_hz / RATE_HZ)))
    recorders = [WholeRecorder(chosen, is_thinned=thin) for thin in (False, True)] if chosen else []
    at_middle = [Unit(one, Way(rate_hz=middle_hz, load="busy"), RECORDER_WEIGHT) for one in recorders]
    others_hz = [rate_hz for rate_hz in wishes.rates_hz if rate_hz != middle_hz]
    found = at_middle
    for rate_hz in (middle_hz, *sorted(others_hz, reverse=True)):
        found += _lanes(subjects, rate_hz, wishes)
        if rate_hz == middle_hz and not (wishes.paces or wishes.loads or wishes.is_quick):
            found += _extras(subjects, rate_hz)
        if rate_hz != middle_hz and recorders:
            found.append(Unit(recorders[0], Way(rate_hz=rate_hz, load="busy"), RECORDER_WEIGHT))
    return tuple(_once(found))


def _lanes(subjects: Sequence[Subject], rate_hz: float, wishes: Wishes) -> list[Unit]:
    loads = wishes.loads or (("busy",) if wishes.is_quick else ("idle", "busy"))
    fifos = (False, True) if wishes.is_fifo else (False,)
    return [
        Unit(subject, Way(rate_hz=rate_hz, pace=pace, is_fifo=is_fifo, load=load))
        for subject in subjects
        for pace in wishes.paces or ("sleep",)
        for is_fifo in fifos
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
