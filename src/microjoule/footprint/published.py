"""Published runs, recomputed: the tables of Strubell et al. 2019, and what came after them.

Every cell is what :func:`microjoule.footprint.estimated.estimate` says of the published hardware, hours
and power under the terms that it is given; nothing is copied from the published result. So another
PUE, grid or price changes each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Any

from ..units import GRAMS, W_PER_KW
from ..value_class import dataclass
from . import data_tables, intensity, pue
from .chosen_factors import Terms
from .conversion import GIVEN
from .estimated import Estimated, Hours, Job, estimate
from .factor import Factor
from .footprint import Amount
from .fuel_mix import mix, published_mixes

TABLE_3, TABLE_4 = "table3", "table4"
LATER = ("patterson2021", "luccioni2022", "meta2024")
MIX_RUN = "Transformer big"
_DRAW = "draw"
_HIRE_4 = "P100"  # its prices are those of Table 4's cloud column
_THOUSANDS = "printed in thousands"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRun:
    """A published run.

    Attributes:
        table: Where it stands.
        name: Its row.
        job: Its hardware and hours, or what stands for its energy.
        is_powered: Whether its power was published; where not, the energy is of the hardware's table.
        has_pue: Whether what was published holds the PUE already.
        figures: What was published, by quantity: ``energy``, ``co2e``, ``cloud``, ``electricity``, …
    """

    table: str
    name: str
    job: Job
    is_powered: bool
    has_pue: bool
    figures: Mapping[str, Factor]

    @property
    def zone(self) -> str:
        """Where it ran; empty: that was not published."""
        return self.figures["zone"].unit if "zone" in self.figures else ""

    def recomputed(self, terms: Terms) -> Estimated:
        """The run under other terms."""
        return estimate(self.job, self._in_own_building(terms))

    def own(self, terms: Terms) -> Terms:
        """The terms with the intensity that was published for the run itself, where one was."""
        return replace(terms, intensity=self.figures.get("intensity", terms.intensity))

    def _in_own_building(self, terms: Terms) -> Terms:
        """The terms with the PUE that was published for the run itself, unless another one is wished."""
        published = self.figures.get("pue")
        if self.has_pue:
            return replace(terms, pue=pue.pue("none"))
        if published and terms.pue.origin != GIVEN:
            return replace(terms, pue=published)
        return terms

    def cells(self, terms: Terms) -> dict[str, dict[str, Any]]:
        """What was published beside what comes out, by quantity, both in the published unit."""
        found = self.recomputed(terms).footprint
        ours = {
            "energy": found.facility,
            "co2e": found.location,
            "cloud": found.rental,
            "electricity": found.electricity,
        }
        mass = "lb" if self.table in (TABLE_3, TABLE_4) else "kg"  # the paper's own unit
        return {name: _cell(self.figures.get(name), amount, mass) for name, amount in ours.items() if amount}


@cache
def runs(table: str) -> tuple[PublishedRun, ...]:
    """The runs of a table, in its order."""
    by_row: dict[str, dict[str, Factor]] = {}
    for row in data_tables.rows("paper"):
        if row["table"] == table:
            name = f"{row['quantity']} of {row['row']}"
            by_row.setdefault(row["row"], {})[row["quantity"]] = data_tables.factor(row, name)
    draw = by_row.pop(_DRAW, {}).get("power")
    found = (_run(table, name, figures, draw) for name, figures in by_row.items())
    return tuple(run for run in found if run)


def run(table: str, name: str) -> PublishedRun:
    """One run of a table.

    Raises:
        KeyError: The table has no such row.
    """
    return {each.name: each for each in runs(table)}[name]


def published_zones() -> dict[str, str]:
    """The zone of each later run, by its name, where one was published."""
    return {each.name: each.zone for table in LATER for each in runs(table) if each.zone}


def tables_recomputed(paper: Terms, today: Terms, zones: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The paper's tables and the later runs as JSON values.

    Args:
        paper: The terms of the paper, or what stands for them.
        today: Other terms, of a grid of today.
        zones: The zone of runs that were elsewhere, by their names.
    """
    return {
        "paper": paper.to_json(),
        "today": today.to_json(),
        "rows": [_plain(each, paper, today) for table in (TABLE_3, TABLE_4) for each in runs(table)],
        "mixes": [_mix(code, *of, paper) for code, of in published_mixes().items()],
        "correction": _correction(paper),
        "later": [_later(each, today, zones or {}) for table in LATER for each in runs(table)],
        "data": data_tables.digest(),
    }


def _run(table: str, name: str, figures: Mapping[str, Factor], draw: Factor | None) -> PublishedRun | None:
    power = draw or figures.get("power")
    if "time" in figures:
        job = _timed(figures, power)
    elif "energy" in figures:
        # One device for one hour that draws as many kilowatts as there are kilowatt-hours.
        job = Job(hours=Hours.of(1, wall=1.0), device_w=figures["energy"].value * W_PER_KW)
    else:
        return None
    return PublishedRun(
        table=table,
        name=name,
        job=job,
        is_powered=power is not None or "time" not in figures,
        has_pue="time" not in figures,
        figures=MappingProxyType(dict(figures)),
    )


def _timed(figures: Mapping[str, Factor], power: Factor | None) -> Job:
    devices, time = figures.get("hardware"), figures["time"]
    count = int(devices.value) if devices else 1
    is_wall = time.unit == "h"
    # A power of the whole machine is spread over its devices; one of a device is that.
    share = count if is_wall else 1
    return Job(
        hours=Hours.of(count, wall=time.value if is_wall else None, device=None if is_wall else time.value),
        hardware=devices.unit if devices else _HIRE_4,
        device_w=power.value / share if power else None,
        provider="gcp",
        hired=figures["hired"].unit if "hired" in figures else "",
    )


def _cell(published: Factor | None, amount: Amount, mass: str) -> dict[str, Any]:
    unit = published.unit if published else {"g": mass}.get(amount.unit, amount.unit)
    by = GRAMS.get(unit, 1.0)
    low, high = amount.choice or (amount.value, amount.value)
    is_span = published is not None and published.low < published.high
    ours = {
        "value": None if amount.value is None else amount.value / by,
        "range": [low / by, high / by] if is_span and low is not None and high is not None else None,
    }
    return {
        "unit": unit,
        "published": None
        if published is None
        else {"value": published.value, "range": [published.low, published.high] if is_span else None},
        "ours": ours,
        "matches": None if published is None else _matches(published, ours),
        "note": published.origin.note if published else "",
    }


def _matches(published: Factor, ours: Mapping[str, Any]) -> bool:
    """Whether a figure is the published one to its last printed digit."""
    half = 500.0 if _THOUSANDS in published.origin.note else 0.5
    pairs = [(published.value, ours["value"])]
    if ours["range"]:
        pairs = list(zip((published.low, published.high), ours["range"], strict=True))
    return all(one is not None and abs(one - other) <= half for one, other in pairs)


def _plain(of: PublishedRun, paper: Terms, today: Terms) -> dict[str, Any]:
    now = of.recomputed(today).footprint
    return {
        "table": of.table,
        "row": of.name,
        "hardware": of.job.hardware,
        "devices": of.job.hours.devices,
        "wall_hours": of.job.hours.wall,
        "device_hours": of.job.hours.device,
        "is_powered": of.is_powered,
        "cells": of.cells(paper),
        "today": now.location.to_json(),
        "note": of.figures["time"].origin.note if "time" in of.figures else "",
    }


def _later(of: PublishedRun, today: Terms, zones: Mapping[str, str]) -> dict[str, Any]:
    """A later run: net of what was bought, as it was printed, and by its grid, then and today."""
    code = zones.get(of.name, "")
    now = replace(today, intensity=intensity.zone(code).intensity) if code else today
    gross = of.figures.get("gross")
    grid = of.recomputed(replace(today, intensity=gross)).footprint.location if gross else None
    plain = _plain(of, of.own(today), now)
    place = now.intensity.name.removeprefix("grid of ")
    return {**plain, "is_net": gross is not None, "gross": grid.to_json() if grid else None, "place": place}


def _mix(code: str, name: str, shares: Mapping[str, float], paper: Terms) -> dict[str, Any]:
    composed = mix(name, shares)
    found = run(TABLE_3, MIX_RUN).recomputed(replace(paper, intensity=composed)).footprint
    return {
        "mix": code,
        "name": name,
        "shares": dict(shares),
        "intensity": {"value": composed.value, "range": [composed.low, composed.high], "unit": composed.unit},
        "run": MIX_RUN,
        "co2e": found.location.to_json(),
    }


def _correction(paper: Terms) -> dict[str, Any]:
    """Patterson et al. on the search: the estimate, and how far it was too high."""
    known = {
        row["quantity"]: float(row["value"])
        for row in data_tables.rows("paper")
        if row["table"] == LATER[0] and row["row"] == "NAS"
    }
    tonnes = (run(TABLE_3, "NAS").recomputed(paper).footprint.location.value or 0.0) / GRAMS["t"]
    return {
        "estimated_t": tonnes,
        "published_t": known["co2e"],
        "correction": known["correction"],
        "proxy_task": known["proxy"],
        "hardware_building_grid": known["correction"] / known["proxy"],
    }
