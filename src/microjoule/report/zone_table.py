"""Zones as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ..footprint.factor import Factor
from ..footprint.intensity import Zone
from .amounts import plain
from .columns import columns

_HEAD = ("code", "name", "kind", "g/kWh", "range", "marginal", "PUE", "year", "boundary", "source")
_RIGHT = (3, 5, 6)


def lines(zones: Sequence[tuple[Zone, Factor | None]]) -> list[str]:
    """One line a zone, beneath a heading."""
    rows = [_HEAD, *(_row(zone, pue) for zone, pue in zones)]
    return columns(rows, set(range(len(_HEAD))) - set(_RIGHT))


def _row(zone: Zone, pue: Factor | None) -> tuple[str, ...]:
    factor = zone.intensity
    boundary = factor.boundary
    return (
        zone.code,
        zone.name,
        zone.kind,
        plain(factor.value),
        f"{plain(factor.low)} … {plain(factor.high)}" if factor.low < factor.high else "unknown",
        plain(zone.marginal.value) if zone.marginal else "",
        plain(pue.value) if pue else "",
        str(factor.origin.year or ""),
        ", ".join(word for word in (boundary.scope, boundary.basis) if word),
        f"{factor.origin.source} ({factor.origin.licence})",
    )
