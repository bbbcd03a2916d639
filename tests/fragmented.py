"""A table's rows in parts, as fragments are made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    """Whether two traces say the same of each window and channel, in all parts but the names of groups."""
    windows = other.windows
    assert one.windows == windows
    mine, theirs = (Named().each([*of.energies(windows), of.energy()]) for of in (one, other))
    assert mine == theirs
    return True


class Named:
    """Gives correlation groups names in the order in which they come up."""

    def __init__(self):
        self.names = {}

    def each(self, energies):
        return [{name: self.named(each) for name, each in of.items()} for of in energies]

    def named(self, estimate):
        parts = [
            part._replace(group=self.names.setdefault(part.group, str(len(self.names))))
            for part in estimate.components
        ]
        return replace(estimate, components=tuple(parts))
