"""Reports as plain documents: the summary of a trace, several of them joined, and where JSON is written."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from . import signs, streams

if TYPE_CHECKING:
    from ..footprint.chosen_factors import Terms
    from ..footprint.intensity_series import IntensitySeries
    from ..joules.energy_trace import Trace

WINDOWS_MAX = 1000  # windows listed one by one: a listed window costs half a millisecond
JOINED = "microjoule.reports/1"
_WIDEST = 120  # columns: a longer line is hard to read


def summarise(
    path: Path,
    terms: Terms | None,
    series: IntensitySeries | None = None,
    told: Callable[[float], None] = lambda _: None,
    windows_max: int | None = None,
) -> dict[str, Any]:
    """The summary of the trace in a file, with its footprint, along a series where there is one.

    ``terms`` None: nobody asked for a footprint, and none is worked out. ``told`` hears now and then how much
    of the file was read. ``windows_max`` windows are listed; None: all.
    """
    from ..joules.energy_trace import load
    from ..joules.long_traces.streamed import stream

    # A series needs energies between its own edges too.
    return summarised(stream(path, told) if series is None else load(path), terms, series, windows_max)


def summarised(
    trace: Trace, terms: Terms | None, series: IntensitySeries | None, windows_max: int | None
) -> dict[str, Any]:
    """As :func:`summarise`, of a trace that has been read; with a series it has to be read whole."""
    from ..joules.summary import summary

    found = summary(trace, windows_max)
    if terms is None:
        from ..report.as_text import NOT_ASKED

        return {**found, "footprint": NOT_ASKED}
    from ..footprint.footprint import attached

    if series is None:
        return attached(found, terms)
    if not found["windows"]:
        return attached(found, terms)
    from ..footprint.over_time import along as laid

    return attached(found, terms, laid(trace, series, terms.intensity, windows_max))


def joined(summaries: dict[Path, dict[str, Any]]) -> dict[str, Any]:
    """One document of several, ``microjoule.reports/1``: each row of windows has its trace's path.

    ``footprint`` is that of the first; ``traces`` has the whole and the footprint of each.
    """
    if len(summaries) == 1:
        return next(iter(summaries.values()))

    def rows(part_of: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        return [{"trace": str(path), **row} for path, part in summaries.items() for row in part_of(part)]

    return {
        "schema": JOINED,
        "sentence": "\n".join(f"{path}: {part['sentence']}" for path, part in summaries.items()),
        "whole": None,
        "n_windows": sum(part["n_windows"] for part in summaries.values()),
        "windows": rows(lambda part: part["windows"]),
        "by_name": rows(lambda part: part["by_name"]),
        "footprint": next(iter(summaries.values())).get("footprint", {}),
        "engine": {
            "lanes": rows(lambda part: part["engine"]["lanes"]),
            "failures": rows(lambda part: part["engine"].get("failures", [])),
            "stuck": rows(lambda part: [_named(each) for each in part["engine"].get("stuck", [])]),
            "lost_marks": _summed(part["engine"].get("lost_marks", {}) for part in summaries.values()),
        },
        "traces": [each for path, part in summaries.items() for each in _traces(path, part)],
    }


def _summed(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)


def _named(channel: str | dict[str, Any]) -> dict[str, Any]:
    """A stuck channel as a row, which it is already where the document is of several traces."""
    return channel if isinstance(channel, dict) else {"channel": channel}


def _traces(path: Path, part: dict[str, Any]) -> list[dict[str, Any]]:
    """What a joined document keeps of a trace; of a part that was joined itself, of each of its own."""
    if "facts" not in part:
        return [{"footprint": part.get("footprint"), **each} for each in part.get("traces", [])]
    kept = ("sentence", "whole", "facts", "is_truncated", "damage", "gaps", "footprint", "engine")
    return [{"trace": str(path), **{key: part.get(key) for key in kept}}]


def add_form(parser: argparse.ArgumentParser) -> None:
    """How much of a report is printed."""
    parser.set_defaults(form="text")
    parser.add_argument(
        "-v",
        "--verbose",
        dest="form",
        action="store_const",
        const="long",
        help="print everything: guaranteed intervals, channels, peaks, factors, sampling",
    )
    parser.add_argument(
        "--brief",
        dest="form",
        action="store_const",
        const="brief",
        help="print one sentence only",
    )
    add_windows(parser, "; the table by name has all of them")


def add_windows(parser: argparse.ArgumentParser, remark: str = "") -> None:
    """Adds how many windows are listed; the help ends with a remark."""
    parser.add_argument(
        "--windows",
        dest="windows_max",
        type=n_windows,
        default=WINDOWS_MAX,
        metavar="N",
        help=f"list up to N windows singly, or all [{WINDOWS_MAX}]{remark}",
    )


def n_windows(text: str) -> int | None:
    """How many windows are listed; None: all. An argparse type."""
    if text == "all":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of windows: write 20, or all")
    return int(text)


def printed(summary: dict[str, Any], form: str, stream: TextIO) -> None:
    """Writes the report to a stream, as wide as the terminal and in the signs that the stream has."""
    from ..report import REPORTERS, as_text

    if form != "text":
        stream.write(REPORTERS[form](summary))
        return
    width = min(streams.columns(stream) or as_text.WIDTH, _WIDEST)
    stream.write(as_text.render(summary, width, partial(signs.shown_on, stream)))


def write_json(summary: dict[str, Any], path: Path) -> None:
    """Writes the report's JSON to a file, or to standard output for ``-``.

    Raises:
        TraceError: The file cannot be written.
    """
    from ..report import REPORTERS

    write_text(REPORTERS["json"](summary), path)


def write_text(text: str, path: Path) -> None:
    """Writes a text to a file, or to standard output for ``-``.

    Raises:
        TraceError: The file cannot be written.
    """
    from ..errors import TraceError

    if path == Path("-"):
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TraceError(f"Cannot write {path}: {error.strerror}", "Choose another file") from error
