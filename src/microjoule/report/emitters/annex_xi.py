"""Lines for the technical documentation that the EU's AI Act asks for in Annex XI, section 1, 2(d) and (e).

"Known or estimated energy consumption of the model": known is what was measured, estimated what was
estimated. The model documentation form of the code of practice wants the training's energy in MWh with two
significant digits, and how it was found; where it is not known the Act lets it rest on the compute used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...units import KWH, S_PER_DAY
from ..foreign_text import safe
from .record import (
    context,
    counted,
    covered,
    doubts,
    factor,
    gpu_names,
    guaranteed,
    hardware,
    intensity_of,
    not_covered,
    number,
    said_of,
    tool,
    uncertainty,
    value,
)

_KNOWN = {"measured": "known (measured)", "estimated": "estimated (estimated)"}


def render(record: Mapping[str, Any]) -> str:
    """The lines, one block a window."""
    head = ["EU AI Act, Annex XI, section 1, point 2(e): energy consumption of the model"]
    head += [f"Model or project: {name}" for name in (context(record, "project"),) if name]
    blocks = [_block(record, window) for window in record["windows"]]
    tail = [f"Tool: {tool(record)}; data {record.get('footprint', {}).get('data') or 'none'}"]
    lines = [*head, *(line for block in blocks for line in block), *tail]
    return "\n".join(map(safe, lines)) + "\n"


def missing(record: Mapping[str, Any]) -> list[str]:
    """What a person must add."""
    found = [f"--{key}" for key in ("project", "stage") if not context(record, key)]
    return found + ([] if any(_flop(window) for window in record["windows"]) else ["--flop (training)"])


def _block(record: Mapping[str, Any], window: Mapping[str, Any]) -> list[str]:
    energy, grams = value(window, "facility"), value(window, "co2e_location")
    stage = context(record, "stage")
    lines = [f"Phase: {stage or window['name']}, {number(window['duration_s'])} s"]
    how = _KNOWN.get(window["total"]["provenance"], window["total"]["provenance"])
    if energy is None:
        status = window["total"]["status"]
        lines.append(f"Energy consumption: not known ({status}); to be estimated from the compute used")
    else:
        lines.append(f"Energy consumption: {_two_digits(energy * KWH['kWh'] / KWH['MWh'])} MWh, {how}")
        lines.append(f"  in full: {number(energy)} kWh, {uncertainty(window)}")
        lines += [f"  {each}" for each in (guaranteed(window),) if each]
    lines += [f"Remark: {doubt}" for doubt in doubts(record, window)]
    lines += _per_unit(record, energy)
    devices = len(gpu_names(record)) or sum(counted(record).values())
    if devices:
        days = devices * window["duration_s"] / S_PER_DAY
        lines.append(f"Hardware time: {number(days, 3)} device-days on {devices} device{'s' * (devices > 1)}")
    flop = _flop(window) or context(record, "flop")
    lines += [f"Compute: {flop} FLOP"] if flop else []
    lines.append(f"Covered: {covered(window)}")
    lines.append(f"Not covered: {not_covered(record, window)}")
    lines.append(f"Power usage effectiveness: {said_of(factor(record, 'pue'))}")
    if grams is not None:
        lines.append(f"CO2e, location-based: {number(grams)} g at {said_of(intensity_of(record, window))}")
    lines.append(f"Method: {_method(window)}")
    names = hardware(record)
    return [*lines, f"Hardware: {', '.join(names)}"] if names else lines


def _two_digits(figure: float) -> str:
    """Two significant digits in plain decimals."""
    places = max(1 - math.floor(math.log10(figure)), 0) if figure else 0
    digits = 1 - math.floor(math.log10(figure)) if figure else 0
    return f"{round(figure, digits):.{places}f}"


def _per_unit(record: Mapping[str, Any], energy: float | None) -> list[str]:
    """The energy of one inference, where the window is a benchmark of so many."""
    units = factor(record, "units")
    if units is None or energy is None:
        return []
    each_wh = energy * KWH["kWh"] / KWH["Wh"] / units["value"]
    count = f"{number(units['value'])} {units['unit']}"
    return [f"Energy of a benchmarked inference: {number(each_wh, 3)} Wh, the mean of {count}"]


def _flop(window: Mapping[str, Any]) -> str | None:
    found = window.get("attributes", {}).get("flops")
    return f"{found:.3g}" if isinstance(found, int | float) else None


def _method(window: Mapping[str, Any]) -> str:
    if window["total"]["provenance"] == "estimated":
        return "power of the hardware by its data sheet times the time it was held"
    return "energy counters of the hardware, read while it ran, times the power usage effectiveness"
