"""``uj zones [TEXT]``: the places whose electricity has a figure."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..footprint.factor import Factor
    from ..footprint.intensity import Zone


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "zones",
        help="search the places with published figures of their electricity",
        epilog="`uj zones FR` shows every published figure of that place.",
    )
    parser.add_argument("text", nargs="*", metavar="TEXT", help="part of a code, a name or a kind")
    parser.add_argument("--json", action="store_true", help="print JSON, with the source of each figure")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the zones that hold the text, and exits 2 where none does."""
    from ..footprint.intensity import figures, zone, zones

    text = " ".join(arguments.text)
    found = zones(text)
    if not found:
        zone(text)  # raises, and names the nearest
    if arguments.json:
        print(json.dumps([_plain(each) for each in found], indent=2, ensure_ascii=False))
        return 0
    from ..report.zone_table import detail, lines

    exact = [each for each in found if text.casefold() in map(str.casefold, (each.code, *each.aliases))]
    one = found if len(found) == 1 else exact
    if len(one) == 1:
        print("\n".join(detail(one[0], figures(one[0]), _others(one[0]))))
    else:
        print("\n".join(lines(found)))
    return 0


def _others(of: Zone) -> dict[str, Factor | None]:
    """What else is known of a zone, by what it is called."""
    from ..footprint.pue import pue_of, wue_of
    from ..footprint.tariff import tariff_of

    return {
        "marginal": of.marginal,
        "residual mix": of.residual,
        "upstream": of.upstream,
        "network losses": of.losses,
        "electricity price": tariff_of(of),
        **({"PUE": pue_of(of), "water": wue_of(of)} if of.kind == "cloud" else {}),
    }


def _plain(of: Zone) -> dict[str, object]:
    from ..footprint.chosen_factors import described
    from ..footprint.intensity import figures

    others = {name.replace(" ", "_").lower(): each for name, each in _others(of).items()}
    return {
        "code": of.code,
        "aliases": list(of.aliases),
        "name": of.name,
        "kind": of.kind,
        "parent": of.parent,
        "within": list(of.within),
        "intensity": described(of.intensity),
        "published": [described(each) for each in figures(of)],
        **{name: described(each) if each else None for name, each in others.items()},
    }
