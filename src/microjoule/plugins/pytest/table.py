"""What the table in the terminal shows, as plain data: rows by group, least energy first."""

from __future__ import annotations

from typing import Any

from ...joules.estimates.code_dependence import share
from ...joules.estimates.estimate import Estimate
from .fixture import MeasuredTest
from .verdict import ELSEWHERE, NOWHERE, OTHER_CODE, state_differences


def table(run: MeasuredTest) -> dict[str, Any]:
    """The table of a run.

    Returns:
        ``groups``: ``name`` and ``rows`` of each, the least energy first; ``compared``: the name of the
        earlier run, or empty; ``notes``: a sentence each.
    """
    numbers = range(len(run.rows))
    names = sorted({str(row["group"]) for row in run.rows})  # those of no group first
    groups = [_group(run, name, [i for i in numbers if run.rows[i]["group"] == name]) for name in names]
    notes = [f"energy of {channels}" for channels in _channels(run)]
    if run.is_elsewhere and run.earlier is not None:
        name = run.earlier["machine"]["name"]
        notes.append(ELSEWHERE.format(name) if name else NOWHERE)
    if run.earlier is not None:
        found = state_differences(run.facts, run.earlier)
        notes += [each.sentence("this run", "the earlier one") for each in found]
    ratios = [verdict.ratio for verdict in run.verdicts if verdict and verdict.ratio]
    notes += [OTHER_CODE] if any(share(ratio) for ratio in ratios) else []
    return {"groups": groups, "compared": run.compared, "notes": notes}


def _channels(run: MeasuredTest) -> dict[str, None]:
    return dict.fromkeys(" + ".join(found.channels) for found in run.found)


def _group(run: MeasuredTest, name: str, numbers: list[int]) -> dict[str, Any]:
    def size(number: int) -> float:
        value = run.found[number].energy.value
        return float("inf") if value is None else value

    ordered = sorted(numbers, key=size)
    least = run.found[ordered[0]].energy if name else None
    return {"name": name, "rows": [_row(run, number, least) for number in ordered]}


def _row(run: MeasuredTest, number: int, least: Estimate | None) -> dict[str, Any]:
    verdict = run.verdicts[number]
    energy = run.found[number].energy
    is_other = least is not None and least.value and energy.value is not None and energy is not least
    return {
        **run.rows[number],
        "to_least": (energy / least).to_json() if least is not None and is_other else None,
        "to_earlier": verdict.ratio.to_json() if verdict and verdict.ratio else None,
        "remark": verdict.remark if verdict else "",
        "is_failed": bool(verdict and verdict.failure),
    }
