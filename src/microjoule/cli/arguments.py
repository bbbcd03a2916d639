"""The parser of the command line: errors first, then the nearest name, then where the help is."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Sequence
from typing import NoReturn

from ..errors import similar

USAGE = 2
_CHOICE = re.compile(
    r"argument (?P<what>\S+): invalid choice: '(?P<given>[^']*)' \(choose from (?P<known>.*)\)"
)
_UNKNOWN = "unrecognized arguments: "
_LISTED_MAX = 120  # characters of a list that is read to its end: two lines


class Parser(argparse.ArgumentParser):
    """argparse's parser with errors of one or two lines."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong, what was probably meant, and where the help is; ends with exit code 2."""
        prog = f"{self.prog}{self._named()}" if message.startswith(_UNKNOWN) else self.prog
        print(f"{prog}: {self._said(message)}", file=sys.stderr)
        print(f"See: {prog} --help", file=sys.stderr)
        raise SystemExit(USAGE)

    def _said(self, message: str) -> str:
        choice = _CHOICE.fullmatch(message)
        if choice:
            known = re.findall(r"[^\s',]+", choice["known"])
            what = choice["what"].lower() if choice["what"].isupper() else choice["what"]
            hint = _nearest(choice["given"], known) or _all_of(known)
            return f"there is no {what} {choice['given']!r}.{hint}"
        if message.startswith(_UNKNOWN):
            given = message.removeprefix(_UNKNOWN).split()[0]
            return f"there is no option or argument {given!r} here.{_nearest(given, self._options())}"
        return message

    def _named(self) -> str:
        """`` run``: the command that was named, whose words argparse gives back to the parser above it."""
        found = [each for each in self._actions if isinstance(each, argparse._SubParsersAction)]
        names = [name for each in found for name in each.choices]
        return f" {names[0]}" if len(names) == 1 else ""

    def _options(self) -> list[str]:
        """The options of this parser and of the command that was named."""
        found = list(self._option_string_actions)
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                found += [word for one in action.choices.values() for word in one._option_string_actions]
        return found


class AnyOrder(Parser):
    """A parser whose options take no value and may stand anywhere."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does, with the options taken first."""
        words = sorted(args or (), key=lambda word: not word.startswith("-"))
        return super().parse_known_args(words, namespace)


def _all_of(known: Sequence[str]) -> str:
    """All that is known, where that is short."""
    words = ", ".join(known)
    if len(words) > _LISTED_MAX:
        return ""
    return "\n" + "\n".join(textwrap.wrap(f"Choose from: {words}.", 79, subsequent_indent="  "))


def _nearest(given: str, known: Sequence[str]) -> str:
    near = similar(given, known, n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else ""
