"""``uj emit``: a report in the form that someone else asks for."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import intensity_over_time, options, quantities

CONTEXT = {
    "project": "what was run",
    "stage": "training, fine-tuning, inference, …",
    "task": "text generation, image classification, …",
    "place": "as precise as you like: Quebec, Canada",
    "country": "for BoAmps and CodeCarbon",
    "algorithm": "the model, for BoAmps and AI Energy Score",
    "data_type": "kind of the data, for BoAmps",
    "data_usage": "input or output, for BoAmps",
    "flop": "operations of the training, for Annex XI",
    "unit_reason": "why this functional unit, for SCI for AI",
    "hardware": "instead of what the trace records",
    "infrastructure": "publicCloud, privateCloud, onPremise or other",
    "publisher": "who publishes the report",
    "licence": "licence of the report",
    "quality": "high, medium or low, for BoAmps",
    "run_id": "a name of the run",
}

_REPORTS = ("microjoule.report/", "microjoule.reports/")  # of one trace and of several
_TABLES = ("codecarbon", "ai-energy-score")
_ADDED_UP = (
    "codecarbon",
    "boamps",
)  # whose rows readers add up: a window inside another one would count twice

# Of BoAmps: report_schema.json takes no other words.
LISTS = {
    "infrastructure": ("publicCloud", "privateCloud", "onPremise", "other"),
    "quality": ("high", "medium", "low"),
    "data_usage": ("input", "output"),
    "data_type": (
        "tabular", "audio", "boolean", "image", "video", "object", "text", "token", "word", "other",
    ),
}  # fmt: skip


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command; its formats are those of the registry."""
    from ..report.emitters import EMITTERS

    parser = commands.add_parser(
        "emit", help="export a report in the format of Hugging Face, SCI, BoAmps, CodeCarbon, …"
    )
    parser.add_argument("format", choices=tuple(EMITTERS), metavar="FORMAT", help=", ".join(EMITTERS))
    parser.add_argument("records", nargs="+", type=Path, metavar="TRACE", help="a trace, or a report's JSON")
    parser.add_argument("--window", metavar="NAME", help="use these windows only")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to FILE [standard output]")
    parser.add_argument("--append", action="store_true", help="add rows to an existing CSV file")
    options.add_footprint(parser)
    intensity_over_time.add_series(parser)
    group = parser.add_argument_group("facts that a trace does not contain")
    for key, words in CONTEXT.items():
        group.add_argument(
            f"--{key.replace('_', '-')}", default="", metavar="TEXT", help=words, choices=LISTS.get(key)
        )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the emitted text."""
    from ..report.emitters import EMITTERS, MISSING

    paths = quantities.distinct(arguments.records)
    quantities.refuse_overwriting([*paths, arguments.series], arguments.output)
    joined = _joined({path: _record(path, arguments) for path in paths}, arguments)
    text = EMITTERS[arguments.format](joined)
    quantities.tell(dict.fromkeys(doubt for window in joined["windows"] for doubt in _doubts(joined, window)))
    missing = MISSING[arguments.format](joined) if arguments.format in MISSING else []
    quantities.tell([f"still missing for {arguments.format}: {'; '.join(missing)}"] if missing else [])
    if arguments.append:
        text = _after(text, arguments)
    quantities.write(text, arguments.output)
    return 0


def _after(text: str, arguments: argparse.Namespace) -> str:
    """The file that is there with the new rows after its own.

    Raises:
        BadRecord: There is no file to add to, or its columns are others.
    """
    from ..errors import BadRecord

    if arguments.output is None or arguments.format not in _TABLES:
        raise BadRecord(
            "Rows can be appended to a table format only", f"Give -o FILE and one of {', '.join(_TABLES)}"
        )
    if not arguments.output.exists():
        return text
    old = arguments.output.read_text(encoding="utf-8")
    head, _, rows = text.partition("\n")
    if old and old.partition("\n")[0].strip() != head:
        raise BadRecord(f"{arguments.output} has different columns", "Append to a file in this format")
    return old + ("" if old.endswith("\n") else "\n") + rows if old else text


def _record(path: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """The record of a trace, or the one that a report's JSON already is."""
    from ..errors import TraceError

    if path.suffix != ".json":
        return intensity_over_time.summarise(path, options.terms(arguments), arguments)
    _refuse_series(path, arguments)
    record: dict[str, Any] | None = None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"].startswith(_REPORTS) and isinstance(found["windows"], list):
            record = dict(found)
    except OSError as error:
        raise TraceError(f"Cannot read {path}: {error.strerror}", "Name a trace or a report") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    if record is not None and len(record["windows"]) < record["n_windows"]:
        raise TraceError(
            f"{path} lists {len(record['windows'])} of {record['n_windows']} windows",
            "Emit the trace itself, or write the report again: `uj report TRACE --windows all --json FILE`",
        )
    if record is None:
        raise TraceError(
            f"{path} is not a report of microjoule", "Write one with `uj report TRACE --json FILE`"
        )
    return _with_terms(record, arguments)


def _with_terms(record: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """The record with other factors where some are given: the joules are in it."""
    from ..footprint.footprint import attached

    if not options.footprint_given(arguments):
        return record
    found = attached(record, options.terms(arguments))
    traces = [{**each, "footprint": found["footprint"]} for each in record.get("traces", [])]
    return {**found, **({"traces": traces} if traces else {})}


def _refuse_series(path: Path, arguments: argparse.Namespace) -> None:
    """Refuses a series for a report: the power over time is in its trace alone."""
    from ..errors import BadRecord

    given = [f"--{word}" for word in ("series", "live") if getattr(arguments, word)]
    if given:
        raise BadRecord(
            f"{path} is a report without power over time, which {', '.join(given)} needs",
            "Give its trace as well, or write the report again: `uj report TRACE --json FILE`",
        )


def _doubts(record: dict[str, Any], window: dict[str, Any]) -> list[str]:
    """What is to be said of a window's figures, with its name."""
    from ..report.emitters.record import doubts
    from ..report.foreign_text import cut

    return [f"{cut(window['name'])}: {doubt}" for doubt in doubts(record, window)]


def _outermost(windows: list[dict[str, Any]], form: str) -> list[dict[str, Any]]:
    from ..report.emitters.record import outermost

    found = outermost(windows)
    if left := len(windows) - len(found):
        told = f"{left} of {len(windows)} windows lie inside others and are left out"
        quantities.tell([f"{told}, because the rows of {form} add up. --window NAME chooses them"])
    return found


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
            "No window is complete: the channels were not read long enough",
            "Record for longer",
        )
    if arguments.window is not None:
        windows = [window for window in windows if window["name"] == arguments.window]
    elif arguments.format in _ADDED_UP:
        windows = _outermost(windows, arguments.format)
    if not windows:
        names = ", ".join(dict.fromkeys(window["name"] for window in joined["windows"])) or "none"
        raise BadWindow(f"There is no window {arguments.window!r}", f"There are: {names}")
    said = {key: getattr(arguments, key) for key in CONTEXT if getattr(arguments, key)}
    said |= _of_zone(arguments, said)
    facts = joined.get("facts") or first.get("facts") or first.get("traces", [{}])[0].get("facts", {})
    began_ns = facts.get("started_realtime_ns")
    made = {"made_at": _iso(began_ns)} if began_ns is not None else {}
    return {**joined, "facts": facts, "windows": windows, "context": {**made, **said}}


def _of_zone(arguments: argparse.Namespace, said: dict[str, str]) -> dict[str, str]:
    """What the zone says of the country and the cloud, where the person says nothing of them."""
    from ..footprint.intensity import around, zone

    if not arguments.zone:
        return {}
    way = list(around(zone(arguments.zone)))
    found = {"cloud": way[0].code if way[0].kind == "cloud" else ""}
    country = next((each for each in way if each.kind == "country"), None)
    if country is not None and said.get("country", country.name) == country.name:
        code = next((alias for alias in country.aliases if len(alias) == 3), "")
        found |= {"country": country.name, "country_code": code}
    return {key: word for key, word in found.items() if word and not said.get(key)}


def _refuse_other_factors(records: dict[Path, dict[str, Any]], arguments: argparse.Namespace) -> None:
    """Refuses reports of different factors in a form that names the factors once."""
    from ..errors import BadRecord

    factors = [record.get("footprint") for record in records.values()]
    if arguments.format != "json" and any(each != factors[0] for each in factors):
        raise BadRecord(
            "The reports use different factors, and this format states them only once",
            "Emit them one by one, or their traces together",
        )


def _iso(t_ns: int) -> str:
    from ..units import NS_PER_S

    return datetime.fromtimestamp(t_ns // NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%S")
