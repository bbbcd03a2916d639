"""From raw readings to cumulative counts, and what happened at each step.

A counter starts again after ``modulus`` counts, so that a step is known only modulo that. Which
multiple it was follows from how much can have passed: a step of d counts is plausible if

    d <= P_max * (dt + 2 * update_max + lag) / unit + quantum

with ``P_max`` twice the channel's stated limit, or 1 kW where it states none (docs/methods.md;
the two updates are the one that the first reading had missed and the one that the second has
just seen). A counter may be updated more rarely than declared (once a second, in many a virtual machine), so
that a larger step is plausible too, if the time since the counter changed before explains it: all that it
holds was drawn since then. Before the first change of all that time is not known, and taken for ``START_NS``
more. One plausible candidate: the step is certain. Several: *ambiguous*, and the truth is in
the interval. None: a *reset*, of which nothing is known but that energy is not negative.

Decision: the channel's limit bounds a block of readings at once (its largest step against a gap of
nothing, and then against its shortest gap) and single steps are looked at only in a block where that
fails, because on a healthy counter nothing ever does. Blocks stay in the second-level cache. What was
given up: brevity.
"""

from __future__ import annotations

from enum import IntEnum
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from ...arrays import distinct
from ...channel import Channel, Encoding, largest_rate
from ...trace.series import I64, U64
from ...units import NS_PER_S
from ...value_class import dataclass

FULL = 1 << 64
BLOCK = 1 << 14
_LARGEST = 1 << 62
ENDLESS_NS = int(np.iinfo(np.uint32).max)  # the length of a read that took 4.3 s or more
START_NS = 10 * NS_PER_S
"""How long a counter may not have been updated before its first reading."""
NJ_PER_J = 10**9


class Step(IntEnum):
    """What happened between two readings."""

    OK = 0
    WRAPPED = 1
    AMBIGUOUS = 2
    RESET = 3


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """The cumulative counts of n readings, and the steps that were not plain.

    A step has the index of the reading that ends it, from 1 to n - 1. The three index arrays
    ascend.

    Attributes:
        total: int64[n], counts since the first reading; a reset adds none, an ambiguous step
            the least that it can be.
        changes: int64, steps that are not 0.
        wrapped: int64, steps over the modulus, once for certain.
        ambiguous: int64, steps that may have passed the modulus more often.
        extra: int64, for each ambiguous step the largest count that it may have had more.
        reset: int64, steps that nothing plausible explains.
    """

    total: I64
    changes: I64
    wrapped: I64
    ambiguous: I64
    extra: I64
    reset: I64

    @property
    def code(self) -> npt.NDArray[np.uint8]:
        """uint8[n - 1]: the :class:`Step` of each step."""
        code = np.zeros(max(len(self.total) - 1, 0), np.uint8)
        code[self.wrapped - 1] = Step.WRAPPED
        code[self.ambiguous - 1] = Step.AMBIGUOUS
        code[self.reset - 1] = Step.RESET
        return code


def modulus(channel: Channel) -> int:
    """Counts after which the channel's counter starts again."""
    return channel.scale.modulus or FULL


def unit_nj(channel: Channel) -> Fraction:
    """The nanojoules that the kernel's powercap takes for the channel's unit: whole ones since Linux 4.0."""
    own_nj, shown_nj = channel.scale.unit * NJ_PER_J, channel.scale.shown_nj
    return own_nj if shown_nj == 0 else Fraction(shown_nj or int(own_nj))


def quantum(channel: Channel) -> int:
    """The largest count by which a reading can fall short of what the counter had.

    Microjoules coarser than a count tell only that many counts (from ESU 20 on; docs/methods.md).
    """
    if channel.encoding is Encoding.POWERCAP:
        return max(channel.scale.quantum, -(-1000 // unit_nj(channel)))
    return channel.scale.quantum


def counts(raw: U64, channel: Channel) -> U64:
    """The counter's counts behind raw readings, modulo its modulus or more.

    ``COUNT`` and ``SIGNED`` are taken as they are, for a difference of two's complements is one.
    Of ``POWERCAP`` the kernel's ``floor(count * unit_nj / 1000)`` is inverted:
    ``ceil(uj * 1000 / unit_nj)``, exact for units of a microjoule or more (docs/methods.md).

    Args:
        raw: uint64[n] as recorded; not written to.
        channel: Tells the encoding and the unit.

    Returns:
        uint64[n]; ``raw`` itself where nothing is to be done.
    """
    if channel.encoding is not Encoding.POWERCAP:
        return raw
    divisor, parts = unit_nj(channel).as_integer_ratio()
    return (raw * np.uint64(1000 * parts) + np.uint64(divisor - 1)) // np.uint64(divisor)


def unchanged_ns(steps: Steps, t_ns: I64, before_ns: int | None = None) -> int:
    """Since when the last reading's count may have been the counter's: the reading before its last change.

    Args:
        steps: Of readings.
        t_ns: When they began: one at least.
        before_ns: The same of the readings before these; None: there were none.
    """
    otherwise = int(t_ns[0]) - START_NS if before_ns is None else before_ns
    return _since(steps.changes, steps.reset, t_ns, otherwise)


def _since(changes: I64, reset: I64, t_ns: I64, otherwise: int) -> int:
    """When the reading before the last change began; a reset is one too."""
    last = max([0, *changes[-1:].tolist(), *reset[-1:].tolist()])
    return max(int(t_ns[last - 1]), otherwise) if last else otherwise


def unwrap(
    counts: U64,
    t_ns: I64,
    read_ns: npt.NDArray[np.uint32],
    channel: Channel,
    since_ns: int | None = None,
) -> Steps:
    """Cumulative counts of successive readings.

    Args:
        counts: uint64[n], see :func:`counts`; bits above the modulus are passed over.
        t_ns: int64[n], ascending, when each read began.
        read_ns: uint32[n], how long each took.
        channel: Tells modulus, limit, update period and quantum.
        since_ns: :func:`unchanged_ns` of the first reading; None: it is the first of all.
    """
    if not len(t_ns):
        return Steps(*[np.empty(0, np.int64)] * 6)
    if since_ns is None:
        since_ns = int(t_ns[0]) - START_NS
    return _Unwrapping(counts, t_ns, read_ns, channel, since_ns).steps()


class _Unwrapping:
    """One pass over readings in blocks, with the buffers that the blocks share."""

    def __init__(
        self, counts: U64, t_ns: I64, read_ns: npt.NDArray[np.uint32], channel: Channel, since_ns: int
    ) -> None:
        self.since_ns = since_ns
        self.modulus = modulus(channel)
        self.is_binary = self.modulus & (self.modulus - 1) == 0
        self.mask = np.uint64(self.modulus - 1)
        self.counts, self.t_ns, self.read_ns = self._reduced(counts), t_ns, read_ns
        timing = channel.timing
        self.rate_ns = largest_rate(channel) / NS_PER_S
        self.lag_ns = timing.lag_ns
        self.slack_ns = 2 * timing.update_max_ns + timing.lag_ns
        self.quantum = quantum(channel)
        self.wrapped: list[I64] = []
        self.ambiguous: list[I64] = []
        self.extra: list[I64] = []
        self.reset: list[I64] = []

    def _reduced(self, counts: U64) -> U64:
        # A binary modulus is a mask on the difference; any other must be reduced beforehand.
        if self.is_binary or not len(counts) or int(counts.max()) < self.modulus:
            return counts
        # Two's complement: the kernel's 64-bit count runs on below zero when its register wraps, and
        # 2^64 is no multiple of such a modulus.
        return (counts.view(np.int64) % np.int64(self.modulus)).astype(np.uint64)

    def limit(self, gap_ns: int) -> float:
        return self.rate_ns * (gap_ns + self.slack_ns) + self.quantum

    def steps(self) -> Steps:
        n = len(self.counts)
        total = np.empty(n, np.int64)
        total[:1] = 0
        changes, n_changes = np.empty(n - 1, np.int64), 0
        step = np.empty(min(BLOCK, n), np.uint64)
        is_change = np.empty(min(BLOCK, n), bool)
        for start in range(0, n - 1, BLOCK):
            stop = min(start + BLOCK, n - 1)
            size = stop - start
            largest = self._block(start, stop, step[:size])
            at = np.flatnonzero(np.not_equal(step[:size], 0, out=is_change[:size]))
            found = np.add(at, start + 1, out=changes[n_changes : n_changes + len(at)])
            n_changes += len(found)
            self.since_ns = _since(found, _joined(self.reset[-1:]), self.t_ns, self.since_ns)
            signed, before = step[:size].view(np.int64), float(total[start])
            # The largest step of all is quicker had than the sum, and says that there is room nearly always.
            is_near = before + size * float(largest) > _LARGEST
            if is_near and before + float(step[:size].sum(dtype=np.float64)) > _LARGEST:
                self._break_off(start, before, signed)
            signed[0] += total[start]
            np.cumsum(signed, out=total[start + 1 : stop + 1])
            # Where nothing wrapped, the steps add up to the plain difference.
            first, last = (int(self.counts[at]) % self.modulus for at in (start, stop))
            if int(total[stop]) - int(total[start]) != last - first:
                self._wraps(start, stop)
        return Steps(
            total,
            changes[:n_changes],
            _joined(self.wrapped),
            _joined(self.ambiguous),
            _joined(self.extra),
            distinct(*self.reset) if self.reset else _joined(self.reset),
        )

    def _block(self, start: int, stop: int, step: U64) -> int:
        """Works out the steps of a block, and gives the largest of them or more."""
        before, after = self.counts[start:stop], self.counts[start + 1 : stop + 1]
        np.subtract(after, before, out=step)
        if self.is_binary:
            np.bitwise_and(step, self.mask, out=step)
        else:
            step[after < before] += np.uint64(self.modulus)
        largest = int(step.max())
        # No gap is longer than the block, and no read than its field can say.
        span_ns = int(self.t_ns[stop] - self.t_ns[start]) + ENDLESS_NS
        if largest <= self._believed(0) and self.modulus > self.limit(span_ns):
            return largest
        gap, read_ns = np.diff(self.t_ns[start : stop + 1]), self.read_ns[start + 1 : stop + 1]
        longest_ns = int(gap.max()) + int(read_ns.max())
        if largest > self._believed(int(gap.min())) or self.modulus <= self.limit(longest_ns):
            self._unusual(start, step, gap + read_ns.astype(np.int64))
        return largest

    def _believed(self, gap_ns: int) -> float:
        return min(self.limit(gap_ns), _LARGEST // BLOCK)

    def _unusual(self, start: int, step: U64, gap: I64) -> None:
        """Judges each step of a block by itself; a reset's step becomes 0."""
        limit = np.minimum(self.rate_ns * (gap + float(self.slack_ns)) + self.quantum, float(_LARGEST))
        large = np.flatnonzero(step > limit)
        limit[large] = np.maximum(limit[large], self._limit_since_change(start, step, large))
        reset = step > limit
        step[reset] = 0
        self.reset.append(np.flatnonzero(reset) + start + 1)
        more = np.floor((limit - step) / float(self.modulus))
        more[reset] = 0
        at = np.flatnonzero(more >= 1)
        self.ambiguous.append(at + start + 1)
        most = float(_LARGEST // self.modulus)
        self.extra.append(np.minimum(more[at], most).astype(np.int64) * min(self.modulus, _LARGEST))

    def _limit_since_change(self, start: int, step: U64, large: I64) -> npt.NDArray[np.float64]:
        """The largest plausible count of steps by the time since the counter changed before."""
        changed = np.flatnonzero(step)
        before = np.searchsorted(changed, large) - 1
        since = np.where(before >= 0, self.t_ns[start + changed[before]], self.since_ns)
        ended = self.t_ns[start + 1 + large] + self.read_ns[start + 1 + large]
        limit = self.rate_ns * (ended - since + float(self.lag_ns)) + self.quantum
        return np.asarray(np.minimum(limit, float(_LARGEST)), np.float64)

    def _break_off(self, start: int, before: float, step: I64) -> None:
        """Ends the sum, as a reset does, before it leaves 64 bits: 1 GJ in counts of 2^-32 J."""
        sums = before + np.cumsum(step.view(np.uint64), dtype=np.float64)
        at = int((sums > _LARGEST).argmax())
        step[at:] = 0
        self.reset.append(np.array([start + 1 + at], np.int64))

    def _wraps(self, start: int, stop: int) -> None:
        before, after = self.counts[start:stop], self.counts[start + 1 : stop + 1]
        # Of a modulus that is no power of two the counts were reduced beforehand.
        back = ((after & self.mask) < (before & self.mask)) if self.is_binary else after < before
        at = np.flatnonzero(back) + start + 1
        unclear = [*self.reset[-1:], *self.ambiguous[-1:]]
        self.wrapped.append(np.setdiff1d(at, np.concatenate(unclear)) if unclear else at)


def _joined(parts: list[I64]) -> I64:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
