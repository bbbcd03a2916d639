"""The energies of windows by a gauge, and what their uncertainties are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ...value_class import dataclass
from ..estimates.brackets import F64, Brackets
from ..estimates.uncertainty import NORMAL, Component

# Components that are not the sensor's own error.
_UNSEEN = ("edges", "updates", "aliasing", "steps", "lag", "averaging")


class Part(NamedTuple):
    """One component of the uncertainty of n windows: ``Component`` with arrays."""

    name: str
    u: F64
    form: str = NORMAL
    groups: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class GaugeBrackets(Brackets):
    """The energies of n windows by a gauge.

    Attributes:
        parts: What their uncertainties are made of.
    """

    parts: tuple[Part, ...] = ()


def left_open(brackets: GaugeBrackets) -> F64:
    """float64[n], J²: the variance of a gauge's energies by all but its sensor's own error."""
    found = np.zeros(len(brackets.value))
    for part in brackets.parts:
        found += part.u**2 if part.name in _UNSEEN else 0.0
    return found


def components_of(parts: Iterable[Part], at: int) -> Iterator[Component]:
    """The components of one window; those that are nothing are left out."""
    for part in parts:
        u = float(part.u[at])
        if u:
            group = "" if part.groups is None else part.groups[at]
            yield Component(part.name, u, form=part.form, group=group)
