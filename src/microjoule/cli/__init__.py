"""The command line: arguments in, one library call, text out. One command a file.

Exit codes: 0 well; 1 a file or a counter could not be read or written; 2 usage, which every error that
is a ``ValueError`` is; 3 nothing, or not what was asked for, can be measured. ``uj run`` gives the
command's own. Ctrl-C is 130, as in a shell.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from importlib import import_module

from ..errors import MicrojouleError, NativeMissing, PermissionDenied, SourceUnavailable
from ..text_width import on_terminal
from ..version import VERSION
from . import examples, streams
from .arguments import Parser
from .shortage import shortage

COMMANDS = (
    "probe",
    "run",
    "profile",
    "compare",
    "bench",
    "record",
    "watch",
    "serve",
    "agent",
    "report",
    "export",
    "sql",
    "attribute",
    "flame",
    "repair",
    "publish",
    "verify",
    "archive",
    "import",
    "overhead",
    "zones",
    "estimate",
    "paper",
    "emit",
    "label",
    "equivalents",
    "amortise",
    "data",
    "completion",
)

# What records or looks for counters, for which the native half and Linux are needed.
RECORDERS = frozenset(
    {"probe", "run", "profile", "compare", "bench", "record", "watch", "serve", "agent", "flame", "overhead"}
)
INTERRUPTED = 130
_NEW_OBJECTS = 20_000  # between two collections; Python's 700 search what is imported here a hundred times
NOTHING_MEASURED = 3
_EXIT_CODES = (
    (ValueError, 2),
    (SourceUnavailable, NOTHING_MEASURED),
    (PermissionDenied, NOTHING_MEASURED),
    (MicrojouleError, 1),
)


def parser(names: Sequence[str] = COMMANDS) -> Parser:
    """The parser of the whole command line, or of some commands: each one's file is imported for it."""
    whole = Parser(
        prog="uj",
        description="Measures the energy of commands, functions and training steps, with an uncertainty on "
        "every figure.",
    )
    whole.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in names:
        import_module(f".{name}", __name__).add_parser(commands)
    for name, one in commands.choices.items():
        examples.finish(one, examples.EXAMPLES.get(name, ()))
    examples.finish(whole, examples.FIRST)
    return whole


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        print(f"microjoule {VERSION}")
        parser.exit()


def main(arguments: list[str] | None = None) -> int:
    """The ``uj`` command; returns its exit code."""
    gc.set_threshold(_NEW_OBJECTS)
    streams.steady()
    try:
        code = _answer(arguments)
        streams.flush()
    except BrokenPipeError:
        # The reader of a pipe went away; that is its right. Nothing more may be flushed into it.
        streams.abandon()
        return 1
    except OSError as error:
        print(f"uj: {streams.failure(error)}", file=sys.stderr)
        streams.abandon()
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _spelt_out(words: list[str]) -> list[str]:
    """``uj`` and ``uj help`` as ``uj --help``; ``uj help run`` as ``uj run --help``."""
    if not words:
        return ["--help"]
    return [*words[1:2], "--help"] if words[0] == "help" else words


def _answer(arguments: list[str] | None) -> int:
    failure = 1
    try:
        words = _spelt_out(sys.argv[1:] if arguments is None else arguments)
        # All commands take three times as long to import as the one that is asked for.
        chosen = parser(words[:1] if words and words[0] in COMMANDS else COMMANDS).parse_args(words)
        failure = getattr(chosen, "own_failure", failure)
        if words[0] in RECORDERS and not sys.platform.startswith("linux"):
            print(f"uj {words[0]}: {NativeMissing.on(sys.platform)}", file=sys.stderr)
            return getattr(chosen, "own_failure", NOTHING_MEASURED)
        with on_terminal(streams.columns(sys.stderr if words[0] == "run" else sys.stdout)):
            code: int = chosen.run(chosen)
    except SystemExit:  # of the parser, once it has printed its help
        streams.flush()
        raise
    except MicrojouleError as error:
        print(f"uj: {error}", file=sys.stderr)
        return next(code for kind, code in _EXIT_CODES if isinstance(error, kind))
    except (MemoryError, ImportError, RuntimeError) as error:
        reinstall = f"{error}. Reinstall: pip install --force-reinstall microjoule"
        sentence = shortage(error) or (reinstall if isinstance(error, ImportError) else None)
        if sentence is None:
            raise
        print(f"uj: {sentence}", file=sys.stderr)
        return failure
    return code
