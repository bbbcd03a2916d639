"""EIA, API v2: hourly generation by fuel of a US balancing authority, from which the intensity is made.

``GET /v2/electricity/rto/fuel-type-data/data/?frequency=hourly&data[0]=value&facets[respondent][]=…``
with ``api_key`` in the query gives ``{response: {total, data: [{period, respondent, fueltype, value}]}}``,
at most 5000 rows at once. ``period`` is ``YYYY-MM-DDTHH`` in UTC and names the *end* of the hour, as form
EIA-930 does; a value is in MWh and may come as text. Storage is left out: what it gives was
generated before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from ...errors import BadReply, PermissionDenied
from ...units import NS_PER_S
from ..factor import Boundary, Origin
from ..intensity_file import realtime_ns
from ..intensity_series import IntensitySeries
from .client import Client
from .generation_mix import Generation, intervals
from .protocol import ProviderAccess, iso, span

BASE_URL = "https://api.eia.gov"
ROWS_MAX = 5000
HOUR_NS = 3600 * NS_PER_S

FUELS: Mapping[str, str] = MappingProxyType(
    {
        "COL": "coal",
        "NG": "gas",
        "NUC": "nuclear",
        "OIL": "oil",
        "SUN": "solar",
        "WAT": "hydropower",
        "WND": "wind",
        "GEO": "geothermal",
        "SNB": "solar",
        "WNB": "wind",
        "OTH": "other",
        "UNK": "other",
    }
)
STORAGE = ("BAT", "PS", "UES", "OES")


class Eia:
    """EIA, with an API key.

    Args:
        access: ``token``: the key, and ``fuels``: g/kWh by fuel or by EIA's code.
    """

    def __init__(self, access: ProviderAccess) -> None:
        self._access = access
        self._client = Client("EIA", access.base_url or BASE_URL, access.clock)

    def series(self, zone: str, start: datetime, end: datetime) -> IntensitySeries:
        """The intensity of generation of a respondent such as ``CISO`` or ``US48``; see ``Provider.series``.

        Raises:
            UnknownFuel: A fuel that generates has no factor.
        """
        if not self._access.token:
            raise PermissionDenied("EIA needs an API key", "Register at eia.gov/opendata; it is free")
        start, end = span(start, end)
        fuels = self._access.fuels
        named = {code: fuels[fuel] for code, fuel in FUELS.items() if fuel in fuels}
        given = {code: factor for code, factor in fuels.items() if code in FUELS}
        scopes = {factor.boundary.scope for factor in fuels.values()}
        return IntensitySeries(
            f"generation of {zone}",
            intervals(self._rows(zone, start, end), {**named, **given}),
            Boundary(signal="average", scope=scopes.pop() if len(scopes) == 1 else "", basis="generation"),
            Origin(source="EIA API v2, electricity/rto/fuel-type-data", licence="public domain"),
            iso(self._access.clock.now()),
        )

    def _rows(self, zone: str, start: datetime, end: datetime) -> list[Generation]:
        rows: list[Generation] = []
        offset, total = 0, 1
        while offset < total:
            query = [
                ("api_key", self._access.token),
                ("frequency", "hourly"),
                ("data[0]", "value"),
                ("facets[respondent][]", zone),
                ("start", f"{start:%Y-%m-%dT%H}"),
                ("end", f"{end + timedelta(hours=1):%Y-%m-%dT%H}"),
                ("sort[0][column]", "period"),
                ("sort[0][direction]", "asc"),
                ("offset", str(offset)),
                ("length", str(ROWS_MAX)),
            ]
            reply = self._client.json("/v2/electricity/rto/fuel-type-data/data/", query)
            page, total = _page(reply)
            if not page:
                break
            rows += [row for row in map(_generation, page) if row]
            offset += len(page)
        return rows


def _page(reply: Any) -> tuple[list[Mapping[str, Any]], int]:  # noqa: ANN401 - JSON
    try:
        rows = reply["response"]["data"]
        return rows, int(reply["response"].get("total") or len(rows))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadReply("EIA answered without a list of hours", "Check the respondent's code") from None


def _generation(row: Mapping[str, Any]) -> Generation | None:
    try:
        code, value = row["fueltype"], row["value"]
        if code in STORAGE or value is None:
            return None
        t1_ns = realtime_ns(datetime.strptime(row["period"], "%Y-%m-%dT%H").replace(tzinfo=UTC))
        return Generation(code, t1_ns - HOUR_NS, t1_ns, float(value))
    except (KeyError, TypeError, ValueError):
        raise BadReply("An hour of EIA has no time, fuel or number", "Try again") from None
