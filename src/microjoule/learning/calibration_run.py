"""A whole calibration: every channel that can be read, lane by lane.

First all lanes are looked at now and then while the machine is left alone (idle power), then each is
polled without a pause (updates, reads, quantum, spin power), then under loads (lag), and last
the sources that show one register are read together (agreement). A lane is polled at most ``for_s``
seconds; slow channels may want more than the default.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ..channel import Channel, Kind
from ..errors import MicrojouleError
from ..host.calibration import Calibration, LearnedPower, Learnt
from ..host.key import host_key
from ..sources.agent import is_read_by_agent
from ..sources.machine import Machine
from ..units import NS_PER_MS
from .agreement import disagreements
from .filtering import filtering
from .lag import beside_gauges, gauge_lags, lags
from .polling import look_now_and_then, poll
from .update_statistics import ObservedUpdates, apart, power, quantum, spread, updates

EDGES = 200
FOR_S = 5.0
IDLE_S = 2.0
IDLE_PERIOD_NS = 50 * NS_PER_MS

_CANNOT = (MicrojouleError, OSError, ValueError)


def calibrate(
    channels: Iterable[Channel],
    machine: Machine,
    for_s: float = FOR_S,
    say: Callable[[str], None] = lambda _: None,
) -> Calibration:
    """Learns of each channel what can be learnt in that time.

    Args:
        channels: All that can be read, of every source.
        machine: The one that they were found on.
        for_s: How long a lane is polled at most.
        say: Called with a few words before each lane.
    """
    able = [c for c in channels if not c.is_of_command and not is_read_by_agent(c)]
    lanes: dict[tuple[str, str], list[Channel]] = {}
    for channel in able:
        lanes.setdefault((channel.source, channel.lane), []).append(channel)
    say(f"idle for {min(IDLE_S, for_s):g} s")
    idle = _idle(list(lanes.values()), min(IDLE_S, for_s))
    learnt: list[Learnt] = []
    for (source, lane), members in lanes.items():
        say(f"{source} {lane}")
        found = _learn(members, for_s, machine)
        learnt += [replace(one, idle=idle.get((one.channel, one.source))) for one in found]
    say("sources of one channel")
    return Calibration(
        host=host_key(machine),
        taken_realtime_ns=time.time_ns(),
        channels=tuple(learnt),
        disagreements=disagreements(able, min(for_s, IDLE_S), EDGES * 5),
    )


def _idle(lanes: Sequence[Sequence[Channel]], for_s: float) -> dict[tuple[str, str], LearnedPower]:
    """The power of each channel, all watched at once, by id and source."""

    def look(members: Sequence[Channel]) -> dict[tuple[str, str], LearnedPower]:
        try:
            watched = look_now_and_then(members, for_s, IDLE_PERIOD_NS)
        except _CANNOT:
            return {}  # said when the lane is polled
        found = {}
        for channel, series in zip(members, watched.series, strict=True):
            seen = updates(series, channel)
            mean = power(seen.t_ns, seen.value, channel)
            if mean is not None:
                found[channel.physical_id, channel.source] = mean
        return found

    with ThreadPoolExecutor(max_workers=max(len(lanes), 1)) as pool:
        return {key: mean for found in pool.map(look, lanes) for key, mean in found.items()}


def _learn(members: list[Channel], for_s: float, machine: Machine) -> list[Learnt]:
    try:
        watched = poll(members, for_s, EDGES)
        lags_found = lags(members)
        of_gauges = gauge_lags(members, for_s)
    except _CANNOT as error:
        if len(members) > 1:  # one that cannot be opened must not hide the rest
            return [one for channel in members for one in _learn([channel], for_s, machine)]
        one = members[0]
        of = one.access
        return [
            Learnt(
                channel=one.physical_id,
                source=one.source,
                device=of.device,
                field=of.config,
                note=str(error),
            )
        ]
    found = []
    for channel, series, lag, of_gauge in zip(members, watched.series, lags_found, of_gauges, strict=True):
        seen = updates(series, channel)
        ok = series.read_ns if series.valid is None else series.read_ns[series.valid]
        step, distinct = quantum(seen) if channel.kind is Kind.COUNTER else (None, 0)
        found.append(
            Learnt(
                channel=channel.physical_id,
                source=channel.source,
                edges=len(seen),
                update=spread(apart(seen)[0]),
                read=spread(ok),
                resolution_ns=int(sorted(seen.width_ns)[len(seen) // 2]) if len(seen) else None,
                quantum=step,
                distinct=distinct,
                lag_ns=lag.most_ns,
                lag_min_ns=lag.least_ns,
                likely_lag_ns=of_gauge or beside_gauges(channel, members, watched.series),
                device=channel.access.device,
                field=channel.access.config,
                spin=power(seen.t_ns, seen.value, channel),
                filtering=filtering(channel, seen, machine.host, machine.root),
                note=_note(len(ok), seen, for_s),
            )
        )
    return found


def _note(readings: int, seen: ObservedUpdates, for_s: float) -> str:
    if not readings:
        return f"every read of {for_s:g} s failed"
    if seen.rejected:
        changes = "1 change" if seen.rejected == 1 else f"{seen.rejected} changes"
        return f"{changes} in {for_s:g} s did not count: backwards, or more than twice its power limit"
    if not len(seen):
        return f"its reading never changed in {for_s:g} s: idle, hidden or not counting"
    if len(seen) == 1:
        return f"its reading changed only once in {for_s:g} s: give it longer with --for"
    return ""
