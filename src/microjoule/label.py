"""Labels of windows: what stands in the file's ``label`` column.

Decision: ``name``, or ``name<TAB>{json}`` where there are attributes, so that a name reads as
itself in any tool. A name's own tabs become spaces. What was given up: names with tabs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def label(name: str, attributes: Mapping[str, Any]) -> str:
    """The label of a window: its name, then its attributes as JSON after one tab."""
    name = name.replace("\t", " ")
    return f"{name}\t{json.dumps(attributes, default=str)}" if attributes else name


def unlabel(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the attributes of a label; a cut-off JSON tail gives no attributes."""
    name, _, tail = text.partition("\t")
    try:
        return name, json.loads(tail) if tail else {}
    except ValueError:
        return name, {}
