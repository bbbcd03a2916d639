"""A trace that answers in joules and watts: what ``uj.load`` gives."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

from ..errors import TraceError
from ..trace.trace import Trace
from ..trace.window import Window
from . import power as powers
from .counter import Counter
from .energies import Energies
from .total import is_energy

_WORTH_THREADS = 200_000  # rows: below it a thread costs more than it saves


class EnergyTrace(Trace):
    """A trace with the energy and the power of its windows."""

    @cached_property
    def _counters(self) -> dict[str, Counter]:
        return {}

    @cached_property
    def energy_channels(self) -> tuple[str, ...]:
        """The channels that tell an energy, measured or modelled, in the order of the table."""
        return tuple(name for name, channel in self.channels.items() if is_energy(channel))

    @cached_property
    def span(self) -> Window:
        """The longest window in which every energy channel is bracketed on both sides.

        Channels without a reading are passed over.

        Raises:
            TraceError: There is no such window.
        """
        spans = [self.counter(name).span_ns for name in self.energy_channels]
        known = [span for span in spans if span is not None]
        t0_ns = max((span[0] for span in known), default=0)
        t1_ns = min((span[1] for span in known), default=-1)
        if t1_ns < t0_ns:
            raise TraceError("the trace has no time in which its channels were read", "Record for longer")
        return Window("trace", t0_ns, t1_ns)

    def counter(self, channel_id: str) -> Counter:
        """The unwrapped counter of a channel; made once.

        Raises:
            TraceError: The trace has no such channel.
        """
        if channel_id not in self._counters:
            series = self.series(channel_id)
            self._counters[channel_id] = Counter(series, self.channels[channel_id])
        return self._counters[channel_id]

    def unwrap_all(self) -> None:
        """Makes the counters of all energy channels, on as many cores as there are."""
        missing = [name for name in self.energy_channels if name not in self._counters]
        if len(missing) > 1 and self.table.num_rows > _WORTH_THREADS:
            self.series(missing[0])  # the columns that all channels share are made once
            with ThreadPoolExecutor(min(len(missing), os.cpu_count() or 1)) as pool:
                list(pool.map(self.counter, missing))

    def energy(self, window: str | Window | None = None) -> Energies:
        """The energy of a window by channel, in joules, with ``.total``.

        Args:
            window: A window or its name; None: the whole trace, see ``span``.

        Raises:
            BadWindow: No window has this name.
        """
        self.unwrap_all()
        of = self.span if window is None else self.window(window)
        estimates = {name: self.counter(name).energy(of.t0_ns, of.t1_ns) for name in self.energy_channels}
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
        counter = self.counter(channel_id)
        if channel_id not in self.energy_channels:
            raise TraceError(
                f"channel {channel_id!r} tells no energy", f"Take one of: {', '.join(self.energy_channels)}"
            )
        of = self.span if window is None else self.window(window)
        return powers.power(counter, of.t0_ns, of.t1_ns)


def load(path: str | os.PathLike[str]) -> EnergyTrace:
    """The trace in a file, ready to answer in joules: see :func:`microjoule.trace.trace.load`.

    Raises:
        TraceError: The file is missing, empty, foreign, cut in its opening, or of a later format.
    """
    return EnergyTrace.load(path)
