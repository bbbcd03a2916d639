"""Times of one clock on another one, by pairs of both that were read together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..trace.series import I64


def on_clock(instants_ns: npt.ArrayLike, t_ns: npt.ArrayLike, clock_ns: npt.ArrayLike) -> I64:
    """Times of one clock on another one, between pairs of both read together.

    Args:
        instants_ns: int64[n], on the first clock.
        t_ns: int64[m], the pairs on the first clock, ascending; at least one.
        clock_ns: int64[m], the same instants on the other clock.

    Returns:
        int64[n]; the offset is interpolated between pairs and kept constant outside them.
    """
    instants = np.asarray(instants_ns, np.int64)
    pair_t, pair_clock = np.asarray(t_ns, np.int64), np.asarray(clock_ns, np.int64)
    offset = pair_clock - pair_t
    # Careful: nanoseconds since 1970 do not fit a float; differences do.
    drift = np.interp(instants - pair_t[0], pair_t - pair_t[0], (offset - offset[0]).astype(np.float64))
    moved: I64 = instants + offset[0] + np.rint(drift).astype(np.int64)
    return moved
