"""What sampling costs, as a picture: the victim's loss and the lateness at each rate, and every other way.

Through matplotlib, which the extra ``plot`` brings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import CannotPlot
from ..late import extra
from ..units import NS_PER_US

Plain = Mapping[str, Any]

SUFFIXES = (".svg", ".png", ".pdf")

_LINEAR_TO = 1.0  # per cent: a loss below is shown on a straight axis, as it may be less than nothing
_ASIDE = 1.25  # subjects at one rate stand side by side
# How a loss is drawn: without the time that others ran, and as the clock on the wall has it.
_BARS = ({"ms": 6, "capsize": 4, "lw": 2.2, "alpha": 0.6}, {"ms": 3.5, "capsize": 2, "lw": 0.9})
_LATE = (("p50_ns", "50 %", "-"), ("p99_ns", "99 %", "--"), ("p999_ns", "99.9 %", ":"))


def ready(path: Path) -> None:
    """Refuses what could not be drawn, before anything is measured.

    Raises:
        CannotPlot: The name has none of ``SUFFIXES``.
        MissingExtra: There is no matplotlib.
    """
    if path.suffix not in SUFFIXES:
        raise CannotPlot(f"A picture cannot be written to {path}", f"End its name in {', '.join(SUFFIXES)}")
    extra("matplotlib")


def draw(found: Plain, path: Path) -> None:
    """Draws an overhead as plain values into a file.

    Raises:
        OSError: The file cannot be written.
    """
    figure_of = extra("matplotlib.figure").Figure
    figure = figure_of(figsize=(12.5, 4.2), layout="constrained")
    loss, late, ways = figure.subplots(1, 3)
    asleep = [
        cost for cost in found["costs"] if cost["way"]["pace"] == "sleep" and not cost["way"]["is_fifo"]
    ]
    beside = [cost for cost in asleep if cost["way"]["load"] == "busy"]
    _losses(loss, beside)
    _latenesses(late, [cost for cost in beside if cost["lateness"]])
    _ways(ways, [cost for cost in found["costs"] if cost["loss_share"]])
    machine = found["machine"]
    figure.suptitle(
        f"microjoule: what sampling takes, {machine.get('cpu_name') or 'unknown CPU'}, "
        f"Linux {machine.get('kernel') or 'unknown'}",
        fontsize=10,
    )
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _losses(axes: Any, costs: Sequence[Plain]) -> None:  # noqa: ANN401 - matplotlib's
    for number, (subject, its) in enumerate(_by_subject(costs).items()):
        known = [cost for cost in its if cost["loss_share"]]
        rates = [cost["way"]["rate_hz"] * _ASIDE**number for cost in known]
        color = f"C{number}"
        for name, face in (("loss_cpu_share", "white"), ("loss_share", color)):
            means = [100 * cost[name]["value"] if cost[name] else math.nan for cost in known]
            halves = [100 * cost[name]["U"] if cost[name] else math.nan for cost in known]
            is_named = name == "loss_share"
            axes.errorbar(rates, means, yerr=halves, fmt="o", color=color, mfc=face, **_BARS[is_named])
        axes.plot([], [], "o", color=color, ms=4, label=subject)
    axes.axhline(0, color="0.6", lw=0.8)
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=_LINEAR_TO)
    axes.set(xlabel="ticks a second", ylabel="lost by a victim, % of its core (± at 95 %)")
    _legend(axes)


def _latenesses(axes: Any, costs: Sequence[Plain]) -> None:  # noqa: ANN401 - matplotlib's
    for number, (subject, its) in enumerate(_by_subject(costs).items()):
        for name, words, style in _LATE:
            known = [cost for cost in its if cost["lateness"][name] is not None]
            rates = [cost["way"]["rate_hz"] for cost in known]
            late_us = [max(cost["lateness"][name], 1) / NS_PER_US for cost in known]
            label = f"{subject}, {words}" if known else None
            axes.plot(rates, late_us, style, color=f"C{number}", marker=".", label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set(xlabel="ticks a second", ylabel="late beside a victim, µs")
    _legend(axes)


def _ways(axes: Any, costs: Sequence[Plain]) -> None:  # noqa: ANN401 - matplotlib's
    """Each way of the rate at which there are most."""
    rates = [cost["way"]["rate_hz"] for cost in costs]
    if not rates:
        axes.set_axis_off()
        return
    middle = max(set(rates), key=lambda rate: (rates.count(rate), -abs(math.log(rate / 1000))))
    shown = [cost for cost in costs if cost["way"]["rate_hz"] == middle]
    for row, cost in enumerate(reversed(shown)):
        for name, face in (("loss_cpu_share", "white"), ("loss_share", "C0")):
            mean, is_named = cost[name], name == "loss_share"
            if mean:
                at, half = 100 * mean["value"], 100 * mean["U"]
                axes.errorbar(at, row, xerr=half, fmt="o", color="C0", mfc=face, **_BARS[is_named])
        if cost["own_share"]:
            axes.plot(100 * cost["own_share"]["value"], row, "|", ms=12, color="C1")
    axes.axvline(0, color="0.6", lw=0.8)
    axes.set_yticks(range(len(shown)), [_words(cost) for cost in reversed(shown)], fontsize=7)
    axes.set_xlabel(f"% of a core at {middle:g} Hz:\n● lost, ○ without others, | booked", fontsize=9)


def _words(cost: Plain) -> str:
    way = cost["way"]
    fifo = ", FIFO" if way["is_fifo"] else ""
    load = ", all cores busy" if way["load"] == "saturated" else ""
    return f"{cost['subject']}, {way['pace']}{fifo}{load}"


def _legend(axes: Any) -> None:  # noqa: ANN401 - matplotlib's
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7)


def _by_subject(costs: Sequence[Plain]) -> dict[str, list[Plain]]:
    found: dict[str, list[Plain]] = {}
    for cost in sorted(costs, key=lambda cost: float(cost["way"]["rate_hz"])):
        found.setdefault(cost["subject"], []).append(cost)
    return found
