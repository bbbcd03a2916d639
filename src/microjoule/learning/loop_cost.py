"""One subject, sampled one way: what it cost.

Beside a victim, a block is a fixed piece of work; its loss is 1 - t_without / t_with, the share of the
core's work that did not get done (``blocks.lost``). On the idle machine a block is a sleep, with a
measured energy counter read at both ends where there is one.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import isfinite
from typing import TypeVar

from ..channel import Channel
from ..errors import SourceUnavailable
from ..host.sampling_cost import RECORDER, THINNED, Cost, Mean, Way, counted
from ..measuring.poller import Poller
from ..recording.native import now_ns, work
from ..units import NS_PER_S
from ..value_class import dataclass
from .paired_blocks import PAIRS_MIN, added, in_turns, lateness, lost, mean, rounds_in
from .sampling_loops import Running, Subject

BLOCK_S = 0.05  # at least: below it the clock's and the scheduler's own grain shows
UPDATES_MIN = 100  # of an energy counter in a block
IDLE_BLOCKS = 8
IDLE_S = 20.0  # at most: the ring of a lane holds half a minute

_Block = TypeVar("_Block")


@dataclass(frozen=True, slots=True)
class Worked:
    """A block of work: how long it took, of which on a CPU, and the sampler's CPU time meanwhile."""

    wall_ns: int
    cpu_ns: int
    sampler_ns: int


@dataclass(frozen=True, slots=True)
class Slept:
    """A block of idleness, and the sampler's CPU time in it."""

    t0_ns: int
    t1_ns: int
    sampler_ns: int


def least_s(subject: Subject, way: Way, meter: Sequence[Channel]) -> float:
    """What one cost takes at least."""
    if way.load == "idle" and not meter:
        return 2 * _block_s(subject, way)
    block_s = _block_s(subject, way) if way.load != "idle" else max(_block_s(subject, way), _metered_s(meter))
    return 2 * PAIRS_MIN * block_s * 1.2


def cost(subject: Subject, way: Way, cpu: int, for_s: float, meter: tuple[Channel, ...]) -> Cost:
    """What it costs, taken in about so long.

    Args:
        subject: What samples.
        way: How, and beside what: other cores are the caller's to keep busy.
        cpu: Where; the calling thread runs on it already.
        for_s: How long.
        meter: Measured energy counters that count nothing twice; none: added power is not measured.

    Raises:
        MicrojouleError: It cannot be sampled in this way.
    """
    turns = _Turns(subject, way, cpu)
    taken = Cost(
        subject=subject.name,
        channels=counted(subject.channels),
        way=replace(way, rate_hz=subject.rate_hz(way)),
        taken_realtime_ns=time.time_ns(),
    )
    if way.load == "idle":
        taken = _idle(taken, turns, for_s, _block_s(subject, way), meter)
    else:
        taken = _beside_a_victim(taken, turns, for_s, _block_s(subject, way))
    rounds_ns = [took for running in turns.runs for took in running.rounds_ns]
    if way.pace == "edges" and not any(running.ticks for running in turns.runs):
        raise SourceUnavailable(f"No update of {subject.name} was ever seen")
    ticks, missed = (sum(getattr(running, what) for running in turns.runs) for what in ("ticks", "missed"))
    return replace(
        taken,
        ticks=ticks,
        missed=missed,
        tick_cpu_ns=_a_tick(taken, ticks, missed),
        lateness=lateness(added([running.histogram for running in turns.runs])),
        read_ns=round(statistics.median(rounds_ns)) if rounds_ns else None,
        notes=tuple(dict.fromkeys(note for running in turns.runs for note in running.notes)),
    )


def moves(channel: Channel) -> bool:
    """Whether an energy counter moves at all: some of virtual machines never do."""
    poller = Poller((channel,))
    poller.spin_to_update()
    poller.spin_to_update()
    return bool(poller.counters()[channel.id].steps.total.any())


def _block_s(subject: Subject, way: Way) -> float:
    """A multiple of the subject's beat, so that each block holds as many ticks as the next."""
    beat_s = subject.beat_s(way)
    return beat_s * -(-BLOCK_S // beat_s)


class _Turns:
    """Blocks in a row, with the subject sampling and without, and what it did.

    Before a turn without, the thread sleeps for as long as it took to begin the turn with: a scheduler
    favours who has slept, and on a busy machine that alone would look like a gain.
    """

    def __init__(self, subject: Subject, way: Way, cpu: int) -> None:
        self.runs: list[Running] = []
        self._sampling = partial(subject.sampling, way, cpu)
        self._begun_s = 0.0

    def on(self, block: Callable[[Running | None], _Block], n: int) -> list[_Block]:
        """So many blocks while it samples."""
        start_s = time.monotonic()
        with self._sampling() as running:
            self._begun_s = time.monotonic() - start_s
            blocks = [block(running) for _ in range(n)]
        self.runs.append(running)
        return blocks

    def off(self, block: Callable[[Running | None], _Block], n: int) -> list[_Block]:
        """So many blocks without."""
        time.sleep(self._begun_s)
        return [block(None) for _ in range(n)]


def _beside_a_victim(taken: Cost, turns: _Turns, for_s: float, block_s: float) -> Cost:
    rounds = rounds_in(block_s)

    def block(running: Running | None) -> Worked:
        before_ns = running.busy_ns() if running else 0
        wall_ns, cpu_ns = work(rounds)
        return Worked(wall_ns, cpu_ns, running.busy_ns() - before_ns if running else 0)

    pairs = in_turns(partial(turns.on, block), partial(turns.off, block), for_s)
    alone = [without for _, without in pairs]
    own = mean([with_it.sampler_ns / with_it.wall_ns for with_it, _ in pairs])
    return replace(
        taken,
        loss_share=lost([(with_it.wall_ns, without.wall_ns) for with_it, without in pairs]),
        loss_cpu_share=lost(
            [(with_it.cpu_ns + with_it.sampler_ns, without.cpu_ns) for with_it, without in pairs]
        ),
        own_share=own,
        others_share=1 - sum(one.cpu_ns for one in alone) / sum(one.wall_ns for one in alone),
    )


def _idle(taken: Cost, turns: _Turns, for_s: float, block_s: float, meter: tuple[Channel, ...]) -> Cost:
    if not meter:
        for_s = min(for_s, IDLE_S)
        block_s *= max(round(for_s / IDLE_BLOCKS / block_s), 1)

        def block(running: Running | None) -> Slept:
            t0_ns, before_ns = now_ns(), running.busy_ns() if running else 0
            time.sleep(block_s)
            return Slept(t0_ns, now_ns(), running.busy_ns() - before_ns if running else 0)

        blocks = turns.on(block, max(round(for_s / block_s), 2))
        return _slept(taken, blocks)
    block_s *= -(-_metered_s(meter) // block_s)
    poller = Poller(meter)

    def metered(running: Running | None) -> Slept:
        poller.spin_to_update()
        t0_ns, before_ns = now_ns(), running.busy_ns() if running else 0
        time.sleep(block_s)
        t1_ns, after_ns = now_ns(), running.busy_ns() if running else 0
        poller.spin_to_update()
        return Slept(t0_ns, t1_ns, after_ns - before_ns)

    pairs = in_turns(partial(turns.on, metered), partial(turns.off, metered), for_s)
    poller.spin_past_lag()
    poller.spin_to_update()
    with_w, without_w = (_powers_w(poller, blocks) for blocks in zip(*pairs, strict=True))
    taken = _slept(taken, [with_it for with_it, _ in pairs])
    known = [a - b for a, b in zip(with_w, without_w, strict=True) if isfinite(a - b)]
    return replace(taken, added_w=mean(known))


def _slept(taken: Cost, blocks: Sequence[Slept]) -> Cost:
    own = mean([block.sampler_ns / (block.t1_ns - block.t0_ns) for block in blocks])
    return replace(taken, own_share=own)


def _a_tick(taken: Cost, ticks: int, missed: int) -> Mean | None:
    """CPU time a tick that was taken; of a recorder, whose lanes tick at different rates, none."""
    own = taken.own_share
    if own is None or not ticks or taken.subject in (RECORDER, THINNED):
        return None
    a_tick_ns = NS_PER_S / taken.way.rate_hz * (ticks + missed) / ticks
    return Mean(value=own.value * a_tick_ns, U=own.U * a_tick_ns, n=own.n)


def _metered_s(meter: Sequence[Channel]) -> float:
    return UPDATES_MIN * max(one.timing.update_ns or one.timing.update_max_ns for one in meter) / NS_PER_S


def _powers_w(poller: Poller, blocks: Sequence[Slept]) -> list[float]:
    """The mean power of each block, over all counters of the meter."""
    t0_ns, t1_ns = [one.t0_ns for one in blocks], [one.t1_ns for one in blocks]
    energies_j = sum(counter.energies(t0_ns, t1_ns).value for counter in poller.counters().values())
    return [
        float(energy_j) * NS_PER_S / (t1 - t0)
        for energy_j, t0, t1 in zip(energies_j, t0_ns, t1_ns, strict=True)  # type: ignore[arg-type]
    ]
