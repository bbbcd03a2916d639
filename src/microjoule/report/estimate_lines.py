"""An estimate for a terminal: it says first that nothing was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import footprint_lines
from .amounts import plain


def lines(estimate: Mapping[str, Any]) -> list[str]:
    """The job, the footprint, what was assumed, and each factor."""
    job, terms = estimate["job"], estimate["terms"]
    hours = f"{plain(job['wall_hours'], 6)} h on the wall, {plain(job['device_hours'], 6)} device-hours"
    name = job["hardware"] or "device"
    return [
        f"estimated from hardware and hours, not measured: {job['devices']} × {name}, {hours}",
        f"method {terms['method']}: {terms['formula']} ({terms['method_source']})",
        *footprint_lines.parts(estimate["footprint"]),
        *(f"assumed: {each}" for each in estimate["assumed"]),
        "factors",
        *(footprint_lines.factor(part, each) for part, each in estimate["hardware"].items()),
        *footprint_lines.factors(terms),
    ]
