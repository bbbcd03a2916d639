"""Energy: from raw readings to joules, each with the interval that holds the truth.

Where to look; the first lines of each folder name its modules, and those of a module say how it answers. A
folder imports only from those above it:

- a figure with its interval: estimates
- a counter's energy: counters
- a gauge's energy: gauges
- whose energy, by what ran: profiling
- by how much a meter trails: lags
- energies between the marks of a program: marks
- whose energy, by CPU time: sharing
- the energy of each request: serving
- another meter beside: reference
- all figures of a trace, as plain data: energy_trace, summary, sensor_notes, environments, clocks, rank_ends
- its power: power, peaks, power_line, tracks, plot_data, frames
- several nodes: jobs
- of a trace too long for memory, or in pieces: long_traces

Names are lazy, so that an import of one part loads no other. ``power`` and
``summary`` are modules here, each with a function of its own name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..late import lazy

if TYPE_CHECKING:
    from .counters.counter import Counter as Counter
    from .energy_trace import Trace as Trace
    from .energy_trace import load as load
    from .estimates.energies import Energies as Energies
    from .estimates.estimate import Estimate as Estimate
    from .estimates.total import Total as Total
    from .estimates.total import add as add
    from .power import Power as Power

_HOMES = {
    "Counter": "counters.counter",
    "Energies": "estimates.energies",
    "Trace": "energy_trace",
    "Estimate": "estimates.estimate",
    "Power": "power",
    "Total": "estimates.total",
    "add": "estimates.total",
    "load": "energy_trace",
}
__getattr__ = lazy(__name__, _HOMES)
