"""Lines for the technical documentation that the EU's AI Act asks for in Annex XI, section 1, 2(e).

"Known or estimated energy consumption of the model": known is what was measured, estimated what was
modelled. Where it is not known the Act lets it rest on the compute that was used, which is not in a
trace; the line then says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..foreign_text import safe
from .record import context, doubts, ends, factor, hardware, intensity_of, number, said_of, tool, value

_KNOWN = {"measured": "known (measured)", "modelled": "estimated (modelled)"}


def render(record: Mapping[str, Any]) -> str:
    """The lines, one block a window."""
    head = ["EU AI Act, Annex XI, section 1, point 2(e): energy consumption of the model"]
    head += [f"Model or project: {name}" for name in (context(record, "project"),) if name]
    blocks = [_block(record, window) for window in record["windows"]]
    tail = [f"Tool: {tool(record)}; data {record.get('footprint', {}).get('data') or 'none'}"]
    return "\n".join([*head, *(line for block in blocks for line in block), *tail]) + "\n"


def _block(record: Mapping[str, Any], window: Mapping[str, Any]) -> list[str]:
    energy = value(window, "facility")
    low, high = ends(window, "facility", "bound")
    grams = value(window, "co2e_location")
    stage = context(record, "stage")
    lines = [f"Phase: {safe(stage or window['name'])}, {number(window['duration_s'])} s"]
    if energy is None:
        status = window["total"]["status"]
        lines.append(f"Energy consumption: not known ({status}); to be estimated from the compute used")
    else:
        within = (
            f", between {number(low or 0)} and {number(high)} kWh"
            if low is not None and high is not None
            else ""
        )
        how = _KNOWN.get(window["total"]["provenance"], window["total"]["provenance"])
        lines.append(f"Energy consumption: {number(energy)} kWh, {how}{within}")
    lines += [f"Remark: {doubt}" for doubt in doubts(record, window)]
    lines.append(f"Covered: {', '.join(window['total']['channels']) or 'nothing'}")
    lines.append(f"Power usage effectiveness: {said_of(factor(record, 'pue'))}")
    if grams is not None:
        lines.append(f"CO2e, location-based: {number(grams)} g at {said_of(intensity_of(record, window))}")
    names = hardware(record)
    return [*lines, f"Hardware: {', '.join(names)}"] if names else lines
