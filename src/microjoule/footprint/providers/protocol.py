"""How a provider is reached, and what it answers with."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from ...errors import BadSeries
from ...value_class import dataclass
from ..factor import Factor
from ..intensity_series import IntensitySeries

_ALMOST_AN_HOUR = timedelta(hours=1) - timedelta(microseconds=1)


class Clock(Protocol):
    """What tells the time and waits."""

    def now(self) -> datetime:
        """The time in UTC."""

    def sleep(self, duration_s: float) -> None:
        """Returns after so many seconds."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The time in UTC."""
        return datetime.now(UTC)

    def sleep(self, duration_s: float) -> None:
        """Returns after so many seconds."""
        time.sleep(duration_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAccess:
    """How a provider is reached.

    Attributes:
        token: The key, token or password; never shown, not even by ``repr``.
        user: Where the provider wants a name beside it.
        base_url: Another address than the provider's own; empty: its own.
        clock: Tells when an answer came, and waits between tries.
        fuels: g/kWh by fuel, for a provider that tells a mix and no intensity.
    """

    token: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    base_url: str = ""
    clock: Clock = field(default_factory=SystemClock)
    fuels: Mapping[str, Factor] = field(default_factory=dict, repr=False)


class Provider(Protocol):
    """One publisher of intensities."""

    def series(self, zone: str, start: datetime, end: datetime) -> IntensitySeries:
        """The intensity of a zone over a span, as far as it is published.

        Args:
            zone: As the provider names it.
            start: Aware.
            end: Aware, and later.

        Raises:
            BadSeries: The span is not one.
            PermissionDenied: The provider refuses the token, or there is none.
            LiveUnavailable: It could not be reached, or asks to come back later.
            BadReply: It answered with something else than its documentation says.
        """


def span(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Both in UTC and outwards to the full hour: a point that began before the run holds inside it.

    Raises:
        BadSeries: One has no offset, or they do not ascend.
    """
    if start.tzinfo is None or end.tzinfo is None:
        raise BadSeries("A time without an offset from UTC cannot be asked for", "Give aware datetimes")
    if end <= start:
        raise BadSeries(
            f"The span ends at {iso(end)}, and begins at {iso(start)}", "Give the earlier time first"
        )
    return _hour(start.astimezone(UTC)), _hour(end.astimezone(UTC) + _ALMOST_AN_HOUR)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def chunks(start: datetime, end: datetime, longest: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """The span in parts of at most so long, as providers limit one question."""
    while start < end:
        stop = min(start + longest, end)
        yield start, stop
        start = stop


def iso(moment: datetime) -> str:
    """``2026-03-29T01:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
