"""Loads nearly in step with a counter that is updated slowly, as GPUs' are: every 5 ms or less often. Pure.

Frames, requests and training steps come 10 to 50 times a second, and so do a GPU's updates. A load whose
frequency is δ cycles an update away from a whole number of them shows in the energies of updates T apart as
a slow sine of amplitude a, its alias. Between two updates it swings the count by

    D = a T / (2 sin(π δ)),

five times as much at δ = 0.03. So where the updates around show one sine and little else, it may be a slow
load, or a quick one. Nobody can tell which: a slow load that is switched on and off shows in its harmonics,
and the alias of a quick one in the same. The quick one is taken to be possible where its power would stay
between zero and what the device may draw. A load in step to less than a cycle in 49 updates leaves no trace:
a part of a cycle is taken for power that changes slowly.

Near its ends a load lies among updates of others. What is so a little earlier or later, and would explain the
power here, is taken to be so here. Both ends of a window are off by the same swing, at phases as far apart as
in all windows of its length: together by twice of it where that is half a cycle; so they are ``aliased``.

:mod:`.ripple` does the same for counters of a millisecond, near which loads are rare, and asks more before it
takes a sine for an alias.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from ..trace.series import I64
from .interpolation import Interpolation, Segment
from .quanta import is_within
from .swings import ALIKE, CLEAR
from .update_times import AROUND, F64, SLOW_NS, Bools

_X = np.arange(-AROUND, AROUND + 1)
_WIDTH = len(_X)
_CYCLES = np.arange(0.25, _WIDTH / 2, 0.25)  # of a sine in the neighbourhood
_LEAST = 1.0  # cycles: a slower sine is power that changes slowly
_MOST_THERE = 40  # segments, below which there is no spectrum
_MOSTLY = 0.5  # of all that the power swings, so that noise passes for a sine in less than one case in 1000
_DISTANCE = 1.1  # from the straight line, root mean square in D, with a margin for the amplitude
_ROOM = 1.25  # of D, for which a quick load must have room: a square wave's is a triangle
_ABOUT_TWO = 0.4 * _WIDTH  # cycles from which on a load is of about two updates
_BESIDE = (-AROUND - 1, -AROUND // 2, AROUND // 2, AROUND + 1)  # the farthest ones look at none beyond
_LIKE = 1.3  # of half the swing: power within it may be of the same load
_SHOWN = 5  # updates that show a window of two, by the lag
_HIGHEST = 0.28  # of the swing between the power's lowest and mean: a square wave's, that of a sine is 0.2


class _Axes(NamedTuple):
    """Sines of all cycles, each freed of what a ramp has of it: float64[49, n] for cosines and for sines."""

    cosines: F64
    sines: F64


@cache
def _axes() -> _Axes:
    cosines, sines = np.empty((_WIDTH, len(_CYCLES))), np.empty((_WIDTH, len(_CYCLES)))
    for at, cycles in enumerate(_CYCLES.tolist()):
        angle = 2 * np.pi * cycles / _WIDTH * _X
        plain = np.stack((np.ones(_WIDTH), _X, np.cos(angle), np.sin(angle)), axis=1)
        cosines[:, at], sines[:, at] = np.linalg.qr(plain)[0][:, 2:].T
    return _Axes(cosines, sines)


def in_step(between: Interpolation, segment: Segment, most: float) -> F64:
    """Standard uncertainty, in counts, of a load that the updates around may be the alias of; 0: of none.

    Args:
        between: The counter's updates.
        segment: Where instants lie.
        most: Counts a nanosecond that the device may draw; infinite where nobody says.
    """
    found = _centred(segment, most, between.quantum)
    unexplained = np.flatnonzero((found == 0) & segment.near.is_dense & (segment.near.usual_ns >= SLOW_NS))
    if not len(unexplained):  # as of every counter of quick updates: each look costs, at nothing too
        return found
    here = segment.gained[unexplained] / segment.length_ns[unexplained]
    for apart in _BESIDE:
        k = segment.left[unexplained] + apart
        inside = np.flatnonzero((k >= 0) & (k < len(between.times)))
        asked = between.times.located(k[inside]).t_ns + 1
        at = 0
        for beside in between.segments(asked):
            these = inside[at : at + len(beside.left)]
            at += len(beside.left)
            rates = beside.near.rate, beside.near.is_usual
            top, bottom = (np.where(rates[1], rates[0], sign * np.inf) for sign in (-1, 1))
            top, bottom = top.max(1), bottom.min(1)
            is_like = np.abs(here[these] - (top + bottom) / 2) < _LIKE * (top - bottom) / 2
            of_those = np.where(is_like, _centred(beside, most, between.quantum), 0.0)
            found[unexplained[these]] = np.maximum(found[unexplained[these]], of_those)
    return found


def _centred(segment: Segment, most: float, quantum: int) -> F64:
    """The same, of the updates around each instant alone."""
    near, found = segment.near, np.zeros(len(segment.power))
    n = near.is_usual.sum(1)
    asked = np.flatnonzero((n >= _MOST_THERE) & near.is_dense & ~near.is_single & (near.usual_ns >= SLOW_NS))
    if not len(asked):
        return found
    found[asked] = swung(near.rate[asked], near.is_usual[asked], near.usual_ns[asked], most, quantum)
    return found


def swung(rate: F64, is_there: Bools, usual_ns: F64, most: float, quantum: float) -> F64:
    """float64[n]: what a load swings the count by whose alias powers around instants may be; 0: of none.

    Args:
        rate: float64[n, 2 AROUND + 1], power between updates, in any unit.
        is_there: Which of them count, ``_MOST_THERE`` at least.
        usual_ns: float64[n], between two updates.
        most: The largest power that the device may draw.
        quantum: The smallest step of what is counted, in the units of power times time.
    """
    n = is_there.sum(1)
    mean = np.where(is_there, rate, 0.0).sum(1) / n
    swing = np.where(is_there, rate - mean[:, None], 0.0)
    # The ramp of what is there: at an end of the trace that of all would be a swing itself.
    along = np.where(is_there, _X - ((is_there * _X).sum(1) / n)[:, None], 0.0)
    swing -= ((swing * along).sum(1) / (along * along).sum(1))[:, None] * along
    axes = _axes()
    cosine, sine = swing @ axes.cosines, swing @ axes.sines
    top = np.argmax(cosine**2 + sine**2, axis=1)
    rows = np.arange(len(top))
    of_cosine, of_sine = cosine[rows, top][:, None], sine[rows, top][:, None]
    own = (of_cosine**2 + of_sine**2)[:, 0]
    rest = swing - of_cosine * axes.cosines.T[top] - of_sine * axes.sines.T[top]
    is_alias = (own > _MOSTLY * (own + (rest * rest).sum(1))) & (_CYCLES[top] >= _LEAST)
    is_alias &= ~is_within(swing * usual_ns[:, None], quantum)
    size = np.sqrt(2 * own / n) * usual_ns / (2 * np.sin(np.pi * _CYCLES[top] / _WIDTH))
    highest = _HIGHEST * np.maximum(np.minimum(mean, most - mean), 0.0) * usual_ns
    # Of a load of about two updates the slow one swings the count as much.
    is_alias &= (_ROOM * size < highest) | (_CYCLES[top] > _ABOUT_TWO)
    return np.where(is_alias, np.minimum(_DISTANCE * size, highest), 0.0)


def has_its_own(
    between: Interpolation, ends: tuple[I64, I64], span_ns: tuple[F64, F64], step: F64, rough: F64
) -> Bools:
    """Whether one of the updates that show short windows is unlike both of its neighbours.

    If none is, what ran there had the power of what ran beside it: beside a step updates lie still.
    True as well of counters that are updated quickly, and of steps that updates' own scatter may hide.

    Args:
        between: The counter's updates.
        ends: int64[n] each: the last updates up to windows' beginnings and ends.
        span_ns: float64[n] each: when the first of their energy may be shown, and the last.
        step: float64[n]: how far power before and after is apart, counts a nanosecond.
        rough: float64[n]: how much one update scatters, counts.
    """
    usual_ns, last = between.times.learned.usual_ns, len(between.times) - 1
    within = ALIKE * rough / max(usual_ns, 1)
    found: Bools = (step <= CLEAR * within) | (usual_ns < SLOW_NS)
    asked = np.flatnonzero(~found)
    if len(asked):
        first, final = (each[asked] for each in ends)
        first = first - (span_ns[0][asked] < between.times.located(first).t_ns)
        final = final + (span_ns[1][asked] > between.times.located(np.minimum(final + 1, last)).t_ns)
        k = np.minimum(first[:, None] + np.arange(_SHOWN), final[:, None])
        before, own, after = (between.power(k + beside, k + beside + 1) for beside in (-1, 0, 1))
        unlike = np.minimum(np.abs(own - before), np.abs(own - after))
        found[asked] = (unlike > within[asked, None]).any(1)
    return found
