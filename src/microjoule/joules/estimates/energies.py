"""The energies of one window: a mapping from channel to estimate, with their total."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

from ...channel import Channel
from ...errors import UnknownChannel, nearest
from ...late import shown
from . import total as totals
from .estimate import Estimate
from .sentence import sentence

E = TypeVar("E", bound=Estimate)


class Energies(Mapping[str, Estimate]):
    """What each channel says of one window.

    Args:
        estimates: By channel id.
        channels: The channel table, which says what overlaps.
        subject: What used the energy, for the sentence.
        duration_s: In how many seconds.
    """

    def __init__(
        self,
        estimates: Mapping[str, Estimate],
        channels: Mapping[str, Channel],
        subject: str,
        duration_s: float,
    ) -> None:
        self._estimates = dict(estimates)
        self._channels = channels
        self._subject, self._duration_s = subject, duration_s

    def __getitem__(self, channel_id: str) -> Estimate:
        try:
            return self._estimates[channel_id]
        except KeyError:
            remedy = nearest(str(channel_id), self._estimates)
            raise UnknownChannel(f"There is no energy of a channel {channel_id!r}", remedy) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._estimates)

    def __len__(self) -> int:
        return len(self._estimates)

    @cached_property
    def total(self) -> totals.Total:
        """All that is known of, no joule twice; ``.total.channels`` says what it covers."""
        return totals.total(self._estimates, self._channels)

    def add(self, *channel_ids: str) -> totals.Total:
        """The sum of just these channels.

        Raises:
            UnknownChannel: One of them is not there.
            Overlap: Two of them count the same joules.
        """
        return totals.add(channel_ids, {name: self[name] for name in channel_ids}, self._channels)

    _repr_html_ = shown("energies")

    def __str__(self) -> str:
        total = self.total
        parts = [(self._channels[name].place, self._estimates[name]) for name in total.channels]
        return sentence(self._subject, self._duration_s, total, parts)

    def __repr__(self) -> str:
        parts = [f"{name} {estimate}" for name, estimate in self._estimates.items()]
        return f"Energies({'; '.join([f'total {self.total}', *parts])})"


def unread(estimate: E) -> E:
    """The figure of a counter that told nothing."""
    return replace(estimate, value=None, low=0.0, high=math.inf, status="failed", components=())
