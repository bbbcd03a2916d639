"""``uj paper``: the tables of Strubell et al. 2019 recomputed, and again with a grid of today."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

from . import options

_CURRENCY = "USD"
_TODAY = "US"  # the paper's own factor is the average of the United States


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser("paper", help="recompute the tables of Strubell et al. 2019")
    parser.add_argument(
        "--pue", action=options.NotBlank, default="", metavar="X", help="PUE [the paper's 1.58]"
    )
    parser.add_argument(
        "--zone",
        action=options.NotBlank,
        default="",
        metavar="CODE",
        help=f"today's grid of every run [{_TODAY}, and of later runs their own]",
    )
    parser.add_argument(
        "--price", action=options.NotBlank, default="", metavar="'P USD/kWh'", help="price [0.12 USD/kWh]"
    )
    parser.add_argument(
        "--exchange",
        action="append",
        type=options.exchange,
        metavar="CUR=X",
        help="exchange rate: USD for one CUR",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the tables."""
    from ..footprint.chosen_factors import FactorOptions, terms
    from ..footprint.published import published_zones, tables_recomputed

    method = "strubell2019"
    # The paper's costs are in USD, and so are the columns beside them.
    currency = _CURRENCY if arguments.price else ""
    wishes = FactorOptions(
        method=method,
        pue=arguments.pue,
        price=arguments.price,
        currency=currency,
        rates=dict(arguments.exchange or ()),
    )
    paper, today = terms(wishes), terms(replace(wishes, zone=arguments.zone or _TODAY))
    plain = tables_recomputed(paper, today, {} if arguments.zone else published_zones())
    if arguments.json:
        print(json.dumps(plain, indent=2, allow_nan=False, ensure_ascii=False))
        return 0
    from ..report.paper_tables import lines

    print("\n".join(lines(plain)))
    return 0
