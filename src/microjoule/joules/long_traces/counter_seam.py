"""Two stretches of a counter's readings, of which one follows the other, as one.

Where they meet, the step between the last reading of the one and the first of the other is unwrapped, the
totals of the later one are counted on, and what rests on neighbouring updates is finished: when the last
update before the seam was, and the first one after it. So joining is associative, to the last count.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...channel import Channel
from ...errors import NotInParts
from ...trace.series import I64, NO_TIME
from ..counters.counter import Counter
from ..counters.kept_rows import joined_rows
from ..counters.swings import Skeleton
from ..counters.unwrap import START_NS, Steps, counts, modulus, quantum, unwrap
from ..counters.unwrapped import Unwrapped
from ..counters.update_record import UpdateRecord
from ..counters.update_times import LEARN, brackets
from .counter_fragment import Change, CounterFragment, columns_of, placed
from .digest import TOTAL_MAX

_NONE = np.empty(0, np.int64)
_NO_CHANGE = np.empty((3, 0), np.int64)


def joined(one: CounterFragment, other: CounterFragment, channel: Channel, first_ns: int) -> CounterFragment:
    """Two stretches, of which the second follows the first, as one.

    Args:
        one: The earlier one.
        other: The later one.
        channel: The counter.
        first_ns: As of :func:`fragment_of`.

    Raises:
        NotInParts: The step between them, or the first change after it, must be judged with all readings.
    """
    failed_ns = np.concatenate((one.failed_ns, other.failed_ns))
    failed_ns = failed_ns[[0, -1]] if len(failed_ns) else failed_ns
    if not one.n or not other.n:
        return (one if one.n else other)._replace(failed_ns=failed_ns)
    if other.ends_ns[0] <= one.ends_ns[1]:
        raise NotInParts("the readings of a channel are in no order")
    steps = _across(one, other, channel)
    other = _counted_on(other, int(steps.total[1]), one)
    last, crossing, first = _seam(one, other, int(steps.total[1]), channel)
    times, read_ns = _times(one, other)
    seam = _NO_CHANGE if crossing is None else np.array([[times[0]], [times[1]], [crossing.total]])
    early = _NO_CHANGE
    if crossing is not None:
        early = np.stack((*brackets(times, read_ns, np.array([1])), np.array([crossing.step])))
    skeleton = Skeleton(first_ns).followed(one.skeleton, one.bin_ns)
    skeleton = skeleton.followed(np.concatenate((seam[1:], other.skeleton), axis=1), other.bin_ns)
    record = UpdateRecord()
    record.take(one.record, one.span_bits)
    record.take(columns_of(_in_between(one, other, (last, crossing, first))))
    record.take(other.record, other.span_bits)
    at_seam = steps.ambiguous == 1
    return CounterFragment(
        n=one.n + other.n,
        ends_ns=(one.ends_ns[0], other.ends_ns[1]),
        ends_read_ns=(one.ends_read_ns[0], other.ends_read_ns[1]),
        ends_raw=np.array([one.ends_raw[0], other.ends_raw[1]]),
        since_ns=other.since_ns if other.changed else one.ends_ns[1] if crossing else one.since_ns,
        total=other.total,
        changed=one.changed + seam.shape[1] + other.changed,
        rows=joined_rows([one.rows, other.rows]),
        wrapped=np.concatenate((one.wrapped, [one.n] * int(1 in steps.wrapped), other.wrapped)).astype(
            np.int64
        ),
        ambiguous=np.concatenate((one.ambiguous, [one.n] * int(at_seam.sum()), other.ambiguous)).astype(
            np.int64
        ),
        extra=np.concatenate((one.extra, steps.extra[at_seam], other.extra)),
        failed_ns=failed_ns,
        early=np.concatenate((one.early, early, other.early), axis=1)[:, :LEARN],
        still=one.still.joined(seam, other.still, quantum(channel)),
        skeleton=skeleton.columns(),
        bin_ns=skeleton.bin_ns,
        record=record.columns(),
        span_bits=record.span_bits,
        first=(last if one.changed == 1 else one.first) if one.first else crossing or first,
        last=other.last if other.last and other.changed > 1 else first or crossing or last,
    )


def _times(one: CounterFragment, other: CounterFragment) -> tuple[I64, npt.NDArray[np.uint32]]:
    """The last read of a stretch and the first one of the next."""
    times = np.array([one.ends_ns[1], other.ends_ns[0]])
    return times, np.array([one.ends_read_ns[1], other.ends_read_ns[0]], np.uint32)


def _across(one: CounterFragment, other: CounterFragment, channel: Channel) -> Steps:
    """The step between two stretches, and those up to the first change of the later one.

    Raises:
        NotInParts: A count fell, or that change is another one by what came before.
    """
    t_ns, read_ns = (each.tolist() for each in _times(one, other))
    counted = counts(np.array([one.ends_raw[1], other.ends_raw[0]]), channel).tolist()
    change = other.first
    if change is not None:
        if change.before_ns > t_ns[1]:
            t_ns.append(change.before_ns)
            read_ns.append(change.before_read_ns)
            counted.append(counted[1])
        t_ns.append(change.t_ns)
        read_ns.append(change.read_ns)
        counted.append((counted[1] + change.step) % modulus(channel))
    since_ns = one.since_ns if one.since_ns != NO_TIME else one.ends_ns[0] - START_NS
    found = unwrap(
        np.array(counted, np.uint64), np.array(t_ns), np.array(read_ns, np.uint32), channel, since_ns
    )
    if len(found.reset):
        raise NotInParts("a count fell")
    if change is not None:
        here, there = len(t_ns) - 1, change.number
        extra = [found.extra[found.ambiguous == here], other.extra[other.ambiguous == there]]
        is_same = (
            int(found.total[here] - found.total[here - 1]) == change.step
            and (here in found.wrapped) == (there in other.wrapped)
            and np.array_equal(*extra)
        )
        if not is_same:
            raise NotInParts("a step is another one by when the counter changed before")
    return found


def _counted_on(other: CounterFragment, step: int, one: CounterFragment) -> CounterFragment:
    """The later stretch with its numbers and totals counted from the beginning of the earlier one.

    Raises:
        NotInParts: It counts more than can be added up.
    """
    n, base = one.n, one.total + step
    if base + other.total > TOTAL_MAX:
        raise NotInParts("a counter counted more than 61 bits hold")

    def on(change: Change | None) -> Change | None:
        return change and change._replace(number=change.number + n, total=change.total + base)

    def raised(columns: I64) -> I64:
        """The columns with the last one counted on."""
        return np.concatenate((columns[:-1], columns[-1:] + base))

    is_change = other.rows.is_change.copy()
    is_change[0] = step != 0
    still = other.still._replace(first=raised(other.still.first), last=raised(other.still.last))
    return other._replace(
        total=base + other.total,
        rows=other.rows._replace(
            number=other.rows.number + n, total=other.rows.total + base, is_change=is_change
        ),
        wrapped=other.wrapped + n,
        ambiguous=other.ambiguous + n,
        still=still,
        skeleton=raised(other.skeleton),
        record=(*other.record[:2], other.record[2] + base),
        first=on(other.first),
        last=on(other.last),
    )


def _seam(
    one: CounterFragment, other: CounterFragment, step: int, channel: Channel
) -> tuple[Change | None, Change | None, Change | None]:
    """The last change before a seam, that across it and the first after it, with what each tells the others.

    Args:
        one: The earlier stretch.
        other: The later one, counted on.
        step: Between the two.
        channel: The counter.
    """
    (t0, t1), (read0, read1) = (each.tolist() for each in _times(one, other))
    base = one.total + step
    crossing = Change(one.n, t0, read0, t1, read1, step, base) if step else None
    points = {t0: (read0, one.total), t1: (read1, base)}
    second = slice(1, 2)
    rows = other.rows
    points.update(
        zip(
            rows.t_ns[second].tolist(),
            zip(rows.read_ns[second].tolist(), rows.total[second].tolist(), strict=True),
            strict=True,
        )
    )
    for change in (one.last, other.first):
        if change is not None:
            points[change.before_ns] = (change.before_read_ns, change.total - change.step)
            points[change.t_ns] = (change.read_ns, change.total)
    t_ns = np.array(sorted(points))
    read_ns, total = np.array([points[each] for each in t_ns.tolist()]).T
    changes = np.flatnonzero(np.diff(total)) + 1
    steps = Steps(total, changes, _NONE, _NONE, _NONE, _NONE)
    counter = Counter.of(Unwrapped(t_ns, read_ns.astype(np.uint32), steps, _NONE), channel)
    last, crossing = (each and placed(each, counter) for each in (one.last, crossing))
    return last, crossing, other.first


def _in_between(
    one: CounterFragment, other: CounterFragment, seam: tuple[Change | None, Change | None, Change | None]
) -> list[Change]:
    """The changes at a seam whose updates are neither the first nor the last one of both stretches."""
    last, crossing, first = seam
    found = []
    if last and one.changed > 1 and (crossing or first):
        found.append(last)
    if crossing and one.changed and first:
        found.append(crossing)
    if first and other.changed > 1 and (crossing or one.changed):
        found.append(first)
    return found
