"""A paragraph for a paper's methods section and a row for its table, in LaTeX.

The row's columns are: what, hardware, duration, energy, CO2e. ``booktabs`` is all that it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..amounts import amount, span
from ..foreign_text import safe
from ..written_numbers import seconds
from .record import (
    coverage,
    doubts,
    factor,
    guaranteed,
    hardware,
    intensity_of,
    said_of,
    tool,
    uncertainty,
)

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "µ": r"\textmu{}",
    "…": "--",
    "–": "--",
    "≥": r"$\geq$",
    "×": r"$\times$",
    "±": r"$\pm$",
}


def render(record: Mapping[str, Any]) -> str:
    """The paragraph of each window, then the table's rows."""
    paragraphs = [_paragraph(record, window) for window in record["windows"]]
    rows = [_row(record, window) for window in record["windows"]]
    head = r"% what & hardware & duration & energy & CO\textsubscript{2}e \\"
    return "\n\n".join(paragraphs) + "\n\n" + "\n".join([head, *rows]) + "\n"


def escaped(text: str) -> str:
    """The text with what LaTeX would take for a command made plain."""
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def _paragraph(record: Mapping[str, Any], window: Mapping[str, Any]) -> str:
    footprint = window.get("footprint", {})
    facility, co2e = footprint.get("facility"), footprint.get("co2e_location")
    verb = "was estimated" if window["total"]["provenance"] == "estimated" else "was measured"
    names = hardware(record)
    said = [f"The energy of {window['name']} ({seconds(window['duration_s'])}) {verb} with {tool(record)}"]
    said[0] += f" on {', '.join(names)}." if names else "."
    if facility is None or facility["value"] is None:
        said.append(f"Its energy is not known ({window['total']['status']}).")
    else:
        said.append(f"With a PUE of {said_of(factor(record, 'pue'))} it comes to {amount(facility)}")
        beside = guaranteed(window)
        said[-1] += f" ({uncertainty(window)}{'; ' + beside if beside else ''})."
        said.append(_sentence(coverage(record, window)))
    if co2e and co2e["value"] is not None:
        choice = f" (with other published factors: {span(co2e['choice'], 'g')})" if co2e["choice"] else ""
        said.append(f"At {said_of(intensity_of(record, window))} that is {amount(co2e)} of CO2e{choice}.")
    said += map(_sentence, doubts(record, window))
    return escaped(safe(" ".join(said))).replace("CO2e", r"CO\textsubscript{2}e")


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _row(record: Mapping[str, Any], window: Mapping[str, Any]) -> str:
    footprint = window.get("footprint", {})
    cells = (
        window["name"],
        ", ".join(hardware(record)) or "–",
        seconds(window["duration_s"]),
        amount(footprint.get("facility")),
        amount(footprint.get("co2e_location")),
    )
    return " & ".join(escaped(safe(cell)) for cell in cells) + r" \\"
