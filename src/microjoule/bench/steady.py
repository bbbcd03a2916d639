"""Where a load is steady: the rate of tokens over time, without its beginning.

The beginning is cut where the standard error of what is left is least (the marginal standard error rule:
K. P. White, "An effective truncation heuristic for bias reduction in simulation output", 1997), within the
first half. What is left is steady if its two halves agree.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..trace.series import I64

F64 = npt.NDArray[np.float64]

BINS = (8, 40)  # the fewest and the most
_APART = 3.0  # standard errors, and
_DRIFT = 0.1  # this share, by which both halves must differ to be called drifting


class Steady(NamedTuple):
    """A part of a load.

    Attributes:
        t0_ns: Its beginning.
        t1_ns: Its end.
        drift: By which share its second half differs from the first; 0.0: by nothing that shows.
    """

    t0_ns: int
    t1_ns: int
    drift: float


def steady(tokens_ns: I64, t0_ns: int, t1_ns: int, took_ns: float) -> Steady | None:
    """The steady part of a span; None: nothing came in it.

    Args:
        tokens_ns: int64[n], ascending, when tokens came.
        t0_ns: The beginning of the span.
        t1_ns: Its end.
        took_ns: What a request takes: the rate in bins that are no longer than that is that of one request.
    """
    bins = int(np.clip((t1_ns - t0_ns) / max(2 * took_ns, 1.0), *BINS))
    edges = np.linspace(t0_ns, t1_ns, bins + 1).astype(np.int64)
    rate = np.diff(np.searchsorted(tokens_ns, edges)).astype(np.float64)
    if not rate.any():
        return None
    cuts = range(bins // 2)
    first = min(cuts, key=lambda cut: float(rate[cut:].var()) / (bins - cut))
    kept = rate[first:]
    half = len(kept) // 2
    one, other = kept[:half], kept[-half:]
    change = float(other.mean() - one.mean())
    error = math.sqrt((float(one.var(ddof=1)) + float(other.var(ddof=1))) / half)
    share = change / float(kept.mean())
    drifts = abs(change) > _APART * error and abs(share) > _DRIFT
    return Steady(int(edges[first]), t1_ns, share if drifts else 0.0)
