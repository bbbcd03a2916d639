"""Waiting until a machine has cooled down from what ran before, for as long as there is time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ..host.conditions import Conditions

STEP_S = 0.5  # between two looks: sensors of packages show whole degrees
FALL_K = 1.0  # in a step: less is no cooling that a look can see
SHARE, MOST_S = 0.1, 10.0  # of the time that is allowed


def cooled(
    root: Path,
    allowed_s: float,
    sleep: Callable[[float], None] = time.sleep,
    say: Callable[[str], object] = lambda _: None,
) -> str:
    """Waits until the packages no longer cool; what to say about it, or nothing.

    Where the machine shows no temperature, or there is no time for a look, it does not wait.

    Args:
        root: The folder that the machine's files lie under.
        allowed_s: What the measurement may take in all.
        sleep: Waits so many seconds.
        say: It is called once there is something to wait for.
    """
    conditions, most_s = Conditions(root), min(SHARE * allowed_s, MOST_S)
    first = before = _hottest(conditions)
    waited_s = 0.0
    is_cooling = True
    while before is not None and waited_s + STEP_S <= most_s and is_cooling:
        say("letting the package cool down")
        sleep(STEP_S)
        waited_s += STEP_S
        now = _hottest(conditions)
        if now is None:
            return ""
        is_cooling, before = before - now >= FALL_K, now
    if first is None or before is None or first - before < FALL_K:
        return ""
    if is_cooling:
        return f"the package was still cooling down after {waited_s:g} s: {first:.0f} to {before:.0f} °C"
    return f"waited {waited_s:g} s while the package cooled down from {first:.0f} to {before:.0f} °C"


def _hottest(conditions: Conditions) -> float | None:
    found = [value for name, value in conditions.read().items() if name.startswith("temperature_")]
    return max(found, default=None)
