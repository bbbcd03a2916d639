"""Beats that come round while the mean drifts, or within noise: a load near the sensor's own frequency.

Of a load of the frequency (1 ± φ) / T that swings by H and is high for a part d of the time, means of all of
T are a copy, 1 / φ times as slow and φ times as weak. The amplitude of its first harmonic is

    a = 2 φ H sin(π d) / π,

and what moves energy within a period, H d (1 - d), is a / φ times π d (1 - d) / 2 sin(π d): 0.39 to 0.5.

A mean that drifts by watts a second hides so weak a copy, and so does noise. Here a parabola is taken off
from the readings of some windows. What is left is a beat where it comes round: readings one and two cycles
apart are alike but for their noise. Levels that last by chance, bursts and power that wanders do not.
Within noise, one frequency of the longest windows stands out of its neighbours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...arrays import Bools
from ...trace.series import I64
from ..estimates.brackets import F64

# Updates in which a beat comes round, and of the mean square how much readings whole cycles apart differ by,
# at most: short ones are alike by chance.
_SIZES = {32: 0.1, 64: 0.2, 100: 0.2, 160: 0.2, 320: 0.2}
LONGEST = max(_SIZES)
_HOPS = 12  # windows that an update is in
_NOISY = 160  # updates from which on a beat that is weaker than noise may show
_ORDER = 2  # of the polynomial that drifts over a window
_CYCLES = 2.5  # that a beat has in a window, at least
_QUICKEST = 0.25  # cycles an update: quicker ones are seen as they are
_OF_NOISE = 2.0  # what a beat that comes round scatters by, at least
_STANDS_OUT = 40.0  # times what its neighbours have, a frequency that is not noise
_OWN, _NEIGHBOURS = 3, 16  # half periods a window: how wide a frequency is, and which are near it
DUTY, RARELY = 0.15, 0.05  # of the time: how well readings show the part that is high; and the least one
ROOM = 1.2  # levels are known about as well
_FLAT = 1e-12  # of a spectrum: it has no top
_ROWS = 512  # windows at a time


class Beats(NamedTuple):
    """The fast loads that n readings may be of because they come round.

    Attributes:
        half_w: float64[n]: half of how far the power of one that is high for half of the time would swing; 0:
            there is none.
        phi: float64[n]: its cycles an update, as the readings show them.
        shorter: float64[n]: for which part of its period it is high, or low, at least.
        seen_w: float64[n]: half of what readings of one that is high for half of the time would swing by.
    """

    half_w: F64
    phi: F64
    shorter: F64
    seen_w: F64


def beats(watts: F64, coverage: float, most_w: float, noise_w: float, least: float) -> Beats:
    """What beats some readings show.

    Args:
        watts: float64[n], one for each update.
        coverage: Which part of its period each is the mean of.
        most_w: What the device may draw.
        noise_w: Of a reading, at most.
        least: The share of a swing that a reading keeps at the sensor's own frequency.
    """
    nothing = np.zeros(len(watts))
    found = Beats(nothing.copy(), nothing + 0.5, nothing.copy(), nothing.copy())
    for size in _SIZES:
        if len(watts) < size:
            break
        begins = np.append(np.arange(0, len(watts) - size, size // _HOPS), len(watts) - size)
        for first in range(0, len(begins), _ROWS):
            at = begins[first : first + _ROWS]
            of = np.lib.stride_tricks.sliding_window_view(watts, size)[at]
            _add(found, at - 1, size + 2, _beats_of(of, coverage, most_w, noise_w, least))
    return found


def _add(found: Beats, begins: I64, size: int, of: Beats) -> None:
    """Windows' beats, with the readings that the load begins and ends in, where there is no larger one."""
    some, n = np.flatnonzero(of.half_w > 0), len(found.half_w)
    apart = 1
    while apart < len(begins) and (begins[apart:] - begins[:-apart]).min() < size:
        apart += 1
    for first in range(apart):  # of so many windows apart none has an update of another
        rows = some[some % apart == first]
        at = begins[rows, None] + np.arange(size)
        at_row, at_update = np.nonzero((at >= 0) & (at < n))
        row, update = rows[at_row], at[at_row, at_update]
        is_more = found.half_w[update] < of.half_w[row]
        for column, value in zip(found, of, strict=True):
            column[update[is_more]] = value[row[is_more]]


def _beats_of(of: F64, coverage: float, most_w: float, noise_w: float, least: float) -> Beats:
    """The beat of each of m windows, float64[m, size]."""
    size = of.shape[1]
    mean = of.mean(1)
    slow = np.linalg.qr(np.vander(np.linspace(-1, 1, size), _ORDER + 1))[0]
    off = of - mean[:, None]
    off -= off @ slow @ slow.T
    power = np.abs(np.fft.rfft(off, 2 * size, axis=1)) ** 2 / size
    each, slowest = np.arange(len(of)), int(2 * _CYCLES)
    at = slowest + np.argmax(power[:, slowest:-1], axis=1)
    before, top, after = power[each, at - 1], power[each, at], power[each, at + 1]
    bend = np.minimum(before - 2 * top + after, -_FLAT * (before + top + after) - 1e-300)
    phi = (at + np.clip((before - after) / bend / 2, -0.5, 0.5)) / (2 * size)
    above = np.mean(off > (off.max(1) + off.min(1))[:, None] / 2, axis=1)
    shorter = np.maximum(np.minimum(above, 1 - above) - DUTY, RARELY)
    kept = np.hypot(np.sinc((1 - phi) * coverage), least)
    first_w = 2 * np.sqrt(top / size) / kept
    even = np.pi * shorter * (1 - shorter) / np.sin(np.pi * shorter)
    level = np.clip(mean / most_w, 0.0, 1.0)
    part = np.clip(level, shorter, 1 - shorter)
    widest = most_w * np.minimum(level / part, (1 - level) / (1 - part)) / 2
    is_beat = (top > 0) & (phi < _QUICKEST) & (np.pi / 4 * first_w < ROOM * widest)
    some = np.flatnonzero(is_beat)
    shows = _come_round(off[some], phi[some], noise_w)
    if size >= _NOISY:
        shows |= _stand_out(power[some], at[some])
    is_beat[some] = shows
    half = np.minimum(even * first_w, 2 * most_w * level * (1 - level))
    return Beats(np.where(is_beat, half, 0.0), phi, shorter, np.pi / 4 * kept * first_w)


def _come_round(off: F64, phi: F64, noise_w: float) -> Bools:
    """bool[m]: whether readings one and two cycles apart are alike."""
    size, square = off.shape[1], np.mean(off**2, axis=1)
    found = square > (_OF_NOISE * noise_w) ** 2
    for cycles in (1, 2):
        some = np.flatnonzero(found)
        whole = np.floor(cycles / phi[some]).astype(np.int64)
        part = (cycles / phi[some] - whole)[:, None]
        later = np.arange(size + 1) + whole[:, None]
        then = off[some[:, None], np.minimum(later, size - 1)]
        apart2 = (then[:, :-1] * (1 - part) + then[:, 1:] * part - off[some]) ** 2 / 2
        is_seen = later[:, 1:] < size
        unlike = np.sum(apart2 * is_seen, axis=1) / np.maximum(is_seen.sum(1), 1)
        found[some] = unlike < _SIZES[size] * square[some] + noise_w**2
    return np.asarray(found)


def _stand_out(power: F64, at: I64) -> Bools:
    """bool[m]: whether a frequency has far more than those around it."""
    each = np.arange(power.shape[1])
    apart = np.abs(each - at[:, None])
    is_near = (apart > _OWN) & (apart <= _OWN + _NEIGHBOURS) & (each >= _OWN)
    around = np.sum(power * is_near, axis=1) / np.maximum(is_near.sum(1), 1)
    return np.asarray(power[np.arange(len(at)), at] > _STANDS_OUT * around)
