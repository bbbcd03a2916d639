"""Options of whose energy it was: whom to tell apart, and how long to look on without the command."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from . import options

if TYPE_CHECKING:
    from ..recording.activity import ActivityPlan

NOBODY = "none"
BY = "name"
GROUPINGS = (BY, "process", "cgroup", "unit", "user", "container")
_OF_CGROUPS = ("cgroup", "unit", "container")  # what cgroups say by themselves, ended processes included
IDLE_SHARE, IDLE_MAX_S, IDLE_FROM_S = 0.1, 1.0, 1.0


def add_by(parser: argparse.ArgumentParser, usual: str = BY) -> None:
    """Whom to tell apart."""
    parser.add_argument(
        "--by",
        choices=(*GROUPINGS, NOBODY),
        default=usual,
        help=f"show whose energy it was, grouped by this; none: do not record CPU time [{usual}]",
    )


def add_idle(parser: argparse.ArgumentParser) -> None:
    """How long to look at the machine afterwards."""
    parser.add_argument(
        "--idle",
        type=idle_s,
        metavar="TIME",
        help="measure idle power for TIME after the command ends; 0: do not "
        "[a tenth of the run, at most 1 s; 0 for runs below 1 s]",
    )


def idle_s(text: str) -> float:
    """A duration, or 0; an argparse type."""
    return 0.0 if text.strip() in ("0", "0s") else options.duration_s(text)


def idle_after_s(arguments: argparse.Namespace, run_s: float) -> float:
    """How long to look at the machine after a command that took so long."""
    if arguments.idle is not None:
        return float(arguments.idle)
    if arguments.by == NOBODY or run_s < IDLE_FROM_S:
        return 0.0
    return min(IDLE_SHARE * run_s, IDLE_MAX_S)


def plan(arguments: argparse.Namespace, has_command: bool) -> ActivityPlan | None:
    """Whose CPU time to record; None: nobody's.

    Args:
        arguments: Those of :func:`add_by`.
        has_command: Whether a command is to be distinguished from the rest, which takes its processes.
    """
    from ..recording.activity import ActivityPlan

    if arguments.by == NOBODY:
        return None
    kinds = ("cgroup",) if arguments.by in _OF_CGROUPS and not has_command else ("process",)
    return ActivityPlan(kinds=kinds, root=arguments.root.absolute())
