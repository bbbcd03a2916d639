"""A trace that answers in joules and watts: what ``uj.load`` gives."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..channel import Channel
from ..errors import TraceError
from ..late import shown
from ..trace.crew import WORTH_THREADS_ROWS, Crew
from ..trace.raw_trace import RawTrace
from ..trace.series import I64, failed
from ..trace.window import Window, listed
from ..trace.window_columns import WindowColumns
from ..units import seconds
from . import power as powers
from .counters.counter import Counter
from .counters.identity import Identity, identified, is_broken
from .counters.lag import Marks
from .counters.update_record import UpdateRecord, Updates, updates
from .estimates.brackets import F64
from .estimates.code_dependence import labelled
from .estimates.energies import Energies, unread
from .estimates.estimate import Estimate
from .estimates.sentence import NO_TIME, RECORDING, headline, noted
from .estimates.total import is_power, tells_energy
from .gauges.gauge import Gauge
from .gauges.gauge_updates import gauge_updates
from .gauges.stand_in import SILENT_NS, common_ns, spans_ns
from .lags.lag_of_gauge import placed
from .lags.related_lags import RelatedLags
from .profiling.occupancy import united

if TYPE_CHECKING:
    from .marks.mark_fits import MarkFits
    from .profiling.by_name import NameEnergy


class Trace(RawTrace):
    """A trace with the energy and the power of its windows."""

    _repr_html_ = shown("trace")

    def __repr__(self) -> str:
        return super().__repr__()[:-1] + noted(self) + ")"

    def __str__(self) -> str:
        first = headline(self)
        return NO_TIME if first is None else first.sentence

    @cached_property
    def _meters(self) -> dict[str, Counter | Gauge]:
        return {}

    @cached_property
    def _own(self) -> dict[str, Counter | Gauge]:
        return {}

    @cached_property
    def _records(self) -> dict[str, UpdateRecord]:
        return {}

    @cached_property
    def identity(self) -> Identity:
        """What the readings say of the counters: their units, which are one, which stand still."""
        return identified(self.declared, self._columns.series)

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The channels by id, as the readings confirm or correct what the opening says of them."""
        return self.identity.channels

    @cached_property
    def window_columns(self) -> WindowColumns:
        """All windows, in the order in which they began.

        One that a killed recording left open ends at the last instant that is bracketed in every
        channel that was read to the end: so it has figures, of what there is.
        """
        recorded = self.recorded_columns
        if not recorded.is_open.any():
            return recorded
        ends = [end_ns for _, end_ns in spans_ns(self)]
        alive = [end for end in ends if end > max(ends) - SILENT_NS]
        closed_ns = np.maximum(min(alive), recorded.t0_ns) if alive else recorded.t1_ns
        return recorded.closed(np.where(recorded.is_open, closed_ns, recorded.t1_ns))

    @cached_property
    def machine(self) -> str:
        """Whose counters these are, over restarts; a name of its own where the trace does not say."""
        host = self.facts.get("host", {})
        known = host if isinstance(host, dict) else {}
        name, machine = known.get("hostname"), known.get("machine")
        started = self.facts.get("started_realtime_ns", self.path or id(self))
        if not name:
            return f"unknown, recorded at {started}"
        return f"{name} ({machine})" if machine else str(name)  # many machines are called localhost

    def code_of(self, name: str) -> str:
        """Which code windows of a name run: no other windows of this trace do, and none of another."""
        return f"{self.facts.get('started_realtime_ns', self.path or id(self))}/{name}"

    @cached_property
    def energy_channels(self) -> tuple[str, ...]:
        """The channels that tell an energy, measured or estimated, in the order of the table.

        Counters of joules, and power gauges of what no counter here counts.
        """
        return tells_energy(self.channels)

    _common_ns = cached_property(common_ns)

    @cached_property
    def span(self) -> Window:
        """The longest window in which every energy channel is bracketed on both sides.

        Channels without a reading are passed over.

        Raises:
            TraceError: There is no such window.
        """
        t0_ns, t1_ns = self._common_ns
        if t1_ns < t0_ns:
            raise TraceError("the trace has no time in which its channels were read", "Record for longer")
        return Window("trace", t0_ns, t1_ns)

    @cached_property
    def marks(self) -> Marks:
        """Where the program's windows begin and end."""
        return Marks.of(self.recorded_columns)

    def meter(self, channel_id: str) -> Counter | Gauge:
        """The unwrapped counter of a channel, or the readings of a gauge of watts; made once.

        Raises:
            TraceError: The trace has no such channel.
        """
        self._require(channel_id)
        if channel_id not in self._meters:
            found = self._alone(channel_id)
            if isinstance(found, Counter):
                found = found.with_timing(self.related_lags.timing(channel_id, found.channel.timing))
            self._meters[channel_id] = found
        return self._meters[channel_id]

    def _alone(self, channel_id: str) -> Counter | Gauge:
        """The meter of a channel, with the lag that its package or its parts do not yet tell; made once."""
        if channel_id not in self._own:
            series, channel = self.series(channel_id), self.channels[channel_id]
            if is_power(channel):
                clocks = self.stamp_clocks(channel)
                self._own[channel_id] = placed(series, channel, clocks, self.machine, self.recorded_columns)
            else:
                found = Counter(series, channel, self.machine).with_learnt_lag(self.marks)
                self._own[channel_id] = self.related_lags.beside_gauges(found)
        return self._own[channel_id]

    @cached_property
    def related_lags(self) -> RelatedLags:
        """What the lags of packages and of their parts tell of one another."""
        return RelatedLags(self.channels, self._alone, self._records, self.recorded_columns)

    def stamp_clocks(self, channel: Channel) -> list[tuple[I64, I64]]:
        """Pairs of the clocks that a channel's own times may be on, the declared one first."""
        if channel.timing.sensor_clock is None:
            return []
        declared = f"@clock/{channel.timing.sensor_clock}"
        names = sorted(self.clock_pairs, key=lambda name: name != declared)
        return [self.clock_pairs[name] for name in names]

    def counter(self, channel_id: str) -> Counter:
        """The unwrapped counter of a channel; made once.

        Raises:
            TraceError: The trace has no such channel, or it is a gauge.
        """
        meter = self.meter(channel_id)
        if isinstance(meter, Gauge):
            raise TraceError(f"channel {channel_id!r} is a gauge and has no counts", "Use `.meter(...)`")
        return meter

    def still_ns(self, channel_id: str) -> int:
        """For how long a measured counter was read without once moving; 0: it moved, or is no such one."""
        meter = self.meter(channel_id)
        if not isinstance(meter, Counter) or self.channels[channel_id].trust.model is not None:
            return 0
        return 0 if len(meter.changes) or not len(meter) else int(meter.t_ns[-1] - meter.t_ns[0])

    @cached_property
    def dead(self) -> frozenset[str]:
        """The counters that never moved and are not believed.

        Those of what must draw power: packages, cores, DRAM and platforms. And others, such as a GPU's,
        inside which a gauge shows power.
        """
        dead = (name for name in self.energy_channels if self._is_dead(self.channels[name]))
        return self.identity.still.union(dead)

    def _is_dead(self, channel: Channel) -> bool:
        still_ns = self.still_ns(channel.id)
        if channel.place.always_draws:
            return is_broken(channel, still_ns)
        update_ns = max(channel.timing.update_ns or 0, channel.timing.update_max_ns)
        least_j = float(2 * channel.scale.quantum * channel.scale.unit)
        return still_ns > 2 * update_ns and seconds(still_ns) * self._usual_inside_w(channel) > least_j

    def _usual_inside_w(self, channel: Channel) -> float:
        """What a gauge inside a counter shows, in three readings of four at least; 0 W: there is none."""
        inside = [c for c in self.channels.values() if is_power(c) and channel.physical_id in c.trust.parents]
        # A streamed trace has kept its first and last readings, and those are enough.
        shown = [(self._columns.series(c.id).raw.view(np.int64), float(c.scale.unit)) for c in inside]
        return max((float(np.quantile(raw, 0.25)) * unit for raw, unit in shown if len(raw)), default=0.0)

    def unwrap_all(self) -> None:
        """Makes the meters of all energy channels, on as many cores as there are."""
        missing = [name for name in self.energy_channels if name not in self._meters]
        if len(missing) > 1 and self.table.num_rows > WORTH_THREADS_ROWS:
            _ = self.series(missing[0]), self.clock_pairs  # what all channels share is made once
            with Crew(min(len(missing), os.cpu_count() or 1)) as crew:
                for made in [crew.submit(self.meter, name) for name in missing]:
                    made.result()

    def energy(self, window: str | Window | None = None) -> Energies:
        """The energy by channel, in joules, with ``.total``.

        Args:
            window: One of ``windows``. Or a name: the sum over all windows of this name, in which what they
                share (a sensor's gain, an edge) stays shared, and where two overlap each joule counts once.
                None: the whole trace, see ``span``.

        Raises:
            BadWindow: No window has this name.
        """
        self.unwrap_all()
        t0_ns, t1_ns = self._edges(window)
        subject = window if isinstance(window, str) else RECORDING if window is None else window.name
        code = self.code_of(subject)
        together, ids = self.mark_fits.together, self.energy_channels
        estimates = {name: labelled(together(name, t0_ns, t1_ns), code) for name in ids}
        dead = {name: unread(estimates[name]) for name in self.dead}
        return Energies(estimates | dead, self.channels, subject, seconds(int((t1_ns - t0_ns).sum())))

    def energies(self, windows: Iterable[str | Window]) -> list[Energies]:
        """The energies of several windows or names, in their order, each as of :meth:`energy`: all at once.

        Raises:
            BadWindow: One is neither, or no window has this name.
        """
        asked = listed(windows)
        self.unwrap_all()
        single = [self.window(each) for each in asked if not isinstance(each, str)]
        t0_ns = np.array([window.t0_ns for window in single], np.int64)
        t1_ns = np.array([window.t1_ns for window in single], np.int64)
        numbers: dict[str, int] = {}
        of_name = np.array([numbers.setdefault(each.name, len(numbers)) for each in single], np.int64)
        found = {}
        for name in self.energy_channels:
            each = self.mark_fits.estimates(name, t0_ns, t1_ns, of_name)
            found[name] = [unread(one) for one in each] if name in self.dead else each
        known = (
            Energies(
                {name: labelled(each[number], self.code_of(window.name)) for name, each in found.items()},
                self.channels,
                window.name,
                seconds(window.duration_ns),
            )
            for number, window in enumerate(single)
        )
        return [self.energy(each) if isinstance(each, str) else next(known) for each in asked]

    def updates(self, channel_id: str) -> Updates:
        """The updates of a channel over the trace's span, as a fit wants them; none where it has none.

        Raises:
            TraceError: The trace has no such channel.
        """
        meter = self.meter(channel_id)
        if isinstance(meter, Gauge):
            return gauge_updates(meter, *self._common_ns)
        return updates(meter, *self._common_ns)

    def estimates(self, channel_id: str, t0_ns: I64, t1_ns: I64) -> list[Estimate]:
        """The energies of windows on one channel: power may step at the edges that a program marked.

        Args:
            channel_id: A channel that tells an energy.
            t0_ns: int64[n], beginnings.
            t1_ns: int64[n], ends.
        """
        return self.mark_fits.estimates(channel_id, t0_ns, t1_ns)

    @cached_property
    def mark_fits(self) -> MarkFits:
        """What the windows tell of the counters: the powers of their names, and the counts at their marks."""
        from .marks.mark_fits import MarkFits

        return MarkFits(self)

    def by_name(self) -> tuple[NameEnergy, ...]:
        """What the windows of each name used: total, for one window, for a unit of an attribute.

        The method is chosen from what the readings allow: see :mod:`microjoule.joules.profiling.by_name`.
        """
        from .profiling.by_name import by_name

        return by_name(self)

    def _edges(self, window: str | Window | None) -> tuple[I64, I64]:
        """What :meth:`energy` adds up: beginnings and ends, ascending, of intervals that do not overlap."""
        if isinstance(window, str):
            columns, some = self.window_columns, self.numbers_of(window)
            return united(columns.t0_ns[some], columns.t1_ns[some])
        of = self.span if window is None else self.window(window)
        return np.array([of.t0_ns]), np.array([of.t1_ns])

    def peaks(self, channel_id: str, t0_ns: I64, t1_ns: I64) -> tuple[F64, I64]:
        """Peak powers of a channel in windows, and over how long each was taken.

        Args:
            channel_id: A channel that tells an energy.
            t0_ns: int64[n], beginnings.
            t1_ns: int64[n], ends.

        Returns:
            float64[n], watts, and int64[n], nanoseconds: :func:`power.peaks`.
        """
        return powers.peaks(self.meter(channel_id), t0_ns, t1_ns)

    def failures(self) -> dict[str, dict[int, int]]:
        """Of each channel whose reads failed, how many with which code."""
        found = {name: failed(self.series(name)) for name in self.channels}
        return {name: codes for name, codes in found.items() if codes}

    def power(self, channel_id: str, window: str | Window | None = None) -> powers.Power:
        """The power of a channel over a window, in watts, one bin between two updates.

        Args:
            channel_id: A channel that tells an energy.
            window: A window, or the name that one window has; None: the whole trace.

        Raises:
            BadWindow: No window has this name, or several have.
            UnknownChannel: The trace has no such channel.
            TraceError: The channel gives no energy.
        """
        meter = self.meter(channel_id)
        if channel_id not in self.energy_channels and not isinstance(meter, Gauge):
            raise TraceError(
                f"channel {channel_id!r} has no energy", f"Take one of: {', '.join(self.energy_channels)}"
            )
        of = self.span if window is None else self.window(window)
        return powers.power(meter, of.t0_ns, of.t1_ns)

    def to_pandas(self) -> Any:  # noqa: ANN401 - a class of an optional library
        """The readings as a tidy ``pandas.DataFrame``, a copy: one row a reading of one channel.

        Its columns, with units, are those of :mod:`microjoule.joules.frames`. ``t_ns`` is int64, ``raw``
        UInt64, ``count`` and ``sensor_ns`` Int64 (missing is ``pd.NA``), ``energy_j`` and ``value`` float64,
        ``time`` datetime64[us, UTC]; ``channel`` and what is told of it are categories.

        Raises:
            MissingExtra: pandas is not installed: ``pip install 'microjoule[pandas]'``.
        """
        from . import frames

        return frames.pandas(self)

    def to_polars(self) -> Any:  # noqa: ANN401 - a class of an optional library
        """The readings as a tidy ``polars.DataFrame``: one row a reading of one channel.

        Its columns, with units, are those of :mod:`microjoule.joules.frames`, in Polars' types of the same
        name; ``channel`` and what is told of it are categorical.

        Raises:
            MissingExtra: Polars is not installed: ``pip install 'microjoule[polars]'``.
        """
        from . import frames

        return frames.polars(self)


def load(path: str | os.PathLike[str]) -> Trace:
    """The trace in a file, ready to answer in joules.

    Args:
        path: An ``.arrows`` file of a recording, or the ``.parquet`` of ``uj export``. A file that
            was cut, by a kill or a full disk, gives every whole batch and is marked ``is_truncated``.

    Raises:
        TraceError: The file is missing, empty, foreign, cut before its opening ended, or of another format.
    """
    return Trace.load(path)
