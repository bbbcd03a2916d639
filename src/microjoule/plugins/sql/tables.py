"""The windows and their energies as tables, out of what a report shows: nothing is computed here.

``expanded_j`` is the report's ``U_j``: SQL's names know no capitals.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from ...joules.frames import column
from ...trace.state import State

Plain = Mapping[str, Any]

_FIGURES = (
    column("energy_j", pa.float64(), "joules; null unless the status is ok"),
    column("low_j", pa.float64(), "at least so much, guaranteed by the readings"),
    column("high_j", pa.float64(), "at most so much; null: nothing bounds it"),
    column("u_j", pa.float64(), "standard uncertainty, the sensor's too where that is known"),
    column("expanded_j", pa.float64(), "expanded uncertainty U = k u, 95 %"),
    column("k", pa.float64(), "coverage factor"),
    column("status", pa.utf8(), "ok, ambiguous, reset, incomplete or failed"),
    column("provenance", pa.utf8(), "measured or estimated"),
)
_WINDOW = (
    column("number", pa.int64(), "which window, from 0, in the order in which they began"),
    column("name", pa.utf8(), "of the window; several may share one"),
)

WINDOWS = pa.schema(
    [
        *_WINDOW,
        column("t0_ns", pa.int64(), "its beginning: CLOCK_MONOTONIC, ns"),
        column("t1_ns", pa.int64(), "its end"),
        column("duration_s", pa.float64(), "seconds"),
        column("is_open", pa.bool_(), "no end was recorded"),
        column("synchronised", pa.bool_(), "GPUs were waited for; null: there are none"),
        column("attributes", pa.utf8(), "what was noted, as JSON: attributes->>'name'"),
        *_FIGURES,
        column("covers", pa.utf8(), "what the total is of"),
    ]
)
ENERGY = pa.schema(
    [
        *_WINDOW,
        column("channel", pa.utf8(), "its id"),
        column("device", pa.utf8(), "package, gpu, …: the kind of device"),
        column("device_number", pa.int64(), "which of them; null: there is one only"),
        column("part", pa.utf8(), "core, dram, …; empty: none in particular"),
        column("hw_type", pa.utf8(), "cpu, memory, gpu, …: OpenTelemetry's word"),
        column("source", pa.utf8(), "the family of hardware"),
        column("in_total", pa.bool_(), "whether it is part of the window's total"),
        *_FIGURES,
        column("accuracy", pa.float64(), "of the sensor, a fraction; null: unknown"),
        column("mean_w", pa.float64(), "mean power, watts"),
        column("peak_w", pa.float64(), "largest power, watts, over peak_over_s"),
        column("peak_over_s", pa.float64(), "seconds"),
    ]
)
SHARES = pa.schema(
    [
        *_WINDOW,
        column("kind", pa.utf8(), "command, program, unseen, rest, idle, unattributed or unexplained"),
        column("whose", pa.utf8(), "who: the command, a program, a process, a cgroup, … as --by says"),
        column("status", pa.utf8(), "ok, not separable or too short"),
        column("together_with", pa.utf8(), "names that share one figure, as JSON"),
        column("busy_s", pa.float64(), "CPU seconds; null: it has none"),
        column("gpu_s", pa.float64(), "seconds on GPUs; null: none was divided"),
        column("energy_j", pa.float64(), "joules; those of a window add up to its total"),
        column("expanded_j", pa.float64(), "expanded uncertainty U of the fit, 95 %"),
        column("high_j", pa.float64(), "at most so much, guaranteed; null: nothing bounds it"),
        column("share", pa.float64(), "of the window's total, 0 to 1"),
        column("by_cpu_time_j", pa.float64(), "all energy in proportion of CPU time"),
    ]
)

CONDITIONS = pa.schema(
    [
        column("t_ns", pa.int64(), "when it was read, once a second: CLOCK_MONOTONIC, ns"),
        column("name", pa.utf8(), "cpu_0_hz, temperature_0_c, throttle_events, idle_s, other_programs_s"),
        column("value", pa.float64(), "in the unit that the name ends with; of events their number"),
    ]
)


def conditions(state: State) -> pa.Table:
    """One row a second and value: how the machine was meanwhile."""
    found = [(t_ns, *each) for t_ns, values in state.readings for each in values.items()]
    rows = [dict(zip(CONDITIONS.names, row, strict=True)) for row in found]
    return pa.Table.from_pylist(rows, CONDITIONS)


def windows(some: Sequence[Plain], first: int = 0) -> pa.Table:
    """One row a window, with the figure of its total; ``number`` counts from ``first`` in their order.

    Args:
        some: ``windows`` of a summary, all or some that follow one another.
        first: The number of the first one.
    """
    return _table(_windows, some, first, WINDOWS)


def energy(some: Sequence[Plain], first: int = 0) -> pa.Table:
    """One row a window and channel; arguments as of :func:`windows`."""
    return _table(_energies, some, first, ENERGY)


def shares(some: Sequence[Plain], first: int = 0) -> pa.Table:
    """One row a window and party, of the windows that have shares; arguments as of :func:`windows`."""
    return _table(_shares, some, first, SHARES)


def _table(
    rows: Callable[[Sequence[Plain], int], Iterator[Plain]],
    some: Sequence[Plain],
    first: int,
    schema: pa.Schema,
) -> pa.Table:
    return pa.Table.from_pylist(list(rows(some, first)), schema)


def _windows(some: Sequence[Plain], first: int) -> Iterator[Plain]:
    for number, window in enumerate(some, first):
        attributes = json.dumps(window["attributes"])
        yield {
            **window,
            "number": number,
            "attributes": attributes,
            **_figures(window["total"]),
            "covers": window["total"]["covers"],
        }


def _energies(some: Sequence[Plain], first: int) -> Iterator[Plain]:
    for number, window in enumerate(some, first):
        for row in window["channels"]:
            yield {
                **row,
                "device": row["place"]["device"],
                "device_number": row["place"]["number"],
                "part": row["place"]["part"],
                "number": number,
                "name": window["name"],
                "in_total": row["channel"] in window["total"]["channels"],
                **_figures(row),
                "accuracy": None if row["accuracy"] == "unknown" else row["accuracy"],
            }


def _shares(some: Sequence[Plain], first: int) -> Iterator[Plain]:
    for number, window in enumerate(some, first):
        for row in window["shares"] or ():
            yield {
                **row,
                "number": number,
                "whose": row["name"],
                "name": window["name"],
                "together_with": json.dumps(row["names"]),
                "expanded_j": row["U_j"],
                "high_j": row["guaranteed_j"][1],
            }


def _figures(of: Plain) -> Plain:
    low, high = of["guaranteed_j"]
    told = {name: of[name] for name in ("energy_j", "u_j", "k", "status", "provenance")}
    return {**told, "low_j": low, "high_j": high, "expanded_j": of["U_j"]}
