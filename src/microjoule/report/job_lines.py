"""A job for a terminal: a sentence, its windows on their own nodes and on all, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..joules.estimates.estimate_text import duration, measured, missing, unassessed
from .columns import columns
from .foreign_text import cut, safe
from .wrapping import wrapped

NAME_MAX = 24
_KERNELS = "the kernels"


def lines(job: Mapping[str, Any]) -> list[str]:
    """The whole of it."""
    found = wrapped(sentence(job))
    rows = [
        [
            cut(each["name"], NAME_MAX),
            str(each["n"]),
            duration(each["time_s"]),
            _energy(each["own"]),
            _energy(each["everywhere"]),
        ]
        for each in job["windows"]
    ]
    if rows:
        heads = ["window", "n", "time", "own nodes", "all nodes meanwhile"]
        found += ["", *columns([heads, *rows], (0,))]
    known = [each["bound_s"] for each in job["clocks"] if each["bound_s"] is not None]
    if len(job["nodes"]) > 1 and len(known) == len(job["nodes"]):
        told = _sources(job)
        verb = "says" if len(told) == 1 and told != [_KERNELS] else "say"
        found += wrapped(
            f"Clocks of nodes are off by {duration(max(known))} at most, as {' and '.join(told)} {verb}; "
            "that is part of the energy of all nodes"
        )
    for note in job["notes"]:
        found += wrapped(f"note: {safe(note)}", 2)
    return found


def sentence(job: Mapping[str, Any]) -> str:
    """``job 7: 2 nodes with 8 ranks used 1.20 kJ ± 0.01 kJ in 3.4 s``."""
    nodes, ranks = len(job["nodes"]), job["n_ranks"]
    with_ranks = f" with {ranks} rank{'s' * (ranks != 1)}" if ranks else ""
    return (
        f"job {safe(job['job'])}: {nodes} node{'s' * (nodes != 1)}{with_ranks} used {_energy(job['energy'])} "
        f"in {duration(job['duration_s'])}"
    )


def _sources(job: Mapping[str, Any]) -> list[str]:
    names = {"kernel": _KERNELS, "chrony": "chrony", "ptp": "PTP"}
    return sorted({names.get(name, safe(name)) for each in job["clocks"] for name in each["sources"]})


def _energy(of: Mapping[str, Any] | None) -> str:
    if of is None:
        return "–"
    low, high = of["guaranteed_j"]
    ends = (low, float("inf") if high is None else high)
    if of["energy_j"] is None:
        return missing(of["status"], ends, "J")
    if of["U_j"] is None:
        return unassessed(of["energy_j"], ends, "J")
    return measured(of["energy_j"], of["U_j"], ends, "J")
