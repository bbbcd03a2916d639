"""Lanes: which channels one native sampler reads together, and how often.

A lane is named by its channels (``channel.lane``): one a package, one a GPU, so that a slow
interface never delays a fast one. A channel that gains nothing beyond some rate says so
(``timing.rate_max_hz``), and its lane is read no faster.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from numbers import Real
from typing import Any

from ..channel import Channel, Kind
from ..errors import BadRate, MicrojouleError
from ..units import BYTES_PER_MIB, NS_PER_S, NS_PER_US
from ..value_class import dataclass
from .idle_tick import why_not
from .native import Sampler, reader_names

RATE_MIN_HZ = 1.0
RATE_MAX_HZ = 20_000.0
RATE_HZ = 1000.0
KERNEL_RATE_HZ = 2000.0
"""Of lanes that the kernel samples, where nothing else is asked for.

RAPL is updated 1,024 times a second. Reads a little less often say nothing of when; twice as many say nearly
all (docs/accuracy.md), and cost 0.2 % of a core where the kernel takes them. A thread pays for each.
"""

# Edge-locked lanes. A counter quicker than this leaves no time to sleep between two updates; the
# spin covers the jitter that updates are known to have, at a bounded share of a core.
UPDATE_MIN_NS = 200 * NS_PER_US
SPIN_SHARE = 10  # the spin reaches at most this part of an update to each side
ONE_IN_MAX = 10_000
ABOUT_AS_QUICK = 1.25

# By who runs the command, and by lanes of their own (:mod:`.meter_lane`, :mod:`.agent_lane`).
READ_ELSEWHERE = ("rusage", "meter", "agent")
RING_S = 30  # how long a program may hold the GIL before a reading is dropped
RING_BYTES_MAX = 64 * BYTES_PER_MIB
ROW_BYTES = 32  # sizeof(struct uj_sample)

NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How often and how punctually to read.

    Attributes:
        rate_hz: Reads of each channel a second, 1 to 20 000; edge-locked, of the lanes that have no
            counter to follow.
        kernel_rate_hz: The same of the lanes that the kernel samples; None: ``rate_hz``.
        edges: Edge-locked: read only on both sides of one in so many updates of each lane's counter,
            1 to 10 000; 0: at the rate.
        spin_ns: Wake this long before each deadline and spin: punctual, and costs a core's share.
        fifo_priority: Ask for SCHED_FIFO at this priority, 1 to 99; 0: do not.
        cpus: Run on these CPUs only; empty: on those of the lane's package.
        kernel: Let the kernel read a package's perf events in its own timer interrupt, at a fraction of
            the CPU time; where it will not, or stops, the lane's thread does (``csrc/pace_kernel.c``).
            None: where nothing else is asked of the thread and the kernel will not throttle it
            (:mod:`.idle_tick`).
    """

    rate_hz: float = RATE_HZ
    kernel_rate_hz: float | None = None
    edges: int = 0
    spin_ns: int = 0
    fifo_priority: int = 0
    cpus: tuple[int, ...] = ()
    kernel: bool | None = None

    def __post_init__(self) -> None:
        for rate_hz in (self.rate_hz, self.rate_by_kernel_hz):
            if not RATE_MIN_HZ <= rate_hz <= RATE_MAX_HZ:
                raise BadRate(
                    f"A rate of {rate_hz:g} Hz is out of range",
                    f"Choose {RATE_MIN_HZ:g} to {RATE_MAX_HZ:g} Hz; {RATE_HZ:g} Hz is usual",
                )
        if not 0 <= self.edges <= ONE_IN_MAX:
            raise BadRate(
                f"One in {self.edges} updates cannot be followed",
                f"Choose 1, every update, to {ONE_IN_MAX}",
            )

    @property
    def rate_by_kernel_hz(self) -> float:
        """Reads a second of the lanes that the kernel samples."""
        return self.rate_hz if self.kernel_rate_hz is None else self.kernel_rate_hz

    def rate_of(self, channels: Collection[Channel]) -> float:
        """Reads a second where it reads these."""
        return self.rate_by_kernel_hz if self.pace(channels) == "kernel" else self.rate_hz

    def pace(self, channels: Collection[Channel]) -> str:
        """The word for how it waits where it reads these: one of ``microjoule.host.sampling_cost.PACES``."""
        if self.edges:
            return "edges"
        lanes = {
            channel.lane: [each for each in channels if each.lane == channel.lane] for channel in channels
        }
        if any(not self.why_not_kernel(members) for members in lanes.values()):
            return "kernel"
        return "hybrid" if self.spin_ns else "sleep"

    def why_not_kernel(self, channels: Collection[Channel]) -> str:
        """Why the kernel is not to sample a lane of these channels; empty: it is."""
        if self.edges or self.kernel is False or not is_for_kernel(channels):
            return NOT_ASKED
        if self.kernel:
            return ""
        if self.spin_ns or self.fifo_priority:
            return NOT_ASKED
        why = why_not(round(NS_PER_S / self.rate_by_kernel_hz), next(iter(channels)).access.cpu)
        return f"left to the thread: {why}" if why else ""


USUAL = Cadence(kernel_rate_hz=KERNEL_RATE_HZ)


def cadence_of(rate: float | str | Cadence | None) -> Cadence:
    """A cadence as it is given to ``record``: itself, reads a second, ``"edges"``; None: the usual one."""
    if rate is None:
        return USUAL
    if isinstance(rate, Cadence):
        return rate
    if rate == "edges":
        return Cadence(edges=1)
    if not isinstance(rate, Real):
        raise BadRate(f"A rate of {rate!r} is not known", 'Give a number of hertz, or "edges"')
    return Cadence(rate_hz=rate)


class Lane:
    """One native sampler with the channels that it reads.

    Args:
        name: Of the lane.
        channels: What it reads.
        codes: The code of each channel in the file's dictionary, by id.
        cadence: What was asked for; the lane may read more slowly.
    """

    def __init__(
        self, name: str, channels: Iterable[Channel], codes: Mapping[str, int], cadence: Cadence
    ) -> None:
        self.name = name
        self.channels = tuple(channels)
        self.lead = lead_of(self.channels) if cadence.edges else None
        self.one_in = cadence.edges
        self.why_not_kernel = cadence.why_not_kernel(self.channels)
        self.rate_hz = lane_rate_hz(self.channels, cadence.rate_hz)
        kernel_hz = lane_rate_hz(self.channels, cadence.rate_by_kernel_hz)
        period_ns = round(NS_PER_S / self.rate_hz)
        pace: tuple[Any, ...] = (cadence.spin_ns, cadence.fifo_priority, cadence.cpus)
        rows_per_s = (self.rate_hz if self.why_not_kernel else kernel_hz) * len(self.channels)
        if self.lead is not None:
            period_ns = int(self.lead.timing.update_ns or 0)
            spin_ns = cadence.spin_ns or period_ns // SPIN_SHARE
            pace = (spin_ns, *pace[1:], "edges", cadence.edges, codes[self.lead.id])
            self.rate_hz = NS_PER_S / period_ns / cadence.edges
            rows_per_s = 2 * self.rate_hz * len(self.channels)
        ring_rows = int(min(rows_per_s * RING_S, RING_BYTES_MAX // ROW_BYTES))
        table = [
            (c.access.reader, c.access.path, c.access.type, c.access.config, c.access.cpu, codes[c.id])
            for c in self.channels
        ]
        sampler: Sampler | None = None
        if not self.why_not_kernel:
            # Where the events are: a thread that runs there brings back the tick of an idle CPU.
            by_kernel = (*pace[:2], cadence.cpus or (self.channels[0].access.cpu,), "kernel", 1, 0)
            try:
                sampler = Sampler(name, table, round(NS_PER_S / kernel_hz), ring_rows, by_kernel)
                self.rate_hz = kernel_hz
            except (MicrojouleError, OSError, ValueError) as error:
                self.why_not_kernel = f"refused: {error}"
        self.sampler = sampler or Sampler(name, table, period_ns, ring_rows, pace)
        self.ring_s = self.sampler.capacity / rows_per_s

    @property
    def settle_ns(self) -> tuple[int, int]:
        """What to wait before and between last readings: :func:`settle_ns` of its channels."""
        return settle_ns(self.channels)

    def counts(self) -> dict[str, int]:
        """What it has done until now, by the names of ``schema.LANE_COUNTS``."""
        counts = self.sampler.counts()
        return {**counts, "by_kernel": int(counts["kernel"] == 1)}

    def facts(self) -> dict[str, Any]:
        """What the trace file says of the lane, once its thread has started."""
        counts = self.sampler.counts()
        return {
            "rate_hz": self.rate_hz,
            "lead": self.lead.id if self.lead else None,
            "one_in": self.one_in if self.lead else None,
            "ring_s": round(self.ring_s, 1),
            "fifo": granted(counts["fifo"]),
            "pinned": granted(counts["pinned"]),
            "locked": granted(counts["locked"]),
            "sampled_by": "kernel" if counts["kernel"] == 1 else "thread",
            # Until when it sampled say the rows ``by_kernel``: a kernel may throttle it at any time.
            "kernel": self.why_not_kernel
            or ("started" if counts["kernel"] == 1 else granted(counts["kernel"])),
        }


def settle_ns(channels: Collection[Channel]) -> tuple[int, int]:
    """(lag + one update, the longest update): what to wait before and between last readings.

    Of gauges only those whose power nothing else counts, and which are means of a past window:
    half of it, as the recorder waits twice as long.
    """
    timings = [channel.timing for channel in channels if channel.kind is Kind.COUNTER]
    first = max((timing.lag_ns + (timing.update_ns or 0) for timing in timings), default=0)
    counted = {channel.physical_id for channel in channels if channel.kind is Kind.COUNTER}
    means = [
        channel.timing
        for channel in channels
        if channel.kind is Kind.GAUGE and not counted & set(channel.trust.parents)
    ]
    half = max(((each.window_ns or 0) // 2 + (each.update_ns or 0) for each in means), default=0)
    return max(first, half), max((timing.update_max_ns for timing in timings), default=0)


def is_for_kernel(channels: Iterable[Channel]) -> bool:
    """Whether the kernel can sample these: perf events of one CPU, at least one."""
    ways = {(channel.access.reader, channel.access.cpu) for channel in channels}
    return len(ways) == 1 and all(reader == "perf" and cpu >= 0 for reader, cpu in ways)


def cpus_of(channels: Iterable[Channel], packages: Mapping[str, Collection[int]]) -> tuple[int, ...]:
    """Where a lane should run: a read from inside the package needs no interrupt.

    A lane is left alone where its package is all that this process may use, or none of it, and where it
    reads anything but one whole package.

    Args:
        channels: The lane's.
        packages: The CPUs of each package, by its number in decimals, as JSON keeps it.
    """
    import os

    places = {channel.place for channel in channels if channel.place.device != "psys"}
    numbers = {place.number for place in places if place.device == "package" and place.die is None}
    if len(numbers) != 1 or len({(place.device, place.number, place.die) for place in places}) != 1:
        return ()
    allowed = os.sched_getaffinity(0)
    inside = allowed & set(packages.get(str(numbers.pop()), ()))
    return tuple(sorted(inside)) if inside != allowed else ()


def granted(code: int) -> str:
    """``yes``, ``not asked``, or the sentence of why not."""
    import os

    return {0: NOT_ASKED, 1: "yes"}.get(code) or f"refused: {os.strerror(-code)}"


def lane_rate_hz(channels: Iterable[Channel], rate_hz: float) -> float:
    """The rate that a lane of these channels gets of the one that was asked for."""
    limits = [channel.timing.rate_max_hz for channel in channels]
    return min([rate_hz, *(limit for limit in limits if limit is not None)])


def lead_of(channels: Iterable[Channel]) -> Channel | None:
    """The counter whose updates an edge-locked lane follows: the first of the quick ones; None: none."""
    able = [
        channel
        for channel in channels
        if channel.kind is Kind.COUNTER
        and channel.provenance == "measured"
        and UPDATE_MIN_NS <= (channel.timing.update_ns or 0) <= NS_PER_S
    ]
    quickest_ns = min((channel.timing.update_ns or 0 for channel in able), default=0)
    # Of counters that move together the first: calibrated periods differ by their last digits.
    quick = (c for c in able if (c.timing.update_ns or 0) <= ABOUT_AS_QUICK * quickest_ns)
    return next(quick, None)


def open_lanes(
    channels: Iterable[Channel],
    codes: Mapping[str, int],
    cadence: Cadence,
    packages: Mapping[str, Collection[int]],
) -> tuple[list[Lane], dict[str, str]]:
    """Opens a lane for each name among the channels.

    A channel that cannot be opened after all is left out and named, and the rest goes on.

    Args:
        channels: What to read.
        codes: Each channel's code in the file's dictionary.
        cadence: Rate and pace of all lanes.
        packages: The CPUs of each package, by its number, near which lanes run where the cadence names no
            CPUs of its own.

    Returns:
        The lanes, and what was left out: channel id to sentence.

    Raises:
        BadRate: Edges were asked for, and no lane has a counter to follow.
    """
    readers = reader_names()
    channels = tuple(channels)
    native = [channel for channel in channels if channel.access.reader in readers]
    left_out = {
        channel.id: f"This build of microjoule has no reader {channel.access.reader!r}. "
        "Add it to csrc/readers.c and install again."
        for channel in channels
        if channel.access.reader not in readers and channel.access.reader not in READ_ELSEWHERE
    }
    if cadence.edges and lead_of(native) is None:
        raise BadRate(
            "No counter here has updates that can be followed: each is estimated, or its update period is "
            "not known, or too quick",
            "Run `uj probe --calibrate`, or choose a rate in hertz",
        )
    lanes: list[Lane] = []
    for name in dict.fromkeys(channel.lane for channel in native):
        members = [channel for channel in native if channel.lane == name]
        pace = replace(cadence, cpus=cadence.cpus or cpus_of(members, packages))
        try:
            lanes.append(Lane(name, members, codes, pace))
        except (MicrojouleError, OSError, ValueError):
            able, why = _able(name, members, codes, pace)
            left_out |= why
            if able:
                lanes.append(Lane(name, able, codes, pace))
    return lanes, left_out


def _able(
    name: str, members: list[Channel], codes: Mapping[str, int], pace: Cadence
) -> tuple[list[Channel], dict[str, str]]:
    """Those of a lane's channels that can be opened one by one, and why the others cannot."""
    able: list[Channel] = []
    why: dict[str, str] = {}
    for channel in members:
        try:
            Lane(name, [channel], codes, pace)
        except (MicrojouleError, OSError, ValueError) as error:
            why[channel.id] = str(error)
        else:
            able.append(channel)
    return able, why
