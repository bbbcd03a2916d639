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

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ..estimates.uncertainty import ROOT_3, ROOT_12
from .sample_sums import Sums
from .sampled import POINTS, Shares
from .state_fit import StateFit

F64 = npt.NDArray[np.float64]

_INDEPENDENT = 0.8  # of the changes of independent samples, above which stays are shorter than a period
_KEPT = 0.8  # of a frame's difference that updates must leave for it to have a power of its own
_LEFT = 0.5  # of what updates mix, how much is left open once it was moved back
_LITTLE = 0.1  # of a frame's energy that all others may have, so that they hardly matter to it
_FEW = 1e-9


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


def frames(parent: Sequence[int], sums: Sums, found: Shares) -> Frames:
    """The energies of the nodes.

    Args:
        parent: Of each of the m nodes its parent, which comes before it; -1 of the first.
        sums: What samples sum up to, by innermost frame: m nodes.
        found: What is common to them.
    """
    up = _Upward(parent)
    samples, energy, late, time_s, shared, open_s = up.sums(np.stack(sums[:6], axis=1)).T
    changes, changing, staying = up.sums(_differences(up, sums)).T
    pairs = float(sums.pairs.sum()) + _FEW
    inside = samples / max(float(samples[0]), 1.0)
    independent = 2.0 * pairs * inside * (1.0 - inside)
    r = np.where(independent > _FEW, changes / np.maximum(independent, _FEW), 0.0)
    part = energy / max(float(energy[0]), _FEW)
    within = (1.0 - part) ** 2 * staying + part**2 * np.maximum(staying[0] - staying, 0.0)
    sampling = np.sqrt(np.maximum(_phi(np.clip(r, 0.0, 1.0)) * changing + within, 0.0))
    # Of few changes their share is not known: two standard deviations of a count more.
    surely = (changes + 2.0 * np.sqrt(np.maximum(changes, 0.0) + 1.0)) / np.maximum(independent, _FEW)
    separability, is_separate = _separability(found, surely, energy, time_s)
    is_separate &= (open_s < time_s / 2) | (time_s > (1.0 - _LITTLE) * time_s[0])
    return Frames(
        energy,
        sums.energy_j,
        time_s,
        np.rint(samples).astype(np.int64),
        sampling,
        _regression(up, sums, found.fit),
        late - energy,
        separability,
        np.minimum(shared, float(energy[0]) - energy) / ROOT_12 * 2,
        is_separate,
    )


class _Upward:
    """Sums from the leaves of a tree to its root."""

    def __init__(self, parent: Sequence[int]) -> None:
        self._parent = np.array(parent, np.int64)
        depth = [0] * len(parent)
        for number in range(1, len(parent)):
            depth[number] = depth[parent[number]] + 1
        self._depth = np.array(depth, np.int64)
        order = np.argsort(self._depth, kind="stable")
        self._levels = np.split(order, np.flatnonzero(np.diff(self._depth[order])) + 1)

    def sums(self, own: F64) -> F64:
        """float64[m, k]: each node's own and those of all below it."""
        found = own.copy()
        for level in self._levels[:0:-1]:
            np.add.at(found, self._parent[level], found[level])
        return found

    def common(self, one: I64, other: I64) -> I64:
        """The innermost frames that two stacks each share."""
        one, other = one.copy(), other.copy()
        while (apart := np.flatnonzero(one != other)).size:
            a, b = one[apart], other[apart]
            is_deeper = self._depth[a] >= self._depth[b]
            one[apart] = np.where(is_deeper, self._parent[a], a)
            other[apart] = np.where(is_deeper, b, self._parent[b])
        return one


def _differences(up: _Upward, sums: Sums) -> F64:
    """float64[m, 3]: changes into and out of a node, half the squared differences at these, and elsewhere."""
    m = len(sums.n)
    shared = up.common(sums.before, sums.after)
    is_change = sums.before != sums.after
    before, after, above = (each[is_change] for each in (sums.before, sums.after, shared))
    found = np.zeros((m, 3))
    found[:, 1] = sums.ends_j2
    for column, first, second in ((0, sums.pairs, sums.pairs), (1, sums.before_j2, sums.after_j2)):
        one, other = first[is_change], second[is_change]
        found[:, column] += np.bincount(before, one, m) + np.bincount(after, other, m)
        found[:, column] -= np.bincount(above, one + other, m)
    found[:, 2] = np.bincount(shared, sums.step_j2, m)
    return found


def _phi(r: F64) -> F64:
    """By how much samples at equal distances err less than samples at random (the head of this file)."""
    a = -np.log1p(-np.minimum(r, 1.0 - 1e-12))
    a = np.maximum(a, 1e-4)
    found: F64 = (1.0 / np.tanh(a / 2) - 2.0 / a) / -np.expm1(-a)
    return np.clip(found, 1.0 / 6.0, 1.0)


def _separability(found: Shares, r: F64, energy: F64, time_s: F64) -> tuple[F64, npt.NDArray[np.bool_]]:
    period_s = found.period_s
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
    return np.where(is_separate, np.minimum(open_, bound), bound) / ROOT_3, is_separate


def _within(a: F64) -> F64:
    """Of the variance of what runs, what its mean over a time keeps; that is a correlation times."""
    a = np.maximum(a, 1e-6)
    return np.where(a < 1e-3, 1.0 - a / 3, 2.0 * (a - 1.0 + np.exp(-a)) / np.square(a))


def _regression(up: _Upward, sums: Sums, fit: StateFit | None) -> F64:
    """float64[m]: the fit's uncertainty of the powers, for the time that each frame had of each."""
    m = len(sums.n)
    if fit is None:
        return np.zeros(m)
    own = np.zeros((m, len(fit.time_s)))
    own[sums.fit_node, sums.fit_column] = sums.fit_s
    part = up.sums(own) / fit.time_s
    known = np.isfinite(fit.fit.u_j)
    found: F64 = np.sqrt(((part @ fit.fit.directions[:, known] * fit.fit.u_j[known]) ** 2).sum(axis=1))
    return found
