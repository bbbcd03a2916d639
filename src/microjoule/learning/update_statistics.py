"""What the updates of a polled channel tell: their times, period, increments and power. No hardware."""

from __future__ import annotations

from math import gcd

import numpy as np
import numpy.typing as npt

from ..channel import Channel, Kind
from ..host.calibration import LearnedPower, Spread
from ..joules.counters.identity import is_joules
from ..joules.counters.unwrap import counts, unwrap
from ..trace.series import I64, Series
from ..units import NS_PER_S
from ..value_class import dataclass

WIDE = 4  # times the width that a quarter of the updates have, from which on one was seen late
PAIRS_MIN = 20
PARTS = 10  # into so many a watch is cut for the scatter of its power


@dataclass(frozen=True, slots=True, eq=False)
class ObservedUpdates:
    """The updates of one channel, n of them, in the order of time.

    Attributes:
        t_ns: int64[n], the middle of the interval in which the update was made.
        width_ns: int64[n], how wide that interval is.
        value: int64[n], the cumulative count after it; of a gauge the value.
        rejected: Changes of a counter that no plausible power explains. They are no updates here.
    """

    t_ns: I64
    width_ns: I64
    value: I64
    rejected: int = 0

    def __len__(self) -> int:
        return len(self.t_ns)


def updates(series: Series, channel: Channel) -> ObservedUpdates:
    """The updates between successive readings that differ."""
    t_ns, read_ns, raw = series.t_ns, series.read_ns, series.raw
    if series.valid is not None:
        t_ns, read_ns, raw = t_ns[series.valid], read_ns[series.valid], raw[series.valid]
    if not len(t_ns):
        nothing = np.empty(0, np.int64)
        return ObservedUpdates(nothing, nothing, nothing)
    if channel.kind is Kind.COUNTER:
        steps = unwrap(counts(raw, channel), t_ns, read_ns, channel)
        value, rejected = steps.total, len(steps.reset)
    else:
        value, rejected = raw.view(np.int64), 0
    at = np.flatnonzero(value[1:] != value[:-1]) + 1
    width = t_ns[at] + read_ns[at] - t_ns[at - 1]
    return ObservedUpdates(t_ns[at - 1] + width // 2, width, value[at], rejected)


def seen_at_once(found: ObservedUpdates) -> npt.NDArray[np.bool_]:
    """bool[n]: which updates were seen as soon as they came.

    Where the watching thread had to wait for a core, one change may hide several updates, and is located
    as badly as that took: several times wider than most.
    """
    if not len(found):
        return np.zeros(0, bool)
    prompt: npt.NDArray[np.bool_] = found.width_ns <= WIDE * np.percentile(found.width_ns, 25)
    return prompt


def apart(found: ObservedUpdates) -> tuple[I64, I64]:
    """Times and counts from update to update, where both were seen at once; of few, from all to all.

    Two such neighbours have nothing between them: a wait that hid an update would have shown it late.
    """
    times, counts = np.diff(found.t_ns), np.diff(found.value)
    prompt = seen_at_once(found)
    both = prompt[1:] & prompt[:-1]
    return (times[both], counts[both]) if np.count_nonzero(both) >= PAIRS_MIN else (times, counts)


def spread(durations_ns: np.ndarray) -> Spread | None:
    """Percentiles of durations, each one of the durations themselves; None: there are none."""
    if not len(durations_ns):
        return None
    low, median, high, very_high = np.percentile(durations_ns, [5, 50, 95, 99], method="nearest")
    return Spread(
        p5_ns=int(low),
        median_ns=int(median),
        p95_ns=int(high),
        p99_ns=int(very_high),
        max_ns=int(np.max(durations_ns)),
    )


def quantum(found: ObservedUpdates) -> tuple[int | None, int]:
    """The greatest common divisor of the increments, and of how many different ones."""
    increments = np.unique(np.abs(np.diff(found.value)))
    increments = increments[increments > 0]
    if not len(increments):
        return None, 0
    return gcd(*increments.tolist()), len(increments)


def power(t_ns: I64, value: I64, channel: Channel) -> LearnedPower | None:
    """The mean power over readings or updates, its uncertainty from the scatter over the parts.

    Args:
        t_ns: int64[n], ascending.
        value: int64[n], cumulative counts; of a gauge its values.
        channel: Tells unit, kind and quantity.

    Returns:
        None where there is too little to tell, or the channel counts no energy.
    """
    unit = float(channel.scale.unit)
    of_energy = is_joules(channel)
    if not of_energy and (channel.kind is Kind.COUNTER or channel.scale.quantity != "W"):
        return None
    cuts: I64 = np.unique(np.linspace(0, max(len(t_ns) - 1, 0), PARTS + 1).astype(np.int64))
    if len(cuts) < 3:
        return None
    if of_energy:
        each = np.diff(value[cuts]) * unit / np.diff(t_ns[cuts]) * NS_PER_S
        mean = float(value[-1] - value[0]) * unit / float(t_ns[-1] - t_ns[0]) * NS_PER_S
    else:
        each = np.add.reduceat(value, cuts[:-1]) * unit / np.diff(cuts)
        mean = float(np.mean(value)) * unit
    return LearnedPower(value_w=mean, u_w=float(np.std(each, ddof=1) / np.sqrt(len(each))))


def scatter(found: ObservedUpdates) -> float:
    """How much single increments scatter: median absolute deviation over the median."""
    increments = apart(found)[1].astype(np.float64)
    middle = float(np.median(increments)) if len(increments) else 0.0
    return float(np.median(np.abs(increments - middle))) / middle if middle > 0 else np.inf
