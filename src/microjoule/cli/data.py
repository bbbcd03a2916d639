"""``uj data``: the tables that the program carries, and what is owed for them."""

from __future__ import annotations

import argparse

TOPICS = ("licences", "hash", "tables", "check")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "data",
        help="print the sources, licences, ages and hash of the tables",
        epilog="`uj data check` exits with 1 if an old figure was not looked up again within a year.",
    )
    parser.add_argument("what", choices=TOPICS, metavar="TOPIC", help="licences, hash, tables or check")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints it."""
    from ..footprint import data_tables
    from ..report.wrapping import wrapped

    if arguments.what == "hash":
        print(data_tables.digest())
    elif arguments.what == "check":
        return _check()
    elif arguments.what == "tables":
        for name in data_tables.names():
            print(f"{name}: {len(data_tables.rows(name))} rows")
    else:
        for each in data_tables.attributions():
            rows = "1 row" if each.rows == 1 else f"{each.rows} rows"
            print("\n".join(wrapped(f"{each.source}: {each.licence} ({each.table}: {rows})", 2)))
        print(f"data {data_tables.digest()}")
    return 0


def _check() -> int:
    """Prints the old figures, and exits 1 where one of them must be looked up again."""
    from datetime import UTC, datetime

    from ..footprint.data_age import judged, old_figures
    from ..report.data_lines import lines

    found = old_figures(datetime.now(UTC).date())
    print("\n".join(lines(found, judged())))
    return 0 if all(group.is_looked_up for group in found) else 1
