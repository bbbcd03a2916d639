"""The energy of what a profile names, from the trace of the same run: plain data for reports."""

from __future__ import annotations

import math
from collections import Counter as Tallied
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np

from ...errors import ProfileError
from ...joules.attribution import Attribution, Part, Share, attribute, usable_span
from ...joules.energy_trace import Trace
from ...joules.estimate import Estimate
from ...joules.occupancy import Events, Occupancy, innermost, together
from ...joules.separability import Item
from ...units import NS_PER_S, seconds
from .alignment import Alignment, Wishes, align
from .choosing import Taken, chosen
from .devices import Override
from .profile import CALLS, GPU_RANGES, KERNELS, OPERATORS, RANGES, Profile, Source, taken

SCHEMA = "microjoule.attribution/2"
IDLE = "(idle)"
OUTSIDE = "(outside)"
_AT_ONCE = " ∥ "
_SINGLE = ("kernel", "operator", "call")

Plain = dict[str, Any]


class Asked(NamedTuple):
    """What is asked for.

    Attributes:
        channel: The counter; empty: that of the GPU that the kernels ran on, else the first of the total.
        devices: Which GPU a device is, where the user says it.
        names: Patterns of the names that count; empty: all.
        wishes: What the user knows of the profiles' clocks.
    """

    channel: str = ""
    devices: Sequence[Override] = ()
    names: Sequence[str] = ()
    wishes: Wishes = Wishes()


_ALL = Asked()


class Attributed(NamedTuple):
    """What came of a counter, as plain data, and how the profiles lie beside the trace."""

    plain: Plain
    alignments: tuple[Alignment, ...]


class _Aligned(NamedTuple):
    """A profile's events in the trace's time."""

    taken: Taken
    alignment: Alignment

    def of(self, kinds: tuple[str, ...], names: Sequence[str], is_on_gpu: bool = False) -> Events:
        """Its events of some kinds, whose names are among those that count."""
        events = self.taken.profile.of(kinds, self.taken.device if is_on_gpu else None)
        if names:
            matches = [any(fnmatchcase(name, each) for each in names) for name in events.names]
            events = taken(events, np.array(matches, bool)[events.name])
        return self.alignment.moved(events)


def attributed(trace: Trace, profiles: Sequence[Profile], asked: Asked = _ALL) -> list[Attributed]:
    """The energy by kernel (or operator), by annotated range and by window of the trace, of each counter.

    Args:
        trace: The trace of the run.
        profiles: Its profiles, such as one of each rank.
        asked: What is asked for.

    Raises:
        ProfileError: They do not belong together, or no counter suits.
        TooFewUpdates: The counter moved too seldom in the time that they share.
    """
    by_channel = chosen(trace, profiles, asked.channel, asked.devices)
    return [_of_channel(trace, name, mine, asked) for name, mine in by_channel.items()]


def _of_channel(trace: Trace, name: str, mine: Sequence[Taken], asked: Asked) -> Attributed:
    counter = trace.counter(name)
    span = counter.span_ns
    if span is None:
        raise ProfileError(f"{name} was not read", "Take another --channel; `uj report` shows what was read")
    aligned = [
        _Aligned(each, align(trace, each.profile.source, each.profile.span_ns, span, asked.wishes))
        for each in mine
    ]
    t0, t1 = min(each.alignment.t0_ns for each in aligned), max(each.alignment.t1_ns for each in aligned)
    updates = usable_span(counter, t0, t1)
    tables = []
    # A little more than the updates' span, because an update is known to have been somewhere only.
    margin = round(float(updates.spread_s.max()) * 2 * NS_PER_S)
    around = int(updates.edges_ns[0]) - margin, int(updates.edges_ns[-1]) + margin
    u_ns = max(each.alignment.u_ns for each in aligned)
    for kind, events, occupancy in _sections(trace, aligned, asked.names, around):
        items = _single(events, occupancy) if kind in _SINGLE else _named(events, occupancy)
        found = attribute(counter, updates, occupancy, items, u_ns)
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
            "profile_s": seconds(max(_long_ns(each) for each in mine)),
            "measured": plain_of(counter.energy(t0, t1)),
            "updates": int(updates.is_ok.sum()),
            "alignment_u_s": u_ns / NS_PER_S,
            "profiles": [_about(each) for each in aligned],
            "tables": tables,
        },
        tuple(each.alignment for each in aligned),
    )


def _long_ns(of: Taken) -> int:
    first, last = of.profile.span_ns
    return last - first


def _about(of: _Aligned) -> Plain:
    match = of.taken.match
    return {
        **described(of.taken.profile.source, of.alignment),
        "device": match.device if match else None,
        "gpu": match.gpu if match else None,
        "matched": match.why if match else None,
        "is_match_known": match.is_known if match else None,
    }


def described(source: Source, alignment: Alignment) -> Plain:
    """A profile as plain data: what it is, how it was aligned, and what became of its events."""
    tally = source.tally
    return {
        "path": str(source.path),
        "form": source.form,
        "clock": alignment.clock,
        "alignment_u_s": alignment.u_ns / NS_PER_S,
        "events": {
            "read": tally.read,
            "used": tally.used,
            "other": tally.other,
            "repaired": tally.repaired,
            "unreadable": tally.unreadable,
            "impossible": dict(tally.impossible),
        },
    }


def _sections(
    trace: Trace, aligned: Sequence[_Aligned], names: Sequence[str], span: tuple[int, int]
) -> Iterable[tuple[str, Events, Occupancy]]:
    """What ran, which ranges were annotated, and which windows were marked; of each what there is."""

    def of(kinds: tuple[str, ...], is_on_gpu: bool = False) -> Events:
        return _joined([each.of(kinds, names, is_on_gpu) for each in aligned])

    is_on_gpu = any(each.taken.device is not None for each in aligned)
    kernels = of(KERNELS, is_on_gpu)
    if len(kernels.name):
        yield "kernel", kernels, together(kernels, *span)
    for kind, kinds in (("operator", OPERATORS), ("call", CALLS)):
        calls = of(kinds) if not len(kernels.name) else kernels
        if calls is not kernels and len(calls.name):
            yield kind, calls, innermost(calls, *span)
    ranges = of(GPU_RANGES, is_on_gpu) if len(kernels.name) else of(RANGES)
    if not len(ranges.name):
        ranges = of(RANGES)
    if len(ranges.name):
        yield "range", ranges, together(ranges, *span)
    windows = _windows(trace)
    if len(windows.name) and ((windows.t0_ns < span[1]) & (windows.t1_ns > span[0])).any():
        yield "window", windows, together(windows, *span)


def _joined(every: Sequence[Events]) -> Events:
    """The events of several profiles, names once each, tracks apart."""
    if len(every) == 1:
        return every[0]
    names: dict[str, int] = {}
    columns: list[list[Any]] = [[], [], [], []]
    tracks = 0
    for each in every:
        number = np.array([names.setdefault(name, len(names)) for name in each.names], np.int64)
        for column, part in zip(
            columns,
            (number[each.name], each.t0_ns, each.t1_ns, each.track + tracks),
            strict=True,
        ):
            column.append(part)
        tracks += int(each.track.max(initial=-1)) + 1
    return Events(tuple(names), *(np.concatenate(column) for column in columns))


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
    launches = Tallied(events.names[n] for n in events.name[inside].tolist())
    rows = [_row(share, launches, found.measured) for share in found.shares]
    rows.sort(key=lambda row: -(row["energy"]["value"] or 0.0))
    parts = [share.energy for share in found.shares]
    return {
        "kind": kind,
        "rows": rows,
        "sum": plain_of(_sum(parts)) if kind in _SINGLE else None,
        "events": {"inside": int(inside.sum()), "outside": int((~inside).sum())},
        "updates": found.updates,
        "power_share": found.power_share,
    }


def _sum(parts: list[Estimate]) -> Estimate:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole


def _row(share: Share, launches: Mapping[str, int], measured: Estimate) -> Plain:
    energy = plain_of(share.energy)
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
        "parts": [_part(part, launches) for part in share.parts],
    }


def _part(part: Part, launches: Mapping[str, int]) -> Plain:
    """One name of several that share a figure: its time times their mean power, and how far off it may be."""
    return {
        "name": part.name,
        "launches": launches.get(part.name),
        "time_s": seconds(part.time_ns),
        "energy": plain_of(part.energy),
    }


def plain_of(estimate: Estimate) -> Plain:
    """An estimate as plain data, with what its uncertainty is made of."""
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
