"""Power that the readings do not show: inside an update, inside a gap of the readings, or by alias. Pure.

What swings between two updates moves the count between them, and no update tells how. How much it may be is
taken from the swings that the updates around do show:

* *steps*: a segment whose neighbours differ by ΔP, and that of a ramp not explains: a step at a random
  instant inside moves the count by f (1 - f) ΔP T, √(1/30) ΔP T over all f. A ramp that is D a segment:
  D T f (1 - f)/2, √(1/120) D T.
* *ripple*: a sine of frequency f near that of the updates shows in them as its alias, |f - 1/T|, smaller by
  2 sin(π T |f - 1/T|) than it swings the count between them. So where the updates around show one sine and
  little else, at two cycles or so in 49 updates or more, it is taken for such an alias; but no ripple is
  larger than makes the power zero at its lows. Power that is synchronous with the updates, or nearly so,
  leaves no trace, and there is no 95 % statement about it.
* *gaps*: the readings say nothing for longer than several updates. How far the count is then from a
  straight line is known from the rest of the trace: from the mean square distance of its middle from the
  straight line over spans as long as the gap (:class:`Skeleton`).
* *rare*: of few updates around nobody can tell how power swings inside one, nor behind the last one. It is
  taken to scatter as theirs do, and where they are fewer than 12, by 1/√3 of itself in 2/(n + 1) of n updates
  at least: what was not seen in n cases is no rarer than that. Inside an update its ends are known, which
  leaves √(f (1 - f)) of it.
* *coarseness*: readings no denser than updates do not show when each update was. If power is steady, a count
  that has one update more or less than the others says how far updates are apart.
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays import distinct
from ..trace.series import I64
from ..units import NS_PER_MS
from .interpolation import Segment
from .update_times import AROUND, F64, Bools

_X = np.arange(-AROUND, AROUND + 1)
_WIDTH = len(_X)
_STEP = math.sqrt(1 / 30)  # root mean square of f (1 - f), over f from 0 to 1
_RAMP = (
    math.sqrt(1 / 120) / 2
)  # of half of that, with a segment's change as half of its neighbours' difference
_BIASED = 1.5  # of the mean by which steps are off: single ones are off by more
_UNEXPLAINED = 0.05  # of a step that a kink was fitted to
_CYCLES = 1.75  # in the neighbourhood, from which on a sine may be a ripple's alias
_CYCLES_MAX = 0.2 * (2 * AROUND + 1)  # a ripple further from the updates' frequency shows as what it is
_LOW = 12  # cycles in the neighbourhood, up to which swings are compared
_PURE = 0.4  # share of a sine in these swings, from which on they are one
_HARMONICS = 0.07  # of its square; a square wave's third is 0.11
_SUDDEN = 1.6  # times the largest change of a sine from one update to the next, beyond which power stepped
_OF_ROUGH = 12.0  # and standard uncertainties of a count, of which some are much off
_CLEAR = 8.0  # times the scatter there, for a line that is no noise: of 11 lines one in 300 is
_FLAT = 0.4  # of the lower half's median, that noise in the power is taken for: it has no such line
_SURE = 2.5  # standard deviations that scatter may have more than its mean
_MOST_THERE = 40  # segments, below which there is no spectrum
_RIPPLE_MAX = 0.165  # of an update's energy: the root mean square of a ripple that reaches zero power
_RIPPLE = 1.25  # distance from the straight line, in amplitudes of the alias over 2 sin
_FEW = 24  # updates around, below which their scatter says little of power between them
_BETWEEN = 0.7
_COARSE = 1.4  # of the declared time between updates, which jitter may exceed by as much
_BINS = 1 << 16
_BIN_NS = 8 * NS_PER_MS


def steps(segment: Segment) -> tuple[F64, F64]:
    """Standard uncertainty, in counts, of steps and ramps inside segments; and a kink's mean loss, signed."""
    kink, length, f = segment.kink, segment.length_ns, segment.part
    noise = (kink.one / segment.near.usual_ns) ** 2
    # What the power changes within the sides it changes in between too: the rest of the difference is a step.
    step = kink.ramp - np.clip(kink.sides, np.minimum(kink.ramp, 0.0), np.maximum(kink.ramp, 0.0))
    clear = np.sqrt(np.maximum(step**2 - 16 * noise, 0.0))  # four times what scatter makes of it
    left = 1.0 - (1.0 - _UNEXPLAINED) * kink.trust
    inside = np.hypot(clear * _STEP * left, kink.ramp * _RAMP * (1.0 - kink.trust)) * length
    beyond = np.sqrt(np.maximum((kink.after - kink.before) ** 2 - 4 * kink.noise, 0.0))
    inside = np.where(segment.is_gap, beyond * length * f * (1 - f) / math.sqrt(3.0), inside)
    likely = step * (1.0 - np.minimum(6 * noise / np.maximum(step**2, 6 * noise + 1e-300), 1.0))
    lost = np.where(segment.is_gap, 0.0, (1.0 - kink.trust) * likely * length / 3.0)
    return inside, _BIASED * (lost + _corner(segment))


def _corner(segment: Segment) -> F64:
    """Twice the mean by which a kink is off, in counts, signed, at instants near its corner.

    Where it stepped is known to σ = √(P² s² + P'² s²)/|P' - P|, s being that of one update. At the corner the
    count is the larger (or lesser) one of two lines that both scatter: too large (small) by 0.4 |P' - P| σ.
    """
    kink = segment.kink
    change = kink.after - kink.before
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        wide = np.hypot(kink.before, kink.after) * kink.one / np.maximum(segment.power, 1e-300)
        off = (segment.x_ns - kink.at_ns) * change / wide
        nearness = np.where(wide > 0, np.exp(-0.5 * np.minimum(off * off, 100.0)), 0.0)
    found: F64 = np.where(kink.trust > 0, 0.8 * kink.trust * np.sign(change) * wide * nearness, 0.0)
    return found


def ripple(segment: Segment) -> F64:
    """Standard uncertainty, in counts, of a ripple whose alias the updates around show; 0: they show none."""
    near = segment.near
    n = near.is_usual.sum(1)
    found = np.zeros(len(n))
    # Single quanta are not the timer's updates, and readings no denser than updates beat with them.
    asked = np.flatnonzero((n >= _MOST_THERE) & near.is_dense & ~near.is_single)
    if not len(asked):
        return found
    is_there = near.is_usual[asked]
    mean = np.where(is_there, near.rate[asked], 0.0).sum(1) / n[asked]
    swing = np.where(is_there, near.rate[asked] - mean[:, None], 0.0)
    swing -= ((swing * _X).sum(1) / (_X * _X).sum())[:, None] * _X
    spectrum = np.abs(np.fft.rfft(swing, axis=1)[:, 1:]) ** 2
    # Errors of the counts are least in their differences' lower frequencies, where all aliases lie.
    top = np.argmax(spectrum[:, : int(_CYCLES_MAX) + 1], axis=1) + 1
    level = _scatter(spectrum)
    # Power that is noise has as much in its lower frequencies as in all others.
    line = np.take_along_axis(spectrum, top[:, None] - 1, 1)[:, 0]
    is_clear = line > _CLEAR * np.maximum(
        level * _of_scatter(top), _FLAT * np.median(spectrum[:, :_LOW], axis=1)
    )
    scatter = level * (2 / _WIDTH)
    of_noise = _of_scatter(np.arange(1, _LOW + 1))
    low = spectrum[:, :_LOW].sum(1) * (2 / _WIDTH) - scatter * (of_noise.sum() + _SURE * _size(of_noise))
    for cycles in distinct(top[is_clear]).tolist():
        these = np.flatnonzero(is_clear & (top == cycles))
        of_sine, cycles_, is_alone = _sine(swing[these], cycles, scatter[these])
        of_all = np.maximum(low[these], of_sine)
        is_sine = is_alone & (cycles_ >= _CYCLES) & (cycles_ <= _CYCLES_MAX) & (of_sine > _PURE * of_all)
        rough = near.rough[asked[these]] / near.usual_ns[asked[these]]
        is_sine &= ~_is_sudden(swing[these], is_there[these], of_sine, cycles_, rough)
        usual = near.usual_ns[asked[these]]
        inside = _RIPPLE * np.sqrt(2 * of_sine / _WIDTH) * usual / (2 * np.sin(np.pi * cycles_ / _WIDTH))
        most = _RIPPLE_MAX * np.maximum(mean[these], 0.0) * usual
        found[asked[these]] = np.where(is_sine, np.minimum(inside, most), 0.0)
    return found


def _is_sudden(swing: F64, is_there: Bools, of_sine: F64, cycles: F64, rough: F64) -> Bools:
    """bool[n]: whether power changes from one update to the next by more than that sine and scatter explain.

    Of a square wave whose half periods wander the harmonics spread, and are no sign of it.
    """
    is_pair = is_there[:, 1:] & is_there[:, :-1]
    largest = np.where(is_pair, np.abs(np.diff(swing, axis=1)), 0.0).max(1)
    of_line = np.sqrt(2 * of_sine / _WIDTH) * 2 * np.sin(np.pi * cycles / _WIDTH)
    # Second differences of counts have √6 of their scatter, which is most where the power is.
    found: Bools = largest > _SUDDEN * of_line + _OF_ROUGH * math.sqrt(6.0) * rough
    return found


def _scatter(spectrum: F64) -> F64:
    """float64[n]: how much counts scatter, by what is seen in the upper frequencies of their differences.

    The differences of independent errors have sin²(π k/n) of it at k cycles in n.
    """
    level = np.median(spectrum[:, _LOW:] / _of_scatter(np.arange(_LOW + 1, spectrum.shape[1] + 1)), axis=1)
    found: F64 = level / math.log(2.0)  # the median of what is distributed exponentially, to its mean
    return found


def _size(values: F64) -> float:
    return math.sqrt(float((values * values).sum()))


def _of_scatter(cycles: F64 | I64) -> F64:
    found: F64 = np.sin(np.pi / _WIDTH * cycles) ** 2
    return found


def _sine(swing: F64, near: int, scatter: F64) -> tuple[F64, F64, Bools]:
    """Of each row the sine that fits it best, apart from a ramp.

    Args:
        swing: float64[n, m].
        near: About how many cycles it has in the row.
        scatter: float64[n], of the counts, which is no harmonic.

    Returns:
        float64[n], its sum of squares; float64[n], its cycles; bool[n], whether it has no harmonics, as a
        square wave has.
    """
    best, at, others = np.zeros(len(swing)), np.zeros(len(swing)), np.zeros(len(swing))
    for cycles in near + np.arange(-0.75, 1.0, 0.25):
        own = _fitted(swing, cycles)
        inside = [n * cycles for n in (2, 3) if n * cycles < _WIDTH / 2]
        of_noise = _of_scatter(np.array(inside))
        harmonics = sum(_fitted(swing, each) for each in inside)
        harmonics = harmonics - scatter * (of_noise.sum() + _SURE * _size(of_noise))
        is_better = own > best
        best, at = np.where(is_better, own, best), np.where(is_better, cycles, at)
        others = np.where(is_better, harmonics, others)
    return best, at, others < _HARMONICS * best


def _fitted(swing: F64, cycles: float) -> F64:
    """float64[n]: the sum of squares of the sine of so many cycles that fits each row, apart from a ramp."""
    angle = 2 * np.pi * cycles / _WIDTH * _X
    axes = np.linalg.qr(np.stack((np.ones(_WIDTH), _X, np.cos(angle), np.sin(angle)), axis=1))[0]
    found: F64 = (swing * axes[:, 2]).sum(1) ** 2 + (swing * axes[:, 3]).sum(1) ** 2
    return found


def rare(segment: Segment) -> F64:
    """Standard uncertainty, in counts, from power between few updates, and behind the last one; else 0."""
    near, found = segment.near, np.zeros(len(segment.power))
    n = near.is_usual.sum(1)
    these = np.flatnonzero((n < _FEW) & ~segment.is_gap & ~near.is_single | segment.is_beyond)
    if not len(these):
        return found
    is_there, n = near.is_usual[these], np.maximum(n[these], 1)
    power, f = np.maximum(segment.power[these], 1e-300), segment.part[these]
    off = np.where(is_there, near.rate[these] - power[:, None], 0.0)
    scatter = np.minimum(np.sqrt((off * off).sum(1) / n * (1 + 4 / n)) / power, 1.0)
    share = np.maximum(scatter, np.where(2 * n < _FEW, 2 / (n + 1) / math.sqrt(3.0), 0.0))
    between = share * segment.length_ns[these] * np.sqrt(f * (1 - f)) * _BETWEEN
    found[these] = power * np.where(segment.is_beyond[these], share * segment.x_ns[these], between)
    return found


def apart_ns(segment: Segment, declared_ns: int) -> F64:
    """float64[n]: how far updates may be apart where readings are no denser: a declared time or more."""
    near = segment.near
    usual = np.minimum(float(declared_ns), near.usual_ns)
    n = np.maximum(near.is_usual.sum(1), 1)
    mean = np.where(near.is_usual, near.rate, 0.0).sum(1) / n
    farthest = np.where(near.is_usual, np.abs(near.rate - mean[:, None]), 0.0).max(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(mean > 0, farthest / mean, 0.0) * near.usual_ns
    found = np.where(found > _COARSE * usual, found, usual)
    return np.minimum(found, np.maximum(near.apart_ns, usual))


class Skeleton:
    """The first update in each of many equal spans of a trace, to tell how power swings over long times.

    The spans are 8 ms long, or as many times the double as it takes to have no more than 65 536 of them.

    Args:
        first_ns: When they begin.
    """

    def __init__(self, first_ns: int) -> None:
        self._first_ns, self._bin_ns = first_ns, _BIN_NS
        self._t_ns, self._total = np.empty(0, np.int64), np.empty(0, np.int64)

    def add(self, t_ns: I64, total: I64) -> None:
        """Takes the next updates: when each was seen, and what had been counted by then."""
        self._t_ns, self._total = np.concatenate((self._t_ns, t_ns)), np.concatenate((self._total, total))
        self._thin()
        while len(self._t_ns) > _BINS:
            self._bin_ns *= 2
            self._thin()

    @property
    def bin_ns(self) -> int:
        """How long the spans are."""
        return self._bin_ns

    def columns(self) -> I64:
        """int64[2, n]: when the updates that are kept were seen, and what had been counted by then."""
        return np.stack((self._t_ns, self._total))

    def followed(self, columns: I64, bin_ns: int) -> Skeleton:
        """The skeleton of these updates and of the next ones, of which another skeleton kept some."""
        found = Skeleton(self._first_ns)
        found._bin_ns, found._t_ns, found._total = max(self._bin_ns, bin_ns), self._t_ns, self._total
        found.add(columns[0], columns[1])
        return found

    def _thin(self) -> None:
        bins = (self._t_ns - self._first_ns) // self._bin_ns
        first = np.flatnonzero(np.diff(bins, prepend=-1))
        self._t_ns, self._total = self._t_ns[first], self._total[first]

    def swing(self, length_ns: F64, update_ns: int, quantum: int) -> F64:
        """float64[n], counts²: the mean square distance of a straight line's middle from the count.

        Args:
            length_ns: float64[n], over what times.
            update_ns: How far updates are apart, which blurs each count here.
            quantum: The smallest step of the counter, which does too.
        """
        scales, squares = [0.0], [0.0]
        step = 1
        while len(self._t_ns) > 8 * step:
            span_ns = 2.0 * step * self._bin_ns
            square = self._square(step, span_ns, float(update_ns), quantum)
            if square is not None:
                scales.append(span_ns)
                squares.append(square)
            step *= 2
        # Beyond the longest scale a step of power would grow with the square of the length.
        over = np.maximum(length_ns / scales[-1], 1.0) ** 2 if scales[-1] else 1.0
        found: F64 = np.interp(length_ns, scales, squares) * over
        return found

    def _square(self, step: int, span_ns: float, update_ns: float, quantum: int) -> float | None:
        t, total = self._t_ns[::step], self._total[::step]
        span = (t[2:] - t[:-2]).astype(np.float64)
        part = (t[1:-1] - t[:-2]) / np.maximum(span, 1.0)
        usual = (span > span_ns / 2) & (span < 2 * span_ns) & (part > 0.3) & (part < 0.7)
        if np.count_nonzero(usual) < 4:
            return None
        gained, part = (total[2:] - total[:-2])[usual], part[usual]
        off = (total[1:-1] - total[:-2])[usual] - part * gained
        power = gained / span[usual]
        noise = (power * update_ns) ** 2 / 8 + quantum**2 / 8  # of three ends: 1 + 1/4 + 1/4, over 12
        shape = 4 * part * (1 - part)
        return max(float(np.mean((off**2 - noise) / shape**2)), 0.0)
