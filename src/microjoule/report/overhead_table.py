"""What sampling costs, for a terminal: the reads, every way of sampling, and what was left out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from ..text_width import width
from ..units import NS_PER_US
from . import written_numbers
from .columns import columns

Plain = Mapping[str, Any]

_HEAD = (
    "rate", "pace", "beside", "taken %", "late µs p50 99 99.9", "reads µs", "CPU µs", "over empty",
    "booked %", "lost %", "lost, CPU %", "adds W", "",
)  # fmt: skip
_LEFT = (1, 2, 12)
_MISSING = "–"
_FOOT = (
    "taken: ticks, of the deadlines; late: how long after its deadline a tick began; reads: of one tick, in "
    "the loop; CPU: of the sampler a tick, and what of it is over an empty loop's; booked: that CPU time as "
    "a share of a core, which leaves out most of what a wake-up takes; lost: the share of its core that a "
    "fixed piece of work on it lost, in blocks with and without sampling in turns; lost, CPU: the same "
    "without the time that other programs ran. ± at 95 %."
)
_FIRST = {"empty loop": 0, "recorder": 2, "recorder, thinned": 2}  # all others stand between
_VIRTUAL = {True: "virtual machine", False: "no hypervisor seen", None: ""}
_PACES, _LOADS = ("sleep", "hybrid", "edges", "kernel"), ("idle", "busy", "saturated")
_BESIDE = {"idle": "nothing", "busy": "a victim", "saturated": "all busy"}
_NOT_QUIET = 0.02  # others' share from which a row says so


def lines(found: Plain) -> list[str]:
    """The whole of it.

    Args:
        found: An overhead as plain values, each cost with ``over_empty_ns``.
    """
    shown = [_machine(found["machine"])]
    if found["reads"]:
        shown += ["", "reads back to back, over an empty tick"]
        rows = [
            (
                read["subject"],
                f"{_scaled(read['hot_ns'], 1 / NS_PER_US)} µs for {_channels(read['channels'])}",
            )
            for read in found["reads"]
        ]
        shown += columns(rows, (0, 1), indent="  ")
    if found["costs"]:
        shown += ["", *_table(found["costs"]), "", *textwrap.wrap(_FOOT, width())]
    notes = [f"{cost['subject']}: {note}" for cost in found["costs"] for note in cost["notes"]]
    shown += ["", *dict.fromkeys(notes)] if notes else []
    if found["left_out"]:
        shown += ["", "not measured:"]
        shown += _left_out(found["left_out"])
    return shown


def _left_out(left_out: Mapping[str, str]) -> Iterator[str]:
    """Each reason once, and what it kept from being measured."""
    by_reason: dict[str, list[str]] = {}
    for what, why in left_out.items():
        by_reason.setdefault(why, []).append(what)
    for why, whats in by_reason.items():
        yield from textwrap.wrap(
            f"{why} ({'; '.join(whats)}).",
            width(),
            initial_indent="  ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _machine(machine: Plain) -> str:
    named = (
        machine.get("cpu_name") or "unknown CPU",
        f"Linux {machine.get('kernel') or 'unknown'}",
        _VIRTUAL[machine.get("is_virtual")],
        f"on CPU {machine['cpu']}, {machine['cpus_allowed']} allowed",
        f"load average {machine['load_average_at_start']:g} at the start",
    )
    return ", ".join(each for each in named if each)


def _channels(channels: Mapping[str, int]) -> str:
    n = sum(channels.values())
    return f"{n} channel" if n == 1 else f"{n} channels"


def _row(cost: Plain) -> tuple[str, ...]:
    way = cost["way"]
    return (
        _rate(way["rate_hz"]),
        f"{way['pace']}, FIFO" if way["is_fifo"] else way["pace"],
        _BESIDE[way["load"]],
        _percent_of(cost["ticks"], cost["ticks"] + cost["missed"]),
        _late(cost["lateness"]),
        _MISSING if cost["read_ns"] is None else f"{cost['read_ns'] / NS_PER_US:.3g}",
        _scaled(cost["tick_cpu_ns"], 1 / NS_PER_US),
        _scaled(cost["over_empty_ns"], 1 / NS_PER_US),
        _scaled(cost["own_share"], 100),
        _scaled(cost["loss_share"], 100),
        _scaled(cost["loss_cpu_share"], 100),
        _scaled(cost["added_w"], 1),
        _others(cost["others_share"]),
    )


def _table(costs: Sequence[Plain]) -> Iterator[str]:
    """A block a subject; columns in which nothing was measured are left out."""
    by_subject: dict[str, list[tuple[str, ...]]] = {}
    for cost in sorted(costs, key=_order):
        by_subject.setdefault(cost["subject"], []).append(_row(cost))
    rows = [_HEAD, *(row for block in by_subject.values() for row in block)]
    lines = iter(columns(rows, _LEFT, indent="  ", optional=range(len(_HEAD)), nothing=(_MISSING, "")))
    yield next(lines)
    for subject, block in by_subject.items():
        yield subject
        yield from islice(lines, len(block))


def _order(cost: Plain) -> tuple[object, ...]:
    way = cost["way"]
    rank = _FIRST.get(cost["subject"], 1)
    return (
        rank,
        cost["subject"],
        _PACES.index(way["pace"]),
        way["is_fifo"],
        _LOADS.index(way["load"]),
        way["rate_hz"],
    )


def _rate(rate_hz: float) -> str:
    return f"{rate_hz:.4g} Hz" if rate_hz < 1000 else f"{rate_hz / 1000:.4g} kHz"


def _late(late: Plain | None) -> str:
    if late is None:
        return _MISSING
    return " ".join(_short(late[name]) for name in ("p50_ns", "p99_ns", "p999_ns"))


def _short(late_ns: int | None) -> str:
    if late_ns is None:
        return _MISSING
    late_us = late_ns / NS_PER_US
    return f"{late_us:.0f}" if late_us >= 100 else f"{late_us:.2g}"


def _percent_of(part: int, whole: int) -> str:
    return f"{100 * part / whole:.4g}" if whole else _MISSING


def _others(share: float | None) -> str:
    return f"others took {100 * share:.0f} %" if share is not None and share >= _NOT_QUIET else ""


def _scaled(mean: Plain | None, factor: float) -> str:
    return _MISSING if mean is None else written_numbers.bare(mean["value"] * factor, mean["U"] * factor)
