"""The energy of what a profile names, from the trace of the same run: plain data for reports."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...errors import ProfileError
from ...joules.energy_trace import Trace
from ...joules.estimates.estimate import Estimate
from ...joules.profiling.attribution import Attribution, Part, Share, attribute, usable_span
from ...joules.profiling.occupancy import Events
from ...joules.profiling.reserved_names import IDLE, OUTSIDE, quoted
from ...joules.profiling.separability import Item
from ...units import NS_PER_S, seconds
from .alignment import Alignment, Wishes, align
from .choosing import Taken, chosen
from .devices import Override
from .event_blocks import Aligned, Section, Wanted, section, section_of
from .kinds import CALLS, GPU_RANGES, KERNELS, OPERATORS, RANGES
from .profile import Profile, Source

SCHEMA = "microjoule.attribution/2"
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
        raise ProfileError(
            f"{name} was not read", "Choose another --channel; `uj report` shows what was read"
        )
    aligned = [
        Aligned(each, align(trace, each.profile.source, each.profile.span_ns, span, asked.wishes))
        for each in mine
    ]
    t0, t1 = min(each.alignment.t0_ns for each in aligned), max(each.alignment.t1_ns for each in aligned)
    updates = usable_span(counter, t0, t1)
    tables = []
    # A little more than the updates' span, because an update is known to have been somewhere only.
    margin = round(float(updates.spread_s.max()) * 2 * NS_PER_S)
    around = int(updates.edges_ns[0]) - margin, int(updates.edges_ns[-1]) + margin
    u_ns = max(each.alignment.u_ns for each in aligned)
    is_on_gpu = any(each.taken.device is not None for each in aligned)
    counted = int(updates.edges_ns[0]), int(updates.edges_ns[-1])
    for of in _sections(trace, aligned, Wanted(asked.names, is_on_gpu, counted, around)):
        if of is not None:
            items = _single(of) if of.kind in _SINGLE else _named(of)
            tables.append(_table(of, attribute(counter, updates, of.states, items, u_ns)))
    t0, t1 = counted
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


def _about(of: Aligned) -> Plain:
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


def _sections(trace: Trace, aligned: Sequence[Aligned], wanted: Wanted) -> Iterable[Section | None]:
    """What ran, which ranges were annotated, and which windows were marked; of each what there is."""
    kernels = section(aligned, "kernel", KERNELS, wanted)
    yield kernels
    of_host = wanted._replace(is_on_gpu=False)
    if kernels is None:
        yield section(aligned, "operator", OPERATORS, of_host)
        yield section(aligned, "call", CALLS, of_host)
    ranges = section(aligned, "range", GPU_RANGES, wanted) if kernels is not None else None
    yield ranges or section(aligned, "range", RANGES, of_host)
    yield section_of("window", _windows(trace), wanted)


def _windows(trace: Trace) -> Events:
    of = trace.window_columns
    return Events(tuple(map(quoted, of.names)), of.name, of.t0_ns, of.t1_ns, np.zeros(len(of), np.int64))


def _single(of: Section) -> list[Item]:
    """Each state by itself: a kernel that runs while another does is neither's alone."""
    return [
        Item(_AT_ONCE.join(sorted(of.names[n] for n in state)) or IDLE, (number,))
        for number, state in enumerate(of.states.states)
    ]


def _named(of: Section) -> list[Item]:
    """Each name with all states that it takes part in: a range holds the ranges inside it."""
    states: dict[int, list[int]] = {}
    for number, state in enumerate(of.states.states):
        for name in state:
            states.setdefault(name, []).append(number)
    return [*(Item(of.names[name], tuple(mine)) for name, mine in states.items()), Item(OUTSIDE, (0,))]


def _table(of: Section, found: Attribution) -> Plain:
    launches = {name: n for name, n in zip(of.names, of.launches.tolist(), strict=True) if n}
    rows = [_row(share, launches, found.measured) for share in found.shares]
    rows.sort(key=lambda row: -(row["energy"]["value"] or 0.0))
    parts = [share.energy for share in found.shares]
    return {
        "kind": of.kind,
        "rows": rows,
        "sum": plain_of(_sum(parts)) if of.kind in _SINGLE else None,
        "events": {"inside": int(of.launches.sum()), "outside": of.outside},
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
