"""``uj amortise``: a training spread over its uses."""

from __future__ import annotations

import argparse

from . import quantities


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "amortise", help="spread a training's energy over its uses, and say when it pays"
    )
    parser.add_argument(
        "--training", required=True, metavar="ENERGY", help="the training: 1287 MWh, or a trace"
    )
    parser.add_argument("--use", required=True, metavar="ENERGY", help="one use: 3 Wh, or a trace")
    parser.add_argument("--uses", required=True, type=float, metavar="N", help="how many uses")
    parser.add_argument(
        "--uses-in-trace",
        type=float,
        default=1.0,
        metavar="N",
        help="how many uses --use covers [1]",
    )
    parser.add_argument("--instead-of", metavar="ENERGY", help="one use of what it replaces")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints it."""
    from ..footprint.amortise import amortise
    from ..report.amortised_lines import render

    training, use = quantities.energy(arguments.training), quantities.energy(arguments.use)
    instead = None if arguments.instead_of is None else quantities.energy(arguments.instead_of)
    use = use.divided(arguments.uses_in_trace)
    print(render(amortise(training, use, arguments.uses, instead)), end="")
    return 0
