"""What sampling costs, as a picture: the victim's loss and the lateness at each rate, and every other way.

Through matplotlib, which the extra ``plot`` brings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import MicrojouleError
from ..extras import extra
from ..units import NS_PER_US

Plain = Mapping[str, Any]

SUFFIXES = (".svg", ".png", ".pdf")

_LINEAR_TO = 0.1  # per cent: a loss below is shown on a straight axis, as it may be less than nothing
_ASIDE = 1.08  # subjects at one rate stand side by side
_LATE = (("p50_ns", "50 %", "-"), ("p99_ns", "99 %", "--"), ("p999_ns", "99.9 %", ":"))


class CannotPlot(MicrojouleError, ValueError):
    """A picture in a form that is not known."""


def ready(path: Path) -> None:
    """Refuses what could not be drawn, before anything is measured.

    Raises:
        CannotPlot: The name has none of ``SUFFIXES``.
        MissingExtra: There is no matplotlib.
    """
    if path.suffix not in SUFFIXES:
        raise CannotPlot(f"A picture cannot be written as {path}", f"End its name in {', '.join(SUFFIXES)}")
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
        means = [100 * cost["loss_share"]["value"] for cost in known]
        halves = [100 * cost["loss_share"]["U"] for cost in known]
        axes.errorbar(rates, means, yerr=halves, marker="o", ms=4, capsize=3, lw=1, label=subject)
    axes.axhline(0, color="0.6", lw=0.8)
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=_LINEAR_TO)
    axes.set(xlabel="ticks a second", ylabel="lost by a victim loop, % of its core (± at 95 %)")
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
    axes.set(xlabel="ticks a second", ylabel="late beside a victim, µs (so many ticks at most)")
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
        mean = cost["loss_share"]
        axes.errorbar(100 * mean["value"], row, xerr=100 * mean["U"], marker="o", ms=4, capsize=3, color="C0")
        if cost["own_share"]:
            axes.plot(100 * cost["own_share"]["value"], row, "|", ms=12, color="C1")
    axes.axvline(0, color="0.6", lw=0.8)
    axes.set_yticks(range(len(shown)), [_words(cost) for cost in reversed(shown)], fontsize=7)
    axes.set(xlabel=f"% of a core at {middle:g} Hz:\nlost by a victim (●), booked to the sampler (|)")


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
