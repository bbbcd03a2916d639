"""Electricity Maps, API v3: consumption-based average intensity, hourly or finer.

``GET /v3/carbon-intensity/past-range?zone=DE&start=…&end=…`` with the header ``auth-token`` gives
``{zone, data: [{carbonIntensity, datetime, emissionFactorType, isEstimated, …}], temporalGranularity}``.
A point holds from ``datetime`` for one granularity. At most ten days are asked for at once, the
documented limit for hourly points. A null intensity is a gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from ...errors import BadReply, PermissionDenied
from ...units import NS_PER_S
from ..factor import Boundary, Origin
from ..intensity_file import realtime_ns
from ..intensity_series import IntensitySeries, IntensityStep
from .client import Client
from .protocol import ProviderAccess, chunks, iso, span

BASE_URL = "https://api.electricitymaps.com"
LONGEST = timedelta(days=10)
GRANULARITY_S: Mapping[str, int] = MappingProxyType(
    {"5_minutes": 300, "15_minutes": 900, "30_minutes": 1800, "hourly": 3600}
)


class ElectricityMaps:
    """Electricity Maps, with a token.

    Args:
        access: ``token``: the API key.
    """

    def __init__(self, access: ProviderAccess) -> None:
        self._access = access
        self._client = Client("Electricity Maps", access.base_url or BASE_URL, access.clock)

    def series(self, zone: str, start: datetime, end: datetime) -> IntensitySeries:
        """The intensity of a zone such as ``DE`` or ``US-CAL-CISO``; see ``Provider.series``."""
        if not self._access.token:
            raise PermissionDenied("Electricity Maps needs a token", "Set it to the API key of your account")
        start, end = span(start, end)
        points: list[tuple[Any, str]] = []
        for first, last in chunks(start, end, LONGEST):
            reply = self._client.json(
                "/v3/carbon-intensity/past-range",
                [("zone", zone), ("start", iso(first)), ("end", iso(last))],
                {"auth-token": self._access.token},
            )
            points += _points(reply)
        scopes = {str(point.get("emissionFactorType", "lifecycle")) for point, _ in points}
        if len(scopes) > 1:
            raise BadReply(
                f"Electricity Maps mixes {' and '.join(sorted(scopes))} figures", "Ask for one of them"
            )
        return IntensitySeries(
            f"grid of {zone}",
            [
                _interval(point, length)
                for point, length in points
                if point.get("carbonIntensity") is not None
            ],
            Boundary(signal="average", scope=scopes.pop() if scopes else "", basis="consumption"),
            Origin(source="Electricity Maps API v3", licence="Electricity Maps terms; not to be passed on"),
            iso(self._access.clock.now()),
        )


def _points(reply: Any) -> list[tuple[Any, str]]:  # noqa: ANN401 - JSON
    try:
        rows = reply["data"] if "data" in reply else reply["history"]
        usual = reply.get("temporalGranularity", "hourly")
        return [(row, row.get("temporalGranularity", usual)) for row in rows]
    except (TypeError, KeyError, AttributeError):
        raise BadReply(
            "Electricity Maps answered without a list of points", "Check the zone's name"
        ) from None


def _interval(point: Mapping[str, Any], granularity: str) -> IntensityStep:
    if granularity not in GRANULARITY_S:
        raise BadReply(
            f"Electricity Maps gives {granularity!r} points", f"Ask for {', '.join(GRANULARITY_S)}"
        )
    try:
        t0_ns = realtime_ns(point["datetime"])
        figure = float(point["carbonIntensity"])
    except (KeyError, TypeError, ValueError):
        raise BadReply("A point of Electricity Maps has no time or no number", "Try again") from None
    return IntensityStep(
        t0_ns, t0_ns + GRANULARITY_S[granularity] * NS_PER_S, figure, bool(point.get("isEstimated"))
    )
