"""A lane whose readings an agent takes: what is drained comes out of the memory that the agent writes.

There is no thread: the agent samples, with its own rate, and its rows have the times of its reads. Once a
second the recorder takes what has come. An agent that ends takes its samplers along; the lane then asks
again at its socket from time to time, goes on with whoever answers with the same channels, and leaves a row
``@gap`` from the last reading to the first one after.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..channel import Channel
from ..errors import MicrojouleError, SourceUnavailable
from ..sources import agent_offer
from ..sources.agent_offer import Offer
from ..trace import schema
from ..trace.label import label
from ..units import NS_PER_MS, NS_PER_S, seconds
from .lane import settle_ns
from .native import Columns, Feed, now_ns

READER = "agent"
AWAY_NS = 3 * NS_PER_S  # an agent publishes twenty times a second; on a loaded machine it may come late
_ASK_AGAIN_NS = 2 * NS_PER_S
_ANSWER_S = 0.3
_BEFORE_NS = (
    100 * NS_PER_MS
)  # the first readings are from before the lane was opened: nothing is to be waited for
_PUBLISHED_NS = 200 * NS_PER_MS
_LOOK_S = 0.01
_SUMMED = ("ticks", "late", "missed", "dropped", "errors", "busy_ns")


class AgentLane:
    """One lane of an agent, with those of its channels that are recorded.

    Args:
        name: Of the lane.
        channels: What is recorded of it; ``access`` says where the agent is and what each channel is there.
        codes: The code of each channel in the file's dictionary, by id.
        offer: What the agent offers; its descriptors are duplicated.

    Attributes:
        sampler: Plays a sampler before the recorder: this lane itself.
        rate_hz: The agent's.

    Raises:
        SourceUnavailable: The agent does not offer these channels any more.
        ValueError: What it hands out is no memory of readings.
    """

    def __init__(
        self, name: str, channels: Iterable[Channel], codes: Mapping[str, int], offer: Offer
    ) -> None:
        self.name = name
        self.channels = tuple(channels)
        self.sampler = self
        self._path = Path(self.channels[0].access.path)
        self._number = self.channels[0].access.type
        self._codes = _codes(self.channels, codes)
        self._feed, self._offer = self._taken(offer)
        self.rate_hz: float = offer.lanes[self._number].facts["rate_hz"]
        self._base = self._feed.counts()
        self._before = dict.fromkeys(self._base, 0)
        self._lost = 0
        self._last_ns = 0
        self._away_since_ns = 0
        self._asked_ns = 0
        self._gaps: list[schema.OwnRow] = []
        self._news: list[str] = []

    @property
    def settle_ns(self) -> tuple[int, int]:
        """As of a lane of one's own: :attr:`Lane.settle_ns`."""
        return settle_ns(self.channels)

    def start(self) -> None:
        """Goes to the readings of just now; the agent has long begun."""
        self._feed.seek(now_ns() - max(_BEFORE_NS, self._period_ns))

    def stop(self) -> None:
        """Nothing: the agent goes on for others."""

    def tick(self) -> None:
        """Waits for a reading that begins from now on to be published; not for an agent that is away."""
        until_ns = now_ns()
        patience_ns = until_ns + 2 * self._period_ns + _PUBLISHED_NS
        while self._feed.newest_ns < until_ns and now_ns() < patience_ns and not self._is_away():
            time.sleep(_LOOK_S)

    def drain(self) -> Columns:
        """What has come since the last time."""
        if self._is_away():
            self._ask_again()
        columns, n_lost = self._feed.drain(self._codes)
        self._lost += n_lost
        if columns.length:
            self._note(np.frombuffer(columns.t_ns, np.int64)[: columns.length])
        return columns

    def counts(self) -> dict[str, int]:
        """What the agent's sampler has done for this lane since it was opened, by ``schema.LANE_COUNTS``."""
        found = self._feed.counts()
        since = {name: self._before[name] + max(found[name] - self._base[name], 0) for name in _SUMMED}
        return {
            **since,
            "dropped": since["dropped"] + self._lost,
            "late_max_ns": found["late_max_ns"],  # since the agent began: which tick it was nobody knows
            "by_kernel": int(found["kernel"] == 1),
        }

    def facts(self) -> dict[str, Any]:
        """What the trace's opening says of the lane."""
        told = self._offer.lanes[self._number].facts
        through = {
            "path": str(self._path),
            "view": self._offer.view,
            "microjoule": self._offer.microjoule,
            "resolution_j": self._offer.resolution_j,
            "sampled_by": told.get("sampled_by"),
        }
        return {**told, "sampled_by": "agent", "agent": through}

    def take_gaps(self) -> list[schema.OwnRow]:
        """The times without readings that have ended since the last call."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def take_news(self) -> list[str]:
        """Sentences of what has happened to the agent since the last call."""
        news, self._news = self._news, []
        return news

    def finish(self) -> None:
        """Ends the gap that is open: nothing comes any more."""
        if self._away_since_ns:
            self._add_gap(now_ns())

    @property
    def _period_ns(self) -> int:
        return round(NS_PER_S / self.rate_hz)

    def _is_away(self) -> bool:
        return now_ns() - self._feed.published_ns > AWAY_NS + self._period_ns

    def _note(self, t_ns: np.ndarray) -> None:
        """Looks at the times of new rows: the first one after an absence ends its gap."""
        if self._away_since_ns:
            after = t_ns[t_ns > self._last_ns]
            if len(after) and int(after[0]) - self._last_ns > AWAY_NS:
                self._add_gap(int(after[0]))
                self._news.append(f"The agent at {self._path} is back; {self.name} is recorded again")
            self._away_since_ns = 0
        self._last_ns = max(int(t_ns[-1]), self._last_ns)

    def _add_gap(self, until_ns: int) -> None:
        words = f"The agent that reads {self.name} was away"
        since_ns = self._last_ns or self._away_since_ns
        self._gaps.append((since_ns, 0, schema.GAP, until_ns, label(words, {"readings_lost": None})))
        self._away_since_ns = 0

    def _ask_again(self) -> None:
        """Goes on with the agent that answers now, if it is another one."""
        at_ns = now_ns()
        if not self._away_since_ns:
            self._away_since_ns = at_ns
            away_s = seconds(at_ns - self._feed.published_ns)
            self._news.append(
                f"The agent at {self._path} has published nothing for {away_s:.1f} s; {self.name} is "
                "recorded again when it is back"
            )
        if at_ns - self._asked_ns < _ASK_AGAIN_NS:
            return
        self._asked_ns = at_ns
        with contextlib.suppress(MicrojouleError, ValueError, OSError):
            offer = agent_offer.ask(self._path, _ANSWER_S)
            try:
                feed, self._offer = self._taken(offer)
            finally:
                offer.close()
            if feed.published_ns <= self._feed.published_ns:
                return  # the same one, or another that does not publish either
            gone, base = self._feed.counts(), self._base
            self._before = {name: self._before[name] + max(gone[name] - base[name], 0) for name in gone}
            self._feed, self._base = feed, dict.fromkeys(gone, 0)
            feed.seek(self._last_ns + 1)

    def _taken(self, offer: Offer) -> tuple[Feed, Offer]:
        lanes = offer.lanes
        offered: Sequence[Channel] = lanes[self._number].channels if self._number < len(lanes) else ()
        for channel in self.channels:
            code = channel.access.config
            if code >= len(offered) or not _is_same(offered[code], channel):
                raise SourceUnavailable(
                    f"The agent at {self._path} no longer offers {channel.id}, or offers it in another unit",
                    "Record again",
                )
        return Feed(fd=offer.feeds[self._number]), offer


def open_agent_lanes(
    channels: Iterable[Channel], codes: Mapping[str, int]
) -> tuple[list[AgentLane], dict[str, str]]:
    """Opens a lane for each name among channels that an agent reads.

    Returns:
        The lanes, and what was left out: channel id to sentence.
    """
    lanes: list[AgentLane] = []
    left_out: dict[str, str] = {}
    of_agents = [channel for channel in channels if channel.access.reader == READER]
    for path in dict.fromkeys(channel.access.path for channel in of_agents):
        here = [channel for channel in of_agents if channel.access.path == path]
        try:
            offer = agent_offer.ask(Path(path))
        except MicrojouleError as error:
            left_out |= {channel.id: str(error) for channel in here}
            continue
        for name in dict.fromkeys(channel.lane for channel in here):
            members = [channel for channel in here if channel.lane == name]
            try:
                lanes.append(AgentLane(name, members, codes, offer))
            except (MicrojouleError, ValueError, MemoryError) as error:
                left_out |= {channel.id: str(error) for channel in members}
        offer.close()
    return lanes, left_out


def _codes(channels: Sequence[Channel], codes: Mapping[str, int]) -> bytes:
    """What to write in place of each of the agent's codes, for the native half."""
    table = np.full(max(channel.access.config for channel in channels) + 1, (1 << 16) - 1, np.uint16)
    for channel in channels:
        table[channel.access.config] = codes[channel.id]
    return table.tobytes()


def _is_same(offered: Channel, recorded: Channel) -> bool:
    """Whether counts of both are the same, whatever was learnt of them since."""
    return all(
        getattr(offered, name) == getattr(recorded, name)
        for name in ("id", "place", "kind", "encoding", "scale")
    )
