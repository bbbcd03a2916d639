"""The report as one page that opens offline: the screen of an oscilloscope, and every figure as a table.

The page has all it needs inside itself and may reach for nothing else: its policy forbids every request and
every script but its own, which it names by its hash. Names of windows are the words of others and are
escaped; the arrays are columns of little-endian numbers, neighbours as their difference, bytes
of one weight together, deflated, in base64: of a million readings a few megabytes.

Decision: the figures are in the page without its script too. Several traces share one time axis, each from
its own beginning, and have their tables one after the other.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..joules.estimates.estimate_text import duration
from ..units import NS_PER_S
from . import as_long_text, footprint_lines, page_tables, written_numbers
from .alike_lines import merged
from .amounts import amount, span
from .foreign_text import safe
from .page_tables import paragraphs, section, text
from .written_numbers import count

Plain = Mapping[str, Any]

SCRIPTS = ("page_numbers.js", "page_draw.js", "page.js")
_ASCENDING = ("t_ns", "t0_ns")  # whole instants, of which the differences are kept


def render(summaries: Sequence[Plain], pictures: Sequence[Plain], titles: Sequence[str], both: Plain) -> str:
    """The page.

    Args:
        summaries: ``joules.summary.summary`` of each trace, with its footprint.
        pictures: ``joules.plot_data.pictured`` of the same traces.
        titles: What each trace is called.
        both: ``joules.plot_data.side_by_side`` of the pictures.
    """
    script, style = "".join(map(_part, SCRIPTS)), _part("page.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    of_each = list(zip(summaries, pictures, titles, strict=True))
    title = " and ".join(titles)
    body = "".join(
        (
            _header([summary["facts"] for summary in summaries], title),
            "<main>",
            *(_warnings(summary, _of(name, titles)) for summary, _, name in of_each),
            *(_headline(summary, _of(name, titles)) for summary, _, name in of_each),
            _SCOPE,
            *(
                _tables(summary, picture["origin_ns"], _of(name, titles))
                for summary, picture, name in of_each
            ),
            "<footer>Made by microjoule. Times are counted from the first instant of the trace "
            f"(CLOCK_MONOTONIC {', '.join(str(each['origin_ns']) for each in pictures)} ns).</footer></main>",
        )
    )
    shown = {
        **both,
        "titles": list(map(safe, titles)),
        "tables": [
            _spreads(summary, picture["origin_ns"])
            for summary, picture in zip(summaries, pictures, strict=True)
        ],
    }
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{text(title)}: energy</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n"
        f'<script type="application/json" id="data">{_json(_packed(shown))}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _spreads(summary: Plain, origin_ns: int) -> list[Plain]:
    """The time of each window that has a block of figures, and the ± of those: the screen shows the same."""
    whole = summary["whole"]
    rows = [*summary["windows"][: page_tables.WINDOWS_MAX], *([whole] if whole else [])]
    return [
        {
            "t0_ns": row["t0_ns"] - origin_ns,
            "t1_ns": row["t1_ns"] - origin_ns,
            "channels_U_j": {each["channel"]: each["U_j"] for each in row.get("channels", ())},
            "total_U_j": row["total"]["U_j"] if row["total"] else None,
        }
        for row in rows
    ]


def _of(name: str, titles: Sequence[str]) -> str:
    """What a heading adds where there are several traces."""
    return f": {name}" if len(titles) > 1 else ""


def _tables(summary: Plain, origin_ns: int, of: str) -> str:
    return "".join(
        (
            section(f"Whose energy{of}", page_tables.shares(summary)),
            section(f"Energy by window name{of}", page_tables.by_name(summary["by_name"], origin_ns)),
            section(f"Single windows{of}", page_tables.windows(summary, origin_ns)),
            section(f"CO2e and cost{of}", page_tables.footprint(summary)),
            section(f"Uncertainty budget{of}", page_tables.budget(summary)),
            section(f"What sampling did{of}", page_tables.engine(summary["engine"])),
            section(f"The machine and the recording{of}", page_tables.facts(summary["facts"])),
        )
    )


@cache
def _part(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _json(value: object) -> str:
    """JSON that no script element ends in: each ``<`` is written out."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _packed(picture: Plain) -> dict[str, Any]:
    """The picture with its arrays as text."""
    bars = picture["windows"]
    return {
        **picture,
        "channels": [_columns(channel) for channel in picture["channels"]],
        "windows": {**_columns(bars), "names": [safe(name) for name in bars["names"]]},
    }


def _columns(of: Plain) -> dict[str, Any]:
    return {
        key: packed(value, key in _ASCENDING) if isinstance(value, np.ndarray) else value
        for key, value in of.items()
    }


def packed(array: npt.NDArray[Any], is_delta: bool = False) -> dict[str, Any]:
    """An array as text: bytes of one weight together, deflated, in base64.

    Args:
        array: int64, int32 or float64.
        is_delta: It ascends and begins at 0 or later: keep the differences.
    """
    if is_delta:
        array = np.diff(array, prepend=0)
    if array.dtype == np.int64:
        array = array.astype("<u4" if not len(array) or 0 <= array.min() <= array.max() < 1 << 32 else "<f8")
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
<canvas id="screen" tabindex="0" role="application" aria-roledescription="plot" aria-describedby="keys"
aria-label="Power over time, and windows below it; the tables have all figures"></canvas>
<canvas id="overview" aria-hidden="true"></canvas>
<p id="where">&nbsp;</p><p id="said" role="status"></p>
<div class="scroll"><table id="readout"><thead><tr><th scope="col">channel</th>
<th scope="col">at the cursor</th><th scope="col">energy</th><th scope="col">± 95 %</th>
<th scope="col">guaranteed</th><th scope="col">mean</th></tr></thead><tbody></tbody></table></div>
<noscript>The picture needs JavaScript; the figures below do not.</noscript>
<p id="keys" class="hint"><kbd>drag</kbd> or <kbd>shift</kbd>+<kbd>←</kbd><kbd>→</kbd> measure a span ·
<kbd>wheel</kbd> <kbd>+</kbd> <kbd>−</kbd> zoom ·
<kbd>shift</kbd>+<kbd>drag</kbd> <kbd>←</kbd> <kbd>→</kbd> move ·
<kbd>,</kbd> <kbd>.</kbd> cursor · click a window: its span · <kbd>Enter</kbd> zoom to the span ·
<kbd>0</kbd> or double click: everything · <kbd>p</kbd> peaks · <kbd>Esc</kbd> no span</p>
</section>
"""


def _header(facts: Sequence[Plain], title: str) -> str:
    where = "".join(f'<span class="where">{_where(each)}</span>' for each in facts)
    return (
        f'<header><span class="mark">microjoule</span><h1>{text(title)}</h1>{where}'
        '<button id="theme" type="button" aria-label="Light or dark">◐</button></header>'
    )


def _where(facts: Plain) -> str:
    """When, on which machine, and which command."""
    host = facts.get("host")
    host = host if isinstance(host, Mapping) else {}
    cpu = host.get("cpu")
    words = [_date(facts), host.get("hostname"), cpu.get("name") if isinstance(cpu, Mapping) else None]
    command = facts.get("command")
    words.append(shlex.join(map(str, command)) if isinstance(command, list) else None)
    return " · ".join(text(word) for word in words if word)


def _date(facts: Plain) -> str:
    """When the recording began, in UTC; empty where the trace does not say."""
    began_ns = facts.get("started_realtime_ns")
    if not isinstance(began_ns, int):
        return ""
    return f"{datetime.fromtimestamp(began_ns // NS_PER_S, UTC):%Y-%m-%d %H:%M UTC}"


def _warnings(summary: Plain, of: str) -> str:
    prefix = f"{of.removeprefix(': ')}: " if of else ""
    lines = [prefix + line for line in merged(as_long_text.warnings(summary)) if line]
    return f'<div class="warnings" role="note">{paragraphs(lines)}</div>' if lines else ""


def _left_open(of: Plain) -> str:
    """What other published factors would give, or the range of the counter alone."""
    if of["choice"]:
        return f"with other published factors: {span(of['choice'], of['unit'])}"
    return f"counter alone: {span(of['guaranteed'], of['unit'])}"


def _headline(summary: Plain, of: str) -> str:
    """The sentence, and the figures of all that was recorded."""
    which = f"{of.removeprefix(': ')}: " if of else ""
    sentence = f'<p class="sentence">{text(which + summary["sentence"])}</p>'
    whole = summary["whole"]
    if not whole:
        return sentence
    total, footprint = whole["total"], whole.get("footprint", {})
    is_estimated = total["provenance"] == "estimated"
    low, high = total["guaranteed_j"]
    energy, half = as_long_text.figure_and_spread(total)
    least = "at least " if as_long_text.at_least(total) else ""
    spread = total["status"] if total["U_j"] is None else f"± {least}{half} at 95 %" if half else "at 95 %"
    guaranteed = "" if is_estimated else f"; guaranteed {written_numbers.interval(low, high, 'J')}"
    cells = [
        (
            f"energy, {'estimated' if is_estimated else 'measured'}",
            energy,
            spread + guaranteed,
        ),
        ("time", duration(whole["duration_s"]), count(summary["n_windows"], "window")),
    ]
    grid = summary.get("footprint", {}).get("factors", {}).get("intensity", {}).get("name", "")
    cells += [
        (
            f"{words} ({grid})" if part == "co2e_location" else words,
            amount(footprint[part]),
            _left_open(footprint[part]),
        )
        for part, words in footprint_lines.PARTS
        if part in ("co2e_location", "cost_electricity") and footprint.get(part)
    ]
    return (
        f'{sentence}<dl class="headline">'
        + "".join(
            f'<div class="card"><dt>{text(name)}</dt><dd>{text(value)}<small>{text(more)}</small></dd></div>'
            for name, value, more in cells
        )
        + "</dl>"
    )
