"""What every rendering of an energy label says, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..units import KWH
from .amounts import amount
from .foreign_text import safe

LETTERS = "ABCDEFG"
_PROVENANCES = {
    "measured": "measured",
    "estimated": "estimated, not measured",
    "stated": "as stated, not checked",
}


def energy(wh: float | None) -> str:
    """``47 Wh``, ``2.907 kWh``."""
    return amount(None if wh is None else {"value": wh * KWH["Wh"], "unit": "kWh"})


def title(label: Mapping[str, Any]) -> str:
    """What it is the label of; empty where nobody said."""
    return safe(label["title"])


def ranges(borders_wh: list[float]) -> list[str]:
    """What each class holds: ``≤ 5.875 Wh`` … ``> 188 Wh``."""
    return [*(f"≤ {energy(border)}" for border in borders_wh), f"> {energy(borders_wh[-1])}"]


def uncertainty(label: Mapping[str, Any]) -> str:
    """``850 Wh … 1.5 kWh``, and the classes that it reaches; or that it is not stated."""
    low, high = label["guaranteed_wh"]
    if low is None and high is None:
        return "not stated"
    letters = label["letters"]
    reach = "" if len(letters) == 1 else f", classes {letters[0]} to {letters[-1]}"
    return f"{energy(low)} … {energy(high)}{reach}"


def facts(label: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What always stands on a label: heading and text."""
    of = label["set"]
    note = [("Note", label["note"])] if label.get("note") else []
    return [
        ("Hardware", safe(label["hardware"])),
        ("Uncertainty", uncertainty(label)),
        ("Provenance", _PROVENANCES.get(label["provenance"], label["provenance"])),
        (
            "Reference set",
            f"{of['key']}: {energy(of['reference_wh'])} per {label['per']}, on {of['hardware']}",
        ),
        *_stars(label.get("stars")),
        *note,
        ("Status", label["status"]),
    ]


def _stars(of: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """``3 of 5 stars (2 to 4)``: the method of AI Energy Score, where its leaderboard's range is given."""
    if not of:
        return []
    low, high = of["ends"]
    reach = f" ({low} to {high} within the uncertainty)" if low < high else ""
    least, most = (energy(end) for end in of["leaderboard_wh"])
    how = f"GPU energy in five equal parts of {least} – {most} ({of['source']})"
    note = f"; {of['note']}" if of["note"] else ""
    return [("AI Energy Score", f"{of['count']} of 5 stars{reach}: {how}{note}; not official")]


def source(label: Mapping[str, Any]) -> str:
    """Who says what the reference is."""
    of = label["set"]
    return "; ".join(part for part in (of["source"], of["note"]) if part)
