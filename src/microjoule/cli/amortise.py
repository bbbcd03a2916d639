"""``uj amortise``: a training spread over its uses."""

from __future__ import annotations

import argparse

from . import quantities


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "amortise", help="a training's energy spread over its uses, and when it pays"
    )
    parser.add_argument(
        "--training", required=True, type=quantities.energy, metavar="ENERGY", help="1287 MWh, or a trace"
    )
    parser.add_argument(
        "--use", required=True, type=quantities.energy, metavar="ENERGY", help="of one use: 3 Wh, or a trace"
    )
    parser.add_argument("--uses", required=True, type=float, metavar="N", help="how many uses")
    parser.add_argument(
        "--uses-in-trace",
        type=float,
        default=1.0,
        metavar="N",
        help="how many uses the energy of --use is of",
    )
    parser.add_argument(
        "--instead-of", type=quantities.energy, metavar="ENERGY", help="of one use of what it replaces"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints it."""
    from ..footprint.amortise import amortise
    from ..report.amortised import render

    use = arguments.use.divided(arguments.uses_in_trace)
    print(render(amortise(arguments.training, use, arguments.uses, arguments.instead_of)), end="")
    return 0
