"""The energy of windows from the readings of one power gauge (docs/methods.md).

What a reading speaks of is the channel's declared behaviour, and there are three:

* *boxcar*: the mean of the past W, longer than the time h between two updates. It follows the power
  with a ramp of length W on either side, so a window [a, b) is integrated over [a, b + W), less what
  the power before a and after b puts into the ramps:

      E = ∫_a^(b+W) P_avg dt - (P_before + P_after) W / 2

  which with one idle power P_i on both sides is ∫ (P_avg - P_i) dt + P_i (b - a). It is exact for any
  waveform between two spells of steady power of length W. Where power is not steady but b - a = m W,
  the m readings spaced W that end at b add up to the energy, whatever the waveform. Of the two the one
  with the smaller uncertainty is taken.
* *hold*: the mean of a part of each update period, or of all of it. A reading stands for the period
  that it ends or, where it saw a part only, for the period about that part's middle. What lies between
  two parts is not seen: an ``aliasing`` component.
* *point*: a momentary value, or nobody knows what: trapezoids between readings, and ``aliasing`` too.

Aliasing is judged from the steps d between neighbouring readings, as if the power that was not seen
were as different: u² = (1 - c) Σ (d dt)² / 2 for a coverage c. **A load that keeps step with the sensor
escapes it**: all its readings are alike. Only the guaranteed interval holds that, and it rests on the
channel's power limit alone: no less than nothing, no more than twice the limit throughout.

A window that begins or ends with a step of power D loses some of it to the time outside, at whatever
phase: where the reading that an edge falls into saw the load, it lends power to the time before it, and
where it did not, the window lacks it. For a held reading of period T and coverage c the mean loss is
D T (1/8 + c²/24), from ∫ over the phase; for trapezoids D T/6. Steps are not known to stand at the edges,
so that it is a component (``steps``) and no correction; and windows of one shape share it.

Decision: joules in float64. A gauge's counts are no energy, so there are no whole counts to keep, and
additivity holds to rounding. What was given up: the counter's exactness, which a gauge has not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..channel import Channel
from ..trace.series import I64, Series
from ..units import NS_PER_S, seconds
from .counter import F64, Brackets
from .estimate import STATUSES, Estimate
from .readings import Clock, Readings, Shape
from .uncertainty import NORMAL, RECTANGULAR, Component
from .unwrap import LIMIT_FACTOR

_OK, _INCOMPLETE, _FAILED = (STATUSES.index(name) for name in ("ok", "incomplete", "failed"))
_BESIDE = 2  # readings on either side of an edge that tell its step
_HALF = 1 / np.sqrt(12.0)  # standard uncertainty of a rectangle of width 1


class Part(NamedTuple):
    """One component of the uncertainty of n windows: ``Component`` with arrays."""

    name: str
    u: F64
    kind: str = "B"
    form: str = NORMAL
    dof: F64 | None = None
    groups: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class GaugeBrackets(Brackets):
    """The energies of n windows by a gauge.

    Attributes:
        parts: What their uncertainties are made of.
    """

    parts: tuple[Part, ...] = ()


class Gauge:
    """The readings of one power gauge, ready to answer for any number of windows.

    Args:
        series: The channel's readings.
        channel: The channel, of watts.
        clock: Pairs of the clock of ``sensor_ns``, for a channel that has one; None: the time of the
            read is taken.

    Attributes:
        channel: The channel.
        readings: What it said, and when.
    """

    unit = "J"

    def __init__(self, series: Series, channel: Channel, clock: Clock | None = None) -> None:
        self.channel = channel
        self.readings = Readings(series, channel, clock)

    def __len__(self) -> int:
        return len(self.readings)

    @property
    def tail_ns(self) -> int:
        """How long after a window's end readings are needed: W, and an update that may not show yet."""
        timing = self.channel.timing
        return (timing.window_ns or 0) + (timing.update_ns or 0) if self.readings.shape is Shape.BOXCAR else 0

    @cached_property
    def span_ns(self) -> tuple[int, int] | None:
        """The first and the last instant of which the gauge tells; None: there is none."""
        if not len(self) or self.readings.t_ns[0] > self.readings.t_ns[-1] - self.tail_ns:
            return None
        return int(self.readings.t_ns[0]), int(self.readings.t_ns[-1]) - self.tail_ns

    def energies(self, t0_ns: npt.ArrayLike, t1_ns: npt.ArrayLike) -> GaugeBrackets:
        """The energies of windows ``[t0_ns, t1_ns)``: int64[n] each, with t0 <= t1."""
        t0, t1 = np.atleast_1d(np.asarray(t0_ns, np.int64)), np.atleast_1d(np.asarray(t1_ns, np.int64))
        is_boxcar = self.readings.shape is Shape.BOXCAR and len(self) > 0
        value, edges = self._boxcar(t0, t1) if is_boxcar else self._plain(t0, t1)
        status = self._status(t0, t1, np.isnan(value))
        empty = t0 == t1
        value[empty], status[empty] = 0.0, _OK
        value[status != _OK] = np.nan
        low, high = self._guaranteed(t1 - t0)
        parts = (*edges, *self._systematic(value, t0, t1))
        return GaugeBrackets(t0, t1, value, low, high, status, parts)

    def energy(self, t0_ns: int, t1_ns: int) -> Estimate:
        """The energy of one window."""
        return self.estimates(self.energies([t0_ns], [t1_ns]))[0]

    def estimates(self, brackets: Brackets) -> list[Estimate]:
        """Brackets of this gauge as estimates."""
        parts = brackets.parts if isinstance(brackets, GaugeBrackets) else ()
        rows = zip(
            brackets.value.tolist(), brackets.low.tolist(), brackets.high.tolist(), brackets.status.tolist(),
            strict=True,
        )  # fmt: skip
        return [
            Estimate(
                value=value if status == _OK else None,
                low=low,
                high=high,
                status=STATUSES[status],
                accuracy=self.channel.trust.accuracy,
                components=tuple(_components(parts, at)) if status == _OK else (),
            )
            for at, (value, low, high, status) in enumerate(rows)
        ]

    def _plain(self, t0: I64, t1: I64) -> tuple[F64, tuple[Part, ...]]:
        """Held or point readings: the integral of what the gauge said, and what it did not see."""
        value = self.readings.cumulative_j(t1) - self.readings.cumulative_j(t0)
        value[~self.readings.covers(t0, t1)] = np.nan
        u = np.sqrt(np.maximum(self.readings.unseen(t1, 1) - self.readings.unseen(t0, 0), 0.0))
        dof = np.maximum(
            np.searchsorted(self.readings.t_ns, t1) - np.searchsorted(self.readings.t_ns, t0), 1
        ).astype(float)
        parts = [Part("aliasing", u, "A", NORMAL, dof)] if self.readings.coverage < 1 else []
        if self.readings.shape is Shape.HOLD:
            parts += [self._edge(t0, -1.0), self._edge(t1, 1.0)]
        return value, (*parts, self._lost_steps(t0, t1))

    def _boxcar(self, t0: I64, t1: I64) -> tuple[F64, tuple[Part, ...]]:
        """Means of the past W: over [a, b + W) less the ramps, or by readings spaced W."""
        window_ns = self.channel.timing.window_ns or 0
        ramp_s = seconds(window_ns) / 2
        end = t1 + window_ns
        # From reading to reading: each instant is then in equally many means, so that the sum is exact.
        first, last = self.readings.outside(t0, t1 + self.tail_ns)
        start, stop = self.readings.t_ns[first], self.readings.t_ns[last]
        before_w, after_w = self.readings.watts[first], self.readings.watts[last]
        value = (
            self.readings.cumulative_j(stop)
            - self.readings.cumulative_j(start)
            - (before_w + after_w) * ramp_s
        )
        value -= (before_w * (t0 - start) + after_w * (stop - end)) / NS_PER_S
        value[~self.readings.covers(t0, t1 + self.tail_ns)] = np.nan
        before = self.readings.swing(start - window_ns, start, before_w, self.readings.at(t0 + window_ns))
        after = self.readings.swing(stop, stop + window_ns, after_w, self.readings.at(t1))
        u = ramp_s * np.hypot(before, after) / np.sqrt(3.0)
        u[np.isnan(value)] = np.inf
        # Readings spaced W ask nothing of the power outside. Two that are equal by chance look settled, so
        # that the chain is asked everywhere, and taken where it is no worse.
        rest_ns = np.abs((t1 - t0 + window_ns // 2) % window_ns - window_ns // 2)
        for at in np.flatnonzero(rest_ns <= (self.channel.timing.update_ns or 0) // 2):
            chain_j, chain_u = self._chain(int(t0[at]), int(t1[at]), window_ns)
            if chain_u <= u[at]:
                value[at], u[at] = chain_j, chain_u
        return value, (Part("edges", np.where(np.isfinite(u), u, 0.0), "B", RECTANGULAR),)

    def _chain(self, t0: int, t1: int, window_ns: int) -> tuple[float, float]:
        """Joules of the readings spaced W from the end on, and their u; infinite where there are none."""
        m = round((t1 - t0) / window_ns)
        rest_ns = t1 - t0 - m * window_ns
        nothing = (np.nan, np.inf)
        if m < 1 or len(self) < 2 or abs(rest_ns) > (self.channel.timing.update_ns or 0) // 2:
            return nothing
        targets = t1 - window_ns * np.arange(m)
        if targets[-1] < self.readings.t_ns[0] or t1 > self.readings.t_ns[-1]:
            return nothing
        right = np.clip(np.searchsorted(self.readings.t_ns, targets), 1, len(self) - 1)
        is_left = targets - self.readings.t_ns[right - 1] < self.readings.t_ns[right] - targets
        taken = right - is_left
        missed_s = np.abs(self.readings.t_ns[taken] - targets) / NS_PER_S
        steps_w = np.abs(self.readings.watts[right] - self.readings.watts[right - 1])
        slopes = steps_w * seconds(window_ns) / self.readings.dt_s[right - 1]
        rest_s = seconds(rest_ns)
        joules = (
            self.readings.watts[taken].sum() * seconds(window_ns) + self.readings.watts[taken[-1]] * rest_s
        )
        spread = np.ptp(self.readings.watts[taken.min() : taken.max() + 1]) + slopes.max()
        u = np.sqrt(((missed_s * slopes) ** 2).sum() + (rest_s * spread) ** 2) / np.sqrt(3.0)
        return float(joules), float(u)

    def _edge(self, t: I64, sign: float) -> Part:
        """How far an edge inside an update period can move the figure."""
        groups = tuple(f"edge:{self.channel.id}:{at}" for at in t.tolist())
        if len(self) < 2:
            return Part("edges", np.zeros(len(t)), "B", RECTANGULAR, None, groups)
        steps = np.abs(np.diff(self.readings.watts))
        right = np.clip(np.searchsorted(self.readings.t_ns, t), 1, len(self) - 1)
        jump = np.maximum(steps[right - 1], steps[np.minimum(right, len(steps) - 1)])
        jump[self.readings.t_ns[right] == t] = 0.0  # the edge is an update: nothing is split
        return Part(
            "edges", sign * jump * self.readings.dt_s[right - 1] * _HALF, "B", RECTANGULAR, None, groups
        )

    def _lost_steps(self, t0: I64, t1: I64) -> Part:
        """What windows lose of the power steps that they begin and end with, of one cause in them all."""
        groups = (f"steps:{self.channel.id}",) * len(t0)
        lost = np.zeros(len(t0))
        if len(self) >= 2 * _BESIDE + 2:
            mean_loss = (
                1 / 6 if self.readings.shape is Shape.POINT else 1 / 8 + self.readings.coverage**2 / 24
            )
            lost = (self._step_j(t0) - self._step_j(t1)) * mean_loss
        return Part("steps", lost, "B", RECTANGULAR, None, groups)

    def _step_j(self, t: I64) -> F64:
        """The power step at instants, beyond what readings differ there anyway, times the period."""
        w, n = self.readings.watts, len(self)
        here = np.clip(np.searchsorted(self.readings.t_ns, t), _BESIDE, n - _BESIDE - 1)
        before = np.stack([w[here - i - 1] for i in range(_BESIDE)])
        after = np.stack([w[here + i + 1] for i in range(_BESIDE)])
        step = after.mean(0) - before.mean(0)
        noise2 = (before.var(0, ddof=1) + after.var(0, ddof=1)) / _BESIDE
        beyond: F64 = np.sign(step) * np.sqrt(np.maximum(step**2 - noise2, 0.0))
        return beyond * self.readings.dt_s[here - 1]

    def _systematic(self, value: F64, t0: I64, t1: I64) -> Iterator[Part]:
        """Components that do not depend on how the readings were integrated."""
        channel, length_s = self.channel, (t1 - t0) / NS_PER_S
        quantum_w = float(channel.scale.unit) * channel.scale.quantum
        yield Part("quantisation", quantum_w * length_s * _HALF, "B", RECTANGULAR)
        if not self.readings.is_stamped and channel.timing.update_ns:
            drift_w = self.readings.at(t1) - self.readings.at(t0)
            yield Part("age", drift_w * seconds(channel.timing.update_ns) * _HALF, "B", RECTANGULAR)
        sensor = channel.trust.sensor
        if sensor is not None:
            divisor = 1.0 if sensor.form == NORMAL else np.sqrt(3.0)
            groups = tuple(f"{kind}:{channel.physical_id}" for kind in ("gain", "offset"))
            gain_j = np.nan_to_num(value) * sensor.gain / divisor
            yield Part("gain", gain_j, "B", sensor.form, None, groups[:1] * len(value))
            offset_j = length_s * sensor.offset_w / divisor
            yield Part("offset", offset_j, "B", sensor.form, None, groups[1:] * len(value))

    def _guaranteed(self, length_ns: I64) -> tuple[F64, F64]:
        limit_w = self.channel.trust.power_limit_w
        length_s = length_ns / NS_PER_S
        most_w = LIMIT_FACTOR * limit_w if limit_w and limit_w > 0 else np.inf
        high = np.zeros(len(length_s))
        np.multiply(length_s, most_w, out=high, where=length_ns > 0)
        # What was seen to feed back can do so unseen too.
        low = -high if (self.readings.watts < 0).any() else np.zeros(len(length_s))
        return low, high

    def _status(self, t0: I64, t1: I64, missing: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        status = np.zeros(len(t0), np.uint8)
        end = t1 + self.tail_ns
        status[missing | (self.readings.holes(t0, end) > 0)] = _INCOMPLETE
        if len(self.readings.failed_ns):
            before = (
                (t0 < self.readings.t_ns[0]) & (self.readings.failed_ns[0] < self.readings.t_ns[0])
                if len(self)
                else True
            )
            after = (
                (end > self.readings.t_ns[-1]) & (self.readings.failed_ns[-1] > self.readings.t_ns[-1])
                if len(self)
                else True
            )
            status[(status != _OK) & (before | after)] = _FAILED
        return status


def _components(parts: Iterable[Part], at: int) -> Iterator[Component]:
    """The components of one window; those that are nothing are left out."""
    for part in parts:
        u = float(part.u[at])
        if u:
            dof = np.inf if part.dof is None else float(part.dof[at])
            group = "" if part.groups is None else part.groups[at]
            yield Component(part.name, u, part.kind, part.form, dof, group)
