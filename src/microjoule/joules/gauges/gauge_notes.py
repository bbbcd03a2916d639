"""Sentences about a gauge that whoever reads its figures must know.

They come from the trace: a declared period that it refutes, stamps that are not what they seem, and the
ways in which a load can escape a sensor: one that looks at a part of the time or may do so, one of which each
reading is a mean, and a capacitor's.

A load that repeats a whole number of times in the time W of a mean reads as its mean power m. Inside a
period its energy leaves the line by H d (1 - d) times the period, from end to end. The most is a load of the
period W that swings to the limit M, for d = m / M of the time: so a window is off by m (1 - m / M) W at most.
Under one that is in step with its updates, T apart, a capacitor with the decay τ reads tanh(T / 4 τ) of half
the swing too much or too little.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ...channel import UNPLACED
from ...trace.series import I64
from ...units import NS_PER_MS, NS_PER_S, seconds, short_time, three_digits
from ..estimates.lag_search import SOURCE, stated_ns
from .few_updates import ENOUGH
from .little_known import is_little_known
from .readings import Readings, Shape
from .stamps import Stamped

if TYPE_CHECKING:
    from .boxcar import Boxcar
    from .gauge import Gauge

_STILL_UPDATES, _STILL_NS = 20, 10 * NS_PER_S  # without a change, from which on it is worth a sentence
_LIKE = 0.15  # of a period, within which two are one
_SHORT = 10  # means: in a longer window such a load moves the figure by less than a tenth
_SHARE = 0.02  # of the readings that must look like an alias before it is worth a sentence


def notes(gauge: Gauge, means: Boxcar | None) -> tuple[str, ...]:
    """What the trace shows of a gauge that its channel does not say.

    Args:
        gauge: Of watts.
        means: What they are, if each of its readings is a mean of more than an update.
    """
    readings, name = gauge.readings, gauge.channel.id
    if len(gauge) < 2:
        return _once(readings, name)
    still = _still(gauge, name)
    found = [
        still or _unknown(gauge, name) or _any_part(gauge, name),
        _part_time(readings, name),
        _longer(readings, name),
        _charged(gauge, name),
        _idle(means, name),
    ]
    if not still:  # of what never changed no reading tells more
        found += [
            _period(readings, gauge.channel.timing.update_ns, name),
            _stamps(gauge, name),
            _alias(gauge, name),
        ]
    return tuple(each for each in found if each)


def _once(readings: Readings, name: str) -> tuple[str, ...]:
    """Of a gauge that was read more than once, and not updated meanwhile."""
    lasted_ns = readings.last_ns - readings.first_ns
    if not len(readings) or lasted_ns <= 0:
        return ()
    return (
        f"{name} was updated once at most in {short_time(lasted_ns)}: no energy is known between updates. "
        "Record for longer; if that does not help, its sensor stands still",
    )


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


def _unknown(gauge: Gauge, name: str) -> str:
    """Of a gauge in a total whose driver says nothing, and whose few changes say no more."""
    timing = gauge.channel.timing
    is_known = timing.update_ns or timing.update_max_ns or timing.window_ns
    if is_known or not is_little_known(gauge.readings) or UNPLACED in gauge.channel.trust.parents:
        return ""
    n = int(np.count_nonzero(np.diff(gauge.readings.watts)))
    lasted = short_time(int(gauge.readings.t_ns[-1] - gauge.readings.t_ns[0]))
    changed = "did not change" if not n else "changed once" if n == 1 else f"changed {n} times"
    return (
        f"{name} {changed} in {lasted}, and its driver does not say how often it is updated or how long it "
        "averages: it may show an earlier power, so ± is wide. Record for longer"
    )


def _any_part(gauge: Gauge, name: str) -> str:
    """Of a gauge in a total of which nobody knows what part of its period each value is the mean of."""
    if gauge.readings.shape is not Shape.POINT or UNPLACED in gauge.channel.trust.parents:
        return ""
    return (
        f"{name} is updated every {short_time(gauge.readings.period_ns)}, and its driver does not say which "
        "part of that it averages: a load in step with it may read as steady power. ± excludes such loads"
    )


def _period(readings: Readings, declared_ns: int | None, name: str) -> str:
    if not declared_ns or abs(readings.period_ns / declared_ns - 1) <= _LIKE:
        return ""
    found, declared = short_time(readings.period_ns), short_time(declared_ns)
    if declared_ns < readings.read_every_ns and abs(readings.period_ns / readings.read_every_ns - 1) <= _LIKE:
        return (
            f"{name} was read every {found} and is updated every {declared}: what it shows between two reads "
            "is not known. ± includes that, but no loads in step with its updates, or quicker ones. A "
            "higher rate of reads tells more"
        )
    return f"{name} is updated every {found} in this trace, not every {declared}"


def _stamps(gauge: Gauge, name: str) -> str:
    if gauge.channel.timing.sensor_clock is None or gauge.readings.stamped is not Stamped.CALL:
        return ""
    return f"the time stamps of {name} are the times of the calls; its updates are taken from its changes"


def _part_time(readings: Readings, name: str) -> str:
    if readings.shape is not Shape.HOLD or readings.coverage >= 1:
        return ""
    looked, of = short_time(readings.window_ns or 0), short_time(readings.period_ns)
    # A pulse shorter than that part is seen for as long as its phase stays there, as a burst is.
    twice = short_time(2 * readings.period_ns)
    escapes = (
        f"a load in step with it (every {of} or {twice}), however steady its readings are. It reads pulses "
        f"and pauses shorter than {looked} that repeat about every {of} as longer ones: ± excludes both"
    )
    if readings.is_shown and readings.declared_shape is not Shape.CHARGE:
        return (
            f"{name} averages about {looked} of each {of}, not all of it as declared: it jumps at steps of "
            f"power where a mean of {of} has values between. It misses {escapes}"
        )
    return f"{name} measures {looked} of each {of}: it misses {escapes}"


def _idle(means: Boxcar | None, name: str) -> str:
    """Of means that stand still at idle in a recording without idle power."""
    if means is None or not means.open_idle_w:
        return ""
    return (
        f"{name} stands still while its machine is idle, and no reading shows only idle power: ± includes "
        f"any from 0 to {three_digits(means.open_idle_w)} W. Record 3 s of idle time before or after the work"
    )


def _longer(readings: Readings, name: str) -> str:
    """Of a gauge that averages longer than it is declared to, or whose load follows its steps slowly."""
    if readings.longer is None:
        return ""
    found = readings.as_longer()
    is_unknown = readings.declared_shape is Shape.POINT
    as_declared = (
        "nothing is declared" if is_unknown else f"a mean of {short_time(readings.period_ns)} is declared"
    )
    if found.shape is Shape.CHARGE:
        slowly = f"follows steps of power with a time constant of about {short_time(found.decay_ns or 0)}"
        load = "approaches its levels as slowly"
    else:
        slowly = f"averages about {short_time(found.window_ns or 0)}"
        load = "takes as long to reach its levels"
    return f"either {name} {slowly} ({as_declared}), or the power itself {load}: ± includes both"


def lag_of(gauge: Gauge) -> list[str]:
    """The sentence about a gauge's lag: from where it is known, or how much ± takes for granted."""
    timing = gauge.channel.timing
    if timing.likely_lag_ns is None and (gauge.readings.shape is Shape.POINT or len(gauge) < 2):
        return []  # what is not known of a point is in its figures
    if timing.likely_lag_ns is None:
        most = short_time(gauge.lag_s * NS_PER_S)
        return [
            f"{gauge.channel.id}: ± assumes that its readings are at most {most} late (not measured); "
            "windows around work that changes the power measure it"
        ]
    likely = (
        stated_ns(timing, gauge.readings.spread_s) if timing.lag_source == SOURCE else timing.likely_lag_ns
    )
    least, most = (three_digits(each / NS_PER_MS) for each in likely or timing.likely_lag_ns)
    return [f"{gauge.channel.id}: lag {least} to {most} ms, {timing.lag_source}"]


def of_gauges(gauges: Iterable[Gauge], t0_ns: I64, t1_ns: I64) -> list[str]:
    """What is to be said of gauges and of windows whose energies are theirs."""
    return [note for gauge in gauges for note in (*gauge.notes, *averaging(gauge, t0_ns, t1_ns))]


def averaging(gauge: Gauge, t0_ns: I64, t1_ns: I64) -> list[str]:
    """What ± of short windows leaves out where a reading is a mean of all of the time: a sentence, or none.

    Args:
        gauge: Of watts.
        t0_ns: int64[n], when the windows that are to be reported begin.
        t1_ns: When they end.
    """
    readings = gauge.readings
    if len(gauge) < 2 or readings.shape not in (Shape.HOLD, Shape.BOXCAR) or readings.coverage < 1:
        return []
    mean_ns, length_ns = readings.window_ns or readings.period_ns, t1_ns - t0_ns
    is_short = (length_ns > 0) & (length_ns < _SHORT * mean_ns)
    is_short[is_short] = gauge.values(t0_ns[is_short], t1_ns[is_short])[1] == 0
    if not is_short.any():
        return []
    n, least = int(is_short.sum()), int(np.flatnonzero(is_short)[np.argmin(length_ns[is_short])])
    length_s = seconds(int(length_ns[least]))
    value_j = gauge.values(t0_ns[least : least + 1], t1_ns[least : least + 1])[0]
    power_w = min(max(float(value_j[0]) / length_s, 0.0), gauge.most_w)
    moved_j = min(
        power_w * (1 - power_w / gauge.most_w) * seconds(mean_ns),
        max(power_w, gauge.most_w - power_w) * length_s,
    )
    short = "1 window is" if n == 1 else f"{n:,} windows are"
    return [
        f"{gauge.channel.id} averages {short_time(mean_ns)}: a load that repeats a whole number of times "
        "in it reads as steady power. ± excludes such loads: one can move the shortest window "
        f"({short_time(int(length_ns[least]))}) by {three_digits(moved_j)} J, and {short} shorter than "
        f"{short_time(_SHORT * mean_ns)}"
    ]


def _charged(gauge: Gauge, name: str) -> str:
    decay_ns, period_ns = gauge.readings.decay_ns, gauge.readings.period_ns
    if not decay_ns:
        return ""
    watts = np.clip(gauge.readings.watts, 0.0, gauge.most_w)
    strays_w = float((watts * (1 - watts / gauge.most_w)).max())
    off_w = 2 * strays_w * math.tanh(period_ns / (4 * decay_ns))
    return (
        f"{name} follows the power late, as a capacitor does: a load in step with its updates, every "
        f"{short_time(period_ns)}, reads up to {three_digits(off_w)} W too high or too low, "
        "however steady its readings are"
    )


def _alias(gauge: Gauge, name: str) -> str:
    half_w = gauge.swings.half_w
    is_alias = half_w > 0
    if gauge.readings.coverage >= 1 or not len(half_w) or is_alias.mean() < _SHARE:
        return ""
    if np.isinf(gauge.swings.unseen_w).any():
        long_enough = short_time(ENOUGH * gauge.readings.period_ns)
        return (
            f"{name} was updated {len(gauge)} times: that does not tell power that changes from a load near "
            f"its own frequency, so ± is wide. Record for {long_enough} or longer, or repeat short work with "
            "`uj.measure`"
        )
    swing_w = 2 * float(np.median(half_w[is_alias]))
    within, watts = short_time(gauge.readings.period_ns), gauge.readings.watts
    is_more = swing_w > np.ptp(watts)
    hidden = f" though its readings are {watts.min():.0f} to {watts.max():.0f} W," if is_more else ""
    return (
        f"the readings of {name} swing as those of a load near its own frequency, or quicker, do: it may "
        f"swing by {swing_w:.0f} W within {within},{hidden} and its intervals are wide there"
    )
