"""Cray's node meter: text files in ``/sys/cray/pm_counters``.

Theory of the device (HPE Cray EX and Cray XC, "Monitoring and Managing Power Consumption"; papers of
EPCC and of github.com/bcumming/cray-power). The blade controller reads the node's supplies ten times a
second (``raw_scan_hz``), out of band, and a kernel module shows its last scan:

- ``energy`` is joules since the node booted, whole ones; ``cpu_energy``, ``memory_energy`` and
  ``accelN_energy`` are parts of it, ``power``, ``cpu_power``, … the watts. Each is one line, ``1234 J`` and
  on newer systems the controller's time behind it, ``1234 J 1700000000000000 us``.
- ``freshness`` counts the scans. Readings of several files belong together only if it is the same
  before and after them, so it is read first and last in each tick: ``node/freshness`` and
  ``node/freshness_after``.
- Who may read: everyone. Scope: the node, with its network card and losses, other jobs on it included.

Known errors: the counter is whole joules, so at 10 Hz a step is a few tens of watts wide; ``generation``
grows when a power cap is set and resets nothing; ``cpu_energy`` on some blades stays 0.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from ..channel import Access, Channel, Kind, Place, Role, Scale, Timing, Trust
from ..units import NS_PER_S
from .host import text_of
from .machine import Machine
from .survey import Cause, Obstacle, Survey
from .text_obstacles import refusal
from .zones import PLATFORM_LIMIT_W

NAME = "cray"
READERS = "everyone (mode 0444)"
FOLDER = "sys/cray/pm_counters"
WHOLE = "energy"
WHOLE_POWER = "power"
SCAN_HZ = 10
RATE_MAX_HZ = 100.0  # ten readings a scan place each update well enough
MISSED = 2  # a scan that was missed is ordinary

# Of the file's name; the first word is the part of the node, and none is all of it.
METER = re.compile(r"(?:(?P<part>(?P<what>cpu|memory|accel)\d*)_)?(?P<quantity>energy|power)")
HW_TYPES = {None: "enclosure", "cpu": "cpu", "memory": "memory", "accel": "gpu"}
NODE = Place(device="node", role=Role.PLATFORM)
QUANTITIES = {"energy": (Kind.COUNTER, "J"), "power": (Kind.GAUGE, "W")}


def survey(machine: Machine) -> Survey:
    """The meters of this Cray node, between two readings of their freshness."""
    root = machine.root
    folder = root / FOLDER
    if not os.path.isdir(folder):
        what = f"no Cray node meter: there is no {folder}"
        return Survey(NAME, READERS, obstacles=(Obstacle(Cause.NO_HARDWARE, what),))
    names = sorted(path.name for path in folder.iterdir() if METER.fullmatch(path.name))
    answers = [name for name in names if (_number(folder / name) or 0) > 0]
    obstacles = tuple(
        refusal(folder / name)
        or Obstacle(Cause.FAILING, f"{folder / name} holds no figure above 0; it is left out")
        for name in names
        if name not in answers
    )
    if WHOLE in answers:
        answers.remove(WHOLE)
        answers.insert(0, WHOLE)
    return Survey(NAME, READERS, channels=tuple(_channels(folder, answers)), obstacles=obstacles)


def _channels(folder: Path, names: list[str]) -> Iterator[Channel]:
    timing = _timing(folder)
    cap_w = _number(folder / "power_cap") or None
    is_fresh = names and _number(folder / "freshness") is not None
    if is_fresh:
        yield _freshness(folder, "freshness", timing)
    for name in names:
        meter = METER.fullmatch(name)
        part, what, word = meter.group("part", "what", "quantity") if meter else (None, None, WHOLE)
        kind, quantity = QUANTITIES[word]
        container = _container(name, names)
        limit_w, limit_source = _limit(cap_w, kind)
        yield Channel(
            id=f"node/{name}",
            place=replace(NODE, part=part, role=Role.PART) if part else NODE,
            hw_type=HW_TYPES[what],
            source=NAME,
            lane=NAME,
            kind=kind,
            scale=Scale(quantity=quantity, unit=Fraction(1), unit_source="interface"),
            timing=timing,
            trust=Trust(
                power_limit_w=limit_w,
                power_limit_source=limit_source,
                parents=(f"node/{container}",) if container else (),
            ),
            access=Access(reader="text", path=str(folder / name)),
        )
    if is_fresh:
        yield _freshness(folder, "freshness_after", timing)


def _limit(cap_w: float | None, kind: Kind) -> tuple[float | None, str]:
    """A cap may be lifted, and no true step of a counter may lie above what is believed of it."""
    if kind is Kind.COUNTER and (cap_w is None or cap_w < PLATFORM_LIMIT_W):
        return PLATFORM_LIMIT_W, "assumed"
    return cap_w, "power_cap" if cap_w else "none"


def _container(name: str, names: list[str]) -> str | None:
    """What contains a part, of the meters that answer: its own energy for a power, else the node's."""
    own_energy = re.sub("power$", "energy", name)
    of_all_accelerators = re.sub(r"\d+_", "_", name)
    containers = () if name == WHOLE else (own_energy, of_all_accelerators, WHOLE, WHOLE_POWER)
    return next((one for one in containers if one != name and one in names), None)


def _freshness(folder: Path, name: str, timing: Timing) -> Channel:
    return Channel(
        id=f"node/{name}",
        place=NODE,
        hw_type=HW_TYPES[None],
        source=NAME,
        lane=NAME,
        scale=Scale(quantity="1", unit=Fraction(1), unit_source="interface"),
        timing=timing,
        access=Access(reader="text", path=str(folder / "freshness")),
    )


def _timing(folder: Path) -> Timing:
    update_ns = NS_PER_S // int(_number(folder / "raw_scan_hz") or SCAN_HZ)
    return Timing(
        update_ns=update_ns,
        update_max_ns=MISSED * update_ns,
        lag_ns=update_ns,
        rate_max_hz=RATE_MAX_HZ,
    )


def _number(path: Path) -> float | None:
    """The first word of a file as a whole number; None where it holds none."""
    words = (text_of(path) or "").split()
    return float(words[0]) if words and words[0].isdecimal() else None
