"""Labels of windows: what stands in the file's ``label`` column.

Decision: ``name``, or ``name<TAB>{json}`` where there are attributes, so that a name reads as
itself in any tool. A name's own tabs become spaces. What was given up: names with tabs.

JSON has no figure for what is not finite: such a value becomes its name, ``"NaN"`` or ``"Infinity"``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple


def label(name: str, attributes: Mapping[str, Any]) -> str:
    """The label of a window: its name, then its attributes as JSON after one tab."""
    name = name.replace("\t", " ")
    if not attributes:
        return name
    try:
        return f"{name}\t{json.dumps(attributes, default=str, allow_nan=False)}"
    except ValueError:
        # Figures that are not finite; or a value that contains itself, which raises again.
        named = _plain(json.dumps(attributes, default=str))
        return f"{name}\t{json.dumps(named)}"


def unlabel(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the attributes of a label; a cut-off JSON tail gives no attributes."""
    name, _, tail = text.partition("\t")
    try:
        found = _plain(tail) if tail else {}
    except ValueError:
        return name, {}
    return name, found if isinstance(found, dict) else {}


def _plain(text: str) -> Any:  # noqa: ANN401  # JSON is anything
    return _DECODER.decode(text)


def _figure(text: str) -> float | str:
    number = float(text)  # 1e999 is JSON, and no number that a report can write
    return number if math.isfinite(number) else text


_DECODER = json.JSONDecoder(
    parse_constant=str, parse_float=_figure
)  # made once: a trace may have 100 000 labels


NOW, CHANGED = "now", "changed"  # of rows about the machine's state: see state.py


def now_label(readings: Mapping[str, float]) -> str:
    """The label of a row with what is so now."""
    return label(NOW, readings)


def changed_label(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The label of the row at the end: the settings that are no longer what they were, and what they are."""
    names = sorted({*before, *after})
    return label(CHANGED, {name: after.get(name) for name in names if before.get(name) != after.get(name)})


MACHINE, PROCESS, CGROUP, CPU, GPU = "machine", "process", "cgroup", "cpu", "gpu"
KINDS = (MACHINE, PROCESS, CGROUP, CPU, GPU)


class Subject(NamedTuple):
    """Somebody whose time on a CPU or a GPU is recorded.

    Attributes:
        kind: One of ``KINDS``: ``cpu`` is one logical CPU, ``gpu`` a process on a GPU, or that GPU itself.
        name: Of a process its command's name, of a cgroup its path.
        pid: Of a process; 0: it is none.
        cgroup: The path of its cgroup; empty: not known.
        user: The name of its user, or the number; empty: not known.
        is_of_command: Whether `uj run` started it, or a child of it did.
        is_recorder: Whether it is the recorder itself.
        device: Of a GPU its name in places, ``gpu-0``; of a CPU its core, ``0/3`` (package and core).
        engine: Which part of the GPU the time is of: ``sm``, ``memory``, ``render``, …; empty: it is the GPU
            itself, whose processes were looked at up to the last of its rows.
    """

    kind: str
    name: str
    pid: int = 0
    cgroup: str = ""
    user: str = ""
    is_of_command: bool = False
    is_recorder: bool = False
    device: str = ""
    engine: str = ""

    def to_label(self) -> str:
        """The JSON object of a row ``@subject``; what has its default is left out."""
        defaults = self._field_defaults
        plain = {name: value for name, value in self._asdict().items() if value != defaults.get(name)}
        return json.dumps(plain)

    @classmethod
    def of_label(cls, label: str) -> Subject | None:
        """The subject of a label; None: it is no label of one."""
        try:
            plain = json.loads(label)
            known = {name: plain[name] for name in cls._fields if name in plain}
            found = cls(**known)
        except (ValueError, TypeError):
            return None
        types = (str, str, int, str, str, bool, bool, str, str)
        is_sound = all(isinstance(value, of) for value, of in zip(found, types, strict=True))
        return found if is_sound and found.kind in KINDS else None
