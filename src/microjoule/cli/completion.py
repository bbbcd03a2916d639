"""``uj completion SHELL``: what lets a shell complete commands, options and the names of files.

Decision: a script that is made once, by shtab from the parser itself, and then answers without starting
Python at each press of the tabulator. What was given up: it has to be made again for a new version.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

SHELLS = ("bash", "zsh", "fish")
FILES = ("FILE", "TRACE", "COMMAND")
FOLDERS = ("DIR",)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "completion",
        help="print a completion script for bash, zsh or fish",
        description="Prints a script that lets the shell complete commands, options and names of files.",
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the shell's script."""
    from ..late import extra
    from . import parser

    shtab = extra("shtab")
    whole = parser()
    for action in _actions(whole):
        if action.metavar in FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.type is Path or action.metavar in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    sys.stdout.write(shtab.complete(whole, arguments.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All that a parser takes, and its commands take, but for the choice of a command."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
        else:
            yield action
