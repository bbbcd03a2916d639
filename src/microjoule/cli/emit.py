"""``uj emit``: a report in the form that someone else asks for."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import along, options, quantities

FORMATS = ("huggingface", "sci", "boamps", "codecarbon", "annex-xi", "latex", "markdown", "json")
CONTEXT = {
    "project": "what was run",
    "stage": "training, fine-tuning, inference, …",
    "task": "text generation, image classification, …",
    "place": "as exact as you like: Quebec, Canada",
    "country": "for BoAmps and CodeCarbon",
    "hardware": "instead of what the trace names",
    "infrastructure": "publicCloud, privateCloud, onPremise or other",
    "publisher": "who publishes the report",
    "licence": "under which the report may be passed on",
    "quality": "high, medium or low, for BoAmps",
    "run_id": "a name of the run",
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "emit", help="a report as Hugging Face, SCI, BoAmps, CodeCarbon, LaTeX, … want it"
    )
    parser.add_argument("format", choices=FORMATS, metavar="FORMAT", help=", ".join(FORMATS))
    parser.add_argument("records", nargs="+", type=Path, metavar="TRACE", help="a trace, or a report's JSON")
    parser.add_argument("--window", metavar="NAME", help="these windows only")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    options.add_footprint(parser)
    along.add_series(parser)
    group = parser.add_argument_group("what only you know")
    for key, words in CONTEXT.items():
        group.add_argument(f"--{key.replace('_', '-')}", default="", metavar="TEXT", help=words)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the emitted text."""
    from ..report.emit import EMITTERS

    records = {path: _record(path, arguments) for path in arguments.records}
    quantities.write(EMITTERS[arguments.format](_joined(records, arguments)), arguments.output)
    return 0


def _record(path: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """The record of a trace, or the one that a report's JSON already is."""
    from ..errors import TraceError

    if path.suffix != ".json":
        return along.summarise(path, options.terms(arguments), arguments)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"].startswith("microjoule.report/") and isinstance(found["windows"], list):
            return dict(found)
    except OSError as error:
        raise TraceError(f"Cannot read {path}: {error.strerror}", "Name a trace or a report") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise TraceError(f"{path} is not a report of microjoule", "Write one with `uj report TRACE --json FILE`")


def _joined(records: dict[Path, dict[str, Any]], arguments: argparse.Namespace) -> dict[str, Any]:
    """One record of the chosen windows, with what the person said."""
    from ..errors import BadWindow
    from . import report

    first = next(iter(records.values()))
    joined = report.joined(records)
    windows = joined["windows"]
    if arguments.window is not None:
        windows = [window for window in windows if window["name"] == arguments.window]
    if not windows:
        names = ", ".join(dict.fromkeys(window["name"] for window in joined["windows"])) or "none"
        raise BadWindow(f"no window is called {arguments.window!r}", f"There are: {names}")
    said = {key: getattr(arguments, key) for key in CONTEXT if getattr(arguments, key)}
    facts = joined.get("facts") or first.get("facts") or first.get("traces", [{}])[0].get("facts", {})
    began_ns = facts.get("started_realtime_ns")
    made = {"made_at": _iso(began_ns)} if began_ns is not None else {}
    return {**joined, "facts": facts, "windows": windows, "context": {**made, **said}}


def _iso(t_ns: int) -> str:
    from ..units import NS_PER_S

    return datetime.fromtimestamp(t_ns // NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%S")
