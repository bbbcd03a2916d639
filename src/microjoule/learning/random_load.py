"""A load that goes on and off at random, so that a meter's answer to it cannot be that of anything else.

The dwells follow a maximal-length sequence of a shift register of 9 bits (polynomial x^9 + x^5 + 1): its
spectrum is flat from once in 511 steps on, and it looks like no other load, which repeats or is steady. A
fixed seed makes two runs alike.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator

from .saturate import busy

_SEED = 0b1_0110_1011


def bits(seed: int = _SEED) -> Iterator[bool]:
    """Whether the load is on in each step, for ever; 511 steps are a cycle."""
    state = seed
    while True:
        yield bool(state & 1)
        state = state >> 1 | ((state ^ state >> 4) & 1) << 8


def alternate(
    cpus: Iterable[int], for_s: float, dwell_s: float, say: Callable[[str], object] = lambda _: None
) -> None:
    """Loads all these CPUs on and off at random for so long.

    Args:
        cpus: Their numbers.
        for_s: How long, at least.
        dwell_s: A step of the sequence.
        say: It is called with words on how far it is.
    """
    cpus = tuple(cpus)
    ends_s = time.monotonic() + for_s
    with contextlib.ExitStack() as load:
        is_on = False
        for wanted in bits():
            left_s = ends_s - time.monotonic()
            if left_s <= 0:
                return
            if wanted and not is_on:
                load.enter_context(busy(cpus))
            elif is_on and not wanted:
                load.close()
            is_on = wanted
            say(f"{'loading' if is_on else 'resting'}, {left_s:.0f} s to go")
            time.sleep(min(dwell_s, left_s))
