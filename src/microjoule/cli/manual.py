"""The manual page ``uj.1``, out of the parser: what ``--help`` says, in the roff of man(7).

It is made when the package is built, so that no copy of it can go stale; for that, nothing but the standard
library is needed to make the parser.

Decision: our own hundred lines, because the library for this loses the examples, breaks usage lines at any
place and takes a line that begins with a dot for a macro. What was given up: other formats.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator

from .examples import EXAMPLES, Example

WIDTH = 72  # of a usage line, in a terminal of 80 columns with the page's margins

_EXIT = (
    ("0", "All went well."),
    ("1", "A file or a counter could not be read or written."),
    ("2", "The arguments are wrong, or name something that does not exist."),
    ("3", "Nothing, or not what was asked for, can be measured."),
    ("130", "Ctrl-C."),
)
_FILES = (
    ("*.arrows", "A trace: an Arrow IPC stream of raw readings, which any Arrow tool opens."),
    ("*.parquet", "A trace as uj export --parquet writes it."),
)


def page(parser: argparse.ArgumentParser, version: str) -> str:
    """The page, in roff.

    Args:
        parser: Of the whole command line.
        version: Which the page is of.
    """
    return "\n".join(_joined(_lines(parser, version))) + "\n"


def _joined(lines: Iterator[str]) -> Iterator[str]:
    """The lines without the beginnings of paragraphs that a heading or another one has begun already."""
    before = ""
    for line in lines:
        if line != ".PP" or not before.startswith((".SH", ".SS", ".PP")):
            yield line
            before = line


def _lines(parser: argparse.ArgumentParser, version: str) -> Iterator[str]:
    commands = _commands(parser)
    yield f'.TH UJ 1 "" "microjoule {_text(version)}" "User Commands"'
    yield from (".SH NAME", r"uj \- energy measurement with an uncertainty")
    yield from (".SH SYNOPSIS", r".B uj", r"\fICOMMAND\fR [\fIOPTION\fR ...]")
    yield from (".SH DESCRIPTION", *_paragraphs(parser.description or ""))
    yield from _paragraphs("uj COMMAND --help shows the same for one command.")
    yield from (".SH COMMANDS", *_terms((f"uj {name}", says) for name, (_, says) in commands.items()))
    for name, (command, _) in commands.items():
        yield from _command(name, command)
    yield from (".SH EXIT STATUS", *_terms(_EXIT))
    yield from _paragraphs("uj run exits with the code of the command that it ran.")
    yield from (".SH FILES", *_terms(_FILES))


def _commands(parser: argparse.ArgumentParser) -> dict[str, tuple[argparse.ArgumentParser, str]]:
    """Each command's parser, and what the list of commands says of it."""
    (action,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    says = {choice.dest: choice.help or "" for choice in action._choices_actions}
    return {name: (command, says[name]) for name, command in action.choices.items()}


def _command(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f".SH UJ {_text(name.upper())}"
    yield from _verbatim(_usage(parser))
    yield from _paragraphs(parser.description or "")
    for group in parser._action_groups:
        actions = [each for each in group._group_actions if not isinstance(each, argparse._HelpAction)]
        if actions and group.title not in ("options", "positional arguments"):
            yield from (
                f".SS {_text((group.title or '').capitalize())}",
                *_paragraphs(group.description or ""),
            )
        yield from _terms((_invocation(action), _help(parser, action)) for action in actions)
    before, _, _ = (parser.epilog or "").partition("examples:\n")
    if before.strip():
        yield from (".PP", *_paragraphs(before))
    rows = EXAMPLES.get(name, ())
    if rows:
        yield from (".SS Examples", *_examples(rows))


def _usage(parser: argparse.ArgumentParser) -> str:
    """The usage, folded between its parts."""
    whole = " ".join(parser.format_usage().split()).removeprefix("usage: ")
    lines, hang = [""], " " * (len(parser.prog) + 1)
    for part in re.findall(r"\[[^\[\]]*(?:\[[^\]]*\][^\[\]]*)*\]|\S+", whole):
        if lines[-1].strip() and len(lines[-1]) + 1 + len(part) > WIDTH:
            lines.append(hang + part)
        else:
            lines[-1] = f"{lines[-1]} {part}" if lines[-1] else part
    return "\n".join(lines)


def _invocation(action: argparse.Action) -> str:
    """``-o FILE, --output FILE``, or a positional argument's name."""
    name = action.metavar or (
        "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    )
    shown = name if isinstance(name, str) else " ".join(name)
    if not action.option_strings:
        return shown
    value = "" if action.nargs == 0 else f" [{shown}]" if action.nargs == "?" else f" {shown}"
    return ", ".join(option + value for option in action.option_strings)


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return parser._get_formatter()._expand_help(action) if action.help else ""


def _examples(rows: Iterable[Example]) -> Iterator[str]:
    for row in rows:
        yield from (*_verbatim(row.line), ".RS", _text(row.does), ".RE")


def _terms(terms: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, says in terms:
        yield from (".TP", rf"\fB{_text(term)}\fR", _text(says) or r"\&")


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs, those with lines of their own as they stand."""
    for part in filter(None, (part.strip("\n") for part in text.split("\n\n"))):
        if re.search(r"\n ", part):
            yield from _verbatim(part)
        else:
            yield from (".PP", _text(" ".join(part.split())))


def _verbatim(text: str) -> Iterator[str]:
    yield from (".PP", ".nf", *map(_text, text.splitlines()), ".fi")


def _text(text: str) -> str:
    """A line of text that roff takes for nothing else; every hyphen can be copied into a shell."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    escaped = "".join(each if each.isascii() else f"\\[u{ord(each):04X}]" for each in escaped)
    return r"\&" + escaped if escaped.startswith(".") else escaped
