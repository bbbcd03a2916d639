"""A trace as plain data for reports: the schema ``microjoule.report/1``, before any rendering.

Decision: a program may mark each of a hundred thousand steps, so a report has all of them by name and
lists ``WINDOWS_MAX`` one by one, unless its caller asks for more: a listed window costs half a millisecond.
Those are answered in one vectorised call a channel. What was given up: reuse of ``Energies``, which is one
window's view of the same figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ..channel.failed_read import why_failed
from ..trace.gap import Gap
from ..trace.series import I64
from ..trace.verify import Damage
from ..trace.window import Window
from ..trace.window_columns import WindowColumns
from ..units import NS_PER_S, seconds
from . import rank_ends, sensor_notes
from .counters.counter import Counter
from .counters.counter_notes import lag
from .energy_trace import Trace
from .environments import changes, met
from .estimates.energies import unread
from .estimates.estimate import Estimate
from .estimates.run_window import OUTERMOST
from .estimates.sentence import NO_TIME, Headline, headline, is_sensor_assessed, with_clause
from .estimates.total import Total, covered, total
from .gauges.gauge_notes import lag_of
from .power import means_w
from .power_line import power_line
from .profiling.distribution import distributions
from .profiling.listed_windows import listed_windows, numbered, span_of
from .sharing.share_rows import share_rows

if TYPE_CHECKING:
    from .profiling.by_name import NameEnergy

SCHEMA = "microjoule.report/1"
STUCK_UPDATES = 100
GAVE_UP = "kernel, then thread"
WINDOWS_MAX = 1000
"""Windows that a summary lists one by one, unless others are asked for."""

Plain = dict[str, Any]


def summary(trace: Trace, windows_max: int | None = WINDOWS_MAX) -> Plain:
    """All that a report shows of a trace, as JSON values; figures that a status forbids are None.

    Where the trace has no windows, its whole span is the one window ``trace``.

    Args:
        trace: The trace.
        windows_max: How many windows are listed one by one; None: all. All of them are in ``by_name``.
    """
    trace.unwrap_all()
    every = trace.window_columns
    windows, n_of_name = listed_windows(trace, windows_max)
    figures = _windows(trace, windows, n_of_name)
    first = headline(trace)
    shares = share_rows(trace, windows)
    _add_shares(figures, shares.windows)
    return {
        "schema": SCHEMA,
        "sentence": NO_TIME if first is None else with_clause(first.sentence, shares.clause),
        "whole": None if first is None else _whole(trace, first),
        "shares": shares.whole,
        "n_windows": len(every) or len(windows),
        "windows": figures,
        "by_name": _by_name(trace) if is_divided(every) else [],
        "engine": {
            "lanes": _lanes(trace),
            "failures": _failures(trace),
            "stuck": stuck(trace),
            "lost_marks": trace.lost_marks,
            "overhead": _overhead(trace),
        },
        "sensors": sensor_notes.of_totals(trace),
        "sensors_beside": sensor_notes.beside_totals(trace),
        "state": changes(trace.state),
        "conditions": [each._asdict() for each in met(trace.state)],
        "lags": lags(trace),
        "ranks": rank_ends.sentences(every),
        "facts": dict(trace.facts),
        "is_truncated": trace.is_truncated,
        "damage": [_damage(trace, each) for each in trace.damage],
        "gaps": [_gap(trace, each) for each in trace.gaps],
    }


def _by_name(trace: Trace) -> list[Plain]:
    distributed = distributions(trace)
    return [{**_named(trace, row), "distribution": distributed.get(row.name)} for row in trace.by_name()]


def is_divided(windows: WindowColumns) -> bool:
    """Whether names divide the recording: one window about all of it is in ``windows`` already."""
    return len(windows) > 1 or any(name not in OUTERMOST for name in windows.names)


def _damage(trace: Trace, of: Damage) -> Plain:
    return {"what": of.what, "t0_s": _at_s(trace, of.t0_ns), "t1_s": _at_s(trace, of.t1_ns), "why": of.why}


def _gap(trace: Trace, of: Gap) -> Plain:
    return {
        "t0_s": _at_s(trace, of.t0_ns),
        "t1_s": _at_s(trace, of.t1_ns),
        "cause": of.cause,
        "readings_lost": of.readings_lost,
    }


def _at_s(trace: Trace, t_ns: int | None) -> float | None:
    """A time in seconds since the trace's first reading."""
    spans = span_of(trace)
    return None if t_ns is None or not spans else seconds(t_ns - spans[0].t0_ns)


def _whole(trace: Trace, of: Headline) -> Plain:
    """What the sentence is about: all that was recorded, with its power over time."""
    energies = trace.energy(of.window)
    return {
        "subject": of.subject,
        "name": of.window.name,
        "t0_ns": of.window.t0_ns,
        "t1_ns": of.window.t1_ns,
        "duration_s": seconds(of.window.duration_ns),
        "is_open": of.window.is_open,
        "total": _total(of.energy, [energies[name] for name in of.energy.channels]),
        "power_line": power_line(trace, of.window, of.energy.channels),
        "meter": _beside_meter(trace, of.window),
    }


def _beside_meter(trace: Trace, window: Window) -> Plain | None:
    """Which part of the energy by a reference meter the counters cover; None: there is no meter."""
    if "reference" not in trace.facts and not any(c.place.device == "meter" for c in trace.channels.values()):
        return None  # and nothing is computed for it
    from .reference.beside_meter import coverage

    found = coverage(trace, window)
    return None if found is None else found._asdict()


def figures_in_blocks(trace: Trace, at_once: int) -> Iterator[list[Plain]]:
    """``windows`` of a summary that lists all of them, so many at a time; shares are those of the first."""
    trace.unwrap_all()
    every = np.arange(len(trace.window_columns))
    for start in range(0, max(len(every), 1), at_once):
        windows, n_of_name = numbered(trace, every[start : start + at_once])
        figures = _windows(trace, windows, n_of_name)
        _add_shares(figures, [None] * len(windows) if start else share_rows(trace, windows).windows)
        yield figures


def _add_shares(figures: Sequence[Plain], shares: Sequence[list[Plain] | None]) -> None:
    for figure, rows in zip(figures, shares, strict=True):
        figure["shares"] = rows


def _windows(trace: Trace, windows: Sequence[Window], n_of_name: Sequence[int]) -> list[Plain]:
    """The figures of windows."""
    edges = [(window.t0_ns, window.t1_ns) for window in windows]
    t0_ns, t1_ns = np.array(edges, np.int64).reshape(-1, 2).T
    names = trace.energy_channels
    by_channel = {name: _channel(trace, name, t0_ns, t1_ns) for name in names}
    ids = covered({name: trace.channels[name] for name in names})
    # Work on a GPU goes on after the call that asked for it.
    has_gpu = any(trace.channels[name].place.device == "gpu" for name in names)
    figures = []
    for at, (window, n) in enumerate(zip(windows, n_of_name, strict=True)):
        rows = {name: by_channel[name][at] for name in names}
        parts = {name: rows[name][1] for name in ids}
        figures.append(
            {
                "name": window.name,
                "n_of_name": n,
                "t0_ns": window.t0_ns,
                "t1_ns": window.t1_ns,
                "duration_s": seconds(window.duration_ns),
                "attributes": dict(window.attributes),
                "is_open": window.is_open,
                "synchronised": _synchronised(window) if has_gpu else None,
                "channels": [row for row, _ in rows.values()],
                "total": _total(total(parts, trace.channels), parts.values()),
            }
        )
    return figures


def _synchronised(window: Window) -> bool | None:
    """Whether the GPUs were waited for at the window's edges; None: nobody marked it."""
    return bool(window.attributes.get("synchronised", False)) if window.is_marked else None


def _channel(trace: Trace, name: str, t0_ns: I64, t1_ns: I64) -> list[tuple[Plain, Estimate]]:
    channel = trace.channels[name]
    estimates = trace.estimates(name, t0_ns, t1_ns)
    values = np.array([math.nan if each.value is None else each.value for each in estimates])
    means = means_w(values, t0_ns, t1_ns).tolist()
    peaks_w, spans_ns = trace.peaks(name, t0_ns, t1_ns)
    gauge, span = trace.mark_fits.stand_in(name), trace.meter(name).span_ns
    is_silent = t1_ns > (span[1] if gauge is not None and span is not None else math.inf)
    peaks = np.where(np.isnan(values) | is_silent, np.nan, peaks_w).tolist()
    if name in trace.dead:
        estimates = [unread(each) for each in estimates]
        means = peaks = [math.nan] * len(estimates)
    spans_s = (spans_ns / NS_PER_S).tolist()
    place = asdict(channel.place)
    accuracy = "unknown" if channel.trust.accuracy is None else channel.trust.accuracy
    return [
        (
            {
                "channel": name,
                "place": dict(place),
                "hw_type": channel.hw_type,
                "source": channel.source,
                "provenance": estimate.provenance,
                "energy_j": estimate.value,
                "guaranteed_j": _bound(estimate),
                **_uncertainty(estimate),
                "accuracy": accuracy,
                "is_sensor_assessed": is_sensor_assessed(estimate),
                "mean_w": _finite(mean),
                "peak_w": _finite(peak),
                "peak_over_s": span_s,
                "status": estimate.status,
            },
            estimate,
        )
        for estimate, mean, peak, span_s in zip(estimates, means, peaks, spans_s, strict=True)
    ]


def _total(of: Total, parts: Iterable[Estimate]) -> Plain:
    return {
        "energy_j": of.value,
        "guaranteed_j": _bound(of),
        **_uncertainty(of),
        "channels": list(of.channels),
        "covers": of.covers,
        "excluded": list(of.excluded),
        "is_sensor_assessed": all(map(is_sensor_assessed, parts)),
        "status": of.status,
        "provenance": of.provenance,
    }


def _uncertainty(estimate: Estimate) -> Plain:
    """``u_j``, ``U_j`` and ``k`` at 95 %, and the budget behind them; None where nothing was assessed."""
    if not estimate.components:
        return {"u_j": None, "U_j": None, "k": None, "budget": []}
    rows = [{**row, "dof": _finite(row["dof"])} for row in estimate.budget()]
    for row in rows:
        del row["groups"]  # they tell which figures share a cause, and name instants by the thousand
    return {"u_j": estimate.u, "U_j": estimate.U, "k": estimate.k, "budget": rows}


def _bound(estimate: Estimate) -> list[float | None]:
    return [_finite(estimate.low), _finite(estimate.high)]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _named(trace: Trace, row: NameEnergy) -> Plain:
    ids = covered({name: trace.channels[name] for name in row.channels})
    return {
        "name": row.name,
        "names": list(row.names),
        "n": row.count,
        "n_cut": row.cut,
        "time_s": row.time_s,
        "window_s": row.window_s,
        "method": row.method,
        "share": row.share,
        **_figure(row.energy),
        "is_sensor_assessed": all(is_sensor_assessed(row.channels[name]) for name in ids),
        "own": None if row.own is None else _figure(row.own),
        "per_window": _figure(row.per_window),
        "per_unit": {unit: _figure(estimate) for unit, estimate in row.per_unit.items()},
        "mean_w": row.power.value,
        "mean_U_w": row.power.U if row.power.components else None,
        "sd_j": row.sd_j,
        "percentiles_j": {str(percent): value for percent, value in row.percentiles_j.items()},
        "channels": [{"channel": name, **_figure(one)} for name, one in row.channels.items()],
    }


def _figure(of: Estimate) -> Plain:
    """An estimate without its budget."""
    return {
        "energy_j": of.value,
        "guaranteed_j": _bound(of),
        "U_j": of.U if of.components else None,
        "status": of.status,
        "provenance": of.provenance,
    }


def _failures(trace: Trace) -> list[Plain]:
    """How many reads of each channel failed, with what code, and what it means."""
    return [
        {"channel": name, "code": code, "why": why_failed(code), "n": n}
        for name, codes in trace.failures().items()
        for code, n in codes.items()
    ]


def lags(trace: Trace) -> list[str]:
    """By how much the measured counters and gauges trail the energy, a line each."""
    meters = [trace.meter(name) for name in trace.energy_channels if name not in trace.dead]
    related = trace.related_lags
    own = (
        lag(each, related.unsaid_ns(each)) if isinstance(each, Counter) else lag_of(each) for each in meters
    )
    return [line for lines in own for line in lines] + related.notes()


def stuck(trace: Trace) -> list[str]:
    """Measured counters that never moved, though there was time for a hundred updates; and dead ones."""
    found = []
    for name in trace.energy_channels:
        timing = trace.channels[name].timing
        patience_ns = STUCK_UPDATES * max(timing.update_ns or 0, timing.update_max_ns)
        if name in trace.dead or trace.still_ns(name) > patience_ns:
            found.append(name)
    return found


def _overhead(trace: Trace) -> Plain | None:
    """What sampling took, as it was measured at another time; None: nothing alike was measured.

    Nothing either where a lane was not granted what the figure rests on.
    """
    known = trace.facts.get("overhead")
    lanes = trace.facts.get("lanes", {})
    counts = trace.engine()
    grants = ("fifo", "kernel")
    if not known or any(
        str(told.get(grant)).startswith("refused") or _sampled_by(told, counts.get(lane, {})) == GAVE_UP
        for lane, told in lanes.items()
        for grant in grants
    ):
        return None
    return dict(known)


def _sampled_by(told: Mapping[str, Any], counts: Mapping[str, int]) -> Any:  # noqa: ANN401 - as the facts have it
    """Who took a lane's readings; where the kernel gives up, the lane's thread goes on."""
    has_given_up = told.get("sampled_by") == "kernel" and not counts.get("by_kernel", 1)
    return GAVE_UP if has_given_up else told.get("sampled_by")


def _lanes(trace: Trace) -> list[Plain]:
    told = trace.facts.get("lanes", {})
    return [
        {
            "lane": lane,
            "rate_hz": told.get(lane, {}).get("rate_hz"),
            **{count: counts[count] for count in ("ticks", "late", "missed", "dropped", "errors")},
            "busy_s": counts["busy_ns"] / NS_PER_S,
            **{grant: told.get(lane, {}).get(grant) for grant in ("fifo", "pinned")},
            "sampled_by": _sampled_by(told.get(lane, {}), counts),
            "late_max_s": counts["late_max_ns"] / NS_PER_S,
        }
        for lane, counts in trace.engine().items()
    ]
