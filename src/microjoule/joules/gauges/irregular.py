"""Loads of about the sensor's own frequency whose edges are irregular: what readings show of them, and hide.

Let a load of the period p be high for d p and low for (1 - d) p, each up to a share r longer or shorter, by
itself. Beside its mean a cycle has H ((1 - d) δ_h - d δ_l), so its energy scatters by
H d (1 - d) r p √(2/3), and the mean of an update T, of T / p cycles, by

    σ = S r √(2 p / 3 T),   S = H d (1 - d):

S T is how far the energy strays within a period, from end to end. Two readings have little in common: what
readings do is scatter, and it is all that they do. So readings that scatter may be of a load that strays by
S = σ / (r √(2 p / 3 T)), and no figure of them tells it from power that is noise. Here r is 0.2 and p is
T / 2: a load of more regular edges strays by more than that, as far as the limit and zero leave it room.

Where a reading does not weigh all of a period alike, as that of a capacitor does not, it depends on the
load's phase, too. That creeps: a cycle is off by r √(d² + (1 - d)²) / √3 of itself, and so many more cycles
later by the root of their number. So the readings wander by as much as the sensor keeps of a swing at its own
frequency, and not beyond, while the power does not. Power that does so itself is rarely that small. Readings
of a part of each period keep all of the swing, and wander so while no beat is as long as the next.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from ...arrays import Bools
from ...trace.series import I64
from ..estimates.brackets import F64
from ..estimates.uncertainty import ROOT_12
from .running import extreme, from_nearer, local_mean

Scatter = TypeVar("Scatter", float, F64)

BLOCKS = (16, 32, 64, 128, 256)  # updates, whose means creeping phases move
# Student's t at 95 %, over that of many, of the means of so many in 2 * 512 + 1 readings: those that overlap
# tell as much as half as many again that do not.
_OF_FEW = np.array([[1.01], [1.03], [1.06], [1.12], [1.31]])
_AROUND, _SOME = 4, 0.3  # times as many on either side, and the share of them that tells how means scatter
_PEAKED = 2.2  # m4 / m2² of readings, half way from 1.5 of a sine to 3
_OF_EIGHT = 1.2  # Student's t of so many means, which is all that there are
_FAR = 512  # updates on either side in which phases creep
_IRREGULAR = 0.2  # r, at the least
_SCATTER = 0.15  # of what independent readings have and no sine explains: a beat of a slow swing leaves less
OF_NOISE = 4.0  # a smaller swing than so much noise is none
_ALIKE, _FEW_ALIKE = 3.0, 0.15  # of the noise; a load with irregular edges rarely gives two such readings
_EVEN = 0.6  # of half of what they span, the scatter of readings that are nowhere for long
_MOST, _MOST_UNLIKE = 0.1, 0.2  # of the widest swing, the scatter of a load of T or less, and of up to 1.4 T
_OF_SQUARE = 1.6  # times the share of a sine that a reading keeps, for rectangles (π / 2)


def irregular_w(watts: F64, levels: tuple[F64, F64, F64], noise_w: float, is_own: Bools | None = None) -> F64:
    """float64[n]: half the swing of the load that readings of all of T may be of because they scatter.

    It is that of one that is high for half of the time: 2 S. 0: they do something else.

    Args:
        watts: float64[n], one for each update.
        levels: Their middle, half of what they swing by, and half of the widest swing around the middle.
        noise_w: Of a reading.
        is_own: bool[n]: whether the scatter is the readings' own and not of how ``watts`` were worked out.
    """
    middle, seen, room = levels
    off = watts - middle
    scatter_w = np.sqrt(local_mean(off**2))
    is_scatter = scatters(off) & (seen > OF_NOISE * noise_w)
    is_scatter &= True if is_own is None else is_own
    alike = local_mean((from_nearer(watts) < _ALIKE * noise_w) / 1.0)
    # Bursts have their idle readings in common, and are mostly far from the middle.
    is_even = (scatter_w < _EVEN * seen) & (scatter_w < 2 * _MOST * room)
    is_even |= (alike < _FEW_ALIKE) & (scatter_w < 2 * _MOST_UNLIKE * room)
    return np.where(is_scatter & is_even, of_scatter(scatter_w), 0.0)


def of_scatter(scatter_w: Scatter) -> Scatter:
    """Half the swing of the load, high for half of the time, whose readings scatter by so much."""
    return ROOT_12 / _IRREGULAR * scatter_w


def creeping_w(watts: F64, is_fast: Bools, kept_w: F64) -> F64:
    """float64[5, n]: how far means of 16, 32 … 256 readings stray as a load's phase creeps.

    These standard uncertainties are how such means scatter around each reading, by Student's t of how few
    they are, where those of 16 do not span more than the sensor keeps: else the power itself wanders.

    Args:
        watts: float64[n], one for each update.
        is_fast: bool[n]: whether they may be of a load near the sensor's own frequency.
        kept_w: float64[n]: what a reading keeps of a sine of half the widest swing, at that frequency.
    """
    slow = local_mean(watts, BLOCKS[0] // 2)
    spanned = (extreme(slow, np.maximum, _FAR) - extreme(slow, np.minimum, _FAR)) / 2
    if not (is_fast & (spanned < _OF_SQUARE * kept_w)).any():
        return np.zeros((len(BLOCKS), len(watts)))
    # Near its ends a load is among others: it is as it is a little earlier, or later.
    each = np.arange(len(watts))
    near = np.clip(each + np.array([[0], [-_FAR], [_FAR]]), 0, len(watts) - 1)
    at = near[np.argmin(spanned[near], axis=0), each]
    found = _OF_FEW * np.stack([_scatter_of_means(watts, size)[at] for size in BLOCKS])
    return np.where(is_fast & (spanned[at] < _OF_SQUARE * kept_w), found, 0.0)


def means_astray_w(watts: F64, is_uneven: Bools) -> F64:
    """float64[5, n]: how far means of 16, 32 … 256 readings of a part of the time are from the power's.

    What the phase of a fast load does is all that its readings do: as their means scatter, so they err. Where
    such a load is among others only the readings that are surely its own tell; too few tell what half as
    many do.

    Args:
        watts: float64[n], one for each update.
        is_uneven: bool[n]: whether they may be of a load near the sensor's own frequency that has no clock.
    """
    found, shorter = np.zeros((len(BLOCKS), len(watts))), np.zeros(len(watts))
    off, inside = watts - watts.mean(), extreme(is_uneven / 1.0, np.minimum)
    inside *= _are_levels_passed(off, inside)
    for row, size in zip(found, BLOCKS, strict=True):
        means, around = local_mean(off, size // 2), _AROUND * size
        is_own = extreme(inside, np.minimum, size // 2)
        share = local_mean(is_own, around)
        mean, square = (local_mean(is_own * x, around) / np.maximum(share, 1e-9) for x in (means, means**2))
        scatter_w = _OF_EIGHT * np.sqrt(np.maximum(square - mean**2, 0.0))
        row[:] = shorter = np.where(share > _SOME, scatter_w, shorter)
    return found * is_uneven


def _are_levels_passed(off: F64, inside: F64) -> Bools:
    """bool[n]: whether readings are as often anywhere between two ends, or mostly at them.

    Then m4 / m2² is 9/5, or 1, as of a load that a part of the time passes over; of what wanders it is 3.
    """
    share = np.maximum(local_mean(inside, BLOCKS[-1]), 1e-9)
    m1, m2, m3, m4 = (local_mean(inside * off**k, BLOCKS[-1]) / share for k in (1, 2, 3, 4))
    square = np.maximum(m2 - m1**2, 1e-12)
    fourth = m4 - 4 * m3 * m1 + 6 * m2 * m1**2 - 3 * m1**4
    return np.asarray(fourth < _PEAKED * square**2)


def of_means(by_size: F64, at: I64, updates: F64) -> F64:
    """Of the means of so many updates, by those of 16, 32 … 256 around some readings; else of the nearest."""
    octaves = np.clip(np.log2(np.maximum(updates, 1.0) / BLOCKS[0]), 0, len(BLOCKS) - 1)
    part, whole = np.modf(octaves)
    here, longer = whole.astype(np.int64), np.ceil(octaves).astype(np.int64)
    found = by_size[here, at] * (1 - part) + by_size[longer, at] * part
    return np.asarray(found * np.sqrt(np.minimum(BLOCKS[-1] / np.maximum(updates, 1.0), 1.0)))


def _scatter_of_means(watts: F64, size: int) -> F64:
    means = local_mean(watts - watts.mean(), size // 2)
    scatter2 = local_mean(means**2, _FAR) - local_mean(means, _FAR) ** 2
    # As of n values with a mean of their own, of which n / size are independent.
    return np.sqrt(np.maximum(scatter2, 0.0) / (1 - size / (2 * _FAR + 1)))


def scatters(off: F64) -> Bools:
    """bool[n]: whether no one sine explains readings, or their differences."""
    return np.asarray(unlike_one(off) > _SCATTER)


def unlike_one(off: F64) -> F64:
    """What readings have that no one sine explains, as a share of what independent ones have: 0 to 1.

    A sine of any frequency has x_(i+1) + x_(i-1) = c x_i; of independent readings c is 0.
    """
    inner, beside = off[1:-1], off[2:] + off[:-2]
    squares = local_mean(inner**2)
    c = local_mean(beside * inner) / np.where(squares > 0, squares, 1.0)
    left = local_mean(beside**2) - c * c * squares
    share = left / np.where(squares > 0, (2 + c * c) * squares, 1.0)
    return np.concatenate((share[:1], share, share[-1:]))
