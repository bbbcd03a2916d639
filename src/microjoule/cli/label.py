"""``uj label``: an energy label from A to G."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import quantities

if TYPE_CHECKING:
    from ..footprint.energy_label import Reading

_FORMATS = {"": "text", ".txt": "text", ".svg": "svg", ".html": "html", ".json": "json"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "label",
        help="make an energy label from A to G, for watt-hours per unit",
    )
    parser.add_argument(
        "trace", nargs="?", type=Path, metavar="TRACE", help="take the energy from this trace"
    )
    parser.add_argument("--window", metavar="NAME", help="window of the trace [the whole run]")
    parser.add_argument("--units", type=float, metavar="N", help="functional units in the window")
    parser.add_argument("--wh-per-unit", type=float, metavar="X", help="watt-hours per unit, without a trace")
    parser.add_argument("--low", type=float, metavar="X", help="lower end of watt-hours per unit")
    parser.add_argument("--high", type=float, metavar="X", help="upper end")
    parser.add_argument("--unit", default="", metavar="TEXT", help="the functional unit: '1000 images'")
    parser.add_argument("--set", default="", metavar="NAME", help="the reference set")
    parser.add_argument(
        "--leaderboard",
        type=float,
        nargs=2,
        metavar=("LEAST", "MOST"),
        help="GPU energies of a leaderboard of AI Energy Score, Wh per 1000 queries: its stars too",
    )
    parser.add_argument("--hardware", default="", metavar="TEXT", help="hardware that was measured")
    parser.add_argument("--title", default="", metavar="TEXT", help="title of the label")
    parser.add_argument(
        "--format", choices=("text", "svg", "html", "json"), help="format [from the file's name]"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to FILE [standard output]")
    parser.add_argument("--sets", action="store_true", help="list the reference sets")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the label."""
    from ..footprint import energy_label as label
    from ..report.wrapping import wrapped

    quantities.refuse_overwriting([arguments.trace], arguments.output)

    if arguments.sets:
        for each in label.label_sets():
            origin = each.reference.origin
            said = (
                f"{each.key}: {each.reference.value:g} Wh per {each.per} on {each.hardware}; {origin.source}"
            )
            print("\n".join(wrapped(said, 2)))
        return 0
    render = _renderer(arguments)
    of, leaderboard = label.label_set(arguments.set), arguments.leaderboard
    found = label.label(_reading(arguments), of, arguments.title, tuple(leaderboard) if leaderboard else None)
    quantities.write(render(found), arguments.output)
    return 0


def _renderer(arguments: argparse.Namespace) -> Callable[[Mapping[str, Any]], str]:
    from ..errors import BadLabel
    from ..report import as_json, label_html, label_svg, label_text

    suffix = arguments.output.suffix if arguments.output else ""
    if arguments.format is None and suffix not in _FORMATS:
        raise BadLabel(
            f"No label format uses the suffix {suffix!r}",
            f"End the name in {', '.join(each for each in _FORMATS if each)}, or say --format",
        )
    chosen = arguments.format or _FORMATS[suffix]
    in_colour = chosen == "text" and not suffix and sys.stdout.isatty()
    text = label_text.render_in_colour if in_colour else label_text.render
    return {"text": text, "svg": label_svg.render, "html": label_html.render, "json": as_json.render}[chosen]


def _reading(arguments: argparse.Namespace) -> Reading:
    from ..errors import BadLabel
    from ..footprint.energy_label import Reading
    from ..units import J_PER_WH

    if (arguments.trace is None) == (arguments.wh_per_unit is None):
        raise BadLabel("A label needs either a trace or --wh-per-unit", "Give exactly one of them")
    if arguments.trace is None:
        return Reading(
            wh=arguments.wh_per_unit,
            low=arguments.low,
            high=arguments.high,
            per=arguments.unit,
            hardware=arguments.hardware,
        )
    if arguments.units is None:
        raise BadLabel("The trace does not record how many units were processed", "Give --units N")
    if not 0 < arguments.units < float("inf"):
        raise BadLabel(
            f"An energy cannot be divided by {arguments.units:g} units", "Give --units a number above 0"
        )
    total, doubts = quantities.total_of(arguments.trace, arguments.window)
    quantities.tell(f"{arguments.trace}: {doubt}" for doubt in doubts)
    joules_per_wh = J_PER_WH * arguments.units
    return Reading(
        wh=(total.value or 0.0) / joules_per_wh,
        low=total.low / joules_per_wh,
        high=total.high / joules_per_wh,
        per=arguments.unit,
        hardware=arguments.hardware,
        provenance=total.provenance,
        note="; ".join(doubts),
    )
