"""``uj emit``: a report in the form that someone else asks for."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import intensity_over_time as along
from . import options, quantities

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

# Of BoAmps: report_schema.json takes no other words.
LISTS = {
    "infrastructure": ("publicCloud", "privateCloud", "onPremise", "other"),
    "quality": ("high", "medium", "low"),
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command; its formats are those of the registry."""
    from ..report.emitters import EMITTERS

    parser = commands.add_parser(
        "emit", help="a report as Hugging Face, SCI, BoAmps, CodeCarbon, LaTeX, … want it"
    )
    parser.add_argument("format", choices=tuple(EMITTERS), metavar="FORMAT", help=", ".join(EMITTERS))
    parser.add_argument("records", nargs="+", type=Path, metavar="TRACE", help="a trace, or a report's JSON")
    parser.add_argument("--window", metavar="NAME", help="these windows only")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    options.add_footprint(parser)
    along.add_series(parser)
    group = parser.add_argument_group("what only you know")
    for key, words in CONTEXT.items():
        group.add_argument(
            f"--{key.replace('_', '-')}", default="", metavar="TEXT", help=words, choices=LISTS.get(key)
        )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the emitted text."""
    from ..report.emitters import EMITTERS

    paths = quantities.distinct(arguments.records)
    quantities.refuse_overwriting([*paths, arguments.series], arguments.output)
    joined = _joined({path: _record(path, arguments) for path in paths}, arguments)
    text = EMITTERS[arguments.format](joined)
    quantities.tell(dict.fromkeys(doubt for window in joined["windows"] for doubt in _doubts(joined, window)))
    quantities.write(text, arguments.output)
    return 0


def _record(path: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """The record of a trace, or the one that a report's JSON already is."""
    from ..errors import TraceError

    if path.suffix != ".json":
        return along.summarise(path, options.terms(arguments), arguments)
    _refuse_terms(path, arguments)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"].startswith("microjoule.report/") and isinstance(found["windows"], list):
            return dict(found)
    except OSError as error:
        raise TraceError(f"Cannot read {path}: {error.strerror}", "Name a trace or a report") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise TraceError(f"{path} is not a report of microjoule", "Write one with `uj report TRACE --json FILE`")


def _refuse_terms(path: Path, arguments: argparse.Namespace) -> None:
    """Refuses factors for a report that has its own already: they would change no figure of it."""
    from ..errors import BadRecord

    given = [f"--{word}" for word in options.footprint_given(arguments)]
    given += [f"--{word}" for word in ("series", "live") if getattr(arguments, word)]
    if given:
        raise BadRecord(
            f"{path} is a report with factors of its own, and {', '.join(given)} would change none of them",
            "Emit its trace with them, or write the report again: `uj report TRACE --json FILE`",
        )


def _doubts(record: dict[str, Any], window: dict[str, Any]) -> list[str]:
    """What is to be said of a window's figures, with its name."""
    from ..report.emitters.record import doubts
    from ..report.foreign_text import cut

    return [f"{cut(window['name'])}: {doubt}" for doubt in doubts(record, window)]


def _joined(records: dict[Path, dict[str, Any]], arguments: argparse.Namespace) -> dict[str, Any]:
    """One record of the chosen windows, with what the person said."""
    from ..errors import BadWindow, TraceError
    from . import documents

    first = next(iter(records.values()))
    joined = documents.joined(records)
    _refuse_other_factors(records, arguments)
    windows = joined["windows"]
    if not windows:
        raise TraceError(
            "There is no whole window: the channels were not read long enough for a figure",
            "Record for longer",
        )
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


def _refuse_other_factors(records: dict[Path, dict[str, Any]], arguments: argparse.Namespace) -> None:
    """Refuses reports of different factors in a form that names the factors once."""
    from ..errors import BadRecord

    factors = [record.get("footprint") for record in records.values()]
    if arguments.format != "json" and any(each != factors[0] for each in factors):
        raise BadRecord(
            "The reports were made with different factors, and this form names them once",
            "Emit them one by one, or their traces together",
        )


def _iso(t_ns: int) -> str:
    from ..units import NS_PER_S

    return datetime.fromtimestamp(t_ns // NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%S")
