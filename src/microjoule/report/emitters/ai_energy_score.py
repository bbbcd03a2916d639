"""A row of the shape of the AI Energy Score leaderboard: GPU energy in Wh for 1,000 queries.

The score counts the GPU alone, on an NVIDIA H100, with the data sets of the benchmark; a row from other
hardware or of other queries is not comparable, and ``missing`` says so. The row is not official.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...units import J_PER_WH
from .record import as_csv, context, counted, factor, gpu_names, one, part_energy_j, part_uncertainty, tool

COLUMNS = ("model", "task", "total_gpu_energy", "unit", "queries", "hardware", "uncertainty", "tool")
QUERIES = 1000


def render(record: Mapping[str, Any]) -> str:
    """The row with its header, as CSV.

    Raises:
        BadRecord: The record is not of one window.
    """
    window = one(record, "A row of a leaderboard")
    units, joules = factor(record, "units"), part_energy_j(window, "gpu")
    per_thousand = None
    if units and joules is not None:
        per_thousand = joules / J_PER_WH / units["value"] * QUERIES
    gpus = [f"{count} x {name}" for name, count in counted(record).items() if name in gpu_names(record)]
    row: dict[str, Any] = {
        "model": context(record, "algorithm") or context(record, "project") or "",
        "task": context(record, "task") or "",
        "total_gpu_energy": "" if per_thousand is None else per_thousand,
        "unit": f"Wh per {QUERIES} queries",
        "queries": units["value"] if units else "",
        "hardware": context(record, "hardware") or ", ".join(gpus),
        "uncertainty": part_uncertainty(window, "gpu"),
        "tool": tool(record),
    }
    return as_csv(COLUMNS, [row])


def missing(record: Mapping[str, Any]) -> list[str]:
    """What the row lacks, and what makes it another figure than the leaderboard's."""
    found = [f"--{key}" for key in ("algorithm", "task") if not context(record, key)]
    found += [] if factor(record, "units") else ["--per '1000 queries'"]
    if part_energy_j(record["windows"][0], "gpu") is None:
        found.append("the energy of a GPU: the score counts nothing else")
    elif not any("H100" in name for name in gpu_names(record)):
        found.append("an NVIDIA H100: on other hardware the figure is not comparable")
    return found
