"""Loads near the sensor's own frequency, as far as readings betray them.

A load with a period of nearly the update period T (or T / k) is seen a little earlier or later at each
update, so the readings swing slowly, once in T / phi, where phi is how far the load's frequency is from the
sensor's. A mean over the whole period shows about phi of the true swing H; a mean over a part of it nearly
all. So readings that swing by a, again and again, may be a slow load that swings by a, or a fast one that
swings by a / sinc((1 - phi) w / T): nobody can tell. The second is taken to be possible where its power
would stay between 0 and what the device may draw, for whatever part of the time it is high. Of a sensor
that looks at a part of the time, a slow load shows in steps and a fast one as a smooth swing, because its
part creeps over the load's edges: there the swing must be smooth.

Readings that alternate are of a load of about two updates (phi near 1/2), a little quicker or slower, and by
turns they show all of it and next to nothing. phi is then in how successive differences d go together:
cos(2 π phi) = Σ d_i d_(i+1) / Σ d_i². A load of rectangles swings by (1 - phi) / phi of what its readings
do at their widest, and not by less. Readings that no sine explains may be of a load near the sensor's
frequency too, one whose edges are irregular (:mod:`.irregular`).

Quicker beats, of three to a dozen updates, are told from slow loads by how many of the parts that are looked
at have an edge in them: of a fast load at least half. Any f = k +- phi cycles an update may be meant that fit
between 0 and the limit. One that is slow, or in drift or noise, shows as it comes round (:mod:`.beats`).

If nobody knows which part of its period a sensor looks at, a slow load's readings may be a fast one's: at 2 %
of T those of 17.3 T are those of 0.945 T. But only a clock's beat comes round as it was (:mod:`.repeating`).

What a fast one does to a figure: inside a period energy leaves its line by up to H T / 4; and of a sensor
that looks at a part of it, readings of less than a cycle T / phi are not its mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...arrays import Bools
from ...trace.series import I64
from ..estimates.brackets import F64
from .beats import DUTY, LONGEST, RARELY, ROOM, Beats, beats
from .coming_round import BY_EDGES, SLOWEST, UNSURE, Differences, cycles_shown, height
from .irregular import BLOCKS, OF_NOISE, creeping_w, irregular_w, means_astray_w, unlike_one
from .repeating import (
    ABOUT_TWO,
    by_turns,
    comes_round,
    in_step,
    is_one_line,
    rectangles,
    unlike_after,
)
from .running import LOCAL, extreme, from_nearer, local_mean
from .smoothness import as_smooth, smoothness

_TIME = 192  # updates, of which fewer leave a swing no time to come round
_OF_EDGES = 0.78  # of a cycle an update: two edges, each known to half an update, in 95 of 100
_A_THIRD = 0.34  # cycles an update, from which on what readings show is how they alternate
_PLAIN = 0.01  # of a swing at its own frequency: no plain mean keeps so much, and a capacitor does
_STUCK = 0.002  # of the mean square: less of it is unlike where no half beat is seen
_ONE = 0.35  # of what scattering readings have: a beat of one load and its harmonics leave less
_ONE_OF_EDGES = 0.55  # the same, if edges are irregular: those in the parts looked at tell more
_GO, _LESS = 0.1, 0.2  # r of successive differences of a sine at most, and by how much flat tops lessen it
_EXTREME = 0.95  # of half the swing: further out a reading is of a level
_CREEPS, _SLOWLY = 0.15, 0.25  # readings of an edge differ by 0.15 phi / c of half the swing; phi / c at most
_ALIKE = 3.0  # of the noise: within it two readings are of one level
_FEWER, _MORE = 0.02, 0.2  # by which shares of readings with an edge differ by chance
_OF_PHASES = 0.05  # the same of a load that comes round: of 13 phases one has an edge, or none
_PART, _LEAST_PART = 0.1, 0.02  # of a cycle, to which readings with an edge show x, and the least x
QUICKEST = 5  # updates' frequencies of which a beat may be the alias
_WEAK = 12.0  # times the noise: what swings by more is no less than it
_ALL_ALONG = 0.95  # of the updates, in which a beat shows that comes round by a clock
_LARGER = 1.5  # times as large, a beat is another load
ANY_PART = 0.25  # of its period, where nobody knows which part of it a sensor looks at
_BESIDE = (-36, -24, -12, 12, 24, 36)  # the farthest ones look at none beyond


class Swings(NamedTuple):
    """The fast load that n readings may be of.

    Attributes:
        half_w: float64[n]: half of how far its power would swing; 0 where there is none.
        phi: float64[n]: its cycles an update, as the readings show them.
        period: float64[n]: its true period in updates: 2, where readings show it by turns, or at most 1.
        is_two: bool[n]: whether it is of about two updates, and readings alternate by more than those of a
            quicker one could, a cycle and a half in each of them.
        astray_w: float64[n]: how far the mean of readings that repeat is from the power's.
        for_updates: float64[n]: for how many updates it is so.
        creeping_w: float64[5, n]: how far the mean of 16, 32 … 256 readings strays from the power's where
            the load's phase creeps past a sensor that does not weigh all of a period alike, without a clock.
        shorter: float64[n]: for which part of its period it is high, or low, at least, where the readings are
            of one period as far as they show; else 0.
        unseen_w: float64[n]: by how much the mean of a few readings of a part of it is off; inf: by anything.
        unsure: float64[n]: by how much more or less than ``phi`` its cycles an update may be.
        is_of_one: bool[n]: whether readings of a part of the time are of one load: gaps add nothing to how
            far their means stray.
    """

    half_w: F64
    phi: F64
    period: F64
    is_two: Bools
    astray_w: F64
    for_updates: F64
    creeping_w: F64
    shorter: F64
    unseen_w: F64
    unsure: F64
    is_of_one: Bools

    @property
    def moving_w(self) -> F64:
        """Of half its swing, what a load in step with the sensor would move as much energy with."""
        return self.half_w * self.period

    def astray_j(self, at: I64, length_s: F64, update_s: float) -> F64:
        """How far the energy of windows at some readings strays where those repeat."""
        return self.astray_w[at] * np.minimum(length_s, self.for_updates[at] * update_s)


def swings(
    watts: F64,
    coverage: float | None,
    most_w: float,
    noise_w: float,
    least: float = 1e-6,
    differences: Differences | None = None,
    *,
    is_seldom: bool = False,
) -> Swings:
    """What fast loads some readings may be of.

    Args:
        watts: float64[n], one for each update.
        coverage: Which part of its period each is the mean of; None: nobody knows.
        most_w: What the device may draw.
        noise_w: Of a reading.
        least: The share of a swing that a reading keeps at the sensor's own frequency.
        differences: Where ``watts`` are worked out from means of longer times, by how much those differ.
        is_seldom: Whether readings are of a part of the time between reads, or nobody knows of which.
    """
    n, is_any = len(watts), coverage is None
    coverage = 1.0 if coverage is None else coverage  # the mean of a period hides most
    if n < LOCAL:
        return _none(n)
    is_scatter = None if differences is None else differences.is_scatter
    seen, middle = _spanned(watts, is_scatter)
    cycles = cycles_shown(watts, middle, seen, differences)
    phi = cycles.each
    if differences is not None:
        seen = np.minimum(seen, differences.half_w(phi))
    half = seen / np.hypot(np.sinc((1 - phi) * max(coverage, 1e-3)), least)
    nearer = np.maximum(np.minimum(middle, most_w - middle), 0.0)
    room = widest = ROOM * nearer
    levels, least_half = (middle, seen, room), half
    if coverage >= 1:
        # Readings of about two updates alternate, however long their load is high; those of bursts do, too.
        widest = np.where(phi < _A_THIRD, ROOM * _widest(watts, cycles.above, most_w), room)
        least_half, of_two = rectangles(watts, levels, phi, half)
        half = half if is_any or least > _PLAIN else of_two
    is_possible = (least_half < widest) & (seen > OF_NOISE * noise_w)
    # What does not come round is power that goes slowly, where there is time to.
    turns = is_one_line(watts) if is_seldom and least > _PLAIN else (phi > SLOWEST) | (n < _TIME)
    is_possible &= turns if coverage >= 1 else smoothness(watts, seen) > as_smooth(coverage, phi)
    most = _as_even(np.full(n, most_w / 2), nearer)
    shown = np.minimum(_as_even(np.minimum(half, widest), nearer), most)
    found, period = np.where(is_possible, shown, 0.0), np.ones(n)
    parts = _Parts(watts, coverage, noise_w, comes_round(watts) if coverage < 1 else np.zeros(n, bool))
    if coverage >= 1:
        found = np.maximum(found, np.minimum(irregular_w(watts, levels, noise_w, is_scatter), most))
    else:
        quick, of = _quick(parts, phi, levels, _is_beat(watts, phi, levels, noise_w))
        found, period = np.where(quick * of > found, (quick, of), (found, period))
    # Edges that creep through the part in less than a reading are as those of a slow load.
    is_line = is_seldom & (is_any | (coverage < phi))
    found = np.maximum(found, _of_reads(watts, levels, noise_w, most if is_any else None, is_line))
    # Of two updates and not a little more or less, readings show as much of it as the phases chance to.
    square = local_mean((watts - middle) ** 2)
    is_stuck = (phi > ABOUT_TWO) & (unlike_after(watts, 2) < _STUCK * square + noise_w**2)
    found = np.where(is_stuck & (seen > OF_NOISE * noise_w), room, found)
    quicker = seen / np.hypot(np.sinc((1 + phi) * max(coverage, 1e-3)), least)
    is_two = (found > 0) & (phi > ABOUT_TWO) & (quicker > widest) & (coverage >= 1)
    beat = beats(watts, coverage, most_w, noise_w, least)
    whole, phi, period, unsure = _as_beside(
        watts, middle, seen, np.stack((found, phi, period, cycles.unsure))
    )
    # Of an odd number of phases one more or one fewer is high.
    creeps = phi, np.where(phi < BY_EDGES, unsure, np.inf)  # how readings alternate is that of a sine
    astray = in_step(watts, seen, least if coverage >= 1 and not is_any else 1.0, creeps)
    longer = _longer(cycles.above, np.minimum(DUTY, _OF_EDGES * cycles.each + cycles.unsure / cycles.each))
    shorter = np.where(unlike_one(watts - middle) < _ONE, 1 - longer, 0.0)
    rounds, none = parts.comes_round, np.zeros((len(BLOCKS), n))
    of_swings = Swings(whole, phi, period, is_two, *astray, none, shorter, whole * period, unsure, rounds)
    either = _with_others(of_swings, beat, parts, levels, is_any=is_any)
    is_fast = either.half_w > 0
    if coverage >= 1:
        return either._replace(creeping_w=creeping_w(watts, is_fast, least * room))
    has_clock = rounds | (local_mean((beat.half_w > 0) / 1.0, LONGEST // 2) > _ALL_ALONG)
    astray_w = means_astray_w(watts, is_fast & ~has_clock)
    return either._replace(creeping_w=astray_w, is_of_one=rounds | (astray_w[0] > 0))


class _Parts(NamedTuple):
    """Readings, float64[n], of a part of each update's period: of which, their noise, which repeat."""

    watts: F64
    coverage: float
    noise_w: float
    comes_round: Bools


def _none(n: int) -> Swings:
    nothing, one, never = np.zeros(n), np.ones(n), np.zeros(n, bool)
    creeping = np.zeros((len(BLOCKS), n))
    return Swings(nothing, one / 2, one, never, nothing, one, creeping, nothing, nothing, nothing, never)


def _as_beside(watts: F64, middle: F64, seen: F64, loads: F64) -> F64:
    """float64[4, n]: the half swing, phi, period and its doubt of loads, as they are where they move more.

    Near its ends a load lies among readings of others: what is so a little earlier or later and would explain
    a reading is so there too.
    """
    most = loads.copy()
    for beside in _BESIDE:
        at = np.clip(np.arange(len(watts)) + beside, 0, len(watts) - 1)
        is_more = loads[0, at] * loads[2, at] > most[0] * most[2]
        better = np.flatnonzero(is_more & (np.abs(watts - middle[at]) < 1.3 * seen[at]))
        most[:, better] = loads[:, at[better]]
    return most


def _is_beat(watts: F64, phi: F64, levels: tuple[F64, F64, F64], noise_w: float) -> Bools:
    """bool[n]: whether one sine explains the readings around, but for its harmonics."""
    middle, seen, _ = levels
    goes = smoothness(watts, seen) > np.minimum(np.cos(2 * np.pi * phi), _GO) - _LESS
    return np.asarray((unlike_one(watts - middle) < _ONE_OF_EDGES) & goes & (seen > OF_NOISE * noise_w))


def _quick_beats(of: _Parts, beat: Beats, levels: tuple[F64, F64, F64]) -> tuple[Beats, F64]:
    """Beats that noise hides as those of a load of which a part of a period keeps nearly nothing."""
    middle, seen, room = levels
    is_weak = (beat.half_w > 0) & (seen < _WEAK * of.noise_w)
    half, period = _quick(of, beat.phi, (middle, beat.seen_w, room), is_weak)
    return beat._replace(half_w=half), period


def _by_turns(watts: F64, coverage: float, levels: tuple[F64, F64, F64], noise_w: float) -> tuple[Beats, F64]:
    """The loads of about two updates that only every second reading shows, and that for a time none does."""
    middle, seen, _ = levels
    phi = by_turns(watts, middle, seen, coverage)
    half = np.where((phi > 0) & (seen > OF_NOISE * noise_w), seen, 0.0)
    return Beats(half, np.maximum(phi, SLOWEST), np.zeros(len(watts)), half), np.full(len(watts), 2.0)


def _with_others(
    found: Swings, beat: Beats, parts: _Parts, levels: tuple[F64, F64, F64], *, is_any: bool
) -> Swings:
    """What a drift, noise or a gap hides, or every second reading does."""
    part = ANY_PART if is_any else parts.coverage
    turns = _by_turns(parts.watts, part, levels, parts.noise_w)
    if parts.coverage < 1:
        return _with_beats(_with_beats(found, *_quick_beats(parts, beat, levels)), *turns)
    either = _with_beats(found, beat, np.ones(len(parts.watts)))
    return _as_turning(either, turns[0]) if is_any else either


def _as_turning(found: Swings, turns: Beats) -> Swings:
    """Loads of about two updates that only every second reading shows for as long as their phases take."""
    is_one = (turns.half_w > 0) & (found.half_w > 0)
    return found._replace(
        phi=np.where(is_one, turns.phi, found.phi),
        unsure=np.where(is_one, UNSURE, found.unsure),
        unseen_w=np.where(is_one, np.maximum(turns.half_w, found.unseen_w), found.unseen_w),
    )


def _with_beats(found: Swings, beat: Beats, period: F64) -> Swings:
    """What a drift, noise or a gap hides, where it moves more energy; and its period in updates."""
    is_new = beat.half_w * period > _LARGER * found.moving_w
    return found._replace(
        half_w=np.where(is_new, beat.half_w, found.half_w),
        phi=np.where(is_new, beat.phi, found.phi),
        period=np.where(is_new, period, found.period),
        shorter=np.where(is_new, beat.shorter, found.shorter),
        unseen_w=np.where(is_new, np.where(period < 1, beat.seen_w, beat.half_w), found.unseen_w),
        unsure=np.where(is_new, UNSURE, found.unsure),
    )


def _spanned(watts: F64, is_scatter: Bools | None) -> tuple[F64, F64]:
    """Half of what power spans around each reading; and its middle. What is worked out has more noise."""
    top, bottom = extreme(watts, np.maximum), extreme(watts, np.minimum)
    seen, middle = (top - bottom) / 2, (top + bottom) / 2
    return (seen if is_scatter is None else np.minimum(seen, height(watts - middle))), middle


def _widest(watts: F64, above: F64, most_w: float) -> F64:
    """Half of the widest swing between 0 and the limit that a load of the mean and the duty there may have.

    A mean over T of a load of a longer period lacks what is left of it, and of a shorter one has as much
    twice: as it creeps through the load, it is upside down, or not, on one side of the middle for d of the
    time. Of a mean m, H d is m at most, and H (1 - d) what is left to the limit.
    """
    mean = np.clip(local_mean(watts), 0.0, most_w)
    most = _longer(above, DUTY)
    # The widest that there is, from 0 to the limit, is high for a part of the time that the mean is of it.
    d = np.clip(mean / most_w, 1 - most, most)
    found: F64 = np.minimum(mean / d, (most_w - mean) / (1 - d)) / 2
    return found


def _longer(above: F64, unsure: F64 | float) -> F64:
    """For which part of its period a load near the sensor's frequency is high, or low, at most."""
    return np.minimum(np.maximum(above, 1 - above) + unsure, 1 - RARELY)


def _as_even(half: F64, nearer: F64) -> F64:
    """Half the swing of a load that is high for half of the time and moves as much energy as one of any duty.

    One of the duty d that swings by H strays from its mean by H d (1 - d) T within a period, and one of 1/2
    by H T / 4. Its mean m, or what is left to the limit, is d H at least: beyond H = 2 m it is high for the
    shorter, or longer, part of the time, and strays by m (H - m) T / H.
    """
    return np.where(half > nearer, nearer * (2 - nearer / np.maximum(half, 1e-12)), half)


def _quick(of: _Parts, phi: F64, levels: tuple[F64, F64, F64], is_beat: Bools) -> tuple[F64, F64]:
    """Half the swing and the period, in updates, of the load of which beats of any length may be the alias.

    A load of rectangles of f = k ± phi cycles an update has an edge in 2 ‖c f‖ of the parts looked at, ‖x‖ is
    how far x is from a whole number, and shows ‖c f‖ / c f of its swing if that is not all. Of all that fit,
    the one that moves most energy is taken. Where edges creep, readings that move by less are of a level.

    Args:
        of: The readings.
        phi: float64[n], the cycles an update that they show.
        levels: The middle, half of what the readings swing by, and the room there is for it.
        is_beat: bool[n], whether they are a beat.
    """
    middle, seen, room = levels
    creep_w = np.where(phi < _SLOWLY * of.coverage, _CREEPS * seen * phi / of.coverage, 0.0)
    with_edge = _with_edge(of.watts, middle, seen, np.maximum(of.noise_w, extreme(creep_w, np.maximum)))
    fewer = np.where(of.comes_round, _OF_PHASES, _FEWER)
    half, period = np.zeros(len(phi)), np.ones(len(phi))
    for k in range(1, QUICKEST + 1):
        for f in (k - phi, k + phi):
            parts = of.coverage * f
            from_whole = np.maximum(np.abs(parts - np.rint(parts)), 1e-9)
            swing = seen * parts / from_whole
            least, most = from_whole + of.coverage * phi - fewer, 2 * from_whole + _MORE
            fits = is_beat & (swing < room) & (least < with_edge) & (with_edge < most)
            more = fits & (swing / np.maximum(f, 1.0) > half * period)
            half, period = np.where(more, swing, half), np.where(more, 1 / np.maximum(f, 1.0), period)
    return half, period


def _of_reads(
    watts: F64, levels: tuple[F64, F64, F64], noise_w: float, most: F64 | None, is_line: Bools
) -> F64:
    """Half the swing of a load by what reads show of it, whatever part of the time they see; else 0.

    Args:
        watts: float64[n], one for each update.
        levels: The middle, half of what the readings swing by, and the room there is for it.
        noise_w: Of a reading.
        most: What a load of any part may swing by; None: it is known which part is looked at.
        is_line: bool[n], whether what swings as one sine may be near the frequency of reads.
    """
    found = np.zeros(len(watts)) if most is None else np.minimum(_of_any_part(watts, levels, noise_w), most)
    if is_line.any():
        is_line = is_line & is_one_line(watts) & (levels[1] > OF_NOISE * noise_w)
        found = np.where(is_line, np.maximum(found, levels[1]), found)
    return found


def _of_any_part(watts: F64, levels: tuple[F64, F64, F64], noise_w: float) -> F64:
    """Half the swing of the load near a sensor's frequency that looks at any part of its period; else 0.

    Where it looks at c f cycles of a load of rectangles, 2 x of its readings have an edge in them, where x is
    how far c f is from a whole number, and they show x / (c f) of its swing: all of it for c f = x, and
    x / (1 - x) for c f = 1 - x. More cycles move no more energy, because the load is quicker by as much.

    Args:
        watts: float64[n], one for each update.
        levels: The middle, half of what the readings swing by, and the room there is for it.
        noise_w: Of a reading.
    """
    middle, seen, room = levels
    is_beat = seen > OF_NOISE * noise_w
    if not is_beat.any():
        return np.zeros(len(watts))
    x = _with_edge(watts, middle, seen, noise_w) / 2
    least, most = np.maximum(x - _PART, _LEAST_PART), np.minimum(x + _PART, 0.5)
    fits = seen * (1 - most) / most < room
    half = np.where(fits, np.clip(seen * (1 - least) / least, seen, np.maximum(room, seen)), seen)
    return np.where(is_beat & comes_round(watts), half, 0.0)


def _with_edge(watts: F64, middle: F64, seen: F64, noise_w: F64 | float) -> F64:
    """The share of readings that are neither like a neighbour nor one of the load's two levels."""
    is_between = (from_nearer(watts) > _ALIKE * noise_w) & (np.abs(watts - middle) < _EXTREME * seen)
    return local_mean(is_between / 1.0)
