"""What figures need of a stretch of a counter's readings, taken by itself and then joined to its neighbours.

A stretch is unwrapped from its first reading on, and of its readings those are kept on which the figures of
the asked instants depend, as in :mod:`.digest`. Stretches are joined by :mod:`.counter_seam`, and what comes
out is what one pass over all the readings gives, to the last count.

Decision: what a stretch cannot judge without those before it is not guessed. Where a counter fell, or where
its first change would be judged otherwise once it is known when it changed before, it is refused, and the
trace is integrated as a whole. What was given up: counters that started again, beyond one machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...arrays import distinct
from ...channel import Channel
from ...errors import NotInParts
from ...trace.series import I64, NO_TIME, U64, Series
from ..counters.counter import Counter
from ..counters.doubtful_counts import may_wrap_between_updates
from ..counters.kept_rows import NEAR, READINGS, Rows, far, ranges
from ..counters.lessons import LessonsInPieces
from ..counters.stillness import Still
from ..counters.swings import Skeleton
from ..counters.uncounted import NEVER, uncounted
from ..counters.unwrap import Steps, counts, quantum, unwrap
from ..counters.unwrapped import Unwrapped, sound
from ..counters.update_record import UpdateRecord
from ..counters.update_times import FIRST, LEARN, brackets

_NONE = np.empty(0, np.int64)


class Change(NamedTuple):
    """A reading that differs from the one before it.

    Attributes:
        number: Of the reading, in its stretch.
        before_ns: When the read before it began.
        before_read_ns: How long that took.
        t_ns: When it began.
        read_ns: How long it took.
        step: By how much it differs, in counts.
        total: What had been counted by then.
        update_ns: When the counter was updated; ``NO_TIME`` until the next change is known.
        width_ns: How wide the doubt of that is.
    """

    number: int
    before_ns: int
    before_read_ns: int
    t_ns: int
    read_ns: int
    step: int
    total: int
    update_ns: int = int(NO_TIME)
    width_ns: int = 0


class CounterFragment(NamedTuple):
    """A stretch of readings; numbers and totals are counted from its first one.

    Attributes:
        n: How many readings it has, without failed ones.
        ends_ns: When its first and its last read began.
        ends_read_ns: How long they took.
        ends_raw: uint64[2], what they said.
        since_ns: The read before the last change; ``NO_TIME``: there was none.
        total: What was counted in all.
        changed: How many readings differ from the one before.
        rows: The readings that are kept.
        wrapped: int64, the steps over the modulus.
        ambiguous: int64, the steps that may have passed it more often.
        extra: int64, what each of these may have had more.
        failed_ns: int64, when the first and the last failed read were.
        early: int64[3, ≤ LEARN], of the first changes the brackets and the steps.
        still: The longest time without an update.
        skeleton: int64[2, m], how the power swings: instants and totals.
        bin_ns: The spans of the skeleton.
        record: int64[m] each, the updates for a fit, but the first and the last one.
        span_bits: Of the record.
        first: The first change; None: there is none.
        last: The last one, which may be the first.
    """

    n: int
    ends_ns: tuple[int, int]
    ends_read_ns: tuple[int, int]
    ends_raw: U64
    since_ns: int
    total: int
    changed: int
    rows: Rows
    wrapped: I64
    ambiguous: I64
    extra: I64
    failed_ns: I64
    early: I64
    still: Still
    skeleton: I64
    bin_ns: int
    record: tuple[I64, I64, I64]
    span_bits: int
    first: Change | None
    last: Change | None


def fragment_of(series: Series, channel: Channel, instants_ns: I64, first_ns: int) -> CounterFragment:
    """What a stretch of readings leaves.

    Args:
        series: The readings, in the order of their times.
        channel: The counter.
        instants_ns: int64, ascending: what will be asked for, of all the trace.
        first_ns: When the first reading of the trace began.

    Raises:
        NotInParts: They can be judged together with those before them alone.
    """
    t_ns, read_ns, raw, failed_ns = sound(series)
    failed_ns = failed_ns[[0, -1]] if len(failed_ns) else failed_ns
    if not len(t_ns):
        return _EMPTY._replace(failed_ns=failed_ns)
    if not bool((t_ns[1:] > t_ns[:-1]).all()):
        raise NotInParts("the readings of a channel are in no order")
    steps = unwrap(counts(raw, channel), t_ns, read_ns, channel)
    if len(steps.reset):
        raise NotInParts("a count fell")
    if uncounted(series) is not NEVER:
        raise NotInParts("a counter's event was off")
    changes, total = steps.changes, steps.total
    counter = Counter.of(Unwrapped(t_ns, read_ns, steps, _NONE), channel)
    record, skeleton = UpdateRecord(), Skeleton(first_ns)
    record.add(counter, changes[1:-1])
    skeleton.add(t_ns[changes], total[changes])
    first = changes[:LEARN]
    return CounterFragment(
        n=len(t_ns),
        ends_ns=(int(t_ns[0]), int(t_ns[-1])),
        ends_read_ns=(int(read_ns[0]), int(read_ns[-1])),
        ends_raw=raw[[0, -1]],
        since_ns=int(t_ns[changes[-1] - 1]) if len(changes) else int(NO_TIME),
        total=int(total[-1]),
        changed=len(changes),
        rows=_kept(counter, steps, distinct(instants_ns, np.array([first_ns]))),
        wrapped=steps.wrapped,
        ambiguous=steps.ambiguous,
        extra=steps.extra,
        failed_ns=failed_ns,
        early=np.stack((*brackets(t_ns, read_ns, first), total[first] - total[first - 1])),
        still=Still.of(quantum(channel), t_ns, changes, total),
        skeleton=skeleton.columns(),
        bin_ns=skeleton.bin_ns,
        record=record.columns(),
        span_bits=record.span_bits,
        first=_change(counter, int(changes[0])) if len(changes) else None,
        last=_change(counter, int(changes[-1])) if len(changes) else None,
    )


def _kept(counter: Counter, steps: Steps, instants_ns: I64) -> Rows:
    """The readings that instants in or near this stretch depend on, and those at its ends."""
    t_ns, changes, timing = counter.t_ns, steps.changes, counter.channel.timing
    n, settling_ns, reach = len(t_ns), timing.lag_ns + timing.update_max_ns, far(timing)
    near = np.searchsorted(instants_ns, [t_ns[0] - settling_ns, t_ns[-1]], "left")
    due = instants_ns[near[0] : near[1] + 1]
    first = np.searchsorted(t_ns, due)
    settled = np.searchsorted(t_ns, due + settling_ns) + 1
    before, after = np.searchsorted(changes, first), np.searchsorted(changes, settled)
    padded = np.concatenate(([1], changes, [n - 1]))  # in front of all changes, and behind them
    low = np.minimum(first - READINGS, padded[np.maximum(before - NEAR, -1) + 1] - 1)
    high = np.maximum(padded[np.minimum(after + NEAR, len(changes)) + 1], settled)
    kept = ranges(low, high, n)
    kept[:READINGS], kept[-READINGS:] = True, True
    is_far = ranges(before - reach, after + reach, len(changes))
    is_far[: FIRST + reach], is_far[-reach - 1 :] = True, True
    for one in (changes[is_far], steps.wrapped, steps.ambiguous):
        kept[one], kept[one - 1] = True, True
    at = np.flatnonzero(kept)
    is_change = np.zeros(n, bool)
    is_change[changes] = True
    return Rows(at, t_ns[at], counter.read_ns(at).astype(np.uint32), steps.total[at], is_change[at])


def _change(counter: Counter, at: int) -> Change:
    total, (before_read_ns, read_ns) = counter.steps.total, counter.read_ns(np.array([at - 1, at])).tolist()
    times = int(counter.t_ns[at - 1]), before_read_ns, int(counter.t_ns[at]), read_ns
    step = int(total[at] - total[at - 1])
    return placed(Change(at, *times, step, int(total[at])), counter)


def placed(change: Change, counter: Counter, *, is_last: bool = False) -> Change:
    """A change with the instant of its update, where the readings of a counter tell it.

    Args:
        change: One of its changes.
        counter: The readings around.
        is_last: No change follows in all the trace.
    """
    at = np.searchsorted(counter.t_ns, [change.t_ns])
    if change.update_ns != NO_TIME or not (is_last or counter.changes[-1] > at[0]):
        return change
    earliest, latest = counter.update_span_ns(at)
    return change._replace(update_ns=int(counter.update_ns(at)[0]), width_ns=int(latest[0] - earliest[0]))


def counter_of(
    fragment: CounterFragment, channel: Channel, machine: str, first_ns: int
) -> tuple[Counter, UpdateRecord]:
    """The counter of all readings of a trace, and its updates for a fit.

    Args:
        fragment: All of them.
        channel: The counter.
        machine: Whose it is.
        first_ns: As of :func:`fragment_of`.

    Raises:
        NotInParts: The first readings are missing, or only all readings together tell what was counted.
    """
    if fragment.n and fragment.ends_ns[0] != first_ns:
        raise NotInParts("the first readings are missing")
    still = fragment.still.ended(quantum(channel), fragment.ends_ns)
    if may_wrap_between_updates(channel, still.longest_ns()):
        raise NotInParts("a counter may have started again between two updates")
    earliest, latest, size = fragment.early
    skeleton = Skeleton(first_ns).followed(fragment.skeleton, fragment.bin_ns)
    lessons = LessonsInPieces.known(channel, still, skeleton, (earliest, latest, size), fragment.changed)
    rows = fragment.rows
    steps = Steps(
        total=rows.total,
        changes=np.flatnonzero(rows.is_change),
        wrapped=np.searchsorted(rows.number, fragment.wrapped),
        ambiguous=np.searchsorted(rows.number, fragment.ambiguous),
        extra=fragment.extra,
        reset=_NONE,
    )
    readings = Unwrapped(rows.t_ns, rows.read_ns, steps, fragment.failed_ns, lessons)
    counter = Counter.of(readings, channel, machine)
    record = UpdateRecord()
    record.take(fragment.record, fragment.span_bits)
    last = fragment.last
    if last is not None and fragment.changed > 1:
        # Of the counter as it was declared, as all others of the record.
        last = placed(last, Counter.of(readings, channel), is_last=True)
        record.take(columns_of([last]))
    return counter, record


def columns_of(changes: Sequence[Change]) -> tuple[I64, I64, I64]:
    """Changes as a record of updates has them."""
    rows = [(each.update_ns, each.width_ns, each.total) for each in changes]
    instants, widths, total = np.array(rows, np.int64).reshape(-1, 3).T
    return instants, widths, total


_EMPTY = CounterFragment(
    n=0,
    ends_ns=(0, 0),
    ends_read_ns=(0, 0),
    ends_raw=np.zeros(2, np.uint64),
    since_ns=int(NO_TIME),
    total=0,
    changed=0,
    rows=Rows(_NONE, _NONE, np.empty(0, np.uint32), _NONE, np.empty(0, bool)),
    wrapped=_NONE,
    ambiguous=_NONE,
    extra=_NONE,
    failed_ns=_NONE,
    early=np.empty((3, 0), np.int64),
    still=Still(),
    skeleton=np.empty((2, 0), np.int64),
    bin_ns=0,
    record=(_NONE, _NONE, _NONE),
    span_bits=0,
    first=None,
    last=None,
)
