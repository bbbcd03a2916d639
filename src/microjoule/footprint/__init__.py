"""Footprint: from joules to CO2e and money, each figure with the factors that it rests on.

Names are lazy, so that an import of one part loads no other. ``footprint``, ``mix``, ``project``
and ``terms`` are modules here, each with a function of its own name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..late import lazy

if TYPE_CHECKING:
    from .chosen_factors import FactorOptions as FactorOptions
    from .chosen_factors import Terms as Terms
    from .estimated import Job as Job
    from .estimated import estimate as estimate
    from .factor import Boundary as Boundary
    from .factor import Factor as Factor
    from .factor import Origin as Origin
    from .footprint import Amount as Amount
    from .footprint import Footprint as Footprint
    from .intensity import Zone as Zone
    from .intensity import zone as zone
    from .intensity import zones as zones

_HOMES = {
    "Amount": "footprint",
    "Boundary": "factor",
    "Factor": "factor",
    "Footprint": "footprint",
    "Job": "estimated",
    "Origin": "factor",
    "Terms": "chosen_factors",
    "FactorOptions": "chosen_factors",
    "Zone": "intensity",
    "estimate": "estimated",
    "zone": "intensity",
    "zones": "intensity",
}
__getattr__ = lazy(__name__, _HOMES)
