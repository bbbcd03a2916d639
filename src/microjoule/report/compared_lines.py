"""A comparison for a terminal and as Markdown: one line a thing, and a verdict on each but the first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import product
from typing import Any

from ..text_width import width
from .columns import columns
from .foreign_text import cut, safe
from .measured_lines import median, with_spread
from .wrapping import wrapped

Plain = Mapping[str, Any]
HEAD = ("", "energy", "time", "power", "ratio of energies", "runs", "")
_REMARK = len(HEAD) - 1
_GIVES_WAY = (3, 5, _REMARK, 2)  # the columns that go first where all are too wide: power is energy by time
_STEPS = tuple(_GIVES_WAY[:number] for number in range(len(_GIVES_WAY) + 1))
_NAME = 20  # characters of a name in a table that is too wide


def lines(found: Plain) -> list[str]:
    """A table of aligned columns, remarks, and the verdicts as the last lines."""
    table, remarks = _narrowed([HEAD, *rows(found)])
    said = [line for text in (*remarks, *notes(found)) for line in wrapped(text, 2)]
    return [*table, "", *said, "", *(line for text in verdicts(found) for line in wrapped(text, 2))]


def _narrowed(cells: list[tuple[str, ...]]) -> tuple[list[str], list[str]]:
    """The table in the width of a terminal, and remarks that have no room in it; no figure is ever cut."""

    def drawn(left_out: Collection[int], longest: int) -> list[str]:
        shown = [
            [
                cell if column else cut(cell, longest)
                for column, cell in enumerate(row)
                if column not in left_out
            ]
            for row in cells
        ]
        return columns(shown, (0,) if _REMARK in left_out else (0, -1))

    whole = max(len(row[0]) for row in cells)
    table: list[str] = []
    left_out: Collection[int] = ()
    for left_out, longest in product(_STEPS, (whole, _NAME)):
        table = drawn(left_out, longest)
        if max(map(len, table)) <= width():
            break
    remarks = [f"{row[0]}: {row[-1]}" for row in cells[1:] if row[-1]]
    return table, remarks if _REMARK in left_out else []


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
