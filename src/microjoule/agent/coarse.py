"""The coarse view: what everybody may have of a counter, once a second and in steps of about a joule.

Decision: rounded down, and no noise added. A counter that is rounded down is a counter with a larger unit:
all that is promised of one holds, energies add up over any time, and nothing that is averaged away could
leave the exact value. What was given up: windows shorter than some seconds have wide intervals. Why it is
safe enough: PLATYPUS (https://platypusattack.com) needs differences of some microjoules, between readings a
millisecond apart; a step here is a million times as large, and there are a thousand times fewer of them.

Gauges are left out: a gauge shows the power of a moment.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from ..channel import Channel, Encoding, Kind
from ..channel.reading_status import UNCOUNTED, is_read, times_off
from ..recording.native import Columns, Feed
from ..sources.agent_offer import OfferedLane
from ..sources.zones import NJ_PER_J, NJ_PER_UJ
from ..units import NS_PER_S
from ..value_class import dataclass

PERIOD_NS = NS_PER_S
RATE_HZ = 1.0
STEP_J = 1
LANE = "coarse"
KEPT_S = 120
_ROW = struct.Struct("=qQqIHH")  # struct uj_sample


@dataclass(frozen=True, slots=True)
class Rounding:
    """How the readings of a channel become coarse.

    Attributes:
        step: Counts of the channel that are one count of the coarse one: a power of two. shown_nj: Where
        the reading is powercap's microjoules, the nanojoules by which the kernel multiplied; 0: it is a
        count.
    """

    step: int
    shown_nj: Fraction

    def __call__(self, raw: int) -> int:
        """The coarse reading, rounded down."""
        return (-(-raw * NJ_PER_UJ // self.shown_nj) if self.shown_nj else raw) // self.step


def coarse(channel: Channel) -> tuple[Channel, Rounding] | None:
    """A channel as everybody may have it, and how its readings become that; None: not at all."""
    scale = channel.scale
    if channel.kind is not Kind.COUNTER or scale.quantity != "J" or channel.encoding is Encoding.SIGNED:
        return None
    step = 1
    while step * scale.unit < STEP_J:
        step *= 2
    modulus = scale.modulus or 1 << 64
    if modulus % step:
        return None  # no power of two: a count of it would be of two sizes
    own_nj = scale.unit * NJ_PER_J
    shown_nj = own_nj if scale.shown_nj == 0 else Fraction(scale.shown_nj or int(own_nj))
    shown_nj = shown_nj if channel.encoding is Encoding.POWERCAP else Fraction(0)
    rounded = replace(
        scale, unit=scale.unit * step, modulus=modulus // step, quantum=1, shown_nj=None, register_unit=None
    )
    seen = replace(
        channel,
        lane=LANE,
        encoding=Encoding.COUNT,
        scale=rounded,
        timing=replace(
            channel.timing,
            update_ns=PERIOD_NS,
            update_max_ns=PERIOD_NS + channel.timing.update_max_ns,
            rate_max_hz=RATE_HZ,
            sensor_clock=None,
        ),
    )
    return seen, Rounding(step, shown_nj)


class CoarseView:
    """Reads the full feeds as a client does, and writes the coarse one.

    Args:
        lanes: The agent's lanes.
        feeds: Their feeds.

    Attributes:
        feed: The coarse feed.
        lane: What is offered of it; without channels where none can be coarse.
        resolution_j: The largest step.
    """

    def __init__(self, lanes: Sequence[OfferedLane], feeds: Sequence[Feed]) -> None:
        self._sources: list[tuple[Feed, bytes]] = []
        self._rounding: list[Rounding] = []
        channels: list[Channel] = []
        for lane, feed in zip(lanes, feeds, strict=True):
            codes = []
            for channel in lane.channels:
                found = coarse(channel)
                codes.append((1 << 16) - 1 if found is None else len(channels))
                if found is not None:
                    channels.append(found[0])
                    self._rounding.append(found[1])
            self._sources.append((Feed(fd=feed.fd), np.array(codes, np.uint16).tobytes()))
        self._untold = np.zeros(len(channels), np.int64)  # how often each was off that no row has said
        self.feed = Feed(KEPT_S * max(len(channels), 1))
        self.lane = OfferedLane(LANE, tuple(channels), {"rate_hz": RATE_HZ, "sampled_by": "thread"})
        self.resolution_j = float(max((channel.scale.unit for channel in channels), default=STEP_J))

    def publish(self) -> None:
        """Adds the last reading of each counter."""
        rows = b"".join(row for feed, codes in self._sources for row in self._rows(feed.drain(codes)[0]))
        self.feed.write(rows)

    def _rows(self, taken: Columns) -> Iterator[bytes]:
        n = taken.length
        channel = np.frombuffer(taken.channel, np.uint16)[:n]
        for code in np.unique(channel).tolist():
            rows = np.flatnonzero(channel == code)
            at, told = int(rows[-1]), np.frombuffer(taken.status, np.uint16)[rows]
            t_ns = int(np.frombuffer(taken.t_ns, np.int64)[at])
            read_ns = int(np.frombuffer(taken.read_ns, np.uint32)[at])
            status, raw = int(told[-1]), 0
            self._untold[code] += times_off(told).sum()
            if is_read(told)[-1]:
                if status != UNCOUNTED:  # off as often as in all that it stands for; else a later row has it
                    times = min(int(self._untold[code]), UNCOUNTED - 1)
                    status, self._untold[code] = UNCOUNTED + times if times else 0, 0
                raw = self._rounding[code](int(np.frombuffer(taken.raw, np.uint64)[at]))
            yield _ROW.pack(t_ns, raw, _NO_SENSOR_TIME, read_ns, code, status)


_NO_SENSOR_TIME = -(1 << 63)
