"""How the energies of single windows of one name are distributed: a histogram, and outliers by their number.

Outliers are those of Tukey (1977): beyond 1.5 interquartile ranges outside the quartiles *mild*, beyond 3
*severe*. None is dropped from any figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...trace.series import I64
from ..estimates.brackets import F64
from ..estimates.total import covered
from .reserved_names import quoted

if TYPE_CHECKING:
    from ..energy_trace import Trace

BINS = 40
FEWEST = 5  # below it each window is as well read by itself
SINGLES = 20_000  # windows of a name that are looked at, evenly taken from all
NAMED = 5  # outliers that are named, the farthest first
_MILD, _SEVERE = 1.5, 3.0

Plain = dict[str, Any]


def distributions(trace: Trace) -> dict[str, Plain]:
    """The distribution of the energies of each name's windows.

    Returns:
        By name ``n``, how many windows are in it; ``low_j`` and ``high_j``, the ends of equal bins;
        ``counts``, a list; ``quartiles_j``; ``n_outliers``; ``outliers``: ``number`` (from 0 among windows
        of the name), ``t0_ns``, ``t1_ns``, ``energy_j``, ``kind``. A name with fewer than five windows with a
        figure is left out.
    """
    ids = [
        id_
        for id_ in covered({id_: trace.channels[id_] for id_ in trace.energy_channels})
        if id_ not in trace.dead
    ]
    found = {
        name: _distribution(*edges, _energies_j(trace, ids, *edges))
        for name, edges in _edges_by_name(trace).items()
        if ids and len(edges[0]) >= FEWEST
    }
    return {name: each for name, each in found.items() if each is not None}


def _edges_by_name(trace: Trace) -> dict[str, tuple[I64, I64]]:
    of = trace.window_columns
    return {quoted(name): (of.t0_ns[some], of.t1_ns[some]) for name, some in of.by_name.items()}


def _energies_j(trace: Trace, ids: list[str], t0_ns: I64, t1_ns: I64) -> F64:
    """float64[n]: the energy of each window, NaN where it has no figure or was not looked at."""
    taken = np.arange(0, len(t0_ns), -(-len(t0_ns) // SINGLES))
    found = np.full(len(t0_ns), np.nan)
    found[taken] = 0.0
    for id_ in ids:
        found[taken] += trace.mark_fits.values(id_, t0_ns[taken], t1_ns[taken])
    return found


def _distribution(t0_ns: I64, t1_ns: I64, energies_j: F64) -> Plain | None:
    number = np.flatnonzero(np.isfinite(energies_j))
    if len(number) < FEWEST:
        return None
    energy_j = energies_j[number]
    low, high = float(energy_j.min()), float(energy_j.max())
    counts = np.histogram(energy_j, BINS, (low, high) if high > low else (low - 0.5, high + 0.5))[0]
    quartiles = np.percentile(energy_j, (25, 50, 75))
    apart = np.maximum(quartiles[0] - energy_j, energy_j - quartiles[2])
    spread = quartiles[2] - quartiles[0]
    outside = np.flatnonzero(apart > _MILD * spread) if spread > 0 else np.empty(0, np.int64)
    farthest = outside[np.argsort(-apart[outside], kind="stable")][:NAMED].tolist()
    return {
        "n": len(number),
        "low_j": low,
        "high_j": high,
        "counts": counts.tolist(),
        "quartiles_j": quartiles.tolist(),
        "n_outliers": len(outside),
        "outliers": [
            {
                "number": int(number[i]),
                "t0_ns": int(t0_ns[number[i]]),
                "t1_ns": int(t1_ns[number[i]]),
                "energy_j": float(energy_j[i]),
                "kind": "severe" if apart[i] > _SEVERE * spread else "mild",
            }
            for i in farthest
        ],
    }
