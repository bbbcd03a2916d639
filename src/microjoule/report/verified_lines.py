"""What came of verifying a bundle, for a terminal: what is wrong and where, and the answer last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import written_numbers
from .foreign_text import safe
from .wrapping import wrapped

LISTED = 10
_OPENINGS = ("Its", "The", "There", "This")  # a first word may be a file's name too, and stays


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
        equal = "equal" if found["are_words_verified"] else "equal in numbers, words unverified"
        return f"{name}: {equal}. {found['figures']} numbers of {traces} were recomputed from raw counts"
    if found["answer"] == "differs":
        by = f"by {written_numbers.share(found['by'], 1.0)}" if found["by"] else "in words or bytes"
        n = len(found["findings"])
        return f"{name}: differs {by}, in {n} place{'s' * (n != 1)}"
    first = found["findings"][0]
    where = "" if first["where"] == name else f" of {safe(first['where'])}:"
    remedy = f". {safe(found['remedy'])}" if found["remedy"] else ""
    return f"{name}: cannot be verified, because{where} {_inside(safe(first['what']))}{remedy}"


def _inside(sentence: str) -> str:
    """A sentence as it is written inside another one."""
    word, space, rest = sentence.partition(" ")
    return f"{word.lower() if word in _OPENINGS else word}{space}{rest}"
