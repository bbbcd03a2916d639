"""Readings that repeat: those of a load that comes round in a few updates, and the beats of a clock.

Readings of all of the time alternate under loads of about two updates. Of a load that is high for half of the
time they are a triangle of its phase, of a third of the mean square of their extremes. Of one that is high
for a fifth they are mostly extremes, of 0.73 of it; it swings by five times what they do from their middle,
and strays inside updates by 2.3 times as much.
"""

from __future__ import annotations

import numpy as np

from ...arrays import Bools
from ..counters.slow_updates import MOST_THERE, lines
from ..counters.update_times import AROUND
from ..estimates.brackets import F64
from .running import LOCAL, local_mean

ABOUT_TWO = 0.45  # cycles an update from which on a load is of about two updates
_STRAYS_MORE = 2.0  # (2.3 / 1.3 - 1) / (0.73 - 1 / 3): a triangle's height has a third of margin
_REPEATS = (3, 5, 7)  # updates; rectangles' even multiples are none, and the ninth part is small
_IN_STEP = 0.12  # of the mean square of independent differences: readings so far apart are alike
_ALIKE_AFTER = {2: 0.002, 3: 0.05, 5: 0.05, 7: 0.05}  # of their mean square, by which readings repeat
_OF_HALF = 0.05  # of what readings two updates apart differ by, those four apart
_UNLIKE_NEXT = 0.8  # of what neighbours differ by in a sine that comes round so often
_ROUND, _TWICE = 0.06, 2  # of the mean square: readings so far apart come round; how often they must
_BY_TURNS, _UNEVEN = 0.3, 0.05  # of what neighbours differ by; of the time
_ROWS = 4096  # at a time: each is 49 numbers
_CYCLES = 3.0  # in 49 readings, below which steps of power swing as one sine by chance
_TOGETHER = 4  # readings of which one is made, for slower beats
_LATER = 8  # cycles of readings, over which creeping adds up


def in_step(watts: F64, seen: F64, kept: float, cycles: tuple[F64, F64]) -> tuple[F64, F64]:
    """How far the mean of readings that repeat is from the power's, in watts, and for how many updates.

    Readings of a load that comes round in q updates, or nearly, are always of the same q phases of it. Their
    mean has its q-th multiple, which is 1 / q of what they would show of the load at their own frequency, and
    has it for as long as the phases take to creep over one. Of rectangles that are high for half of the time
    multiples of even q are none.

    Args:
        watts: float64[n], one for each update; n is 2 * 32 or more.
        seen: float64[n]: half of what the readings around swing by.
        kept: The share of a swing that a reading of all of the time keeps at the sensor's own frequency; else
            1: of q phases one more or one fewer is high.
        cycles: float64[n] each: how many readings show an update, and by how much they may be more or less.
    """
    off_w, updates, off = np.zeros(len(watts)), np.ones(len(watts)), watts - watts.mean()
    square = np.maximum(local_mean(off**2) - local_mean(off) ** 2, 1e-12)
    next_to = unlike_after(off, 1) / square
    for q in _REPEATS:
        apart = unlike_after(off, q) / square
        is_one = (apart < _IN_STEP) & (next_to > _UNLIKE_NEXT * (1 - np.cos(2 * np.pi / q)))
        multiple_w = kept * seen / q
        is_more = is_one & (multiple_w > off_w)
        off_w = np.where(is_more, multiple_w, off_w)
        # Two edges a cycle change by all of the swing: the phases creep by apart / 4 cycles in q updates, and
        # by more if readings see edges slowly. How far they jitter is the same after many cycles.
        creep = np.minimum(apart, unlike_after(off, _LATER * q) / square / _LATER) / 4
        whole = q * cycles[0]
        creep = np.maximum(creep, np.abs(whole - np.rint(whole)) - q * cycles[1])
        updates = np.where(is_more, 1 / (np.pi * np.maximum(creep, 1e-9)), updates)
    return off_w, updates


def comes_round(watts: F64) -> Bools:
    """bool[n]: whether readings around each come round as they were, twice, before it or after it.

    Of a load with a clock they do, once in a beat of up to 64 updates: in between they are less like what
    they were than independent readings are. Levels that last by chance rarely come round twice, and of a
    load whose edges vary by more than a tenth of a beat the second cycle is no longer like the first.

    Args:
        watts: float64[n], one for each update.
    """
    n, off = len(watts), watts - watts.mean()
    square = np.maximum(local_mean(off**2) - local_mean(off) ** 2, 1e-12)
    alike = _ROUND * square
    rounds, was_unlike = np.zeros((2, n), np.int8), np.zeros((2, n), bool)
    for q in range(1, min(4 * LOCAL, n)):
        unlike = local_mean((off[q:] - off[:-q]) ** 2 / 2)
        for side, at in ((0, slice(n - q)), (1, slice(q, n))):
            was = was_unlike[side, at]
            is_round = was & (unlike < alike[at])
            rounds[side, at] += is_round
            was ^= is_round  # it is one where it was unlike
            was |= unlike > square[at]
    return np.asarray((rounds >= _TWICE).any(0))


def by_turns(watts: F64, middle: F64, seen: F64, coverage: float) -> F64:
    """float64[n]: 0, or in how many cycles an update readings by turns go and come back.

    A load of about 2 T that is high for a small part of it is seen in every second reading at most, and in
    none for as long as neither of the two phases that are looked at meets it. These creep by s T in q
    updates, so that readings differ by H s / c for c / 2 of the time at either edge: half their mean square
    is H² s² / 2 c. After T either phase is where the other was.

    Args:
        watts: float64[n], one for each update; n is 2 * 32 or more.
        middle: float64[n]: of what the readings around swing by.
        seen: float64[n]: half of it.
        coverage: Which part of its period each is the mean of: c.
    """
    next_to, second = unlike_after(watts, 1), unlike_after(watts, 2)
    above = local_mean((watts > middle) / 1.0)
    is_one = (second < _BY_TURNS * next_to) & (np.abs(above - 0.5) > _UNEVEN)
    swing2 = np.maximum(4 * seen**2, 1e-12)
    creep = [np.sqrt(2 * coverage * unlike_after(watts, q) / swing2) / q for q in (2, 8)]
    return np.where(is_one, np.maximum(*creep), 0.0)


def rectangles(watts: F64, levels: tuple[F64, F64, F64], phi: F64, half: F64) -> tuple[F64, F64]:
    """Half the swing of loads, of which those of two updates are rectangles: at least, and as they stray.

    Args:
        watts: float64[n], one for each update, of all of its time.
        levels: Their middle, half of what they swing by, and half of the widest swing around the middle.
        phi: Cycles an update.
        half: Half the swing of sines.

    Returns:
        float64[n] each, watts: the least that readings allow, and what accounts for how far power strays.
    """
    middle, seen, _ = levels
    rectangle = np.maximum(seen * (1 - phi) / phi, seen)
    share = local_mean((watts - middle) ** 2) / np.maximum(seen**2, 1e-12)
    strays = rectangle * (1 + _STRAYS_MORE * np.clip(share - 1 / 3, 0.0, 0.5))
    is_two = phi > ABOUT_TWO
    return np.where(is_two, np.minimum(half, rectangle), half), np.where(is_two, strays, half)


def of_few_phases(watts: F64, noise_w: float) -> Bools:
    """bool[n]: whether readings come round in a few updates, so that they are of a few phases of a load."""
    scatter2 = np.maximum(local_mean((watts - local_mean(watts)) ** 2), 1e-12)
    found = np.zeros(len(watts), bool)
    for q, most in _ALIKE_AFTER.items():
        if q < len(watts):
            found |= unlike_after(watts, q) < most * scatter2 + (noise_w**2 if q == 2 else 0.0)
    # Of two or four updates they come round in four; of nearly two they alternate, and creep as much in four.
    if len(watts) > 4:
        found |= unlike_after(watts, 4) < _OF_HALF * unlike_after(watts, 2)
    return found & (scatter2 > 4 * noise_w**2)


def unlike_after(off: F64, q: int) -> F64:
    """Half the mean square by which readings q updates apart differ, around each; inf: there are none."""
    if q >= len(off):
        return np.full(len(off), np.inf)
    halves = local_mean((off[q:] - off[:-q]) ** 2 / 2)
    return np.concatenate((halves, np.full(q, halves[-1])))


def is_one_line(watts: F64) -> Bools:
    """bool[n]: whether one sine has most of what readings around each do, as in loads near their frequency.

    Steps and noise have no such line. Edges that are irregular spread one over the frequencies beside it. A
    load within some percent of the reads' frequency has too few cycles in these, and shows in means of four.

    Args:
        watts: float64[n], one for each read.
    """
    fours = watts[: len(watts) // _TOGETHER * _TOGETHER].reshape(-1, _TOGETHER).mean(1)
    of_four = np.repeat(_have_line(fours), _TOGETHER)
    found = _have_line(watts)
    found[: len(of_four)] |= of_four
    return found


def _have_line(watts: F64) -> Bools:
    """The same of each value and the 24 on either side of it, or as many as there are, 40 in all at least."""
    spare = 2 * AROUND + 1 - MOST_THERE
    if len(watts) < MOST_THERE:
        return np.zeros(len(watts), bool)
    of, is_there = (
        np.lib.stride_tricks.sliding_window_view(np.pad(each, spare), 2 * AROUND + 1)
        for each in (watts, np.ones(len(watts), bool))
    )
    is_one = []
    for first in range(0, len(of), _ROWS):
        found = lines(of[first : first + _ROWS], is_there[first : first + _ROWS])
        is_one.append(found.is_one & (found.cycles >= _CYCLES))
    each = np.clip(np.arange(len(watts)) - AROUND + spare, 0, len(of) - 1)
    return np.concatenate(is_one)[each]
