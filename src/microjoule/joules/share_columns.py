"""What explains a counter: whose seconds or events stand for which joules, a column a figure.

*Own* columns hold the time of one party each, or of all the small ones together: joules per second of theirs.
*Common* columns hold events of several parties, such as cache misses: joules per event, whoever had it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ..trace.series import I64
from ..units import NS_PER_S
from .regression import LEAST

F64 = npt.NDArray[np.float64]
Used = Callable[[I64], F64]

_OWN_COLUMN = 0.05  # of all time, from which on a party has its own joules per second
_COLUMNS_MAX = 6
_LOOKS_A_COLUMN = 4
_BUSY_MIN_S = 1e-3


class Columns:
    """The columns of the counters of one device.

    Args:
        own: Of each own column the amounts of its parties, by the party's number.
        common: The same of the common ones.
        idle: The number that stands for the idle machine.
    """

    def __init__(
        self, own: Sequence[Mapping[int, Used]], common: Sequence[Mapping[int, Used]], idle: int
    ) -> None:
        self.own, self.common = tuple(own), tuple(common)
        self.idle = idle
        self._of = {number: at for at, column in enumerate(self.own) for number in column}

    @property
    def parties(self) -> frozenset[int]:
        """Who has a column, or shares one."""
        return frozenset(self._of)

    def with_common(self, common: Sequence[Mapping[int, Used]]) -> Columns:
        """The same with other common columns."""
        return Columns(self.own, common, self.idle)

    def between(self, edges_ns: I64) -> F64:
        """float64[n, m]: the seconds, or the 1e9 events, of each column between n + 1 instants."""
        rows = max(len(edges_ns) - 1, 0)
        each = [
            sum((np.diff(used(edges_ns)) for used in column.values()), np.zeros(rows))
            for column in (*self.own, *self.common)
        ]
        return np.array(each).reshape(len(each), rows).T / NS_PER_S

    def amounts(self, members: Collection[int], t0_ns: int, t1_ns: int) -> F64:
        """float64[m + 1]: what some parties had of each column in a window; the idle machine's time first."""
        found = np.zeros(len(self.own) + len(self.common) + 1)
        found[0] = (t1_ns - t0_ns) / NS_PER_S if self.idle in members else 0.0
        edges = np.array([t0_ns, t1_ns])
        for at, column in enumerate((*self.own, *self.common), 1):
            for number in column.keys() & set(members):
                before, after = column[number](edges).tolist()
                found[at] += (after - before) / NS_PER_S
        return found

    def owners(self) -> list[frozenset[int]]:
        """The idle machine and those of each own column: who has a figure by itself, if the fit gives one."""
        return [frozenset((self.idle,)), *(frozenset(column) for column in self.own)]

    def column_of(self, number: int) -> int:
        """Which column of a fit a party's own is: the idle machine's is 0."""
        return self._of[number] + 1

    def shares_a_column(self, number: int, members: Collection[int]) -> bool:
        """Whether a party's figure per second is that of others too, who are not among some."""
        at = self._of.get(number)
        return at is not None and not set(self.own[at]) <= set(members)


def own_columns(
    of: Mapping[int, Used],
    busy_s: Mapping[int, float],
    first: Collection[int],
    pooled: Collection[int],
    rows: int,
) -> list[Mapping[int, Used]]:
    """Which parties have one figure per second: who is busy enough alone, all others together.

    Args:
        of: The time of each party, by its number.
        busy_s: How much there is of it in the whole window.
        first: Who comes first, however little it is.
        pooled: Who never has a column alone.
        rows: Looks that can be fitted.
    """
    least = max(_OWN_COLUMN * sum(busy_s[i] for i in of), _BUSY_MIN_S)
    room = min(_COLUMNS_MAX, max((rows - LEAST) // _LOOKS_A_COLUMN - 2, 1))
    able = [i for i in of if busy_s[i] >= least and i not in pooled]
    own = sorted(sorted(able, key=lambda i: (i not in first, -busy_s[i]))[:room])
    rest = {i: of[i] for i in of if i not in own}
    return [*({i: of[i]} for i in own), *([rest] if rest else [])]
