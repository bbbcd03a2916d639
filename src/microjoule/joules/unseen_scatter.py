"""How much the power of pieces scatters that no update sees alone: by what the fit leaves unexplained. Pure.

Between two updates the counter counted the pieces there. If their power is off by the share r of that of
their name, each by itself, the fit leaves there

    E[e²] = edges² + b T + r² Σ (P t)²,

the sum being over the pieces. What other power scatters in the time T is seen where there are none: b. So r²
is a regression through the origin of what is left beyond both.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from .attribution import Span

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_FEWEST = 20  # updates with such a piece between, below which what is left tells nothing
_ROUNDS = 3  # of weighing each by the variance that the round before expects of it
_MOST = 1.0


def unseen_scatter(span: Span, state: I64, length_ns: I64, is_seen: npt.NDArray[np.bool_]) -> float | None:
    """The standard deviation of pieces' powers, as a share of them; None: the updates do not tell.

    Args:
        span: The fit, and the updates.
        state: int64[n], of pieces of time.
        length_ns: int64[n], how long they are.
        is_seen: bool[states], of which the updates inside their pieces show the scatter.
    """
    of, n_states = span.of, len(span.occupancy.states)
    is_seen = np.append(is_seen, np.ones(n_states - len(is_seen), bool))
    pieces = np.maximum(np.bincount(state, minlength=n_states), 1)
    mean_s = np.bincount(state, length_ns, minlength=n_states) / pieces / 1e9
    single_s = np.array([max(mean_s[each] for each in column) for column in span.columns])
    is_asked = np.array([not any(is_seen[each] for each in column) for column in span.columns])
    design, left_j = span.left()
    powers = span.fit.energy_j / span.time_s
    # A piece that an update cuts counts by the square of each part; several whole ones by that of each.
    squares = (powers * design) ** 2 * np.minimum(single_s / np.maximum(design, 1e-12), 1.0)
    unit = np.where(is_asked, squares, 0.0).sum(1)
    spread_s, time_s = of.spread_s, np.maximum(design.sum(1), 1e-12)
    mean_w = design @ powers / time_s
    edges = mean_w**2 * (spread_s[:-1] ** 2 + spread_s[1:] ** 2) + of.quantum_j**2 / 6
    beyond = left_j**2 - edges
    rows, others = (np.flatnonzero(of.is_ok & is_so) for is_so in (unit > 0, unit == 0))
    if len(rows) < _FEWEST:
        return None
    if len(others) >= _FEWEST:
        other = max(float(beyond[others].sum() / time_s[others].sum()), 0.0) * time_s
        edges, beyond = edges + other, beyond - other
    edges, beyond, unit = edges[rows], beyond[rows], unit[rows]
    found = 0.0
    for _ in range(_ROUNDS):
        weight = 1.0 / (edges + found * unit) ** 2
        found = float(np.sum(weight * unit * beyond) / np.sum(weight * unit**2))
        found = min(max(found, 0.0), _MOST)
    return math.sqrt(found)
