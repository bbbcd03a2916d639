"""The paper's tables for a terminal: what was printed, beside what comes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import footprint_lines
from .amounts import amount, plain, span
from .columns import columns

_QUANTITIES = (("energy", "kWh"), ("co2e", "lb"), ("cloud", "rental USD"), ("electricity", "power USD"))
_DIGITS = 6


def lines(tables: Mapping[str, Any]) -> list[str]:
    """Table 3, Table 4 with the rows of Table 1, Table 2, the correction, later runs, and the factors."""
    rows = tables["rows"]
    found = ["Strubell, Ganesh and McCallum 2019 (arXiv:1906.02243): printed | recomputed", ""]
    found += ["Table 3, and the model rows of Table 1"]
    found += _table(row for row in rows if row["table"] == "table3")
    found += ["", "Table 4, and the project rows of Table 1 (hours summed over devices)"]
    found += _table(row for row in rows if row["table"] == "table4")
    found += ["", "Table 2: each mix by the life-cycle factors of its fuels, and one training of it"]
    found += [_mix(row) for row in tables["mixes"]]
    found += ["", *_correction(tables["correction"]), "", "Later runs: printed | recomputed"]
    found += [line for row in tables["later"] for line in _later(row)]
    found += ["", "factors of the recomputed columns", *footprint_lines.factors(tables["paper"])[:-1]]
    found += ["factor of the column `today`"]
    found += [footprint_lines.factor("intensity", tables["today"]["factors"]["intensity"])]
    return [*found, f"data {tables['data']}"]


def _table(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    rows = list(rows)
    used = [(name, title) for name, title in _QUANTITIES if any(_published(row, name) for row in rows)]
    cells = [["", "devices", "hours", *(title for _, title in used), "CO2e today"]]
    notes = []
    for row in rows:
        is_device = row["table"] == "table4"
        hours = plain(row["device_hours" if is_device else "wall_hours"], _DIGITS)
        device = "1 GPU" if is_device else f"{row['devices']} × {row['hardware']}"
        texts = [_cell(row["cells"].get(name)) for name, _ in used]
        now = amount(row["today"]) + ("" if row["is_powered"] else " *")
        cells.append([row["row"], device, hours, *texts, now])
        notes += [f"  {row['row']}: {row['note']}"] if row["note"] else []
    if not all(row["is_powered"] for row in rows):
        notes.append("  * no power was printed: energy and CO2e are of the hardware's table")
    return [*columns(cells, range(len(cells[0])), indent="  "), *notes]


def _published(row: Mapping[str, Any], name: str) -> bool:
    return bool(row["cells"].get(name, {}).get("published"))


def _cell(cell: Mapping[str, Any] | None) -> str:
    """``27 | 26.84 =``: the sign says that the two agree to the last printed digit."""
    if cell is None:
        return "–"
    ours = _figure(cell["ours"])
    if cell["published"] is None:
        return f"– | {ours}"
    return f"{_figure(cell['published'])} | {ours} {'=' if cell['matches'] else '≠'}"


def _figure(of: Mapping[str, Any]) -> str:
    if of["range"]:
        return "–".join(plain(end, _DIGITS) for end in of["range"])
    return plain(of["value"], _DIGITS)


def _mix(row: Mapping[str, Any]) -> str:
    shares = ", ".join(f"{fuel} {share:g} %" for fuel, share in row["shares"].items())
    intensity = f"{plain(row['intensity']['value'])} [{span(row['intensity']['range'], '')}] g/kWh"
    return f"  {row['name']:<14}{shares}: {intensity}; {row['run']}: {amount(row['co2e'])}"


def _correction(of: Mapping[str, Any]) -> list[str]:
    return [
        f"The NAS row, {plain(of['estimated_t'])} t, was an estimate. Patterson et al. 2021 report",
        f"{plain(of['published_t'])} t for the search as it was run: {of['correction']:g} times less,",
        f"{of['proxy_task']:g} times by the proxy task, {plain(of['hardware_building_grid'])} times by "
        "hardware, building and grid",
    ]


def _later(row: Mapping[str, Any]) -> list[str]:
    cell = row["cells"]["co2e"]
    printed = f"{plain(cell['published']['value'], 5)} {cell['unit']}"
    ours = f"{plain(cell['ours']['value'], 5)} {cell['unit']}"
    net = ", net of what was bought" if row["is_net"] else ""
    gross = f"; by its grid {amount(row['gross'])}" if row["gross"] else ""
    return [
        f"  {row['row']:<14}{printed} | {ours}{net}{gross}",
        f"  {'':<14}with today's grid of {row['place']}: {amount(row['today'])}",
    ]
