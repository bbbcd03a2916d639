"""Windows of a gauge of whose updates too few were seen to tell how it follows the power.

The value of a gauge is that of an earlier time: it was updated up to T ago, and is the mean of up to T before
that. With eight updates the trace shows how the power goes and what a window may hide. With fewer:

* Where neither driver nor changes tell T (a *point*), it is at least as long as the value stood still. Where
  it changed once at most, T is the longest interval that is declared, or that of the slowest power meters.
  What a window drew in its last T, or in all of it, is then between the powers that were read, if readings go
  on for 2 T after it; else, as far as they do not, between nothing and what the device may draw:

    u = R min(length, T) / √3,   R = max(furthest reading, share that is not seen x max(P, P_max - P)).

* Where it is read about once an update, a value is up to an update old, and all of them about alike.
* Where a reading is declared to be the mean of T, all of its energy may be on one side of an edge. At a part
  f of T that is R T min(f, 1 - f), of a window within it R T f (1 - f), R = max(P, P_max - P).
"""

from __future__ import annotations

import numpy as np

from ...trace.series import I64
from ...units import NS_PER_S, seconds
from ..estimates.brackets import F64
from ..estimates.uncertainty import ROOT_3
from .profile import Profile
from .readings import Readings
from .stamps import Stamped

FEW = 8  # updates, from which on they tell how the sensor and the power go
SLOWEST_S = 5.0  # power meters are updated as often as that, and average no longer


def is_little_known(readings: Readings) -> bool:
    """Whether fewer updates were seen than tell how a gauge follows the power."""
    if readings.stamped is Stamped.UPDATE or readings.is_declared:
        return len(readings) < FEW
    return int(np.count_nonzero(np.diff(readings.watts))) < FEW


def late_s(readings: Readings) -> float:
    """By how much a value that is not known of which time it speaks may be late."""
    if readings.is_declared or readings.stamped is Stamped.UPDATE:
        return seconds(readings.period_ns)
    slowest_s = seconds(readings.longest_ns) or SLOWEST_S
    changes = readings.t_ns[1:][np.diff(readings.watts) != 0]
    if len(changes) < 2:
        return slowest_s
    still_ns = np.diff(np.concatenate(([readings.first_ns], changes, readings.t_ns[-1:])))
    return min(float(still_ns.max()) / NS_PER_S, slowest_s)


def of_another_time(readings: Readings, value: F64, t0: I64, t1: I64, most_w: float) -> F64:
    """float64[n], J: what windows may be off by because readings speak of an earlier time.

    Args:
        readings: Of a gauge of which nobody knows of what its values are the means.
        value: The energies of the windows.
        t0: When they begin.
        t1: When they end.
        most_w: What the device may draw.
    """
    of_s, length_s = late_s(readings), (t1 - t0) / NS_PER_S
    watts = np.nan_to_num(value) / np.maximum(length_s, 1e-9)
    after_s = (readings.t_ns[-1] - t1) / NS_PER_S
    blind = np.clip(1 - after_s / (2 * of_s), 0.0, 1.0)
    shown = np.maximum(readings.watts.max() - watts, watts - readings.watts.min())
    furthest = np.maximum(shown, blind * np.maximum(watts, most_w - watts))
    return np.asarray(furthest * np.minimum(length_s, of_s) / ROOT_3)


def slipped_j(readings: Readings, value: F64, length_s: F64, begin_w: F64, end_w: F64) -> F64:
    """float64[n], J (u): what windows are off by because values are older at one end than at the other.

    Read about once an update, a value is up to an update old, and how old slips from one read to the next.

    Args:
        readings: Of a gauge whose reads come in step with its updates.
        value: The energies of the windows.
        length_s: Of the windows.
        begin_w: Power around their beginnings.
        end_w: And around their ends.
    """
    mean_w = np.nan_to_num(value) / np.maximum(length_s, 1e-9)
    part = np.minimum(readings.slips * length_s / max(seconds(readings.period_ns), 1e-9), 1.0)
    off_w = np.hypot(begin_w - mean_w, end_w - mean_w)
    return np.asarray(off_w * part * seconds(readings.left_open_ns) / ROOT_3)


def within_means(profile: Profile, t0_s: F64, t1_s: F64, most_w: float) -> tuple[F64, F64]:
    """float64[n] each, J²: the variances of beginnings and ends inside means of which few were seen."""
    begin, end = profile.place(t0_s), profile.place(t1_s)
    width_s = np.diff(profile.bounds_s)
    apart = begin.segment != end.segment
    part = end.part - begin.part
    both = part * (1 - part) / np.sqrt(2.0)
    found = []
    for place in (begin, end):
        watts = profile.watts[place.segment // 2]
        furthest = np.maximum(watts, most_w - watts) * width_s[place.segment]
        moved = np.where(apart, np.minimum(place.part, 1 - place.part), both)
        found.append((furthest * moved) ** 2 / 3)
    return found[0], found[1]
