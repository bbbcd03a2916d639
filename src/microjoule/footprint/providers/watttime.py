"""WattTime, API v3: marginal operating emissions rate, five minutes at a time, in pounds per MWh.

``GET /login`` with basic authentication gives ``{token}``, good for half an hour; with it as bearer
``GET /v3/historical?region=…&start=…&end=…&signal_type=co2_moer`` gives
``{data: [{point_time, value}], meta: {region, signal_type, units, data_point_period_seconds, model}}``.
At most 32 days are asked for at once. The signal is *marginal*: what one kilowatt-hour more causes. It
is never mixed with an average.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ...errors import BadReply, PermissionDenied
from ...units import NS_PER_S, g_per_kwh_of_lb_per_mwh
from ..factor import Boundary, Origin
from ..intensity_file import realtime_ns
from ..intensity_series import IntensitySeries, IntensityStep
from .client import Client
from .protocol import ProviderAccess, chunks, iso, span

BASE_URL = "https://api.watttime.org"
LONGEST = timedelta(days=32)
UNITS = "lbs_co2_per_mwh"
PERIOD_S = 300


class WattTime:
    """WattTime, with a user name and a password.

    Args:
        access: ``user`` and ``token``, the password.
    """

    def __init__(self, access: ProviderAccess) -> None:
        self._access = access
        self._client = Client("WattTime", access.base_url or BASE_URL, access.clock)

    def series(self, zone: str, start: datetime, end: datetime) -> IntensitySeries:
        """The marginal intensity of a region such as ``CAISO_NORTH``; see ``Provider.series``."""
        start, end = span(start, end)
        headers = {"Authorization": f"Bearer {self._login()}"}
        intervals: list[IntensityStep] = []
        for first, last in chunks(start, end, LONGEST):
            reply = self._client.json(
                "/v3/historical",
                [("region", zone), ("start", iso(first)), ("end", iso(last)), ("signal_type", "co2_moer")],
                headers,
            )
            intervals += _intervals(reply)
        return IntensitySeries(
            f"margin of {zone}",
            intervals,
            Boundary(signal="marginal", scope="direct", basis="generation"),
            Origin(source="WattTime API v3, co2_moer", licence="WattTime terms; not to be passed on"),
            iso(self._access.clock.now()),
        )

    def _login(self) -> str:
        if not (self._access.user and self._access.token):
            raise PermissionDenied(
                "WattTime needs a user name and a password", "Register with it and give both"
            )
        pair = base64.b64encode(f"{self._access.user}:{self._access.token}".encode()).decode()
        reply = self._client.json("/login", headers={"Authorization": f"Basic {pair}"})
        token = reply.get("token") if isinstance(reply, dict) else None
        if not isinstance(token, str):
            raise BadReply("WattTime answered the login without a token", "Try again later")
        return token


def _intervals(reply: Any) -> list[IntensityStep]:  # noqa: ANN401 - JSON
    try:
        meta, rows = reply.get("meta", {}), reply["data"]
        units = meta.get("units", UNITS)
        period_ns = int(meta.get("data_point_period_seconds", PERIOD_S)) * NS_PER_S
        if units != UNITS:
            raise BadReply(f"WattTime answers in {units}, not in {UNITS}", "Ask for the signal co2_moer")
        return [_interval(row, period_ns) for row in rows if row.get("value") is not None]
    except BadReply:
        raise
    except (AttributeError, KeyError, TypeError, ValueError):
        raise BadReply("WattTime answered without a list of points", "Check the region's name") from None


def _interval(row: Mapping[str, Any], period_ns: int) -> IntensityStep:
    t0_ns = realtime_ns(row["point_time"])
    return IntensityStep(t0_ns, t0_ns + period_ns, g_per_kwh_of_lb_per_mwh(float(row["value"])))
