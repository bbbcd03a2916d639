"""What a training's recording comes to: the totals of its windows, and the words they are logged under."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ...joules.energy_trace import Trace, unread
from ...joules.estimate import Estimate
from ...joules.summary import stuck
from ...joules.total import Total

NAMES = ("train", "epoch", "eval", "step")


def totals(trace: Trace) -> dict[str, list[Total]]:
    """The totals of the windows of a training by their name, in the order in which they began, in joules."""
    found: dict[str, list[Total]] = {name: [] for name in NAMES}
    silent = set(stuck(trace))
    for window in trace.windows:
        if window.name in found:
            total = trace.energy(window).total
            # The 0 J of counters that never moved is no measurement.
            found[window.name].append(unread(total) if silent.issuperset(total.channels) else total)
    return found


def logged(name: str, energy: Estimate) -> dict[str, float]:
    """One figure as a log takes it.

    Args:
        name: ``train``, ``epoch``, ``eval``, ``step``.
        energy: In joules.

    Returns:
        ``energy_<name>_j`` and ``energy_<name>_U_j``; the bounds where a status forbids a figure, and
        nothing where there is not even a bound.
    """
    stem = f"energy_{name}" if energy.provenance == "measured" else f"energy_{name}_estimated"
    if energy.value is not None:
        return {f"{stem}_j": energy.value, f"{stem}_U_j": energy.U}
    if math.isinf(energy.high):
        return {}
    return {f"{stem}_low_j": energy.low, f"{stem}_high_j": energy.high}


def summed(name: str, energies: Sequence[Estimate]) -> dict[str, float]:
    """The figures of several windows of a name as one sum; nothing of none."""
    if not energies:
        return {}
    whole, *rest = energies
    for each in rest:
        whole = whole + each
    return logged(name, whole)


def doubt(found: Mapping[str, Sequence[Total]]) -> str:
    """The sentence for a training without a figure; empty where it has one."""
    whole = found["train"]
    if not whole or logged("train", whole[-1]):
        return ""
    channels = ", ".join(whole[-1].channels) or "no channel"
    return (
        f"there is no energy of this training: {channels} told nothing. `uj probe` says what can be read here"
    )
