"""Energy: from raw readings to joules, each with the interval that holds the truth.

Where to look; the first lines of each module say how it answers:

- a counter's energy: counter, marked_edges, short_windows
- which of its readings count: unwrap, unwrapped, glitches, doubtful_counts, resets, uncounted, identity
- when a counter was updated: update_times, lessons, stillness, sparse_readings, quanta, cut_quanta
- by how much it trails: lag, lag_of_windows, lag_beside_gauge, lag_of_parts, lag_of_gauge, related_lags
- what it had counted at an instant: interpolation, mark_positions, fused_edges, scaled_gauge, readings_around
- how far that may be off: budget, neighbourhood, swings, ripple, slow_updates, gap_edges, grid_phase
- a gauge's energy: gauge, gauge_brackets, gauge_bound, little_known
- when a gauge was updated, of what it is the mean: readings, seldom_reads, stamps, averaging, averaged_part
- power between its updates: profile, boxcar, standstills, running
- what loads near its frequency it may be of: aliasing, coming_round, beats, repeating, irregular
- what those do to a window: swinging
- a figure with its interval: estimate, uncertainty, intervals, total, power, estimate_text
- all figures of a trace, as plain data: energy_trace, summary, sentence, counter_notes, gauge_notes
- of a trace too long for memory, or in pieces: streamed, kept_trace, digest, fragments, counter_fragment
- whose energy, by what ran: attribution, regression, occupancy, by_name, sampled, stack_energy
- whose energy, by CPU time: shares, share_fit, share_laws, parties, requests, request_shares
- several nodes: job, nodes, node_clocks, joint_windows
- another meter beside: beside_meter, reference_fit, sensor_notes, log_lag

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
