"""The energy of one device, bin by bin, divided by a fit over the bins of the last five minutes.

What the fit does not explain of a bin is divided in proportion, so that the parts add up to what was counted.
What cannot be told apart, and all that was used before there was a fit, is under a name of its own. Each part
has U at 95 %: that of the fit, its law's, and what was divided in proportion.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np

from ..joules.counters.update_record import Updates
from ..joules.estimates.uncertainty import RECTANGULAR, ROOT_3, Component, combined, gathered
from ..joules.sharing.share_fit import Looks, ShareFit, fitted, is_enough
from ..units import NS_PER_S

IDLE, UNKNOWN = "idle machine", "not separable"
BINS_MAX = 300
_COLUMNS_MAX = 5
_OWN_COLUMN = 0.05  # of all time, from which on a name has its own joules per second
_SPREAD_S = 2e-3  # how well the counters' energy at a look is known
_LIKE_OTHERS = 0.5  # half-width of how far joules per second of one of the small ones may be off the others'


class Bin(NamedTuple):
    """A second or so: its length, what was counted in it, and for how long each name was busy."""

    length_s: float
    energy_j: float
    busy_s: Mapping[str, float]


class Part(NamedTuple):
    """What a name used in a bin, and U of it; infinity: nothing is known."""

    energy_j: float
    expanded_j: float


class Divider:
    """Divides the bins of one device.

    Args:
        name: Of the device, for correlation groups.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._bins: deque[Bin] = deque(maxlen=BINS_MAX)

    def divided(self, last: Bin) -> dict[str, Part]:
        """The parts of the next bin; they add up to its energy."""
        self._bins.append(last)
        columns = self._columns()
        fit = self._fit(columns)
        if fit is None:
            return {UNKNOWN: Part(last.energy_j, math.inf)}
        found = self._parts(fit, columns, last)
        whole = math.fsum(part.energy_j for part in found.values())
        if whole <= 0:
            return {UNKNOWN: Part(last.energy_j, math.inf)}
        # What the fit leaves open of this bin may be anybody's.
        left_j = abs(last.energy_j - whole) / ROOT_3
        return {
            name: Part(last.energy_j * part.energy_j / whole, math.hypot(part.expanded_j, 2 * left_j))
            for name, part in found.items()
        }

    def _columns(self) -> list[list[str]]:
        """Who has joules per second alone, and all the others together."""
        total: dict[str, float] = {}
        for each in self._bins:
            for name, busy_s in each.busy_s.items():
                total[name] = total.get(name, 0.0) + busy_s
        least = _OWN_COLUMN * math.fsum(total.values())
        order = sorted(total, key=lambda name: -total[name])
        apart = [name for name in order if total[name] >= least][:_COLUMNS_MAX]
        rest = [name for name in order if name not in apart]
        return [*([name] for name in apart), *([rest] if rest else [])]

    def _fit(self, columns: Collection[Collection[str]]) -> ShareFit | None:
        busy = [
            [math.fsum(each.busy_s.get(name, 0.0) for name in column) for column in columns]
            for each in self._bins
        ]
        length_s = np.array([each.length_s for each in self._bins])
        n = len(length_s)
        updates = Updates(
            np.concatenate(([0], np.cumsum(length_s * NS_PER_S))).astype(np.int64),
            np.array([each.energy_j for each in self._bins]),
            np.ones(n, bool),
            np.full(n + 1, _SPREAD_S),
            0.0,
        )
        of = Looks(updates, length_s, np.array(busy).reshape(n, len(columns)))
        is_able = is_enough(of) and (len(columns) > 0 or updates.energy_j.sum() > 0)
        return fitted(of, f"live:{self._name}") if is_able else None

    def _parts(self, fit: ShareFit, columns: list[list[str]], last: Bin) -> dict[str, Part]:
        open_ = {column for group in fit.groups() if len(group) > 1 for column in group}
        used = {UNKNOWN if 0 in open_ else IDLE: np.zeros(len(columns) + 1)}
        next(iter(used.values()))[0] = last.length_s
        pooled = set()
        for number, column in enumerate(columns, 1):
            for name in column:
                key = UNKNOWN if number in open_ else name
                pooled |= {key} if len(column) > 1 and key == name else set()
                used.setdefault(key, np.zeros(len(columns) + 1))[number] += last.busy_s.get(name, 0.0)
        found = {}
        for key, amounts in used.items():
            energy_j = fit.energy_j(amounts)
            components = fit.components(amounts)
            if key in pooled:
                half_j = _LIKE_OTHERS * energy_j
                components.append(Component("pool", half_j / ROOT_3, form=RECTANGULAR))
            if energy_j > 0:
                found[key] = Part(energy_j, combined(gathered(components)).U)
        return found
