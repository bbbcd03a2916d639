"""How to measure: from what one call takes and what the counter does to a list of windows. Pure.

Methods (docs/methods.md), by mode:

* *batch*: n calls back to back make a window, and m windows follow each other, apart by four updates
  and a part of one: their edges have errors of their own. For a part-time sensor what runs begins at a
  random place in each of m equal parts of the period, so that it sees all phases of any load. An edge
  somewhere inside an update period T_u at power P costs P T_u/√6, a quantum q costs q/√6, so that one
  window has the relative standard uncertainty √((P T_u)² + q²) / (√6 n E). Here n makes that equal to
  the target; with ten windows the mean's is then a third of it, and its 95 % interval within it.
* *slope*: windows of n, 2n, 3n and 4n calls; the slope of energy over calls is free of what each
  window costs once. u(slope) = σ/√Σ(n - n̄)².
* *dither*: windows of one call, with idle between them, their beginnings spread over the update
  period on a grid: for code that cannot run back to back.
* *edge*: spin to an update, run, spin to the next, and subtract the spin's power for the wait: for
  code that can run only once. u = q/√6 ⊕ P_s Δ/√6, for updates located within Δ.

Decision: windows of equal size rather than Criterion's growing ones, because the phase error of a
window is the same whatever its length. What was given up: telling a fixed overhead, unless by slope.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from ..errors import BadRequest, TooCoarse
from ..value_class import dataclass
from .repeats import STRATA_LEAST

MODES = ("auto", "batch", "slope", "dither", "edge")
WINDOWS = 10  # t for nine degrees of freedom is 2.26
WINDOWS_LEAST = 4  # t for three degrees of freedom is 3.18 already
WINDOWS_DITHERED = 16
WINDOWS_MAX = 200  # against scatter: what scatters more is not made steady by repeating it
WINDOWS_PART_TIME = 20  # fewer phases leave kinks, and nine degrees of freedom make k 2.2
PHASE_STRATA = 4  # at least
STEPS = (1, 2, 3, 4)  # of slope mode
IDLE_SHARE = 0.05  # of the time allowed, on either side
IDLE_MAX_S = 2.0
IDLE_MIN_S = 0.5
IDLE_UPDATES = 50  # enough for the baseline to be known to about a per cent
_IDLED = 1.2  # of the idle time that is asked for: a fifth lets what ran before come to its end
_FILE = 3.0  # of what the pilot's recording took beside its windows: the file to come is longer
_FIGURES = 0.03  # of the time allowed: to sum up some hundred windows
_MEASURED = 0.25  # of the time allowed, at least: the opening and the file exceed limits of a second or less
LULL_UPDATES = 4  # that code runs on between two windows; the errors of nearer edges are alike
PAD_UPDATES = 2.5  # idle or spin on either side of a single call
STEADY_SHARE_PER_S = 1e-3  # a judgement, docs/methods.md
_ROOT_6 = math.sqrt(6.0)
_SLOPE_GAIN = math.sqrt(1.25)  # root mean square deviation of 1, 2, 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is wanted of a measurement.

    Attributes:
        rel: Half of the 95 % interval that is wanted, as a share of the energy; the sensor's own
            gain, which no repetition improves, apart.
        max_time_s: What it may take in all.
        mode: One of ``MODES``; ``auto`` is ``batch``.
        number: Calls in a window; 0: as many as it takes.
        repeat: Windows; 0: as many as it takes.
    """

    rel: float = 0.01
    max_time_s: float = 60.0
    mode: str = "auto"
    number: int = 0
    repeat: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.rel <= 1:
            raise BadRequest(
                f"A target of {self.rel:g} is not a share of an energy", "Ask for 0.01 to have it within 1 %"
            )
        if not 0 < self.max_time_s < math.inf:
            raise BadRequest(
                f"A time of {self.max_time_s:g} s is not valid", "Allow more than 0 s, as in 60s"
            )
        if self.mode not in MODES:
            raise BadRequest(f"There is no mode {self.mode!r}", f"The modes are {', '.join(MODES)}")
        if self.number < 0 or self.repeat < 0:
            raise BadRequest("The number of calls or windows is below 1", "Leave it out to have it chosen")

    @property
    def is_single(self) -> bool:
        """Whether the code may run only once."""
        return self.mode == "edge" and self.repeat == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """What a short trial found.

    Attributes:
        call_s: Time of one call.
        power_w: Power meanwhile.
        update_s: Longest update period of the channels.
        quantum_j: Largest smallest step of them.
        is_part_time: Whether a sensor looks at a part of each period only.
        spent_s: Time of the trial and its warm-up.
        edge_s: How far apart two readings are when updates are looked for.
        settle_s: After how long at most the counters show what was used.
        scatter: Relative standard deviation of its windows beyond what their edges explain, or of the times
            of their calls where that is more.
        around_s: What a recording takes beside its windows: opening, closing, reading its file.
    """

    call_s: float
    power_w: float
    update_s: float
    quantum_j: float
    is_part_time: bool = False
    spent_s: float = 0.0
    edge_s: float = 1e-4
    settle_s: float = 0.0
    scatter: float = 0.0
    around_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be run.

    Attributes:
        mode: Not ``auto``.
        counts: Calls in each window.
        offsets_s: By how much each window's beginning is shifted within an update period.
        pad_s: What lies between two windows.
        idle_s: Idle time before the first and after the last window.
        run_in_s: What runs before the first window and after the last, so that their ends lie in a
            steady run.
        after_s: What follows the last window within the time allowed: running on, idling, reading the file.
        needed_s: What the windows for the target would take.
        is_stratified: Whether each offset lies at random in a stratum of its own.
    """

    mode: str
    counts: tuple[int, ...]
    offsets_s: tuple[float, ...]
    pad_s: float
    idle_s: float
    run_in_s: float
    needed_s: float
    after_s: float = 0.0
    is_stratified: bool = False

    def may_stop_after(self, done: int) -> bool:
        """Whether so many windows give a figure where time is up: slope mode needs two sizes."""
        return done > 0 and (self.mode != "slope" or len(set(self.counts[:done])) > 1)

    def going_on(self, done: int, call_s: float, left_s: float) -> Plan | None:
        """The plan, its next window one that the time left allows; None: stop here.

        Slope mode with windows of one size so far takes one more in any case: of another size, and as many
        calls as there is time for.

        Args:
            done: Windows that were run.
            call_s: The longest time that a call took in one of them, with what lies between two windows.
            left_s: What is left of the time allowed.
        """
        room_s = left_s - self.after_s
        if self.counts[done] * (call_s if done else 0.0) <= room_s:
            return self
        if self.may_stop_after(done):
            return None
        if self.mode != "slope":
            return self
        counts = list(self.counts)
        counts[done] = self._fitting(done, math.floor(room_s / call_s) if done else 0)
        return replace(self, counts=tuple(counts))

    def _fitting(self, done: int, most: int) -> int:
        """The calls of a window of another size than those before it have: as many as there is time for."""
        if not done:
            return min(self.counts)
        known = self.counts[0]
        if most > known:
            return most
        return max(min(most, known // 2), 1) if known > 1 else 2

    def first(self, done: int) -> Plan:
        """The plan as far as it was run."""
        return replace(self, counts=self.counts[:done], offsets_s=self.offsets_s[:done])

    def __str__(self) -> str:
        sizes = "/".join(str(count) for count in sorted(set(self.counts)))
        n, calls = len(self.counts), "call" if sizes == "1" else "calls"
        windows = f"{n} window{'' if n == 1 else 's'} of {sizes} {calls}"
        return f"{self.mode}: {windows}, {self.idle_s:.2g} s idle around"


def plan(pilot: Pilot, ask: Ask, seed: int = 0) -> Plan:
    """The windows that reach the target, or as near to it as the time allows.

    Raises:
        TooCoarse: All that can be spent in the time allowed is less than the channel's smallest step.
    """
    mode = "batch" if ask.mode == "auto" else ask.mode
    idle_s = _idle_s(pilot, ask)
    is_single_call = mode in ("dither", "edge")
    around_s = max(PAD_UPDATES * pilot.update_s, pilot.settle_s + pilot.update_s)
    pad_s = around_s if is_single_call else 0.0
    run_in_s = 0.0 if is_single_call else around_s
    # Edge mode spins as long as it idles, and each is begun a fifth of itself early.
    idling_s = 2 * _IDLED * idle_s if mode == "edge" else max(_IDLED * idle_s, idle_s + pilot.settle_s)
    file_s = _FILE * pilot.around_s + _FIGURES * ask.max_time_s
    left_s = ask.max_time_s - pilot.spent_s - 2 * idling_s - 2 * run_in_s - file_s
    spare_s = max(left_s, _MEASURED * ask.max_time_s, pilot.call_s)
    n_wanted, m_wanted = (_singles if is_single_call else _batches)(pilot, ask, mode)
    step = sum(STEPS) / len(STEPS) if mode == "slope" else 1.0

    around_each_s = 2 * pad_s + pilot.update_s if is_single_call else _between_s(pilot)

    def time_s(n: int, m: int) -> float:
        return m * (n * step * pilot.call_s + around_each_s)

    n, m = n_wanted, m_wanted
    if time_s(n, m) > spare_s and not ask.repeat:
        # What lies between windows must not use up the time for the windows.
        m = min(m, max(WINDOWS_LEAST, math.floor(spare_s / 2 / around_each_s)))
    if time_s(n, m) > spare_s and not ask.number:
        n = max(1, math.floor((spare_s / m - around_each_s) / (step * pilot.call_s)))
    if time_s(n, m) > spare_s and not ask.repeat:
        m = max(1, math.floor(spare_s / time_s(n, 1)))
    if n * step * m * pilot.call_s * pilot.power_w < pilot.quantum_j:
        raise _too_coarse(pilot, ask, mode)
    needed_s = time_s(n_wanted, m_wanted)
    counts = _counts(mode, n, m, seed)
    is_stratified = pilot.is_part_time and mode == "batch" and len(counts) >= STRATA_LEAST
    return Plan(
        mode=mode,
        counts=counts,
        offsets_s=tuple(part * pilot.update_s for part in _offsets(len(counts), is_stratified, seed)),
        pad_s=pad_s,
        idle_s=idle_s,
        run_in_s=run_in_s,
        needed_s=needed_s,
        after_s=idling_s + run_in_s + file_s - (spare_s - left_s),
        is_stratified=is_stratified,
    )


def single(update_s: float, idle_s: float) -> Plan:
    """One window of one call, for code that can run only once: nothing is tried before."""
    pad_s = PAD_UPDATES * update_s
    return Plan(
        mode="edge", counts=(1,), offsets_s=(0.0,), pad_s=pad_s, idle_s=idle_s, run_in_s=0.0, needed_s=0.0
    )


def _between_s(pilot: Pilot) -> float:
    """What passes between two windows of a steady run: whole calls, and a part-time sensor's rest."""
    lull_s = (LULL_UPDATES + 0.5) * pilot.update_s + pilot.call_s / 2
    rest_s = 1.5 * pilot.update_s + pilot.call_s / 2 if pilot.is_part_time else 0.0
    return lull_s + rest_s


def _idle_s(pilot: Pilot, ask: Ask) -> float:
    """Enough updates for the baseline, and no more than a share of the time allowed."""
    return min(max(IDLE_UPDATES * pilot.update_s, IDLE_MIN_S), IDLE_MAX_S, IDLE_SHARE * ask.max_time_s)


def _batches(pilot: Pilot, ask: Ask, mode: str) -> tuple[int, int]:
    energy_j = max(pilot.power_w * pilot.call_s, 1e-300)
    of_edges_j = math.hypot(pilot.power_w * pilot.update_s, pilot.quantum_j) / _ROOT_6
    gain = _SLOPE_GAIN if mode == "slope" else 1.0
    least = WINDOWS_PART_TIME if pilot.is_part_time else WINDOWS
    repeat = ask.repeat or max(least if mode == "batch" else 3 * len(STEPS), _against_scatter(pilot, ask))
    return ask.number or max(1, math.ceil(of_edges_j / (gain * ask.rel * energy_j))), repeat


def _singles(pilot: Pilot, ask: Ask, mode: str) -> tuple[int, int]:
    """One call a window, and as many windows as bring the mean's uncertainty down to half the target."""
    energy_j = max(pilot.power_w * pilot.call_s, 1e-300)
    one = math.hypot(pilot.quantum_j, pilot.power_w * pilot.edge_s) / _ROOT_6 / energy_j
    least = WINDOWS_DITHERED if mode == "dither" else WINDOWS
    return ask.number or 1, ask.repeat or max(
        least, math.ceil((2 * one / ask.rel) ** 2), _against_scatter(pilot, ask)
    )


def _against_scatter(pilot: Pilot, ask: Ask) -> int:
    """Windows that bring the scatter of the pilot's own windows down to the target, up to a limit."""
    return min(math.ceil((2.2 * pilot.scatter / ask.rel) ** 2), WINDOWS_MAX)


def _counts(mode: str, n: int, m: int, seed: int) -> tuple[int, ...]:
    if mode != "slope":
        return (n,) * m
    steps = [n * STEPS[i % len(STEPS)] for i in range(max(m, len(STEPS)))]
    random.Random(seed).shuffle(steps)  # so that drift does not look like a cost a call
    return tuple(steps)


def _offsets(m: int, is_stratified: bool, seed: int) -> tuple[float, ...]:
    """Where in a period m windows begin: on a grid, or at random within the steps of it.

    A grid alone is blind to a load that repeats as often as it has steps.
    """
    grid = strata(max(m, PHASE_STRATA))[:m]
    chance = random.Random(seed)
    return tuple(at + chance.random() / m for at in grid) if is_stratified else grid


def _too_coarse(pilot: Pilot, ask: Ask, mode: str) -> TooCoarse:
    power_w = max(pilot.power_w, 1e-3)
    if mode in ("dither", "edge"):
        most_j, instead = pilot.power_w * pilot.call_s, f"run it back to back with --mode {MODES[1]}"
    else:
        most_j = pilot.power_w * ask.max_time_s
        instead = f"allow --max-time {rounded(WINDOWS * pilot.quantum_j / power_w)}s and more"
    return TooCoarse(
        f"The channel counts in steps of {pilot.quantum_j:g} J, and this uses {most_j:.2g} J",
        f"Choose another channel with --channel, or {instead}",
    )


def rounded(t_s: float) -> str:
    """Two digits, upwards, never as a power of ten."""
    if t_s <= 0:
        return "0"
    unit = 10.0 ** (math.floor(math.log10(t_s)) - 1)
    return f"{math.ceil(round(t_s / unit, 6)) * unit:.12g}"


def strata(n: int) -> tuple[float, ...]:
    """The grid 0, 1/n, … (n - 1)/n in the order of van der Corput: each beginning is well spread.

    A mean over windows whose phases are such a grid errs by at most P T_u/2n (docs/methods.md).
    """
    bits = max((n - 1).bit_length(), 1)
    order = sorted(range(1 << bits), key=lambda i: int(format(i, f"0{bits}b")[::-1], 2))
    return tuple(i / n for i in order if i < n)


def abba(tasks: int, blocks: int) -> list[list[int]]:
    """Each block runs all tasks forwards and then backwards: linear drift drops out of it."""
    forwards = list(range(tasks))
    return [forwards + forwards[::-1] for _ in range(blocks)]


def shuffled(tasks: int, blocks: int, seed: int = 0) -> list[list[int]]:
    """Each block runs all tasks once, in an order of its own."""
    chance = random.Random(seed)
    return [chance.sample(range(tasks), tasks) for _ in range(blocks)]


def slope_per_s(t_s: Sequence[float], power_w: Sequence[float]) -> tuple[float, float]:
    """The relative slope of a power over time, a second, and its standard uncertainty (OLS)."""
    n = len(t_s)
    if n < 3:
        return 0.0, math.inf
    t_mean, p_mean = math.fsum(t_s) / n, math.fsum(power_w) / n
    spread = math.fsum((t - t_mean) ** 2 for t in t_s)
    if not spread or not p_mean:
        return 0.0, math.inf
    b = math.fsum((t - t_mean) * (p - p_mean) for t, p in zip(t_s, power_w, strict=True)) / spread
    left = math.fsum((p - p_mean - b * (t - t_mean)) ** 2 for t, p in zip(t_s, power_w, strict=True))
    return b / p_mean, math.sqrt(left / (n - 2) / spread) / abs(p_mean)


def is_steady(t_s: Sequence[float], power_w: Sequence[float]) -> bool:
    """Whether the power no longer changes by 0.1 % a second, as far as can be seen."""
    slope, u = slope_per_s(t_s, power_w)
    return abs(slope) < max(STEADY_SHARE_PER_S, 2 * u)
