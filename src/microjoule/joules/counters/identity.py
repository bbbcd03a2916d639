"""Whether counters are what their channels say: judged by the readings, before anything is made of them.

- *Unit*. perf's count is a register's count, shifted by as many bits as the kernel takes the register's unit
  for. Every step is then a multiple of that power of two, so the steps tell the shift, and the unit of the
  register by the CPU's documents tells what one count is worth: ``register_unit / step``. A step that is
  finer than it should be proves another shift; a coarser one proves nothing.
- *Mirrors*. A guest may show one counter as several packages. Two readings of one counter are equal unless it
  moved between them, and never out of order. Two counters that happen to draw alike are apart by some
  constant; where counts begin at the opening that constant is not known, and only the noise of the steps
  tells two counters from one.
- *Parts that stand still*. Cores and DRAM draw power while their package does. A counter of theirs that never
  moves although the package's moved was never updated, and its zero is no energy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ...arrays import distinct
from ...channel import UNPLACED, Channel, Encoding, Kind
from ...trace.read_only import ReadOnly
from ...trace.series import I64, U64, Series
from ...units import NS_PER_S
from ...value_class import dataclass
from .unwrap import NJ_PER_J, counts, modulus, quantum

FLOOR_W = 0.1  # nothing awake draws less; asked because psys may move by whole joules
# A package cannot draw 0 W: a counter of one that never moved was never updated, as in many a VM.
_STILL_UPDATES = 20
_BITS = 1 << 32  # register counts after which every RAPL counter starts again
_MOVES = 5  # of a package, after which its parts must have moved
_LOOKED = 1 << 14  # readings that decide whether two counters are one
_EQUAL, _DISORDER = 0.3, 0.1  # shares of readings: at least equal, at most out of order, of a mirror
_NOISE = 16  # sizes of steps from which on two counters cannot agree by chance
_UNIT_DIFFERS = 0.01  # DRAM's 15.3 µJ for 2^-16 J is a rounding, a factor of 4 is not


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """What the readings say of the channels of a trace.

    Attributes:
        channels: As declared, with the units that the readings prove; a mirror is inside the counter that it
            mirrors, and a part that stands still is in no total.
        still: The parts that never moved while their package did.
        notes: What was found, a sentence each without its full stop.
    """

    channels: Mapping[str, Channel]
    still: frozenset[str]
    notes: tuple[str, ...]


class _Read(NamedTuple):
    """The first good readings of a counter, modulo its modulus."""

    t_ns: I64
    end_ns: I64
    counted: I64


def identified(declared: Mapping[str, Channel], series: Callable[[str], Series]) -> Identity:
    """What the readings say of channels.

    Args:
        declared: The channels as a trace's opening describes them.
        series: Gives the readings of one of them.
    """
    channels = dict(declared)
    notes: list[str] = []
    counters = [c for c in declared.values() if is_register(c)]
    good = {channel.id: _good(series(channel.id)) for channel in counters}
    for channel in counters:
        channels[channel.id] = found = in_own_unit(channel, good[channel.id].raw)
        notes += _unit_notes(channel, found)
    read = {c.id: _read(channels[c.id], good[c.id]) for c in counters}
    still = frozenset(c.id for c in counters if _is_still(c, good[c.id], read, channels))
    for name in still:
        channels[name] = _inside(channels[name], UNPLACED)
    mirrors = _mirrors([channels[c.id] for c in counters if c.id not in still], read)
    for name, original in mirrors.items():
        channels[name] = _inside(channels[name], channels[original].physical_id)
    notes += _mirror_notes(mirrors)
    return Identity(ReadOnly(channels), still, tuple(notes))


def in_own_unit(channel: Channel, raw: U64) -> Channel:
    """A channel with the unit that the steps of its count prove.

    Args:
        channel: The channel.
        raw: uint64[n], readings of it.
    """
    scale = channel.scale
    if scale.register_unit is None or not len(raw):
        return channel
    moved = int(np.bitwise_or.reduce(raw ^ raw[0]))
    step = moved & -moved
    if not 0 < step < scale.quantum:
        return channel
    unit = scale.register_unit / step
    found = replace(scale, unit=unit, quantum=step, modulus=step * _BITS, unit_source="readings")
    return replace(channel, scale=found)


def is_register(channel: Channel) -> bool:
    """Whether it counts the joules of a CPU or its board."""
    return is_joules(channel) and channel.trust.model is None and channel.place.device in ("package", "psys")


def is_joules(channel: Channel) -> bool:
    """Whether it counts energy."""
    return channel.kind is Kind.COUNTER and channel.scale.quantity == "J"


def _good(series: Series) -> Series:
    if series.valid is None:
        return series
    at = np.flatnonzero(series.valid)
    return Series(series.t_ns[at], series.read_ns[at], series.raw[at], series.status[at])


def _read(channel: Channel, good: Series) -> _Read:
    t_ns, read_ns, raw = good.t_ns[:_LOOKED], good.read_ns[:_LOOKED], good.raw[:_LOOKED]
    found = counts(raw, channel).view(np.int64)
    size = modulus(channel)
    if size < 1 << 63:
        found = found % size
    return _Read(t_ns, t_ns + read_ns.astype(np.int64), found)


def _inside(channel: Channel, parent: str) -> Channel:
    return replace(channel, trust=replace(channel.trust, parents=(parent,)))


def _unit_notes(declared: Channel, found: Channel) -> list[str]:
    """What to say of a unit that is not the kernel's."""
    scale = found.scale
    if scale.unit != declared.scale.unit:
        kernel_nj = float(declared.scale.unit * scale.quantum) * NJ_PER_J
    elif found.encoding is Encoding.POWERCAP and scale.shown_nj:
        kernel_nj = float(scale.shown_nj)
    else:
        return []
    own_nj = float(scale.register_unit or scale.unit) * NJ_PER_J
    if abs(kernel_nj / own_nj - 1) < _UNIT_DIFFERS:
        return []
    return [
        f"{found.id}: this kernel takes a count for {kernel_nj / 1000:.3g} µJ, and this CPU counts "
        f"{own_nj / 1000:.3g} µJ: the figures here are {own_nj / kernel_nj:.3g} times the kernel's"
    ]


def is_broken(channel: Channel, still_ns: int) -> bool:
    """Whether a counter of what must draw power stood still for so long that it is not believed."""
    update_ns = max(channel.timing.update_ns or 0, channel.timing.update_max_ns)
    if not channel.place.always_draws or still_ns <= _STILL_UPDATES * update_ns or not update_ns:
        return False
    return still_ns / NS_PER_S * FLOOR_W > float(2 * channel.scale.quantum * channel.scale.unit)


def _is_still(
    channel: Channel, good: Series, read: Mapping[str, _Read], channels: Mapping[str, Channel]
) -> bool:
    """Whether a part that must draw never moved while its package did."""
    if not channel.place.part or not channel.place.always_draws or len(good) < 2:
        return False
    if good.raw[-1] != good.raw[0] or good.raw.min() != good.raw.max():
        return False
    whole = [c for c in channels.values() if c.id in read and c.place == channel.place.whole]
    moves = max((np.count_nonzero(np.diff(read[c.id].counted)) for c in whole), default=0)
    least_j = float(2 * quantum(channel) * channel.scale.unit)
    return bool(moves >= _MOVES) and FLOOR_W * float(good.t_ns[-1] - good.t_ns[0]) / NS_PER_S > least_j


def _mirrors(counters: list[Channel], read: Mapping[str, _Read]) -> dict[str, str]:
    """Of the counters of packages those that show another's: their id, and the other's."""
    originals: list[Channel] = []
    found: dict[str, str] = {}
    for channel in counters:
        if channel.place.device != "package" or channel.twin_of:
            continue
        alike = (c for c in originals if c.place.part == channel.place.part and c.scale == channel.scale)
        first = next((c.id for c in alike if _is_mirror(channel, read[c.id], read[channel.id])), None)
        if first is None:
            originals.append(channel)
        else:
            found[channel.id] = first
    return found


def _is_mirror(channel: Channel, one: _Read, other: _Read) -> bool:
    """Whether two counters are readings of one."""
    n = len(one.t_ns)
    if n < 2 or not len(other.t_ns) or not bool((np.diff(other.counted) != 0).any()):
        return False
    after = np.clip(np.searchsorted(one.t_ns, other.t_ns), 1, n - 1)
    nearest = after - (other.t_ns - one.t_ns[after - 1] < one.t_ns[after] - other.t_ns)
    apart = _between(one.counted[nearest], other.counted, channel)
    if channel.scale.starts_at_open:
        if not _is_noisy(one.counted, channel):
            return False
        sizes, times = np.unique(apart, return_counts=True)
        offset = int(sizes[times.argmax()])
    else:
        offset = 0
    before = np.searchsorted(one.end_ns, other.t_ns, "right") - 1
    behind = np.searchsorted(one.t_ns, other.end_ns)
    inner = np.flatnonzero((before >= 0) & (behind < n))
    early = _between(one.counted[before[inner]], other.counted[inner], channel) - offset < 0
    late = _between(other.counted[inner], one.counted[behind[inner]], channel) + offset < 0
    is_ordered = not len(inner) or float(np.mean(early | late)) <= _DISORDER
    return is_ordered and float(np.mean(apart == offset)) >= _EQUAL


def _is_noisy(count: I64, channel: Channel) -> bool:
    """Whether single updates differ so much that two counters cannot agree by chance."""
    steps = _between(count[:-1], count[1:], channel)
    steps = steps[steps > 0]
    return len(steps) > 0 and len(distinct(steps[steps < 1.5 * np.median(steps)])) >= _NOISE


def _between(first: I64, second: I64, channel: Channel) -> I64:
    """int64: from one count to another, by the shorter way around the modulus."""
    size = modulus(channel)
    if size >= 1 << 63:
        return second - first
    half = size // 2
    return (second - first + half) % size - half


def _mirror_notes(mirrors: Mapping[str, str]) -> list[str]:
    by_original: dict[str, list[str]] = {}
    for name, original in mirrors.items():
        by_original.setdefault(original, []).append(name)
    return [
        f"{', '.join(names)} {'shows' if len(names) == 1 else 'show'} the counter of {original}, "
        "equal at every tick: it is counted once"
        for original, names in by_original.items()
    ]
