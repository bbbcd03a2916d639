"""Old figures of the tables for a terminal: how many, of what, where to look, and what to give instead."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from ..footprint.data_age import Group
from .wrapping import wrapped

_INSTEAD = MappingProxyType(
    {
        "intensities": "--intensity '400 g/kWh'",
        "tariffs": "--price '0.12 USD/kWh'",
        "pue": "--pue 1.2",
        "wue": "--wue '0.3 L/kWh'",
        "embodied": "--embodied '1000 kg / 4 y'",
    }
)
_SHOWN = 12


def lines(groups: Sequence[Group], judged: int) -> list[str]:
    """A block for each group, then the sum in one sentence."""
    found = [line for group in groups for line in _block(group)]
    old = sum(group.figures for group in groups)
    due = sum(group.figures for group in groups if not group.is_looked_up)
    verdict = f"{due} of them must be looked up again" if due else "none of them must be looked up again"
    return [*found, *wrapped(f"{old} of {judged} dated figures are older than their limit; {verdict}")]


def _block(of: Group) -> list[str]:
    plural = "figure" if of.figures == 1 else "figures"
    years = "1 year" if of.limit_years == 1 else f"{of.limit_years} years"
    head = f"{of.table}: {of.figures} {plural} of {of.year}, limit {years}; {of.source}"
    more = [f"and {len(of.codes) - _SHOWN} more"] if len(of.codes) > _SHOWN else []
    state = (
        f"no newer figure was found on {of.retrieved}"
        if of.is_looked_up
        else f"LOOK UP: last looked up on {of.retrieved}"
    )
    instead = [f"  to use another one: {_INSTEAD[of.table]}"] if of.table in _INSTEAD else []
    return [
        *wrapped(head, 2),
        *wrapped(f"  {', '.join((*of.codes[:_SHOWN], *more))}", 2),
        f"  {of.url}",
        f"  {state}",
        *instead,
    ]
