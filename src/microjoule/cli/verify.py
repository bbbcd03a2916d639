"""``uj verify``: whether a bundle's figures follow from the raw counts in it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from . import documents
from .without_threads import load_libraries


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "verify",
        help="recompute every figure of a bundle from its raw counts",
        epilog="It exits with 0 if all is equal, and with 1 if something differs or cannot be verified.",
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a file of `uj publish`")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write JSON too; -: to stdout, instead of the text"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the answer: equal, differs by …, or cannot, because …."""
    load_libraries()
    from ..publishing import verify
    from ..report.verified_lines import lines
    from .progress import progress

    with progress() as say:
        say(f"verifying {arguments.bundle}")
        found = verify(arguments.bundle).to_json()
    if arguments.json is not None:
        documents.write_text(
            json.dumps(found, indent=2, allow_nan=False, ensure_ascii=False) + "\n", arguments.json
        )
    if arguments.json != Path("-"):
        print("\n".join(lines(found, str(arguments.bundle))))
    return 0 if found["answer"] == "equal" else 1
