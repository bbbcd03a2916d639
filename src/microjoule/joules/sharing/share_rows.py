"""The shares of a report as plain data: of all that was recorded, and of the windows listed first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import TraceError
from ...units import seconds
from ..estimates.estimate_text import is_limit, measured, percent
from ..estimates.run_window import whole
from .parties import COMMAND, GROUPINGS, POOL, UNSEEN
from .shares import IDLE, OK, UNATTRIBUTED, UNEXPLAINED, Share, ShareModel, Shares, nano_joules

if TYPE_CHECKING:
    from ...trace.window import Window
    from ..energy_trace import Trace

WINDOWS_MAX = 200  # windows with shares of their own: each costs some milliseconds
NAMED = 3  # programs that a terminal shows by themselves
OF_CGROUPS = ("cgroup", "unit", "container")  # groups that the path of a cgroup tells
BY = "name"  # how programs are grouped where nothing else was asked for

Plain = dict[str, Any]


class ShareRows(NamedTuple):
    """The shares of a trace.

    Attributes:
        whole: Of all that was recorded; None: it has no activity, or no measured energy.
        windows: Of each listed window its rows; None of those that have none.
        clause: ``the command 97 J ± 1 J of it (45 %)``; empty: not known.
    """

    whole: Plain | None
    windows: list[list[Plain] | None]
    clause: str


def share_rows(trace: Trace, windows: Sequence[Window]) -> ShareRows:
    """The shares of a trace and of some of its windows.

    Args:
        trace: The trace.
        windows: Those that a report lists one by one.
    """
    nothing = ShareRows(None, [None] * len(windows), "")
    if not (len(trace.activity) and trace.activity.subjects):
        return nothing
    try:
        about = whole(trace)
    except TraceError:
        return nothing
    asked = str(trace.facts.get("by"))
    by = asked if asked in GROUPINGS else BY
    model = ShareModel(trace, by, about)
    found = model.of(about)
    if found is None:
        return nothing
    each = [model.of(window) if i < WINDOWS_MAX else None for i, window in enumerate(windows)]
    return ShareRows(
        {
            "by": by,
            "status": found.status,
            "total_j": found.total_j,
            "rows": _rows(found),
            "brief": [_row(each, found.total_j) for each in brief(found.shares)],
            "hidden": _hidden(trace, by, found),
            **_looks(trace),
        },
        [None if shares is None else _rows(shares) for shares in each],
        _clause(found),
    )


def _looks(trace: Trace) -> Plain:
    """How often somebody was looked at, at most, and over how long."""
    each = [trace.activity.instants_ns(number) for number in trace.activity.subjects]
    most = max(each, key=len)
    length_ns = int(most[-1] - most[0]) if len(most) else 0
    return {"looks": len(most), "looked_s": seconds(length_ns)}


def _hidden(trace: Trace, by: str, of: Shares) -> list[str]:
    """Why programs were not seen: where some were not, or where their groups have no names."""
    plain = trace.facts.get("hidden")
    is_asked = by in OF_CGROUPS or any(each.kind == UNSEEN for each in of.shares)
    return [f"{what}: {why}" for what, why in plain.items()] if isinstance(plain, dict) and is_asked else []


def brief(of: Sequence[Share]) -> list[Share]:
    """The shares that a terminal shows: those of programs but the first few as one."""
    first = [each for each in of if each.kind == COMMAND]
    idle = [each for each in of if each.kind == IDLE]
    last = [each for each in of if each.kind in (UNATTRIBUTED, UNEXPLAINED)]
    others = [each for each in of if each not in first and each not in idle and each not in last]
    shown, left = others[:NAMED], others[NAMED:]
    if len(left) == 1 or any(each.status != OK for each in left):
        shown, left = others, []
    return [*first, *idle, *shown, *([_together(left, of[-1].high_j)] if left else []), *last]


def _together(of: Sequence[Share], most_j: float) -> Share:
    """Several shares as one; their uncertainties are added up, as if all had one cause.

    Args:
        of: The shares.
        most_j: What all of the window is guaranteed not to exceed.
    """
    return Share(
        kind=POOL,
        name=f"{len(of)} others",
        status=OK,
        names=tuple(each.name for each in of),
        busy_s=math.fsum(each.busy_s or 0.0 for each in of),
        energy_j=sum(nano_joules(each.energy_j or 0.0) for each in of) / 1e9,
        expanded_j=math.fsum(each.expanded_j or 0.0 for each in of),
        high_j=min(math.fsum(each.high_j for each in of), most_j),
        by_cpu_time_j=math.fsum(each.by_cpu_time_j or 0.0 for each in of),
        gpu_s=None if of[0].gpu_s is None else math.fsum(each.gpu_s or 0.0 for each in of),
    )


def _rows(of: Shares) -> list[Plain]:
    return [_row(each, of.total_j) for each in of.shares]


def _row(of: Share, total_j: float) -> Plain:
    return {
        "kind": of.kind,
        "name": of.name,
        "names": list(of.names),
        "status": of.status,
        "busy_s": of.busy_s,
        "energy_j": of.energy_j,
        "U_j": of.expanded_j,
        "guaranteed_j": [0.0, of.high_j if math.isfinite(of.high_j) else None],
        "share": of.energy_j / total_j if of.energy_j is not None and total_j else None,
        "by_cpu_time_j": of.by_cpu_time_j,
        "gpu_s": of.gpu_s,
    }


def _clause(of: Shares) -> str:
    """What the command's share is, for the report's sentence."""
    command = next((each for each in of.shares if each.kind == COMMAND), None)
    if command is None or command.status != OK or command.energy_j is None or not of.total_j:
        return ""
    half_j = command.expanded_j or 0.0
    figure = measured(command.energy_j, half_j, (0.0, command.high_j), "J")
    part = f" ({percent(command.energy_j / of.total_j, 2)})"
    return f"the command {figure} of it{'' if is_limit(command.energy_j, half_j, 0.0) else part}"
