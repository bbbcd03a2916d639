"""Options that several commands share."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..units import US_PER_S

if TYPE_CHECKING:
    from ..footprint.chosen_factors import Terms
    from ..recording import Cadence

_SECONDS = {"ms": 1e-3, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


EDGES = "edges"
METHOD = "default"  # ``footprint.methods.DEFAULT``, without what that imports
_WISHES = (
    "method", "zone", "scope", "wue", "intensity", "pue", "price", "tariff", "market", "embodied",
    "per", "currency",
)  # fmt: skip


def add_counters(group: argparse._ArgumentGroup) -> None:
    """Which counters to read, and what is known of them."""
    group.add_argument(
        "--calibration",
        metavar="FILE",
        help="calibration file from `uj probe --calibrate`; none: no calibration [this host's]",
    )
    group.add_argument(
        "--source",
        action="append",
        metavar="NAME",
        help="read only this source (repeat for several); see `uj probe`",
    )
    group.add_argument(
        "--root", type=Path, default=Path("/"), metavar="DIR", help="read counters under DIR [/]"
    )


def add_sampling(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """What to read and how often; the group of these options."""
    group = parser.add_argument_group("sampling")
    group.add_argument(
        "--rate",
        type=rate,
        metavar="HZ",
        help="sampling rate, 1 to 20000; or edges: just before and after each update [1000; kernel: 2000]",
    )
    group.add_argument(
        "--edges", type=int, default=0, metavar="N", help="like --rate edges, at every Nth update"
    )
    add_counters(group)
    group.add_argument(
        "--all-gpus", action="store_true", help="read all GPUs, not only those in CUDA_VISIBLE_DEVICES"
    )
    group.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="METER",
        help="read this reference meter too: shelly://HOST, visa://RESOURCE, redfish://USER:PW@HOST",
    )
    group.add_argument("--cpu", type=int, action="append", metavar="N", help="run the sampler on this CPU")
    group.add_argument("--fifo", action="store_true", help="sample with real-time priority, if allowed")
    group.add_argument(
        "--kernel-sampling",
        action=argparse.BooleanOptionalAction,
        help="read perf events in the kernel's timer interrupt, or not "
        "[yes where an idle CPU keeps its tick]",
    )
    group.add_argument(
        "--spin",
        type=spin_us,
        default=0.0,
        metavar="US",
        help="wake up US microseconds early and busy-wait [0]",
    )
    return group


def add_channels(group: argparse._ArgumentGroup) -> None:
    """Which of the channels to read, as of two gauges of one GPU."""
    group.add_argument(
        "--channel",
        action="append",
        default=[],
        dest="only",
        metavar="ID",
        help="read only this channel (repeat for several); see `uj probe`",
    )


def add_footprint(parser: argparse.ArgumentParser) -> None:
    """What stands between joules and grams or money."""
    group = parser.add_argument_group("footprint", "Without --zone: the world's average and its range.")
    group.add_argument(
        "--zone", action=NotBlank, default="", metavar="CODE", help="place of the electricity; see `uj zones`"
    )
    group.add_argument(
        "--scope",
        default="",
        choices=("scope2", "lifecycle"),
        help="count direct emissions, or the whole life cycle",
    )
    group.add_argument(
        "--wue",
        action=NotBlank,
        default="",
        metavar="'W L/kWh'",
        help="water use: a figure, or aws:us-east-1",
    )
    group.add_argument(
        "--pue",
        action=NotBlank,
        default="",
        metavar="X",
        help="PUE of the data center: 1.1, or gcp, aws, uptime2025",
    )
    group.add_argument(
        "--method",
        default=METHOD,
        metavar="NAME",
        help="accounting method: default, strubell2019, lacoste2019, greenalgorithms, sci",
    )
    group.add_argument(
        "--intensity",
        action=NotBlank,
        default="",
        metavar="'G g/kWh'",
        help="carbon intensity, in place of a zone's",
    )
    group.add_argument(
        "--price",
        action=NotBlank,
        default="",
        metavar="'P CUR/kWh'",
        help="price of electricity: '0.12 USD/kWh'",
    )
    group.add_argument(
        "--tariff",
        action=NotBlank,
        default="",
        metavar="CODE",
        help="use the price of US-CA, DE/household, …",
    )
    group.add_argument(
        "--market",
        action=NotBlank,
        default="",
        metavar="'G g/kWh NAME'",
        help="purchased electricity (market-based), or: residual",
    )
    group.add_argument(
        "--embodied",
        action=NotBlank,
        default="",
        metavar="'M kg / Y y'",
        help="embodied carbon, or: '8 x H100 + gpu-server'",
    )
    group.add_argument(
        "--per", action=NotBlank, default="", metavar="'N UNIT'", help="functional units: '1000 requests'"
    )
    group.add_argument(
        "--currency", action=NotBlank, default="", metavar="CUR", help="show costs in this currency"
    )
    group.add_argument(
        "--exchange",
        action="append",
        type=exchange,
        metavar="CUR=X",
        help="exchange rate: EUR=1.08 (repeat for several)",
    )


class NotBlank(argparse.Action):
    """Stores a text that is not blank: an unset shell variable is an error, not the default."""

    def __call__(  # noqa: D102
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        if not str(values).strip():
            raise argparse.ArgumentError(self, "the value is empty: give one, or leave the option out")
        setattr(namespace, self.dest, values)


def exchange(text: str) -> tuple[str, float]:
    """``EUR=1.08``; an argparse type."""
    name, _, rate = text.partition("=")
    try:
        return name.strip(), float(rate)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate: write EUR=1.08") from None


def terms(arguments: argparse.Namespace) -> Terms:
    """The factors that the options ask for.

    Raises:
        MicrojouleError: A name is unknown, or a figure is none.
    """
    from ..footprint.chosen_factors import FactorOptions
    from ..footprint.chosen_factors import terms as chosen

    wishes = {word: getattr(arguments, word) for word in _WISHES}
    return chosen(FactorOptions(**wishes, rates=dict(arguments.exchange or ())))


def footprint_given(arguments: argparse.Namespace) -> list[str]:
    """The options of a footprint that were given another value than they have by themselves."""
    nothing = ("", None, METHOD)
    return [word for word in (*_WISHES, "exchange") if getattr(arguments, word) not in nothing]


def cadence(arguments: argparse.Namespace) -> Cadence:
    """The cadence that the options ask for.

    Raises:
        BadRate: The rate is out of range.
    """
    from ..recording import Cadence
    from ..recording.lane import USUAL
    from ..units import NS_PER_US

    is_rate = arguments.rate not in (None, EDGES)
    return Cadence(
        rate_hz=arguments.rate if is_rate else USUAL.rate_hz,
        kernel_rate_hz=None if is_rate else USUAL.kernel_rate_hz,
        edges=arguments.edges or int(arguments.rate == EDGES),
        spin_ns=round(arguments.spin * NS_PER_US),
        fifo_priority=1 if arguments.fifo else 0,
        cpus=tuple(arguments.cpu or ()),
        kernel=arguments.kernel_sampling,
    )


def rate(text: str) -> float | str:
    """Hertz, or ``edges``; an argparse type."""
    try:
        return EDGES if text == EDGES else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a rate: write samples a second, as in 1000, or {EDGES}"
        ) from None


def spin_us(text: str) -> float:
    """Microseconds, at most a second; an argparse type."""
    if not 0.0 <= float(text) <= US_PER_S:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and {US_PER_S} microseconds")
    return float(text)


def visible_gpus(arguments: argparse.Namespace) -> str | None:
    """The GPUs that a command started here would see; None: all."""
    return None if arguments.all_gpus else os.environ.get("CUDA_VISIBLE_DEVICES")


def duration_s(text: str) -> float:
    """``10``, ``10s``, ``500ms``, ``2m``, ``1h`` in seconds; an argparse type."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)", text.strip())
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration: write 10s, 500ms, 2m or 1h")
    return float(found[1]) * _SECONDS[found[2]]


def percent(text: str) -> float:
    """``1``, ``0.5%`` as a fraction; an argparse type."""
    value = float(text.strip().removesuffix("%"))
    if not 0.0 <= value <= 100.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage from 0 to 100")
    return value / 100
