"""Loads near the sensor's own frequency that recordings of few updates leave open. Pure.

The readings of n updates show how a load near k / T creeps past the sensor. While it creeps by less than two
cycles nobody sees that it comes round. Let the logarithms of loads' frequencies be spread evenly over three
decades, from 0.03 / T on. Of these loads 0.06 / n are within 0.1 / n of one of the first three k / T: next to
none, so that readings that stand still are believed. But readings that move and come round less than twice
are of one within 2 / n of these for 1.1 / n, and of a slow one for ln(63 / n) / 6.9: of ten updates one in
four is a quick one, of sixty more than a half, and U may leave out 5 %. So power that moves in so few updates
may be of a load that creeps by 0.1 to 2 cycles.

Readings of all of the time have two levels then, 0.1 / n of its swing apart or more. Within an update the
energy strays from its line by m (1 - m / M) T at most, m being the mean and M the limit. Where readings turn
more often the edges may be irregular (:mod:`.irregular`).

Of a part c of the time readings show 0.1 H / c, or all of it: what they did not look at is anywhere between
two levels. A load that creeps by d T an update takes c / d updates from one level to the other, and stands at
one for (1 - c) / d at most. So levels that last, between edges of a reading, are of no such load, but of a
command between idle times. Nor are readings of such a load that stand at three levels, or that go from one
to the other more than four times.
"""

from __future__ import annotations

import numpy as np

from ..estimates.brackets import F64
from .aliasing import ANY_PART, Swings
from .irregular import OF_NOISE, of_scatter
from .little_known import FEW as LITTLE
from .readings import Readings, Shape
from .running import from_nearer

ENOUGH = 72  # updates, which show two beats of 0.97 or 1.03 T, and some more that tell them from one
_LEAST, _MOST = 0.1, 2.0  # cycles by which a load creeps in a recording
_APART = 3.0  # of the noise: nearer to each other two readings are alike
_AT_LEVEL = 0.15  # of all that readings span: as near they are at its upper or lower end
_MOSTLY, _SMALL = 0.55, 0.3  # of the readings, between both; of a period, a part in which a load rarely stays
_STANDS = 2  # readings alike between both, from which on they are a level
_CREEPS = 0.02  # of the same, by which readings of an edge that creeps past differ at least
_OF_TIP = 0.6  # of the energy from tip to tip: ends whose height readings tell have as much again for doubt


def swings_of_few(readings: Readings, none: Swings, most_w: float, noise_w: float) -> Swings:
    """The loads near a sensor's frequency that fewer than 72 readings may be of.

    Args:
        readings: The updates.
        none: What is found in them that comes round: nothing.
        most_w: What the device may draw.
        noise_w: Of a reading, at most.
    """
    watts, shown_w = readings.watts, float(np.ptp(readings.watts))
    if shown_w < 2 * OF_NOISE * noise_w:
        return none
    part = None if readings.shape is Shape.POINT else readings.coverage
    # The last read shows its update again: two readings that are one are no level.
    updates = watts[: -1 if watts[-1] == watts[-2] else None]
    is_of_part = (part is None or part < 1) and not _are_of_levels(updates, noise_w, part or ANY_PART)
    half: F64
    if is_of_part:
        half = np.full(1, min(shown_w * max((part or ANY_PART) / _LEAST, 1.0), most_w) / 2)
    elif part is None or (part >= 1 and not (readings.shape is Shape.HOLD and len(watts) < LITTLE)):
        half = _of_all(watts, most_w, noise_w) * (1.0 if part is None else _OF_TIP)
    else:
        return none  # and of fewer than LITTLE a mean may have all of its energy on one side of an edge
    half = half if len(half) == len(none.half_w) else np.full(len(none.half_w), half.max())
    # Of nothing that is declared and whose levels last, the power between readings is as they say.
    is_unseen = (half > 0) & (is_of_part or part is not None)
    return none._replace(half_w=half, unseen_w=np.where(is_unseen, np.inf, 0.0))


def _of_all(watts: F64, most_w: float, noise_w: float) -> F64:
    """float64[n]: half the swing of loads whose ends are as far off as may be: readings of all of the time.

    The beat of one has two levels, no farther apart than 2 / n of its swing: a larger step is power's own.
    """
    bounds = np.flatnonzero(np.abs(np.diff(watts)) > most_w * _MOST / len(watts)) + 1
    parts = [_of_one(part, len(watts), most_w, noise_w) for part in np.split(watts, bounds)]
    return np.concatenate(parts)


def _of_one(watts: F64, n: int, most_w: float, noise_w: float) -> F64:
    """The same of readings between two such steps, of n in all."""
    shown_w, none = float(np.ptp(watts)), np.zeros(len(watts))
    turns = _turns(watts, max(_AT_LEVEL * shown_w, _APART * noise_w))
    mean_w = float(np.clip(watts.mean(), 0.0, most_w))
    even_w = 2 * mean_w * (1 - mean_w / most_w)
    is_more = shown_w / 2 > even_w * np.sinc(1 - min((turns / 2 + 1) / len(watts), 0.5))
    if shown_w < 2 * OF_NOISE * noise_w or is_more:
        return none
    slowly_w = shown_w * n / (2 * _LEAST)
    if turns > 2 * _MOST:
        slowly_w = of_scatter(float(np.std(watts)))
    return none + min(slowly_w, even_w)


def _turns(watts: F64, apart_w: float) -> int:
    """How often readings turn by more than so much, from up to down or back."""
    turns, way, furthest = 0, 0.0, float(watts[0])
    for each in watts.tolist():
        moved = each - furthest
        if abs(moved) > apart_w and moved * way <= 0:
            turns, way = turns + (way != 0), moved
        if moved * way > 0:
            furthest = each
    return turns


def _are_of_levels(watts: F64, noise_w: float, part: float) -> bool:
    """Whether no load that creeps past a sensor that looks at a part of its period reads so."""
    shown_w = float(np.ptp(watts))
    off_w = max(_AT_LEVEL * shown_w, _APART * noise_w)
    at = np.where(watts > watts.max() - off_w, 1, np.where(watts < watts.min() + off_w, -1, 0))
    if np.count_nonzero(np.diff(at[at != 0])) > 2 * _MOST:
        return True
    begins = np.concatenate(([0], np.flatnonzero(np.diff(at)) + 1))
    lasts, is_level = np.diff(np.append(begins, len(at))), at[begins] != 0
    edge, crossed = lasts[~is_level].max(initial=0), (1 - 2 * _AT_LEVEL) * part
    # A load of which a recording is one edge creeps by no more than the part: of a small one few loads do.
    if part < _SMALL and len(watts) >= LITTLE and edge > _MOSTLY * len(watts):
        return True
    if lasts[is_level].max() > (1 - crossed) / crossed * (1 + edge):
        return True
    is_alike = from_nearer(watts) < min(_CREEPS * shown_w, _APART * noise_w)
    return bool(np.count_nonzero(is_alike & (at == 0)) >= _STANDS)
