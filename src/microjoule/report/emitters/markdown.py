"""The footprint as a Markdown table, and each factor beneath it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..amounts import amount, span
from ..foreign_text import safe
from ..written_numbers import interval, quantity, seconds
from .record import coverage, doubts, hardware, said_of, tool, uncertainty

_HEAD = "| window | duration | energy | ± | guaranteed | with PUE | CO2e | other published factors | |"
# What would end a cell, begin HTML or begin a link.
_ESCAPES = {"|": r"\|", "\\": r"\\", "<": "&lt;", "[": r"\[", "`": r"\`"}
_RULE = "|---|---:|---:|---:|---:|---:|---:|---:|---|"


def render(record: Mapping[str, Any]) -> str:
    """The table, then the factors, the hardware and the hash of the data."""
    terms = record.get("footprint", {})
    lines = [_HEAD, _RULE, *(_row(record, window) for window in record["windows"]), ""]
    lines += [f"- {part}: {_cell(said_of(each))}" for part, each in terms.get("factors", {}).items()]
    for window in record["windows"]:
        own = window.get("footprint", {}).get("intensity")
        lines += (
            [_cell(f"- intensity of {window['name']}: {said_of(own)}. {own['note']}".rstrip())] if own else []
        )
    for window in record["windows"]:
        lines.append(_cell(f"- {window['name']}: {coverage(record, window)}"))
    names = hardware(record)
    lines += [f"- hardware: {_cell(', '.join(names))}"] if names else []
    lines += [f"- {_cell(terms['remark'])}"] if terms.get("remark") else []
    lines.append(
        f"- {tool(record)}, method {terms.get('method') or 'none'}, data {terms.get('data') or 'none'}"
    )
    return "\n".join(lines) + "\n"


def _row(record: Mapping[str, Any], window: Mapping[str, Any]) -> str:
    footprint, total = window.get("footprint", {}), window["total"]
    co2e = footprint.get("co2e_location")
    low, high = total["guaranteed_j"]
    remarks = [total["status"]] if total["status"] != "ok" else []
    remarks += ["estimated"] if total["provenance"] == "estimated" else []
    remarks += doubts(record, window)
    cells = (
        window["name"],
        seconds(window["duration_s"]),
        quantity(total["energy_j"], "J", low, high),
        uncertainty(window),
        interval(low, high, "J"),
        amount(footprint.get("facility")),
        amount(co2e),
        span(co2e["choice"], "g") if co2e and co2e["choice"] else "",
        ", ".join(remarks),
    )
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in safe(text.replace("\n", " ")))
