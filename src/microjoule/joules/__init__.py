"""Energy: from raw readings to joules, each with the interval that holds the truth.

Names are lazy, so that an import of one part loads no other. ``power``, ``summary`` and ``total`` are
modules here, each with a function of its own name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..late import lazy

if TYPE_CHECKING:
    from .counter import Counter as Counter
    from .energies import Energies as Energies
    from .energy_trace import Trace as Trace
    from .energy_trace import load as load
    from .estimate import Estimate as Estimate
    from .power import Power as Power
    from .total import Total as Total
    from .total import add as add

_HOMES = {
    "Counter": "counter",
    "Energies": "energies",
    "Trace": "energy_trace",
    "Estimate": "estimate",
    "Power": "power",
    "Total": "total",
    "add": "total",
    "load": "energy_trace",
}
__getattr__ = lazy(__name__, _HOMES)
