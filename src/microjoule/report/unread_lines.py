"""Warnings of a report about what was not read: channels that were left out, and reads that failed.

What has one cause is one sentence: a GPU that is lost fails the reads of all its channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .foreign_text import cut

NAMES_MAX = 3


def left_out(found: Mapping[str, str]) -> list[str]:
    """A sentence for each reason for which channels are not recorded.

    Args:
        found: Channel to reason, a sentence with its full stop.
    """
    groups: dict[str, list[str]] = {}
    for channel, why in found.items():
        groups.setdefault(why, []).append(channel)
    return [
        f"{_listed(names)} {'was' if len(names) == 1 else 'were'} left out: {why}"
        for why, names in groups.items()
    ]


def failures(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each device and reason for which reads failed, with their number.

    Args:
        found: Rows of ``channel``, ``why`` and ``n``.
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in found:
        groups.setdefault((row["channel"].partition("/")[0], row["why"]), []).append(row)
    lines = []
    for (_, why), rows in groups.items():
        n = sum(row["n"] for row in rows)
        reads = "1 read" if n == 1 else f"{n:,} reads"
        names = _listed([row["channel"] for row in rows])
        lines.append(f"{names}: {reads} failed: {why}. `uj probe` says what can be read now.")
    return lines


def _listed(names: Sequence[str]) -> str:
    shown = [cut(name) for name in names]
    if len(shown) > NAMES_MAX + 1:
        shown = [*shown[:NAMES_MAX], f"{len(names) - NAMES_MAX} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
