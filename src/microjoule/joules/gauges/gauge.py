"""The energy of windows from the readings of one power gauge (docs/methods.md).

What a reading says depends on the sensor, and there are four kinds:

* *hold*: the mean of each update period, or of a part of it (25 of 100 ms);
* *boxcar*: the mean of a past second, updated ten times in it (:mod:`.boxcar`);
* *charge*: a capacitor that approaches the power, P = A + τ dA/dt;
* *point*: a momentary value, or nobody knows what.

Each becomes means of successive times (:mod:`.profile`), so that the energy up to an instant is a sum and an
interpolation at its end, and adjoining windows add up. What readings do not show is in the components:

* ``edges``: what the ends of a window cut in two, and late or early updates; alike in all windows of a name
  that end within an update (:mod:`.step_loss`);
* ``aliasing``: what was not looked at between the parts that were, and loads near the sensor's own frequency
  (:mod:`.aliasing`), which at the ends of a window are ``edges`` too;
* ``updates``: late updates and noise of a sensor that looks at all of the time;
* ``steps``: what all windows lose alike of the power steps that they begin and end with (:mod:`.step_loss`);
* ``averaging``: that the sensor may average longer than declared, where readings follow steps slowly;
* ``lag``: that readings may trail the power by a little, of one cause in all windows of a gauge; of a
  *point* by up to an update, because nobody knows of which part of the time it speaks, and by more where
  few updates were seen (:mod:`.little_known`);
* ``quantisation``, and the ``gain``, ``offset`` and ``linearity`` of the sensor.

The guaranteed interval uses no statistics (:mod:`.gauge_bound`), and the value lies inside it.

Decision: joules in float64, as no whole counts are energy. What was given up: a counter's exactness.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...channel import Channel, Timing
from ...trace.series import I64, Series
from ...units import NS_PER_S, seconds
from ..estimates.brackets import F64, Brackets
from ..estimates.code_dependence import ALIKE, CODE
from ..estimates.estimate import STATUSES, Estimate
from ..estimates.uncertainty import (
    ALIASED,
    BOUNDED,
    K_OF_RECTANGULAR,
    NORMAL,
    RECTANGULAR,
    ROOT_3,
    ROOT_12,
    both,
)
from .aliasing import Swings, swings
from .boxcar import Boxcar
from .few_updates import ENOUGH, swings_of_few
from .gauge_bound import guaranteed
from .gauge_brackets import GaugeBrackets, Part, components_of
from .little_known import is_little_known, of_another_time, slipped_j, within_means
from .profile import Profile, discharged
from .readings import Readings, Shape
from .running import MISSED
from .stamps import Clock, Stamped
from .step_loss import OF_BOUND, by_name, steps_j, within_one_mean
from .swinging import Swinging
from .variances import Variances
from .within_update import WithinUpdate

_OK, _INCOMPLETE, _FAILED = (STATUSES.index(name) for name in ("ok", "incomplete", "failed"))
NOISE = 1e-3  # of a reading's watts, where it scatters at all: the sensor's own noise is no larger
_LEAST_NOISE = 1e-4  # of the highest reading: below it arithmetic gets in the way
# By how much of an update period a reading trails the power, either way: seven public logs against an outside
# meter show -10 to 10 ms of 100 for means of a period, and 20 to 60 ms for means of a second.
_LAG_HOLD, _LAG_BOXCAR = 0.02, 0.5
_STAMPED = 8  # stamped updates below which they tell no period
_AS_MUCH_AGAIN = 2.0  # of the highest reading, the power that a device without a stated limit may draw


class Gauge:
    """The readings of one power gauge, ready to answer for any number of windows.

    Args:
        series: The channel's readings.
        channel: The channel, of watts.
        *clocks: Pairs of the clock of ``sensor_ns``, for a channel that has one, and of other clocks that it
            may be on after all; None and nothing: the time of the read is taken.
        machine: Whose gauge it is: figures of two machines share no cause.

    Attributes:
        channel: The channel.
        readings: What it said, and when.
    """

    unit = "J"

    def __init__(self, series: Series, channel: Channel, *clocks: Clock | None, machine: str = "") -> None:
        self.channel = channel
        self._sensor = f"{channel.physical_id}@{machine}"
        self.readings = Readings(series, channel, *(clock for clock in clocks if clock is not None))

    def __len__(self) -> int:
        return len(self.readings)

    @cached_property
    def span_ns(self) -> tuple[int, int] | None:
        """The first and the last instant of which the gauge tells; None: there is none."""
        if len(self) < 2:
            return None
        last = int(self.readings.t_ns[-1])
        first = max(int(self._ns(self._profile.bounds_s[:1])[0]), self.readings.first_ns)
        return (first, last) if first <= last else None

    @cached_property
    def update_ns(self) -> I64:
        """int64: between which instants the power is taken to be one."""
        return self._ns(self._profile.bounds_s) if len(self) > 1 else np.empty(0, np.int64)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the trace shows of the sensor that its channel does not say, in sentences."""
        from .gauge_notes import notes

        return notes(self, self._boxcar)

    def energies(self, t0_ns: npt.ArrayLike, t1_ns: npt.ArrayLike, name: I64 | None = None) -> GaugeBrackets:
        """The energies of windows ``[t0_ns, t1_ns)``, t0 <= t1: int64[n] each; of one name, or of these."""
        t0, t1 = np.atleast_1d(np.asarray(t0_ns, np.int64)), np.atleast_1d(np.asarray(t1_ns, np.int64))
        value, status = self.values(t0, t1)
        low, high = guaranteed(self.readings, self.channel, t0, t1)
        value = np.clip(value, low, high)
        if len(self) < 2:
            return GaugeBrackets(t0, t1, value, low, high, status)
        longer = self.as_longer
        unseen = (longer._of_either if longer else self._unseen)(value, t0, t1, name)
        parts = (*unseen, *self._systematic(value, t0, t1))
        return GaugeBrackets(t0, t1, value, low, high, status, parts)

    def values(self, t0: I64, t1: I64) -> tuple[F64, npt.NDArray[np.uint8]]:
        """float64[n], the joules of windows, NaN unless the status beside it, uint8[n], is ``ok``."""
        status = self._status(t0, t1)
        value = self.joules_until(t1) - self.joules_until(t0)
        value[t0 == t1] = 0.0
        value[status != _OK] = np.nan
        return value, status

    def joules_until(self, t_ns: npt.ArrayLike) -> F64:
        """The energy from somewhere before the first reading to instants within the span, in joules."""
        t = np.atleast_1d(np.asarray(t_ns, np.int64))
        return self._profile.energy_j(self._s(t)) if len(self) > 1 else np.zeros(len(t))

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
                components=tuple(components_of(parts, at)) if status == _OK else (),
            )
            for at, (value, low, high, status) in enumerate(rows)
        ]

    def with_timing(self, timing: Timing) -> Gauge:
        """The same readings, of a sensor that trails the power as a timing says."""
        found = Gauge.__new__(Gauge)
        found.channel, found._sensor = replace(self.channel, timing=timing), self._sensor
        found.readings = self.readings.moved(timing.middle_lag_ns - self.readings.moved_ns)
        return found

    @cached_property
    def as_longer(self) -> Gauge | None:
        """The same readings, of the sensor that averages as long as they follow steps; None: they do not."""
        if self.readings.longer is None:
            return None
        found = Gauge.__new__(Gauge)
        found.channel, found._sensor, found.readings = self.channel, self._sensor, self.readings.as_longer()
        return found

    # ---- the profile --------------------------------------------------------------------------------

    @cached_property
    def _profile(self) -> Profile:
        readings, ends = self.readings, self._s(self.readings.t_ns)
        if self._boxcar is not None:
            of = self._boxcar
            late = np.interp(of.edges_s[1:], ends, readings.spread_s)
            return Profile(of.edges_s[:-1], of.edges_s[1:], self._possible(of.watts), late, 0.0)
        watts, period_s, late_s = readings.watts, seconds(readings.period_ns), readings.spread_s
        before, looked_s = np.concatenate(([ends[0] - period_s], ends[:-1])), period_s
        if readings.shape is Shape.CHARGE:
            decay_s = seconds(readings.decay_ns or 1)
            watts = self._possible(discharged(watts, ends, period_s, decay_s))
            # Of the power since its last reading the capacitor keeps more of what came last.
            looked_s = max(2 * decay_s, period_s)
            late_s = np.hypot(late_s, np.clip(ends - before, period_s, looked_s) ** 2 / decay_s / 12)
        elif readings.shape is Shape.POINT:
            before = ends
        elif readings.coverage < 1:
            before = np.maximum(ends - seconds(readings.window_ns or 0), before)
        # Of what came before updates that nobody read it says nothing.
        before = np.where(ends - before > MISSED * looked_s, ends - looked_s, before)
        return Profile(before, ends, watts, late_s, self._noise_w)

    @cached_property
    def _boxcar(self) -> Boxcar | None:
        readings = self.readings
        if readings.shape is not Shape.BOXCAR or len(self) < 2:
            return None
        ends, window_s = self._s(readings.t_ns), seconds(readings.window_ns or 0)
        period_s, late_s = seconds(readings.period_ns), readings.spread_s
        return Boxcar(ends, readings.watts, window_s, period_s, self._noise_w, late_s, readings.is_unread)

    def _possible(self, watts: F64) -> F64:
        """Power that was worked out, and so may be negative by its noise, where no reading ever is."""
        return watts if (self.readings.watts < 0).any() else np.maximum(watts, 0.0)

    @cached_property
    def _noise_w(self) -> float:
        quantum_w = self.readings.quantum_w / ROOT_12
        noise = float(np.hypot(NOISE * np.median(np.abs(self.readings.watts)), quantum_w))
        return max(noise, _LEAST_NOISE * float(np.abs(self.readings.watts).max()), 1e-9)

    @cached_property
    def most_w(self) -> float:
        """What the device may draw: its limit, or the most that was read; without a limit twice that."""
        limit_w, read_w = self.channel.trust.power_limit_w, float(self.readings.watts.max())
        return max(limit_w, read_w) if limit_w and limit_w > 0 else _AS_MUCH_AGAIN * read_w

    @cached_property
    def swings(self) -> Swings:
        """The loads near the sensor's own frequency that its readings may be of."""
        coverage = None if self.readings.shape is Shape.POINT else self.readings.coverage
        # What charges a capacitor is no plain mean: late power counts more than early power. Of a load of
        # rectangles that swings by H in T it keeps a triangle of H T / 4 tau from tip to tip.
        decays = (self.readings.decay_ns or 0) / max(self.readings.period_ns, 1)
        least, noise_w = 1 / (4 * decays) if decays else 1e-6, self._noise_w * max(decays, 1.0)
        shown = None if self._boxcar is None else self._boxcar.differences
        of = self._profile.watts, coverage, self.most_w, noise_w, least, shown
        found = swings(*of, is_seldom=self.readings.is_seldom)
        is_known = len(self) >= ENOUGH or found.half_w.any()
        return found if is_known else swings_of_few(self.readings, found, self.most_w, self._noise_w)

    # ---- components ---------------------------------------------------------------------------------

    def _of_either(self, value: F64, t0: I64, t1: I64, name: I64 | None) -> Iterator[Part]:
        """Of windows whose energies are taken as declared: the load may follow slowly, or the sensor."""
        own = self.joules_until(t1) - self.joules_until(t0)
        for part in self._unseen(own, t0, t1, name):
            # Trailing errs the way that averaging does, at the same steps.
            yield part._replace(form=BOUNDED) if part.name == "lag" else part
        groups = (f"averaging:{self.channel.id}",) * len(t0)
        yield Part("averaging", np.nan_to_num(own - value) / ROOT_3, BOUNDED, groups)

    def _unseen(self, value: F64, t0: I64, t1: I64, name: I64 | None) -> Iterator[Part]:
        """What readings do not show, from one reading to the next and between."""
        a, b, profile = self._s(t0), self._s(t1), self._profile
        swing2, off = self._swinging.at_ends(a, b, value)
        box2 = np.zeros(len(a)) if self._boxcar is None else self._boxcar.variance(a, b)
        found, is_charge = self.swings, self.readings.shape is Shape.CHARGE
        is_known = 2 * (self.channel.timing.window_ns or 0) > self.readings.period_ns or is_charge
        of = Variances(*profile.variances(a, b), box2, swing2, off**2)
        first, last = (profile.place(t).segment // 2 for t in (a, b))
        of = of.of_loads(found, profile.missed, first, last, is_known=is_known)
        if self.readings.shape is Shape.HOLD and is_little_known(self.readings):
            of = of.at_least(*within_means(profile, a, b, self.most_w))
        period_s, joules = seconds(self.readings.period_ns), np.nan_to_num(value)
        hidden_j = self._within_update.hidden_j(a, b)
        of = of.at_least(hidden_j**2 / 8, hidden_j**2 / 8)
        own_j = 0.0 if self.channel.trust.power_limit_w else hidden_j  # what readings show needs no limit
        most_j = np.maximum(self._swinging.furthest_j(a, b, joules), own_j)
        # U of a rectangle is less than its half-width, and what is lost may be all that power may be off by.
        of_most_j = most_j / K_OF_RECTANGULAR
        blurred_s = 0.0 if self._boxcar is None else period_s
        lost_j = steps_j(profile, a, b, blurred_s, self.lag_s, ~found.is_two)
        lost_j = np.clip(lost_j, -of_most_j, of_most_j)
        of = of.beside(lost_j, is_fitted=self._boxcar is not None)
        of = of.within(most_j**2 - 4 * lost_j**2)  # beside others a rectangle has the k of a normal one
        begin2, end2, inner2, box2, swing2, off = *of[:-1], np.sqrt(of.whole)
        off = np.hypot(off, self._within_update.unknown_j(b - a, joules))
        ends2 = np.minimum(begin2 + end2 + box2 + 1.5 * swing2 + lost_j**2, most_j**2 / 4)
        mean_s = max(period_s, seconds(self.readings.window_ns or 0))
        alike = within_one_mean(*by_name(a, b, name, mean_s), mean_s, joules, ends2, self.most_w)
        yield Part("edges", np.sqrt(alike * ends2), NORMAL, (f"{ALIKE}{self.channel.id}",) * len(t0))
        begin2, end2, box2, swing2 = (part2 * (1.0 - alike) for part2 in (begin2, end2, box2, swing2))
        for sign, part2, t in ((-1.0, begin2, t0), (1.0, end2, t1)):
            groups = tuple(f"edge:{self.channel.id}:{at}" for at in t.tolist())
            yield Part("edges", sign * np.sqrt(part2 + box2 / 2), NORMAL, groups)
            # The two ends of a window are as far apart in the load's period as all windows of its length are.
            swinging = tuple(f"edge:{self.channel.id}:swings:{at}" for at in t.tolist())
            yield Part("edges", sign * np.sqrt(swing2 / 2), ALIASED, swinging)
        begin_w, end_w = (self._power_w(t, self.lag_s) for t in (t0, t1))
        off = np.hypot(off, slipped_j(self.readings, value, b - a, begin_w, end_w))
        yield Part("updates" if self._swinging.is_whole else "aliasing", np.hypot(np.sqrt(inner2), off))
        lost_j = np.where(alike > 0, np.clip(lost_j, -most_j / 2, most_j / 2), lost_j) * np.sqrt(1.0 - alike)
        yield Part("steps", lost_j, RECTANGULAR, (f"steps:{self.channel.id}",) * len(a))
        late_j = (end_w - begin_w) * self.lag_s * OF_BOUND
        if self.readings.shape is Shape.POINT and is_little_known(self.readings):
            most_j = of_another_time(self.readings, value, t0, t1, self.most_w)
            late_j = np.where(np.abs(late_j) > most_j, late_j, most_j)
        yield Part("lag", late_j, RECTANGULAR, (f"lag:{self.channel.id}",) * len(t0))

    @property
    def lag_s(self) -> float:
        """By how much readings may trail the power, either way of the lag that is known of them."""
        if self.channel.timing.likely_lag_ns is not None:
            return self.channel.timing.half_lag_ns / NS_PER_S
        period_s = seconds(self.readings.period_ns)
        if self.readings.shape is Shape.POINT:
            return period_s + seconds(self.readings.left_open_ns)
        is_long = self.readings.shape is Shape.BOXCAR or self.readings.declared_shape is Shape.POINT
        return both(period_s * (_LAG_BOXCAR if is_long else _LAG_HOLD), seconds(self.readings.left_open_ns))

    def _power_w(self, t: I64, over_s: float) -> F64:
        """The mean power around instants."""
        bounds, half = self._profile.bounds_s, max(over_s, 1e-3)
        low, high = (np.clip(self._s(t) + off, bounds[0], bounds[-1]) for off in (-half, half))
        drawn_j = self._profile.energy_j(high) - self._profile.energy_j(low)
        return np.asarray(drawn_j / np.maximum(high - low, 1e-9))

    @cached_property
    def _swinging(self) -> Swinging:
        """What a load near the sensor's frequency does, and how far windows may be off at all."""
        is_whole = self.readings.shape is not Shape.POINT and self.readings.coverage >= 1
        return Swinging(self._profile, self.swings, seconds(self.readings.period_ns), self.most_w, is_whole)

    @cached_property
    def _within_update(self) -> WithinUpdate:
        return WithinUpdate.of(self._profile, self.readings)

    def _systematic(self, value: F64, t0: I64, t1: I64) -> Iterator[Part]:
        """Components that do not depend on how the readings were integrated."""
        channel, length_s = self.channel, (t1 - t0) / NS_PER_S
        # Whether a sensor rounds to its step or cuts off what is below it nobody says, and no reading does.
        yield Part("quantisation", self.readings.quantum_w * length_s / ROOT_3, RECTANGULAR)
        sensor = channel.trust.sensor
        if sensor is not None:
            divisor = 1.0 if sensor.form == NORMAL else ROOT_3
            known_j = np.abs(np.nan_to_num(value))
            of_each = {
                "gain": known_j * sensor.gain,
                "offset": length_s * sensor.offset_w,
                "linearity": known_j * sensor.linearity,
            }
            for name, half_j in of_each.items():
                groups = (f"{name}:{self._sensor}",) * len(value)
                yield Part(name, half_j / divisor, sensor.form, groups)
            yield Part(CODE, known_j * sensor.code, NORMAL, (f"{CODE}:{self._sensor}",) * len(value))

    def _status(self, t0: I64, t1: I64) -> npt.NDArray[np.uint8]:
        status, readings = np.zeros(len(t0), np.uint8), self.readings
        span, failed_ns = self.span_ns, readings.failed_ns
        is_late, is_early = np.ones(len(t0), bool), np.ones(len(t0), bool)
        if span is not None:
            is_early, is_late = t0 < span[0], t1 > span[1]
        status[is_early | is_late | (readings.holes(t0, t1) > 0)] = _INCOMPLETE
        if len(failed_ns):
            has_failed = (
                (is_early & (failed_ns[0] < span[0])) | (is_late & (failed_ns[-1] > span[1]))
                if span is not None
                else True
            )
            status[(status != _OK) & has_failed] = _FAILED
        status[t0 == t1] = _OK
        return status

    def _s(self, t_ns: I64) -> F64:
        return (t_ns - self._origin_ns) / NS_PER_S

    def _ns(self, t_s: F64) -> I64:
        return np.asarray(np.rint(t_s * NS_PER_S).astype(np.int64) + self._origin_ns)

    @cached_property
    def _origin_ns(self) -> int:
        return int(self.readings.t_ns[0])


def is_stamped(gauge: Gauge) -> bool:
    """Whether a gauge's instants are its sensor's own."""
    return gauge.readings.stamped is Stamped.UPDATE


def is_buffered(gauge: Gauge) -> bool:
    """Whether a gauge of which nothing is declared stamps each update, as a driver's buffer of samples does.

    Its values are of a time no longer than an update before their stamps.
    """
    return gauge.readings.shape is Shape.POINT and is_stamped(gauge) and len(gauge) > _STAMPED
