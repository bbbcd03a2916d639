"""Loads of about two updates, whose readings of all of the time alternate: what these say of its rectangles.

Readings of a load that is high for half of the time are a triangle of its phase, of a third of the mean
square of their extremes. Of one that is high for a fifth they are mostly extremes, of 0.73 of it; it swings
by five times what they do from their middle, and strays inside updates by 2.3 times as much.
"""

from __future__ import annotations

import numpy as np

from .brackets import F64
from .running import local_mean

ABOUT_TWO = 0.45  # cycles an update from which on a load is of about two updates
_AROUND = 32  # updates on either side whose mean square is taken
_STRAYS_MORE = 2.0  # (2.3 / 1.3 - 1) / (0.73 - 1 / 3): a triangle's height has a third of margin


def rectangles(watts: F64, levels: tuple[F64, F64, F64], phi: F64, half: F64) -> tuple[F64, F64]:
    """Half the swing of loads, of which those of two updates are rectangles: at least, and as they stray.

    Args:
        watts: float64[n], one for each update, of all of its time.
        levels: Their middle, half of what they swing by, and half of the widest swing around the middle.
        phi: Cycles an update.
        half: Half the swing of sines.

    Returns:
        float64[n] each, watts: the least that readings allow, and what accounts for how far power strays.
    """
    middle, seen, _ = levels
    rectangle = np.maximum(seen * (1 - phi) / phi, seen)
    share = local_mean((watts - middle) ** 2, _AROUND) / np.maximum(seen**2, 1e-12)
    strays = rectangle * (1 + _STRAYS_MORE * np.clip(share - 1 / 3, 0.0, 0.5))
    is_two = phi > ABOUT_TWO
    return np.where(is_two, np.minimum(half, rectangle), half), np.where(is_two, strays, half)
