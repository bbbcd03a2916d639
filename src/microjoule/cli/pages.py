"""A trace as a page or a picture, for the commands that report one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import quantities


def add_options(parser: argparse.ArgumentParser) -> None:
    """Where the page and the pictures go."""
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page that opens offline too")
    parser.add_argument(
        "--png", type=Path, metavar="FILE", help="draw power over time too, through matplotlib"
    )
    parser.add_argument("--svg", type=Path, metavar="FILE", help="the same as lines that scale")


def asked(arguments: argparse.Namespace) -> list[Path]:
    """The files that are to be written."""
    return [path for path in (arguments.html, arguments.png, arguments.svg) if path is not None]


def refuse(arguments: argparse.Namespace, traces: Sequence[Path]) -> None:
    """Refuses what could not be written, and several traces in one, before anything is done for it.

    Raises:
        MicrojouleError: It is one, there are several, or matplotlib is missing.
    """
    if not asked(arguments):
        return
    from ..errors import BadTarget, CannotPlot
    from ..report import power_plot

    if len(traces) > 1:
        raise BadTarget("A page shows one trace", "Report each trace into a page of its own")
    for path in asked(arguments):
        quantities.refuse_overwriting(traces, path)
        quantities.refuse_unwritable(path)
    for path, suffix in ((arguments.png, ".png"), (arguments.svg, ".svg")):
        if path is None:
            continue
        power_plot.ready(path)
        if path.suffix != suffix:
            raise CannotPlot(f"{path} would be no {suffix}", f"Write --{path.suffix[1:]} {path}")


def write(arguments: argparse.Namespace, trace: Path, summary: dict[str, Any], title: str) -> None:
    """Writes what was asked for of a trace that has been summed up.

    Raises:
        TraceError: The trace cannot be read, or the file cannot be written.
    """
    if not asked(arguments):
        return
    from ..errors import TraceError
    from ..joules.energy_trace import load
    from ..joules.plot_data import enveloped, pictured
    from ..report import html, power_plot

    loaded = load(trace)
    if arguments.html is not None:
        quantities.write(html.render(summary, pictured(loaded), title), arguments.html)
    for path in (arguments.png, arguments.svg):
        if path is None:
            continue
        try:
            power_plot.draw(enveloped(loaded), title, path)
        except OSError as error:
            raise TraceError(f"Cannot write {path}: {error.strerror}", "Choose another file") from error
