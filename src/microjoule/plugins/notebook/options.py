"""The words behind ``%energy``: options first, then a statement that is left as it was written."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import NoReturn

from ...errors import BadMagic
from ...units import S_PER_HOUR, S_PER_MIN

_SECONDS = {"ms": 1e-3, "s": 1.0, "": 1.0, "m": S_PER_MIN, "h": S_PER_HOUR}
_BARE = ("--once",)
_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+""")


class _Parser(argparse.ArgumentParser):
    """One that raises instead of ending the notebook."""

    def error(self, message: str) -> NoReturn:
        """Raises what argparse would print."""
        raise BadMagic(f"%energy: {message}", "`%energy?` shows its options")


def parser() -> argparse.ArgumentParser:
    """The options of both magics."""
    made = _Parser(prog="%energy", add_help=False, allow_abbrev=False)
    put = made.add_argument
    put("--rel", type=_share, metavar="X", help="repeat until it is known so exactly: 0.01 or 1%%")
    put(
        "--max-time", type=_seconds, default=60.0, metavar="TIME", help="what repeating may take; default 60s"
    )
    put("--once", action="store_true", help="run once, as it is; a cell does so without --rel")
    put("--name", default="", help="what it is called")
    put("--trace", type=Path, metavar="FILE", help="keep the recording")
    put("--rate", type=float, metavar="HZ", help="reads a second [1000; 2000 where the kernel samples]")
    put("--channel", default="", metavar="ID", help="of repeated code: this channel's energy, not the total")
    put("--source", action="append", metavar="NAME", help="force a source; see `uj probe`")
    put("--root", type=Path, default=Path("/"), metavar="DIR", help="read counters under DIR")
    put("--to", default="", metavar="VARIABLE", help="put the result there too")
    return made


def parsed(line: str) -> tuple[argparse.Namespace, str]:
    """The options that a line begins with, and the rest of it.

    Raises:
        BadMagic: An option is unknown, or its value is none.
    """
    words, rest = [], line.strip()
    while rest.startswith("--"):
        word, rest = _first(rest)
        words.append(word)
        if word not in _BARE and "=" not in word:
            value, rest = _first(rest)
            words += [value] if value else []
    given = parser().parse_args(words)
    if given.once and given.rel is not None:
        raise BadMagic("--once and --rel exclude each other", "Give one of them")
    if given.to and not given.to.isidentifier():
        raise BadMagic(f"{given.to!r} is not a variable name", "As in --to result")
    return given, rest


def _first(text: str) -> tuple[str, str]:
    found = _WORD.match(text)
    if found is None:
        return text[:1], text[1:]
    return "".join(shlex.split(found[0])), text[found.end() :].lstrip()


def _share(text: str) -> float:
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share: write 0.01 or 1%") from None


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)", text)
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration: write 10s, 500ms or 2m")
    return float(found[1]) * _SECONDS[found[2]]
