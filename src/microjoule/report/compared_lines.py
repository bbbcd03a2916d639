"""A comparison for a terminal and as Markdown: one line a thing, and a verdict on each but the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .columns import columns
from .foreign_text import safe
from .measured_lines import median, with_spread

Plain = Mapping[str, Any]
HEAD = ("", "energy", "time", "power", "ratio of energies", "runs", "")


def lines(found: Plain) -> list[str]:
    """A table of aligned columns, remarks, and the verdicts as the last lines."""
    return [*columns([HEAD, *rows(found)], (0, -1)), "", *notes(found), "", *verdicts(found)]


def markdown(found: Plain) -> str:
    """The same as a Markdown table."""
    head = ("thing", *HEAD[1:-1], "remark")
    shown = [head, ("---", *["---:"] * (len(head) - 2), "---"), *rows(found)]
    table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in shown]
    return "\n".join([*table, "", *(f"- {remark}" for remark in (*notes(found), *verdicts(found)))]) + "\n"


def rows(found: Plain) -> list[tuple[str, ...]]:
    """The cells of each thing, beneath ``HEAD``."""
    ratios = [None, *found["ratios"]]
    return [_row(side, ratio) for side, ratio in zip(found["sides"], ratios, strict=True)]


def _row(side: Plain, ratio: Plain | None) -> tuple[str, ...]:
    odd = [] if side["provenance"] == "measured" else ["estimated"]
    n = len(side["outliers"])
    odd += [f"{n} outlier{'s' if n > 1 else ''}, kept"] if n else []
    return (
        safe(side["name"]),
        with_spread(side["energy"]),
        with_spread(side["time"]),
        with_spread(side["power"]),
        "1" if ratio is None else with_spread(ratio["energy"]),
        str(side["n"]),
        ", ".join(odd),
    )


def verdicts(found: Plain) -> list[str]:
    """``B uses 49 % ± 3 % less energy than A``, one for each thing but the first."""
    return [safe(ratio["verdict"]) for ratio in found["ratios"]]


def notes(found: Plain) -> Sequence[str]:
    """Medians, what the energies are of, and what else there is to know."""
    n = found["blocks"]
    blocks = f"{n} block{'' if n == 1 else 's'}"
    covers = f"energy of {' + '.join(found['channels'])}; order {found['order']}, {blocks}"
    return [
        *_resampled(found),
        covers,
        *found["notes"],
    ]


def _resampled(found: Plain) -> list[str]:
    """What needs no belief in a distribution: medians, and ratios by the bootstrap."""
    said = [
        f"median of {safe(side['name'])}: {median(side['scatter'], side['energy']['unit'])}"
        for side in found["sides"]
        if side.get("scatter")
    ]
    for ratio in found["ratios"]:
        if ratio.get("interval"):
            low, high = ratio["interval"]
            said.append(
                f"{safe(ratio['name'])} by the bootstrap: {low:.4g} to {high:.4g} of the first's energy"
            )
    return said
