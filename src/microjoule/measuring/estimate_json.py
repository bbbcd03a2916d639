"""An estimate as JSON and back, with what a later ratio needs of it. Pure.

Decision: of the components only the sensor's keep their groups, because a gain is the same one tomorrow
on the same machine and drops out of a ratio, while an edge of today meets no other figure again. All
others become one, ``repeatability``, of the degrees of freedom that they have together. What was given up:
the budget's names, which the measurement's own JSON has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..joules.estimates.estimate import Estimate
from ..joules.estimates.uncertainty import SENSOR, STUDENT, Component, combined, gathered

Plain = dict[str, Any]


def to_json(estimate: Estimate) -> Plain:
    """The estimate as JSON values; what is not finite is None."""
    own = combined(gathered(c for c in estimate.components if c.name not in SENSOR))
    parts = [c for c in gathered(estimate.components) if c.name in SENSOR]
    if own.u:
        parts.append(Component("repeatability", own.u, "A", STUDENT, own.dof))
    return {
        "value": estimate.value,
        "low": _finite(estimate.low),
        "high": _finite(estimate.high),
        "unit": estimate.unit,
        "status": estimate.status,
        "provenance": estimate.provenance,
        "components": [{**part._asdict(), "dof": _finite(part.dof)} for part in parts],
    }


def from_json(plain: Mapping[str, Any]) -> Estimate:
    """The estimate that :func:`to_json` wrote down.

    Raises:
        KeyError, TypeError, ValueError: It is none.
    """
    parts = [Component(**{**part, "dof": _or(part["dof"], math.inf)}) for part in plain["components"]]
    return Estimate(
        value=None if plain["value"] is None else float(plain["value"]),
        low=_or(plain["low"], -math.inf),
        high=_or(plain["high"], math.inf),
        unit=plain["unit"],
        status=plain["status"],
        provenance=plain["provenance"],
        components=tuple(parts),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _or(value: float | None, missing: float) -> float:
    return missing if value is None else float(value)
