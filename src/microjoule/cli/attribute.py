"""``uj attribute TRACE PROFILE…``: the energy of each kernel, function and range of profiles, or request."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import quantities, request_shares, streams
from .progress import progress
from .without_threads import load_libraries

if TYPE_CHECKING:
    from ..joules.energy_trace import Trace
    from ..plugins.profiles.alignment import Alignment, Wishes
    from ..plugins.profiles.attribute import Asked
    from ..plugins.profiles.profile import Profile
    from ..plugins.profiles.stacks import Samples

_EPILOG = (
    "The profile and the trace must come from the same run. A profile is a PyTorch profile "
    "(export_chrome_trace), the text of perf script, py-spy (chrometrace), VizTracer, a JAX profile, or any "
    "other Chrome trace. It can also be a log of a server's requests, as JSON lines or from "
    "`vllm bench serve --save-detailed`; then each request gets its energy."
)
FORMS = ("kineto", "jax", "viztracer", "py-spy", "perf", "chrome")
_WIDEST = 110


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "attribute",
        help="report the energy of each kernel and range of a profile, or of each request of a log",
        epilog=_EPILOG,
    )
    parser.add_argument("trace", type=Path, metavar="TRACE")
    parser.add_argument(
        "profiles", type=Path, nargs="+", metavar="PROFILE", help="plain or .gz; several: one per rank"
    )
    parser.add_argument(
        "--channel",
        action="append",
        default=[],
        metavar="ID",
        help="read this counter; of a log of requests, repeat to add several [all GPUs', or the first]",
    )
    parser.add_argument(
        "--device",
        action="append",
        default=[],
        metavar="D=gpu-N",
        help="say that device D of the profile is GPU N; K:D=gpu-N for the K-th profile; gpu-N alone: add up "
        "these GPUs for a log of requests",
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="PATTERN",
        help="count only events with this name (repeat for several), such as 'forward*'",
    )
    parser.add_argument("--format", choices=FORMS, default="", help="format of the profile [detected]")
    parser.add_argument(
        "--starts-at",
        default="",
        metavar="WHEN",
        help="say when the profiler started: a window of the trace, or CLOCK_MONOTONIC seconds",
    )
    parser.add_argument(
        "--same-machine",
        action="store_true",
        help="accept another host name, such as a container's",
    )
    parser.add_argument(
        "--offset",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="add this to the times of a request log from another machine's clock [0]",
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
    inputs = [arguments.trace, *arguments.profiles]
    for output in (arguments.json, arguments.output):
        quantities.refuse_overwriting(inputs, output)
    quantities.refuse_overwriting([arguments.json], arguments.output)
    load_libraries()
    if arguments.profiles[0].exists() and request_shares.is_log(arguments):
        return request_shares.run(arguments)
    from ..errors import BadRequest
    from ..plugins.profiles import devices, readers
    from ..plugins.profiles.attribute import Asked
    from ..plugins.profiles.choosing import needed
    from ..report import attribution_table

    if len(arguments.channel) > 1:
        raise BadRequest("A profile can be attributed to one counter only", "Give one --channel")
    said = [devices.override(text) for text in arguments.device]
    with progress() as say:
        profiles: list[Profile | Samples] = []
        for path in quantities.distinct(arguments.profiles):
            say(f"reading {path}")
            profiles.append(readers.read(path, arguments.format))
        say(f"reading {arguments.trace}")
        channel = "".join(arguments.channel)
        trace = _trace(arguments, lambda trace: needed(trace, profiles, channel, said))
        say("attributing")
        asked = Asked(channel, said, arguments.name, _wishes(trace, arguments))
        plain, alignment = _attributed(trace, profiles, asked)
    if arguments.output is not None:
        _write_back(trace, profiles, alignment, arguments.output)
    if arguments.json is not None:
        document: Any = plain[0] if len(plain) == 1 else {"schema": plain[0]["schema"], "counters": plain}
        text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        quantities.write(text, arguments.json)
    if arguments.json != Path("-"):
        width = min(streams.columns(sys.stdout) or _WIDEST, _WIDEST)
        sys.stdout.write("\n".join(attribution_table.render(each, width) for each in plain))
    return 0


def _trace(arguments: argparse.Namespace, of: Callable[[Trace], Collection[str]]) -> Trace:
    """The trace with all readings of some channels; of those too that are to be drawn."""
    from ..joules.long_traces.streamed import stream_readings
    from ..joules.tracks import drawn

    is_drawn = arguments.output is not None
    return stream_readings(arguments.trace, lambda trace: {*of(trace), *(drawn(trace) if is_drawn else ())})


def _attributed(
    trace: Trace, profiles: list[Profile | Samples], asked: Asked
) -> tuple[list[dict[str, Any]], Alignment]:
    """Plain data of each counter, or of each profile of stacks, and how the first profile is aligned."""
    from ..plugins.profiles.attribute import attributed
    from ..plugins.profiles.function_tables import tables
    from ..plugins.profiles.functions import functions
    from ..plugins.profiles.profile import Profile

    plain: list[dict[str, Any]] = []
    alignments: list[Alignment] = []
    events = [each for each in profiles if isinstance(each, Profile)]
    if events:
        of_events = attributed(trace, events, asked)
        plain += [each.plain for each in of_events]
        alignments += [each.alignments[0] for each in of_events]
    for each in profiles:
        if not isinstance(each, Profile):
            of_stacks = functions(trace, each, asked)
            plain.append(tables(of_stacks.plain))
            alignments.append(of_stacks.alignment)
    return plain, alignments[0]


def _wishes(trace: Trace, arguments: argparse.Namespace) -> Wishes:
    """What the user says of the profile's host and clock."""
    from ..plugins.profiles.alignment import Wishes
    from ..units import nanoseconds

    when = arguments.starts_at
    if not when:
        return Wishes(arguments.same_machine)
    try:
        start_ns = nanoseconds(float(when))
    except ValueError:
        start_ns = trace.named(when)[0].t0_ns
    return Wishes(arguments.same_machine, start_ns)


def _write_back(trace: Trace, profiles: list[Any], alignment: Alignment, output: Path) -> None:
    from ..errors import ProfileError
    from ..plugins.profiles.write_back import write_back

    first = profiles[0]
    if len(profiles) > 1 or not first.source.events_end:
        raise ProfileError(
            f"{output} cannot be written: power is added to one Chrome trace",
            "Name one profile that is a Chrome trace",
        )
    write_back(first.path, first.source.events_end, _power(trace, first, alignment), output)


def _power(trace: Trace, profile: Profile, alignment: Alignment) -> Iterator[str]:
    """The channels' lines as events on the profile's own clock, over its own span."""
    from ..joules.tracks import tracks
    from ..report import perfetto

    source, (first, last) = profile.source, profile.span_ns
    yield ",\n" + perfetto.process_name(source.process, "power (microjoule)")
    for line in tracks(trace):
        theirs_ns = alignment.theirs(line.t_ns)
        inside = (theirs_ns >= first) & (theirs_ns <= last)
        times, values = (theirs_ns[inside] - source.base_ns).tolist(), line.value[inside].tolist()
        yield from perfetto.counter_events(line, source.process, zip(times, values, strict=True))
