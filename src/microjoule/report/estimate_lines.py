"""An estimate for a terminal: it says first that nothing was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import footprint_lines
from .amounts import plain
from .wrapping import wrapped


def lines(estimate: Mapping[str, Any]) -> list[str]:
    """The job, the footprint, what was assumed, and each factor."""
    job, terms = estimate["job"], estimate["terms"]
    hours = f"{plain(job['wall_hours'], 6)} h, {plain(job['device_hours'], 6)} device-hours"
    name = job["hardware"] or "device"
    # With a known utilisation, or by a method without one, the ends are those of the hardware's power.
    ends = footprint_lines.IDLE_TO_FULL if job["from_idle"] else ("", "")
    return [
        *wrapped(f"estimated from hardware and hours, not measured: {job['devices']} × {name}, {hours}", 2),
        *wrapped(f"method {terms['method']}: {terms['formula']} ({terms['method_source']})", 2),
        *footprint_lines.parts(estimate["footprint"], ends),
        *(line for each in estimate["assumed"] for line in wrapped(f"assumed: {each}", 2)),
        "factors",
        *(line for part, each in estimate["hardware"].items() for line in footprint_lines.factor(part, each)),
        *footprint_lines.factors(terms),
    ]
