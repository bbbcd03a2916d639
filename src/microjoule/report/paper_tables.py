"""The paper's tables for a terminal: what was printed, beside what comes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import footprint_lines
from .amounts import amount, plain, span
from .columns import columns
from .wrapping import wrapped

_QUANTITIES = (("energy", "kWh"), ("co2e", "lb"), ("cloud", "rental USD"), ("electricity", "power USD"))
_MONEY, _ENERGY = ("cloud", "electricity"), ("energy", "co2e")
_DIGITS = 6
_SIGN = "= the two agree to the last printed digit"


def lines(tables: Mapping[str, Any]) -> list[str]:
    """Table 3, Table 4 with the rows of Table 1, Table 2, the correction, later runs, and the factors."""
    rows = tables["rows"]
    found = wrapped("Strubell, Ganesh and McCallum 2019 (arXiv:1906.02243): printed | recomputed")
    found += [*wrapped(_SIGN), "", "Table 3, and the model rows of Table 1"]
    found += _table([row for row in rows if row["table"] == "table3"])
    found += ["", *wrapped("Table 4, and the project rows of Table 1 (hours summed over devices)")]
    found += _table([row for row in rows if row["table"] == "table4"])
    found += ["", *_mixes(tables["mixes"])]
    found += ["", *wrapped(_correction(tables["correction"])), "", "Later runs, t of CO2e"]
    found += [*_later(tables["later"]), "", "factors of the recomputed columns"]
    found += footprint_lines.factors(tables["paper"])[:-1]
    found += ["factor of the columns `today`"]
    found += footprint_lines.factor("intensity", tables["today"]["factors"]["intensity"])
    return [*found, f"data {tables['data']}"]


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The runs with what they cost, then their energy and CO2e."""
    used = [(name, title) for name, title in _QUANTITIES if any(_published(row, name) for row in rows)]
    money, energy = ([each for each in used if each[0] in names] for names in (_MONEY, _ENERGY))
    found = [*_aligned(_costs(rows, money)), *_aligned(_energies(rows, energy))]
    notes = [f"{row['row']}: {row['note']}" for row in rows if row["note"]]
    if not all(row["is_powered"] for row in rows):
        notes.append("* no power was printed: energy and CO2e are of the hardware's table")
    return [*found, *(line for note in notes for line in wrapped(f"  {note}", 4))]


def _aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    return columns(cells, range(len(cells[0])), indent="  ")


def _costs(rows: Iterable[Mapping[str, Any]], shown: Sequence[tuple[str, str]]) -> list[list[str]]:
    cells = [["", "devices", "hours", *(title for _, title in shown)]]
    for row in rows:
        is_device = row["table"] == "table4"
        device = "1 GPU" if is_device else f"{row['devices']} × {row['hardware']}"
        hours = plain(row["device_hours" if is_device else "wall_hours"], _DIGITS)
        cells.append([row["row"], device, hours, *_texts(row, shown)])
    return cells


def _energies(rows: Iterable[Mapping[str, Any]], shown: Sequence[tuple[str, str]]) -> list[list[str]]:
    cells = [["", *(title for _, title in shown), "CO2e today"]]
    for row in rows:
        now = amount(row["today"]) + ("" if row["is_powered"] else " *")
        cells.append([row["row"], *_texts(row, shown), now])
    return cells


def _texts(row: Mapping[str, Any], shown: Iterable[tuple[str, str]]) -> list[str]:
    return [_cell(row["cells"].get(name)) for name, _ in shown]


def _published(row: Mapping[str, Any], name: str) -> bool:
    return bool(row["cells"].get(name, {}).get("published"))


def _cell(cell: Mapping[str, Any] | None) -> str:
    """``27 | 26.84 =``; of a price range that agrees only the printed one."""
    if cell is None:
        return "–"
    ours = _figure(cell["ours"])
    if cell["published"] is None:
        return f"– | {ours}"
    printed = _figure(cell["published"])
    if cell["matches"] and cell["published"]["range"]:
        return f"{printed} ="
    return f"{printed} | {ours} {'=' if cell['matches'] else '≠'}"


def _figure(of: Mapping[str, Any]) -> str:
    if of["range"]:
        return "–".join(plain(end, _DIGITS) for end in of["range"])
    return plain(of["value"], _DIGITS)


def _mixes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each mix with its intensity by the life-cycle factors of its fuels, and one training of it."""
    fuels = list(rows[0]["shares"])
    cells = [["%", *fuels, "g/kWh", "range", "CO2e"]]
    for row in rows:
        shares = [f"{row['shares'][fuel]:g}" for fuel in fuels]
        of = row["intensity"]
        cells.append(
            [row["name"], *shares, plain(of["value"], 3), span(of["range"], "").strip(), amount(row["co2e"])]
        )
    head = f"Table 2: each mix by its fuels' life-cycle factors, and {rows[0]['run']} once"
    return [*wrapped(head), *columns(cells, (0,), indent="  ")]


def _correction(of: Mapping[str, Any]) -> str:
    return (
        f"The NAS row, {plain(of['estimated_t'], 3)} t, was an estimate. Patterson et al. 2021 report "
        f"{plain(of['published_t'], 3)} t for the search as it was run: {of['correction']:g} times less, "
        f"{of['proxy_task']:g} times by the proxy task, {plain(of['hardware_building_grid'], 3)} times by "
        "hardware, building and grid"
    )


def _later(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    cells = [["", "printed | ours", "by its grid", "today", "grid of"]]
    for row in rows:
        cell = row["cells"]["co2e"]
        both = " | ".join(plain(cell[side]["value"], 5) for side in ("published", "ours"))
        net = " net" if row["is_net"] else ""
        gross = amount(row["gross"]) if row["gross"] else "–"
        cells.append([row["row"], f"{both}{net}", gross, amount(row["today"]), row["place"]])
    note = "net: of what the provider had bought; by its grid: before that"
    return [*columns(cells, (0, 1, 4), indent="  "), *wrapped(f"  {note}", 2)]
