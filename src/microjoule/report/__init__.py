"""Reports: pure functions from a summary to text. They compute nothing.

A new one is a file here with ``render(summary)`` and its entry in ``REPORTERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from . import as_json, as_long_text, as_text, budget_table

REPORTERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {
        "text": as_text.render,
        "long": as_long_text.render,
        "brief": as_text.brief,
        "json": as_json.render,
        "budget": budget_table.render,
    }
)
