"""What a PyTorch profile (Kineto) says ran when: kernels, operators and annotated ranges.

Times are microseconds. Since 2024 they count from ``baseTimeNanoseconds``; before, from 1970. Either way
it is the clock of the day, CLOCK_REALTIME, to which Kineto brings the processor's own counter and
the GPU's timestamps; how well is not said in the file, and it is taken at its word.

On a GPU an event's ``pid`` is the device and its ``tid`` the stream; on the CPU they are process and thread.
Before torch 1.13 the categories were ``Kernel``, ``Memcpy``, ``Memset`` and ``Operator``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import ProfileError
from .chrome import REMEDY, Document, name, opened
from .collecting import Collecting, microseconds, whole_number
from .kinds import KINDS, ON_GPU
from .profile import REALTIME, Profile, Source

NAME = "PyTorch profile (Kineto)"
_OLD = {"operator": "cpu_op", "memcpy": "gpu_memcpy", "memset": "gpu_memset"}
_NUMBERED = "ProfilerStep#"  # each step has a name of its own; they are one range
_SIGNS = re.compile(
    r'"(?:baseTimeNanoseconds|deviceProperties|schemaVersion)"|"cat"\s*:\s*"'
    r'(?:cpu_op|kernel|gpu_memcpy|gpu_memset|(?:gpu_)?user_annotation|nvtx|Kernel|Operator|Memcpy|Memset)"'
)


def is_mine(opening: str) -> bool:
    """Whether a file that opens so is of this form."""
    return _SIGNS.search(opening) is not None


def kind_of(category: object) -> str:
    """The kind of an event by its category; empty: none whose energy can be asked for."""
    if not isinstance(category, str):
        return ""
    word = category.lower().replace(" ", "_")
    word = _OLD.get(word, word)
    return word if word in KINDS else ""


def read(path: Path) -> Profile:
    """The profile in a file, ``.json`` or ``.json.gz``.

    Raises:
        ProfileError: It cannot be opened, is no Chrome trace, is damaged or cut, or has no such event.
    """
    found = Collecting()
    largest = 0
    with opened(path) as stream:
        document = Document(stream, path)
        for event in document.events():
            process = whole_number(event.get("pid"))
            largest = max(largest, process or 0)
            kind = kind_of(event.get("cat"))
            if event.get("ph") == "X" and kind:
                found.add(
                    _called(str(event.get("name", ""))),
                    kind,
                    (event.get("pid"), event.get("tid")),
                    microseconds(event.get("ts")),
                    microseconds(event.get("dur", 0)),
                    _device(event, process) if kind in ON_GPU else -1,
                )
    base = whole_number(document.head.get("baseTimeNanoseconds")) or 0
    names, events, tally = found.finished(document, document.read)
    if not len(events):
        raise _nothing(path, document, tally.impossible)
    host = document.head.get("host_name", "")
    source = Source(
        path=path,
        form=NAME,
        clock=REALTIME,
        tally=tally,
        host=name(host) if isinstance(host, str) else "",
        base_ns=base,
        events_end=document.events_end or 0,
        process=largest + 1,
        uuids=dict(_uuids(document.head.get("deviceProperties"))),
    )
    return Profile(source, names, events)


def _device(event: dict[str, Any], process: int | None) -> int:
    """The GPU of an event: by its arguments, or else by its process, which on a GPU is the device."""
    arguments = event.get("args")
    given = whole_number(arguments.get("device")) if isinstance(arguments, dict) else None
    found = process if given is None else given
    return found if found is not None and found >= 0 else -1


def _uuids(properties: object) -> Iterator[tuple[int, str]]:
    for each in properties if isinstance(properties, list) else ():
        number, uuid = (each.get("id"), each.get("uuid")) if isinstance(each, dict) else (None, None)
        if isinstance(number, int) and isinstance(uuid, str) and uuid:
            yield number, uuid


def _called(text: str) -> str:
    return _NUMBERED + "*" if text.startswith(_NUMBERED) else name(text)


def _nothing(path: Path, document: Document, impossible: Any) -> ProfileError:  # noqa: ANN401
    if not document.read:
        return ProfileError(f"{path} contains no events", REMEDY)
    if impossible:
        why = ", ".join(f"{count} with {reason}" for reason, count in impossible.items())
        return ProfileError(f"{path} contains no valid events: {why}", "Export the profile again")
    return ProfileError(
        f"{path} has no kernel, operator or annotated range",
        "Profile with activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA], and export it after work",
    )
