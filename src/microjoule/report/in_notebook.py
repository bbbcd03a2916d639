"""Figures for a notebook: small tables of HTML that stand in the page's own colours, light or dark.

Each function takes an object that has its figures already and writes them down. Names that a program or a
person chose are escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ..errors import MicrojouleError
from ..footprint.footprint import Footprint
from ..joules.energy_trace import Trace
from ..joules.estimates.energies import Energies
from ..joules.estimates.estimate import Estimate
from ..joules.estimates.estimate_text import duration, figure, is_limit, measured
from ..joules.profiling.by_name import NameEnergy
from ..joules.profiling.reserved_names import NO_WINDOW
from ..joules.summary import stuck
from ..units import seconds
from . import amounts, compared_lines, footprint_lines, measured_lines, power_svg, written_numbers
from .foreign_text import cut, safe

ROWS_MAX = 12
_CHANNELS_MAX = 40

_TABLE = "color:inherit;border-collapse:collapse;font-variant-numeric:tabular-nums"
_CELL = "padding:.15em .8em;border:0;background:none;color:inherit"
_RULE = "border-bottom:1px solid currentColor"
_NOTE = "font-size:.85em;opacity:.75;margin:.2em .8em"
_SAID = "font-weight:600;margin:.2em 0"
_HEAD = ("energy", "± 95 %", "guaranteed", "sensor", "")
_FOOT = "± is the 95 % uncertainty, without sensor error where that is unknown"

Row = Sequence[str]


def estimate(of: Estimate) -> str:
    """One figure with both its intervals, and what its uncertainty is made of."""
    head = ("value", *_HEAD[1:])
    parts = ", ".join(
        f"{row['name']} {written_numbers.share(row['share'], 1.0)}"
        for row in of.budget()[:4]
        if row["share"] >= 0.01
    )
    notes = [f"k = {of.k:.3g}; shares of the variance: {parts}"] if parts else []
    return said(str(of)) + table(head, [_cells(of)], notes)


def energies(of: Energies) -> str:
    """The figures of one window, a row a channel, and their total."""
    rows = [(name, *_cells(each)) for name, each in of.items()]
    if len(of) > 1:
        name = f"total: {' + '.join(of.total.channels) or 'nothing'}"
        rows.append((name, *_cells(of.total)))
    notes = [_FOOT, *([f"total: {of.total.covers}"] if of.total.covers else [])]
    return said(str(of)) + table(("channel", *_HEAD), rows, notes)


def trace(of: Trace) -> str:
    """A trace: its sentence, a row for each window name, and what was read on which machine."""
    names = of.by_name()
    shown = [each for number, each in enumerate(names) if number < ROWS_MAX or each.name == NO_WINDOW]
    rows = [_name(each) for each in shown] or [_window(of, window) for window in _span(of)]
    more = written_numbers.count(len(names) - len(shown), "more name")
    notes = [f"{more}: `trace.by_name()` has them all"] if len(shown) < len(names) else []
    head = ("window", "n", "energy", "per window", "time", "power")
    below = [*notes, *_still(of), *_about(of)]
    return said(str(of)) + (table(head, rows, below) if rows else notes_below(below))


def readings(of: Any) -> str:  # noqa: ANN401 - a trace; of its room report knows nothing
    """A trace without its energies: windows and how long they took."""
    rows = [
        (cut(window.name), written_numbers.seconds(seconds(window.duration_ns)))
        for window in of.windows[:ROWS_MAX]
    ]
    return table(("window", "time"), rows, [*_about(of), "`uj.load` opens it with its energies"])


def footprint(of: Footprint) -> str:
    """What an energy comes to in CO2e and money, each with its ranges apart."""
    plain = of.to_json()
    rows = [
        (
            title,
            amounts.amount(row),
            amounts.amount({"value": row["U"], "unit": row["unit"]}) if row["U"] else "",
            amounts.span(row["guaranteed"], row["unit"]),
            amounts.span(row["choice"], row["unit"]) if row["choice"] else "",
        )
        for part, title in footprint_lines.PARTS
        if (row := plain[part]) is not None
    ]
    remark = [] if plain["status"] == "ok" else [f"the energy is {plain['status']}"]
    remark += ["estimated, and not measured"] if plain["provenance"] == "estimated" else []
    head = ("footprint", "amount", "± 95 %", plain["provenance"], "choice of factors")
    return (
        said(_footprint_sentence(of, plain))
        + table(_HEAD, [_cells(of.energy)], [])
        + table(head, rows, remark)
    )


def _footprint_sentence(of: Footprint, plain: Mapping[str, Any]) -> str:
    """``185 J ± 11 J come to 23.6 mg CO2e``."""
    carbon = plain["co2e_location"]
    return f"{of.energy} come to {amounts.amount(carbon)} CO2e" if carbon else str(of.energy)


def probe(of: Any) -> str:  # noqa: ANN401 - report knows nothing of sources
    """What a machine lets one read, and what keeps the rest closed."""
    rows = [
        (each.id, each.source, "estimated" if each.trust.model is not None else "measured")
        for each in of.channels[:_CHANNELS_MAX]
    ]
    more = len(of.channels) - _CHANNELS_MAX
    notes = [f"{written_numbers.count(more, 'more channel')}: `uj probe` lists all"] if more > 0 else []
    notes += [f"{each.what}: {each.remedy}" for each in of.obstacles[:ROWS_MAX]]
    count = len(of.measured)
    sentence = f"{count} channel{'' if count == 1 else 's'} can be measured here"
    return said(sentence) + table(("channel", "source", ""), rows, notes)


def intensities(of: Any) -> str:  # noqa: ANN401 - a series; its arithmetic is its own
    """The intensity of a grid over time, its first intervals."""
    rows = [
        (each.begins, f"{each.g_per_kwh:.4g} g/kWh", "estimated" if each.is_estimated else "")
        for each in of.intervals[:ROWS_MAX]
    ]
    more = len(of) - ROWS_MAX
    notes = [f"{written_numbers.count(more, 'more interval')}: `.intervals` has them all"] if more > 0 else []
    notes.append(f"{of.origin.source}; {of.boundary.scope or 'scope not stated'}")
    return said(repr(of)) + table(("from (UTC)", "intensity", ""), rows, notes)


def measurement(of: Any) -> str:  # noqa: ANN401 - of a room that report doesn't know: what it says of itself
    """The energy of one call."""
    plain: Mapping[str, Any] = of.to_json()
    rows = [
        (name, measured_lines.with_spread(value), says) for name, value, says in measured_lines.rows(plain)
    ]
    notes = [plain["plan"], *plain["notes"]]
    return said(measured_lines.sentence(plain)) + table(("", "± 95 %", ""), rows, notes)


def comparison(of: Any) -> str:  # noqa: ANN401 - as above
    """The verdicts, and a row for each of the things compared."""
    plain: Mapping[str, Any] = of.to_json()
    sentences = "".join(map(said, compared_lines.verdicts(plain)))
    return sentences + table(compared_lines.HEAD, compared_lines.rows(plain), compared_lines.notes(plain))


def cell(of: Any) -> str:  # noqa: ANN401 - as above
    """What one cell of a notebook used: its power over time, and its energies."""
    remark = "" if of.energy.total.provenance == "measured" else ", estimated from CPU time"
    title = f"{cut(of.name)}  {written_numbers.seconds(seconds(of.window.duration_ns))}{remark}"
    return energies(of.energy) + power_svg.render(of.power, title) + notes_below(_still(of.trace))


def table(head: Row, rows: Iterable[Row], notes: Iterable[str]) -> str:
    """A table of text, escaped; the first column, and those without a heading, are set to the left."""
    sides = ["left" if not i or not name else "right" for i, name in enumerate(head)]
    above = "".join(_cell("th", f"{_CELL};{_RULE}", *each) for each in zip(sides, head, strict=True))
    body = "".join(
        f"<tr>{''.join(_cell('td', _CELL, *each) for each in zip(sides, row, strict=True))}</tr>"
        for row in rows
    )
    above_rows = f"<thead><tr>{above}</tr></thead>"
    return f'<table style="{_TABLE}">{above_rows}<tbody>{body}</tbody></table>{notes_below(notes)}'


def said(sentence: str) -> str:
    """The answer in a sentence, above a table."""
    return f'<div style="{_SAID}">{escape(safe(sentence))}</div>'


def notes_below(notes: Iterable[str]) -> str:
    """Sentences beneath a table."""
    return "".join(f'<div style="{_NOTE}">{escape(note)}</div>' for note in notes)


def _cell(tag: str, style: str, side: str, words: str) -> str:
    return f'<{tag} style="{style};text-align:{side}">{escape(words)}</{tag}>'


def _cells(of: Estimate) -> tuple[str, ...]:
    remark = [] if of.status == "ok" else [of.status.upper()]
    remark += [of.provenance]
    accuracy = written_numbers.accuracy("unknown" if of.accuracy is None else of.accuracy)
    known = of.value is not None and bool(of.components)
    if of.unit == "1":
        value = written_numbers.quantity(of.value, "").strip() if of.value is not None else "–"
        return value, f"{of.U:.2g}" if known else "", _interval(of), accuracy, ", ".join(remark)
    if known and of.value is not None and is_limit(of.value, of.U, of.low):
        most = measured(of.value, of.U, (of.low, of.high), of.unit)
        return most, "", _interval(of), accuracy, ", ".join(remark)
    half = of.U if known else 0.0
    reach = (of.value - half, of.value + half) if of.value is not None and half else (None, None)
    return (
        written_numbers.quantity(of.value, of.unit, *reach),
        written_numbers.spread(of.U, of.unit) if known else "",
        _interval(of),
        accuracy,
        ", ".join(remark),
    )


def _interval(of: Estimate) -> str:
    low, high = (end if abs(end) < float("inf") else None for end in (of.low, of.high))
    return written_numbers.interval(low, high, "" if of.unit == "1" else of.unit).strip()


def named(of: NameEnergy) -> str:
    """The windows of one name: a sentence, and a row a channel."""
    n = f"{of.count:,} window{'' if of.count == 1 else 's'}"
    sentence = f"{cut(of.name)} used {of.energy} in {duration(of.time_s)} ({n}); {of.energy.provenance}"
    return said(sentence) + table(
        ("channel", *_HEAD), [(id_, *_cells(each)) for id_, each in of.channels.items()], []
    )


def _name(of: NameEnergy) -> tuple[str, ...]:
    each = str(of.per_window) if of.count > 1 else ""
    return cut(of.name), str(of.count or ""), str(of.energy), each, duration(of.time_s), str(of.power)


def _window(of: Trace, window: Any) -> tuple[str, ...]:  # noqa: ANN401 - as above
    energy, length_s = of.energy(window).total, seconds(window.duration_ns)
    power = "" if energy.value is None or not length_s else figure(energy.value / length_s, 0.0, "W")
    return cut(window.name), "1", str(energy), "", duration(length_s), power


def _span(of: Trace) -> tuple[Any, ...]:
    try:
        return (of.span,)
    except MicrojouleError:
        return ()


def _still(of: Trace) -> list[str]:
    return [
        f"{name} never moved: its counter is stuck, or what it counts was off. Its 0 J is no measurement"
        for name in stuck(of)
    ]


def _about(of: Any) -> list[str]:  # noqa: ANN401 - as above
    host = of.facts.get("host", {})
    cpu = (host.get("cpu") or {}).get("name")
    where = ", ".join(str(word) for word in (host.get("hostname"), cpu) if word)
    notes = [f"channels: {', '.join(of.channels)}", *([f"machine: {where}"] if where else [])]
    return [
        *notes,
        *(["the recording was cut off: its whole part is shown"] if of.is_truncated else []),
        *(f"{each.what} left out: {each.why}" for each in of.damage),
    ]
