"""The ``co2_eq_emissions`` block of a Hugging Face model card: YAML, emissions in GRAMS.

Its fields are emissions, source, training_type, geographical_location and hardware_used
(hub-docs, model-cards-co2).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..foreign_text import safe
from .record import (
    context,
    coverage,
    doubts,
    hardware,
    intensity_of,
    number,
    one,
    said_of,
    tool,
    uncertainty,
    value,
)


def render(record: Mapping[str, Any]) -> str:
    """The block, to be put between the card's ``---`` lines.

    Raises:
        BadRecord: The record is not of one window.
    """
    window = one(record, "A model card")
    grams = value(window, "co2e_location")
    how = window.get("footprint", {}).get("provenance") or window["total"]["provenance"]
    source = f"{tool(record)}, energy {how}, intensity {said_of(intensity_of(record, window))}"
    source = "; ".join(
        [source, f"energy {uncertainty(window)}", coverage(record, window), *doubts(record, window)]
    )
    fields = {
        "source": source,
        "training_type": context(record, "stage"),
        "geographical_location": context(record, "place"),
        "hardware_used": ", ".join(hardware(record)) or None,
    }
    lines = ["co2_eq_emissions:"]
    if grams is None:
        lines.append(f"  # emissions are not known: {window['total']['status']}")
    else:
        lines.append(f"  emissions: {number(grams)}")
    lines += [
        f"  {key}: {json.dumps(safe(text), ensure_ascii=False)}" for key, text in fields.items() if text
    ]
    return "\n".join(lines) + "\n"


def missing(record: Mapping[str, Any]) -> list[str]:
    """What a person must add."""
    found = [f"--{key}" for key in ("stage", "place") if not context(record, key)]
    return found + ([] if hardware(record) else ["--hardware"])
