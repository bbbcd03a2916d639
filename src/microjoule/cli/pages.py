"""Traces as a page or a picture, for the commands that report them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import quantities

if TYPE_CHECKING:
    from ..footprint.chosen_factors import Terms
    from ..footprint.intensity_series import IntensitySeries

TRACES_MAX = 4  # on one time axis; more lines than those nobody tells apart


def add_options(parser: argparse.ArgumentParser) -> None:
    """Where the page and the pictures go."""
    parser.add_argument("--html", type=Path, metavar="FILE", help="write an HTML page that opens offline")
    parser.add_argument(
        "--png", type=Path, metavar="FILE", help="write power over time as PNG; needs matplotlib"
    )
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write it as SVG")


def asked(arguments: argparse.Namespace) -> list[Path]:
    """The files that are to be written."""
    return [path for path in (arguments.html, arguments.png, arguments.svg) if path is not None]


def refuse(arguments: argparse.Namespace, traces: Sequence[Path]) -> None:
    """Refuses what could not be written, and too many traces in one, before anything is done for it.

    Raises:
        MicrojouleError: It is one, there are too many, or matplotlib is missing.
    """
    if not asked(arguments):
        return
    from ..errors import BadTarget, CannotPlot
    from ..report import power_plot

    if len(traces) > TRACES_MAX:
        raise BadTarget(
            f"A page shows up to {TRACES_MAX} traces, and {len(traces)} are given",
            "Give fewer, or write one page per trace",
        )
    for path in asked(arguments):
        quantities.refuse_overwriting(traces, path)
        quantities.refuse_unwritable(path)
    for path, suffix in ((arguments.png, ".png"), (arguments.svg, ".svg")):
        if path is None:
            continue
        power_plot.ready(path)
        if path.suffix != suffix:
            raise CannotPlot(f"{path} does not end in {suffix}", f"Write --{path.suffix[1:]} {path}")


def summarise(
    arguments: argparse.Namespace,
    path: Path,
    terms: Terms | None,
    series: IntensitySeries | None = None,
    told: Callable[[float], None] = lambda _: None,
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The summary of the trace in a file, and its picture where one is asked for, of one reading of the file.

    Raises:
        TraceError: The trace cannot be read.
    """
    from .documents import summarise, summarised

    if not asked(arguments):
        return summarise(path, terms, series, told, arguments.windows_max), None
    from ..joules.energy_trace import load
    from ..joules.plot_data import pictured

    told(0.0)
    trace = load(path)
    return summarised(trace, terms, series, arguments.windows_max), pictured(trace)


def write(
    arguments: argparse.Namespace,
    summaries: Sequence[dict[str, Any]],
    pictures: Sequence[dict[str, Any] | None],
    titles: Sequence[str],
) -> None:
    """Writes what was asked for of traces that have been summed up, on one time axis.

    Raises:
        TraceError: The file cannot be written.
    """
    drawn = [picture for picture in pictures if picture is not None]
    if not asked(arguments) or len(drawn) < len(titles):
        return
    from ..errors import TraceError
    from ..joules.plot_data import enveloped, side_by_side
    from ..report import html, power_plot

    both = side_by_side(drawn, titles)
    if arguments.html is not None:
        quantities.write(html.render(summaries, drawn, titles, both), arguments.html)
    for path in (arguments.png, arguments.svg):
        if path is None:
            continue
        try:
            power_plot.draw(enveloped(both), " and ".join(titles), path)
        except OSError as error:
            raise TraceError(f"Cannot write {path}: {error.strerror}", "Choose another file") from error
