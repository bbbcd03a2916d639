"""Nodes whose clocks are doubted: their windows lie elsewhere than the same windows of other nodes.

Ranks of a job end the windows of one step together, to some milliseconds, since each waits for all others.
Where all windows of the names that two nodes have in one number lie apart by about one time, and that is more
than both clocks may be off, a clock is off by more than those say who keep it, or the ranks of one node run
behind those of the other, as the stages of a pipeline do. The traces cannot tell which of these it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...trace.series import I64
from ...units import seconds, three_digits
from ..estimates.brackets import F64
from .job_part import Part

_ALIKE_MIN = 3  # windows that must lie apart alike before a clock is doubted


class Doubt(NamedTuple):
    """A node whose clock is doubted.

    Attributes:
        by_ns: By how much more it may be off.
        sentence: What was seen.
    """

    by_ns: int
    sentence: str


class _Node(NamedTuple):
    """The windows of a node: when those of each name ended, in real time; and its clock's bound."""

    name: str
    ends_ns: dict[str, I64]
    bound_ns: int


def doubted(parts: Sequence[Part]) -> dict[str, Doubt]:
    """The doubted nodes, each compared with the node in the middle of all.

    Args:
        parts: The traces of a job; those of one node have one clock.
    """
    known: dict[str, _Node] = {}
    for node in dict.fromkeys(each.node for each in parts if each.clock.is_kept):
        mine = [each for each in parts if each.node == node and each.clock.is_kept]
        names = sorted({name for each in mine for name in each.windows})
        ends = {
            name: np.sort(
                np.concatenate([p.clock.to_real(p.windows[name][:, 1]) for p in mine if name in p.windows])
            )
            for name in names
        }
        known[node] = _Node(mine[0].name, ends, max(each.clock.bound_ns for each in mine))
    if len(known) < 2:
        return {}
    first = next(iter(known.values()))
    offsets = {
        node: float(np.median(_apart(first, of))) for node, of in known.items() if len(_apart(first, of))
    }
    if not offsets:
        return {}
    middle = known[sorted(offsets, key=lambda node: offsets[node])[(len(offsets) - 1) // 2]]
    found = {node: _doubt(middle, known[node]) for node in offsets if known[node] is not middle}
    return {node: doubt for node, doubt in found.items() if doubt is not None}


def _doubt(middle: _Node, of: _Node) -> Doubt | None:
    apart = _apart(middle, of)
    if not len(apart):
        return None
    usual, spread = float(np.median(apart)), float(np.ptp(apart))
    bound_ns = middle.bound_ns + of.bound_ns
    if np.abs(apart).min() <= bound_ns or spread >= abs(usual) / 2:
        return None
    way = "later" if usual > 0 else "earlier"
    return Doubt(
        math.ceil(abs(usual) + spread),
        f"the windows of {of.name} are {three_digits(seconds(round(abs(usual))))} s {way} than "
        f"those of {middle.name}, "
        f"and their clocks are said to agree to {three_digits(seconds(bound_ns))} s: a clock is "
        f"off, or the ranks of "
        "one run behind. What all nodes used meanwhile allows for both",
    )


def _apart(first: _Node, other: _Node) -> F64:
    """How far the windows of one name and number end apart, in ns; empty: too few can be compared."""
    alike = [
        other.ends_ns[name] - ends
        for name, ends in first.ends_ns.items()
        if len(other.ends_ns.get(name, ())) == len(ends)
    ]
    found = np.concatenate([np.empty(0, np.int64), *alike]).astype(np.float64)
    return found if len(found) >= _ALIKE_MIN else np.empty(0)
