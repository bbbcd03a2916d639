"""How late a counter shows single quanta that take several updates to fill. Pure.

A quantum is shown by the first update after it is full: late by a part of an update, which differs from one
to the next in a pattern (2 3 2 3 updates to a quantum). Of steady power the instants that show quanta stray
from a straight line by s, and their distances scatter by s √(2 (1 - c)), with c the correlation of two
successive ones. So s √12 is an update, whatever was declared of it, and c says how far what is between two
quanta is off: by less than independent ones make it where c is below 0. Power that is not steady strays from
the line farther than distances scatter, so that c is near 1; then neither is taken.
"""

from __future__ import annotations

import math

import numpy as np

from .neighbourhood import Neighbourhood
from .update_times import AROUND, F64

_STEADY = 0.5  # correlation, from which on power may not be steady
_ROOT_12 = math.sqrt(12.0)


def lateness(near: Neighbourhood, apart_ns: F64, declared_ns: int) -> tuple[F64, F64]:
    """float64[n] each: the longest time by which a count is shown late, and the correlation, -1/2 to 0.

    Args:
        near: The segments around n instants.
        apart_ns: float64[n], how far updates may be apart: of more than single quanta that is the time.
        declared_ns: The declared time between two updates.
    """
    alike = _alike(near)
    seen_ns = np.where(alike < _STEADY, np.maximum(_ROOT_12 * near.uneven_ns, declared_ns), declared_ns)
    return np.where(near.is_single, np.minimum(apart_ns, seen_ns), apart_ns), np.minimum(alike, 0.0)


def _alike(near: Neighbourhood) -> F64:
    """float64[n], -1/2 to 1: the correlation c; 1 where nothing tells it."""
    n = near.is_usual.sum(1)
    mean = np.where(near.is_usual, near.length_ns, 0.0).sum(1) / np.maximum(n, 1)
    off = np.where(near.is_usual, near.length_ns - mean[:, None], 0.0)
    scatter = (off * off).sum(1) / np.maximum(n, 1)
    found = 1 - scatter / np.maximum(2 * near.uneven_ns**2, 1.0)  # times are whole nanoseconds
    return np.where(near.is_single & (n >= AROUND), np.clip(found, -0.5, 1.0), 1.0)
