"""When a gauge's readings were taken, by the sensor's own stamps where they can be believed.

A stamp may be the time of the sensor's update, which is what one wants, or no more than the time of the
call; it may be on another clock than the one declared (NVML's microseconds are CLOCK_REALTIME in its
header and CLOCK_BOOTTIME in some drivers), or rubbish. What it is shows in the trace: a reading cannot be
newer than its read, nor be very old; a stamp that is new at every read, and always within it, is the call's,
and says nothing of when the sensor was updated.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64, NO_TIME, Series
from ...units import NS_PER_MS, NS_PER_S

Clock = tuple[I64, I64]  # CLOCK_MONOTONIC and another clock's nanoseconds at the same instants

_OLDEST_NS = 60 * NS_PER_S  # a stamp further from its read than this is rubbish
_FUTURE_NS = 2 * NS_PER_MS  # and one this much after it; two clocks are paired once a second
_SOUND = 0.5  # share of stamps that a clock must explain
_NEARLY_ALL = 0.9
_AT_ONCE_NS = NS_PER_MS  # a stamp that near to its read may be the read's own time


class Stamped(StrEnum):
    """What the instants of readings are."""

    UPDATE = "update"
    CALL = "call"
    NOT = "not"


class Instants(NamedTuple):
    """When each of n readings was taken.

    Attributes:
        t_ns: int64[n], CLOCK_MONOTONIC: the stamp where it is sound, else the middle of the read.
        is_sound: bool[n], which of them are stamps.
        kind: What the stamps are.
    """

    t_ns: I64
    is_sound: npt.NDArray[np.bool_]
    kind: Stamped


def middles(series: Series) -> I64:
    """int64: the middle of each read."""
    middle: I64 = series.t_ns + series.read_ns.astype(np.int64) // 2
    return middle


def ahead_ns(series: Series) -> int | None:
    """By how much a device's own times are ahead of CLOCK_MONOTONIC, in the median; None: it says none."""
    known = np.zeros(0, np.bool_) if series.sensor_ns is None else series.sensor_ns != NO_TIME
    if series.sensor_ns is None or not known.any():
        return None
    sensor_ns = series.sensor_ns[known]
    apart_ns = float(np.median(sensor_ns - middles(series)[known]))
    # Whole seconds are half a second behind in the mean.
    return round(apart_ns if (sensor_ns % NS_PER_S).any() else apart_ns + NS_PER_S / 2)


def instants(series: Series, clocks: tuple[Clock, ...]) -> Instants:
    """When each reading of a series was taken.

    Args:
        series: The readings, those that failed left out.
        clocks: Pairs of the clocks that the stamps may be on, the declared one first; none: stamps are
            not looked at.
    """
    middle = middles(series)
    nothing = Instants(middle, np.zeros(len(middle), bool), Stamped.NOT)
    if series.sensor_ns is None or not clocks or not len(middle):
        return nothing
    is_given = series.sensor_ns != NO_TIME
    # The declared clock, another one of the trace, or this very one: the first that explains the stamps.
    for clock in (*clocks, (middle[:1], middle[:1])):
        if not len(clock[0]):
            continue
        at = np.where(is_given, series.sensor_ns - _ahead_ns(series.t_ns, clock), middle)
        is_sound = is_given & _is_sound(at, middle, series)
        if is_sound.sum() >= _SOUND * max(is_given.sum(), 1):
            return Instants(np.where(is_sound, at, middle), is_sound, _kind(at, middle, series, is_sound))
    return nothing


def _ahead_ns(t_ns: I64, clock: Clock) -> I64:
    """By how much a clock was ahead at each read: it is steered, and may have been set."""
    mono, other = clock
    base = int(other[0] - mono[0])
    moved = np.interp(t_ns, mono, (other - mono - base).astype(float))
    ahead: I64 = moved.astype(np.int64) + base
    return ahead


def _is_sound(at: I64, middle: I64, series: Series) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (at <= middle + series.read_ns + _FUTURE_NS) & (at > middle - _OLDEST_NS)
    return found


def _kind(at: I64, middle: I64, series: Series, is_sound: npt.NDArray[np.bool_]) -> Stamped:
    near = np.abs((middle - at)[is_sound]) <= np.maximum(series.read_ns[is_sound], _AT_ONCE_NS)
    is_new = np.diff(at[is_sound]) != 0
    is_of_call = is_new.any() and near.mean() >= _NEARLY_ALL and is_new.mean() >= _NEARLY_ALL
    return Stamped.CALL if is_of_call else Stamped.UPDATE
