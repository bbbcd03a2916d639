"""The metrics as OpenTelemetry takes them: observable instruments, and an exporter that pushes them.

The resource says whose they are (`host.name`, `service.name`); `OTEL_RESOURCE_ATTRIBUTES` and
`OTEL_SERVICE_NAME` have the last word on it, as the specification wants it, and so have the SDK's other
variables on headers, certificates and the interval. A collector that is away is tried again at the
next interval, and loses nothing: counters are cumulative.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..channel import Kind
from ..errors import BadEndpoint
from ..late import extra
from ..units import NS_PER_MS
from ..version import VERSION
from .component import component
from .metrics import HOST, METRICS, Metric, Picture, Point

SCOPE = "microjoule"
PATH = "/v1/metrics"
HELD_NS = 100 * NS_PER_MS  # longer than a collection takes, and shorter than the time between two
_HARDWARE = "hw."


def endpoint(url: str) -> str:
    """The URL to push metrics to: a collector's own gets the standard path, one with a path stays.

    Raises:
        BadEndpoint: It is not of http or https, or names no host.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # of brackets without an address in them
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadEndpoint(f"{url!r} is not the URL of a collector", "Give one like http://localhost:4318")
    return urlunsplit(parts._replace(path=PATH)) if parts.path in ("", "/") else url


def exporting(picture: Callable[[], Picture], url: str) -> Any:  # noqa: ANN401
    """A provider that pushes to a collector until its ``shutdown``, which pushes once more.

    Args:
        picture: The levels now.
        url: Of the collector, over HTTP; empty: what the SDK's environment variables say, or
            its default, ``http://localhost:4318``.

    Raises:
        BadEndpoint: See :func:`endpoint`.
        MissingExtra: The SDK or its exporter is not installed.
    """
    exporter = extra("opentelemetry.exporter.otlp.proto.http.metric_exporter").OTLPMetricExporter(
        endpoint=endpoint(url) if url else None
    )
    reader = extra("opentelemetry.sdk.metrics.export").PeriodicExportingMetricReader(exporter)
    return provider(picture, reader)


def provider(picture: Callable[[], Picture], reader: Any) -> Any:  # noqa: ANN401 - of an optional library
    """A meter provider whose reader finds every row of ``METRICS`` as an observable instrument."""
    made = extra("opentelemetry.sdk.metrics").MeterProvider(
        metric_readers=[reader], resource=_resource(), shutdown_on_exit=False
    )
    meter = made.get_meter(SCOPE, VERSION)
    create = {
        Kind.COUNTER: meter.create_observable_counter,
        Kind.GAUGE: meter.create_observable_gauge,
    }
    held = _Held(picture)
    for metric in METRICS:
        create[metric.kind](
            metric.otel,
            callbacks=[_observer(metric, held.picture)],
            unit=metric.unit,
            description=metric.help,
        )
    return made


class _Held:
    """One picture for all instruments of a collection, so that their sums agree."""

    def __init__(self, picture: Callable[[], Picture]) -> None:
        self._picture = picture
        self._held: Picture | None = None
        self._taken_ns = 0

    def picture(self) -> Picture:
        now_ns = time.monotonic_ns()
        if self._held is None or now_ns - self._taken_ns > HELD_NS:
            self._held, self._taken_ns = self._picture(), now_ns
        return self._held


def _observer(metric: Metric, picture: Callable[[], Picture]) -> Callable[[object], Iterator[Any]]:
    observation = extra("opentelemetry.metrics").Observation

    def observe(_options: object) -> Iterator[Any]:
        now = picture()
        for point in metric.points(now):
            if not _is_hosts(metric, point):
                yield observation(point.value, attributes(point, now))

    return observe


def _is_hosts(metric: Metric, point: Point) -> bool:
    """Whether the point is of the whole host, which the conventions keep out of ``hw.energy``."""
    is_platform = point.channel is not None and point.channel.place.is_platform
    return is_platform and metric.otel.startswith(_HARDWARE)


def attributes(point: Point, picture: Picture) -> dict[str, str]:
    """A point's attributes: ``hw.*`` by the conventions, the rest microjoule's own."""
    own = {f"{SCOPE}.{name}": value for name, value in point.labels}
    if point.channel is None:
        return {"hw.id": HOST, "hw.name": platform.node() or HOST, **own}
    of = component(point.channel, picture.channels)
    found = {"hw.id": of.id, "hw.name": of.name, "hw.type": of.type}
    if of.parent:
        found["hw.parent"] = of.parent
    return {**found, f"{SCOPE}.domain": of.domain, f"{SCOPE}.provenance": of.provenance, **own}


def _resource() -> Any:  # noqa: ANN401 - of an optional library
    resources = extra("opentelemetry.sdk.resources")
    said = resources.OTELResourceDetector().detect()
    ours = {"service.name": SCOPE, "service.version": VERSION, "host.name": platform.node()}
    return resources.Resource.create(ours).merge(said)
