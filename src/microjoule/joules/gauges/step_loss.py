"""What windows lose that begin and end where power steps, as those of a program do.

A program marks what it does, and that is what changes the power. Power is then low up to an instant and high
from there on, or the other way, and what a sensor spreads of such a step is taken to the wrong side: all
windows of a name lose by it, or all gain. Of a window w that is cut in two at f it is D w f (1 - f) of a
rectangle, and nothing of a kink: what it has up to the instant beyond the low power, if it lacks as much of
the high one from there on, and else the smaller of the two. Of a step D in a gap g of a period T it is
D g² / 6 T on average over phases, in a window beside it D g w / 4 T; of an update that may be s early or
late D s √3 / 4. D is no more than the readings on both sides of the instant differ by: where they are alike
power did not step there.

Readings that are L late or early move every step. A window from a rise to a fall loses D L either way, half
at each end, and a window between two such windows gains it.
"""

from __future__ import annotations

import numpy as np

from ...arrays import Bools
from ...trace.series import I64
from ..estimates.brackets import F64
from ..estimates.uncertainty import ROOT_3
from .profile import Profile

OF_BOUND = 0.7
"""Of a bound that marks at steps lie at: the standard uncertainty. U of a rectangle is 0.95 of its half-width
and would miss the bound."""
_MARGIN = 1.12  # a step is known from a few readings
_BESIDE = 2  # readings on either side of an instant that tell the step there
_AS_FAR = 0.1  # of all that readings span, by which one is beyond its neighbours that does not show its level


def steps_j(profile: Profile, t0_s: F64, t1_s: F64, blurred_s: float, lag_s: float, is_open: Bools) -> F64:
    """float64[n], J: by how much windows between steps are too low (u); negative: too high.

    Args:
        profile: The power that readings tell.
        t0_s: When windows begin.
        t1_s: When they end.
        blurred_s: So far to either side a step is spread; 0: within the window that it is in.
        lag_s: By how much all readings may be late or early.
        is_open: bool[n], of each reading: whether no load is known that its scatter is of.
    """
    if len(profile) < 2 * _BESIDE + 2:
        return np.zeros(len(t0_s))
    begun_j, ended_j = (
        _moved_j(profile, t, blurred_s, is_open) + _late_j(profile, t, blurred_s, lag_s) for t in (t0_s, t1_s)
    )
    return OF_BOUND * _MARGIN * (ended_j - begun_j)


def by_name(t0_s: F64, t1_s: F64, name: I64 | None, mean_s: float) -> tuple[F64, F64]:
    """Windows of each name moved out of the way of those of all others; as they are where all have one.

    Args:
        t0_s: When they begin.
        t1_s: When they end.
        name: int64[n], numbers of names.
        mean_s: How far apart they have nothing to do with each other.
    """
    if name is None or not len(name):
        return t0_s, t1_s
    away_s = name * (float(t1_s.max() - t0_s.min()) + 2 * mean_s)
    return t0_s + away_s, t1_s + away_s


def within_one_mean(t0_s: F64, t1_s: F64, mean_s: float, value_j: F64, ends2: F64, most_w: float) -> F64:
    """float64[n], 0 to 1: what of the variance of the ends of windows all of them err by to one side.

    Of a window that ends within an update, or within what a reading is the mean of, readings show what that
    had, and not how much of it the window had: they are the same of power as high as may be in the window
    alone, and of power that is as high beside it. Windows of one name may all be either. Only power in the
    time between them, from nothing to all that the device may draw, can be theirs: windows one after another
    have what their readings show.

    Args:
        t0_s: When windows begin.
        t1_s: When they end.
        mean_s: From one update to the next, or what a reading is the mean of, where that is longer.
        value_j: Their energies.
        ends2: The variance.
        most_w: What the device may draw.
    """
    length_s = t1_s - t0_s
    order = np.argsort(t0_s, kind="stable")
    until_s = np.maximum.accumulate(t1_s[order])
    apart_s = np.clip(t0_s[order][1:] - until_s[:-1], 0.0, mean_s)
    between_s = np.empty(len(order))
    between_s[order] = (np.append(mean_s, apart_s) + np.append(apart_s, mean_s)) / 2
    power_w = value_j / np.maximum(length_s, 1e-12)
    rest_j = between_s * np.maximum(power_w, most_w - power_w)
    # What windows lack the time between them has: a short one of either is off by the same joules.
    share = np.clip(2.0 - 2.0 * np.minimum(length_s, between_s) / max(mean_s, 1e-9), 0.0, 1.0)
    return np.asarray(np.minimum(share, rest_j**2 / np.maximum(4 * ends2, 1e-300)))


def _late_j(profile: Profile, t_s: F64, blurred_s: float, lag_s: float) -> F64:
    """The same because all readings are late or early: at most."""
    known_s = np.minimum(t_s - profile.bounds_s[0], profile.bounds_s[-1] - t_s)
    reach_s = np.clip(known_s, 0.0, lag_s + blurred_s)
    bent_j = profile.energy_j(t_s + reach_s) - 2 * profile.energy_j(t_s) + profile.energy_j(t_s - reach_s)
    return np.asarray(bent_j / np.maximum(reach_s, 1e-3) * lag_s / 2)


def _moved_j(profile: Profile, t_s: F64, blurred_s: float, is_open: Bools) -> F64:
    """What comes too early of a rise at instants; negative: too late of a fall."""
    until_j, segment = profile.energy_j(t_s), profile.place(t_s).segment
    i = np.clip(segment // 2, _BESIDE, len(profile) - _BESIDE - 1)
    begun_s, ended_s, next_s = (profile.bounds_s[2 * i + k] for k in range(3))
    gap_s, width_s = next_s - ended_s, ended_s - begun_s
    period_s = np.maximum(next_s - begun_s, 1e-12)
    sign = is_open[i] * np.sign(
        profile.energy_j(t_s + period_s) - 2 * until_j + profile.energy_j(t_s - period_s)
    )
    # Of a fall the same is said with the signs of all power turned.
    w_2, w_1, own, w1, w2 = (sign * profile.watts[i + k] for k in range(-_BESIDE, _BESIDE + 1))
    ends = sign * profile.bottom_w[i], sign * profile.top_w[i]
    bottom, top = np.minimum(*ends), np.maximum(*ends)
    # A burst or a rest of few updates does not show its level: others do.
    nearly = _AS_FAR * (top - bottom)
    is_peak, is_trough = (own > w1 + nearly) | (w1 > w2 + nearly), (own < w_1 - nearly) | (w_1 < w_2 - nearly)
    high = np.where(is_peak, top, np.maximum(w1, w2))
    low = np.where(is_trough, bottom, np.minimum(w_1, w_2))
    is_gap = segment % 2 == 1
    shown_w = np.where(is_gap, w1 - own, np.maximum(own, w1) - np.minimum(own, w_1))
    # A burst that ends within a reading shows a part of its step, and a momentary value perhaps none.
    step_w = np.where((shown_w > nearly) | (width_s == 0), high - low, np.clip(shown_w, 0.0, high - low))
    if blurred_s:
        from_s, to_s = t_s - blurred_s, t_s + blurred_s
    else:
        from_s, to_s = (np.where(is_gap, t_s, profile.bounds_s[segment + k]) for k in range(2))
    over_j = sign * (until_j - profile.energy_j(from_s)) - low * (t_s - from_s)
    under_j = high * (to_s - t_s) - sign * (profile.energy_j(to_s) - until_j)
    beside_s = (gap_s**2 / 6 + gap_s * width_s / 4) / period_s + profile.late_s[i] * ROOT_3 / 4
    return np.asarray(sign * (np.maximum(np.minimum(over_j, under_j), 0.0) + step_w * beside_s))
