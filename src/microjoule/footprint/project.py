"""A project: every run that it took, the failed ones too, as Table 4 of Strubell et al. 2019 sums them.

Decision: a run is all of its command, as `uj run` recorded it, or all of its trace where there is no such
window, and not the window that its author marked, because what was spent before a crash was spent.
Measured and estimated runs have each a sum of their own: one figure of both would be neither. A file that
cannot be read makes the total an *at least*: it is named and never counted as nothing.

A window that carries a metric (``uj.window("epoch", accuracy=0.91)``) says how far the run had come
when it ended; one that carries ``flops`` says how much it computed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from ..errors import BadTarget, TraceError
from ..joules.estimates.estimate import PROVENANCES, Estimate
from ..joules.estimates.run_window import whole
from ..joules.estimates.uncertainty import of_trace
from ..joules.jobs import nodes
from ..units import S_PER_HOUR, seconds
from ..value_class import dataclass
from .chosen_factors import Terms
from .data_tables import digest
from .footprint import Footprint, footprint

if TYPE_CHECKING:
    from ..joules.energy_trace import Trace

SCHEMA = "microjoule.project/1"
FLOPS = "flops"


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be reached: ``accuracy>=0.9`` or ``loss<=0.3``."""

    metric: str
    is_rising: bool
    value: float

    @classmethod
    def of(cls, text: str) -> Target:
        """The target that a text says.

        Raises:
            BadTarget: It says none.
        """
        found = re.fullmatch(r"\s*([^<>=]+?)\s*([<>])=?\s*(\S+)\s*", text)
        try:
            value = float(found[3])  # type: ignore[index]
        except (TypeError, ValueError):
            value = math.nan
        if found is None or not math.isfinite(value):
            raise BadTarget(f"{text!r} is not a target", "Write it as in 'accuracy>=0.9' or 'loss<=0.3'")
        return cls(found[1], found[2] == ">", value)

    def is_reached(self, figure: float) -> bool:
        """Whether a figure of the metric is at the target or beyond."""
        return figure >= self.value if self.is_rising else figure <= self.value

    def best(self, figures: Iterable[float]) -> float | None:
        """The best of some figures; None of none."""
        return (max if self.is_rising else min)(figures, default=None)

    def __str__(self) -> str:
        return f"{self.metric} {'>=' if self.is_rising else '<='} {self.value:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One run of a project.

    Attributes:
        name: Of its file.
        energy: All of it, in J.
        hours: Its length.
        metrics: Each figure of the metric, and what had been spent and how many hours when it came.
        flop: Operations of the windows that say how many; 0: none does.
        flop_energy: Of those windows, in J; None: none does.
        remark: What is wrong with it; empty where nothing is.
        node: What tells its node from others; empty: the trace does not say.
        span_ns: From when to when it was on that node, CLOCK_MONOTONIC.
    """

    name: str
    energy: Estimate
    hours: float = 0.0
    metrics: Sequence[tuple[float, Estimate, float]] = ()
    flop: float = 0.0
    flop_energy: Estimate | None = None
    remark: str = ""
    node: str = ""
    span_ns: tuple[int, int] = (0, 0)

    def until(self, target: Target) -> tuple[Estimate, float] | None:
        """What was spent when the target was first reached, and the hours; None: it was not."""
        return next(
            ((spent, hours) for figure, spent, hours in self.metrics if target.is_reached(figure)), None
        )


def unreadable(name: str, why: str) -> Trial:
    """A run whose file says nothing: it used an energy that nobody knows."""
    return Trial(name=name, energy=Estimate(value=None, low=0.0, high=math.inf, status="failed"), remark=why)


def trial(name: str, trace: Trace, target: Target | None) -> Trial:
    """A run of a trace."""
    try:
        span = whole(trace)
    except TraceError as error:
        return unreadable(name, error.what)
    metrics = []
    flop, spent_on = 0.0, []
    for window in trace.window_columns.each():
        figure = _number(window.attributes.get(target.metric)) if target else None
        if figure is not None:
            until = replace(span, t1_ns=min(max(window.t1_ns, span.t0_ns), span.t1_ns))
            metrics.append((figure, trace.energy(until).total, seconds(until.duration_ns) / S_PER_HOUR))
        operations = _number(window.attributes.get(FLOPS))
        if operations:
            flop += operations
            spent_on.append(trace.energy(window).total)
    return Trial(
        name=name,
        energy=_of_trace(trace.energy(span).total, name),
        hours=seconds(span.duration_ns) / S_PER_HOUR,
        metrics=tuple(metrics),
        flop=flop,
        flop_energy=_sum(spent_on),
        remark=_remark(trace.is_truncated, bool(trace.damage), span.is_open),
        node=nodes.node_of(trace.facts) or "",
        span_ns=(span.t0_ns, span.t1_ns),
    )


def _of_trace(energy: Estimate, name: str) -> Estimate:
    return replace(energy, components=of_trace(energy.components, name))


def at_once(trials: Sequence[Trial]) -> list[list[str]]:
    """The names of runs on one node whose times overlap, in groups."""
    groups: list[list[str]] = []
    node, end_ns = "", 0
    for each in sorted(trials, key=lambda each: (each.node, each.span_ns)):
        if each.node and each.node == node and each.span_ns[0] < end_ns:
            groups[-1].append(each.name)
        else:
            groups.append([each.name])
            end_ns = 0
        node, end_ns = each.node, max(end_ns, each.span_ns[1])
    return [group for group in groups if len(group) > 1]


def counted_once(trials: Mapping[str, Trial], traces: Mapping[str, Trace]) -> dict[str, Trial]:
    """Runs that recorders of one node recorded at a time: what several of them read counts once.

    Args:
        trials: By name.
        traces: The traces of all of them.
    """
    names = list(trials)
    spans = [(traces[name], whole(traces[name])) for name in names]
    found = {}
    for name, (trace, span), pieces in zip(names, spans, nodes.pieces(spans), strict=True):
        found[name] = trials[name]
        if pieces == nodes.pieces([(trace, span)])[0]:
            continue
        rest = nodes.counted_ns(pieces)
        told = "a second recorder: " + ("the rest counts" if rest else "not counted")
        found[name] = replace(
            trials[name],
            energy=_of_trace(nodes.energy(trace, pieces), name),
            hours=seconds(rest) / S_PER_HOUR,
            remark="; ".join(filter(None, (trials[name].remark, told))),
        )
    return found


def _remark(is_truncated: bool, is_damaged: bool, is_open: bool) -> str:
    if is_damaged:
        return "damaged: what is right counts"
    if is_truncated:
        return "cut short: what was recorded counts"
    return "never ended: counted up to the last reading" if is_open else ""


def project(trials: Sequence[Trial], terms: Terms, target: Target | None, models: int) -> dict[str, Any]:
    """The total of all runs, and what each came to, as JSON values.

    Args:
        trials: The runs; at least one.
        terms: The factors.
        target: What is to be reached; None: nothing.
        models: How many tuned models the project gave.

    Raises:
        BadTarget: No run at all, or fewer than one model.
    """
    if not trials:
        raise BadTarget("A project without runs has no total", "Give the trace of each run")
    if models < 1:
        raise BadTarget(f"A project needs at least one model, not {models}", "Give --models 1 or more")
    found = [footprint(each.energy, terms, each.hours) for each in trials]
    total = reduce(add, found)
    best = (
        {each.name: target.best(figure for figure, _, _ in each.metrics) for each in trials} if target else {}
    )
    front = _front(trials, best, target) if target else set()
    return {
        "schema": SCHEMA,
        "runs": [
            {
                "run": each.name,
                "hours": each.hours,
                "energy": _energy(each.energy),
                "footprint": of.to_json(),
                "best": best.get(each.name),
                "to_target": _until(each, target, terms),
                "j_per_flop": _per_flop(each),
                "is_pareto": each.name in front,
                "remark": each.remark,
            }
            for each, of in zip(trials, found, strict=True)
        ],
        "total": {"energy": _energy(total.energy), "footprint": total.to_json()},
        "sums": _sums(trials, found, models),
        "hours": sum(each.hours for each in trials),
        "models": models,
        "per_model": _each(total, models),
        "target": str(target) if target else None,
        "metric": target.metric if target else None,
        "n_unreadable": sum(each.energy.status == "failed" for each in trials),
        "terms": terms.to_json(),
        "data": digest(),
    }


def _until(of: Trial, target: Target | None, terms: Terms) -> dict[str, Any] | None:
    reached = of.until(target) if target else None
    if reached is None:
        return None
    energy, hours = reached
    return {"energy": _energy(energy), "hours": hours, "footprint": footprint(energy, terms, hours).to_json()}


def _per_flop(of: Trial) -> float | None:
    if of.flop_energy is None or of.flop_energy.value is None:
        return None
    return of.flop_energy.value / of.flop


def _front(trials: Sequence[Trial], best: Mapping[str, float | None], target: Target) -> set[str]:
    """The runs that no other beats in the metric without using more, nor in energy without being worse."""
    sign = 1 if target.is_rising else -1
    points = [
        (each.name, sign * figure, each.energy.value)
        for each in trials
        if (figure := best[each.name]) is not None and each.energy.value is not None
    ]
    return {
        name
        for name, figure, energy in points
        if not any(
            other_figure >= figure and other <= energy and (other_figure, other) != (figure, energy)
            for _, other_figure, other in points
        )
    }


def _sums(trials: Sequence[Trial], found: Sequence[Footprint], models: int) -> list[dict[str, Any]]:
    """The sum of the measured runs and that of the estimated ones; a run that says nothing is in each."""
    known = [each.energy.provenance for each in trials if each.energy.status != "failed"]
    sums = []
    for provenance in [each for each in PROVENANCES if each in known] or ["measured"]:
        of = [
            (trial, one)
            for trial, one in zip(trials, found, strict=True)
            if trial.energy.status == "failed" or trial.energy.provenance == provenance
        ]
        total = reduce(add, [one for _, one in of])
        sums.append(
            {
                "provenance": provenance,
                "n_runs": sum(trial.energy.status != "failed" for trial, _ in of),
                "hours": sum(trial.hours for trial, _ in of),
                "energy": _energy(total.energy),
                "footprint": total.to_json(),
                "per_model": _each(total, models),
            }
        )
    return sums


def _each(total: Footprint, models: int) -> dict[str, Any]:
    """The total U over the models: the share of each is the total's with all its ranges."""
    plain = total.to_json()
    shared = {
        part: None
        if of is None
        else {
            **of,
            "value": None if of["value"] is None else of["value"] / models,
            "guaranteed": [None if end is None else end / models for end in of["guaranteed"]],
            "choice": None if of["choice"] is None else [end / models for end in of["choice"]],
            "U": None if of["U"] is None else of["U"] / models,
        }
        for part, of in plain.items()
        if part not in ("status", "provenance")
    }
    return {**plain, **shared}


def _energy(of: Estimate) -> dict[str, Any]:
    return {
        "energy_j": of.value,
        "U_j": of.U if of.value is not None and math.isfinite(of.U) else None,
        "guaranteed_j": [of.low, of.high if math.isfinite(of.high) else None],
        "status": of.status,
        "provenance": of.provenance,
    }


def _sum(estimates: Sequence[Estimate]) -> Estimate | None:
    return reduce(add, estimates) if estimates else None


def _number(value: object) -> float | None:
    """An attribute as a finite number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
