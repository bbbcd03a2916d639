"""``uj data``: the tables that the program carries, and what is owed for them."""

from __future__ import annotations

import argparse


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser("data", help="the sources, licences, ages and hash of the tables")
    parser.add_argument("what", choices=("licences", "hash", "tables", "check"), help="what to print")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints it."""
    from ..footprint import data_tables as tables

    if arguments.what == "hash":
        print(tables.digest())
    elif arguments.what == "check":
        return _check()
    elif arguments.what == "tables":
        for name in tables.names():
            print(f"{name}: {len(tables.rows(name))} rows")
    else:
        for each in tables.attributions():
            print(f"{each.source}: {each.licence} ({each.table}: {each.rows} rows)")
        print(f"data {tables.digest()}")
    return 0


def _check() -> int:
    """Prints the rows that are past their date, and exits 1 where there are some."""
    from datetime import UTC, datetime

    from ..footprint import data_tables as tables

    found = tables.past_date(datetime.now(UTC).year)
    for table, row in found:
        key = next(iter(row.values()))
        words = f"{row['value']} {row['unit']}, {row['year']}, read {row['retrieved']}"
        print(f"{table} {key}: {words}; {row['url']}")
    total = sum(len(tables.rows(table)) for table in tables.STANDS_YEARS)
    print(f"{len(found)} of {total} dated figures are past their date")
    return 1 if found else 0
