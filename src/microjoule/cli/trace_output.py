"""Where a command's trace goes: whose it is, and what is said of anything that happens to it meanwhile."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import TraceError

if TYPE_CHECKING:
    from ..recording.plan import RecordingPlan


def add_options(parser: argparse.ArgumentParser) -> None:
    """How safely the trace is written."""
    parser.add_argument("--fsync", action="store_true", help="flush the trace to the disk every second [off]")


def watched(plan: RecordingPlan, arguments: argparse.Namespace) -> RecordingPlan:
    """The plan with what the command line adds: messages, ``--fsync``, and whether others stay."""
    keeps_others = getattr(arguments, "keeps_others", False)
    return replace(plan, say=_say, is_fsynced=arguments.fsync, keeps_others=keeps_others)


def is_stdout(path: Path) -> bool:
    """Whether a path leads to what standard output is."""
    try:
        there, own = os.stat(path), os.fstat(1)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)


def refuse_stdout(path: Path | None) -> None:
    """Refuses a trace that a command's own output would be mixed with.

    Raises:
        TraceError: The path leads to standard output.
    """
    if path is not None and is_stdout(path) and path != Path(os.devnull):
        raise TraceError(
            f"The output of the command would be mixed with the trace: {path} is standard output",
            "Give the trace a file of its own: -o trace.arrows",
        )


def _say(sentence: str) -> None:
    print(f"uj: {sentence}", file=sys.stderr, flush=True)
