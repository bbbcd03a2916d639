"""``uj data``: the tables that the program carries, and what is owed for them."""

from __future__ import annotations

import argparse


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser("data", help="the sources, licences and hash of the tables")
    parser.add_argument("what", choices=("licences", "hash", "tables"), help="what to print")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints it."""
    from ..footprint import data_tables as tables

    if arguments.what == "hash":
        print(tables.digest())
    elif arguments.what == "tables":
        for name in tables.names():
            print(f"{name}: {len(tables.rows(name))} rows")
    else:
        for each in tables.attributions():
            print(f"{each.source}: {each.licence} ({each.table}: {each.rows} rows)")
        print(f"data {tables.digest()}")
    return 0
