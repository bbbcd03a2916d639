"""Power that the readings do not show: inside an update, inside a gap of the readings, or by alias. Pure.

What swings between two updates moves the count between them, and no update tells how. How much it may be is
taken from the swings that the updates around do show:

* *steps*: a segment whose neighbours differ by ΔP, and that of a ramp not explains: a step at a random
  instant inside moves the count by f (1 - f) ΔP T, √(1/30) ΔP T over all f. A ramp that is D a segment:
  D T f (1 - f)/2, √(1/120) D T.
  Where updates are 5 ms apart or more, a window is a few of them long, and it counts where in its update an
  instant lies: a step there moves the count by f (1 - f) ΔP T, and one at random by that over √3. The lag
  leaves f open as well.
* *pulse*: a segment whose power lies outside that of both neighbours by an energy e may have it anywhere
  inside: e √(f (1 - f)) for one without width. What the device may draw at most says how wide it is at least.
  Of counters that are updated every 5 ms or less often; quicker ones show a pulse in several updates.
* *ripple*: power that repeats within a few updates (:mod:`.ripple`).
* *gaps*: the readings say nothing for longer than several updates, or of a slow counter for so long that
  one was not seen. How far the count is then from a straight line is known from the rest of the trace: from
  the mean square distance of its middle from the straight line over spans of all lengths
  (:class:`Skeleton`). A load that goes up and down strays near an end of the gap as far as in its middle;
  one that wanders does not. That power differs on both sides of a gap tells more, as far as single changes
  of power explain how far counts are off over such times.
* *rare*: of few updates around nobody can tell how power swings inside one, nor behind the last one. It is
  taken to scatter as theirs do, and where they are fewer than 12, by 1/√3 of itself in 2/(n + 1) of n updates
  at least: what was not seen in n cases is no rarer than that. Inside an update its ends are known, which
  leaves √(f (1 - f)) of it.
"""

from __future__ import annotations

import math

import numpy as np

from ...arrays import distinct
from ...trace.series import I64
from ...units import NS_PER_MS
from ..estimates.uncertainty import K_OF_RECTANGULAR, ROOT_3
from .interpolation import GAP_SIDE, Segment
from .update_times import AROUND, F64, SLOW_NS

_STEP = math.sqrt(1 / 30)  # root mean square of f (1 - f), over f from 0 to 1
_RAMP = (
    math.sqrt(1 / 120) / 2
)  # of half of that, with a segment's change as half of its neighbours' difference
ALIKE = 3 * math.sqrt(2.0)  # times what one scatters by: within it two are alike
CLEAR = 10.0  # times as far as two that are alike, a step is apart of which likeness tells
_WITHIN = 0.75  # of what a step at the instant moves: 1/√3, and what other steps may hide
_AT_ONCE = 1 / K_OF_RECTANGULAR  # so that U is what a step at the instant moves
_BIASED = 1.5  # of the mean by which steps are off: single ones are off by more
_UNEXPLAINED = 0.05  # of a step that a kink was fitted to
_FEW = 24  # updates around, below which their scatter says little of power between them
_BETWEEN = 0.7
_OFTEN = 4.0  # times the mean square change of power, beyond which one is a step of its own
_LENGTHS = np.array([0.72, 0.81, 0.9, 1.0, 1.11, 1.23])  # of times, in parts of one
_STARTS = 8  # in each of the times over which counts are compared with a straight line
_DISTANCES = (np.arange(8) + 0.5) / 16 + 0.5  # in parts of a gap
_BINS = 1 << 16
_BIN_NS = 8 * NS_PER_MS


def steps(segment: Segment, one: F64 | float = 0.0, half_ns: float = 0.0) -> tuple[F64, F64]:
    """Standard uncertainty, in counts, of steps and ramps inside segments; and a kink's mean loss, signed."""
    kink, length = segment.kink, segment.length_ns
    noise = (np.maximum(kink.one, one) / segment.near.usual_ns) ** 2
    # What the power changes within the sides it changes in between too: the rest of the difference is a step.
    step = kink.ramp - np.clip(kink.sides, np.minimum(kink.ramp, 0.0), np.maximum(kink.ramp, 0.0))
    # Of readings no denser than updates nobody knows where in an update an instant lies.
    slow = np.flatnonzero((segment.near.usual_ns >= SLOW_NS) & segment.near.is_dense)
    ramp = kink.ramp.copy()
    if len(slow):
        doubt = _doubt(segment, slow, np.sqrt(noise[slow]))
        step[slow], ramp[slow] = step[slow] * doubt, ramp[slow] * doubt
    clear = np.sqrt(np.maximum(step**2 - 16 * noise, 0.0))  # four times what scatter makes of it
    left = 1.0 - (1.0 - _UNEXPLAINED) * kink.trust
    reach, place = np.full(len(length), _STEP), _farthest(segment, half_ns)[slow]
    reach[slow] = _WITHIN * place * (1 - place)
    inside = np.hypot(clear * reach * left, ramp * _RAMP * (1.0 - kink.trust)) * length
    of_noise, own = np.full(len(length), 6.0), np.full(len(length), 1 / 3)
    of_noise[slow], own[slow] = 16.0, _AT_ONCE / _BIASED * place * (1 - place)
    of_noise *= noise
    likely = step * (1.0 - np.minimum(of_noise / np.maximum(step**2, of_noise + 1e-300), 1.0))
    lost = np.where(segment.is_gap, 0.0, (1.0 - kink.trust) * likely * length * own)
    inside = np.where(segment.is_gap, 0.0, inside)
    return inside, _BIASED * (lost + _corner(segment))


def across(
    segment: Segment, these: I64, skeleton: Skeleton, update_ns: int, seen_ns: float, quantum: int
) -> F64:
    """float64[m], counts²: how far counts in gaps are from a straight line, in the mean of squares.

    Where the power beside a gap differs by more than it does elsewhere over such a time, it may have
    changed at any instant inside for good.

    Args:
        segment: Where instants lie.
        these: int64[m], the numbers of those in gaps.
        skeleton: How power swings over long times.
        update_ns: How far updates are apart.
        seen_ns: How long before the first read that showed it an update may have been.
        quantum: The smallest step of the counter.
    """
    kink, length, f = segment.kink, segment.length_ns[these], segment.part[these]
    usual, swung = (
        skeleton.changes(length, GAP_SIDE * update_ns),
        skeleton.swing(length, f, seen_ns, quantum),
    )
    one_step = (length * f * (1 - f)) ** 2 / 3
    change = np.maximum((kink.after - kink.before)[these] ** 2 - 4 * kink.noise[these], 0.0)
    # As far as single changes explain how far such counts are off, this one tells more than the mean.
    share = np.minimum(swung / np.maximum(usual * one_step, 1e-300), 1.0)
    beyond = np.maximum(share * (change - usual), change - _OFTEN * usual)
    return swung + np.maximum(beyond, 0.0) * one_step


def _farthest(segment: Segment, half_ns: float) -> F64:
    """How far into their updates instants may lie, 0 to 1: as far from both ends as the lag leaves open."""
    lag = half_ns / np.maximum(segment.length_ns, 1.0)
    found: F64 = segment.part + np.clip(0.5 - segment.part, -lag, lag)
    return found


def pulse(segment: Segment, most: float, half_ns: float = 0.0) -> F64:
    """Standard uncertainty, in counts, of what a segment has more or less than both of its neighbours.

    Args:
        segment: Where instants lie.
        most: Counts a nanosecond that the device may draw; infinite where nobody says.
        half_ns: By how much instants may be off either way, by the lag.
    """
    rate, f, length = segment.near.rate, _farthest(segment, half_ns), segment.length_ns
    own, left, right = rate[:, AROUND], rate[:, AROUND - 1], rate[:, AROUND + 1]
    low, high = np.minimum(left, right), np.maximum(left, right)
    more, less = np.maximum(own - high, 0.0), np.maximum(low - own, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.where(less > 0, less / low, more / np.maximum(most - high, more))
    noise = (segment.kink.one / segment.near.usual_ns) ** 2
    clear = np.sqrt(np.maximum((more + less) ** 2 - 16 * noise, 0.0))
    inside: F64 = clear * length * (1.0 - np.nan_to_num(width)) * np.sqrt(f * (1 - f))
    is_there = segment.near.is_usual[:, AROUND - 1 : AROUND + 2].all(1) & (segment.near.usual_ns >= SLOW_NS)
    return np.where(is_there, inside, 0.0)


def _doubt(segment: Segment, these: I64, noise: F64) -> F64:
    """The probability that a segment whose power is one of its neighbours' is so by chance; else 1.

    It is of one power with it otherwise. By chance, as many of those around are a little less alike.

    Args:
        segment: Where instants lie.
        these: int64[m], the numbers of some of them.
        noise: float64[m], of a segment's power, counts a nanosecond, a standard uncertainty.
    """
    is_there = segment.near.is_usual[these]
    change = np.abs(np.diff(segment.near.rate[these], axis=1))
    change = np.where(is_there[:, 1:] & is_there[:, :-1], change, np.inf)
    unlike, within = np.minimum(change[:, 1:], change[:, :-1]), ALIKE * noise[:, None]
    is_alike, is_nearly = unlike < within, (unlike >= within) & (unlike < 3 * within)
    by_chance = is_nearly.sum(1) / 2 / np.maximum(is_alike.sum(1), 1)
    is_told = is_alike[:, AROUND - 1] & (np.abs(segment.kink.ramp[these]) > CLEAR * within[:, 0])
    found: F64 = np.where(is_told, np.minimum(by_chance, 1.0), 1.0)
    return found


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
    share = np.maximum(scatter, np.where(2 * n < _FEW, 2 / (n + 1) / ROOT_3, 0.0))
    between = share * segment.length_ns[these] * np.sqrt(f * (1 - f)) * _BETWEEN
    found[these] = power * np.where(segment.is_beyond[these], share * segment.x_ns[these], between)
    return found


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

    @property
    def _apart_ns(self) -> int:
        """How far those that are kept are apart, in whole spans: of slow updates many hold none."""
        if len(self._t_ns) < 2:
            return self._bin_ns
        return max(round(float(np.median(np.diff(self._t_ns))) / self._bin_ns), 1) * self._bin_ns

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

    def swing(self, length_ns: F64, part: F64, seen_ns: float, quantum: int) -> F64:
        """float64[n], counts²: the mean square distance of a straight line from the count, at parts of it.

        With V(s) the mean square of what is counted in s beyond the mean power, a line over L is off by
        (1 - f) V(f L) + f V((1 - f) L) - f (1 - f) V(L), in its middle by M(L) = V(L/2) - V(L)/4. So what
        middles are off by gives V(L/2) = M(L) + V(L)/4, from the longest down.

        Args:
            length_ns: float64[n], over what times.
            part: float64[n], from 0 to 1.
            seen_ns: How long before the first read that showed it an update may have been: blurs each count.
            quantum: The smallest step of the counter, which does too.
        """
        spans, middles = self._middles(seen_ns, quantum)
        if not len(spans):
            return np.zeros(len(part))
        # Of all that is longer the middle is taken to be off by as much as by the longest one's: 4/3 M.
        varied = [4 * middles[-1] / 3]
        for middle in reversed(middles):
            varied.append(middle + varied[-1] / 4)
        scales = np.array([*(span / 2 for span in spans), spans[-1]])
        squares = np.array(varied[::-1])
        ends = (part * length_ns, (1 - part) * length_ns, length_ns)
        left, right, whole = (_power_law(each, scales, squares) for each in ends)
        found: F64 = (1 - part) * left + part * right - part * (1 - part) * whole
        # Of power that changes slowly that is a small difference: it strays as a parabola does, others more.
        parabola: F64 = np.interp(length_ns, spans, middles) * (4 * part * (1 - part)) ** 2
        # Beyond the longest scale a step of power would grow with the square of the length.
        longer: F64 = np.maximum(length_ns / scales[-1], 1.0) ** 2
        return np.maximum(found, parabola) * longer

    def _middles(self, seen_ns: float, quantum: int) -> tuple[list[float], list[float]]:
        """Times, each the double of the one before, and the mean square by which their middles are off."""
        spans, middles = [], []
        step, apart_ns = 1, self._apart_ns
        while len(self._t_ns) > 8 * step:
            # Of several about as long: of one a load may have a whole number of cycles.
            tried = distinct(np.maximum(np.rint(step * _LENGTHS), 1).astype(np.int64)).tolist()
            squares = [self._square(each, 2.0 * each * apart_ns, seen_ns, quantum) for each in tried]
            known = [each for each in squares if each is not None]
            if known:
                spans.append(2.0 * step * apart_ns)
                middles.append(sum(known) / len(known))
            step *= 2
        return spans, middles

    def changes(self, length_ns: F64, over_ns: int) -> F64:
        """float64[n], (counts a nanosecond)²: the mean square by which power differs some time later.

        Of distances from half of each to the whole: power that repeats has the mean of its cycles then.

        Args:
            length_ns: float64[n], how much later.
            over_ns: Over about which time power is taken.
        """
        apart_ns = self._apart_ns
        step = max(1, round(over_ns / apart_ns))
        t, total = self._t_ns[::step], self._total[::step]
        span = np.diff(t)
        power, is_usual = np.diff(total) / np.maximum(span, 1), span < 1.5 * step * apart_ns
        begin, octave = np.flatnonzero(is_usual), np.rint(np.log2(np.maximum(length_ns, 1.0)))
        found = np.zeros(len(length_ns))
        if not len(begin):
            return found
        for each in distinct(octave).tolist():
            asked = t[begin] + np.rint(2.0**each * _DISTANCES).astype(np.int64)[:, None]
            then = np.minimum(np.searchsorted(t, asked), len(power) - 1)
            is_there = is_usual[then] & (np.abs(t[then] - asked) < span[begin])
            squares = np.where(is_there, (power[then] - power[begin]) ** 2, 0.0)
            found[octave == each] = squares.sum() / max(int(is_there.sum()), 1)
        return found

    def _square(self, step: int, span_ns: float, seen_ns: float, quantum: int) -> float | None:
        # From any phase of a load, so not only from every so many.
        first = np.arange(0, max(len(self._t_ns) - 2 * step, 0), max(step // _STARTS, 1) | 1)
        t, total = ([column[first + n * step] for n in range(3)] for column in (self._t_ns, self._total))
        span = (t[2] - t[0]).astype(np.float64)
        part = (t[1] - t[0]) / np.maximum(span, 1.0)
        usual = (span > span_ns / 2) & (span < 2 * span_ns) & (part > 0.3) & (part < 0.7)
        if np.count_nonzero(usual) < _STARTS:
            return None
        gained, part = (total[2] - total[0])[usual], part[usual]
        off = (total[1] - total[0])[usual] - part * gained
        power = gained / span[usual]
        noise = (power * seen_ns) ** 2 / 8 + quantum**2 / 8  # of three ends: 1 + 1/4 + 1/4, over 12
        shape = 4 * part * (1 - part)
        return max(float(np.mean((off**2 - noise) / shape**2)), 0.0)


def _power_law(x: F64, at: F64, values: F64) -> F64:
    """float64[n]: values at times between others, by a power of time; before the first in proportion."""
    inside = np.expm1(np.interp(np.log(np.maximum(x, at[0])), np.log(at), np.log1p(values)))
    found: F64 = inside * np.minimum(x / at[0], 1.0)
    return found
