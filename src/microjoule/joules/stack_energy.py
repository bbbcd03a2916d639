"""The energy of each frame of sampled stacks, with its interval.

Frames are nodes of a tree; a sample is of its innermost frame and of all around that. The energy of a frame
is the sum over its samples, so that frames add up to the whole. Its uncertainty has these parts:

* *sampling*: samples saw what they saw. Of neighbouring samples of a thread, half the squared difference of
  what each gives to the frame is the variance of samples taken at random. Samples a period apart of what
  stays err less: for stays of random length, with r the changes as a share of those of independent samples
  (r = 1 - e^-a), by phi = (coth(a/2) - 2/a) / (1 - e^-a), from 1/6 where it stays long to 1 where samples are
  independent. (For an exponential covariance: the variance of a sum at equal distances less its integral.)
* *regression*, where powers were fitted.
* *alignment*: the two clocks.
* *separability*: a change inside an update mixes two powers. Of its difference from the mean a stay of mean
  length 1/lambda keeps 2(a - 1 + e^-a)/a^2, with a = lambda T. A fit over what samples saw of an update keeps
  the share of the variance of that which is no sampling error. Where samples are too far apart to tell how
  long the stays are, the power may be anything.
* *threads at once*: they share the power equally, and may not have.
* *sensor*: as of any energy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..trace.series import I64
from ..units import NS_PER_S
from .sampled import POINTS, Moments, Shares

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

SEPARATE, MERGED = "measured", "not separable"
_INDEPENDENT = 0.8  # of the changes of independent samples, above which stays are shorter than a period
_KEPT = 0.8  # of a frame's difference that updates must leave for it to have a power of its own
_LEFT = 0.5  # of what updates mix, how much is left open once it was moved back
_LITTLE = 0.1  # of a frame's energy that all others may have, so that they hardly matter to it
_FEW = 1e-9
_ROOT_12 = math.sqrt(12.0)


class Frames(NamedTuple):
    """The energies of the nodes of a tree, each with all that it calls.

    Attributes:
        energy_j: float64[m].
        own_j: float64[m], of samples whose innermost frame it is.
        time_s: float64[m].
        samples: int64[m].
        sampling_j: float64[m], standard uncertainties, here and below.
        regression_j: float64[m].
        alignment_j: float64[m], with its sign.
        separability_j: float64[m].
        threads_j: float64[m].
        is_separate: bool[m], whether the frame has a power of its own, and not that of what runs beside it.
    """

    energy_j: F64
    own_j: F64
    time_s: F64
    samples: I64
    sampling_j: F64
    regression_j: F64
    alignment_j: F64
    separability_j: F64
    threads_j: F64
    is_separate: npt.NDArray[np.bool_]


def frames(parent: Sequence[int], node: I32, moments: Moments, found: Shares) -> Frames:
    """The energies of the nodes.

    Args:
        parent: Of each of the m nodes its parent, which comes before it; -1 of the first.
        node: int32[n], the innermost frame of each sample.
        moments: The samples.
        found: Their energies.
    """
    up = _Upward(parent)
    j, m = found.energy_j, len(parent)

    def summed(values: F64) -> F64:
        return up.sums(np.bincount(node, values, m))

    energy, late = summed(j), summed(found.late_j)
    time_s, samples = summed(found.time_s), summed(np.ones(len(j)))
    changes, changing, staying = _differences(up, node, found)
    pairs = float(found.is_next.sum()) + _FEW
    inside = samples / max(len(j), 1)
    independent = 2.0 * pairs * inside * (1.0 - inside)
    r = np.where(independent > _FEW, changes / np.maximum(independent, _FEW), 0.0)
    part = energy / max(float(energy[0]), _FEW)
    within = (1.0 - part) ** 2 * staying + part**2 * np.maximum(staying[0] - staying, 0.0)
    sampling = np.sqrt(np.maximum(_phi(np.clip(r, 0.0, 1.0)) * changing + within, 0.0))
    shared = summed(j * (1.0 - 1.0 / np.maximum(found.threads, 1.0)))
    open_s = summed(np.where(found.is_open, found.time_s, 0.0))
    # Of few changes their share is not known: two standard deviations of a count more.
    surely = (changes + 2.0 * np.sqrt(changes + 1.0)) / np.maximum(independent, _FEW)
    separability, is_separate = _separability(moments, found, surely, energy, time_s)
    is_separate &= (open_s < time_s / 2) | (time_s > (1.0 - _LITTLE) * time_s[0])
    return Frames(
        energy,
        np.bincount(node, j, m).astype(float),
        time_s,
        np.rint(samples).astype(np.int64),
        sampling,
        _regression(up, node, found, m),
        late - energy,
        separability,
        np.minimum(shared, float(energy[0]) - energy) / _ROOT_12 * 2,
        is_separate,
    )


class _Upward:
    """Sums from the leaves of a tree to its root."""

    def __init__(self, parent: Sequence[int]) -> None:
        self.parent = parent
        self.depth = [0] * len(parent)
        for number in range(1, len(parent)):
            self.depth[number] = self.depth[parent[number]] + 1

    def sums(self, own: npt.NDArray[Any]) -> F64:
        """float64[m]: each node's own and those of all below it."""
        found = own.astype(float).tolist()
        for number in range(len(found) - 1, 0, -1):
            found[self.parent[number]] += found[number]
        return np.array(found)

    def common(self, one: int, other: int) -> int:
        """The innermost frame that two stacks share."""
        depth, parent = self.depth, self.parent
        while one != other:
            if depth[one] >= depth[other]:
                one = parent[one]
            else:
                other = parent[other]
        return one


def _differences(up: _Upward, node: I32, found: Shares) -> tuple[F64, F64, F64]:
    """Of each node the changes into and out of it, half the squared differences at these, and elsewhere."""
    m, j = len(up.parent), found.energy_j
    here = np.flatnonzero(found.is_next)
    there = found.following[here]
    key = node[here].astype(np.int64) * m + node[there]
    kinds, number = np.unique(key, return_inverse=True)
    n = np.bincount(number, minlength=len(kinds)).astype(float)
    before, after = j[here], j[there]
    parts = before**2, after**2, (after - before) ** 2
    squares = [np.bincount(number, each, len(kinds)) / 2 for each in parts]
    changes, changing, staying = np.zeros(m), np.zeros(m), np.zeros(m)
    for kind, count, one, other, step in zip(
        kinds.tolist(), n.tolist(), *(each.tolist() for each in squares), strict=True
    ):
        a, b = divmod(kind, m)
        shared = a if a == b else up.common(a, b)
        staying[shared] += step
        if a != b:
            changes[a] += count
            changes[b] += count
            changes[shared] -= 2 * count
            changing[a] += one
            changing[b] += other
            changing[shared] -= one + other
    # Where a thread pauses, its last sample ends at an instant that is not known either.
    ends = np.flatnonzero(~found.is_next)
    changing += np.bincount(node[ends], j[ends] ** 2 / 2, m)
    return up.sums(changes), up.sums(changing), up.sums(staying)


def _phi(r: F64) -> F64:
    """By how much samples at equal distances err less than samples at random (the head of this file)."""
    a = -np.log1p(-np.minimum(r, 1.0 - 1e-12))
    a = np.maximum(a, 1e-4)
    found: F64 = (1.0 / np.tanh(a / 2) - 2.0 / a) / -np.expm1(-a)
    return np.clip(found, 1.0 / 6.0, 1.0)


def _separability(
    moments: Moments, found: Shares, r: F64, energy: F64, time_s: F64
) -> tuple[F64, npt.NDArray[np.bool_]]:
    period_s = moments.period_ns / NS_PER_S
    a = np.maximum(-np.log1p(-np.clip(r, 0.0, 1.0 - 1e-9)), 1e-6)
    if found.way == POINTS:
        kept, left = _within(a * found.update_s / period_s), _LEFT
    else:
        true = _within(a * max(found.update_s / period_s, 1.0))
        seen = (1.0 / np.tanh(a / 2) - 2.0 / a) * period_s / found.update_s
        kept, left = true / (true + seen), 1.0
    mean_w = float(energy[0]) / max(float(time_s[0]), _FEW)
    difference = np.abs(energy - mean_w * time_s)
    is_separate = (r < _INDEPENDENT) & (kept > _KEPT)
    # Most of it was moved back already, by steps between powers that are known each for themselves only.
    open_ = difference * (1.0 / kept - 1.0) * left
    bound = np.minimum(energy, np.maximum(float(energy[0]) - energy, 0.0))
    is_separate |= bound < _LITTLE * energy  # next to nothing is beside it
    return np.where(is_separate, np.minimum(open_, bound), bound) / math.sqrt(3.0), is_separate


def _within(a: F64) -> F64:
    """Of the variance of what runs, what its mean over a time keeps; that is a correlation times."""
    a = np.maximum(a, 1e-6)
    return np.where(a < 1e-3, 1.0 - a / 3, 2.0 * (a - 1.0 + np.exp(-a)) / np.square(a))


def _regression(up: _Upward, node: I32, found: Shares, m: int) -> F64:
    """float64[m]: the fit's uncertainty of the powers, for the time that each frame had of each."""
    span = found.span
    if span is None:
        return np.zeros(m)
    variance = np.zeros(m)
    n = len(span.columns)
    times = np.zeros((n, m))
    for column in range(n):
        mine = found.column == column
        times[column] = up.sums(np.bincount(node[mine], found.time_s[mine], m))
    part = times / span.time_s[:, None]
    known = np.isfinite(span.fit.u_j)
    for direction, u in zip(span.fit.directions.T[known], span.fit.u_j[known], strict=True):
        variance += (direction @ part * u) ** 2
    return np.sqrt(variance)
