"""A scripted machine: channels whose readings a text file says, for tests and demonstrations.

Theory of the device. ``microjoule.json`` in the root folder is ``{"channels": [...]}``, each entry as
``Channel.to_json`` writes it, with ``access.reader`` "script" and ``access.path`` relative to the root.
The native half reads the scripts (``csrc/reader_script.c``); this file only lists them, and writes
them for those who need one. Nothing is mocked: sampler, ring, trace and arithmetic are the real ones.

The grammar of a script, line by line:

- ``# comment``
- ``by time`` (what holds when nothing is said): entries ``<t_ns> <raw> [latency_ns]``; a value holds
  from t_ns after opening until the next entry. ``by reads``: entries ``<raw> [latency_ns]``, one for each
  read, the last one holds.
- ``!<errno>`` in place of ``<raw>``: that read fails.
- ``repeat <period_ns> <increment> <modulus>``: the entries start again every period, raised by the
  increment, modulo the modulus (0: 2^64).

Unit, width and update period are whatever the channel says; anyone who reads the files may read it.
Known errors: all of them are deliberate. A real machine has no such file, and that is no obstacle.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..channel import Channel
from ..value_class import dataclass
from .machine import Machine
from .survey import Cause, Closed, Obstacle, Survey

NAME = "script"
READERS = "everyone who may read its files"
MACHINE = "microjoule.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a script.

    Attributes:
        raw: What the read says.
        t_ns: From when on; used in scripts by time only.
        errno: Not 0: the read fails with it.
        latency_ns: How long the read takes.
    """

    raw: int = 0
    t_ns: int = 0
    errno: int = 0
    latency_ns: int = 0


@dataclass(frozen=True, slots=True)
class Repeat:
    """A script that starts again every period, raised by an increment each time."""

    period_ns: int
    increment: int
    modulus: int = 0


def script_text(entries: Iterable[Entry], repeat: Repeat | None = None) -> str:
    """The text of a script by time, ready to be written to a file."""
    lines = ["by time"]
    if repeat is not None:
        lines.append(f"repeat {repeat.period_ns} {repeat.increment} {repeat.modulus}")
    lines += [f"{entry.t_ns} {_reading(entry)}" for entry in entries]
    return "\n".join(lines) + "\n"


def script_text_by_reads(entries: Iterable[Entry]) -> str:
    """The text of a script whose entries are used up one a read, whenever that is."""
    return "\n".join(["by reads", *(_reading(entry) for entry in entries)]) + "\n"


def write_machine(root: Path, channels: Iterable[Channel]) -> None:
    """Writes ``microjoule.json`` under ``root``; the channels' paths are relative to it."""
    plain = {"channels": [channel.to_json() for channel in channels]}
    root.mkdir(parents=True, exist_ok=True)
    (root / MACHINE).write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def survey(machine: Machine) -> Survey:
    """The channels of ``microjoule.json`` under ``root``, their paths made absolute."""
    root = machine.root
    path = root / MACHINE
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        listed = [Channel.from_json(plain) for plain in described["channels"]]
    except (FileNotFoundError, NotADirectoryError):
        quiet = Obstacle(Cause.NO_HARDWARE, f"{path} does not exist: this is no scripted machine")
        return Survey(NAME, READERS, obstacles=(quiet,))
    except PermissionError:
        refused = Obstacle(Cause.PERMISSION, f"{path} may not be read", f"Run `chmod a+r {path}`")
        return Survey(NAME, READERS, obstacles=(refused,))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        broken = Obstacle(Cause.FAILING, f"{path} does not describe a machine ({error!r})", "Write it anew")
        return Survey(NAME, READERS, obstacles=(broken,))
    channels = [_resolved(root, channel) for channel in listed]
    closed = tuple(
        Closed(channel, Obstacle(Cause.HIDDEN, f"{channel.access.path} does not exist", "Write the script"))
        for channel in channels
        if not Path(channel.access.path).exists()
    )
    missing = {one.channel.id for one in closed}
    return Survey(
        NAME,
        READERS,
        channels=tuple(channel for channel in channels if channel.id not in missing),
        closed=closed,
        obstacles=tuple(one.obstacle for one in closed),
    )


def _reading(entry: Entry) -> str:
    value = f"!{entry.errno}" if entry.errno else str(entry.raw)
    return f"{value} {entry.latency_ns}" if entry.latency_ns else value


def _resolved(root: Path, channel: Channel) -> Channel:
    path = (root / channel.access.path).resolve()
    return replace(channel, source=NAME, access=replace(channel.access, path=str(path)))
