"""A table's rows in parts, as fragments are made of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pyarrow as pa


@dataclass(frozen=True)
class Slice:
    """Some successive rows of a table."""

    table: pa.Table

    def rows(self):
        return self.table


def slices(table, ends):
    """A table cut before these rows."""
    cuts = sorted({0, table.num_rows, *(min(end, table.num_rows) for end in ends)})
    return [Slice(table.slice(a, b - a)) for a, b in pairwise(cuts)]


def same(one, other):
    """Whether two traces say the same of each window and channel, in all their parts."""
    windows = other.windows
    assert one.windows == windows
    mine, theirs = one.energies(windows), other.energies(windows)
    for a, b in zip(mine, theirs, strict=True):
        assert dict(a) == dict(b)
    assert dict(one.energy()) == dict(other.energy())
    return True
