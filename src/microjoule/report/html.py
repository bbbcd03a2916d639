"""The report as one page that opens offline: the screen of an oscilloscope, and every figure as a table.

The page has all it needs inside itself and may reach for nothing else: its policy forbids every request and
every script but its own, which it names by its hash. Names of windows are the words of others and are
escaped; the arrays are columns of little-endian numbers, neighbours told apart by their difference, bytes
of one weight together, deflated, in base64: of a million readings a few megabytes.

Decision: one trace a page; the figures are in the page without its script too. What was given up: several
traces beside each other.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..joules.estimate_text import duration
from ..units import NS_PER_S
from . import as_long_text, as_text, budget_table, footprint_lines
from . import written_numbers as figures
from .amounts import amount, span
from .foreign_text import cut, safe

Plain = Mapping[str, Any]

OPEN_MAX = 8  # windows that are shown without a click
WINDOWS_MAX = 200  # blocks of figures; the screen has all
_ARRAYS = ("t_ns", "steps", "least", "most", "values")


def render(summary: Plain, picture: Plain, title: str) -> str:
    """The page.

    Args:
        summary: ``joules.summary.summary``, with its footprint.
        picture: ``joules.plot_data.pictured`` of the same trace.
        title: What the trace is called.
    """
    script, style = _part("page_numbers.js") + _part("page.js"), _part("page.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    body = "".join(
        (
            _header(summary, title),
            "<main>",
            _warnings(summary),
            _headline(summary),
            _SCOPE,
            _by_name(summary["by_name"]),
            _windows(summary["windows"], summary["n_windows"]),
            _footprint(summary),
            _budget(summary["windows"], summary["n_windows"]),
            _engine(summary["engine"]),
            _facts(summary["facts"]),
            "<footer>Made by microjoule. Times are CLOCK_MONOTONIC, counted from the first instant of the "
            f"trace ({picture['origin_ns']} ns).</footer></main>",
        )
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{_text(title)}: energy</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n"
        f'<script type="application/json" id="data">{_json(_packed(picture))}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


@cache
def _part(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _text(words: object) -> str:
    """Words of others, fit for a page."""
    return escape(safe(str(words)))


def _json(value: object) -> str:
    """JSON that no script element ends in: each ``<`` is written out."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _packed(picture: Plain) -> dict[str, Any]:
    """The picture with its arrays as text."""
    channels = [
        {key: packed(value) if key in _ARRAYS else value for key, value in channel.items()}
        for channel in picture["channels"]
    ]
    windows = [{**window, "name": safe(window["name"])} for window in picture["windows"]]
    return {**picture, "channels": channels, "windows": windows}


def packed(array: npt.NDArray[Any]) -> dict[str, Any]:
    """An array as text: of whole instants the differences, bytes of one weight together, deflated, base64.

    Args:
        array: int64, ascending and from 0 on at the earliest; or int32, or float64.
    """
    is_delta = array.dtype == np.int64
    if is_delta:
        array = np.diff(array, prepend=0)
        array = array.astype("<u4" if not len(array) or array.max() < 1 << 32 else "<f8")
    columns = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).view(np.uint8)
    columns = columns.reshape(len(array), array.dtype.itemsize).T
    return {
        "n": len(array),
        "type": array.dtype.str.lstrip("<"),
        "delta": is_delta,
        "data": base64.b64encode(zlib.compress(np.ascontiguousarray(columns).tobytes(), 6)).decode("ascii"),
    }


_SCOPE = """
<section id="scope" class="card" aria-label="Power over time">
<div id="bar"></div>
<canvas id="screen" tabindex="0" role="img"
aria-label="Power over time; the tables below have the figures"></canvas>
<canvas id="overview" aria-hidden="true"></canvas>
<div id="readout" aria-live="polite">
<noscript>The picture needs JavaScript; the figures below do not.</noscript></div>
<p class="hint"><kbd>drag</kbd> measure a span · <kbd>wheel</kbd> <kbd>+</kbd> <kbd>−</kbd> zoom ·
<kbd>shift</kbd>+<kbd>drag</kbd> <kbd>←</kbd> <kbd>→</kbd> move · <kbd>Enter</kbd> zoom to the span ·
<kbd>0</kbd> or double click: everything · <kbd>Esc</kbd> forget the span</p>
</section>
"""


def _header(summary: Plain, title: str) -> str:
    facts = summary["facts"]
    host = facts.get("host") if isinstance(facts.get("host"), Mapping) else {}
    words = [_date(facts), host.get("hostname"), facts.get("cpu_name") or host.get("cpu_name")]
    command = facts.get("command")
    words.append(" ".join(map(str, command)) if isinstance(command, Sequence) else None)
    where = " · ".join(_text(word) for word in words if word)
    return (
        f'<header><span class="mark">microjoule</span><h1>{_text(title)}</h1>'
        f'<span class="where">{where}</span>'
        '<button id="theme" type="button" aria-label="Light or dark">◐</button></header>'
    )


def _date(facts: Plain) -> str:
    """When the recording began, in UTC; empty where the trace does not say."""
    began_ns = facts.get("started_realtime_ns")
    if not isinstance(began_ns, int):
        return ""
    return f"{datetime.fromtimestamp(began_ns // NS_PER_S, UTC):%Y-%m-%d %H:%M UTC}"


def _warnings(summary: Plain) -> str:
    lines = [line for line in as_long_text.warnings(summary) if line]
    return f'<div class="warnings" role="note">{_paragraphs(lines)}</div>' if lines else ""


def _paragraphs(lines: Iterable[str]) -> str:
    return "".join(f"<p>{_text(line)}</p>" for line in lines)


def _headline(summary: Plain) -> str:
    """The sentence, and the figures of all that was recorded."""
    sentence = f'<p class="sentence">{_text(summary["sentence"])}</p>'
    whole = summary["whole"]
    if not whole:
        return sentence
    total, footprint = whole["total"], whole.get("footprint", {})
    is_estimated = total["provenance"] == "estimated"
    low, high = total["guaranteed_j"]
    energy, half = figures.energy(total["energy_j"], total["U_j"], (low, high))
    spread = total["status"] if total["U_j"] is None else f"± {half} at 95 %" if half else "at 95 %"
    guaranteed = "" if is_estimated else f"; guaranteed {figures.interval(low, high, 'J')}"
    cells = [
        (
            f"energy, {'estimated' if is_estimated else 'measured'}",
            energy,
            spread + guaranteed,
        ),
        ("time", duration(whole["duration_s"]), _count(summary["n_windows"], "window")),
    ]
    grid = summary.get("footprint", {}).get("factors", {}).get("intensity", {}).get("name", "")
    cells += [
        (
            f"{words} ({grid})" if part == "co2e_location" else words,
            amount(footprint[part]),
            span(footprint[part]["choice"] or footprint[part]["guaranteed"], footprint[part]["unit"]),
        )
        for part, words in footprint_lines.PARTS
        if part in ("co2e_location", "cost_electricity") and footprint.get(part)
    ]
    return (
        f'{sentence}<dl class="headline">'
        + "".join(
            f'<div class="card"><dt>{_text(name)}</dt>'
            f"<dd>{_text(value)}<small>{_text(more)}</small></dd></div>"
            for name, value, more in cells
        )
        + "</dl>"
    )


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _windows(windows: Sequence[Plain], n_windows: int) -> str:
    head = "".join(f'<th scope="col">{_text(word)}</th>' for word in ("channel", *as_long_text.HEAD[1:]))
    blocks = "".join(_block(number, window) for number, window in enumerate(windows[:WINDOWS_MAX]))
    more = n_windows - min(len(windows), WINDOWS_MAX)
    foot = as_long_text.FOOT + (f"\n{more} more windows: {as_long_text.ALL_WINDOWS}" if more > 0 else "")
    return (
        '<h2>Energy by window</h2><div class="card">'
        f"<details{' open' * (n_windows <= OPEN_MAX)}><summary>{_count(n_windows, 'window')}</summary>"
        f'<div class="scroll"><table id="windows"><thead><tr>{head}</tr></thead>{blocks}</table></div>'
        f'</details><p class="foot">{_text_lines(foot.splitlines())}</p></div>'
        if windows
        else "<h2>Energy by window</h2><p>There is no figure: no time in which the channels were read.</p>"
    )


def _block(number: int, window: Plain) -> str:
    title = as_long_text.window_title(window)
    name, rest = cut(window["name"]), title.removeprefix(cut(window["name"])).strip()
    rows = [
        f'<tr class="window"><th scope="rowgroup" colspan="{len(as_long_text.HEAD)}">'
        f'<button type="button" data-t0="{window["t0_ns"]}" data-t1="{window["t1_ns"]}" '
        f'aria-label="show {_text(name)} on the screen">show</button>{_text(name)}'
        f'<span class="attributes">{_text(rest)}</span></th></tr>'
    ]
    for at, row in enumerate(as_long_text.rows_of(window)):
        kind = ' class="total"' if at >= len(window["channels"]) else ""
        cells = "".join(f"<td>{_text(cell)}</td>" for cell in row[1:-1])
        rows.append(f'<tr{kind}><th scope="row">{_text(row[0])}</th>{cells}<td>{_remark(row[-1])}</td></tr>')
    return f'<tbody data-window="{number}">{"".join(rows)}</tbody>'


def _remark(words: str) -> str:
    kind = "estimated" if words == "estimated" else "bad"
    return f'<span class="{kind}">{_text(words)}</span>' if words else "measured"


_NAMES = (*as_text.HEAD, "5 %", "median", "95 %", "method")


def _by_name(rows: Sequence[Plain]) -> str:
    """A row a name: how much all of its windows used, one of them, and how single ones are distributed."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{_text(word)}</th>' for word in _NAMES)
    body = "".join(_row((*as_text.cells(row), *_distribution(row), row["method"])) for row in rows)
    return (
        '<h2>Energy by window name</h2><div class="card"><div class="scroll"><table id="names">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        '<p class="foot">5 %, median, 95 %: of single windows, where the readings resolve them.</p></div>'
    )


def _distribution(row: Plain) -> tuple[str, ...]:
    found = row["percentiles_j"]
    return tuple(figures.quantity(found[each], "J") if each in found else "" for each in ("5", "50", "95"))


def _footprint(summary: Plain) -> str:
    if "footprint" not in summary or not summary["windows"]:
        return ""
    shown = summary["windows"][: as_long_text.BLOCKS_MAX]
    blocks = [(_name(window), footprint_lines.cells(window["footprint"])) for window in shown]
    kinds = dict.fromkeys(footprint_lines.kind_of(window["footprint"]) for window in shown)
    terms = summary["footprint"]
    along = [w["footprint"]["intensity"] for w in shown if "intensity" in w["footprint"]]
    told = [*(footprint_lines.factor_text("intensity", each) for each in along)]
    told += footprint_lines.factor_texts(terms)
    lines = [footprint_lines.title(terms), footprint_lines.foot(kinds), *_rest(summary["n_windows"])]
    factors = "".join(f"<p>{_text(' '.join(line.split()))}</p>" for line in told)
    return (
        f'<h2>CO2e and cost</h2><div class="card">{_table(("", "", "what is left open"), blocks)}'
        f'<p class="foot">{_text_lines(lines)}</p><details><summary>Factors and their sources</summary>'
        f'<div class="told">{factors}</div></details></div>'
    )


def _rest(n_windows: int) -> list[str]:
    """That there are more windows than a block shows."""
    more = n_windows - as_long_text.BLOCKS_MAX
    return [f"{more} more windows: {as_long_text.ALL_WINDOWS}"] if more > 0 else []


def _name(window: Plain) -> str:
    return f"{cut(window['name'])}  {figures.seconds(window['duration_s'])}"


def _table(head: Sequence[str], blocks: Iterable[tuple[str, Sequence[Sequence[str]]]]) -> str:
    """A table of blocks, each with a title above its rows; the first cell of a row names it."""
    top = "".join(f'<th scope="col">{_text(word)}</th>' for word in head)
    bodies = [
        f'<tbody><tr class="window"><th scope="rowgroup" colspan="{len(head)}">{_text(title)}</th></tr>'
        + "".join(_row(row) for row in rows)
        + "</tbody>"
        for title, rows in blocks
    ]
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead>{"".join(bodies)}</table></div>'


def _row(cells: Sequence[str]) -> str:
    rest = "".join(f"<td>{_text(cell)}</td>" for cell in cells[1:])
    return f'<tr><th scope="row">{_text(cells[0])}</th>{rest}</tr>'


_BUDGET = ("component", "u", "share of the variance", "type", "degrees of freedom", "form")


def _budget(windows: Sequence[Plain], n_windows: int) -> str:
    blocks = "".join(
        f"<details><summary>{_text(_name(window))}</summary>"
        f"{_table(_BUDGET, [_components(row) for row in window['channels']])}</details>"
        for window in windows[: as_long_text.BLOCKS_MAX]
    )
    foot = "".join(f'<p class="foot">{line}</p>' for line in _rest(n_windows))
    return f'<h2>What the uncertainty is made of</h2><div class="card">{blocks}{foot}</div>' if blocks else ""


def _components(row: Plain) -> tuple[str, list[tuple[str, ...]]]:
    parts = [budget_table.cells(part) for part in row["budget"]]
    return budget_table.head(row), [(*part[:4], part[5] or "∞", part[4]) for part in parts]


def _engine(engine: Plain) -> str:
    rows = [
        (
            lane["lane"],
            f"{lane['rate_hz']:g} Hz" if lane["rate_hz"] else "unknown",
            *(str(lane[count]) for count in ("ticks", "late", "missed", "dropped", "errors")),
            figures.quantity(lane["late_max_s"], "s"),
            figures.quantity(lane["busy_s"], "s"),
        )
        for lane in engine["lanes"]
    ]
    if not rows:
        return ""
    head = ("lane", "rate", "ticks", "late", "missed", "dropped", "errors", "latest by", "CPU time")
    cells = "".join(f'<th scope="col">{word}</th>' for word in head)
    body = "".join(_row(row) for row in rows)
    told = _paragraphs(as_long_text.overhead_lines(engine.get("overhead")))
    foot = f'<div class="foot">{told}</div>' if told else ""
    return (
        f'<h2>What sampling did</h2><div class="card"><div class="scroll">'
        f"<table><thead><tr>{cells}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>{foot}</div>"
    )


def _facts(facts: Plain) -> str:
    rows = "".join(_row(row) for row in _flat(facts, ""))
    heading = "<h2>The machine and the recording</h2>"
    return (
        f'{heading}<div class="card"><table class="facts"><tbody>{rows}</tbody></table></div>' if rows else ""
    )


def _flat(value: object, path: str) -> Iterable[tuple[str, str]]:
    """Facts as lines: a mapping's keys joined by points."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _flat(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        yield path, ", ".join(map(str, value))
    elif value is not None:
        yield path, str(value)


def _lines(heading: str, lines: Sequence[str]) -> str:
    return f'<h2>{heading}</h2><div class="card"><pre>{_text_lines(lines)}</pre></div>' if lines else ""


def _text_lines(lines: Iterable[str]) -> str:
    # A line may have been folded: its own breaks are no words of others.
    return "\n".join(_text(part) for line in lines for part in line.split("\n"))
