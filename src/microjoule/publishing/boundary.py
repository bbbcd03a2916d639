"""What a figure takes in: parts of the machine that were measured, estimated, and left out, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..channel import Channel
from ..joules.estimates.total import is_energy, is_power

MEASURED, ESTIMATED, EXCLUDED = "measured", "estimated", "excluded"
WHOLE_MACHINE = frozenset({"node", "machine", "meter"})
BOARDS = WHOLE_MACHINE | {"psys", "module"}
# What no counter of a package or a GPU sees, and a meter around the machine does.
UNSEEN = (
    ("power supply", "its losses lie before every sensor that was read"),
    ("disks, network, fans, display", "no counter of theirs was read"),
)


class Part(NamedTuple):
    """A part of the machine, how it is in the figures, and what there is to say of it."""

    name: str
    kind: str
    remark: str


def parts(channels: Mapping[str, Channel], summary: Mapping[str, Any]) -> list[Part]:
    """The parts of one trace's machine.

    Args:
        channels: Of the trace.
        summary: Of the trace, with its footprint.
    """
    whole = summary.get("whole") or {"total": {"channels": [], "covers": "", "excluded": []}}
    total = whole["total"]
    counted = [channels[id_] for id_ in total["channels"] if id_ in channels]
    found = [
        Part(str(c.place), c.provenance, total["covers"] if c.place.is_platform else f"by {c.source}")
        for c in counted
    ]
    found += [Part(str(channels[id_].place), EXCLUDED, "another meter of the same kind is taken")
              for id_ in total["excluded"] if id_ in channels]  # fmt: skip
    found += _inside(channels, counted)
    found += [Part(id_, EXCLUDED, str(why)) for id_, why in summary["facts"].get("left_out", {}).items()]
    found += _unseen(counted)
    return [*found, *_beyond(summary["footprint"]["factors"])]


def _inside(channels: Mapping[str, Channel], counted: Iterable[Channel]) -> list[Part]:
    """Channels of energy that are read and not added, because what is added holds them."""
    ids = {c.physical_id for c in counted}
    others = [c for c in channels.values() if (is_energy(c) or is_power(c)) and c.physical_id not in ids]
    return [
        Part(c.id, EXCLUDED, f"not added: inside {', '.join(c.trust.parents)}")
        for c in others
        if set(c.trust.parents) & ids
    ]


def _unseen(counted: Iterable[Channel]) -> list[Part]:
    places = [c.place for c in counted]
    devices = {place.device for place in places}
    if devices & WHOLE_MACHINE:
        return []
    found = [Part(name, EXCLUDED, why) for name, why in UNSEEN]
    if not devices & BOARDS:
        if not any(place.part in ("dram", "memory") for place in places):
            found.insert(0, Part("memory (DRAM)", EXCLUDED, "no counter of it was read"))
        if not any(place.device == "gpu" for place in places):
            found.insert(0, Part("GPUs, if there are any", EXCLUDED, "no counter of theirs was read"))
    return found


def _beyond(factors: Mapping[str, Any]) -> list[Part]:
    """What is around the machine, and how it was made."""
    pue = factors["pue"]
    found = [Part("cooling and building", ESTIMATED, f"in CO2e and cost through a PUE of {pue['value']:g}")]
    if pue["value"] == 1.0:
        found = [Part("cooling and building", EXCLUDED, "PUE 1: no data center given")]
    embodied = factors.get("embodied")
    kind, why = (ESTIMATED, embodied["name"]) if embodied else (EXCLUDED, "--embodied was not given")
    return [*found, Part("making of the hardware", kind, why)]
