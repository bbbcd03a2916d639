"""Whether the sources of one channel say the same: read together, over one window.

perf, powercap and the MSR show one register, so their energies over a window may differ by the reads
alone. Where they differ by more, the kernel takes another unit, or one of them is not what it seems.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import hypot

import numpy as np

from ..channel import Channel
from ..errors import MicrojouleError
from ..host.calibration import Disagreement
from ..joules.estimates.uncertainty import ROOT_12
from ..sources import RAPL
from .polling import poll
from .update_statistics import ObservedUpdates, seen_at_once, updates

SIGNIFICANT = 3.0  # standard uncertainties
ROUNDING = 3e-4  # powercap's whole nanojoules, at the finest unit that is in use

# (ratio, how near, why): the second source over the first, or the other way round.
KNOWN = (
    (15.3e-6 * 2**16, 3e-4, "the kernel's powercap takes 15.3 µJ a count of DRAM and perf 2^-16 J"),
    (4.0, 0.02, "perf knows this model's own DRAM unit and the kernel's powercap does not (Broadwell-D)"),
)


def disagreements(channels: Iterable[Channel], for_s: float, edges: int) -> tuple[Disagreement, ...]:
    """Watches each channel that several sources show, and names those that differ."""
    found: list[Disagreement] = []
    for twins in _twins(channels):
        try:
            watched = poll(twins, for_s, edges)
        except (MicrojouleError, OSError, ValueError):
            continue  # its own line of the calibration says why it cannot be opened
        seen = [updates(series, channel) for series, channel in zip(watched.series, twins, strict=True)]
        for a, b in combinations(range(len(twins)), 2):
            one = compared(twins[a], seen[a], twins[b], seen[b])
            if one is not None:
                found.append(one)
    return tuple(found)


def compared(a: Channel, of_a: ObservedUpdates, b: Channel, of_b: ObservedUpdates) -> Disagreement | None:
    """What is to be said of two sources; None: they agree, or saw too little."""
    if len(of_a) < 2 or len(of_b) < 2:
        return None
    (power_a, u_a), (power_b, u_b) = _power(of_a, a), _power(of_b, b)
    if power_a <= 0 or power_b <= 0:
        return None
    ratio = power_b / power_a
    u = ratio * hypot(u_a, u_b)
    if abs(ratio - 1) <= max(SIGNIFICANT * u, ROUNDING):
        return None
    why = next((why for known, near, why in KNOWN if _is_near(ratio, known, near)), "the cause is not known")
    size = f"{abs(ratio - 1):.2%} {'more' if ratio > 1 else 'less'}" if ratio < 2 else f"{ratio:.3g} times"
    what = f"{a.physical_id}: {b.source} says {size} than {a.source}; {why}"
    if ratio >= 2:
        what = f"{a.physical_id}: {b.source} says {size} what {a.source} says; {why}"
    return Disagreement(channel=a.physical_id, sources=(a.source, b.source), ratio=ratio, u=u, what=what)


def _is_near(ratio: float, known: float, near: float) -> bool:
    return abs(ratio / known - 1) < near or abs(ratio * known - 1) < near


def _power(found: ObservedUpdates, channel: Channel) -> tuple[float, float]:
    """Counts a second in joules, and the relative uncertainty of that: of its two ends.

    From the first to the last update that was seen at once: a thread that had to wait knows no end well.
    """
    first, last = np.flatnonzero(seen_at_once(found))[[0, -1]]
    if first == last:
        first, last = 0, len(found) - 1
    length_ns = float(found.t_ns[last] - found.t_ns[first])
    counted = float(found.value[last] - found.value[first])
    ends = hypot(float(found.width_ns[first]), float(found.width_ns[last])) / ROOT_12 / length_ns
    whole = channel.scale.quantum / np.sqrt(6) / max(counted, 1.0)
    return counted * float(channel.scale.unit) / length_ns, hypot(float(ends), float(whole))


def _twins(channels: Iterable[Channel]) -> list[Sequence[Channel]]:
    by_id: dict[str, list[Channel]] = {}
    for channel in channels:
        if channel.source in RAPL:
            by_id.setdefault(channel.physical_id, []).append(channel)
    return [same for same in by_id.values() if len(same) > 1]
