"""Labels of windows: what stands in the file's ``label`` column.

Decision: ``name``, or ``name<TAB>{json}`` where there are attributes, so that a name reads as
itself in any tool. A name's own tabs become spaces. What was given up: names with tabs.

JSON has no figure for what is not finite: such a value becomes its name, ``"NaN"`` or ``"Infinity"``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


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
