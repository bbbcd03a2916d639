"""A trace as a page or a picture, for the commands that report one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from . import quantities


def add_options(parser: argparse.ArgumentParser) -> None:
    """Where the page goes."""
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page that opens offline too")


def refuse(arguments: argparse.Namespace, traces: list[Path]) -> None:
    """Refuses places where the page could not be written, and several traces in one.

    Raises:
        MicrojouleError: It is one, or there are several.
    """
    from ..footprint.project import BadTarget

    if arguments.html is None:
        return
    if len(traces) > 1:
        raise BadTarget("A page shows one trace", "Report each trace into a page of its own")
    quantities.refuse_overwriting(traces, arguments.html)
    quantities.refuse_unwritable(arguments.html)


def write(arguments: argparse.Namespace, trace: Path, summary: dict[str, Any], title: str) -> None:
    """Writes what was asked for of a trace that has been summed up.

    Raises:
        TraceError: The trace cannot be read, or the file cannot be written.
    """
    if arguments.html is None:
        return
    from ..energy.energy_trace import load
    from ..energy.pictured import pictured
    from ..report import html

    quantities.write(html.render(summary, pictured(load(trace)), title), arguments.html)
