"""What sampling stacks takes from a program: a fixed work alone, under bare perf, and under uj flame.

The work is a loop in a process of its own, which takes its own CPU time: neither the start of a sampler nor
other programs are in it, and the interrupts that take its stack are. The three ways take turns in rounds. A
loss is the CPU time of a round's work under a sampler over that of the same round alone, less one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import SourceUnavailable
from .samplers import Perf, perf_obstacle

BARE, FLAME = "perf record", "uj flame"
_WORK = (
    "import time\n"
    "def work(n):\n"
    "    x = 1\n"
    "    for i in range(n): x = (x * 69069 + i) & 0xFFFFFFFF\n"
    "    return x\n"
    "work(200_000)\n"
    "t = time.process_time_ns()\n"
    "work(2_000_000)\n"  # about 0.2 s
    "print(time.process_time_ns() - t)\n"
)
ROUNDS, QUICK_ROUNDS = 15, 3
_DRAWS = 2000

F64 = npt.NDArray[np.float64]


class Loss(NamedTuple):
    """What a way of sampling took.

    Attributes:
        rate_hz: Stacks a second.
        way: ``perf record`` or ``uj flame``.
        share: The median loss, as a share of the work's time.
        low: The smallest of the rounds' middle half.
        high: The largest of it.
        of_bare: Of ``uj flame``, its loss by that of bare perf; None: of that itself, or where that is none.
        of_bare_low: The smallest that this may be, at 95 %.
        of_bare_high: The largest.
    """

    rate_hz: float
    way: str
    share: float
    low: float
    high: float
    of_bare: float | None = None
    of_bare_low: float | None = None
    of_bare_high: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return self._asdict()


def measured(rate_hz: float, folder: Path, say: Callable[[str], None], rounds: int = ROUNDS) -> list[Loss]:
    """The losses at a rate.

    Args:
        rate_hz: Stacks a second.
        folder: For perf's files.
        say: Takes what is under way, in words.
        rounds: How often each way has its turn.

    Raises:
        SourceUnavailable: perf may not sample here.
    """
    obstacle = perf_obstacle()
    if obstacle:
        raise SourceUnavailable(
            f"No stacks can be sampled: {obstacle}", "Run `sudo sysctl kernel.perf_event_paranoid=1`"
        )
    work = [sys.executable, "-S", "-c", _WORK]
    losses: dict[str, list[float]] = {BARE: [], FLAME: []}
    for number in range(rounds):
        say(f"stacks at {rate_hz:g} Hz, round {number + 1} of {rounds}")
        alone_ns = _alone(work)
        losses[BARE].append(_bare(work, rate_hz, folder) / alone_ns - 1.0)
        losses[FLAME].append(_flame(work, rate_hz, folder) / alone_ns - 1.0)
    bare, flame = (_loss(rate_hz, way, each) for way, each in losses.items())
    return [bare, _beside(flame, np.array(losses[FLAME]), np.array(losses[BARE]))]


def _loss(rate_hz: float, way: str, shares: list[float]) -> Loss:
    low, middle, high = (float(each) for each in np.quantile(shares, (0.25, 0.5, 0.75)))
    return Loss(rate_hz, way, middle, low, high)


def _beside(flame: Loss, mine: F64, bare: F64) -> Loss:
    """The loss with its ratio to that of bare perf, of medians over the same rounds drawn again and again."""
    some = np.random.default_rng(0).integers(0, len(mine), (_DRAWS, len(mine)))
    drawn = np.median(mine[some], axis=1), np.median(bare[some], axis=1)
    if flame.share <= 0 or not (drawn[1] > 0).all():
        return flame
    low, high = (float(each) for each in np.quantile(drawn[0] / drawn[1], (0.025, 0.975)))
    return flame._replace(of_bare=flame.share / float(np.median(bare)), of_bare_low=low, of_bare_high=high)


def _alone(work: list[str]) -> int:
    return int(subprocess.run(work, check=True, capture_output=True, text=True).stdout)


def _bare(work: list[str], rate_hz: float, folder: Path) -> int:
    line = ["perf", "record", "-q", "-e", "cpu-clock", "-F", f"{rate_hz:g}", "-g"]
    return _alone([*line, "-o", str(folder / "bare.data"), "--", *work])


def _flame(work: list[str], rate_hz: float, folder: Path) -> int:
    sampler = Perf(folder, rate_hz, "fp", False)
    child = subprocess.Popen(sampler.wrapped(work), stdout=subprocess.PIPE, text=True, close_fds=False)
    with child:
        sampler.started(child.pid)
        out, _ = child.communicate()
    sampler.ended()
    return int(out)
