"""A flame graph's stacks as other programs take them: collapsed lines, and speedscope's JSON.

What each stack used itself is given, so that all stacks add up to what was measured, in whole
microjoules. Cut off one by one they would not, so the largest remainders are rounded up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Plain = Mapping[str, Any]

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def own_uj(found: Plain) -> list[int]:
    """Microjoules of each frame without those that it calls; together what was measured."""
    rows = found["frames"]
    exact = [max(row["own_j"], 0.0) * 1e6 for row in rows]
    whole = [int(each) for each in exact]
    left = round((found["measured"]["value"] or 0.0) * 1e6) - sum(whole)
    order = sorted(range(len(rows)), key=lambda n: (exact[n] - whole[n], exact[n]), reverse=True)
    if 0 <= left <= len(order):
        for number in order[:left]:
            whole[number] += 1
    else:  # figures that are no sum of the whole: the largest one takes the rest
        whole[max(range(len(rows)), key=exact.__getitem__)] += left
    return whole


def path(rows: Sequence[Plain], number: int) -> list[int]:
    """The frames from the outermost one to a frame."""
    found = []
    while number > 0:
        found.append(number)
        number = rows[number]["parent"]
    return found[::-1]


def collapsed(found: Plain) -> str:
    """A line a stack: names from the outermost one, parted by semicolons, and microjoules."""
    rows = found["frames"]
    lines = []
    for number, energy in enumerate(own_uj(found)):
        if energy and number:
            names = ";".join(_line(rows[each]["name"]) for each in path(rows, number))
            lines.append(f"{names} {energy}")
    return "\n".join(lines) + "\n"


def speedscope(found: Plain) -> str:
    """A profile of https://www.speedscope.app, weighted by microjoules."""
    rows = found["frames"]
    names: dict[str, int] = {}
    samples, weights = [], []
    for number, energy in enumerate(own_uj(found)):
        if energy and number:
            stack = [names.setdefault(rows[each]["name"], len(names)) for each in path(rows, number)]
            samples.append(stack)
            weights.append(energy)
    document = {
        "$schema": _SCHEMA,
        "name": found.get("title", ""),
        "exporter": "microjoule",
        "activeProfileIndex": 0,
        "shared": {"frames": [{"name": name} for name in names]},
        "profiles": [
            {
                "type": "sampled",
                "name": f"energy of {found['channel']} in µJ",
                "unit": "none",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": samples,
                "weights": weights,
            }
        ],
    }
    return json.dumps(document, ensure_ascii=False) + "\n"


def _line(name: str) -> str:
    """A name without what parts names and lines."""
    return name.replace(";", ":").replace("\n", " ").replace("\r", " ") or "[no name]"
