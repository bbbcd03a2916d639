"""Readings of a perf event that others interrupted, with an update lost each time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from microjoule.channel.reading_status import UNCOUNTED
from microjoule.trace.series import Series


def told(series: Series, off_ns: list[int], stretch: int = 1) -> Series:
    """The readings of events that were off at some instants, and lost an update at each.

    Where it was is known to so many readings.
    """
    raw, status = series.raw.copy(), np.zeros(len(series), np.uint16)
    for at_ns in off_ns:
        at = int(np.searchsorted(series.t_ns, at_ns))
        update = at + int(np.flatnonzero(np.diff(raw[at:]))[0]) + 1
        raw[update:] -= raw[update] - raw[update - 1]
        last = (update // stretch + 1) * stretch - 1
        status[last - stretch + 1 : last + 1] = np.maximum(status[last - stretch + 1 : last + 1], UNCOUNTED)
        status[last] += 1
    return replace(series, raw=raw, status=status)
