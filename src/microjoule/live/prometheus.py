"""The metrics as Prometheus reads them: a page that `prometheus-client` serves.

The page follows the OpenMetrics form or the older text form, whichever the reader asks for. The metrics
stand in a registry of their own, so that nothing of the process around them is served.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Collection, Iterator
from threading import Thread
from typing import Any

from ..channel import Channel, Kind
from ..errors import BadAddress, CannotServe
from ..late import extra
from . import LOOPBACK, PORT
from .component import component
from .http_server import Server, guarded, serving
from .metrics import METRICS, PROMETHEUS_UNITS, Metric, Picture, Point

_CHANNEL_LABELS = ("channel", "domain", "provenance")
_INFO_LABELS = ("channel", "hardware", "source", "quantity", "unit_from", "parent", "model")
_INFO_HELP = "How a channel is read, and by which model its figure is an energy; always 1."


class Collector:
    """Gives `prometheus-client` its families whenever a page is asked for.

    Args:
        picture: The levels now.
        started_s: When the counters began, seconds since 1970.
    """

    def __init__(self, picture: Callable[[], Picture], started_s: float) -> None:
        self._picture = picture
        self._started_s = started_s
        self._core = extra("prometheus_client.core")

    def collect(self) -> Iterator[Any]:
        """One family a row of ``METRICS`` that has a figure, and how each channel is read."""
        picture = self._picture()
        for metric in METRICS:
            points = list(metric.points(picture))
            if points:
                yield self._family(metric, points, picture)
        yield self._info(picture)

    def _family(self, metric: Metric, points: list[Point], picture: Picture) -> Any:  # noqa: ANN401
        rows = [(labels(point, picture), point.value) for point in points]
        made: tuple[Any, ...] = (metric.prometheus, metric.help)
        unit = PROMETHEUS_UNITS.get(metric.unit, "")
        names = list(rows[0][0])
        if metric.kind is Kind.COUNTER:
            family = self._core.CounterMetricFamily(*made, labels=names, unit=unit)
            for values, value in rows:
                family.add_metric(list(values.values()), value, created=self._started_s)
        else:
            family = self._core.GaugeMetricFamily(*made, labels=names, unit=unit)
            for values, value in rows:
                family.add_metric(list(values.values()), value)
        return family

    def _info(self, picture: Picture) -> Any:  # noqa: ANN401 - of an optional library
        family = self._core.GaugeMetricFamily("microjoule_channel_info", _INFO_HELP, labels=_INFO_LABELS)
        for channel in picture.channels.values():
            family.add_metric(_info(channel, picture), 1)
        return family


def labels(point: Point, picture: Picture) -> dict[str, str]:
    """A point's labels by name."""
    if point.channel is None:
        return dict(point.labels)
    of = component(point.channel, picture.channels)
    own = dict(zip(_CHANNEL_LABELS, (of.id, of.domain, of.provenance), strict=True))
    return own | dict(point.labels)


def _info(channel: Channel, picture: Picture) -> list[str]:
    of = component(channel, picture.channels)
    model = channel.trust.model.source if channel.trust.model else ""
    scale = channel.scale
    return [of.id, of.type, channel.source, scale.quantity, scale.unit_source, of.parent, model]


class Page:
    """The page, served by threads of its own until it is closed; a context manager.

    Args:
        collector: What it shows.
        bind: The address to listen at.
        port: The port; 0: any that is free.
        allowed: Names to answer to, beside this machine's own.

    Attributes:
        url: Where it is.

    Raises:
        CannotServe: The port is taken, or not this user's to take.
        BadAddress: The address is none of this machine, or no address.
        MissingExtra: `prometheus-client` is not installed.
    """

    def __init__(self, collector: Collector, bind: str, port: int, allowed: Collection[str] = ()) -> None:
        registry = extra("prometheus_client").CollectorRegistry(auto_describe=False)
        registry.register(collector)
        self._server, self._thread = _listening(registry, bind, port, allowed)
        host = f"[{bind}]" if ":" in bind else bind
        self.url = f"http://{host}:{self._server.server_port}/metrics"

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _listening(
    registry: Any,  # noqa: ANN401 - of an optional library
    bind: str,
    port: int,
    allowed: Collection[str],
) -> tuple[Server, Thread]:
    try:
        application = guarded(extra("prometheus_client").make_wsgi_app(registry), allowed)
        server = Server(bind, port, application)
    except socket.gaierror as error:
        raise BadAddress(
            f"{bind!r} is not an address ({error.strerror})", f"Give one of this machine's: --bind {LOOPBACK}"
        ) from error
    except OverflowError as error:
        raise BadAddress(f"{port} is not a port", f"Give one from 1 to 65535: --port {PORT}") from error
    except OSError as error:
        raise _refused(error, bind, port) from error
    return server, serving(server)


def _refused(error: OSError, bind: str, port: int) -> CannotServe:
    if error.errno == errno.EADDRNOTAVAIL:
        return BadAddress(
            f"{bind} is not an address of this machine",
            "Give one that `ip address` lists, or 0.0.0.0 for all of them",
        )
    if error.errno == errno.EADDRINUSE:
        return CannotServe(
            f"Port {port} of {bind} is taken by another program",
            f"`ss -ltnp 'sport = {port}'` names it; or choose another port with --port",
        )
    if error.errno == errno.EACCES:
        return CannotServe(
            f"Port {port} needs privileges that you do not have", "Choose a port from 1024 up: --port 9464"
        )
    return CannotServe(f"Nothing can be served at {bind}, port {port}: {error.strerror}", "Choose another")
