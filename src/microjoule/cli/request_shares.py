"""``uj attribute TRACE REQUESTS``: the energy of each request of a log."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import quantities
from .progress import progress

_OF_PROFILES = ("name", "format", "starts_at", "same_machine", "output")


def is_log(arguments: argparse.Namespace) -> bool:
    """Whether what is to be attributed is a log of requests, and not a profile.

    Raises:
        RequestLogError: It cannot be read.
    """
    from ..plugins.inference.request_log import is_log

    return not arguments.format and is_log(arguments.profiles[0])


def run(arguments: argparse.Namespace) -> int:
    """Prints the tables, and writes what was asked for.

    Raises:
        BadRequest: There are several logs, or an option is one of profiles.
    """
    from ..errors import BadRequest
    from ..joules.long_traces.streamed import stream_readings
    from ..plugins.inference.attribution import attributed
    from ..plugins.inference.chosen_counters import counters_of
    from ..plugins.inference.request_log import read
    from ..report import request_table

    if len(arguments.profiles) > 1:
        raise BadRequest(
            "A request log cannot be attributed together with another file", "Put all requests into one log"
        )
    given = [f"--{word.replace('_', '-')}" for word in _OF_PROFILES if getattr(arguments, word)]
    if given:
        raise BadRequest(f"{', '.join(given)} cannot be used with a request log", "Leave that out")
    with progress() as say:
        say(f"reading {arguments.trace}")
        channels, devices = arguments.channel, arguments.device
        trace = stream_readings(
            arguments.trace, lambda trace: {each.channel.id for each in counters_of(trace, channels, devices)}
        )
        say(f"reading {arguments.profiles[0]}")
        log = read(arguments.profiles[0])
        say("attributing")
        found = attributed(trace, log, channels, arguments.offset, devices)
    if arguments.json is not None:
        text = json.dumps(found, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        quantities.write(text, arguments.json)
    if arguments.json != Path("-"):
        sys.stdout.write(request_table.render(found))
    return 0
