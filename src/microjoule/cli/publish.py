"""``uj publish``: a bundle of traces that a stranger can check."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import documents, options


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "publish",
        help="put traces, their figures and all that checks them into one file",
        epilog="The bundle names the machine and the command line. Look into it before you pass it on.",
    )
    parser.add_argument("traces", nargs="+", type=Path, metavar="TRACE")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="write to FILE")
    documents.add_windows(parser)
    options.add_footprint(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the bundle and says what is in it."""
    from ..publishing import publish
    from .progress import progress

    with progress() as say:
        say(f"reading {len(arguments.traces)} trace{'s' * (len(arguments.traces) != 1)}")
        members = publish(arguments.traces, arguments.output, options.terms(arguments), arguments.windows_max)
    size = arguments.output.stat().st_size
    print(f"{arguments.output}: {len(members)} files, {size / 1000:.0f} kB")
    print(f"check it with: uj verify {arguments.output}")
    return 0
