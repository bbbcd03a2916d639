"""The lags of a trace's counters, as its other channels and its windows tell them. Pure.

Of a GPU's counter the gauges of the device and the windows tell it (:mod:`.lag_beside_gauge`,
:mod:`.lag_of_windows`). Those of a package and of the parts inside it tell of each other: let one counter's
lag lie in [a, b], by what was declared or measured of it, and trail the other's, in [c, d], by D ± h
(:mod:`.lag_of_parts`). Then it also lies in [c + D - h, d + D + h], and so in what both have in common:

* Where the other's lag was measured, this one's follows to the measurement's width and h.
* Where the other's was only declared, that is no bound: it may be longer, and figures are left as they are.
* Where they have nothing in common, one of the two lags is not what was thought. If the one that trails was
  only declared, it is longer: figures and guaranteed intervals take that into account. If it was measured,
  nobody knows which is wrong, and the report says so.
* What surely trails another may do so by as much as that one's lag and D: if its own lag was only declared,
  guaranteed intervals allow for all of that, with twice h, though nothing proves that it is so long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ...channel import Channel, Timing
from ...trace.window_columns import WindowColumns
from ...units import NS_PER_MS
from ..counters.counter import Counter
from ..counters.update_record import UpdateRecord, record_of
from ..estimates.lag_search import SOURCE
from ..estimates.total import beside as of_one_device
from ..estimates.total import is_energy
from ..gauges.gauge import Gauge
from .lag_beside_gauge import lag_beside_gauge
from .lag_of_parts import LagDifference, Recorded, lag_difference
from .lag_of_windows import LEAST_NS, are_in_step, common_ns, lag_of_windows

_DECLARED = "assumed"  # the source of a lag that nobody measured
_SURELY = 2.0  # half-widths at 95 %, that a longer lag is bounded by


class Pair(NamedTuple):
    """A package and a part inside it, by their channels' ids."""

    whole: str
    part: str


class RelatedLags:
    """What a trace tells of the lags of its counters, beside the marks; each pair is looked at once.

    Args:
        channels: By id.
        meter: The meter of a channel, without what its package or its parts tell.
        records: The updates of channels, where they are known.
        windows: Of the program.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        meter: Callable[[str], Counter | Gauge],
        records: Mapping[str, UpdateRecord],
        windows: WindowColumns,
    ) -> None:
        self._channels, self._meter, self._windows = channels, meter, windows
        self._known = records
        self._made: dict[str, UpdateRecord] = {}
        self.pairs = pairs(channels)
        self._found: dict[Pair, LagDifference | None] = {}

    def beside_gauges(self, counter: Counter) -> Counter:
        """A counter with the lag that gauges of its device or windows show, where marks leave it open."""
        names = of_one_device(counter.channel, self._channels)
        if not len(counter.changes) or not (names or counter.declared.lag_ns >= LEAST_NS):
            return counter
        record = self._record(counter)
        gauges = (gauge for name in names if isinstance(gauge := self._meter(name), Gauge))
        counter = counter.with_timing(lag_beside_gauge(counter, record, gauges))
        of_windows = lag_of_windows(counter, record, self._windows)
        return counter.with_timing(of_windows, are_in_step(counter, record))

    def unsaid_ns(self, counter: Counter) -> float:
        """By how much more a counter's lag may be off at 95 % than figures of this trace are off by it."""
        is_in_step = counter.channel.timing.lag_source == SOURCE
        return common_ns(counter, self._record(counter)) if is_in_step else 0.0

    def difference(self, pair: Pair) -> LagDifference | None:
        """By how much the first of two trails the second; None: they do not show it."""
        if pair not in self._found:
            both = [self._recorded(name) for name in pair]
            self._found[pair] = lag_difference(*both)
        return self._found[pair]

    def _recorded(self, name: str) -> Recorded:
        counter = self._meter(name)
        assert isinstance(counter, Counter)  # as are all of `pairs`
        return Recorded(counter, self._record(counter))

    def _record(self, counter: Counter) -> UpdateRecord:
        name = counter.channel.id
        known = self._known.get(name) or self._made.get(name)
        if known is None:
            known = self._made[name] = record_of(counter)
        return known

    def timing(self, name: str, timing: Timing) -> Timing:
        """The timing of a counter with what its package or its parts tell of its lag."""
        for other, difference in self._seen_from(name):
            theirs = self._meter(other).channel.timing
            timing = beside(timing, theirs, difference, f"measured against {other}")
        return timing

    def _seen_from(self, name: str) -> Iterator[tuple[str, LagDifference]]:
        for pair in self.pairs:
            if name in pair and (found := self.difference(pair)) is not None:
                is_whole = pair.whole == name
                yield (pair.part, found) if is_whole else (pair.whole, found._replace(ns=-found.ns))

    def notes(self) -> list[str]:
        """A sentence about each pair whose lags differ, or surely hardly differ."""
        found = []
        for pair in self.pairs:
            difference = self.difference(pair)
            if difference is not None:
                found.append(_sentence(pair, difference, self._unlike(pair, difference)))
        return found

    def _unlike(self, pair: Pair, difference: LagDifference) -> bool:
        """Whether what is known of the two lags contradicts their difference."""
        one, other = (self._meter(name).channel.timing for name in pair)
        low, high = _moved(other, difference)
        return low > _likely(one)[1] or high < _likely(one)[0]


def pairs(channels: Mapping[str, Channel]) -> tuple[Pair, ...]:
    """The packages and their parts whose counters are both measured, and may both trail."""
    able = [c for c in channels.values() if is_energy(c) and c.trust.model is None and c.timing.lag_ns]
    wholes = {c.physical_id: c for c in reversed(able) if c.place.is_processor}
    inside = ((wholes.get(name), c) for c in able for name in c.trust.parents)
    return tuple(Pair(whole.id, part.id) for whole, part in inside if whole is not None)


def beside(timing: Timing, theirs: Timing, difference: LagDifference, source: str) -> Timing:
    """The timing of a counter that trails another one by so much; as it is where that tells nothing new.

    Args:
        timing: The counter's.
        theirs: The other one's.
        difference: The lag of the counter less that of the other.
        source: Where the difference is from, in words.
    """
    own_least, own_most = _likely(timing)
    low, high = _moved(theirs, difference)
    is_measured = theirs.lag_source != _DECLARED
    if timing.lag_source == _DECLARED and (is_measured or difference.ns > difference.half_ns):
        longest = math.ceil(theirs.lag_ns + difference.ns + _SURELY * difference.half_ns)
        timing = timing.with_longest_lag(longest)
    elif low > own_most:
        return timing
    if low > own_most:
        return timing.with_likely_lag(math.floor(low), math.ceil(high), source)
    if not is_measured:
        return timing
    # What was declared cuts off no measurement whose middle lies beyond it.
    least, most = max(own_least, low), high if low + high > 2 * own_most else min(own_most, high)
    if least > most or most - least >= own_most - own_least:
        return timing
    return timing.with_likely_lag(math.floor(least), math.ceil(most), source)


def _likely(timing: Timing) -> tuple[float, float]:
    return timing.middle_lag_ns - timing.half_lag_ns, timing.middle_lag_ns + timing.half_lag_ns


def _moved(theirs: Timing, difference: LagDifference) -> tuple[float, float]:
    """Between which two a lag lies that differs from another by so much."""
    least, most = _likely(theirs)
    return least + difference.ns - difference.half_ns, most + difference.ns + difference.half_ns


def _sentence(pair: Pair, difference: LagDifference, is_unlike: bool) -> str:
    ms, half_ms = difference.ns / NS_PER_MS, difference.half_ns / NS_PER_MS
    size = f"{abs(ms):.2f} ± {half_ms:.2f} ms"
    why = "measured at the power swings that both show"
    if abs(ms) <= half_ms:
        return f"{pair.whole} and {pair.part}: the same lag, ± {half_ms:.2f} ms, {why}"
    late, early = (pair.whole, pair.part) if ms > 0 else (pair.part, pair.whole)
    more = "; more than was declared or measured of them" if is_unlike else ""
    return f"{late} trails {early} by {size}, {why}{more}"
