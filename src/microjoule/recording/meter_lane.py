"""The lane of a reference meter: a thread that asks one instrument at absolute deadlines.

A reply takes milliseconds to seconds and may not come at all, so each meter has a thread of its own and
delays nobody. What does not come is a row with the code of the failure; a deadline that passes while a reply
is awaited is skipped and counted, as in the native lanes.
"""

from __future__ import annotations

import errno
import threading
from collections import deque

from ..channel import Channel
from ..errors import MeterFailed, MicrojouleError
from ..sources.meters.instrument import Instrument, MeterReading
from ..trace import schema
from ..units import NS_PER_S, nanoseconds, seconds
from .native import now_ns

READ_MAX_NS = (1 << 32) - 1  # the column read_ns has 32 bits
_SIGN = 1 << 64


class MeterLane:
    """One meter, from ``start`` to ``stop``.

    Args:
        instrument: Connected; from here on it is the lane's, and ``stop`` lets it go.

    Attributes:
        name: Of the lane.
        channels: What it reads.
        rate_hz: Readings a second.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.channels: tuple[Channel, ...] = instrument.channels
        self.name = self.channels[0].lane
        self.rate_hz = 1 / instrument.every_s
        self._instrument = instrument
        self._period_ns = nanoseconds(instrument.every_s)
        self._rows: deque[schema.Reading] = deque()
        self._counts = dict.fromkeys(schema.LANE_COUNTS, 0)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Reads once, and goes on beside."""
        self.read()
        self._thread = threading.Thread(target=self._run, name=f"uj-{self.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it after a last reading, and lets the meter go. Harmless when repeated."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._ended.set()
        thread.join()
        self.read()
        self._instrument.close()

    def drain(self) -> list[schema.Reading]:
        """The readings since the last time."""
        return [self._rows.popleft() for _ in range(len(self._rows))]

    def counts(self) -> dict[str, int]:
        """What it has done until now, by the names of ``schema.LANE_COUNTS``."""
        return dict(self._counts)

    def facts(self) -> dict[str, object]:
        """What the trace's opening says of the lane."""
        return {
            "rate_hz": self.rate_hz,
            "sampled_by": "thread",
            "model": self._instrument.model,
            "address": self.channels[0].access.path,
        }

    def read(self) -> None:
        """Takes a reading, or the failure in its place."""
        begun_ns = now_ns()
        status = 0
        try:
            found = self._instrument.ask()
        except MeterFailed as error:
            found, status = MeterReading((None,) * len(self.channels)), error.code
        except MicrojouleError:
            found, status = MeterReading((None,) * len(self.channels)), errno.EIO
        took_ns = now_ns() - begun_ns
        for channel, raw in zip(self.channels, found.raws, strict=True):
            code = status or (errno.ENODATA if raw is None else 0)
            self._counts["errors"] += bool(code)
            self._rows.append(
                schema.Reading(
                    t_ns=begun_ns,
                    read_ns=min(took_ns, READ_MAX_NS),
                    channel=channel.id,
                    raw=None if raw is None else raw % _SIGN,
                    sensor_ns=found.sensor_ns,
                    status=code,
                )
            )
        self._counts["ticks"] += 1
        self._counts["busy_ns"] += took_ns

    def _run(self) -> None:
        due_ns = now_ns() + self._period_ns
        while not self._ended.wait(max(seconds(due_ns - now_ns()), 0.0)):
            late_ns = max(now_ns() - due_ns, 0)
            self._counts["late"] += late_ns > self._period_ns // 10
            self._counts["late_max_ns"] = max(self._counts["late_max_ns"], late_ns)
            self.read()
            due_ns += self._period_ns
            skipped = max((now_ns() - due_ns) // self._period_ns + 1, 0)
            self._counts["missed"] += skipped
            due_ns += skipped * self._period_ns

    @property
    def settle_ns(self) -> int:
        """How long its next reading may take to come."""
        return min(self._period_ns, NS_PER_S)
