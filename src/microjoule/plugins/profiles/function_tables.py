"""The energies of functions as the tables of ``uj attribute``: each alone, and with all that it calls."""

from __future__ import annotations

from typing import Any

from ...joules.profiling.reserved_names import IDLE, NOT_SAMPLED

Plain = dict[str, Any]

SAMPLED, TOGETHER = "sampled", "not separable"


def tables(found: Plain) -> Plain:
    """What ``functions`` found, in the form that ``attribute`` gives.

    Args:
        found: Its plain data.
    """
    whole = found["measured"]["value"]
    rest = [row for row in found["frames"] if row["name"] in (IDLE, NOT_SAMPLED) and row["parent"] == 0]
    alone = [_row(each["name"], each["own"], whole) for each in found["functions"] if each["own"]]
    every = [_row(each["name"], each, whole) for each in found["functions"]]
    beside = [_row(each["name"], each, whole) for each in rest]
    events = {"inside": found["samples"], "outside": found["outside"]}
    return {
        **{key: found[key] for key in ("channel", "provenance", "t0_ns", "t1_ns", "span_s", "measured")},
        **{key: found[key] for key in ("updates", "alignment_u_s", "samples", "lost", "way")},
        "schema": found["schema"],
        "profile_s": found["span_s"],
        "profiles": [
            {**each, "device": None, "gpu": None, "matched": None, "is_match_known": None}
            for each in found["profiles"]
        ],
        "tables": [
            {"kind": kind, "rows": _ordered(rows), "sum": None, "events": events}
            for kind, rows in (("function", [*alone, *beside]), ("function_all", every))
        ],
    }


def _ordered(rows: list[Plain]) -> list[Plain]:
    return sorted(rows, key=lambda row: -(row["energy"]["value"] or 0.0))


def _row(name: str, of: Plain, whole: float) -> Plain:
    energy, time_s = of["energy"], of["time_s"]
    value, half = energy["value"], energy["U"]
    return {
        "names": [name],
        "launches": [of["samples"] or None],
        "time_s": time_s,
        "energy": energy,
        "mean_w": value / time_s if value is not None and time_s else None,
        "mean_U_w": half / time_s if value is not None and time_s else None,
        "share": value / whole if value is not None and whole else None,
        "method": SAMPLED if of["is_separate"] else TOGETHER,
        "parts": [],
    }
