"""What a load near a gauge's own frequency does to the energy of windows. Pure.

Inside an update the energy of a load that swings by H, and is high for a part d of its period T', leaves
its line by a triangle of H d (1 - d) T' from tip to tip. Readings of all of the time are exact at updates, so
that a window [a, b) from update i to update j strays by

    (tri(b) - tri(a)) - (tri(u_j) - tri(u_i)).

Of a load of one period both terms are known but for its phase. The first is no larger than the steeper side
of the triangle over ‖L / T'‖ of a period, L being how long the window is and ‖x‖ how far x is from a whole
number: next to nothing where it is a whole number of cycles. Of all periods T / (k ± phi) that the readings
may be the alias of, the one with the largest is taken. The second is how far the energy of the window is from
that of the mean of whole cycles of the readings. Where edges come at irregular times both are anything, and
so they are over so many updates that phi does not tell how many cycles they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..estimates.brackets import F64
from ..estimates.uncertainty import ROOT_3
from .aliasing import QUICKEST, Swings
from .coming_round import SLOWEST
from .irregular import of_means
from .profile import Profile
from .repeating import ABOUT_TWO
from .running import FEW

_MARGIN = 1.35  # a triangle's height is known from readings beside it
_AS_HIGH = 1.05  # and so much of it remains where the rest of what is not known has been taken off
_ALL = 1.1  # of the levels that readings show, by which a load swings that has no others
_AS_WIDE = 1.6  # of a triangle from tip to tip: four places err by 1.56 in 95 of 100 windows of any length
_OF_ROOM = 0.6  # of the room to swing, by which windows are off whose ends lie anywhere in a cycle
_SHORT = 0.3  # of an update, below which a window may lie within a level that no reading is of
_OF_ENDS = np.sqrt(6.0)  # U of two aliased ends over the root of the variance of both


class Swinging(NamedTuple):
    """A gauge's readings, and the loads near its own frequency that they may be of.

    Attributes:
        profile: Its power.
        swings: The loads.
        period_s: Between two updates; 0: nothing is known of it, nor of loads near it.
        most_w: What the device may draw.
        is_whole: Whether the sensor looks at all of the time.
    """

    profile: Profile
    swings: Swings
    period_s: float
    most_w: float
    is_whole: bool

    def at_ends(self, a: F64, b: F64, value: F64) -> tuple[F64, F64]:
        """What they do at the ends of windows (a variance, J²), and to the whole of them (u, J).

        Args:
            a: float64[n], seconds: when windows begin.
            b: And when they end.
            value: Their energies in joules.
        """
        if not self.period_s:
            return np.zeros(len(a)), np.zeros(len(a))
        found, period_s, length_s = self.swings, self.period_s, b - a
        first, last = (self.profile.place(t).segment // 2 for t in (a, b))
        half = np.maximum(found.moving_w[first], found.moving_w[last])
        here_w = np.abs(self.profile.watts[first])
        # Of a load that is mostly high the mean is far from its low power, which a short window may have.
        of_both = np.maximum if self.is_whole else np.minimum
        room = np.maximum(of_both(here_w, np.maximum(self.most_w - here_w, 0.0)), half)
        # A triangle of height H T / 4 at each end, and of all of the time in the readings beside it, too.
        edge = half * period_s / 4 * (_MARGIN if self.is_whole else 1.0)
        phi = np.minimum(found.phi[first], found.phi[last])
        unsure = np.maximum(found.unsure[first], found.unsure[last])
        if self.is_whole:
            shorter = np.minimum(found.shorter[first], found.shorter[last])
            one = np.flatnonzero((half > 0) & (shorter > 0))
            if len(one):
                of = [each[one] for each in (half, phi, unsure, shorter, room / np.maximum(half, 1e-12))]
                strays = self._strays(a[one], b[one], value[one], *of[1:3])
                edge[one] = self._of_one(length_s[one], strays, *of)
        of_room = np.full(len(a), _OF_ROOM)
        if not self.is_whole:  # of which a short window far from readings has all of either level
            of_room += (2 / _OF_ENDS - _OF_ROOM) * np.clip(1 - length_s / (_SHORT * period_s), 0.0, 1.0)
        edge = np.minimum(edge, of_room * room * length_s)
        astray = np.maximum(*(found.astray_j(at, length_s, period_s) for at in (first, last))) / ROOT_3
        creeping = of_means(found.creeping_w, (first + last) // 2, length_s / period_s) * length_s
        if self.is_whole:
            return edge**2, np.hypot(creeping, astray)
        unseen_w = np.maximum(found.unseen_w[first], found.unseen_w[last])
        if np.isinf(unseen_w).any():
            _, (bottom, top) = self.profile.levels(a, b)
            levels = np.maximum(top - 2 * half, 0.0), np.minimum(bottom + 2 * half, self.most_w)
            off = self.profile.furthest_j(a, b, np.nan_to_num(value), levels) / 2
        else:
            off = self._strays(a, b, value, phi, unsure, 0.25 * unseen_w) / ROOT_3
        return edge**2, np.hypot(np.maximum(np.where(half > 0, off, 0.0), creeping), astray)

    def furthest_j(self, a: F64, b: F64, value: F64) -> F64:
        """How far energies may be off (J): between the levels that readings show, or 0 and the limit."""
        is_level, (bottom, top) = self.profile.levels(a, b)
        first, last = (self.profile.place(t).segment // 2 for t in (a, b))
        swing_w = 2 * np.maximum(self.swings.half_w[first], self.swings.half_w[last])
        is_all = is_level & (swing_w < _ALL * (top - bottom))
        levels = np.where(is_all, bottom, 0.0), np.where(is_all, top, self.most_w)
        return self.profile.furthest_j(a, b, value, levels)

    def _of_one(
        self, length_s: F64, strays: F64, half: F64, phi: F64, unsure: F64, shorter: F64, quickest: F64
    ) -> F64:
        """The same of a load of one period (u of both ends, J), of up to so many cycles an update.

        Readings show phi / (1 - phi) of its rectangles, and sinc(1 - phi) of a sine. Those of two updates are
        taken for rectangles, and have readings half a period apart, so that they err by less.
        """
        is_two = phi > ABOUT_TWO
        even_j = half * self.period_s / 2 * np.where(is_two, 1.0, np.sinc(phi))
        tip_j = even_j / (1 - phi)
        apart = _out_of_step(length_s / self.period_s, phi, unsure, quickest)
        most = np.minimum(apart / shorter, 1.0) * _AS_HIGH * tip_j
        return np.asarray(np.minimum(most + strays, _AS_WIDE * np.where(is_two, even_j, tip_j)) / _OF_ENDS)

    def _strays(self, a: F64, b: F64, value: F64, phi: F64, unsure: F64, ends_w: F64 | float = 0.0) -> F64:
        """How far energies are from those of the mean of whole cycles of the readings around, at most.

        Of a sensor that looks at a part of the time, power of so much is not seen at the ends for up to three
        tenths of a cycle.
        """
        bounds, length_s, off = self.profile.bounds_s, b - a, np.zeros(len(a))
        # Readings show the cycles to a part of one: of a whole number of them a window would lose nothing.
        unsure, slowest = np.minimum(unsure, phi / 2), np.minimum(SLOWEST, phi)
        for each in (phi - unsure, phi, phi + unsure):
            cycle_s = self.period_s / np.clip(each, slowest, 0.5)
            cycles, there = np.ceil(length_s / cycle_s), (bounds[-1] - bounds[0]) / cycle_s
            # Where readings end before, as many whole ones tell as there are: two at least, or of few one.
            whole = np.where(there < (1 if len(bounds) < 2 * FEW else 2), there, np.floor(there))
            around_s = np.minimum(cycles, whole) * cycle_s
            low = np.clip((a + b - around_s) / 2, bounds[0], np.maximum(bounds[-1] - around_s, bounds[0]))
            high = np.minimum(low + around_s, bounds[-1])
            mean_w = (self.profile.energy_j(high) - self.profile.energy_j(low)) / np.maximum(high - low, 1e-9)
            strays = np.abs(np.nan_to_num(value) - mean_w * length_s) * 1.1
            off = np.maximum(off, strays + ends_w * np.minimum(length_s, 0.3 * cycle_s))
        return off


def _out_of_step(updates: F64, phi: F64, unsure: F64, quickest: F64) -> F64:
    """‖f L‖ at most, of windows of so many updates and all f = k - phi, k + phi up to so many cycles."""
    off = np.zeros(len(updates))
    for k in range(1, QUICKEST + 1):
        for f in (k - phi, k + phi):
            cycles = updates * f
            apart = np.minimum(np.abs(cycles - np.rint(cycles)) + unsure * updates, 0.5)
            is_possible = (f <= 1 - phi) | (f < quickest * (1 - phi))
            off = np.where(is_possible, np.maximum(off, apart), off)
    return off
