"""A project's total for a terminal: each run, the total, the way to the target, and the factors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..joules.estimates.estimate_text import measured
from . import footprint_lines, written_numbers
from .amounts import amount, hours
from .columns import columns
from .foreign_text import safe
from .wrapping import wrapped


def lines(project: Mapping[str, Any]) -> list[str]:
    """The whole of it."""
    runs = project["runs"]
    found = _runs(project)
    sums = project["sums"]
    for each in sums:
        found += ["", _sum_title(project, each), *footprint_lines.parts(each["footprint"])]
        if project["models"] > 1:
            found += [f"each of {project['models']} models", *footprint_lines.parts(each["per_model"])]
    if len(sums) > 1:
        found += wrapped("Measured and estimated energies are not added up.")
    if project["n_unreadable"]:
        found.append(
            f"{project['n_unreadable']} of {len(runs)} say nothing: the total is AT LEAST what is shown"
        )
    found += _target(project)
    head = wrapped(footprint_lines.title(project["terms"]), 2)
    return [*found, "", *head, *footprint_lines.factors(project["terms"])]


def _sum_title(project: Mapping[str, Any], of: Mapping[str, Any]) -> str:
    """``total of 3 runs, 2 h``; with its provenance where there are two sums, or it was estimated."""
    n = of["n_runs"] if len(project["sums"]) > 1 else len(project["runs"])
    is_plain = len(project["sums"]) == 1 and of["provenance"] == "measured"
    kind = "" if is_plain else f"{of['provenance']} "
    return f"total of {n} {kind}{'run' if n == 1 else 'runs'}, {hours(of['hours'])}"


def _runs(project: Mapping[str, Any]) -> list[str]:
    has_flop = any(run["j_per_flop"] is not None for run in project["runs"])
    head = ["run", "time", "energy", "CO2e", "electricity"]
    head += ["J/FLOP"] if has_flop else []
    head += [f"best {project['metric']}", "Pareto"] if project["metric"] else []
    rows = [head]
    kinds = {each["provenance"] for each in project["sums"]}
    for run in project["runs"]:
        row = [
            safe(run["run"]),
            hours(run["hours"]),
            _energy(run["energy"]),
            amount(run["footprint"]["co2e_location"]),
            amount(run["footprint"]["cost_electricity"]),
        ]
        if has_flop:
            row.append("–" if run["j_per_flop"] is None else f"{run['j_per_flop']:.4g}")
        if project["metric"]:
            row += ["–" if run["best"] is None else f"{run['best']:g}", "*" if run["is_pareto"] else ""]
        told = [run["energy"]["provenance"]] if len(kinds) > 1 or kinds == {"estimated"} else []
        told = [] if run["energy"]["status"] == "failed" else told
        rows.append([*row, "; ".join([*told, *([run["remark"]] if run["remark"] else [])])])
    rows[0].append("")
    return columns(rows, (0, -1))


def _energy(of: Mapping[str, Any]) -> str:
    """``3.85 mJ ± 0.29 mJ`` or ``at most 16 mJ``, as the run's own report has it."""
    if of["energy_j"] is None:
        return written_numbers.quantity(None, "J")
    return measured(of["energy_j"], of["U_j"] or 0.0, written_numbers.ends(of["guaranteed_j"]), "J")


def _target(project: Mapping[str, Any]) -> list[str]:
    if not project["target"]:
        return []
    found = ["", f"until {project['target']}"]
    for run in project["runs"]:
        reached = run["to_target"]
        name = safe(run["run"])
        if reached is None:
            found.append(f"  {name}: not reached")
            continue
        energy = _energy(reached["energy"])
        co2e, cost = (reached["footprint"][part] for part in ("co2e_location", "cost_electricity"))
        parts = [energy, f"{hours(reached['hours'])}", f"{amount(co2e)} CO2e"]
        parts += [amount(cost)] if cost else []
        found.append(f"  {name}: {', '.join(parts)}")
    return [*found, "* no other run is at least as good with no more energy"]
