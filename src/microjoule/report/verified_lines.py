"""What came of verifying a bundle, for a terminal: what is wrong and where, and the answer last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import written_numbers
from .foreign_text import safe
from .wrapping import wrapped

LISTED = 10


def lines(found: Mapping[str, Any], name: str) -> list[str]:
    """The findings, the notes, and the answer as the last line.

    Args:
        found: Of ``Verdict.to_json``.
        name: The bundle's.
    """
    findings = sorted(found["findings"], key=lambda row: -(row["by"] or 0.0))
    findings = findings[found["answer"] == "cannot" :]  # the answer itself says the first one
    said = [f"{safe(row['where'])}: {safe(row['what'])}{_by(row['by'])}" for row in findings[:LISTED]]
    more = len(findings) - LISTED
    said += [f"and {more} more: --json - lists all"] if more > 0 else []
    said += [f"note: {safe(note)}" for note in found["notes"]]
    return [*(line for text in said for line in wrapped(text, 2)), *wrapped(_answer(found, name), 2)]


def _by(relative: float | None) -> str:
    return "" if relative is None else f" ({written_numbers.share(relative, 1.0)})"


def _answer(found: Mapping[str, Any], name: str) -> str:
    traces = f"{found['traces']} trace{'s' * (found['traces'] != 1)}"
    if found["answer"] == "equal":
        return f"{name}: equal. {found['figures']} numbers of {traces} were recomputed from raw counts"
    if found["answer"] == "differs":
        by = f"by {written_numbers.share(found['by'], 1.0)}" if found["by"] else "in what is no figure"
        n = len(found["findings"])
        return f"{name}: differs {by}, in {n} place{'s' * (n != 1)}"
    first = found["findings"][0]
    where = "" if first["where"] == name else f" of {safe(first['where'])}:"
    return f"{name}: cannot be verified, because{where} {safe(first['what'])}"
