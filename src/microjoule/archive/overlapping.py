"""Traces of one machine that overlap in time: which lies wholly inside another, and what others share.

Two recorders of one machine read the same counters. A trace inside another one, with no channel that the
other lacks, tells of the other's joules again: all of it is left out. How much of two traces that overlap in
part is in that time a catalogue does not know (:mod:`.shared_time`).

A machine is a boot of one kernel, whatever its containers call the host. Where a trace does not say its boot,
overlaps are looked for among the traces of its host, and nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

KEY = ("trace", "date", "project", "host")  # the columns that tell a trace from others
NEARLY_US = 1000  # two clocks that were read at two times agree to about so much


class Recorded(NamedTuple):
    """What a trace recorded of its machine.

    Attributes:
        key: Trace, date, project and host, as the catalogue has them.
        boot: Id of the machine's boot; empty: not known.
        begin_us: UTC.
        end_us: UTC.
        energy_j: Of all of it.
        channels: What this energy adds up.
    """

    key: tuple[str, str, str, str]
    boot: str
    begin_us: int
    end_us: int
    energy_j: float
    channels: frozenset[str]

    @property
    def machine(self) -> str:
        """What tells its machine from others."""
        return f"boot {self.boot}" if self.boot else f"host {self.key[3]}"

    @property
    def power_w(self) -> float:
        """On average."""
        return self.energy_j / max(self.end_us - self.begin_us, 1) * 1e6


class Overlap(NamedTuple):
    """Two traces that overlap in time.

    Attributes:
        trace: The one that began later.
        other: The one that was recording then.
        seconds: For how long they overlap.
        is_inside: The later one is wholly inside the other one, and adds nothing to it.
    """

    trace: Recorded
    other: Recorded
    seconds: float
    is_inside: bool

    @property
    def joules(self) -> float:
        """What counts twice in a sum of both, at their mean power; 0 where no channel is in both."""
        is_shared = bool(self.trace.channels & self.other.channels)
        return self.seconds * min(self.trace.power_w, self.other.power_w) if is_shared else 0.0


def overlaps(traces: Iterable[Recorded]) -> list[Overlap]:
    """The traces that are inside others, and the pairs that overlap otherwise, without the former."""
    found: list[Overlap] = []
    machine, open_ones = "", list[Recorded]()
    for each in sorted(traces, key=_longest_first):
        still = [other for other in open_ones if other.end_us > each.begin_us + NEARLY_US]
        open_ones = still if each.machine == machine else []
        machine = each.machine
        around = next((other for other in open_ones if _is_inside(each, other)), None)
        if around is not None:
            found.append(Overlap(each, around, _shared_s(each, around), True))
            continue
        pairs = (Overlap(each, other, _shared_s(each, other), False) for other in open_ones)
        found += [pair for pair in pairs if pair.seconds * 1e6 > NEARLY_US]
        open_ones.append(each)
    return found


def _longest_first(of: Recorded) -> tuple[str, int, int, int, tuple[str, str, str, str]]:
    return of.machine, of.begin_us, -of.end_us, -len(of.channels), of.key


def _is_inside(one: Recorded, other: Recorded) -> bool:
    is_within = one.end_us <= other.end_us + NEARLY_US
    return bool(one.boot) and is_within and bool(one.channels) and one.channels <= other.channels


def _shared_s(one: Recorded, other: Recorded) -> float:
    return (min(one.end_us, other.end_us) - one.begin_us) / 1e6
