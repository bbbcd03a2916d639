"""``uj zones [TEXT]``: the places whose electricity has a figure."""

from __future__ import annotations

import argparse
import json


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser("zones", help="search the places whose electricity has a figure")
    parser.add_argument("text", nargs="*", metavar="TEXT", help="part of a code, a name or a kind")
    parser.add_argument("--json", action="store_true", help="as JSON, with the source of each")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the zones that hold the text, and exits 1 where none does."""
    from ..footprint.chosen_factors import described
    from ..footprint.intensity import zone, zones
    from ..footprint.pue import pue_of

    text = " ".join(arguments.text)
    found = zones(text)
    if not found:
        zone(text)  # raises, and names the nearest
    if arguments.json:
        rows = [
            {
                "code": each.code,
                "name": each.name,
                "kind": each.kind,
                "parent": each.parent,
                "intensity": described(each.intensity),
                "marginal": described(each.marginal) if each.marginal else None,
                "pue": described(pue) if (pue := pue_of(each)) else None,
            }
            for each in found
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    from ..report.zone_table import lines

    print("\n".join(lines([(each, pue_of(each)) for each in found])))
    return 0
