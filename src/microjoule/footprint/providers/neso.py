"""The Carbon Intensity API of Great Britain (NESO): half-hourly, no token.

``GET /intensity/{from}/{to}`` gives ``{data: [{from, to, intensity: {forecast, actual, index}}]}``; of a
region ``GET /regional/intensity/{from}/{to}/regionid/{id}`` gives the same inside one more ``data``,
with forecasts only. ``actual`` is null until it is estimated after the fact: the forecast then stands,
marked estimated; where both are null there is a gap. The figures count generation, imports and losses
of the grid, at the stack. At most fourteen days are asked for at once, as documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from ...errors import BadReply
from ..factor import Boundary, Origin
from ..intensity_file import realtime_ns
from ..intensity_series import IntensitySeries, IntensityStep
from .client import Client
from .protocol import ProviderAccess, chunks, iso, span

BASE_URL = "https://api.carbonintensity.org.uk"
LONGEST = timedelta(days=14)
NATIONAL = ("GB", "")


class Neso:
    """Great Britain's Carbon Intensity API.

    Args:
        access: No token is needed.
    """

    def __init__(self, access: ProviderAccess) -> None:
        self._access = access
        self._client = Client("the Carbon Intensity API", access.base_url or BASE_URL, access.clock)

    def series(self, zone: str, start: datetime, end: datetime) -> IntensitySeries:
        """The intensity of ``GB``, or of a region by its number, 1 to 17; see ``Provider.series``."""
        start, end = span(start, end)
        intervals: list[IntensityStep] = []
        for first, last in chunks(start, end, LONGEST):
            between = f"/intensity/{iso(first)}/{iso(last)}"
            path = between if zone in NATIONAL else f"/regional{between}/regionid/{quote(zone, safe='')}"
            intervals += _intervals(self._client.json(path))
        return IntensitySeries(
            "grid of GB" if zone in NATIONAL else f"grid of GB, region {zone}",
            intervals,
            Boundary(signal="average", scope="direct", basis="consumption"),
            Origin(source="NESO Carbon Intensity API", licence="CC-BY-4.0"),
            iso(self._access.clock.now()),
        )


def _intervals(reply: Any) -> list[IntensityStep]:  # noqa: ANN401 - JSON
    try:
        rows = reply["data"]
        rows = rows["data"] if isinstance(rows, dict) else rows
        found = (_interval(row) for row in rows)
        return [interval for interval in found if interval]
    except BadReply:
        raise
    except (AttributeError, KeyError, TypeError, ValueError):
        raise BadReply(
            "The Carbon Intensity API answered without a list of half hours", "Check the zone"
        ) from None


def _interval(row: Mapping[str, Any]) -> IntensityStep | None:
    actual, forecast = row["intensity"].get("actual"), row["intensity"].get("forecast")
    figure = forecast if actual is None else actual
    if figure is None:
        return None
    return IntensityStep(realtime_ns(row["from"]), realtime_ns(row["to"]), float(figure), actual is None)
