"""The components of uncertainty of a counter's energies (docs/methods.md).

Of each edge of a window:

* *edges*: the updates around it are known to lie between two readings each, or on their grid. The count is
  interpolated between them, so that with p counts a second and a fraction f of the way from the left update
  to the right one, u² = p² ((1 - f)² s_l² + f² s_r²), s² being the gap between readings squared over 12.
  Where the gap g is about as long as the updates are apart (T), neighbours trail their readings by much the
  same, so a correlation of (g/T)² joins the two. On the grid the phase is common to both: p s. And what
  single updates scatter beyond that, as the counts around show.
* *swings*: power between two updates that the readings do not show (:mod:`.swings`, and
  :mod:`.slow_updates` of GPUs' counters).
* *quantisation*: a count is cut off, by anything up to a quantum: q/√12. Where a quantum is more than an
  update's energy, the counter shows it as soon as it is full: then that energy in its place (:mod:`.quanta`),
  and in front of the first one and behind the last what nobody saw of another one (:mod:`.cut_quanta`).
* *read time*: the value was true somewhere inside the read: p r/√12.

No edge can err by more than was counted between its two updates, and while these may have been. Where
readings are no denser than updates and come regularly, the *edges* of windows of one length differ by one of
two values: they are ``aliased``.

Of both edges of a window together, signed:

* *lag*: by how much the figure moves if the counter trails the energy by another lag than the middle of
  what is declared or was measured (:mod:`.lag`): by the one that moves it the most
  (:mod:`.lags_left_open`). Bounded, and of one cause in all windows of a channel. Where readings are no
  denser than updates, what is not known of the usual distance of updates acts in the same way.
* *phase*: of edges a few updates apart the grid's phase is nearly one (:mod:`.grid_phase`); of slow counters
  it is a part of *edges*, in groups of numbered updates.
* *steps*: of the steps that were not taken care of twice the mean, (P' - P) T/3: of windows that begin and
  end with their own steps it does not average. Of a window of an update or two what interpolation
  spreads of its own steps outside of it (:mod:`.short_windows`).

Of the whole window the *gain* and *offset* of the sensor, what of its error depends on the *code* that runs
(:mod:`.code_dependence`), and the power *model*.

The components of an edge carry the instant in their group, signed minus for a beginning: adjoining
windows share it, and their sum is as good as one window.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ...arrays import taken
from ...channel import Channel
from ...trace.series import I64
from ...units import NS_PER_S, seconds
from ..estimates.brackets import Brackets
from ..estimates.code_dependence import CODE
from ..estimates.uncertainty import ALIASED, BOUNDED, NORMAL, RECTANGULAR, ROOT_3, ROOT_12, Component
from .gap_edges import in_gaps
from .grid_phase import at_nodes, phase_ns, phases
from .interpolation import Interpolation, Segment
from .lags_left_open import farthest, tried_ns
from .quanta import cut_off, lateness
from .ripple import ripple
from .slow_updates import strays
from .sparse_readings import alike, apart_ns
from .swings import Skeleton, across, pulse, rare, steps
from .unwrap import quantum as channel_quantum
from .update_times import F64, SLOW_NS, Bools

_OF_TRIANGLE = 0.7  # of a slow sine and its margin: 1.2 to 1.3 from middle to tip, over √3
_DRAWN_OUT = 1 / 6  # of an update, in the mean: f (1 - f)
_BITS = 10  # of a count, to which what a lag moves is worked out
_EVEN = 0.12  # of an update: readings that stray less from equal distances march past the updates in step
_ROOM = 1.1  # of a device's limit, which its power is held to on average


class Edges(NamedTuple):
    """What is not known of the count at n instants: float64[n], in counts.

    Attributes:
        left: int64[n], the number of the last update up to each.
        is_aliased: Whether readings are no denser than updates there, and come regularly.
        is_hidden: Whether ``swings`` are mostly of a load nearly in step with the updates.
        beat: Signed: what the count has of that load's slow alias, which is not so of the load.
        is_of_three: Whether ``swings`` are of any phases of a load, at the instant and at both updates beside
            it: in a gap of the readings, or by how counts scatter.
        edges: Standard uncertainty from when its updates were.
        of_left: In a gap of the readings, and of a slow counter, that from when the update before it was; not
            in ``edges`` there.
        of_right: And the update after it.
        swings: From power that the readings do not show.
        quantisation: From whole counts.
        read_time: From reads that take a while.
        phase: Of the grid of updates; part of ``edges`` where it is not.
        drift: By how much that is another one an update later, where readings march slowly past updates.
        together: Updates of a slow counter over which all leave the same time open; 0 of others.
        rough: How much one update scatters.
        lagged: float64[n, m], what was counted between the instant and m others within half the lag, of
            which the first half comes before it.
        coarse: Half of what was counted in the time by which updates may be further apart than declared.
        steps: Signed; see the module.
    """

    left: I64
    is_aliased: Bools
    is_hidden: Bools
    is_of_three: Bools
    beat: F64
    edges: F64
    of_left: F64
    of_right: F64
    swings: F64
    quantisation: F64
    read_time: F64
    phase: F64
    drift: F64
    together: F64
    rough: F64
    lagged: F64
    coarse: F64
    steps: F64


def edges_of(
    between: Interpolation | None, skeleton: Callable[[], Skeleton], channel: Channel, windows: Brackets
) -> tuple[Edges, Edges]:
    """What is not known of the counts at the beginnings and at the ends of windows, the sensor apart.

    Args:
        between: The counter's updates; None: it never changed.
        skeleton: Gives how its power swings over long times; asked where readings have gaps.
        channel: What was declared of it.
        windows: The windows.
    """
    n = len(windows.value)
    instants, where = np.unique(np.concatenate((windows.t0_ns, windows.t1_ns)), return_inverse=True)
    if between is None:
        nothing = np.zeros(len(instants))
        quantum = nothing + channel_quantum(channel) / ROOT_12
        found = Edges._make(
            [
                *(np.full(len(instants), -1), *[nothing > 0] * 3, *[nothing] * 5, quantum, *[nothing] * 5),
                *(nothing[:, None], *[nothing] * 2),
            ]
        )
    else:
        x_ns = instants + channel.timing.middle_lag_ns
        pieces = [_edges(between, skeleton, channel, each) for each in between.segments(x_ns)]
        found = Edges(*(np.concatenate(columns) for columns in zip(*pieces, strict=True)))
    return taken(found, where[:n]), taken(found, where[n:])


def _edges(between: Interpolation, skeleton: Callable[[], Skeleton], channel: Channel, at: Segment) -> Edges:
    declared_ns = channel.timing.update_ns or channel.timing.update_max_ns
    near, f, p = at.near, at.part, at.power
    usual_ns = between.times.learned.usual_ns or declared_ns
    apart = apart_ns(at, usual_ns, channel.timing.update_max_ns, is_told=between.steps_are_told)
    power = np.where(at.x_ns < at.kink.at_ns, at.kink.before, at.kink.after)
    power = at.kink.trust * power + (1.0 - at.kink.trust) * p
    left, right = at.start.own_ns, at.end.own_ns
    coarse = apart > usual_ns
    left, right = np.where(coarse, apart / ROOT_12, left), np.where(coarse, apart / ROOT_12, right)
    quanta = lateness(near, apart, declared_ns, right)
    common = alike(at, right, apart, coarse & between.steps_are_told)
    shares = ((1 - f) * left) ** 2 + (f * right) ** 2 + 2 * common * f * (1 - f) * left * right
    # An update whose read was interrupted may be so far off that the instant is on its other side.
    is_wide = np.maximum(at.start.own_ns, at.end.own_ns) > usual_ns
    power = np.where(is_wide, np.maximum(power, (at.kink.before + at.kink.after) / 2), power)
    shares = np.where(is_wide, at.start.own_ns**2 + at.end.own_ns**2, shares)
    bracketed = power**2 * shares
    shape = (1 - f) ** 2 + f**2  # of two independent ends; noise of the power between them adds no more
    half_ns = channel.timing.half_lag_ns
    repeats = ripple(at, half_ns)
    is_cut, of_cut = cut_off(near, between.quantum)
    is_quick = (near.usual_ns < SLOW_NS) & ~is_cut  # loads near slow updates: slow_updates.in_step
    beat = strays(between, at, most_rate(channel), channel.timing.update_max_ns)
    hidden = _OF_TRIANGLE * beat.beyond(p * np.maximum(left, right) * ~near.is_dense)
    # Slow updates scatter by the alias of a load in step with them: what they show is in `hidden`.
    of_slow = np.sqrt(np.maximum(near.rough**2 - of_cut**2 - beat.size**2, 0.0))
    rough = np.where(is_quick, repeats.rough, of_slow)
    scatter = rough**2 * shape
    of_brackets = 2 * (1 - common) * (p * np.maximum(left, right)) ** 2
    more = np.maximum(rough**2 - of_brackets, 0.0) * shape
    is_on_grid = at.start.is_on_grid & at.end.is_on_grid
    phase, drift = (np.where(is_on_grid, power * each, 0.0) for each in phase_ns(at))
    own = np.where(is_on_grid, scatter, bracketed + more)
    # Of single quanta scatter is that of when each was full, which stands under quantisation. It comes in
    # patterns, 2 3 2 3 updates to a quantum, whose third differences show up to √3 times of it.
    own = np.where(near.is_single, np.maximum(own - (p * quanta.longest_ns) ** 2 / 4, bracketed), own)
    stepped = steps(at, p * np.where(coarse & between.steps_are_told, left, 0.0), half_ns)
    is_line = repeats.is_line & is_quick | quanta.is_steady
    inside, lost = _unlike(stepped, is_line, repeats.inside, hidden)
    swing = np.zeros(len(p))
    gap = np.flatnonzero(at.is_gap)
    if len(gap):
        swing[gap] = across(at, gap, skeleton(), usual_ns, between.times.seen_ns, between.quantum)
    swings = (
        inside**2
        + swing
        + np.maximum(
            np.maximum(repeats.inside * ~is_cut, hidden),
            pulse(at, most_rate(channel), half_ns) * ~quanta.is_steady,
        )
        ** 2
    )
    if usual_ns > channel.timing.update_max_ns:
        swings += rare(at) ** 2
    # What was counted between the two updates, and where these may have been, is all that can be wrong.
    most = (at.gained + float(between.quantum)) ** 2 / 12.0 + 3 * (p * np.maximum(left, right)) ** 2
    most = np.where(at.is_beyond | is_wide, np.inf, most)
    share = np.minimum(most, own + swings) / np.maximum(own + swings, 1e-300)
    whole = np.where(near.is_dense, np.minimum(between.quantum, p * quanta.longest_ns), between.quantum)
    # Both ends of a gap are the same for all instants in it, so that each is a cause by itself there; and a
    # slow counter's windows begin and end between the same two updates, or beside one of them.
    is_shared = (at.is_gap | near.is_dense & (usual_ns >= SLOW_NS)) & ~is_on_grid & ~is_wide & ~at.is_beyond
    of_left, of_right = (np.where(is_shared, power * u, 0.0) for u in ((1 - f) * left, f * right))
    own = np.maximum(own - of_left**2 - of_right**2, 0.0)
    read_ns = between.times.read_ns(np.maximum(at.left, 0))
    return Edges(
        at.left,
        ~near.is_dense & (near.uneven_ns < _EVEN * usual_ns),
        2 * hidden**2 > swings,
        at.is_gap | (2 * hidden**2 > swings) & (beat.turn == 0),
        beat.counted(f) * (hidden > 0),
        np.sqrt(own * share),
        of_left * np.sqrt(share),
        of_right * np.sqrt(share),
        np.sqrt(swings * share),
        # Of two whole counts, each cut off by itself, what is interpolated between them is off by less.
        np.hypot(whole / ROOT_12 * np.sqrt(shape + 2 * f * (1 - f) * quanta.alike), at.cut),
        p * read_ns / ROOT_12,
        phase,
        drift,
        np.full(len(p), float(between.times.learned.together if usual_ns >= SLOW_NS else 0)),
        # What is counted in a part of an update scatters by that part of it.
        rough * np.minimum(2 * half_ns / near.usual_ns, 1.0),
        _lagged(between, at, half_ns, usual_ns),
        power * np.where(coarse, apart - usual_ns, 0.0) / 2,
        lost,
    )


def _unlike(stepped: tuple[F64, F64], is_line: Bools, repeats: F64, hidden: F64) -> tuple[F64, F64]:
    """What is left of steps, :func:`.swings.steps`, beside what else they may be."""
    inside, lost = stepped
    # What swings within a few updates looks like steps between any two of them.
    inside = np.where(is_line, 0.0, inside)
    lost = np.where(is_line, np.clip(lost, -repeats, repeats), lost)
    # Either a slow load steps, or a quick one hides.
    return np.where(hidden > inside, 0.0, inside), np.where(hidden > np.abs(lost), 0.0, lost)


def most_rate(channel: Channel) -> float:
    """Counts a nanosecond that a device may draw by its limit; infinite where nobody says."""
    limit_w = channel.trust.power_limit_w
    return _ROOM * limit_w / count_worth(channel) / NS_PER_S if limit_w else math.inf


def _lagged(between: Interpolation, at: Segment, half_ns: float, usual_ns: float) -> F64:
    """float64[n, m]: counts between instants and those as far off as the lag may be, in both directions."""
    if not half_ns:
        return np.zeros((len(at.x_ns), 1))
    off_ns = tried_ns(half_ns, usual_ns)
    if half_ns > usual_ns:  # a step an update away or more is drawn out in its own one by the line through it
        off_ns = np.append(off_ns, half_ns + _DRAWN_OUT * usual_ns)
    either_ns = np.rint(np.concatenate(([0.0], -off_ns, off_ns))).astype(np.int64)
    asked: I64 = (at.start.t_ns + at.x_ns.astype(np.int64))[:, None] + either_ns
    inside = np.clip(asked, *between.times.located(np.array([0, len(between.times) - 1])).t_ns)
    counted = between.count(inside.ravel(), _BITS).reshape(asked.shape) / 2.0**_BITS
    counted += at.power[:, None] * (asked - inside)  # beyond the readings it is taken to go on
    found: F64 = np.abs(counted[:, 1:] - counted[:, :1])
    return found


def budgets(
    channel: Channel, machine: str, brackets: Brackets, begin: Edges, end: Edges, short: F64
) -> list[tuple[Component, ...]]:
    """The components of each window; none where it has no value.

    Args:
        channel: The counter's.
        machine: Whose it is: figures of two machines share no cause.
        brackets: The windows.
        begin: What is not known of their beginnings.
        end: And of their ends.
        short: float64[n], :func:`.short_windows.spread_outside`, or zeros.
    """
    name, scale = f"{channel.id}@{machine}", count_worth(channel)
    of_phase, of_both = phases(begin, end)
    is_slow = begin.together > 0  # what these share stands at nodes
    shared_phase = np.where(is_slow, 0.0, of_both[1] - of_both[0])
    own = [np.hypot(edge.edges, alone) for edge, alone in zip((begin, end), of_phase, strict=True)]
    own += [part for each in _OF_AN_EDGE for part in (getattr(begin, each), getattr(end, each))]
    stepped, lag = end.steps - begin.steps, _lag(begin, end)
    stepped = np.where(np.abs(short) > np.abs(stepped), short, stepped)
    # A quick load has any phase at both ends, with any lag and whatever a slow one would do there.
    any_phase = np.where((begin.beat != 0) & (end.beat != 0), begin.swings + end.swings, 0.0)
    stepped, lag = (np.where(np.abs(each) > any_phase, each, 0.0) for each in (stepped, lag))
    shared = [lag, shared_phase, stepped, (end.beat - begin.beat) / ROOT_3]
    # No cause can move the figure further than the guaranteed interval, which follows without a model.
    widest = (brackets.high - brackets.low) / ROOT_12
    columns = [np.clip(column * scale, -widest, widest) for column in (*own, *shared)]
    forms = [np.where(edge.is_aliased, ALIASED, RECTANGULAR) for edge in (begin, end)]
    hidden = [np.where(edge.is_hidden, ALIASED, RECTANGULAR) for edge in (begin, end)]
    forms += [
        np.where(edge.is_of_three, NORMAL, form) for edge, form in zip((begin, end), hidden, strict=True)
    ]
    gaps = in_gaps(name, begin, end, scale, widest)
    nodes = at_nodes(name, (begin, end), of_both, scale, widest)
    every = brackets.t0_ns, brackets.t1_ns, brackets.value, *forms, *columns
    found: list[tuple[Component, ...]] = []
    for i, row in enumerate(zip(*(each.tolist() for each in every), strict=True)):
        t0, t1, value, form0, form1, of0, of1, e0, e1, s0, s1, q0, q1, r0, r1, lag, phase, step, beat = row
        if math.isnan(value) or t0 == t1:
            found.append(())
            continue
        at, to = f"{name}/{t0}", f"{name}/{t1}"
        found.append(
            (
                Component("edges", -e0, form=form0, group=f"edge:{at}"),
                Component("edges", e1, form=form1, group=f"edge:{to}"),
                *gaps.get(i, ()),
                *nodes.get(i, ()),
                *([Component("swings", -s0, form=of0, group=f"swings:{at}")] if s0 else []),
                *([Component("swings", s1, form=of1, group=f"swings:{to}")] if s1 else []),
                *([Component("swings", beat, form=BOUNDED, group=f"beat:{name}")] if beat else []),
                Component("quantisation", -q0, form=RECTANGULAR, group=f"quantum:{at}"),
                Component("quantisation", q1, form=RECTANGULAR, group=f"quantum:{to}"),
                Component("read time", -r0, form=RECTANGULAR, group=f"read:{at}"),
                Component("read time", r1, form=RECTANGULAR, group=f"read:{to}"),
                *([Component("phase", phase)] if phase else []),
                *([Component("lag", lag, form=BOUNDED, group=f"lag:{name}")] if lag else []),
                *([Component("steps", step, form=RECTANGULAR, group=f"steps:{name}")] if step else []),
                *sensor(channel, machine, value, seconds(t1 - t0)),
            )
        )
    return found


_OF_AN_EDGE = ("swings", "quantisation", "read_time")


def count_worth(channel: Channel) -> float:
    """What a count is worth, in the unit of figures."""
    model = channel.trust.model
    return float(channel.scale.unit) * (model.value_w if model else 1.0)


def _lag(begin: Edges, end: Edges) -> F64:
    """How far windows can be off because of lag, as a standard uncertainty of a bounded form, signed."""
    farther = farthest(begin.lagged, end.lagged)
    # Half a lag before or after an edge holds half of this noise; the farther of two such sides is taken.
    of_noise = _of_noise(farther, begin.rough**2 + end.rough**2)
    # The true lag may be at its end, so that what is clearly more than noise is to keep all of it.
    lag = farther * (1.0 - of_noise**2)
    coarse = end.coarse - begin.coarse
    found: F64 = (lag + np.copysign(coarse, lag)) / ROOT_3
    return found


def beyond(values: F64, variance: F64) -> F64:
    """Values drawn towards zero by as much as noise of that variance explains of them."""
    return values * (1.0 - _of_noise(values, variance))


def _of_noise(values: F64, variance: F64) -> F64:
    """The share of the squares of values that noise of that variance explains, at most 1."""
    found: F64 = variance / np.maximum(np.maximum(values**2, variance), np.finfo(float).tiny)
    return found


def sensor(channel: Channel, machine: str, value: float, duration_s: float) -> list[Component]:
    """What the sensor, or the model in its place, adds; one group each for all of its windows."""
    trust, of = channel.trust, f"{channel.physical_id}@{machine}"
    found = []
    if trust.model is not None:
        # A symmetric interval must reach the farther end; all that one table models errs together.
        model = trust.model
        half = value * max(model.high_w - model.value_w, model.value_w - model.low_w) / model.value_w
        group = f"model:{model.source}@{machine}"
        found.append(Component("model", half / ROOT_3, form=RECTANGULAR, group=group))
    if trust.sensor is not None:
        sensor = trust.sensor
        divisor = 1.0 if sensor.form == NORMAL else ROOT_3
        found.append(Component("gain", value * sensor.gain / divisor, form=sensor.form, group=f"gain:{of}"))
        if sensor.code:
            found.append(Component(CODE, value * sensor.code, group=f"{CODE}:{of}"))
        if sensor.offset_w:
            offset = sensor.offset_w * duration_s / divisor
            found.append(Component("offset", offset, form=sensor.form, group=f"offset:{of}"))
    return found
