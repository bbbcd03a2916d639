"""A Software Carbon Intensity record: (E × I + M) per R, as ISO/IEC 21031 asks for it.

The standard has no file format: this is its quantities under their letters, with the boundary and the
method beside them. Market-based figures have no place in it. Without an embodied share or a functional
unit there is no score, and ``missing`` says which.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .record import (
    context,
    doubts,
    factor,
    hardware,
    intensity_of,
    not_covered,
    one,
    tool,
    uncertainty,
    value,
)


def render(record: Mapping[str, Any]) -> str:
    """The record as JSON text.

    Raises:
        BadRecord: The record is not of one window.
    """
    window = one(record, "A score")
    terms = record.get("footprint", {})
    intensity, units = intensity_of(record, window), factor(record, "units")
    letters = {
        "E": _quantity(value(window, "facility"), "kWh"),
        "I": intensity,
        "M": _quantity(value(window, "co2e_embodied"), "gCO2e"),
        "R": {"count": units["value"], "unit": units["unit"]} if units else None,
    }
    missing = [letter for letter, found in letters.items() if found is None]
    score = window.get("footprint", {}).get("score")
    plain = {
        "specification": "ISO/IEC 21031, Software Carbon Intensity",
        "software": context(record, "project") or window["name"],
        "score": score if score and not missing else None,
        "missing": missing,
        **letters,
        "operational": _quantity(value(window, "co2e_location"), "gCO2e"),
        "pue": factor(record, "pue"),
        "boundary": {
            "energy": window["total"]["channels"],
            "not_covered": not_covered(record, window),
            "uncertainty": uncertainty(window),
            "hardware": hardware(record),
            "duration_s": window["duration_s"],
            "status": window["total"]["status"],
            "provenance": window["total"]["provenance"],
            "remarks": doubts(record, window),
        },
        "method": {
            "name": terms.get("method"),
            "source": terms.get("method_source"),
            "data": terms.get("data"),
        },
        "tool": tool(record),
    }
    return json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _quantity(figure: float | None, unit: str) -> dict[str, Any] | None:
    return None if figure is None else {"value": figure, "unit": unit}


_OPTIONS = {"M": "--embodied 'H100 / 3 y'", "R": "--per '1000 requests'"}


def missing(record: Mapping[str, Any]) -> list[str]:
    """What the score lacks, as options."""
    parts = {"M": value(record["windows"][0], "co2e_embodied"), "R": factor(record, "units")}
    return [_OPTIONS[letter] for letter, found in parts.items() if found is None]
