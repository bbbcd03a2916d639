"""The energy of windows by their name: how much all windows of a name used, and how much one of them.

A program marks its steps while it runs, so windows say where power changes. Two plain readings at the edges
of a short window know little; many windows of the same name, over many updates of a counter, know a lot. So
the windows of a trace are taken as *states* (:mod:`microjoule.joules.profiling.occupancy`) with a power
each, which is found as that of kernels is (:mod:`microjoule.joules.profiling.attribution`), and what had
been counted at each mark follows from these and from the updates around it
(:mod:`microjoule.joules.marks.mark_positions`). The energy of a name is the sum over its windows, as
``trace.energy(name)`` gives it. The method says what it rests on:

* *bracketed*: each window outlasts the updates of the counter: on what was counted inside and around it;
* *regression*: windows are too short for that: on the power that all of them have by the fit;
* *not separable*: the fit cannot tell the power of names whose windows come in a fixed proportion: they have
  one figure together;
* *readings*: a power gauge, or a counter with too few updates to fit: on the readings around each window.

A name's energy is *inclusive*: windows inside it count. ``own`` leaves out the time in which a window of
another name was open inside. Of windows of several names that are open at once, the innermost is taken to be
the one whose name has the shortest windows.

Variation: the variance of single windows is that of the energies themselves plus that of measuring each. The
variation from window to window is what remains when the second is subtracted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...late import shown
from ...trace.series import I64
from ...trace.window_columns import WindowColumns
from ...units import seconds
from ...value_class import dataclass
from ..counters.counter import Counter
from ..counters.uncounted import once
from ..estimates.code_dependence import labelled
from ..estimates.estimate import Estimate, summed
from ..estimates.total import covered
from .attribution import INSEPARABLE, methods
from .occupancy import Occupancy
from .occupancy import merged as pieces_of
from .reserved_names import CUT_WINDOWS, NO_WINDOW
from .separability import Item
from .window_groups import WindowGroups

if TYPE_CHECKING:
    from ..energy_trace import Trace

F64 = npt.NDArray[np.float64]

READINGS = "readings"
METHODS = (READINGS, "bracketed", "regression", INSEPARABLE)
"""From the one that assumes least to the one that says least: of several channels the last one is named."""

SINGLES = 1000  # windows of a name whose single energies are looked at; more would show the same
RANKS = frozenset({"rank", "local_rank", "exit_code", "signal"})  # attributes that number things: no amounts
_AMOUNT_MAX = 1e100  # no sum of such amounts overflows, nor the square of an uncertainty over or times one
FEWEST = 5  # single windows below which a spread tells nothing
PERCENTILES = (5, 50, 95)
_RESOLVED = 0.5  # of the spread of single windows, the most that measuring each may be for percentiles


@dataclass(frozen=True, slots=True, kw_only=True)
class NameEnergy:
    """What the windows of one name used.

    Attributes:
        name: Of the windows; several joined by `` + `` where they cannot be separated. ``(no window)`` is the
            time that no window covers; a window that is called so is ``"(no window)"``.
        names: The same as a tuple.
        count: How many windows there are that the recording holds whole; only these have part in the figures.
        cut: How many it does not hold whole.
        time_s: How long any of them was open.
        window_s: The mean length of a window.
        energy: All that was used while one was open, in J.
        own: The same without windows of other names inside; None: nothing was inside, or it cannot be
            separated.
        per_window: ``energy`` divided by ``count``.
        per_unit: ``energy`` divided by the sum of each numeric attribute that all of its windows have: of
            ``uj.window("decode", tokens=12)`` the joules per token are ``per_unit["tokens"]``.
        power: ``energy`` divided by ``time_s``.
        share: Of the energy of the whole trace, 0 to 1; None: that is not known.
        method: One of ``METHODS``, of the channel that needed the last one.
        sd_j: Variation from window to window, with that of measuring taken off; None: not known.
        percentiles_j: By percent, where single windows can be resolved; else empty.
        channels: By channel id the figure of each channel of energy or power; ``energy`` is the sum over
            those that do not overlap.
    """

    name: str
    names: tuple[str, ...]
    count: int
    cut: int
    time_s: float
    window_s: float
    energy: Estimate
    own: Estimate | None
    per_window: Estimate
    per_unit: Mapping[str, Estimate]
    power: Estimate
    share: float | None
    method: str
    sd_j: float | None
    percentiles_j: Mapping[int, float]
    channels: Mapping[str, Estimate]

    _repr_html_ = shown("named")


def by_name(trace: Trace) -> tuple[NameEnergy, ...]:
    """A row for each name of the trace's windows, in the order in which names first appear.

    The last row is the time that no window covers, where there is any.

    Args:
        trace: The trace, in memory or streamed.
    """
    if not len(trace.window_columns):
        return ()
    trace.unwrap_all()
    whole = trace.energy()
    groups, occupancy = trace.mark_fits.groups, trace.mark_fits.occupancy
    merged: tuple[tuple[str, ...], ...] = tuple((name,) for name in groups.whole if name != CUT_WINDOWS)
    while True:  # names that one channel cannot separate have one row in all of them
        found = {id_: _of_channel(trace, id_, groups, occupancy, merged) for id_ in trace.energy_channels}
        joined = _joined(merged, found)
        if joined == merged:
            break
        merged = joined
    ids = [id_ for id_ in covered({id_: trace.channels[id_] for id_ in found}) if id_ not in trace.dead]
    rows = [_row(trace, groups, each, found, ids, whole.total.value) for each in (*merged, (NO_WINDOW,))]
    cut = {name: len(group) - len(groups.whole.get(name, ())) for name, group in groups.every.items()}
    return tuple(
        replace(row, cut=sum(cut.get(name, 0) for name in row.names)) for row in rows if row is not None
    )


class _Figures:
    """One channel's figures: of each group of names the energy, and that of its own time."""

    def __init__(self) -> None:
        self.energy: dict[tuple[str, ...], tuple[str, Estimate]] = {}
        self.own: dict[tuple[str, ...], Estimate] = {}
        self.cut: list[tuple[str, ...]] = []  # names that this channel cannot separate
        self.time_ns: dict[tuple[str, ...], int] = {}


def _items(
    groups: WindowGroups, occupancy: Occupancy, merged: Sequence[tuple[str, ...]]
) -> tuple[list[Item], list[Item]]:
    """What is asked of a channel: each group's states, and those of its own time."""
    names = tuple(groups.whole)
    number = {name: i for i, name in enumerate(names)}
    length_ns = [groups.length_ns[name] / len(group) for name, group in groups.whole.items()]
    innermost = [min(state, key=lambda i: (length_ns[i], i)) if state else -1 for state in occupancy.states]
    inclusive, own = [Item(NO_WINDOW, (0,))], []
    for each in merged:
        members = {number[name] for name in each}
        states = tuple(s for s, state in enumerate(occupancy.states) if members & state)
        mine = tuple(s for s in states if innermost[s] in members)
        inclusive.append(Item(_key(each), states))
        if mine != states:
            own.append(Item(_key(each), mine))
    return [item for item in inclusive if item.states], [item for item in own if item.states]


def _key(names: tuple[str, ...]) -> str:
    """What no single window is called: one may have the title of several others."""
    return "\0".join(names)


def _title(names: tuple[str, ...]) -> str:
    return " + ".join(names)


def _of_channel(
    trace: Trace,
    channel_id: str,
    groups: WindowGroups,
    occupancy: Occupancy,
    merged: Sequence[tuple[str, ...]],
) -> _Figures:
    """The figures of one channel, and the method that its readings allow for each."""
    inclusive, own = _items(groups, occupancy, merged)
    found = _Figures()
    group_of = {_key(each): each for each in merged}
    found.time_ns = {
        group_of.get(item.name, (item.name,)): sum(occupancy.time_ns(s) for s in item.states)
        for item in inclusive
    }
    fitted = None if channel_id in trace.dead else trace.mark_fits.fit(channel_id)
    known = {item.name for item in inclusive}
    for key, each in group_of.items():
        if key not in known:  # its windows have no length
            found.energy[each] = (
                READINGS,
                trace.mark_fits.together(channel_id, *_edges(trace, groups.whole[each[0]][:1])),
            )
    method_of = {item.name: READINGS for item in inclusive}
    for keys, method, _ in methods(fitted, inclusive) if fitted else ():
        method_of |= dict.fromkeys(keys, method)
        if len(keys) > 1:
            found.cut.append(tuple(name for key in keys for name in group_of.get(key, (key,))))
    apart = {key for (key, *_), method, _ in methods(fitted, own) if method != INSEPARABLE} if fitted else ()
    of_own = [item for item in own if item.name in apart]
    of_names = [item for item in inclusive if item.name != NO_WINDOW]
    energies = _energies(trace, channel_id, occupancy, [item.states for item in (*of_own, *of_names)])
    for item, energy in zip(of_own, energies, strict=False):
        found.own[group_of[item.name]] = energy
    if len(of_names) < len(inclusive):
        found.energy[NO_WINDOW,] = (method_of[NO_WINDOW], _rest(trace, channel_id, occupancy))
    for item, energy in zip(of_names, energies[len(of_own) :], strict=True):
        found.energy[group_of.get(item.name, (item.name,))] = (method_of[item.name], energy)
    return found


def _energies(
    trace: Trace, channel_id: str, occupancy: Occupancy, choices: Sequence[Sequence[int]]
) -> list[Estimate]:
    """What was used while any of some states was so, of each choice of states."""
    pieces = [pieces_of(occupancy, states).T.copy() for states in choices]
    # Hundreds of names of one window each are worked out at once.
    single = [each for each in pieces if each.shape[1] == 1]
    known = iter(trace.mark_fits.estimates(channel_id, *np.hstack(single)) if single else ())
    return [
        next(known) if each.shape[1] == 1 else trace.mark_fits.together(channel_id, *each) for each in pieces
    ]


def _rest(trace: Trace, channel_id: str, occupancy: Occupancy) -> Estimate:
    """What no window covers: all that was used, less what the windows did."""
    meter, span, some = trace.meter(channel_id), trace.span, range(1, len(occupancy.states))
    whole = trace.mark_fits.together(channel_id, np.array([span.t0_ns]), np.array([span.t1_ns]))
    if not some:
        return whole
    t0_ns, t1_ns = pieces_of(occupancy, [0]).T.copy()
    bounds = meter.bounds(t0_ns, t1_ns) if isinstance(meter, Counter) else meter.energies(t0_ns, t1_ns)
    rest = whole - _energies(trace, channel_id, occupancy, [some])[0]
    if isinstance(meter, Counter):
        rest = once(meter.resets.losses, rest, t0_ns, t1_ns)
    low, high = math.fsum(bounds.low), min(math.fsum(bounds.high), whole.high)
    value = None if rest.value is None else min(max(rest.value, low), high)
    return replace(rest, value=value, low=low, high=high, accuracy=whole.accuracy)


def _edges(trace: Trace, some: I64) -> tuple[I64, I64]:
    return trace.window_columns.t0_ns[some], trace.window_columns.t1_ns[some]


def _joined(
    merged: tuple[tuple[str, ...], ...], found: Mapping[str, _Figures]
) -> tuple[tuple[str, ...], ...]:
    """Groups of names joined where a channel cannot separate them; the time of no window joins nothing."""
    groups = [set(each) for each in merged]
    for of_channel in found.values():
        for cut in of_channel.cut:
            names = set(cut) - {NO_WINDOW}
            touching = [group for group in groups if group & names]
            if len(touching) > 1:
                groups = [group for group in groups if not group & names] + [set().union(*touching)]
    order = [name for each in merged for name in each]
    ranked = [tuple(sorted(group, key=order.index)) for group in groups]
    return tuple(sorted(ranked, key=lambda each: order.index(each[0])))


def _row(
    trace: Trace,
    groups: WindowGroups,
    names: tuple[str, ...],
    found: Mapping[str, _Figures],
    ids: Sequence[str],
    whole_j: float | None,
) -> NameEnergy | None:
    """The row of a group of names; None: no channel has a figure of it, or no time is in it."""
    code = trace.code_of(_title(names))
    measured = {id_: of.energy[names] for id_, of in found.items() if names in of.energy}
    figures = {id_: (method, labelled(one, code)) for id_, (method, one) in measured.items()}
    parts = [figures[id_] for id_ in ids if id_ in figures]
    if not parts or (names == (NO_WINDOW,) and len(parts) < len(ids)):
        return None
    none = np.empty(0, np.int64)
    windows = np.concatenate([groups.whole.get(name, none) for name in names])
    energy = summed([estimate for _, estimate in parts])
    own = [labelled(of.own[names], code) for id_, of in found.items() if id_ in ids and names in of.own]
    count = len(windows)
    time_s = seconds(max(of.time_ns.get(names, 0) for of in found.values()))
    total_s = seconds(sum(groups.length_ns.get(name, 0) for name in names))
    sd_j, percentiles = _spread(trace, ids, windows) if count >= FEWEST else (None, {})
    is_share = energy.value is not None and whole_j
    return NameEnergy(
        name=_title(names),
        names=names,
        count=count,
        cut=0,
        time_s=time_s,
        window_s=total_s / count if count else time_s,
        energy=energy,
        own=summed(own) if own and len(own) == len(parts) else None,
        per_window=energy / max(count, 1),
        per_unit={key: energy / total for key, total in _units(trace.window_columns, windows).items()},
        power=energy / Estimate(value=time_s, low=time_s, high=time_s, unit="s") if time_s else energy,
        share=energy.value / whole_j if is_share and energy.value is not None and whole_j else None,
        method=max((method for method, _ in parts), key=METHODS.index) if len(names) < 2 else INSEPARABLE,
        sd_j=sd_j,
        percentiles_j=percentiles,
        channels={id_: estimate for id_, (_, estimate) in figures.items()},
    )


def _units(windows: WindowColumns, some: I64) -> dict[str, float]:
    """The sums of the numeric attributes that all of some windows have, by key, where they are positive."""
    first = (key for noted in windows.noted(some[:1])[0] for key in noted)
    amounts: dict[str, list[float]] = {key: [] for key in first if key not in RANKS}
    for noted, which in windows.noted_blocks(some) if amounts else ():
        for key in list(amounts):
            values = [each.get(key) for each in noted]
            if not all(map(_is_amount, values)):
                del amounts[key]
                continue
            amounts[key] += np.array(values, np.float64)[which].tolist()
    sums = {key: math.fsum(each) for key, each in amounts.items()}
    return {key: total for key, total in sums.items() if total >= 1 / _AMOUNT_MAX}


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _AMOUNT_MAX


def _spread(trace: Trace, ids: Sequence[str], windows: I64) -> tuple[float | None, dict[int, float]]:
    """The variation from window to window without that of measuring, and percentiles where windows resolve.

    What all of them share (a gain, a lag, the power of their name) scatters nothing.
    """
    if not ids:
        return None, {}
    step = max(1, len(windows) // SINGLES)
    edges = _edges(trace, windows[::step][:SINGLES])
    every = np.sum([trace.mark_fits.values(id_, *edges) for id_ in ids], axis=0)
    known = np.isfinite(every)
    if known.sum() < FEWEST:
        return None, {}
    values = every[known]
    noise = np.sum([trace.mark_fits.noise_j2(id_, *(of[known] for of in edges)) for id_ in ids], axis=0)
    variance = float(values.var(ddof=1))
    own = variance - float(noise.mean())
    # How well a variance is known from n figures: its relative standard uncertainty is sqrt(2 / (n - 1)).
    if own <= 2 * variance * math.sqrt(2 / (len(values) - 1)):
        return None, {}
    is_resolved = float(np.median(np.sqrt(noise))) <= _RESOLVED * math.sqrt(own)
    found = np.percentile(values, PERCENTILES).tolist() if is_resolved else []
    return math.sqrt(own), dict(zip(PERCENTILES, found, strict=False))
