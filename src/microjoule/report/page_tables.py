"""The tables of the page: by window name, single windows, CO2e and cost, the budget, sampling, facts."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from . import as_long_text, as_text, budget_table, footprint_lines, share_lines, strip, written_numbers
from .foreign_text import cut, safe
from .written_numbers import count

Plain = Mapping[str, Any]

OPEN_MAX = 8  # windows that are shown without a click
WINDOWS_MAX = 200  # blocks of figures; the screen has all
NO_FIGURE = "There is no figure: no time in which the channels were read."


def text(words: object) -> str:
    """Words of others, fit for a page."""
    return escape(safe(str(words)))


def section(heading: str, body: str) -> str:
    """A heading and a card; nothing where the card would be empty."""
    return f'<h2>{text(heading)}</h2><div class="card">{body}</div>' if body else ""


_SINGLE = "single windows"
_NAMES = (*as_text.HEAD[:4], _SINGLE, *as_text.HEAD[4:])
_LEFT = {_SINGLE: ' class="strip-cell"'}


def by_name(rows: Sequence[Plain], origin_ns: int) -> str:
    """A row a name: how much all of its windows used, one of them, and how single ones are distributed.

    Args:
        rows: ``by_name`` of a summary.
        origin_ns: Where the time axis of the screen begins.
    """
    if not rows:
        return ""
    body = "".join(_named(row, origin_ns) for row in rows)
    unassessed = any(row["U_j"] and not row["is_sensor_assessed"] for row in rows)
    foot = [as_text.UNASSESSED] if unassessed else []
    foot += [strip.LEGEND] if any(row["distribution"] for row in rows) else []
    under = f'<p class="foot">{text_lines(foot)}</p>' if foot else ""
    head = "".join(f'<th scope="col"{_LEFT.get(word, "")}>{text(word)}</th>' for word in _NAMES)
    return (
        f'<div class="scroll"><table class="names"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{under}"
    )


def _named(row: Plain, origin_ns: int) -> str:
    name, *cells = as_text.cells(row)
    before = "".join(f"<td>{text(cell)}</td>" for cell in cells[:3])
    after = "".join(f"<td>{text(cell)}</td>" for cell in cells[3:])
    return (
        f'<tr><th scope="row">{text(cut(name))}</th>{before}'
        f'<td class="strip-cell">{_single(row, origin_ns)}</td>{after}</tr>'
    )


def _single(row: Plain, origin_ns: int) -> str:
    """The distribution of a name's windows, and its outliers as buttons that show them on the screen."""
    of = row["distribution"]
    if not of:
        return ""
    more = of["n_outliers"] - len(of["outliers"])
    named = "".join(
        f'<button type="button" data-t0="{each["t0_ns"] - origin_ns}" data-t1="{each["t1_ns"] - origin_ns}">'
        f"#{each['number']} {text(written_numbers.quantity(each['energy_j'], 'J'))}</button>"
        for each in of["outliers"]
    )
    rest = f"<span>and {more:,} more</span>" if more > 0 else ""
    outliers = f'<div class="outliers">{named}{rest}</div>' if named else ""
    return strip.render(of) + outliers


def windows(summary: Plain, origin_ns: int) -> str:
    """Single windows, a block of channels each, behind a click where there are many."""
    rows, n_windows = summary["windows"], summary["n_windows"]
    if not rows:
        return f'<p class="foot">{NO_FIGURE}</p>'
    head = "".join(f'<th scope="col">{text(word)}</th>' for word in ("channel", *as_long_text.HEAD[1:]))
    blocks = "".join(_block(number, window, origin_ns) for number, window in enumerate(rows[:WINDOWS_MAX]))
    n_shown = min(len(rows), WINDOWS_MAX)
    foot = as_long_text.FOOT + "".join(f"\n{line}" for line in _rest(n_windows, n_shown))
    return (
        f"<details{' open' * (n_windows <= OPEN_MAX)}><summary>{count(n_windows, 'window')}</summary>"
        f'<div class="scroll"><table class="windows"><thead><tr>{head}</tr></thead>{blocks}</table></div>'
        f'</details><p class="foot">{text_lines(foot.splitlines())}</p>'
    )


def _block(number: int, window: Plain, origin_ns: int) -> str:
    title = as_long_text.window_title(window)
    name, rest = cut(window["name"]), title.removeprefix(cut(window["name"])).strip()
    span = f'data-t0="{window["t0_ns"] - origin_ns}" data-t1="{window["t1_ns"] - origin_ns}"'
    rows = [
        f'<tr class="window"><th scope="rowgroup" colspan="{len(as_long_text.HEAD)}">'
        f'<button type="button" {span} '
        f'aria-label="show {text(name)} on the screen">show</button>{text(name)}'
        f'<span class="attributes">{text(rest)}</span></th></tr>'
    ]
    for at, row in enumerate(as_long_text.rows_of(window)):
        kind = ' class="total"' if at >= len(window["channels"]) else ""
        cells = "".join(f"<td>{text(cell)}</td>" for cell in row[1:-1])
        rows.append(f'<tr{kind}><th scope="row">{text(row[0])}</th>{cells}<td>{_remark(row[-1])}</td></tr>')
    return f'<tbody data-window="{number}">{"".join(rows)}</tbody>'


def _remark(words: str) -> str:
    kind = "estimated" if words == "estimated" else "bad"
    return f'<span class="{kind}">{text(words)}</span>' if words else "measured"


def shares(summary: Plain) -> str:
    """Whose energy it was: of all that was recorded, then of its first windows."""
    of = summary.get("shares")
    if not of:
        return ""
    head = share_lines.LONG_HEAD
    first = _table(head, [(f"grouped by {of['by']}", share_lines.cells(of["rows"]))])
    blocks = [
        (_name(window), share_lines.cells(window["shares"]))
        for window in summary["windows"][: as_long_text.BLOCKS_MAX]
        if window["shares"]
    ]
    more = f"<details><summary>By window</summary>{_table(head, blocks)}</details>" if len(blocks) > 1 else ""
    said = share_lines.said(summary)
    foot = f'<p class="foot">{text_lines(said)}</p>' if said else ""
    return f"{first}{foot}{more}"


def footprint(summary: Plain) -> str:
    """CO2e and cost of all that was recorded, then of its first windows, and every factor with its source."""
    if "footprint" not in summary or not summary["windows"]:
        return ""
    shown = summary["windows"][: as_long_text.BLOCKS_MAX]
    whole = summary["whole"]
    all_of_it = [whole] if whole and whole.get("footprint") else []
    head = ("", "", "uncertainty and range")
    first = _table(head, [(_name(each), footprint_lines.cells(each["footprint"])) for each in all_of_it])
    each_of_them = _table(head, [(_name(each), footprint_lines.cells(each["footprint"])) for each in shown])
    more = f"<details><summary>By window</summary>{each_of_them}</details>" if all_of_it else each_of_them
    kinds = dict.fromkeys(footprint_lines.kind_of(window["footprint"]) for window in shown)
    terms = summary["footprint"]
    along = [w["footprint"]["intensity"] for w in shown if "intensity" in w["footprint"]]
    said = [*(footprint_lines.factor_text("intensity", each) for each in along)]
    said += footprint_lines.factor_texts(terms)
    lines = [
        footprint_lines.title(terms),
        footprint_lines.foot(kinds),
        *_rest(summary["n_windows"], as_long_text.BLOCKS_MAX),
    ]
    factors = "".join(f"<p>{text(' '.join(line.split()))}</p>" for line in said)
    return (
        f"{first if all_of_it else ''}"
        f'<p class="foot">{text_lines(lines)}</p>{more}<details><summary>Factors and their sources</summary>'
        f'<div class="told">{factors}</div></details>'
    )


def _rest(n_windows: int, n_shown: int) -> list[str]:
    """That there are more windows than are shown."""
    more = n_windows - n_shown
    return [f"{count(more, 'more window')}: {as_long_text.ALL_WINDOWS}"] if more > 0 else []


def _name(window: Plain) -> str:
    return f"{cut(window['name'])}  {written_numbers.seconds(window['duration_s'])}"


def _table(head: Sequence[str], blocks: Iterable[tuple[str, Sequence[Sequence[str]]]]) -> str:
    """A table of blocks, each with a title above its rows; the first cell of a row names it."""
    top = "".join(f'<th scope="col">{text(word)}</th>' for word in head)
    bodies = [
        f'<tbody><tr class="window"><th scope="rowgroup" colspan="{len(head)}">{text(title)}</th></tr>'
        + "".join(_row(row) for row in rows)
        + "</tbody>"
        for title, rows in blocks
    ]
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead>{"".join(bodies)}</table></div>'


def _row(cells: Sequence[str]) -> str:
    rest = "".join(f"<td>{text(cell)}</td>" for cell in cells[1:])
    return f'<tr><th scope="row">{text(cells[0])}</th>{rest}</tr>'


_BUDGET = ("component", "u", "share of the variance", "type", "degrees of freedom", "form")


def budget(summary: Plain) -> str:
    """What the uncertainty of each of the first windows is made of."""
    blocks = "".join(
        f"<details><summary>{text(_name(window))}</summary>"
        f"{_table(_BUDGET, [_components(row) for row in window['channels']])}</details>"
        for window in summary["windows"][: as_long_text.BLOCKS_MAX]
    )
    foot = "".join(
        f'<p class="foot">{line}</p>' for line in _rest(summary["n_windows"], as_long_text.BLOCKS_MAX)
    )
    return f"{blocks}{foot}" if blocks else ""


def _components(row: Plain) -> tuple[str, list[tuple[str, ...]]]:
    parts = [budget_table.cells(part) for part in row["budget"]]
    return budget_table.head(row), [(*part[:4], part[5] or "∞", part[4]) for part in parts]


def engine(of: Plain) -> str:
    """What each lane of the sampler did, and what sampling took."""
    rows = [
        (
            lane["lane"],
            f"{lane['rate_hz']:g} Hz" if lane["rate_hz"] else "unknown",
            *(str(lane[count]) for count in ("ticks", "late", "missed", "dropped", "errors")),
            written_numbers.quantity(lane["late_max_s"], "s"),
            written_numbers.quantity(lane["busy_s"], "s"),
        )
        for lane in of["lanes"]
    ]
    if not rows:
        return ""
    head = ("lane", "rate", "ticks", "late", "missed", "dropped", "errors", "latest by", "CPU time")
    cells = "".join(f'<th scope="col">{word}</th>' for word in head)
    body = "".join(_row(row) for row in rows)
    said = paragraphs(as_long_text.overhead_lines(of.get("overhead")))
    foot = f'<div class="foot">{said}</div>' if said else ""
    return (
        f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>{foot}'
    )


def facts(of: Plain) -> str:
    """The machine and the recording, a fact a line; the command as a shell takes it."""
    command = of.get("command")
    if isinstance(command, list):
        of = {**of, "command": shlex.join(map(str, command))}
    rows = "".join(_row(row) for row in _flat(of, ""))
    return f'<table class="facts"><tbody>{rows}</tbody></table>' if rows else ""


def _flat(value: object, path: str) -> Iterable[tuple[str, str]]:
    """Facts as lines: a mapping's keys, or numbers of a list of mappings, joined by points."""
    if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        value = dict(enumerate(value))
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _flat(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        yield from [(path, ", ".join(map(str, value)))] if value else []
    elif isinstance(value, bool):
        yield path, "yes" if value else "no"
    elif value is not None:
        yield path, str(value)


def paragraphs(lines: Iterable[str]) -> str:
    """Sentences, a paragraph each."""
    return "".join(f"<p>{text(line)}</p>" for line in lines)


def text_lines(lines: Iterable[str]) -> str:
    """Lines of a text that keeps its breaks."""
    # A line may have been folded: its own breaks are no words of others.
    return "\n".join(text(part) for line in lines for part in line.split("\n"))
