"""The answer in one sentence: what used how much energy in how long, and what was measured.

``python train.py: the machine used 185 J ± 11 J in 3.12 s (59.3 W); measured: package + DRAM``. The terminal,
``str`` of a trace and of its energies, the page's headline and the field ``sentence`` of the JSON are this
one text.
"""

from __future__ import annotations

import shlex
from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...channel import Place
from ...errors import MicrojouleError, TraceError
from ...trace.window import Window
from ...units import seconds
from . import estimate_text
from .estimate import Estimate
from .run_window import whole
from .total import Total
from .uncertainty import SENSOR

if TYPE_CHECKING:
    from ..energy_trace import Trace

RECORDING = "the recording"
NO_TIME = "No energy figure: there is no time in which all channels were read. Record for longer."
SUBJECT_MAX = 48  # characters of a command: beyond them the figure would leave the first line

_ROWS_NOTED, _WINDOWS_NOTED = 1_000_000, 100  # of a trace that a prompt integrates: in about 0.1 s

_WORDS = {"dram": "DRAM", "memory": "memory", "core": "cores", "uncore": "uncore"}
_DEVICES = {"gpu": "GPU", "psys": "psys (board)", "node": "whole node", "machine": "whole machine"}


class Headline(NamedTuple):
    """What a trace says first.

    Attributes:
        subject: The command, or ``the recording``.
        window: The time that the sentence is about.
        energy: Its energy; of a command without counters, that of the command's own CPU time.
        sentence: All of it as one sentence.
    """

    subject: str
    window: Window
    energy: Total
    sentence: str


def headline(trace: Trace) -> Headline | None:
    """What a trace says first; None: there is no time in which its channels were read."""
    try:
        window = whole(trace)
    except TraceError:
        return None
    energies = trace.energy(window)
    energy = energies.total
    subject = subject_of(trace.facts)
    if subject != RECORDING and energy.provenance == "measured":
        # A counter counts all that ran beside the command too.
        subject = f"{subject}: the machine"
    parts = [(trace.channels[id_].place, energies[id_]) for id_ in energy.channels]
    said = sentence(subject, seconds(window.duration_ns), energy, parts)
    return Headline(subject, window, energy, said)


def noted(trace: Trace) -> str:
    """``: 25.9 J ± 1.6 J in 397 ms``, for a prompt; empty where that takes long, or there is no figure.

    A prompt shows a trace by itself, and so do debuggers: none may wait.
    """
    if trace.table.num_rows > _ROWS_NOTED or len(trace.window_columns) > _WINDOWS_NOTED:
        return ""
    try:
        first = headline(trace)
    except MicrojouleError:  # of a trace whose readings were not kept
        return ""
    return (
        ""
        if first is None
        else f": {first.energy} in {estimate_text.duration(seconds(first.window.duration_ns))}"
    )


def sentence(
    subject: str, duration_s: float, energy: Estimate, parts: Sequence[tuple[Place, Estimate]]
) -> str:
    """One sentence about an energy.

    Args:
        subject: What used it.
        duration_s: In how many seconds.
        energy: How much, in J.
        parts: What the energy adds up: where it was used, and how much.
    """
    how = f"{_how(energy)}: {places(place for place, _ in parts) or 'nothing'}"
    if isinstance(energy, Total) and energy.excluded:
        how = f"{_how(energy)}: one of {len(energy.excluded) + 1} meters, {energy.channels[0]}"
        how += f" (not added: {', '.join(energy.excluded)})"
    length = estimate_text.duration(duration_s)
    if isinstance(energy, Total) and not energy.channels:
        return f"{subject} has no energy figure for {length}: nothing that was read is part of a total"
    if energy.value is None:
        return f"{subject} has no energy figure for {length}: {_without_figure(energy, parts)}"
    is_assessed = all(is_sensor_assessed(part) for _, part in parts)
    if estimate_text.is_limit(energy.value, energy.U, energy.low):
        figure, power = estimate_text.measured(energy.value, energy.U, (energy.low, energy.high), "J"), ""
        how += "" if is_assessed else " (sensor accuracy unknown)"
    elif not is_assessed:
        # Without the sensor's own error ± would be that of the readings alone, which is far too small.
        figure = estimate_text.figure(energy.value, 0.0, "J")
        how += " (sensor accuracy unknown)"
        power = estimate_text.figure(energy.value / duration_s, 0.0, "W") if duration_s else ""
    else:
        figure = estimate_text.figure(energy.value, energy.U, "J")
        power = (
            estimate_text.figure(energy.value / duration_s, energy.U / duration_s, "W") if duration_s else ""
        )
    mean = f" ({power.partition(' ±')[0]})" if power else ""
    return f"{subject} used {figure} in {length}{mean}; {how}"


def _without_figure(energy: Estimate, parts: Sequence[tuple[Place, Estimate]]) -> str:
    """``package incomplete (guaranteed ≥ 2.00 J); read: GPU``: parts without a figure, by why, and others."""
    kinds = dict.fromkeys(part.status for _, part in parts)
    said = {kind: places(place for place, part in parts if part.status == kind) for kind in kinds}
    read = said.pop("ok", "")
    why = ", ".join(f"{words} {kind}" for kind, words in said.items()) or energy.status
    return f"{why}{str(energy).removeprefix(energy.status)}" + (f"; read: {read}" if read else "")


def with_clause(said: str, clause: str) -> str:
    """A sentence with a clause in front of how its figure was found."""
    before, how, after = said.rpartition("; measured:")
    return f"{before}, {clause}{how}{after}" if how and clause else said


def is_sensor_assessed(energy: Estimate) -> bool:
    """Whether ± includes the sensor's own error: one counts as assessed where nothing was used."""
    return not energy.value or any(part.name in SENSOR for part in energy.components)


def subject_of(facts: Mapping[str, object]) -> str:
    """The command that was recorded, on one line; ``the recording`` where there was none."""
    command = facts.get("command")
    if not isinstance(command, list) or not command:
        return RECORDING
    joined = " ".join(shlex.join(map(str, command)).split())
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in joined)
    return shown if len(shown) <= SUBJECT_MAX else shown[: SUBJECT_MAX - 1].rstrip() + "…"


def places(of: Iterable[Place]) -> str:
    """``2 packages + DRAM + GPU``: what channels measure, in words, each kind once."""
    kinds = Tally(_word(place) for place in of)
    return " + ".join(word if n == 1 else f"{n} {_plural(word)}" for word, n in kinds.items())


def _how(energy: Estimate) -> str:
    return "estimated, not measured" if energy.provenance == "estimated" else "measured"


def _word(place: Place) -> str:
    if place.part == "cpu" and place.device in ("machine", "command"):
        return "CPU time of the command" if place.device == "command" else "CPU time of the machine"
    if not place.part:
        return _DEVICES.get(place.device, place.device)
    part = _WORDS.get(place.part, place.part)
    return part if place.device == "package" else f"{part} of {_DEVICES.get(place.device, place.device)}"


def _plural(word: str) -> str:
    return word if word in ("DRAM", "cores", "memory", "uncore") else f"{word}s"
