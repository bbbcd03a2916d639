"""Loads nearly in step with a counter that is updated slowly, as GPUs' are: every 5 ms or less often. Pure.

Frames, requests and training steps come 10 to 50 times a second, and so do a GPU's updates. A load whose
frequency is δ cycles an update away from a whole number of them shows in the energies of updates T apart as
a slow sine of amplitude a, its alias. Between two updates it swings the count by

    D = a T / (2 sin(π δ)),

five times as much at δ = 0.03. So where the updates around show one sine and little else, it may be a slow
load, or a quick one. Nobody can tell which: a slow load that is switched on and off shows in its harmonics,
and the alias of a quick one in the same. The quick one is taken to be possible where its power would stay
between zero and what the device may draw.

Updates jitter, which moves their counts by as much as a weak beat gains in one (33 ms in updates of 100 ms).
So the energies of four updates each are looked at, too: a beat gains four times as much in them, and jitter
moves them by no more. They show loads of 1 % beside T, T/2 … T/5. A load in step to less than 1.75 cycles in
196 updates leaves no trace: a part of a cycle is taken for power that changes slowly.

Of a load whose edges are irregular the phase creeps, which spreads its sine over a few frequencies beside it:
within two cycles in 49 updates more than half of what a load of 1.3 T swings with edges that differ by a
fifth. Such a band is taken for the alias of a quick load that has as much, unless it is so little that jitter
makes it. Edges that differ by a fifth at 1 to 1.1 T spread over all frequencies, as bursts do.

Near its ends a load lies among updates of others. What is so a little earlier or later, and would explain the
power here, is taken to be so here.

A window's energy has the slow sine's difference between its ends, which the updates show, and lacks that of
the quick load, which nothing does. The first is known with its sign: so much of the energy is wrong if this
is a quick one (``bounded``, one cause of all windows, which cancels between adjoining ones). The second is of
any phase at either end, and at both ends of windows of half a cycle more it is the same, twice: ``aliased``.
Windows of one name may lie at one phase of the load, and their sum is off by all of their ends. What steps
and the lag would do to a slow load is no more than that, and is not added.

Reads of any counter that are no denser than its updates have loads near their own frequency in the same way.

:mod:`.ripple` does the same for counters of a millisecond, near which loads are rare, and asks more before it
takes a sine for an alias.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from ...arrays import runs, taken
from ...trace.series import I64
from ..estimates.uncertainty import ROOT_3, ROOT_12
from .interpolation import Interpolation, Segment
from .neighbourhood import Neighbourhood
from .quanta import is_within
from .swings import ALIKE, CLEAR
from .update_times import AROUND, F64, SLOW_NS, Bools, Located

_X = np.arange(-AROUND, AROUND + 1)
_WIDTH = len(_X)
_CYCLES = np.arange(0.25, _WIDTH / 2, 0.25)  # of a sine in the neighbourhood
_LEAST, _LEAST_TOGETHER = 1.0, 1.75  # cycles: a slower sine is power that changes slowly
MOST_THERE = 40  # segments, below which there is no spectrum
_BAND = np.arange(-2, 3) * 4  # of _CYCLES: two cycles on either side, where a load with irregular edges is
_IN_BAND = 0.47  # of all that the power swings, from which on there is one: noise has 0.35 in the best five
_BAND_FROM = 3.0  # cycles: what wanders more slowly is power that does
_OF_JITTER = 0.02  # of an update's energy, within which updates that jitter make bands by chance
_MOSTLY = 0.5  # of all that the power swings, so that noise passes for a sine in less than one case in 1000
_DISTANCE = 1.1  # from the straight line, root mean square in D, with a margin for the amplitude
_OF_SAW = _DISTANCE * ROOT_12 / math.pi  # of a sawtooth's standard deviation, what its sine swings by
_RARE = 2  # longest times between updates, from which on reads are rare
_OF_SCATTER = math.sqrt(5 / 3) / 0.7  # of what reads scatter by: at an instant, and at the two beside it
_SLOPE = 4 * ROOT_3  # of what a triangle strays by, root mean square, its slope in one of its cycles
_BLOCK = 8  # reads, in which a load near their frequency has one power at all
_ROOM = 1.25  # of D, for which a quick load must have room: a square wave's is a triangle
_ABOUT_TWO = 0.4 * _WIDTH  # cycles from which on a load is of about two updates
_BESIDE = (-AROUND - 1, -AROUND // 2, AROUND // 2, AROUND + 1)  # the farthest ones look at none beyond
_TOGETHER = 4  # updates of which one is made, for slower beats
REACH = _TOGETHER * (2 * AROUND + 2)  # updates on either side of an instant that are looked at
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
        axes, along = np.linalg.qr(plain)
        cosines[:, at], sines[:, at] = (axes * np.sign(np.diag(along)))[:, 2:].T
    return _Axes(cosines, sines)


class Beat(NamedTuple):
    """The slow sine of a load nearly in step, as n instants see it: float64[n], in counts.

    Attributes:
        size: By how much such a load swings the count, root mean square; 0: there is none.
        cosine: Of the sine of the count at the updates, at the middle of what was looked at.
        sine: The same, a quarter of a cycle on.
        turn: Its angle from one update to the next; 0: no slow sine shows it, but how counts scatter.
    """

    size: F64
    cosine: F64
    sine: F64
    turn: F64

    def put(self, these: I64, other: Beat) -> None:
        """Takes another one for some of the instants, where it is larger."""
        is_larger = other.size > self.size[these]
        for own, column in zip(self, other, strict=True):
            own[these[is_larger]] = column[is_larger]

    def moved(self, updates: float) -> Beat:
        """The same, seen from so many updates further on."""
        angle = self.turn * updates
        cosine, sine = np.cos(angle), np.sin(angle)
        turned = self.cosine * cosine + self.sine * sine, self.sine * cosine - self.cosine * sine
        return Beat(self.size, *turned, self.turn)

    def beyond(self, known: F64) -> F64:
        """float64[n]: the size beyond that of updates that march past readings, and are known to that (u)."""
        return np.sqrt(np.maximum(self.size**2 - (_OF_SAW * known) ** 2, 0.0))

    def counted(self, part: F64) -> F64:
        """float64[n]: how far it moves the count at parts of the way from one update to the next.

        A quick load moves the count there by something else: this much is not so of it.
        """
        found: F64 = (1 - part) * self.cosine + part * self.moved(1.0).cosine
        return found


def _none(n: int) -> Beat:
    return Beat(*np.zeros((4, n)))


def strays(between: Interpolation, segment: Segment, most: float, longest_ns: int) -> Beat:
    """The beat of a load in step, or what one strays by of which reads at uneven times show no beat.

    Counts of readings that are no denser than updates scatter by where in a load each of them came. Between
    two of them the count strays by that, and by that of both. Near the frequency of reads they scatter by
    little if those are hardly uneven, and go with them: at each read the load has the power of its phase.

    Args:
        between: The counter's updates.
        segment: Where instants lie.
        most: Counts a nanosecond that the device may draw; infinite where nobody says.
        longest_ns: Between two updates.
    """
    # Of seldom reads many instants lie between the same two, of which it is asked once.
    first, of = runs(segment.left)
    found, near = taken(in_step(between, taken(segment, first), most), of), segment.near
    is_rare = ~near.is_dense & (near.usual_ns >= np.maximum(SLOW_NS, _RARE * longest_ns))
    late_ns = longest_ns / ROOT_12
    strayed = np.where(near.rough > segment.power * late_ns, near.rough, 0.0)
    uneven = np.flatnonzero(is_rare & (near.uneven_ns > late_ns))
    if len(uneven):
        of_reads = _power_at_reads(near, uneven) * near.usual_ns[uneven] / _SLOPE
        room = np.minimum(segment.power, most - segment.power)[uneven] * near.usual_ns[uneven]
        strayed[uneven] = np.maximum(strayed[uneven], np.minimum(of_reads, _HIGHEST * room))
    found.put(
        np.flatnonzero(is_rare), _none(int(is_rare.sum()))._replace(size=_OF_SCATTER * strayed[is_rare])
    )
    return found


def _power_at_reads(near: Neighbourhood, these: I64) -> F64:
    """float64[m]: root mean square of power at reads beyond the mean, if counts go with how uneven these are.

    Between two reads that are v0 and v1 late a load near their frequency counts (v1 - v0) P beyond the mean,
    where P is its power there beyond the mean. What slow power counts does not go with v1 - v0.
    """
    length, is_there = near.length_ns[these], near.is_usual[these]
    gained = near.rate[these] * length
    mean = np.where(is_there, gained, 0.0).sum(1) / np.maximum(np.where(is_there, length, 0.0).sum(1), 1.0)
    is_whole = is_there[:, 2:] & is_there[:, 1:-1] & is_there[:, :-2]
    uneven, beyond = (
        np.where(is_whole, np.diff(each, 2, axis=1), 0.0)
        for each in (length, gained - mean[:, None] * length)
    )
    both, late, every = (_in_blocks(each) for each in (uneven * beyond, uneven**2, beyond**2))
    explained, late = (both**2 / np.maximum(late, 1e-300)).sum(1), np.maximum(late.sum(1), 1e-300)
    return np.where(explained > _MOSTLY * every.sum(1), np.sqrt(explained / late), 0.0)


def _in_blocks(values: F64) -> F64:
    """float64[n, m]: sums of so many in a row."""
    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    found: F64 = sums[:, _BLOCK:] - sums[:, :-_BLOCK]
    return found


def in_step(between: Interpolation, segment: Segment, most: float) -> Beat:
    """The beat of a load that the updates around may be the alias of.

    Args:
        between: The counter's updates.
        segment: Where instants lie.
        most: Counts a nanosecond that the device may draw; infinite where nobody says.
    """
    near, found = segment.near, _centred(segment, most, between.quantum)
    unexplained = np.flatnonzero((found.size == 0) & (near.usual_ns >= SLOW_NS))
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
            is_like = _is_like(here[these], beside.near.rate, beside.near.is_usual)
            of_those = _centred(beside, most, between.quantum).moved(-apart)
            found.put(unexplained[these[is_like]], taken(of_those, is_like))
    slow = np.flatnonzero((near.usual_ns >= SLOW_NS) & ~near.is_single)
    _add_slow_beats(found, between, segment, slow, most)
    return found


def _add_slow_beats(found: Beat, between: Interpolation, segment: Segment, these: I64, most: float) -> None:
    """The same by the energies of four updates each, which scatter less: of slow beats, and of weak ones."""
    left, usual_ns = segment.left[these], segment.near.usual_ns[these]
    on = taken(segment.start, these)
    here = segment.gained[these] / segment.length_ns[these]
    scatters = ALIKE * segment.near.rough[these] / usual_ns
    for apart in (0, *_BESIDE):
        rate, is_there = _rows(between, left[:, None] + _TOGETHER * (_X + apart), on)
        is_asked = is_there.sum(1) >= MOST_THERE
        is_asked &= (apart == 0) | _is_like(here, rate, is_there & (-apart != _X), scatters)
        asked = np.flatnonzero(is_asked)
        if len(asked):
            of = swung(rate[asked], is_there[asked], usual_ns[asked], most, between.quantum, _TOGETHER)
            found.put(these[asked], of.moved(-apart * _TOGETHER))


def _rows(between: Interpolation, middle: I64, on: Located) -> tuple[F64, Bools]:
    """float64[n, m]: the powers of so many updates around others, and which of them all are there."""
    first = middle - _TOGETHER // 2
    is_there = (first >= 0) & (first + _TOGETHER < len(between.times))
    return between.power(first, first + _TOGETHER, on), is_there


def _is_like(here: F64, rate: F64, is_there: Bools, scatters: F64 | float = 0.0) -> Bools:
    """bool[n]: whether power is within what others, float64[n, m], swing by, and what it may scatter."""
    top, bottom = (np.where(is_there, rate, sign * np.inf) for sign in (-1, 1))
    highest, lowest = top.max(1), bottom.min(1)
    with np.errstate(invalid="ignore"):  # where nothing is there
        found: Bools = np.abs(here - (highest + lowest) / 2) < _LIKE * (highest - lowest) / 2 + scatters
    return found


def _centred(segment: Segment, most: float, quantum: int) -> Beat:
    """The same, of the updates around each instant alone."""
    near, found = segment.near, _none(len(segment.power))
    n = near.is_usual.sum(1)
    asked = np.flatnonzero((n >= MOST_THERE) & ~near.is_single & (near.usual_ns >= SLOW_NS))
    if not len(asked):
        return found
    of = swung(near.rate[asked], near.is_usual[asked], near.usual_ns[asked], most, quantum)
    found.put(asked, of.moved(-0.5))  # from the middle of its update back to the one before it
    return found


def swung(rate: F64, is_there: Bools, usual_ns: F64, most: float, quantum: float, each: int = 1) -> Beat:
    """The beat of loads whose alias powers around instants may be.

    Args:
        rate: float64[n, 2 AROUND + 1], power between updates, in any unit.
        is_there: Which of them count, ``MOST_THERE`` at least.
        usual_ns: float64[n], between two updates.
        most: The largest power that the device may draw.
        quantum: The smallest step of what is counted, in the units of power times time.
        each: Of how many updates each power is.
    """
    n = is_there.sum(1)
    mean = np.where(is_there, rate, 0.0).sum(1) / n
    found = lines(rate, is_there, each)
    top, is_alias, is_band = found.top, found.is_one, found.is_band
    turn = 2 * np.pi * _CYCLES[top] / _WIDTH
    counted = math.sqrt(2 * _WIDTH) / n * each * usual_ns / (2 * np.sin(turn / 2))
    size = np.sqrt(np.where(is_band, found.banded, found.cosine**2 + found.sine**2)) * counted
    is_alias = is_alias | is_band & (size > _OF_JITTER * mean * usual_ns)
    is_alias &= ~is_within(found.swing * (each * usual_ns)[:, None], quantum)
    highest = _HIGHEST * np.maximum(np.minimum(mean, most - mean), 0.0) * usual_ns
    # Of a load of about two updates the slow one swings the count as much.
    is_two = (each == 1) & (_CYCLES[top] > _ABOUT_TWO)
    is_alias &= (_ROOM * size < highest) | is_two
    # What a sine gains from one update to the next is a quarter of a cycle ahead of it.
    shown = counted * is_alias
    return Beat(
        np.minimum(_DISTANCE * size, highest) * is_alias,
        -found.sine * shown,
        found.cosine * shown,
        turn / each,
    )


class Lines(NamedTuple):
    """The sine that fits each of n rows of powers best, apart from a ramp.

    Attributes:
        swing: float64[n, m]: the powers without their mean and ramp.
        top: int64[n]: its number in ``_CYCLES``.
        cosine: float64[n]: its share of the row, as of a unit vector.
        sine: The same, a quarter of a cycle on.
        banded: float64[n]: the squares of the sines about it; 0 where each is of several updates.
        is_one: bool[n]: whether it has most of what the row swings, and is no slower than power may go.
        is_band: bool[n]: whether not it, but the sines about it have.
    """

    swing: F64
    top: I64
    cosine: F64
    sine: F64
    banded: F64
    is_one: Bools
    is_band: Bools

    @property
    def cycles(self) -> F64:
        """float64[n]: of the sine in the row."""
        return _CYCLES[self.top]


def lines(rate: F64, is_there: Bools, each: int = 1) -> Lines:
    """What sines rows of powers show, of which ``is_there`` count; each of so many updates."""
    n = is_there.sum(1)
    mean = np.where(is_there, rate, 0.0).sum(1) / n
    swing = np.where(is_there, rate - mean[:, None], 0.0)
    # The ramp of what is there: at an end of the trace that of all would be a swing itself.
    along = np.where(is_there, _X - ((is_there * _X).sum(1) / n)[:, None], 0.0)
    swing -= ((swing * along).sum(1) / (along * along).sum(1))[:, None] * along
    axes = _axes()
    cosine, sine = swing @ axes.cosines, swing @ axes.sines
    spectrum = cosine**2 + sine**2
    top = np.argmax(spectrum, axis=1)
    rows = np.arange(len(top))
    of_cosine, of_sine = cosine[rows, top], sine[rows, top]
    own = of_cosine**2 + of_sine**2
    rest = swing - of_cosine[:, None] * axes.cosines.T[top] - of_sine[:, None] * axes.sines.T[top]
    least = _LEAST if each == 1 else _LEAST_TOGETHER
    every = own + (rest * rest).sum(1)
    is_one = (own > _MOSTLY * every) & (_CYCLES[top] >= least)
    banded = _banded(spectrum, top) if each == 1 else np.zeros(len(top))
    is_band = ~is_one & (banded > _IN_BAND * every) & (_CYCLES[top] >= _BAND_FROM)
    return Lines(swing, top, of_cosine, of_sine, banded, is_one, is_band)


def _banded(spectrum: F64, top: I64) -> F64:
    """float64[n]: the squares of the sines within two cycles of the top one, which share next to nothing."""
    at = top[:, None] + _BAND
    is_there = (at >= 0) & (at < len(_CYCLES))
    squares = np.take_along_axis(spectrum, np.clip(at, 0, len(_CYCLES) - 1), 1)
    found: F64 = np.where(is_there, squares, 0.0).sum(1)
    return found


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
