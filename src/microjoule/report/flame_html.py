"""A flame graph as one page that opens offline: the width of a frame is its energy in joules.

Like the report's page it has all it needs inside itself and may reach for nothing else. Names are the words
of others and are escaped. Without its script the page still has the functions as a table.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from . import written_numbers
from .flame_words import energy_words, sentence, share_words
from .foreign_text import safe
from .page_tables import text

Plain = Mapping[str, Any]

_ROWS = 200  # functions in the table


def render(found: Plain) -> str:
    """The page.

    Args:
        found: ``plugins.profiles.functions`` as plain data, with a title.
    """
    script, style = _part("flame.js"), _part("flame.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    title = text(found["title"])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{title}: energy of functions</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<header><span class="mark">microjoule</span><h1>{title}</h1></header>\n<main>\n'
        f'<p class="sentence">{text(sentence(found))}</p>\n{_notes(found)}{_GRAPH}'
        f"<h2>Functions</h2>{_table(found)}</main>\n"
        f'<script type="application/json" id="data">{_json(_shown(found))}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


_GRAPH = """<div id="bar"><button id="back" type="button">Whole graph</button>
<label>Find <input id="find" type="search" placeholder="a name or a pattern"></label>
<span id="found" role="status"></span></div>
<div id="graph" role="tree" aria-label="Flame graph: the width of a frame is its energy"></div>
<p id="tip" role="status">Point at a frame for its energy. Click: zoom. Arrow keys move, Enter zooms, Esc goes
back.</p>
<p class="hint"><i class="key open"></i> not separable: samples or updates cannot separate these frames;
their frame has the energy of all, and inside it each has an estimate.
<i class="key still"></i> idle and not sampled.</p>
<noscript>The graph needs JavaScript; the table below does not.</noscript>
"""


def _notes(found: Plain) -> str:
    lines = list(found.get("notes", ()))
    return "".join(f'<p class="note">{text(line)}</p>' for line in lines)


def _shown(found: Plain) -> Plain:
    """What the script draws: of each frame its name, parent, energy, the words of its tip, and its kind."""
    whole = found["measured"]["value"] or 0.0
    return {
        "frames": [
            [
                safe(row["name"]),
                row["parent"],
                max(row["energy"]["value"] or 0.0, 0.0),
                f"{energy_words(row['energy'])}, {share_words(row['energy'], whole)}; "
                f"{written_numbers.seconds(row['time_s'])}, {row['samples']} samples",
                _kind(row),
            ]
            for row in found["frames"]
        ]
    }


def _kind(row: Plain) -> int:
    """0: a frame; 1: one that cannot be separated; 2: the frame around such; 3: idle or not sampled."""
    if row["is_group"]:
        return 2
    if not row["samples"] and row["parent"] == 0:
        return 3
    return 0 if row["is_separate"] else 1


def _table(found: Plain) -> str:
    head = "<th>function</th><th>by itself</th><th>share</th><th>with all that it calls</th><th>samples</th>"
    whole = found["measured"]["value"] or 0.0
    rows = []
    for each in found["functions"][:_ROWS]:
        own = each["own"]
        cells = (
            energy_words(own["energy"]) if own else "–",
            share_words(own["energy"], whole) if own else "–",
            energy_words(each["energy"]),
            f"{each['samples']:,}",
        )
        mark = "" if each["is_separate"] else ' <em class="estimated">not separable</em>'
        rows.append(
            f'<tr><th scope="row">{text(each["name"])}{mark}</th>'
            + "".join(f"<td>{text(cell)}</td>" for cell in cells)
            + "</tr>"
        )
    left = len(found["functions"]) - len(rows)
    more = f'<p class="hint">{left:,} more: --json FILE has them all</p>' if left > 0 else ""
    body = "".join(rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll">{table}</div>{more}'


def _json(value: object) -> str:
    """JSON that no script element ends in: each ``<`` is written out."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=True).replace(
        "<", "\\u003c"
    )


def _part(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
