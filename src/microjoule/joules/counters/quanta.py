"""How late a counter shows single quanta that take several updates to fill. Pure.

A quantum is shown by the first update after it is full: late by a part of an update, which differs from one
to the next in a pattern (2 3 2 3 updates to a quantum). Of steady power the instants that show quanta stray
from a straight line by s, and their distances scatter by s √(2 (1 - c)), with c the correlation of two
successive ones. So s √12 is an update, whatever was declared of it, and c says how far what is between two
quanta is off: by less than independent ones make it where c is below 0. Power that is not steady strays from
the line farther than distances scatter, so that c is near 1; then neither is taken.

Counts of few quanta an update come in a pattern, too (2 3 3 2 3 quanta). Where all are within a quantum of
their mean, steady power that is cut off shows the same: neither updates that scatter nor power that repeats.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..estimates.uncertainty import ROOT_12
from .neighbourhood import OWN, SEGMENTS, Neighbourhood, roughness
from .update_times import AROUND, F64, Bools

_STEADY = 0.5  # correlation, from which on power may not be steady
_SURELY = 0.25  # and below which it is
_FEW = 16  # quanta an update, above which nobody looks whether all are within a quantum of their mean


class Lateness(NamedTuple):
    """How late a counter shows single quanta, around n instants.

    Attributes:
        longest_ns: float64[n], the longest time; of more than single quanta how far updates are apart.
        alike: float64[n], the correlation of two in a row, -1/2 to 0.
        is_steady: bool[n], whether that is all that their distances differ by.
    """

    longest_ns: F64
    alike: F64
    is_steady: Bools


def lateness(near: Neighbourhood, apart_ns: F64, declared_ns: int, read_ns: F64) -> Lateness:
    """How late a counter shows single quanta.

    Args:
        near: The segments around n instants.
        apart_ns: float64[n], how far updates may be apart: of more than single quanta that is the time.
        declared_ns: The declared time between two updates.
        read_ns: float64[n], standard uncertainty of when readings showed them, which is not part of it.
    """
    alike = _alike(near)
    seen_ns = ROOT_12 * np.sqrt(np.maximum(near.uneven_ns**2 - read_ns**2, 0.0))
    seen_ns = np.where(alike < _STEADY, np.maximum(seen_ns, declared_ns), declared_ns)
    longest_ns = np.where(near.is_single, np.minimum(apart_ns, seen_ns), apart_ns)
    return Lateness(longest_ns, np.minimum(alike, 0.0), alike < _SURELY)


def _alike(near: Neighbourhood) -> F64:
    """float64[n], -1/2 to 1: the correlation c; 1 where nothing tells it."""
    n = near.is_usual.sum(1)
    mean = np.where(near.is_usual, near.length_ns, 0.0).sum(1) / np.maximum(n, 1)
    off = np.where(near.is_usual, near.length_ns - mean[:, None], 0.0)
    scatter = (off * off).sum(1) / np.maximum(n, 1)
    found = 1 - scatter / np.maximum(2 * near.uneven_ns**2, 1.0)  # times are whole nanoseconds
    return np.where(near.is_single & (n >= AROUND), np.clip(found, -0.5, 1.0), 1.0)


def cut_off(near: Neighbourhood, quantum: int) -> tuple[Bools, F64]:
    """Where cutting off explains all by which the counts of the updates around differ, and how much it does.

    Args:
        near: The segments around n instants.
        quantum: The least that the counter grows by.

    Returns:
        bool[n], and float64[n], counts: how much an update of steady power seems to scatter; 0 elsewhere.
    """
    is_cut = (near.rate[:, OWN] * near.usual_ns < _FEW * quantum) & ~near.is_single
    rough, few = np.zeros(len(is_cut)), np.flatnonzero(is_cut)
    if len(few):
        is_there = near.is_usual[few]
        gained = np.where(is_there, near.rate[few] * near.usual_ns[few, None], 0.0)
        mean = gained.sum(1) / np.maximum(is_there.sum(1), 1)
        is_cut[few] = is_within(np.where(is_there, gained - mean[:, None], 0.0), quantum)
        shown = np.diff(np.floor(mean[:, None] / quantum * np.arange(len(SEGMENTS) + 1) + 0.5), axis=1)
        rough[few] = roughness(shown, np.ones(shown.shape, bool)) * mean * is_cut[few]
    return is_cut, rough


def is_within(off: F64, quantum: float) -> Bools:
    """bool[n]: whether counts of updates, float64[n, m], are all less than a quantum off."""
    found: Bools = np.abs(off).max(1) < quantum
    return found
