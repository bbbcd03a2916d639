"""The windows and their energies as tables, out of what a report shows: nothing is computed here.

``expanded_j`` is the report's ``U_j``: SQL's names know no capitals.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa

Plain = Mapping[str, Any]

_FIGURES = (
    pa.field("energy_j", pa.float64()),  # null where the status is not ok
    pa.field("low_j", pa.float64()),  # guaranteed
    pa.field("high_j", pa.float64()),  # guaranteed; null: nothing bounds it
    pa.field("u_j", pa.float64()),  # standard uncertainty
    pa.field("expanded_j", pa.float64()),  # U = k u, 95 %
    pa.field("k", pa.float64()),
    pa.field("status", pa.utf8()),
    pa.field("provenance", pa.utf8()),
)
_WINDOW = (pa.field("number", pa.int64()), pa.field("name", pa.utf8()))

WINDOWS = pa.schema(
    [
        *_WINDOW,
        pa.field("t0_ns", pa.int64()),
        pa.field("t1_ns", pa.int64()),
        pa.field("duration_s", pa.float64()),
        pa.field("is_open", pa.bool_()),
        pa.field("synchronised", pa.bool_()),
        pa.field("attributes", pa.utf8()),  # JSON: attributes->>'step'
        *_FIGURES,
        pa.field("covers", pa.utf8()),
    ]
)
ENERGY = pa.schema(
    [
        *_WINDOW,
        pa.field("channel", pa.utf8()),
        pa.field("source", pa.utf8()),
        pa.field("in_total", pa.bool_()),  # whether the window's figure is a sum of this one
        *_FIGURES,
        pa.field("accuracy", pa.float64()),  # of the sensor, a fraction; null: unknown
        pa.field("mean_w", pa.float64()),
        pa.field("peak_w", pa.float64()),
        pa.field("peak_over_s", pa.float64()),
    ]
)


def windows(summary: Plain) -> pa.Table:
    """One row a window, with the figure of its total; ``number`` counts from 0 in their order."""
    return _table(_windows, summary, WINDOWS)


def energy(summary: Plain) -> pa.Table:
    """One row a window and channel."""
    return _table(_energies, summary, ENERGY)


def _table(rows: Callable[[Plain], Iterator[Plain]], summary: Plain, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(list(rows(summary)), schema)


def _windows(summary: Plain) -> Iterator[Plain]:
    for number, window in enumerate(summary["windows"]):
        attributes = json.dumps(window["attributes"])
        yield {
            **window,
            "number": number,
            "attributes": attributes,
            **_figures(window["total"]),
            "covers": window["total"]["covers"],
        }


def _energies(summary: Plain) -> Iterator[Plain]:
    for number, window in enumerate(summary["windows"]):
        for row in window["channels"]:
            yield {
                **row,
                "number": number,
                "name": window["name"],
                "in_total": row["channel"] in window["total"]["channels"],
                **_figures(row),
                "accuracy": None if row["accuracy"] == "unknown" else row["accuracy"],
            }


def _figures(of: Plain) -> Plain:
    low, high = of["bound_j"]
    told = {name: of[name] for name in ("energy_j", "u_j", "k", "status", "provenance")}
    return {**told, "low_j": low, "high_j": high, "expanded_j": of["U_j"]}
