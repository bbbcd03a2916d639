"""Power between a gauge's updates, and how well it is known (docs/methods.md).

Each reading is the mean P_i of a window [s_i, e_i); between two windows nothing was looked at. The energy
up to an instant adds what was seen and, across a gap, the trapezoid. Four things are not known.

*Inside a window*, at a fraction f. Where the power steps from one level to another, the step's instant
follows from the mean, for the neighbours tell the levels. A mean outside its neighbours' range by B may
come from a pulse anywhere within the window: u² = f (1 - f) B² w². Power that does so all the time is
white, of the same form with the mean B² around; or it is periodic, and then leaves its line everywhere
alike. A difference R of the means around that is neither may sit anywhere, R w f (1 - f) √(1/3).

*Across a gap* of length g. A step D anywhere in it, or in a window beside it, costs D² g² / 8. Power that
is new in every window costs σ² g² a gap, or less where the errors of neighbouring gaps cancel: sums of 2,
4, 8 … readings tell. Which of the two it is, is in how successive differences d go together: r = Σ d_i
d_(i+1) / Σ d_i² is 0 or more where levels last, -1/2 where readings are independent. Steps a whole number
of updates apart err together.

*Where updates were not read* nothing was looked at either. By how much the mean of as many readings around
differs from that of the two beside them is what it costs.

*When* the updates were: a step D at an update that is known to within s costs D² s².
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...arrays import Bools
from ...trace.series import I64
from ..estimates.brackets import F64
from .repeating import of_few_phases
from .running import (
    extreme,
    from_nearer,
    local_mean,
    long_run,
    of_slope,
    together,
    unlike_beside,
    whole_steps_apart,
)

_NEAR = 16  # updates on either side whose scatter is the power's own around an instant
_WHITE = 0.78  # of three independent values, the mean square by which the middle one leaves the others' range
_STEP = 1 / 8  # of D² g²: in a gap 1/12, and half as much again for what falls into a window
_BRIDGE = 1 / 3
_LEAST_SWING = 0.3  # a mean at the end of what is seen leaves no room to swing, if that end is the load's own
_ALONE, _WHOLE = 3.0, 0.26  # times the mean square around; with k = 2 all of the pulse
_QUICK, _QUICK_OVER = -0.42, 0.2  # r below which power is periodic within a window rather than white
_ALIKE = 3.5  # of a reading's largest noise, a step of rounding more than all: alike, or so by chance
_RAMP = 3.0  # times that by which neighbours differ, power that wanders spans about a reading
_AS_HIGH, _OFTEN = 0.03, 0.2  # of all they span, readings that are a level; and of the time
_RARELY = 0.05  # of the time: what is so by chance
APART = 1.7  # updates, from which on one between two was missed, and the second is not late
_BESIDE_LEVELS = 1.6  # times the square: what is whole inside a window is not known either
_SURE = 0.1  # of an update, by which it is known when it was where none is missed
_EITHER = 0.25  # of independent levels, how little those may last
_OF_EITHER = 1.05  # times what levels are apart: few readings show them
_MARGIN = 1.35  # the scatter is itself known from some tens of updates only


class Place(NamedTuple):
    """Where n instants lie: the window or gap, and how far into it."""

    segment: I64  # 2 i: window i; 2 i + 1: the gap after it
    part: F64  # 0 to 1


class Profile:
    """The power that successive means tell.

    Args:
        start_s: float64[n], where each window begins, ascending; n is 2 or more.
        end_s: float64[n], where it ends; no later than the next one begins.
        watts: float64[n], the means.
        late_s: float64[n], standard uncertainties of the ends.
        noise_w: The largest noise of a reading, a standard uncertainty.

    Attributes:
        watts: As given.
        bounds_s: float64[2 n], beginnings and ends in turns.
        late_s: As given.
        missed: int64[n - 1], how many updates nobody read between two.
        top_w, bottom_w: float64[n], the highest and the lowest of the readings around each.
        rests: bool[n]: whether power around each is often at one of the two.
    """

    def __init__(self, start_s: F64, end_s: F64, watts: F64, late_s: F64, noise_w: float) -> None:
        self.watts = watts
        self.bounds_s: F64 = np.stack((start_s, end_s), 1).ravel()
        self.late_s = late_s
        self._width_s, self._gap_s = end_s - start_s, start_s[1:] - end_s[:-1]
        self._step_w = np.diff(watts)
        self._sums = _in_turns(watts * self._width_s, (watts[1:] + watts[:-1]) / 2 * self._gap_s)
        apart = np.diff(end_s) / np.maximum(np.median(np.diff(end_s)), 1e-12)
        self.missed: I64 = np.where(apart < APART, 0, np.rint(apart).astype(np.int64) - 1)
        self._describe(noise_w)
        noise2 = np.minimum(np.maximum(self._fast2, of_slope(watts, _NEAR)), noise_w**2)
        self._noise2 = noise2 * self._width_s**2
        self._noise_gap2 = noise2[1:] * self._gap_s**2
        self._seen_s = np.concatenate(([0.0], np.cumsum(self._width_s)))
        self._seen_j = np.concatenate(([0.0], np.cumsum(watts * self._width_s)))
        self._late2 = np.append(self._step_w**2, 0.0) * late_s**2
        self._prepare_gaps()

    def _describe(self, noise_w: float) -> None:
        """How the readings scatter, around each of them."""
        watts = self.watts
        self._unlike_w, doubt = _unlike(watts, noise_w)
        top, bottom = np.maximum(watts[2:], watts[:-2]), np.minimum(watts[2:], watts[:-2])
        excess = np.maximum(np.maximum(watts[1:-1] - top, bottom - watts[1:-1]), 0.0)
        self._excess2 = np.concatenate(([0.0], excess**2, [0.0]))
        self._fast2 = local_mean(self._excess2, _NEAR) / _WHITE
        self._fast2 = np.maximum(doubt * self._fast2, np.minimum(self._fast2, noise_w**2))
        self._r = together(self._step_w, _NEAR)
        r = np.append(self._r, self._r[-1:])
        self._quick = np.clip((_QUICK - r) / _QUICK_OVER, 0.0, 1.0)
        self.top_w, self.bottom_w = extreme(watts, np.maximum), extreme(watts, np.minimum)
        self._shows_levels = self._are_levels(noise_w)

    def _are_levels(self, noise_w: float) -> Bools:
        """bool[n]: whether the highest and the lowest readings around are levels of a load.

        Many are, of many phases of it. A pulse that is shorter than a window is not seen at its height: it
        rarely lies in many of them, but may lie in one of every few where readings repeat.
        """
        watts = self.watts
        nearly = np.maximum(_ALIKE * noise_w, _AS_HIGH * (self.top_w - self.bottom_w))
        at_top = local_mean((self.top_w - watts < nearly) / 1.0)
        at_bottom = local_mean((watts - self.bottom_w < nearly) / 1.0)
        self.rests = np.maximum(at_top, at_bottom) > _OFTEN  # and leaves it for the other now and then
        is_level = np.minimum(at_top, at_bottom) > _OFTEN
        is_level &= ~of_few_phases(watts, noise_w)
        # What is shorter than a window lies inside one by itself, between two at the other level.
        is_top, is_bottom = self.top_w - watts < nearly, watts - self.bottom_w < nearly
        inner = (slice(1, -1), slice(2, None), slice(None, -2))
        self._holds_levels = is_level & self._miss_none()
        for one, other in ((is_top, is_bottom), (is_bottom, is_top)):
            alone = np.zeros(len(watts))
            alone[1:-1] = one[inner[0]] & other[inner[1]] & other[inner[2]]
            self._holds_levels &= local_mean(alone) < _RARELY
        return is_level

    def _miss_none(self) -> Bools:
        """bool[n]: whether all updates around were read."""
        return np.asarray(extreme(np.append(self.missed, 0), np.maximum) == 0)

    def _prepare_gaps(self) -> None:
        """The variances that whole windows and gaps add."""
        gap_s, nothing = np.maximum(self._gap_s, 1e-12), np.zeros(len(self.watts))
        self._missed2 = _MARGIN * unlike_beside(self.watts, self.missed) * self._gap_s**2
        is_gap = (self._gap_s > 1e-12) & (self.missed == 0)
        self._has_gaps = bool(is_gap.any())
        width_s = self._width_s[1:]
        self._white = np.where(is_gap, np.clip(-2 * self._r, 0.0, 1.0), 0.0)
        # White power is white in the gap as well; periodic power swings within it as within a window.
        self._broad = np.where(is_gap, (self._gap_s + width_s) / gap_s, 0.0)
        self._swing = np.where(is_gap, (width_s / gap_s) ** 2 / 2, 0.0)
        own2 = np.where(is_gap, self._step_w**2, 0.0)
        self._step2 = own2 + self._white * local_mean(own2, _NEAR)
        steps2 = (1 - self._white) * own2 * self._gap_s**2 * _STEP
        # Where updates are missed they are no measure of how far steps are apart.
        is_sure = bool(np.median(self.late_s) < _SURE * np.median(np.diff(self.bounds_s[1::2])))
        row = whole_steps_apart(self._step_w, self.watts, is_sure)
        self._sums2 = _in_turns(self._noise2 + self._late2, steps2 + self._missed2 + self._noise_gap2)
        self._row_sums2 = _in_turns(nothing, steps2 * (row - 1))
        self._row_counts = _in_turns(nothing, (row > 1).astype(float))
        self._free_sums2 = []
        if self._has_gaps:
            share = self._white * _MARGIN * self._broad * self._gap_s**2
            most = local_mean(own2, _NEAR)  # a step far away is no scatter here
            self._free_sums2 = [
                _in_turns(nothing, share * np.minimum(each, most)) for each in long_run(self.watts)
            ]

    def __len__(self) -> int:
        return len(self.watts)

    def place(self, t_s: F64) -> Place:
        """Where instants lie."""
        segment = np.clip(np.searchsorted(self.bounds_s, t_s, "right") - 1, 0, len(self.bounds_s) - 2)
        low = self.bounds_s[segment]
        length = np.maximum(self.bounds_s[segment + 1] - low, 1e-12)
        return Place(segment, np.clip((t_s - low) / length, 0.0, 1.0))

    # ---- energy -------------------------------------------------------------------------------------

    def energy_j(self, t_s: F64) -> F64:
        """The energy from the first window's beginning to instants."""
        segment, f = self.place(t_s)
        i = segment // 2
        k = np.minimum(i, len(self) - 2)
        in_gap = (self.watts[k] * f + self._step_w[k] * f * f / 2) * self._gap_s[k]
        found: F64 = self._sums[segment] + np.where(segment % 2 == 0, self._in_window(i, f), in_gap)
        return found

    def _in_window(self, i: I64, f: F64) -> F64:
        """Joules from a window's beginning to a fraction of it: a line, or a kink as far as it is trusted."""
        p = self.watts[i]
        before, after, trust = self._sides(i)
        fall = np.where(trust > 0, before - after, 1.0)
        at = np.where(trust > 0, (p - after) / fall, 0.5)
        kinked = before * np.minimum(f, at) + after * np.maximum(f - at, 0.0)
        return np.asarray((p * f + trust * (kinked - p * f)) * self._width_s[i])

    def _sides(self, i: I64) -> tuple[F64, F64, F64]:
        """Power before and after windows, and how far a single step between the two is to be trusted."""
        n = len(self) - 1
        before, after = self.watts[np.maximum(i - 1, 0)], self.watts[np.minimum(i + 1, n)]
        unrest2 = (before - self.watts[np.maximum(i - 2, 0)]) ** 2
        unrest2 = unrest2 + (after - self.watts[np.minimum(i + 2, n)]) ** 2
        is_between = (self.watts[i] - before) * (self.watts[i] - after) <= 0
        is_known = is_between & (i > 0) & (i < n) & (after != before)
        step2 = np.where(is_known, (after - before) ** 2, 1.0)
        return before, after, np.where(is_known, np.clip(1.0 - 4.0 * unrest2 / step2, 0.0, 1.0), 0.0)

    # ---- variance -----------------------------------------------------------------------------------

    def variances(self, t0_s: F64, t1_s: F64) -> tuple[F64, F64, F64]:
        """Variances of the energies of windows, J²: of their beginnings, their ends and what lies between."""
        begin, end = self.place(t0_s), self.place(t1_s)
        apart = begin.segment != end.segment
        first = np.minimum(begin.segment + 1, end.segment)
        both = self._both(begin.segment, end.part - begin.part) / 2
        at_begin = np.where(apart, self._rest(begin), both)
        at_end = np.where(apart, self._until(end), both)
        inner = np.where(apart, self._inner(first, end.segment), 0.0)
        if self._has_gaps:
            at_begin, at_end, inner = self._between_levels(t0_s, t1_s, (at_begin, at_end, inner))
        return at_begin, at_end, inner

    def _between_levels(self, t0_s: F64, t1_s: F64, variances: tuple[F64, F64, F64]) -> tuple[F64, F64, F64]:
        """No more than if power in gaps is anywhere between the lowest and highest readings around.

        Of a window all but the means of whole windows inside is not known, and of each end what lies between
        it and the nearest reading inside.
        """
        at_begin, at_end, inner = variances
        begin, end = self.place(t0_s), self.place(t1_s)
        from_j, to_j = self.energy_j(t0_s), self.energy_j(t1_s)
        is_level, levels = self.levels(t0_s, t1_s)
        apart = begin.segment != end.segment
        next_s, last_s = self.bounds_s[begin.segment + 1], self.bounds_s[end.segment]
        after = _furthest_j(next_s - t0_s, self._sums[begin.segment + 1] - from_j, levels)
        before = _furthest_j(t1_s - last_s, to_j - self._sums[end.segment], levels)
        most_j = self.furthest_j(t0_s, t1_s, to_j - from_j, levels)
        after2, before2, most2 = (np.where(is_level, each**2 / 4, np.inf) for each in (after, before, most_j))
        at_begin = np.where(apart, np.minimum(at_begin, _BESIDE_LEVELS * after2), at_begin)
        at_end = np.where(apart, np.minimum(at_end, _BESIDE_LEVELS * before2), at_end)
        share = np.minimum(most2 / np.maximum(at_begin + at_end + inner, 1e-300), 1.0)
        # Where levels do not last, a part of a gap has either, whatever is read on both sides of it.
        k = np.minimum(begin.segment // 2, len(self) - 2)
        is_either = ~apart & (begin.segment % 2 > 0) & (self._white[k] > _EITHER) & self.rests[k]
        is_either &= is_level | (self._width_s[k] > 0)  # a mean of any part of a gap shows no level
        either2 = (_OF_EITHER * most_j) ** 2 / 8
        at_begin, at_end = (np.where(is_either, either2, each * share) for each in (at_begin, at_end))
        return at_begin, at_end, inner * share

    def levels(self, t0_s: F64, t1_s: F64) -> tuple[Bools, tuple[F64, F64]]:
        """Whether all power in gaps around windows is between readings there; the lowest and the highest."""
        i, k = (self.place(t).segment // 2 for t in (t0_s, t1_s))
        bottom, top = np.minimum(self.bottom_w[i], self.bottom_w[k]), np.maximum(self.top_w[i], self.top_w[k])
        return self._shows_levels[i] & self._shows_levels[k] & self._has_gaps, (bottom, top)

    def furthest_j(self, t0_s: F64, t1_s: F64, value_j: F64, levels: tuple[F64, F64]) -> F64:
        """How far values are from energies of windows whose power is between two levels, at most.

        Of a sensor that looks at a part of the time the means of whole windows inside are known.
        """
        unseen_s, unseen_j = t1_s - t0_s, value_j
        if self._has_gaps:
            first = self.place(t0_s).segment // 2 + 1
            last = np.maximum((self.place(t1_s).segment - 1) // 2 + 1, first)
            unseen_s = unseen_s - (self._seen_s[last] - self._seen_s[first])
            unseen_j = unseen_j - (self._seen_j[last] - self._seen_j[first])
        return _furthest_j(unseen_s, unseen_j, levels)

    def _inner(self, first: I64, last: I64) -> F64:
        """The variance of whole windows and gaps, from segment to segment."""
        found = self._sums2[last] - self._sums2[first]
        row2, row = (
            self._row_sums2[last] - self._row_sums2[first],
            self._row_counts[last] - self._row_counts[first],
        )
        # Of n steps that err together the variance is n² times that of one: n times their sum.
        found = found + np.minimum(np.maximum(row2, 0.0), found * np.maximum(row / 2 - 1, 0.0))
        if self._has_gaps:
            n = np.maximum((last - first) // 2, 1)
            which = np.minimum(np.log2(n).astype(np.int64), len(self._free_sums2) - 1)
            free2 = np.stack([sums[last] - sums[first] for sums in self._free_sums2])
            found = found + np.maximum(free2[which, np.arange(len(n))], 0.0)
        return np.asarray(np.maximum(found, 0.0))

    def _until(self, place: Place) -> F64:
        """The variance of what a segment has up to an instant."""
        segment, x = place
        i = segment // 2
        late2 = np.where(x > 0, self._late2[np.maximum(i - 1, 0)], 0.0)
        window = self._bridge(i, x) + self._noise2[i] * x**2 + late2
        return np.asarray(np.where(segment % 2 == 0, window, self._part_of_gap(i, x)))

    def _rest(self, place: Place) -> F64:
        """The variance of what a segment has from an instant on."""
        segment, x = place
        i = segment // 2
        window = self._bridge(i, x) + self._noise2[i] * (1 - x) ** 2 + self._late2[i]
        return np.asarray(np.where(segment % 2 == 0, window, self._part_of_gap(i, 1.0 - x)))

    def _part_of_gap(self, i: I64, x: F64) -> F64:
        """The variance of a gap's energy from either end of it to a fraction x."""
        k = np.minimum(i, len(self) - 2)
        white, swing = self._white[k], self._swing[k] * np.minimum(1.0, 4 * x)
        steps = (1 - white) * 1.5 * (x**3 / 3 - x**4 / 4)
        share = steps + white * (_MARGIN / 2 * self._broad[k] * x**2 + swing)
        found: F64 = self._step2[k] * self._gap_s[k] ** 2 * share + self._noise_gap2[k] * x**2
        return found + self._missed2[k] * x

    def _bridge(self, i: I64, f: F64) -> F64:
        """The variance of a window's energy up to a fraction of it, its mean being known."""
        n, bridge = len(self) - 1, f * (1 - f)
        around = np.stack([self.watts[np.clip(i + k, 0, n)] for k in (-2, -1, 0, 1, 2)])
        near, far = _RAMP * self._unlike_w[i], self.top_w[i] - self.bottom_w[i]
        level = (self.watts[i] - self.bottom_w[i]) / np.maximum(far, 1e-12)
        swing = _LEAST_SWING + (1 - _LEAST_SWING) * 4 * level * (1 - level)
        _, _, trust = self._sides(i)
        anywhere2 = (bridge * swing * (1 - trust)) ** 2 * near * far * _BRIDGE
        quick = self._quick[i]
        shape = (1 - quick) * bridge + quick * np.minimum(1 - bridge, 10 * bridge)
        pulse2, fast2 = self._excess2[i], self._fast2[i]
        # A pulse by itself may be just what the window is about, and then all of it lies on one side.
        is_alone = (pulse2 > _ALONE * fast2) & (bridge > 0)
        white2 = np.where(is_alone, _WHOLE * pulse2, shape * np.maximum(pulse2 * swing**2, fast2))
        step_w = np.maximum(np.abs(around[2] - around[1]), np.abs(around[3] - around[2]))
        late2 = (step_w * self.late_s[i]) ** 2 * np.minimum(1.0, 10 * bridge)
        # Between two levels no more than all of what is of either comes first; both ends may err alike.
        up, down = self.top_w[i] - self.watts[i], self.watts[i] - self.bottom_w[i]
        most = np.maximum(np.minimum(up * f, down * (1 - f)), np.minimum(down * f, up * (1 - f)))
        inside2 = np.minimum(anywhere2 + white2, np.where(self._holds_levels[i], most**2 / 2, np.inf))
        return np.asarray(self._width_s[i] ** 2 * inside2 + late2)

    def _both(self, segment: I64, x: F64) -> F64:
        """The variance of a window that lies within one segment, a fraction x of it long."""
        i = segment // 2
        window = self._bridge(i, x) + self._noise2[i] * x**2
        k = np.minimum(i, len(self) - 2)
        share = x**2 / 3 * self._broad[k] + 2 * self._white[k] * self._swing[k] * np.minimum(1.0, 4 * x)
        gap = self._step2[k] * self._gap_s[k] ** 2 * share + self._noise_gap2[k] * x**2
        gap += self._missed2[k] * x
        return np.asarray(np.where(segment % 2 == 0, window, gap))


def discharged(watts: F64, ends_s: F64, period_s: float, decay_s: float) -> F64:
    """What charged a capacitor between its readings at some instants, were it one power: exact for that."""
    # Updates come by a timer: whole periods apart, whenever they were seen.
    periods = np.maximum(np.rint(np.diff(ends_s) / (period_s or 1.0)), 1)
    kept = np.exp(-periods * (period_s or 1.0) / decay_s)
    return np.concatenate((watts[:1], (watts[1:] - watts[:-1] * kept) / np.maximum(1 - kept, 1e-9)))


def _furthest_j(length_s: F64, joules: F64, levels: tuple[F64, F64]) -> F64:
    """How far energies are from those of so long at either level."""
    return np.asarray(np.maximum(levels[1] * length_s - joules, joules - levels[0] * length_s))


def _unlike(watts: F64, noise_w: float) -> tuple[F64, F64]:
    """How far each reading is from the nearer of its neighbours, with its doubt; and the doubt.

    That is the probability that a like one is so by chance: as many are then a little less alike. Of one
    that is unlike both it is 1.
    """
    unlike_w = from_nearer(watts)
    within = _ALIKE * noise_w
    is_alike, is_nearly = unlike_w < within, (unlike_w >= within) & (unlike_w < 3 * within)
    by_chance = local_mean(is_nearly / 2.0, _NEAR) / np.maximum(local_mean(is_alike / 1.0, _NEAR), 1e-12)
    doubt = np.where(is_alike, np.minimum(by_chance, 1.0), 1.0)
    return doubt * unlike_w, doubt


def _in_turns(windows: F64, gaps: F64) -> F64:
    """Sums over windows and gaps in turns, from the first window's beginning to each bound."""
    n = len(windows)
    pieces = np.stack((windows, np.append(gaps, 0.0)), 1).ravel()[: 2 * n - 1]
    return np.concatenate(([0.0], np.cumsum(pieces)))
