"""Takes the overhead of a machine within a time, and says what it left out and why."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from ..channel import Channel, Kind
from ..errors import BadWish, MicrojouleError
from ..host.sampling_cost import EMPTY, Cost, Overhead, Read, Way, counted
from ..joules.estimates.total import covered
from ..recording.native import Sampler
from ..units import NS_PER_MS, NS_PER_S
from . import saturate
from .cost_plan import CostOptions, Unit, units
from .loop_cost import cost, least_s, moves
from .measurable import Site
from .paired_blocks import difference, median
from .sampling_loops import OneLane, Subject, subjects

if TYPE_CHECKING:
    from collections.abc import Iterator

HOT_BLOCKS = 101
HOT_TICKS = 500
HOT_BLOCK_NS = 2 * NS_PER_MS  # of a slow interface fewer ticks

_ALONE = "this process may use one CPU only, where saturated is the same as busy"


def take(site: Site, wishes: CostOptions, say: Callable[[str], None]) -> Overhead:
    """The overhead, in about the time that is wished for.

    Args:
        site: What is there.
        wishes: What to take.
        say: Gets a sentence for each step.

    Raises:
        BadWish: The CPU is none that this process may use.
    """
    end = time.monotonic() + wishes.for_s
    allowed = os.sched_getaffinity(0)
    cpu = _cpu(wishes, site.chosen, allowed)
    meter, why_not = _meter(site.chosen)
    others = allowed - {cpu}
    all_of = subjects(site.listed)
    left_out = dict(site.denied) if meter else {**site.denied, "added power": why_not}
    costs: list[Cost] = []
    machine = {
        **site.machine,
        "cpu": cpu,
        "cpus_allowed": len(allowed),
        "load_average_at_start": round(os.getloadavg()[0], 2),
        "meter": [channel.id for channel in meter],
    }
    with _on_cpu(cpu, allowed):
        say("reads back to back")
        reads, failed = _hot(all_of)
        left_out |= failed
        waiting = list(units(all_of, site.chosen, wishes))
        while waiting:
            unit = waiting.pop(0)
            name = _name(unit)
            least = least_s(unit.subject, unit.way, meter)
            if end - time.monotonic() < least:
                left_out[name] = "the time limit was reached: raise --max-time"
                continue
            if unit.way.load == "saturated" and not others:
                left_out[name] = _ALONE
                continue
            say(name)
            try:
                for_s = max(_share_s(unit, waiting, end), least)
                with saturate.busy(others) if unit.way.load == "saturated" else nullcontext():
                    costs.append(cost(unit.subject, unit.way, cpu, for_s, meter))
            except (MicrojouleError, OSError, ValueError) as error:
                left_out[name] = str(error).rstrip(".")
    return Overhead(
        host=site.host,
        taken_realtime_ns=time.time_ns(),
        machine=machine,
        reads=tuple(reads),
        costs=tuple(_over_empty(one, costs) for one in costs),
        left_out=left_out,
    )


def _over_empty(one: Cost, costs: Sequence[Cost]) -> Cost:
    """The cost with what a tick takes above that of an empty loop at the same rate and pace."""
    if one.subject == EMPTY:
        return one
    empty = next((each for each in costs if each.subject == EMPTY and each.way == one.way), None)
    return (
        one if empty is None else replace(one, over_empty_ns=difference(one.tick_cpu_ns, empty.tick_cpu_ns))
    )


def _share_s(unit: Unit, waiting: Sequence[Unit], end: float) -> float:
    left_s = max(end - time.monotonic(), 0.0)
    return left_s * unit.weight / (unit.weight + sum(other.weight for other in waiting))


def _name(unit: Unit) -> str:
    way = unit.way
    fifo = ", SCHED_FIFO" if way.is_fifo else ""
    rate = "" if way.pace == "edges" else f", {unit.subject.rate_hz(way):g} Hz"
    return f"{unit.subject.name}{rate}, {way.pace}{fifo}, {way.load}"


def _cpu(wishes: CostOptions, channels: Sequence[Channel], allowed: set[int]) -> int:
    """The CPU on which the lanes' events are read: from elsewhere a read may cost an interrupt."""
    if wishes.cpu is not None:
        if wishes.cpu not in allowed:
            raise BadWish(
                f"This process may not run on CPU {wishes.cpu}",
                f"Choose one of {', '.join(map(str, sorted(allowed)))}",
            )
        return wishes.cpu
    own = [c.access.cpu for c in channels if c.access.reader == "perf" and c.access.cpu in allowed]
    return (own or sorted(allowed))[0]


@contextmanager
def _on_cpu(cpu: int, allowed: set[int]) -> Iterator[None]:
    """The calling thread, and what it starts, runs on one CPU meanwhile."""
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _meter(channels: Sequence[Channel]) -> tuple[tuple[Channel, ...], str]:
    """Measured energy counters of which none counts what another does; or why there are none."""
    able = {
        channel.id: channel
        for channel in channels
        if channel.kind is Kind.COUNTER
        and channel.provenance == "measured"
        and channel.scale.quantity == "J"
        and 0 < (channel.timing.update_ns or channel.timing.update_max_ns) < NS_PER_S // 10
    }
    meter = tuple(able[name] for name in covered(able))
    if not meter:
        return (), "no measured energy counter can be read here: `uj probe` says why"
    moving = tuple(channel for channel in meter if moves(channel))
    still = ", ".join(channel.id for channel in meter if channel not in moving)
    return moving, "" if moving else f"not measurable here: {still} never moves"


def _hot(all_of: Sequence[Subject]) -> tuple[list[Read], dict[str, str]]:
    """Each lane's tick back to back, in turns with an empty one."""
    found: list[Read] = []
    failed: dict[str, str] = {}
    empty = Sampler("empty", [], NS_PER_S, 64)
    for lane in all_of:
        if not isinstance(lane, OneLane):
            continue
        try:
            sampler = lane.opened(Way(rate_hz=1.0), min(os.sched_getaffinity(0))).sampler
            one_ns = _burst_ns(sampler, 1)
            room = sampler.capacity // len(lane.channels)
            ticks = max(min(HOT_TICKS, room, int(HOT_BLOCK_NS / max(one_ns, 1))), 1)
            over_ns = [_burst_ns(sampler, ticks) - _burst_ns(empty, HOT_TICKS) for _ in range(HOT_BLOCKS)]
        except (MicrojouleError, OSError, ValueError) as error:
            failed[f"{lane.name}, back to back"] = str(error).rstrip(".")
            continue
        hot_ns = median(over_ns)
        if hot_ns is not None:
            found.append(Read(subject=lane.name, channels=counted(lane.channels), hot_ns=hot_ns))
    return found, failed


def _burst_ns(sampler: Sampler, ticks: int) -> float:
    took_ns = sampler.burst(ticks) / ticks
    sampler.drain()
    return took_ns
