"""Warnings of many devices that differ in the device alone, as one line: eight GPUs have eight of each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

NAMES_MAX = 4  # as many as one line of a terminal has room for

_DEVICE = re.compile(r"\b([a-z]+(?:_[a-z]+)*)-\d+((?:/[a-z_]+)?)")  # gpu-3/power, package-0, lane gpu-3
_FIGURE = re.compile(r"\d[\d,.]*( ?[nµmkMG]?(?:s|J|W|Hz)\b)?")


class _Said(NamedTuple):
    line: str
    device: str = ""
    of_any: str = ""  # the line, of a device of any number


def merged(lines: Iterable[str]) -> list[str]:
    """The first of each kind, in order, with the names of the other devices of which it is said.

    Args:
        lines: A sentence each. Those that differ in the number of the device that they name first and
            in figures are of one kind; a sentence without a device stays as it is.
    """
    kinds: dict[tuple[str, int], list[_Said]] = {}
    times: Counter[tuple[str, str]] = Counter()  # what is said of one device twice stays two lines
    for number, line in enumerate(lines):
        found = _DEVICE.search(line)
        said = (
            _Said(line, found[0], line.replace(found[0], found.expand(r"\1-@\2"))) if found else _Said(line)
        )
        kind = _FIGURE.sub("#", said.of_any) if found else str(number)
        kinds.setdefault((kind, times[kind, said.device]), []).append(said)
        times[kind, said.device] += 1
    return [_one(kind) for kind in kinds.values()]


def _one(kind: list[_Said]) -> str:
    first, *others = kind
    names = [each.device for each in others]
    if not names:
        return first.line
    if len(names) > NAMES_MAX:
        names = [*names[: NAMES_MAX - 1], f"{len(names) - NAMES_MAX + 1} more"]
    *before, last = names
    alike = "Alike" if all(each.of_any == first.of_any for each in others) else "Alike, with other figures"
    return f"{first.line.removesuffix('.')}. {alike}: {', '.join(before) + ' and ' if before else ''}{last}."
