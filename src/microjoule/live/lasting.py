"""Sampling for weeks: what fell silent is opened anew, and no count ever falls.

A file or an event stays open while it is read, and is dead for good once its driver was reloaded or its
device was away. So where a channel that was read has said nothing for ``SILENT_NS``, all sources are
surveyed and opened again: at once, and then ever more rarely as long as that brings nothing back.

Decision: the old session ends before the new one begins, so that two never count one joule. What was given
up: what the other channels draw meanwhile, some tenths of a second, once.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ..channel import Channel
from ..errors import MicrojouleError
from ..units import NS_PER_S
from .level import Level
from .odometer import Odometer
from .session import Session
from .tenants import Tenant

SILENT_NS = 10 * NS_PER_S
PATIENCE_NS = 3600 * NS_PER_S  # the longest time between two tries


class Lasting:
    """Sessions one after the other, as if they were one; a context manager.

    Args:
        begin: Makes a session, not yet opened.
        silent_ns: After how long without a good reading a channel is taken for dead.
    """

    def __init__(self, begin: Callable[[], Session], silent_ns: int = SILENT_NS) -> None:
        self._begin = begin
        self._silent_ns = silent_ns
        self._wait_ns = silent_ns
        self._next_ns = 0
        self._session = begin()
        self._earlier: dict[str, tuple[float, float]] = {}
        self._odometer = Odometer(lambda: self._session.levels())

    @property
    def left_out(self) -> dict[str, str]:
        """Channels that are not read, or in another way than was chosen: id to sentence."""
        return self._session.recorder.left_out

    @property
    def channels(self) -> dict[str, Channel]:
        """The channels of all levels, and those that have none yet, by id."""
        return {level.channel.id: level.channel for level in self.levels()} | self._session.channels

    def levels(self) -> tuple[Level, ...]:
        """What is known now of each channel that was read, or tried, at any time."""
        return self._odometer.read()

    def tenants(self) -> tuple[Tenant, ...]:
        """Whose energy it was, in all sessions."""
        now = {each.name: each for each in self._session.tenants()}
        names = dict.fromkeys([*now, *self._earlier])
        rows = [now.get(name, Tenant(name, 0.0, 0.0, 0.0, 0.0)) for name in names]
        found = []
        for each in rows:
            energy_j, expanded_j = self._earlier.get(each.name, (0.0, 0.0))
            both_j = each.expanded_j + expanded_j
            found.append(each._replace(energy_j=each.energy_j + energy_j, expanded_j=both_j))
        return tuple(found)

    def look(self) -> tuple[str, ...]:
        """Opens the sources anew where a channel fell silent; to be called now and then.

        Returns:
            The channels that had fallen silent, where that was done or tried.
        """
        now_ns = time.monotonic_ns()
        silent = tuple(
            level.channel.id
            for level in self.levels()
            if level.readings and now_ns - level.t_ns > self._silent_ns
        )
        if not silent:
            self._wait_ns = self._silent_ns
            return ()
        if now_ns < self._next_ns:
            return ()
        self._next_ns = now_ns + self._wait_ns
        self._wait_ns = min(2 * self._wait_ns, PATIENCE_NS)
        self._renew()
        return silent

    def _renew(self) -> None:
        self._session.close()
        used = {each.name: (each.energy_j, each.expanded_j) for each in self.tenants()}
        self.levels()  # the last of the old ones, before the new ones begin
        try:
            self._session = self._begin().open()
        except MicrojouleError:
            return  # all are gone; the old levels stay as they were, and the next look tries again
        self._earlier = used

    def __enter__(self) -> Lasting:
        self._session.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._session.close()
