"""Windows of several nodes as one: when any of them was open, and whose window each edge is of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...trace.series import I64
from .nodes import Piece


class Edges(NamedTuple):
    """Times in which a name had a window open, on one clock: beginnings and ends, and whose each is."""

    begin_ns: I64
    end_ns: I64
    begin_of: I64
    end_of: I64


def united(rows: Sequence[tuple[I64, int]]) -> Edges:
    """Windows of several nodes without overlap, with whose each edge is."""
    empty = np.empty((0, 2), np.int64)
    edges = np.concatenate([empty, *(each for each, _ in rows)])
    of = np.concatenate([np.empty(0, np.int64), *(np.full(len(each), at) for each, at in rows)])
    order = np.argsort(edges[:, 0], kind="stable")
    edges, of = edges[order], of[order]
    if not len(of):
        return Edges(of, of, of, of)
    ends = np.maximum.accumulate(edges[:, 1])
    first = np.flatnonzero(np.append(True, edges[1:, 0] > ends[:-1]))
    last = np.append(first[1:], len(edges)) - 1
    last_of = np.array(
        [of[a + int(np.argmax(edges[a : b + 1, 1]))] for a, b in zip(first, last, strict=True)]
    )
    return Edges(edges[first, 0], ends[last], of[first], last_of)


def merged(begin_ns: I64, end_ns: I64) -> tuple[I64, I64]:
    """Times that may overlap, as times that do not; they come in the order of their beginnings."""
    found = united([(np.stack((begin_ns, end_ns), axis=1), 0)])
    return found.begin_ns, found.end_ns


def clipped(begin_ns: I64, end_ns: I64, piece: Piece) -> tuple[I64, I64]:
    """What of some times lies in a piece."""
    begin = np.clip(begin_ns, piece.t0_ns, piece.t1_ns)
    end = np.clip(end_ns, piece.t0_ns, piece.t1_ns)
    is_there = end > begin
    return begin[is_there], end[is_there]


def lasted_ns(edges: Edges) -> int:
    """How long they are in all."""
    return int((edges.end_ns - edges.begin_ns).sum())
