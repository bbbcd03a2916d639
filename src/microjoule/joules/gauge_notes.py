"""Sentences about a gauge that whoever reads its figures must know.

They come from the trace: a declared period that it refutes, stamps that are not what they seem, and the two
ways in which a load can escape a sensor that looks at a part of the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..units import NS_PER_S, short_time
from .readings import Readings, Shape
from .stamps import Stamped

if TYPE_CHECKING:
    from .gauge import Gauge

_STILL_UPDATES, _STILL_NS = 20, 10 * NS_PER_S  # without a change, from which on it is worth a sentence
_LIKE = 0.15  # of a period, within which two are one
_SHARE = 0.02  # of the readings that must look like an alias before it is worth a sentence


def notes(gauge: Gauge) -> tuple[str, ...]:
    """What the trace shows of a gauge that its channel does not say."""
    readings, name = gauge.readings, gauge.channel.id
    if len(gauge) < 2:
        return ()
    still = _still(gauge, name)
    found = [still, _part_time(readings, name)]
    if not still:  # of what never changed no reading tells more
        found += [
            _period(readings, gauge.channel.timing.update_ns, name),
            _stamps(gauge, name),
            _alias(gauge, name),
        ]
    return tuple(each for each in found if each)


def _still(gauge: Gauge, name: str) -> str:
    readings = gauge.readings
    lasted_ns = int(readings.t_ns[-1] - readings.t_ns[0])
    long_ns = max(_STILL_UPDATES * (gauge.channel.timing.update_ns or 0), _STILL_NS)
    if lasted_ns < long_ns or np.ptp(readings.watts):
        return ""
    return (
        f"{name} showed {readings.watts[0]:.4g} W and nothing else for "
        f"{short_time(lasted_ns)}: "
        "either the power is steady or the sensor stands still"
    )


def _period(readings: Readings, declared_ns: int | None, name: str) -> str:
    if not declared_ns or abs(readings.period_ns / declared_ns - 1) <= _LIKE:
        return ""
    found, declared = short_time(readings.period_ns), short_time(declared_ns)
    return f"{name} is updated every {found} in this trace, not every {declared}"


def _stamps(gauge: Gauge, name: str) -> str:
    if gauge.channel.timing.sensor_clock is None or gauge.readings.stamped is not Stamped.CALL:
        return ""
    return f"the time stamps of {name} are the times of the calls; its updates are taken from its changes"


def _part_time(readings: Readings, name: str) -> str:
    if readings.shape is not Shape.HOLD or readings.coverage >= 1:
        return ""
    looked, of = short_time(readings.window_ns or 0), short_time(readings.period_ns)
    return f"{name} looks at {looked} of each {of}: a load in step with it escapes it, steady as it reads"


def _alias(gauge: Gauge, name: str) -> str:
    half_w = gauge.swings.half_w
    is_alias = half_w > 0
    if gauge.readings.coverage >= 1 or not len(half_w) or is_alias.mean() < _SHARE:
        return ""
    swing_w = 2 * float(np.median(half_w[is_alias]))
    within = short_time(gauge.readings.period_ns)
    return (
        f"the readings of {name} swing as those of a load near its own frequency, or quicker, do: it may "
        f"swing by {swing_w:.0f} W within {within}, and its intervals are wide there"
    )
