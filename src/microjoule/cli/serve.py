"""``uj serve``: the energies of this host as metrics, until a signal ends it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..errors import NothingServed
from ..live import LOOPBACK, PORT
from . import activity, options, probe_calibrate
from .signals import awaited

if TYPE_CHECKING:
    from ..live.metrics import Picture
    from ..live.session import Session

NO_PAGE = "none"
RATE_HZ = 10.0  # a counter loses nothing between two readings, and no scrape comes oftener
LOOK_S = 5.0  # how often it is looked whether a source died
LAST_PUSH_MS = 3000  # for a collector that is away when the service ends

_DESCRIPTION = """\
The energies of this host as metrics: on a page that Prometheus scrapes, or
pushed to an OpenTelemetry collector. SIGTERM or Ctrl-C ends it.

Counters begin at zero at each start and never step back while it runs: not
when a counter of the hardware wraps or is reset, nor when a device goes away
and comes back. Channels that overlap are in metrics of their own, so that
sum(rate(microjoule_energy_joules_total[5m])) counts no joule twice and is the
host's power. An unknown power is absent, never zero.

Without --bind only programs on this host can read the page: the power of a
machine reveals something of what it computes.
"""
_EPILOG = "examples/serve/ has a unit for systemd, and a configuration of Prometheus with what to ask it."


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "serve",
        help="serve energy as metrics for Prometheus and OpenTelemetry",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument(
        "--bind",
        type=address,
        default=LOOPBACK,
        metavar="ADDRESS",
        help=f"listen on this address [{LOOPBACK}: this host alone]",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="answer to this host name too (repeat for several)",
    )
    parser.add_argument(
        "--port",
        type=port,
        default=PORT,
        metavar="N",
        help=f"port; 0: any free one; none: no page for Prometheus [{PORT}]",
    )
    parser.add_argument(
        "--otlp",
        nargs="?",
        const="",
        metavar="URL",
        help="push to an OpenTelemetry collector over HTTP; without a URL to the one that "
        "OTEL_EXPORTER_OTLP_ENDPOINT names, or http://localhost:4318",
    )
    activity.add_by(parser, activity.NOBODY)
    group = parser.add_argument_group("sampling")
    group.add_argument(
        "--rate",
        type=float,
        default=RATE_HZ,
        metavar="HZ",
        help=f"samples a second, 1 to 20000 [{RATE_HZ:g}]",
    )
    options.add_counters(group)
    parser.set_defaults(run=run)


def address(text: str) -> str:
    """An address, an IPv6 one in brackets or without; an argparse type."""
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


def port(text: str) -> int | None:
    """A port's number, or ``none``; an argparse type."""
    if text == NO_PAGE:
        return None
    number = int(text)
    if not 0 <= number < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give one from 1 to 65535")
    return number


def run(arguments: argparse.Namespace) -> int:
    """Serves until a signal, says where on stderr, and exits 0."""
    import signal

    if arguments.port is None and arguments.otlp is None:
        raise NothingServed(
            "There is nothing to serve: no page and no collector", "Give --port N, or --otlp URL"
        )
    # Blocked before any thread starts, numpy's own among them, so that each inherits it: a signal is then
    # taken by the wait below and by nothing else.
    ends = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    from ..live.lasting import Lasting
    from ..live.metrics import Picture
    from ..live.session import session
    from ..recording.meter import Meter

    with ExitStack() as closing:
        closing.callback(signal.pthread_sigmask, signal.SIG_SETMASK, mask)

        meter = Meter(
            rate=arguments.rate,
            sources=arguments.source,
            root=arguments.root,
            calibration=probe_calibrate.stored(arguments),
        )

        def begin() -> Session:
            return session(meter, arguments.by, activity.plan(arguments, has_command=False))

        running = closing.enter_context(Lasting(begin))
        for channel, why in running.left_out.items():
            print(f"uj: {channel} was left out: {why}", file=sys.stderr)

        def picture() -> Picture:
            return Picture(running.channels, running.levels(), time.monotonic_ns(), running.tenants())

        for place in _ways(arguments, picture, closing):
            print(f"uj: {place}", file=sys.stderr, flush=True)
        while awaited(ends, LOOK_S) is None:
            for channel in running.look():
                print(
                    f"uj: {channel} gives no readings; the sources are reopened", file=sys.stderr, flush=True
                )
    return 0


def _ways(arguments: argparse.Namespace, picture: Callable[[], Picture], closing: ExitStack) -> Iterator[str]:
    """Opens what was asked for, to be closed at the end; a sentence of where each is."""
    from ..live import otlp
    from ..live.prometheus import Collector, Page

    if arguments.port is not None:
        collector = Collector(picture, time.time())
        page = closing.enter_context(Page(collector, arguments.bind, arguments.port, arguments.allow_host))
        yield f"serving {page.url}; Ctrl-C ends it"
    if arguments.otlp is not None:
        collector_url = arguments.otlp or "the collector that OTEL_EXPORTER_OTLP_ENDPOINT names"
        provider = otlp.exporting(picture, arguments.otlp)
        closing.callback(provider.shutdown, timeout_millis=LAST_PUSH_MS)
        _say_what_fails(collector_url)
        yield f"pushing to {collector_url}"


def _say_what_fails(collector_url: str) -> None:
    """Makes a sentence of what the SDK logs when a push has failed; of each try before that, nothing."""
    import logging

    said = logging.StreamHandler(sys.stderr)
    again = "counters are cumulative, so the next push makes up for it"
    said.setFormatter(logging.Formatter(f"uj: {collector_url} took no metrics: %(message)s ({again})"))
    said.setLevel(logging.ERROR)
    log = logging.getLogger("opentelemetry")
    log.addHandler(said)
    log.propagate = False
