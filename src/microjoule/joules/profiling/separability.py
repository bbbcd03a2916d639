"""Which items share one figure, because the readings leave open how much of it is whose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Item(NamedTuple):
    """Something whose energy is asked for: a name, and the states in which it was under way."""

    name: str
    states: tuple[int, ...]


class Figure(NamedTuple):
    """The names that share one figure, the columns it is of, and whether the names cannot be told apart."""

    names: tuple[str, ...]
    columns: frozenset[int]
    is_cut: bool


def together(
    items: Sequence[Item], columns: Sequence[Sequence[int]], groups: Sequence[frozenset[int]]
) -> dict[str, Figure]:
    """For each item what its figure is of, names in the order of the items.

    An item that takes in a part only of what cannot be told apart is widened to all of it; those that then
    have columns in common share one figure, save where one takes in the other by itself.

    Args:
        items: Whatever shares a figure, if it must.
        columns: The states of each column of the fit.
        groups: Columns whose powers the fit leaves open against one another.
    """
    column_of = {state: number for number, column in enumerate(columns) for state in column}
    widened: dict[str, tuple[frozenset[int], bool]] = {}
    for item in items:
        own = {column_of[state] for state in item.states if state in column_of}
        whole = _widened(frozenset(own), groups)
        states = {state for column in own for state in columns[column]}
        is_cut = whole != own or states != {s for s in item.states if s in column_of}
        widened[item.name] = (whole, is_cut)
    found: dict[str, Figure] = {}
    for name, (taken, is_cut) in widened.items():
        if not is_cut:
            found[name] = Figure((name,), taken, False)
            continue
        names = [name]
        joined = taken
        while True:
            more = [n for n, (theirs, cut) in widened.items() if cut and n not in names and theirs & joined]
            if not more:
                break
            names += more
            joined = _widened(joined.union(*(widened[n][0] for n in more)), groups)
        ordered = tuple(n for n in widened if n in names)
        found[name] = Figure(ordered, joined, True)
    return found


def _widened(columns: frozenset[int], groups: Sequence[frozenset[int]]) -> frozenset[int]:
    """The columns with all of each group that they hold a part of."""
    while True:
        wider = columns.union(*(group for group in groups if group & columns))
        if wider == columns:
            return columns
        columns = wider
