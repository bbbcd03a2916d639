"""``uj repair``: a clean file from one that a crash, a full disk or a bad one has spoilt."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser("repair", help="make a clean file from a trace that was cut or damaged")
    parser.add_argument("trace", type=Path, metavar="TRACE")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write to FILE [TRACE.repaired.arrows]"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the repaired file and says what was kept, and what is missing."""
    from ..trace.repairing import repair

    output = arguments.output or arguments.trace.with_suffix(f".repaired{arguments.trace.suffix}")
    kept = repair(arguments.trace, output)
    for damage in kept.damage:
        print(f"{damage.what} left out: {damage.why}")
    print(f"{output}: {kept.rows} rows in {kept.batches} batches kept, {kept.bytes_cut} bytes cut off")
    return 0
