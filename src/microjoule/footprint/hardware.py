"""What a device draws at most, and what an hour of it costs, by its name."""

from __future__ import annotations

import difflib
import re

from ..errors import UnknownCloud, UnknownHardware
from . import data_tables as tables
from .factor import Factor, Origin


def power(name: str) -> Factor:
    """The power of one device at full load, in W: its TDP, or what was measured where a row says so.

    Raises:
        UnknownHardware: The table does not have it.
    """
    wanted = _key(name)
    by_name = {word: row for row in tables.rows("hardware") for word in _words(row)}
    if wanted in by_name:
        return tables.factor(by_name[wanted], f"power of {by_name[wanted]['name']}")
    inside = {row["name"]: row for word, row in by_name.items() if len(wanted) > 2 and wanted in word}
    if len(inside) == 1:
        row = next(iter(inside.values()))
        return tables.factor(row, f"power of {row['name']}")
    near = list(inside) or [
        by_name[word]["name"] for word in difflib.get_close_matches(wanted, list(by_name), n=5, cutoff=0.4)
    ]
    raise UnknownHardware(
        f"No power is known of {name!r}",
        f"Nearest: {', '.join(near[:8])}; or give the watts of one device: --watts 300"
        if near
        else "Give the watts of one device: --watts 300",
    )


def hire(name: str, provider: str = "") -> Factor | None:
    """What an hour of one device costs, in USD: from preemptible to on demand.

    Of several offers the value is the cheapest on demand, and the range spans them all.

    Args:
        name: The device's name.
        provider: ``gcp``, ``aws``, …; empty: all.
    """
    wanted = {_key(name)}
    for row in tables.rows("hardware"):
        if _key(name) in _words(row):
            wanted |= set(_words(row))
    offers = [
        row
        for row in tables.rows("rentals")
        if _key(row["hardware"]) in wanted and provider in ("", row["provider"])
    ]
    if not offers:
        return None
    row = min(offers, key=lambda each: float(each["value"]))
    providers = ", ".join(dict.fromkeys(each["provider"] for each in offers))
    sources = "; ".join(dict.fromkeys(each["source"] for each in offers))
    note = row["note"] if len(offers) == 1 else f"{row['note']}; range: {len(offers)} offers"
    return Factor(
        name=f"hire of one {row['hardware']} ({providers})",
        value=float(row["value"]),
        low=min(float(each["low"]) for each in offers),
        high=max(float(each["high"]) for each in offers),
        unit=row["unit"],
        origin=Origin(source=sources, year=int(row["year"]), licence=row["licence"], note=note),
    )


def known_provider(name: str) -> str:
    """The name itself, where prices of its hire are known.

    Raises:
        UnknownCloud: None are.
    """
    if name not in providers():
        raise UnknownCloud(f"No hire prices of {name!r} are known", f"Take one of: {', '.join(providers())}")
    return name


def providers() -> tuple[str, ...]:
    """Those whose prices are known."""
    return tuple(dict.fromkeys(row["provider"] for row in tables.rows("rentals")))


def _words(row: tables.Row) -> tuple[str, ...]:
    return tuple(_key(word) for word in (row["name"], *row["alias"].split("|")) if word)


def _key(name: str) -> str:
    """A name without its spaces and dashes, in small letters: ``A100-SXM4`` as ``a100 sxm4``."""
    return re.sub(r"[^a-z0-9]", "", name.casefold().removeprefix("nvidia "))
