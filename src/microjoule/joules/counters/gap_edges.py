"""What is not known of edges that lie in one gap of the readings, by its two updates. Pure.

All instants in a gap are interpolated between the same two updates. So when these were is a cause of its own
for each of them, and stands in a group of that update: of a window whose edges both lie in the gap most of it
cancels, and adjoining windows there add up to what they are together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..estimates.brackets import F64
from ..estimates.uncertainty import ALIASED, RECTANGULAR, Component

if TYPE_CHECKING:
    from .budget import Edges


def in_gaps(name: str, begin: Edges, end: Edges, scale: float, widest: F64) -> dict[int, list[Component]]:
    """The components of windows with an edge in a gap, by the number of the window.

    Args:
        name: Of the counter.
        begin: What is not known of the windows' beginnings.
        end: And of their ends.
        scale: What a count is worth.
        widest: float64[n], the largest standard uncertainty that a cause may have, in the figures' unit.
    """
    found: dict[int, list[Component]] = {}
    for edge, sign in ((begin, -scale), (end, scale)):
        for size, more in ((edge.of_left, 0), (edge.of_right, 1)):
            for i in np.flatnonzero(size).tolist():
                form = ALIASED if edge.is_aliased[i] else RECTANGULAR
                u = float(np.clip(sign * size[i], -widest[i], widest[i]))
                group = f"update:{name}/{int(edge.left[i]) + more}"
                found.setdefault(i, []).append(Component("edges", u, form=form, group=group))
    return found
