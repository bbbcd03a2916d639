"""The budget of uncertainty behind each figure, a line a component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import written_numbers
from .as_long_text import energy
from .foreign_text import cut
from .wrapping import wrapped


def render(summary: Mapping[str, Any]) -> str:
    """The budgets of all windows of a summary: standard uncertainty, share of the variance, type, form."""
    lines: list[str] = []
    for window in summary["windows"]:
        lines += wrapped(f"{cut(window['name'])}  {written_numbers.seconds(window['duration_s'])}", 2)
        for row in window["channels"]:
            lines += _channel(row)
    return "\n".join([*lines, ""])


def _channel(row: Mapping[str, Any]) -> list[str]:
    parts = (line for part in row["budget"] for line in wrapped(f"    {_component(part)}", 6))
    return [*wrapped(f"  {head(row)}", 4), *parts]


def head(row: Mapping[str, Any]) -> str:
    """A channel's figure with its uncertainty, or why it has none."""
    if not row["budget"]:
        return f"{row['channel']}: no figure, and so no budget ({row['status']})"
    return f"{row['channel']}: {energy(row)}, k={row['k']:.3g}, u={written_numbers.spread(row['u_j'], 'J')}"


def _component(part: Mapping[str, Any]) -> str:
    name, size, share, kind, form, dof = cells(part)
    return f"{name:<14} {size:>9}  {share:>8}  type {kind}, {form}" + (
        f", {dof} degrees of freedom" if dof else ""
    )


def cells(part: Mapping[str, Any]) -> tuple[str, ...]:
    """A component: name, standard uncertainty, share of the variance, type, form, degrees of freedom."""
    dof = "" if part["dof"] is None else f"{part['dof']:.3g}"
    share = written_numbers.share(part["share"], 1.0)
    return part["name"], written_numbers.spread(part["u"], "J"), share, part["kind"], part["form"], dof
