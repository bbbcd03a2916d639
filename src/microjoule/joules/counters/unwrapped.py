"""The readings of a counter that say something, unwrapped."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...channel import Channel
from ...trace.series import I64, U64, Series
from .doubtful_counts import is_noise, may_wrap_between_updates, with_wraps_between_updates
from .glitches import glitches
from .lessons import Lessons, LessonsInPieces
from .uncounted import NEVER, Uncounted, uncounted
from .unwrap import ENDLESS_NS, Steps, counts, unwrap

_STRIDE = 1024  # changes: in no stride of them can two be further apart than its ends


class Unwrapped(NamedTuple):
    """The good readings of a counter with what happened between them.

    Attributes:
        t_ns: int64[n], ascending.
        read_ns: uint32[n].
        steps: Of these readings.
        failed_ns: int64, when reads failed.
        lessons: What all readings tell, where not all are here or that was worked out before.
        dropped_ns: int64, when readings were taken that are not here because they fell and came back.
        is_noise: Whether the readings are no count.
        uncounted: When its event was off.
    """

    t_ns: I64
    read_ns: npt.NDArray[np.uint32]
    steps: Steps
    failed_ns: I64
    lessons: Lessons | LessonsInPieces | None = None
    dropped_ns: I64 = np.empty(0, np.int64)
    is_noise: bool = False
    uncounted: Uncounted = NEVER


def unwrapped(series: Series, channel: Channel) -> Unwrapped:
    """The good readings of a series, unwrapped."""
    t_ns, read_ns, raw, failed_ns = sound(series)
    counted = counts(raw, channel)
    steps = unwrap(counted, t_ns, read_ns, channel)
    dropped = glitches(counted, t_ns, read_ns, channel, steps.reset)
    dropped_ns = t_ns[dropped]
    if len(dropped):
        kept = np.setdiff1d(np.arange(len(t_ns)), dropped)
        t_ns, read_ns, counted = t_ns[kept], read_ns[kept], counted[kept]
        steps = unwrap(counted, t_ns, read_ns, channel)
    lessons = Lessons(channel, t_ns, read_ns, steps.total, steps.changes)
    # Looked for only where the counter stood still for long enough; first in strides, which hardly ever are.
    if all(may_wrap_between_updates(channel, _apart_ns(steps.changes[::by], t_ns)) for by in (_STRIDE, 1)):
        longest_ns = lessons.longest_ns
        if may_wrap_between_updates(channel, longest_ns):
            steps = with_wraps_between_updates(steps, t_ns, read_ns, channel, longest_ns)
    noise = is_noise(len(steps.reset), len(dropped), len(steps.changes))
    return Unwrapped(t_ns, read_ns, steps, failed_ns, lessons, dropped_ns, noise, uncounted(series))


def _apart_ns(changes: I64, t_ns: I64) -> int:
    """The longest time between two of some changes, or between one and an end."""
    if not len(t_ns):
        return 0
    return int(np.diff(t_ns[changes], prepend=t_ns[0], append=t_ns[-1]).max())


def sound(series: Series) -> tuple[I64, npt.NDArray[np.uint32], U64, I64]:
    """``t_ns``, ``read_ns`` and ``raw`` of the readings that tell something, and when reads failed."""
    t_ns, read_ns, raw, valid = series.t_ns, series.read_ns, series.raw, series.valid
    if len(read_ns) and int(read_ns.max()) == ENDLESS_NS:  # nobody knows when such a read ended
        valid = read_ns != ENDLESS_NS if valid is None else valid & (read_ns != ENDLESS_NS)
    if valid is None:
        return t_ns, read_ns, raw, np.empty(0, np.int64)
    return t_ns[valid], read_ns[valid], raw[valid], t_ns[~valid]
