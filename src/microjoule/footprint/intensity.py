"""Where electricity comes from: zones, and how much CO2e a kilowatt-hour of each has caused.

Decision: no place is ever guessed, neither from an address nor from a clock, because a wrong country
is worse than none: a factor of twenty lies between neighbours. Without a zone the world's average
stands, with the range from the cleanest country to the dirtiest.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from ..errors import UnknownZone
from . import data_tables as tables
from .factor import Factor

WORLD = "WORLD"
_NEAREST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A place whose electricity has a figure.

    Attributes:
        code: ``DE``, ``US-CA``, ``US-SRVC``, ``CN-SC``, ``SE3``, ``aws:eu-west-1``, ``WORLD``.
        alias: Another code of it; empty where there is none.
        name: For a person.
        kind: ``world``, ``group``, ``country``, ``subregion``, ``state``, ``province``,
            ``bidding zone`` or ``cloud``.
        parent: The code of the zone around it; empty for the world.
        intensity: The average, in g/kWh.
        marginal: What one kilowatt-hour more or less causes, in g/kWh; None: not known.
    """

    code: str
    alias: str
    name: str
    kind: str
    parent: str
    intensity: Factor
    marginal: Factor | None = None


@cache
def all_zones() -> tuple[Zone, ...]:
    """Every zone, in the order of the table."""
    by_code: dict[str, list[tables.Row]] = {}
    for row in tables.rows("zones"):
        by_code.setdefault(row["code"], []).append(row)
    return tuple(_zone(rows) for rows in by_code.values())


def _zone(rows: list[tables.Row]) -> Zone:
    by_signal = {row["signal"]: row for row in rows}
    row = by_signal["average"]
    grid = f"grid of {row['name']}" if row["kind"] != "world" else "world average grid"
    marginal = by_signal.get("marginal")
    return Zone(
        code=row["code"],
        alias=row["alias"],
        name=row["name"],
        kind=row["kind"],
        parent=row["parent"],
        intensity=tables.factor(row, grid),
        marginal=tables.factor(marginal, f"marginal {grid}") if marginal else None,
    )


def zone(text: str) -> Zone:
    """The zone of a code, an alias or a whole name, in any case.

    Raises:
        UnknownZone: No zone is called so, or several are.
    """
    wanted = text.strip().casefold()
    for part in (_codes, _names):
        found = [each for each in all_zones() if wanted in part(each)]
        if len(found) == 1:
            return found[0]
        if found:
            which = ", ".join(f"{each.code} ({each.kind})" for each in found)
            raise UnknownZone(f"Several zones are called {text!r}", f"Take one of: {which}")
    near = [f"{each.code} ({each.name})" for each in _nearest(wanted)]
    remedy = f"Nearest: {', '.join(near)}" if near else ""
    raise UnknownZone(f"No zone is called {text!r}", f"{remedy}. `uj zones TEXT` searches".lstrip(". "))


def zones(text: str = "") -> tuple[Zone, ...]:
    """The zones whose code, name or kind holds a text in any case; those that are called so first."""
    wanted = text.strip().casefold()
    found = [each for each in all_zones() if any(wanted in word for word in (*_words(each), each.kind))]
    return tuple(sorted(found, key=lambda each: wanted not in _words(each)))


def around(of: Zone) -> Iterable[Zone]:
    """A zone, then each that contains it, outwards."""
    yield of
    if of.parent:
        yield from around(zone(of.parent))


def _nearest(wanted: str) -> list[Zone]:
    by_word = {word: each for each in reversed(all_zones()) for word in _words(each)}
    close = difflib.get_close_matches(wanted, list(by_word), n=2 * _NEAREST, cutoff=0.5)
    inside = [word for word in by_word if len(wanted) > 2 and wanted in word]
    return list({by_word[word].code: by_word[word] for word in (*close, *inside)}.values())[:_NEAREST]


def _codes(of: Zone) -> tuple[str, ...]:
    return tuple(word.casefold() for word in (of.code, of.alias) if word)


def _names(of: Zone) -> tuple[str, ...]:
    return (of.name.casefold(),)


def _words(of: Zone) -> tuple[str, ...]:
    return (*_codes(of), *_names(of))
