"""The window of a run for the counter of its command, which counts nothing outside the command's life.

Readings of that counter come each 10 ms, and a command may begin and end between two. To interpolate at the
edges of its run would give most of such a command's CPU time to the milliseconds around it. But before it the
counter stood at zero, and after it at its last count, so the edges may be moved to readings outside, where
the count is known. A command that leaves children behind goes on counting: then its end is not moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..trace.series import I64
from .counter import Counter
from .run_window import whole

if TYPE_CHECKING:
    from .energy_trace import Trace


def widened(counter: Counter, trace: Trace, t0_ns: I64, t1_ns: I64) -> tuple[I64, I64]:
    """Windows of the counter of a command, those edges moved that are edges of its run.

    Args:
        counter: Of the command.
        trace: Whose run it is.
        t0_ns: int64[n], beginnings.
        t1_ns: int64[n], ends.
    """
    run = whole(trace)
    n, total = len(counter), counter.steps.total
    ends_ns = counter.t_ns + counter.read_ns(np.arange(n))
    # Interpolation puts the count of a reading halfway between it and the one before: hence one more.
    first = max(int(np.searchsorted(ends_ns, run.t0_ns, "right")) - 2, 0)
    last = int(np.searchsorted(counter.t_ns, run.t1_ns, "left"))
    if n and ends_ns[first] <= run.t0_ns and total[first] == 0:
        t0_ns = np.where(t0_ns == run.t0_ns, counter.t_ns[first], t0_ns)
    if last < n and total[last] == total[-1]:
        t1_ns = np.where(t1_ns == run.t1_ns, ends_ns[last], t1_ns)
    return t0_ns, t1_ns
