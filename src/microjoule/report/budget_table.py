"""The budget of uncertainty behind each figure, a line a component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import figures
from .words import cut


def render(summary: Mapping[str, Any]) -> str:
    """The budgets of all windows of a summary: standard uncertainty, share of the variance, type, form."""
    lines: list[str] = []
    for window in summary["windows"]:
        lines.append(f"{cut(window['name'])}  {figures.seconds(window['duration_s'])}")
        for row in window["channels"]:
            lines += _channel(row)
    return "\n".join([*lines, ""])


def _channel(row: Mapping[str, Any]) -> list[str]:
    if not row["budget"]:
        return [f"  {row['channel']}: no figure, and so no budget ({row['status']})"]
    low, high = row["bound_j"]
    energy = figures.quantity(row["energy_j"], "J", low, high)
    expanded = figures.spread(row["U_j"], "J")
    head = f"  {row['channel']}: {energy} ± {expanded}, k={row['k']:.3g}, u={figures.spread(row['u_j'], 'J')}"
    return [head, *(f"    {_component(part)}" for part in row["budget"])]


def _component(part: Mapping[str, Any]) -> str:
    dof = "" if part["dof"] is None else f", {part['dof']:.3g} degrees of freedom"
    share = figures.share(part["share"], 1.0)
    size = figures.spread(part["u"], "J")
    return f"{part['name']:<14} {size:>9}  {share:>8}  type {part['kind']}, {part['form']}{dof}"
