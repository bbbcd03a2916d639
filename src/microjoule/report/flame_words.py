"""The energy of functions in words: the sentence, the lines of a terminal, and single figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..text_width import width
from . import written_numbers
from .columns import columns
from .foreign_text import cut, safe
from .wrapping import wrapped

Plain = Mapping[str, Any]

_ROWS = 12
_NAMES = (30, 26, 22, 18)  # characters of a name, tried in turn


def energy_words(energy: Plain) -> str:
    """``4.1 J ± 0.2 J``, or ``at most 4.3 J``."""
    value, half = energy["value"], energy["U"]
    if value is None:
        return str(energy["status"])
    words, spread = written_numbers.energy(value, half, energy["guaranteed"])
    return f"{words} ± {spread}" if spread else words


def share_words(energy: Plain, whole_j: float) -> str:
    """The share of all that was measured."""
    return written_numbers.share(energy["value"] or 0.0, whole_j)


def _bare(energy: Plain) -> str:
    """The figure with the digits that its uncertainty supports."""
    value, half = energy["value"], energy["U"] or 0.0
    return written_numbers.quantity(value, "J", value - half, value + half)


def sentence(found: Plain) -> str:
    """The answer: what was measured, of what, and which function used most of it.

    The counter is of the machine: it counts what other programs used as well.
    """
    energy = energy_words(found["measured"])
    first = next((each for each in found["functions"] if each["own"]), None)
    most = ""
    if first is not None:
        own = first["own"]["energy"]
        share = share_words(own, found["measured"]["value"] or 0.0)
        most = f"; {safe(first['name'])} used {energy_words(own)} by itself ({share})"
    word = "" if found["provenance"] == "measured" else " (estimated)"
    span = written_numbers.seconds(found["span_s"])
    return f"{safe(found['title'])}: {found['channel']} used {energy}{word} in {span}{most}"


def lines(found: Plain) -> list[str]:
    """The report of a terminal: the sentence, the functions by their own energy, what is beside them."""
    left = sum(bool(each["own"]) for each in found["functions"]) - _ROWS
    out = [*wrapped(sentence(found)), "", *_table(found)]
    out += [f"{left} more functions: the page and --json have them all"] if left > 0 else []
    out += ["", *wrapped(_about(found))]
    for note in found.get("notes", ()):
        out += wrapped(note)
    return out


def _table(found: Plain) -> list[str]:
    """As many characters of the functions' names as leave room for the figures."""
    lines: list[str] = []
    for most in _NAMES:
        lines = columns(_rows(found, most), (0,))
        if max(map(len, lines)) <= width():
            break
    return lines


def _rows(found: Plain, most: int) -> list[tuple[str, ...]]:
    whole = found["measured"]["value"] or 0.0
    rows: list[tuple[str, ...]] = [("function", "by itself", "share", "with its calls", "samples")]
    for each in [each for each in found["functions"] if each["own"]][:_ROWS]:
        mark = "" if each["own"]["is_separate"] else " ~"
        own = each["own"]["energy"]
        rows.append(
            (
                cut(each["name"], most - 2) + mark,
                energy_words(own),
                share_words(own, whole),
                _bare(each["energy"]),
                str(each["samples"]),
            )
        )
    rest = [row for row in found["frames"] if not row["samples"] and row["parent"] == 0]
    return rows + [
        (row["name"], energy_words(row["energy"]), share_words(row["energy"], whole), "", "") for row in rest
    ]


def _about(found: Plain) -> str:
    rate = 1.0 / found["period_s"] if found["period_s"] else 0.0
    lost = f", {found['lost']:,} lost" if found["lost"] else ""
    return (
        f"{found['samples']:,} samples at {rate:.3g} Hz{lost}; {found['updates']:,} updates of "
        f"{found['channel']}; ~ not separable: its share of time decides, and ± says how little is known"
    )
