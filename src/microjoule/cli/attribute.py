"""``uj attribute TRACE PROFILE``: the energy of each kernel and range of a PyTorch profile."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from . import quantities
from .progress import progress

if TYPE_CHECKING:
    from ..joules.energy_trace import Trace
    from ..plugins.profiles.alignment import Alignment
    from ..plugins.profiles.kineto import Profile

_EPILOG = "The profile is what torch.profiler's export_chrome_trace wrote, of the run that the trace is of."


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "attribute",
        help="report the energy of each kernel and annotated range of a PyTorch profile",
        epilog=_EPILOG,
    )
    parser.add_argument("trace", type=Path, metavar="TRACE")
    parser.add_argument("profile", type=Path, metavar="PROFILE", help=".json or .json.gz")
    parser.add_argument(
        "--channel", default="", metavar="ID", help="read this counter [the GPU's, or the first]"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write JSON too; -: to stdout, instead of the text"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="write the profile with power added; .gz compresses it",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the tables, and writes what was asked for."""
    inputs = [arguments.trace, arguments.profile]
    for output in (arguments.json, arguments.output):
        quantities.refuse_overwriting(inputs, output)
    quantities.refuse_overwriting([arguments.json], arguments.output)
    from ..joules.energy_trace import load
    from ..plugins.profiles.attribute import attributed
    from ..plugins.profiles.kineto import read
    from ..report import attribution_table

    with progress() as say:
        say(f"reading {arguments.trace}")
        trace = load(arguments.trace)
        say(f"reading {arguments.profile}")
        profile = read(arguments.profile)
        say("attributing")
        found = attributed(trace, profile, arguments.channel)
    if arguments.output is not None:
        from ..plugins.profiles.write_back import write_back

        pieces = _power(trace, profile, found.alignment)
        write_back(arguments.profile, profile.events_end, pieces, arguments.output)
    if arguments.json is not None:
        text = json.dumps(found.plain, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        quantities.write(text, arguments.json)
    if arguments.json != Path("-"):
        sys.stdout.write(attribution_table.render(found.plain))
    return 0


def _power(trace: Trace, profile: Profile, alignment: Alignment) -> Iterator[str]:
    """The channels' lines as events on the profile's own clock, over its own span."""
    from ..joules.tracks import tracks
    from ..report import perfetto

    yield ",\n" + perfetto.process_name(profile.process, "power (microjoule)")
    for line in tracks(trace):
        real_ns = alignment.realtime(line.t_ns)
        inside = (real_ns >= profile.span_ns[0]) & (real_ns <= profile.span_ns[1])
        times, values = (real_ns[inside] - profile.base_ns).tolist(), line.value[inside].tolist()
        yield from perfetto.counter_events(line, profile.process, zip(times, values, strict=True))
