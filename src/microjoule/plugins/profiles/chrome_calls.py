"""Any Chrome trace: what its complete events (``X``), or its begins and ends (``B``, ``E``), say ran when.

Times are microseconds of a clock that the format does not name: it is tried which one puts the events inside
the trace. On each thread only the event begun last counts, so that a call's energy is without that of the
calls inside it; the user chooses which names count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...errors import ProfileError
from .chrome import REMEDY, Document, name, opened
from .collecting import NO_TIME, Collecting, microseconds, whole_number
from .profile import UNKNOWN, Profile, Source

NAME = "Chrome trace"
UNENDED = "a begin without an end, or an end without a begin"

Event = dict[str, Any]


def is_mine(opening: str) -> bool:
    """Whether a file that opens so is of this form."""
    return opening.lstrip()[:1] in ("{", "[")


def read(path: Path) -> Profile:
    """The calls in a file, ``.json`` or ``.json.gz``.

    Raises:
        ProfileError: It cannot be opened, is no Chrome trace, is damaged or cut, or has no such event.
    """
    return calls(path, NAME, UNKNOWN)


def calls(path: Path, form: str, clock: str, named: Callable[[Event], str] | None = None) -> Profile:
    """The calls of a Chrome trace.

    Args:
        path: The file.
        form: What wrote it.
        clock: What its times are of.
        named: What an event is called; None: by its name.

    Raises:
        ProfileError: As for ``read``.
    """
    found = Collecting()
    largest = read_ = 0
    open_: dict[object, list[tuple[Event, int | None]]] = {}
    with opened(path) as stream:
        document = Document(stream, path)
        for event in document.events():
            largest = max(largest, whole_number(event.get("pid")) or 0)
            for begun, t0, long in _whole(event, open_, found):
                label = named(begun) if named else name(str(begun.get("name", "")))
                found.add(label, "call", _track(begun), t0, long)
        read_ = document.read
    left = sum(map(len, open_.values()))
    if left:
        found.impossible[UNENDED] += left
    names, events, tally = found.finished(document, read_)
    if not len(events):
        what = "has no event with a duration" if read_ else "contains no events"
        raise ProfileError(f"{path} {what}", REMEDY)
    source = Source(
        path=path,
        form=form,
        clock=clock,
        tally=tally,
        events_end=document.events_end or 0,
        process=largest + 1,
        uuids={},
    )
    return Profile(source, names, events)


def _track(event: Event) -> tuple[str, str]:
    return str(event.get("pid")), str(event.get("tid"))


def _whole(
    event: Event, open_: dict[object, list[tuple[Event, int | None]]], found: Collecting
) -> Iterator[tuple[Event, int | None, int | None]]:
    """The event, when it began and how long it was, once it is known."""
    phase, t = event.get("ph"), microseconds(event.get("ts"))
    if phase == "X":
        yield event, t, microseconds(event.get("dur", 0))
    elif phase == "B":
        open_.setdefault(_track(event), []).append((event, t))
    elif phase == "E":
        stack = open_.get(_track(event))
        if not stack:
            found.impossible[UNENDED] += 1
        else:
            begun, t0 = stack.pop()
            if t is None or t0 is None:
                found.impossible[NO_TIME] += 1
            else:
                yield begun, t0, t - t0
