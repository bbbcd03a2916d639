"""A trace that answers in joules and watts: what ``uj.load`` gives."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property

from ..errors import TraceError
from ..trace.trace import Trace
from ..trace.window import Window
from ..units import NS_PER_S
from . import power as powers
from .counter import Counter
from .energies import Energies
from .gauge import Gauge
from .total import is_power, tells_energy

_WORTH_THREADS = 200_000  # rows: below it a thread costs more than it saves

ALIVE_NS = NS_PER_S  # a channel that fell silent longer than this before the others had died by itself


class EnergyTrace(Trace):
    """A trace with the energy and the power of its windows."""

    @cached_property
    def _meters(self) -> dict[str, Counter | Gauge]:
        return {}

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """All windows, in the order in which they began.

        One that a killed recording left open ends at the last instant that is bracketed in every
        channel that was read to the end: so it has figures, of what there is.
        """
        return tuple(self._closed(window) if window.is_open else window for window in super().windows)

    def _closed(self, window: Window) -> Window:
        spans = [self.counter(name).span_ns for name in self.energy_channels]
        ends = [span[1] for span in spans if span is not None]
        alive = [end for end in ends if end > max(ends) - ALIVE_NS]
        return replace(window, t1_ns=max(min(alive), window.t0_ns)) if alive else window

    @cached_property
    def energy_channels(self) -> tuple[str, ...]:
        """The channels that tell an energy, measured or modelled, in the order of the table.

        Counters of joules, and power gauges of what no counter here counts.
        """
        return tells_energy(self.channels)

    @cached_property
    def span(self) -> Window:
        """The longest window in which every energy channel is bracketed on both sides.

        Channels without a reading are passed over.

        Raises:
            TraceError: There is no such window.
        """
        spans = [self.meter(name).span_ns for name in self.energy_channels]
        known = [span for span in spans if span is not None]
        t0_ns = max((span[0] for span in known), default=0)
        t1_ns = min((span[1] for span in known), default=-1)
        if t1_ns < t0_ns:
            raise TraceError("the trace has no time in which its channels were read", "Record for longer")
        return Window("trace", t0_ns, t1_ns)

    def meter(self, channel_id: str) -> Counter | Gauge:
        """The unwrapped counter of a channel, or the readings of a gauge of watts; made once.

        Raises:
            TraceError: The trace has no such channel.
        """
        if channel_id not in self._meters:
            series, channel = self.series(channel_id), self.channels[channel_id]
            clock = self.clock_pairs.get(f"@clock/{channel.timing.sensor_clock}")
            self._meters[channel_id] = (
                Gauge(series, channel, clock) if is_power(channel) else Counter(series, channel)
            )
        return self._meters[channel_id]

    def counter(self, channel_id: str) -> Counter:
        """The unwrapped counter of a channel; made once.

        Raises:
            TraceError: The trace has no such channel, or it is a gauge.
        """
        meter = self.meter(channel_id)
        if isinstance(meter, Gauge):
            raise TraceError(f"channel {channel_id!r} is a gauge and counts nothing", "Take `.meter(...)`")
        return meter

    def unwrap_all(self) -> None:
        """Makes the meters of all energy channels, on as many cores as there are."""
        missing = [name for name in self.energy_channels if name not in self._meters]
        if len(missing) > 1 and self.table.num_rows > _WORTH_THREADS:
            _ = self.series(missing[0]), self.clock_pairs  # what all channels share is made once
            with ThreadPoolExecutor(min(len(missing), os.cpu_count() or 1)) as pool:
                list(pool.map(self.meter, missing))

    def energy(self, window: str | Window | None = None) -> Energies:
        """The energy of a window by channel, in joules, with ``.total``.

        Args:
            window: A window or its name; None: the whole trace, see ``span``.

        Raises:
            BadWindow: No window has this name.
        """
        self.unwrap_all()
        of = self.span if window is None else self.window(window)
        estimates = {name: self.meter(name).energy(of.t0_ns, of.t1_ns) for name in self.energy_channels}
        return Energies(estimates, self.channels)

    def power(self, channel_id: str, window: str | Window | None = None) -> powers.Power:
        """The power of a channel over a window, in watts, one bin between two updates.

        Args:
            channel_id: A channel that tells an energy.
            window: A window or its name; None: the whole trace.

        Raises:
            BadWindow: No window has this name.
            TraceError: The trace has no such channel, or it tells no energy.
        """
        meter = self.meter(channel_id)
        if channel_id not in self.energy_channels and not isinstance(meter, Gauge):
            raise TraceError(
                f"channel {channel_id!r} tells no energy", f"Take one of: {', '.join(self.energy_channels)}"
            )
        of = self.span if window is None else self.window(window)
        return powers.power(meter, of.t0_ns, of.t1_ns)


def load(path: str | os.PathLike[str]) -> EnergyTrace:
    """The trace in a file, ready to answer in joules: see :func:`microjoule.trace.trace.load`.

    Raises:
        TraceError: The file is missing, empty, foreign, cut in its opening, or of a later format.
    """
    return EnergyTrace.load(path)
