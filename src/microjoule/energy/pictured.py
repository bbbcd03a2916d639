"""A trace as the arrays of a picture, in which every update is there exactly.

Between two neighbouring updates of a counter stands the whole number of counts by which its position
rose; a span from one update to another is then a sum of whole numbers, and the same figure as
``trace.energy`` gives. What is known of the position at each update goes along, so that such a span has
its guaranteed bound too.

Decision: the least and the most are told by how far they differ from the position one update before and
after, which is nearly always nothing, so that they take no room once they are compressed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..trace.series import I64
from .counter import Counter
from .energy_trace import EnergyTrace
from .power import power
from .tracks import Track, tracks

_I32 = np.iinfo(np.int32)

Plain = dict[str, Any]
Numbers = npt.NDArray[Any]


def pictured(trace: EnergyTrace) -> Plain:
    """The channels and the windows of a trace, for a page or a figure.

    Returns:
        ``origin_ns``, CLOCK_MONOTONIC, from which all other instants are counted; ``length_ns``;
        ``channels``, one mapping each with ``id``, ``source``, ``unit``, ``provenance``, ``tells_energy``,
        ``kind`` and

        * of a ``counter``: ``t_ns`` int64[n + 1]; ``steps`` int[n], counts between neighbours;
          ``scale_j``, the joules of a count (value, least, most); ``least`` and ``most`` int[n + 1]: by how
          much more than a step the position can be less, or more;
        * of a ``gauge``: ``t_ns`` int64[n + 1] and ``values`` float64[n], in ``unit``, NaN in a gap;

        and ``gaps``, of which nothing is drawn: ``t0_ns``, ``t1_ns``, ``status``; ``windows``: ``name``,
        ``t0_ns``, ``t1_ns``.
    """
    found = [(track, *_ends(trace, track)) for track in tracks(trace)]
    begins = [first for _, first, _ in found] + [window.t0_ns for window in trace.windows]
    ends = [last for _, _, last in found] + [window.t1_ns for window in trace.windows]
    origin_ns = min(begins, default=0)
    return {
        "origin_ns": origin_ns,
        "length_ns": max(ends, default=0) - origin_ns,
        "channels": [_channel(trace, track, origin_ns, last) for track, _, last in found],
        "windows": [
            {"name": window.name, "t0_ns": window.t0_ns - origin_ns, "t1_ns": window.t1_ns - origin_ns}
            for window in trace.windows
        ],
    }


def _ends(trace: EnergyTrace, track: Track) -> tuple[int, int]:
    instants = [int(track.t_ns[0])] if len(track.t_ns) else []
    instants += [gap.t0_ns for gap in track.gaps]
    last = max([trace.last_ns, *(gap.t1_ns for gap in track.gaps)])
    return min(instants), last


def _channel(trace: EnergyTrace, track: Track, origin_ns: int, last_ns: int) -> Plain:
    gaps = [
        {"t0_ns": gap.t0_ns - origin_ns, "t1_ns": gap.t1_ns - origin_ns, "status": gap.status}
        for gap in track.gaps
    ]
    channel = trace.channels[track.channel]
    head = {
        "id": track.channel,
        "source": channel.source,
        "unit": track.unit,
        "provenance": track.provenance,
        "tells_energy": track.channel in trace.energy_channels,
        "gaps": gaps,
    }
    meter = trace.meter(track.channel) if track.unit == "W" else None
    if isinstance(meter, Counter) and meter.span_ns is not None:
        return {**head, "kind": "counter", **_counted(meter, trace.last_ns, origin_ns)}
    # A gap begins with a value that is none, so that the one before it ends there.
    starts = np.concatenate((track.t_ns, np.array([gap.t0_ns for gap in track.gaps], np.int64)))
    values = np.concatenate((track.value, np.full(len(track.gaps), np.nan)))
    order = np.argsort(starts, kind="stable")
    t_ns = np.append(starts[order], last_ns) - origin_ns
    return {**head, "kind": "gauge", "t_ns": t_ns, "values": values[order]}


def _counted(counter: Counter, last_ns: int, origin_ns: int) -> Plain:
    first, known = counter.span_ns or (0, 0)
    bins = power(counter, first, max(last_ns, known))
    edges: I64 = bins.edges_ns
    position, least, most = counter.limits(edges)
    steps = np.where(bins.status == 0, np.diff(position), 0)
    before, after = np.append(0, steps), np.append(steps, 0)
    per_count = counter.quantity(np.ones(1, np.int64), counter.bits)[0]
    model = counter.channel.trust.model
    factors = (1.0, 1.0, 1.0) if model is None else (model.value_w, model.low_w, model.high_w)
    return {
        "t_ns": edges - origin_ns,
        "steps": _narrow(steps),
        "least": _narrow(position - least - before),
        "most": _narrow(most - position - after),
        "scale_j": [float(per_count * factor) for factor in factors],
    }


def _narrow(values: I64) -> Numbers:
    """The same whole numbers as int32 where they fit, as float64 where they don't."""
    fits = not len(values) or (values.min() >= _I32.min and values.max() <= _I32.max)
    return values.astype(np.int32 if fits else np.float64)
