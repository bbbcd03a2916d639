"""What a training's recording comes to: the totals of its windows, and the words they are logged under."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ...joules.energy_trace import Trace
from ...joules.estimates.energies import unread
from ...joules.estimates.estimate import Estimate
from ...joules.estimates.estimate import summed as summed_up
from ...joules.summary import stuck
from ...trace.window import Window

NAMES = ("train", "epoch", "eval", "save", "step")
ALONE = {"train": "train_alone", "epoch": "epoch_alone"}
"""What of a training or an epoch is neither evaluation nor checkpointing."""
_INSIDE = ("eval", "save")


def totals(trace: Trace) -> dict[str, list[Estimate]]:
    """The energies of the windows of a training by their name, in the order in which they began, in joules.

    Under the names of ``ALONE`` are those of trainings and epochs less the evaluations and the checkpointing
    inside them.
    """
    found: dict[str, list[Estimate]] = {name: [] for name in (*NAMES, *ALONE.values())}
    silent = set(stuck(trace))
    windows = [window for window in trace.windows if window.name in NAMES]
    energies = [each.total for each in trace.energies(windows)]
    # The 0 J of counters that never moved is no measurement.
    known = [unread(each) if silent.issuperset(each.channels) else each for each in energies]
    inside = [(w, energy) for w, energy in zip(windows, known, strict=True) if w.name in _INSIDE]
    inside = [(w, e) for w, e in inside if not any(_holds(other, w) for other, _ in inside if other is not w)]
    for window, energy in zip(windows, known, strict=True):
        found[window.name].append(energy)
        if window.name in ALONE:
            parts = [part for each, part in inside if _holds(window, each)]
            found[ALONE[window.name]].append(energy - summed_up(parts) if parts else energy)
    return found


def _holds(outer: Window, inner: Window) -> bool:
    return outer.t0_ns <= inner.t0_ns and inner.t1_ns <= outer.t1_ns


def logged(name: str, energy: Estimate) -> dict[str, float]:
    """One figure as a log takes it.

    Args:
        name: ``train``, ``epoch``, ``eval``, ``save``, ``step``, ``train_alone`` or ``epoch_alone``.
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
    return logged(name, summed_up(energies)) if energies else {}


def of_epochs(found: Mapping[str, Sequence[Estimate]]) -> list[dict[str, float]]:
    """What is logged of each epoch: with its evaluations and checkpointing, and without."""
    both = zip(found["epoch"], found["epoch_alone"], strict=True)
    return [{**logged("epoch", whole), **logged("epoch_alone", alone)} for whole, alone in both]


def of_training(found: Mapping[str, Sequence[Estimate]]) -> dict[str, float]:
    """What is logged of the last training: all of it, without evaluations and checkpointing, and these."""
    whole = {**logged("train", found["train"][-1]), **logged("train_alone", found["train_alone"][-1])}
    return {**whole, **summed("eval", found["eval"]), **summed("save", found["save"])}


def doubt(found: Mapping[str, Sequence[Estimate]]) -> str:
    """The sentence for a training without a figure; empty where it has one."""
    whole = found["train"]
    if not whole or logged("train", whole[-1]):
        return ""
    channels = ", ".join(getattr(whole[-1], "channels", ())) or "no channel"
    return f"no energy of this training: {channels} gave no reading. `uj probe` says what can be read here"
