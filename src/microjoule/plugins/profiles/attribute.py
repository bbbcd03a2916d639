"""The energy of what a profile names, from the trace of the same run: plain data for reports."""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ...channel import Channel, Kind
from ...errors import ProfileError
from ...joules.attribution import Attribution, Item, Share, attribute, usable_span
from ...joules.energy_trace import Trace
from ...joules.estimate import Estimate
from ...joules.occupancy import Events, Occupancy, innermost, together
from ...joules.total import covered
from ...units import NS_PER_S, seconds
from .alignment import Alignment, align
from .kineto import GPU_RANGES, KERNELS, OPERATORS, RANGES, Profile

SCHEMA = "microjoule.attribution/1"
IDLE = "(idle)"
OUTSIDE = "(outside)"
_AT_ONCE = " ∥ "
_MOVED = 8  # times at least that a counter must have moved to be taken unasked

Plain = dict[str, Any]


class Attributed(NamedTuple):
    """What came of it, as plain data, and how the profile lies beside the trace."""

    plain: Plain
    alignment: Alignment


def attributed(trace: Trace, profile: Profile, channel: str = "") -> Attributed:
    """The energy of a counter by kernel (or operator), by annotated range and by window of the trace.

    Args:
        trace: The trace of the run.
        profile: Its profile.
        channel: The counter; empty: that of the GPU that the kernels ran on, else the first of the total.

    Raises:
        ProfileError: The two do not belong together, or no counter suits.
        TooFewUpdates: The counter moved too seldom in the time that they share.
    """
    name = channel or chosen(trace, profile)
    _refuse(trace, name)
    counter = trace.counter(name)
    span = counter.span_ns
    if span is None:
        raise ProfileError(f"{name} was not read", "Take another --channel; `uj report` shows what was read")
    alignment = align(trace, profile, span)
    updates = usable_span(counter, alignment.t0_ns, alignment.t1_ns)
    device = _gpu(trace.channels[name])
    tables = []
    # A little more than the updates' span, because an update is known to have been somewhere only.
    margin = round(float(updates.spread_s.max()) * 2 * NS_PER_S)
    around = int(updates.edges_ns[0]) - margin, int(updates.edges_ns[-1]) + margin
    for kind, events, occupancy in _sections(trace, profile, alignment, device, around):
        items = _single(events, occupancy) if kind in ("kernel", "operator") else _named(events, occupancy)
        found = attribute(counter, updates, occupancy, items, alignment.u_ns)
        tables.append(_table(kind, found, events))
    t0, t1 = int(updates.edges_ns[0]), int(updates.edges_ns[-1])
    return Attributed(
        {
            "schema": SCHEMA,
            "channel": name,
            "provenance": counter.channel.provenance,
            "t0_ns": t0,
            "t1_ns": t1,
            "span_s": seconds(t1 - t0),
            "profile_s": seconds(profile.span_ns[1] - profile.span_ns[0]),
            "measured": _plain(counter.energy(t0, t1)),
            "updates": int(updates.is_ok.sum()),
            "alignment_u_s": alignment.u_ns / NS_PER_S,
            "tables": tables,
        },
        alignment,
    )


def chosen(trace: Trace, profile: Profile) -> str:
    """The counter whose energy is most likely asked for.

    Raises:
        ProfileError: Kernels ran on a GPU that the trace has no counter of, or on several; or there is none.
    """
    counters = [name for name in trace.energy_channels if trace.channels[name].kind is Kind.COUNTER]
    devices = sorted(set(profile.device[profile.device >= 0].tolist()))
    if devices:
        of_gpus = [
            name for name in counters if _gpu(trace.channels[name]) in devices and name not in trace.dead
        ]
        if len(of_gpus) == 1 or (of_gpus and len(devices) == 1):
            return of_gpus[0]
        what = f"kernels of GPU {', '.join(map(str, devices))}"
        if of_gpus:
            raise ProfileError(f"the profile has {what}", f"Choose one: --channel {of_gpus[0]}")
        raise ProfileError(
            f"the profile has {what}, and the trace no energy counter of it",
            f"Record on a GPU that has one, or name a --channel: {', '.join(counters) or 'none'}",
        )
    # One of the total if it can be, and else, as beside a meter of whole joules, any that moved.
    by_worth = [n for n in (*covered(trace.channels), *counters) if n in counters and n not in trace.dead]
    moving = [n for n in by_worth if len(trace.counter(n).changes) > _MOVED]
    if not moving:
        raise ProfileError(
            "the trace has no energy counter that moved", "`uj probe` says what can be read here"
        )
    return moving[0]


def _refuse(trace: Trace, name: str) -> None:
    counters = [each for each in trace.energy_channels if trace.channels[each].kind is Kind.COUNTER]
    if name not in counters:
        what = "has no channel" if name not in trace.channels else "counts no energy in its channel"
        raise ProfileError(
            f"the trace {what} {name!r}", f"Its energy counters: {', '.join(counters) or 'none'}"
        )
    if name in trace.dead:
        raise ProfileError(f"{name} never moved, though it must have", "Take another --channel")


def _gpu(channel: Channel) -> int | None:
    """The index of the GPU that a channel is of; None: it is of none."""
    return channel.place.number if channel.place.device == "gpu" else None


def _sections(
    trace: Trace, profile: Profile, alignment: Alignment, device: int | None, span: tuple[int, int]
) -> Iterable[tuple[str, Events, Occupancy]]:
    """What ran, which ranges were annotated, and which windows were marked; of each what there is."""
    kernels = alignment.moved(profile.of(KERNELS, device))
    if len(kernels.name):
        yield "kernel", kernels, together(kernels, *span)
    else:
        operators = alignment.moved(profile.of(OPERATORS))
        if len(operators.name):
            yield "operator", operators, innermost(operators, *span)
    ranges = alignment.moved(profile.of(GPU_RANGES, device) if len(kernels.name) else profile.of(RANGES))
    if not len(ranges.name):
        ranges = alignment.moved(profile.of(RANGES))
    if len(ranges.name):
        yield "range", ranges, together(ranges, *span)
    windows = _windows(trace)
    if len(windows.name) and ((windows.t0_ns < span[1]) & (windows.t1_ns > span[0])).any():
        yield "window", windows, together(windows, *span)


def _windows(trace: Trace) -> Events:
    names: dict[str, int] = {}
    numbers = [names.setdefault(window.name, len(names)) for window in trace.windows]
    t0, t1 = ([getattr(window, end) for window in trace.windows] for end in ("t0_ns", "t1_ns"))
    columns = (np.array(column, np.int64) for column in (numbers, t0, t1, [0] * len(numbers)))
    return Events(tuple(names), *columns)


def _single(events: Events, occupancy: Occupancy) -> list[Item]:
    """Each state by itself: a kernel that runs while another does is neither's alone."""
    return [
        Item(_AT_ONCE.join(sorted(events.names[n] for n in state)) or IDLE, (number,))
        for number, state in enumerate(occupancy.states)
    ]


def _named(events: Events, occupancy: Occupancy) -> list[Item]:
    """Each name with all states that it takes part in: a range holds the ranges inside it."""
    states: dict[int, list[int]] = {}
    for number, state in enumerate(occupancy.states):
        for name in state:
            states.setdefault(name, []).append(number)
    return [*(Item(events.names[name], tuple(mine)) for name, mine in states.items()), Item(OUTSIDE, (0,))]


def _table(kind: str, found: Attribution, events: Events) -> Plain:
    inside = (events.t0_ns < found.t1_ns) & (events.t1_ns > found.t0_ns)
    launches = Tally(events.names[n] for n in events.name[inside].tolist())
    rows = [_row(share, launches, found.measured) for share in found.shares]
    rows.sort(key=lambda row: -(row["energy"]["value"] or 0.0))
    parts = [share.energy for share in found.shares]
    return {
        "kind": kind,
        "rows": rows,
        "sum": _plain(_sum(parts)) if kind in ("kernel", "operator") else None,
        "updates": found.updates,
        "power_share": found.power_share,
    }


def _sum(parts: list[Estimate]) -> Estimate:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole


def _row(share: Share, launches: Tally[str], measured: Estimate) -> Plain:
    energy = _plain(share.energy)
    time_s = seconds(share.time_ns)
    value, whole = share.energy.value, measured.value
    return {
        "names": list(share.names),
        "launches": [launches.get(name) for name in share.names],
        "time_s": time_s,
        "energy": energy,
        "mean_w": value / time_s if value is not None and time_s else None,
        "mean_U_w": share.energy.U / time_s if value is not None and time_s else None,
        "share": value / whole if value is not None and whole else None,
        "method": share.method,
    }


def _plain(estimate: Estimate) -> Plain:
    is_ok = estimate.is_ok
    return {
        "value": estimate.value,
        "u": estimate.u if is_ok else None,
        "U": estimate.U if is_ok else None,
        "k": estimate.k if is_ok else None,
        "guaranteed": [estimate.low, estimate.high if math.isfinite(estimate.high) else None],
        "unit": estimate.unit,
        "status": estimate.status,
        "provenance": estimate.provenance,
        "budget": [{"name": row["name"], "u": row["u"], "share": row["share"]} for row in estimate.budget()]
        if is_ok
        else [],
    }
