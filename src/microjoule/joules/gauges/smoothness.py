"""Whether readings of a part of the time go smoothly, as those of a load do whose edges creep through it."""

from __future__ import annotations

import numpy as np

from ..estimates.brackets import F64
from .running import local_mean

_SMOOTH = 0.35  # r from which on successive differences go together
_AS_SMOOTH = 0.55  # of the r that a fast load's edges have


def as_smooth(coverage: float, phi: F64) -> F64:
    """The r of successive differences from which on readings may be of a fast load.

    Its edges take (1 - phi) w / (phi T) readings to creep through the part that is looked at: of n that are
    alike r is 1 - 1/n. A slow load's edge is past after one or two.
    """
    readings = np.maximum(coverage * (1 - phi) / phi, 1.0)
    return np.maximum(_SMOOTH, _AS_SMOOTH * (1 - 1 / readings))


def smoothness(watts: F64, seen: F64) -> F64:
    """Whether differences go together around each reading; one large step counts as a smaller one."""
    most = np.minimum(seen[1:], seen[:-1]) / 3
    step = np.clip(np.diff(watts), -most, most)
    squares = local_mean(step[:-1] ** 2)
    r = local_mean(step[1:] * step[:-1]) / np.where(squares > 0, squares, 1.0)
    return np.concatenate((r[:1], r, r[-1:]))
