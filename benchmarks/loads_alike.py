"""Loads of one period, and of sines, that have the same means of a part of each update of a sensor.

Of f = k + φ or k - φ cycles an update, where φ is what a load has beyond whole cycles, loads have the same
phases at updates, or their mirror images.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import gauges
import numpy as np
import numpy.typing as npt
from gauges import LIMIT_W, Load

F64 = npt.NDArray[np.float64]
ALIKE = 1e-3  # of the mean power: the largest noise that a reading has; no two readings differ by more
QUICKEST = 5  # cycles an update of another load
DUTIES = np.round(np.arange(0.1, 0.901, 0.025), 3)
PHASES, ROUNDS, KEPT = 240, 7, 3  # of the search for a phase: at first, how often finer, around how many
HIDDEN = (("hidden", 1 / 6, 0.5), ("filled", 1 / 2, 1.0))  # of the gaps between low looks, and of each
ROUNDING_J = 1e-9  # of energies
EDGES, ROW = 3, 8  # in a gap, at most, if they are moved; rises, or falls, at one place of their gaps
SHOWN = 64  # readings by which a load is found, before all are compared


class Periodic(NamedTuple):
    """A load of two levels: cycles an update, duty, phase at the first update shown, low level and swing."""

    cycles: float
    duty: float
    phase: float
    low_w: float
    swing_w: float

    def shown_w(self, n: int, part: float) -> F64:
        """float64[n]: the means of the last part of each of n updates."""
        phase = self.phase + self.cycles * np.arange(n)
        return self.low_w + self.swing_w * _mean(phase, self.cycles * part, self.duty)

    def energy_j(self, t_s: F64, update_s: float) -> F64:
        """From the first update shown to instants after it."""
        high = _integral(self.phase + t_s * self.cycles / update_s, self.duty) - self.phase_j
        return np.asarray(self.low_w * t_s + self.swing_w * high * update_s / self.cycles)

    def load(self, n: int, start_s: float, update_s: float) -> Load:
        """The same load over n updates: from the one before that of an instant on."""
        rises = np.floor(self.phase - self.cycles) + np.arange(int((n + 1) * self.cycles) + 3)
        edges = np.stack((rises, rises + self.duty), 1).ravel()
        watts = np.tile([self.low_w, self.low_w + self.swing_w], len(rises))
        return Load(start_s + (edges - self.phase) * update_s / self.cycles, np.append(watts, self.low_w))

    @property
    def phase_j(self) -> float:
        return float(_integral(np.array([self.phase]), self.duty)[0])


class Sine(NamedTuple):
    """A load: cycles an update, phase at the first update shown, mean and amplitude."""

    cycles: float
    phase: float
    mean_w: float
    by_w: float

    def shown_w(self, n: int, part: float) -> F64:
        """float64[n]: the means of the last part of each of n updates."""
        phase = self.phase + self.cycles * (np.arange(n) - part / 2)
        return np.asarray(self.mean_w + self.by_w * np.sinc(part * self.cycles) * np.sin(2 * np.pi * phase))

    def energy_j(self, t_s: F64, update_s: float) -> F64:
        """From somewhere to instants after the first update shown."""
        turn = 2 * np.pi * self.cycles / update_s
        return np.asarray(self.mean_w * t_s - self.by_w / turn * np.cos(2 * np.pi * self.phase + turn * t_s))


def _integral(phase: F64, duty: float) -> F64:
    """Of a wave of 0 and 1, high for the first part of each cycle, from 0 on."""
    whole = np.floor(phase)
    return np.asarray(whole * duty + np.minimum(phase - whole, duty))


def _mean(phase: F64, cycles: float, duty: float) -> F64:
    """Of the same wave, over so many cycles that end with each phase."""
    return (_integral(phase, duty) - _integral(phase - cycles, duty)) / cycles


def periodic(watts: F64, part: float, cycles: float) -> list[Periodic]:
    """The loads of one period that have these readings, within the noise, and fit between 0 and the limit.

    Args:
        watts: float64[n], the means of the last part of each update.
        part: Which part of it that is.
        cycles: How many the row's load has an update.
    """
    every = [(each, duty) for each in _aliases(cycles) for duty in DUTIES.tolist()]
    own = (round(cycles, 9), 0.5)
    return [load for each in every if each != own for load in _fitting(watts, part, *each)]


def with_other_parts(watts: F64, part: float, cycles: float) -> list[tuple[float, Periodic]]:
    """The parts of an update that another sensor may look at, each with a load of which it shows the same.

    Args:
        watts: float64[n], the means of a part of each update.
        part: Which part of it that is.
        cycles: How many the row's load has an update; it is high for half of each.
    """
    from_whole = abs(part * cycles - round(part * cycles))
    parts = [
        (abs(whole + sign * from_whole) / each, each)
        for each in _aliases(cycles)
        for whole in range(int(each) + 2)
        for sign in (-1, 1)
    ]
    return [(of, load) for of, each in parts if 0 < of <= 1 for load in _fitting(watts, of, each, 0.5)]


def quick_sines(watts: F64, cycles: float) -> list[tuple[float, Sine]]:
    """The largest parts of an update of which quick sines between 0 and the limit have these readings."""
    angle = 2 * np.pi * cycles * np.arange(len(watts))
    terms = np.stack((np.ones(len(watts)), np.sin(angle), np.cos(angle)), 1)
    mean_w, sine_w, cosine_w = np.linalg.lstsq(terms, watts, rcond=None)[0].tolist()
    phase, by_w = np.arctan2(cosine_w, sine_w) / (2 * np.pi), np.hypot(sine_w, cosine_w)
    parts = np.arange(0.01, 1.0, 0.01)
    found = []
    for each, at in ((1 - cycles, 0.5 - phase), (1 + cycles, phase)):
        fits = by_w / np.sinc(parts * each) < min(mean_w, LIMIT_W - mean_w)
        part = float(parts[: np.argmin(fits)][-1])
        kept = np.sinc(part * each)
        found.append((part, Sine(each, float(at + each * part / 2), mean_w, float(by_w / kept))))
    return found


def _aliases(cycles: float) -> list[float]:
    """The cycles an update that have the same phases at updates, or their mirror images."""
    of_each = {round(k + each, 9) for k in range(QUICKEST + 1) for each in (cycles % 1, 1 - cycles % 1)}
    return sorted(f for f in of_each if 0.04 < f < QUICKEST + 0.5)


def _fitting(watts: F64, part: float, cycles: float, duty: float) -> list[Periodic]:
    """The load of these, if it has these readings and fits between 0 and the limit; else nothing."""
    load = _fitted(watts[:SHOWN], part, cycles, duty)
    fits = load.swing_w > 0 and load.low_w >= 0 and load.low_w + load.swing_w <= LIMIT_W
    off_w = np.abs(load.shown_w(len(watts), part) - watts).max() if fits else np.inf
    return [load] if off_w < ALIKE * float(watts.mean()) else []


def _fitted(watts: F64, part: float, cycles: float, duty: float) -> Periodic:
    """The level, swing and phase whose largest difference from readings is the smallest."""
    at, width, off = np.arange(len(watts)) * cycles, 1 / PHASES, watts - watts.mean()
    phases = np.arange(PHASES) / PHASES
    best = Periodic(cycles, duty, 0.0, 0.0, 0.0)
    for _ in range(ROUNDS):
        shown = _mean(phases[:, None] + at, cycles * part, duty)
        around = shown - shown.mean(1, keepdims=True)
        swing = around @ off / np.maximum((around**2).sum(1), 1e-12)
        differs = np.abs(off - swing[:, None] * around).max(1)
        order = np.argsort(differs)[:KEPT]
        i = order[0]
        low = float(watts.mean() - swing[i] * shown[i].mean())
        best = Periodic(cycles, duty, float(phases[i]), low, float(swing[i]))
        phases = (phases[order][:, None] + np.linspace(-1, 1, 9) * width).ravel()
        width /= 4
    return best


def unseen(
    of: list[tuple[Load, float]], ends_s: F64, window_s: float, seed: int, repeats: bool
) -> Iterator[tuple[str, Load]]:
    """Loads that do something else between looks than some, with what they do there.

    Args:
        of: Of two levels, the row's first, and how many cycles an update each has.
        ends_s: float64[n], when each look ends.
        window_s: How long it is.
        seed: What is drawn by chance.
        repeats: Whether the row's readings come again after a few updates.
    """
    for kind, share, least in HIDDEN:
        chance = np.random.default_rng([seed, 39])
        yield kind, with_hidden_pulses(of[0][0], ends_s, window_s, chance, share, least)
    for load, cycles in of:
        gaps_s = float(np.median(np.diff(ends_s))) - window_s
        if 2 * gaps_s / (gaps_s + window_s) * cycles >= EDGES:
            continue
        n = len(load.edges_s) // 2 + 1
        for kind, row in (("edges", 1), ("rows", ROW)):
            anywhere = np.random.default_rng([seed, 36]).uniform(0, 1, (n // row + 1, 2))
            yield kind, in_gaps(load, ends_s, window_s, np.repeat(anywhere, row, axis=0).ravel())
        either = np.random.default_rng([seed, 40]).integers(0, 2, 2 * n) / 1.0
        yield "ends", in_gaps(load, ends_s, window_s, either)
        for first in (0.0, 1.0) if repeats else ():
            yield "longest", in_gaps(load, ends_s, window_s, np.array([first, 1 - first]))


def in_gaps(load: Load, ends_s: F64, window_s: float, places: F64) -> Load:
    """The load with edges between two looks elsewhere between them: at places from 0 to 1, in turns."""
    after = np.clip(np.searchsorted(ends_s, load.edges_s), 1, len(ends_s) - 1)
    low, high = ends_s[after - 1], ends_s[after] - window_s
    is_open = (load.edges_s > low) & (load.edges_s < high) & (after > 1) & (after < len(ends_s) - 1)
    moved = low + (high - low) * np.resize(places, len(low))
    return Load(np.sort(np.where(is_open, moved, load.edges_s)), load.watts)


def with_hidden_pulses(
    load: Load, ends_s: F64, window_s: float, chance: np.random.Generator, share: float, least: float
) -> Load:
    """The load that is high, too, in some gaps between two looks at its low level.

    Args:
        load: Of two levels.
        ends_s: float64[n], when each look ends.
        window_s: How long it is.
        chance: Which gaps these are, and where in them a pulse is.
        share: Of the gaps.
        least: For which part of its gap a pulse lasts, at least.
    """
    low_w, begins_s = load.watts.min(), ends_s - window_s
    more_j = np.diff(load.energy_j(np.stack((begins_s[:-1], ends_s[1:]), 1)))[:, 0]
    is_low = more_j - (ends_s[1:] - begins_s[:-1]) * low_w < ROUNDING_J
    at = np.flatnonzero(is_low & (chance.uniform(0, 1, len(is_low)) < share))
    places = chance.uniform((0.0, (1 + least) / 2), ((1 - least) / 2, 1.0), (len(at), 2))
    edges_s = (ends_s[at, None] + places * (begins_s[at + 1] - ends_s[at])[:, None]).ravel()
    every = np.concatenate((load.edges_s, edges_s))
    watts = np.concatenate((load.watts[1:], np.tile([load.watts.max(), low_w], len(at))))
    order = np.argsort(every, kind="stable")
    return Load(every[order], np.concatenate((load.watts[:1], watts[order])))


def one_in_each(load: Load, ends_s: F64, levels_w: tuple[float, float], places: F64) -> Load:
    """The load of two levels that is high once in each update, anywhere in it, with its energy.

    Args:
        load: Which has the energies, and is between the levels.
        ends_s: float64[n], of the updates.
        levels_w: The lower and the higher one.
        places: float64[m], where in its update a high part is, from 0, at once, to 1, at the end; in turns.
    """
    (low_w, high_w), length_s = levels_w, np.diff(ends_s)
    high_s = np.clip((np.diff(load.energy_j(ends_s)) - low_w * length_s) / (high_w - low_w), 0.0, length_s)
    begin_s = ends_s[:-1] + np.resize(places, len(high_s)) * (length_s - high_s)
    edges_s = np.stack((begin_s, begin_s + high_s), 1).ravel()
    return Load(edges_s, np.append(np.tile([low_w, high_w], len(high_s)), low_w))


def charging_alike(load: Load, ends_s: F64, tau_s: float, place: F64) -> Load:
    """The load between 0 and the limit that is high once in each update, and charges a capacitor as another.

    Args:
        load: The other one.
        ends_s: float64[n], of the updates.
        tau_s: Of the capacitor, its time constant.
        place: float64[n], where in its update each high part is, from 0 to 1.
    """
    charged, kept = gauges._charged(load, ends_s, tau_s), np.exp(-np.diff(ends_s) / tau_s)
    # Of what charges it at t, exp(-(e - t) / tau) is left at e, the end of the update.
    high = (charged[1:] - charged[:-1] * kept) / LIMIT_W
    left = kept + place[: len(high)] * (1 - kept - high)
    edges_s = ends_s[1:, None] + tau_s * np.log(np.stack((left, left + high), 1))
    watts = np.tile([0.0, LIMIT_W], len(high))
    return Load(np.append(ends_s[0], edges_s), np.concatenate((charged[:1], watts, [0.0])))


def with_a_pattern(load: Load, a_second: int, phase: float, by_w: float, length_s: float = 1.0) -> Load:
    """The load with a square wave added, of whole cycles in a reading, which shows nothing of them.

    Args:
        load: Which leaves room for it.
        a_second: How many cycles that are.
        phase: Where in its period it begins, 0 to 1.
        by_w: How far it goes up and down.
        length_s: What a reading is the mean of.
    """
    first_s, last_s = load.span_s
    half_s = length_s / a_second / 2
    turns_s = np.arange(first_s - (1 + phase) * 2 * half_s, last_s + 2 * half_s, half_s)
    edges_s = np.union1d(load.edges_s, turns_s)
    middle_s = np.concatenate((edges_s[:1] - 1, (edges_s[1:] + edges_s[:-1]) / 2, edges_s[-1:] + 1))
    is_up = np.searchsorted(turns_s, middle_s) % 2 == 0
    return Load(edges_s, load.power_w(middle_s) + np.where(is_up, by_w, -by_w))
