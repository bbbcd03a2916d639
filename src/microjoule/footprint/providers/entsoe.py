"""ENTSO-E Transparency Platform: generation per type, from which the intensity is made.

``GET /api?securityToken=…&documentType=A75&processType=A16&in_Domain=…&periodStart=…&periodEnd=…``
(times ``yyyyMMddHHmm`` in UTC) gives a ``GL_MarketDocument`` with a ``TimeSeries`` a type and direction:
``MktPSRType/psrType`` B01 to B25, ``Period`` with ``timeInterval``, ``resolution`` (PT15M, PT30M, PT60M)
and ``Point`` of ``position`` and ``quantity`` in MW. Curve type A03 leaves out points that repeat the
one before. A series with ``outBiddingZone_Domain`` is consumption, as of pumps, and no generation.
Where there is nothing the answer is an ``Acknowledgement_MarketDocument``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from xml.etree import ElementTree

from ...errors import BadReply, PermissionDenied
from ...units import NS_PER_S
from ..factor import Boundary, Factor, Origin
from ..intensity_file import realtime_ns
from ..intensity_series import IntensitySeries
from .client import Client
from .generation_mix import Generation, intervals
from .protocol import ProviderAccess, chunks, iso, span

BASE_URL = "https://web-api.tp.entsoe.eu"
LONGEST = timedelta(days=30)

FUELS: Mapping[str, str] = MappingProxyType(
    {
        "B01": "biomass",
        "B02": "coal",
        "B03": "gas",
        "B04": "gas",
        "B05": "coal",
        "B06": "oil",
        "B07": "oil",
        "B08": "coal",
        "B09": "geothermal",
        "B11": "hydropower",
        "B12": "hydropower",
        "B13": "other",
        "B14": "nuclear",
        "B15": "other",
        "B16": "solar",
        "B17": "waste",
        "B18": "wind",
        "B19": "wind",
        "B20": "other",
    }
)
"""The fuel of each type; a factor given for the code itself, as ``B02`` for lignite, goes before it."""

STORAGE = ("B10", "B25")  # what it gives was generated before

_RESOLUTION_S: Mapping[str, int] = MappingProxyType(
    {"PT15M": 900, "PT30M": 1800, "PT60M": 3600, "PT1H": 3600}
)


class Entsoe:
    """ENTSO-E, with a security token.

    Args:
        access: ``token``, and ``fuels``: g/kWh by fuel or by type code.
    """

    def __init__(self, access: ProviderAccess) -> None:
        self._access = access
        self._client = Client("ENTSO-E", access.base_url or BASE_URL, access.clock)

    def series(self, zone: str, start: datetime, end: datetime) -> IntensitySeries:
        """The intensity of generation in an area by its EIC code; see ``Provider.series``.

        Raises:
            UnknownFuel: A type that generates has no factor.
        """
        if not self._access.token:
            raise PermissionDenied(
                "ENTSO-E needs a security token", "Ask for one in the platform's account settings"
            )
        start, end = span(start, end)
        rows: list[Generation] = []
        for first, last in chunks(start, end, LONGEST):
            query = [
                ("securityToken", self._access.token),
                ("documentType", "A75"),
                ("processType", "A16"),
                ("in_Domain", zone),
                ("periodStart", f"{first:%Y%m%d%H%M}"),
                ("periodEnd", f"{last:%Y%m%d%H%M}"),
            ]
            rows += generation(self._client.text("/api", query))
        return IntensitySeries(
            f"generation of {zone}",
            intervals(rows, by_code(self._access.fuels)),
            Boundary(signal="average", scope=_scope(self._access.fuels), basis="generation"),
            Origin(
                source="ENTSO-E Transparency Platform, A75/A16", licence="ENTSO-E Transparency Platform terms"
            ),
            iso(self._access.clock.now()),
        )


def by_code(fuels: Mapping[str, Factor]) -> dict[str, Factor]:
    """The factors by type code, from factors by fuel or by code."""
    named = {code: fuels[fuel] for code, fuel in FUELS.items() if fuel in fuels}
    return {**named, **{code: factor for code, factor in fuels.items() if code in FUELS}}


def generation(text: str) -> list[Generation]:
    """What a document says was generated, by type code.

    Raises:
        BadReply: It is cut off, or is none.
    """
    try:
        root = ElementTree.fromstring(text)
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        if root.tag == "Acknowledgement_MarketDocument":
            return []
        if root.tag != "GL_MarketDocument":
            raise BadReply(f"ENTSO-E answered with a {root.tag}", "Check the area's code and the span")
        made = [
            series
            for series in root.findall("TimeSeries")
            if series.find("outBiddingZone_Domain.mRID") is None
        ]
        rows = (row for series in made for row in _rows(series))
        return [row for row in rows if row.fuel not in STORAGE]
    except ElementTree.ParseError as error:
        raise BadReply(f"The answer of ENTSO-E is not whole XML: {error}", "Try again") from None
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, BadReply):
            raise
        raise BadReply("The answer of ENTSO-E lacks a time, a resolution or a number", "Try again") from None


def _rows(series: ElementTree.Element) -> Iterator[Generation]:
    code = _text(series, "MktPSRType/psrType")
    repeats = series.findtext("curveType") == "A03"
    for period in series.findall("Period"):
        t0_ns = realtime_ns(_text(period, "timeInterval/start"))
        end_ns = realtime_ns(_text(period, "timeInterval/end"))
        step_ns = _RESOLUTION_S[_text(period, "resolution")] * NS_PER_S
        points = {int(_text(p, "position")): float(_text(p, "quantity")) for p in period.findall("Point")}
        last: float | None = None
        for position in range(1, (end_ns - t0_ns) // step_ns + 1):
            power = points.get(position, last if repeats else None)
            if power is not None:
                yield Generation(code, t0_ns + (position - 1) * step_ns, t0_ns + position * step_ns, power)
            last = power


def _text(element: ElementTree.Element, path: str) -> str:
    found = element.findtext(path)
    if found is None:
        raise KeyError(path)
    return found


def _scope(fuels: Mapping[str, Factor]) -> str:
    scopes = {factor.boundary.scope for factor in fuels.values()}
    return scopes.pop() if len(scopes) == 1 else ""
