"""From the rings of an agent's samplers into the memory that clients map, in a thread of its own.

A client finds a reading 50 ms after it was taken at most. That is soon enough: the times are those of the
reads, and a recording looks once a second.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ..recording.lane import Lane
from ..recording.native import Feed, now_ns
from ..sources.agent_offer import OfferedLane
from ..units import NS_PER_MS
from .coarse import PERIOD_NS, CoarseView

EVERY_NS = 50 * NS_PER_MS


class Publisher:
    """Publishes the rows of lanes, from ``start`` to ``stop``.

    Args:
        lanes: Open and not started.

    Attributes:
        feeds: One a lane.
        coarse: The coarse view.
        failure: What ended it before its time; None: nothing did.
    """

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lanes = list(lanes)
        self.feeds = [Feed(lane.sampler.capacity) for lane in lanes]
        self.coarse = CoarseView([OfferedLane(one.name, one.channels, {}) for one in lanes], self.feeds)
        self.failure: BaseException | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uj-publish", daemon=True)

    def start(self) -> None:
        """Starts the samplers, and publishes from here on."""
        for lane in self._lanes:
            lane.sampler.tick()
            lane.sampler.start()
        self.publish()
        self.coarse.publish()
        self._thread.start()

    def stop(self) -> None:
        """Publishes the last rows and ends."""
        self._ended.set()
        self._thread.join()
        for lane in self._lanes:
            lane.sampler.stop()
        self.publish()

    def publish(self) -> None:
        """Moves what waits."""
        for lane, feed in zip(self._lanes, self.feeds, strict=True):
            feed.publish(lane.sampler)

    def _run(self) -> None:
        due_ns = now_ns() + PERIOD_NS
        try:
            while not self._ended.wait(EVERY_NS / 1e9):
                self.publish()
                if now_ns() >= due_ns:
                    self.coarse.publish()
                    due_ns += PERIOD_NS * ((now_ns() - due_ns) // PERIOD_NS + 1)
        except BaseException as error:  # whoever waits for the agent reports it
            self.failure = error
