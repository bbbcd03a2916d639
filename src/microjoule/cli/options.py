"""Options that several commands share."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..recording import Cadence

_SECONDS = {"ms": 1e-3, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """What to read and how often."""
    group = parser.add_argument_group("sampling")
    group.add_argument("--rate", type=float, default=1000.0, metavar="HZ", help="1 to 20000; default 1000")
    group.add_argument(
        "--source",
        action="append",
        metavar="NAME",
        help="force a source, and no others (repeat for several); see `uj probe`",
    )
    group.add_argument("--root", type=Path, default=Path("/"), metavar="DIR", help="read counters under DIR")
    group.add_argument(
        "--all-gpus", action="store_true", help="all GPUs, not only those in CUDA_VISIBLE_DEVICES"
    )
    group.add_argument("--cpu", type=int, action="append", metavar="N", help="run the sampler on this CPU")
    group.add_argument("--fifo", action="store_true", help="sample under SCHED_FIFO where permitted")
    group.add_argument(
        "--spin", type=float, default=0.0, metavar="US", help="wake so many microseconds early and spin"
    )


def cadence(arguments: argparse.Namespace) -> Cadence:
    """The cadence that the options ask for.

    Raises:
        BadRate: The rate is out of range.
    """
    from ..recording import Cadence
    from ..units import NS_PER_US

    return Cadence(
        rate_hz=arguments.rate,
        spin_ns=round(arguments.spin * NS_PER_US),
        fifo_priority=1 if arguments.fifo else 0,
        cpus=tuple(arguments.cpu or ()),
    )


def visible_gpus(arguments: argparse.Namespace) -> str | None:
    """The GPUs that a command started here would see; None: all."""
    return None if arguments.all_gpus else os.environ.get("CUDA_VISIBLE_DEVICES")


def duration_s(text: str) -> float:
    """``10``, ``10s``, ``500ms``, ``2m``, ``1h`` in seconds; an argparse type."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)", text.strip())
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration: write 10s, 500ms, 2m or 1h")
    return float(found[1]) * _SECONDS[found[2]]
