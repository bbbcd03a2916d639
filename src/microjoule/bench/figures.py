"""What a level of load took, by request and by token: each figure with its interval.

Joules per request and per token are what the counter counted in the steady part, divided by what was done in
it: no model is between. Their uncertainty has two parts, the counter's and that of the load itself: the
steady part is cut into blocks, and

    u² = Σ_j (y_j - R x_j)² / (k (k - 1)) / x̄²

is the variance of the ratio R = Σ y / Σ x over k blocks (Cochran, *Sampling Techniques*, 1977, 6.4). Rates
and times have the second part only. Blocks last two requests at least, so that they are nearly independent.

Prefill and decode are told apart by the batches' composition
(:mod:`microjoule.joules.serving.request_shares`), over the level with the idle seconds around it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import TooFewUpdates
from ..footprint.chosen_factors import Terms
from ..footprint.footprint import footprint
from ..joules.counters.counter import Counter
from ..joules.counters.update_record import updates
from ..joules.estimates.estimate import Estimate
from ..joules.estimates.uncertainty import STUDENT, Component
from ..joules.serving.added_shares import AddedShares, added_shares
from ..joules.serving.requests import DECODE, IDLE, PREFILL, RUNNING, Requests, Schedule, work
from ..plugins.inference.request_log import Row, requests
from ..trace.series import I64
from ..units import NS_PER_S, S_PER_HOUR, nanoseconds, seconds
from .load import Played
from .steady import Steady, steady

F64 = npt.NDArray[np.float64]
Plain = dict[str, Any]

MILLION = 1_000_000
_BLOCKS = (5, 20)  # the fewest and the most
_REQUESTS_A_BLOCK = 2.0  # of the median time of a request
_FEWEST = 10  # requests in the steady part
_FEWEST_UPDATES = 12
_BURSTY = 0.2  # share of requests that come in bursts, from which times between tokens say nothing


class Measured(NamedTuple):
    """A level and its figures.

    Attributes:
        played: What was played.
        figures: By name; none where ``why`` says what was missing.
        why: Why there are no figures; empty: there are.
        notes: What else must be known.
        steady: The steady part; None: there is none.
        shares: The fit; None: there is none.
        rows: The requests with times and counts.
    """

    played: Played
    figures: dict[str, Estimate]
    why: str
    notes: tuple[str, ...]
    steady: Steady | None
    shares: AddedShares | None
    rows: tuple[Row, ...]


def measured(counters: Sequence[Counter], played: Played, idle_s: float) -> Measured:
    """The figures of a level.

    Args:
        counters: The counters of what serves, which are added.
        played: The level.
        idle_s: How long there was no request before and after it.
    """
    rows = tuple(answer.row for answer in played.answers if answer.row is not None)
    if played.is_cut:
        return Measured(played, {}, f"the server stopped: {_failures(played)}", (), None, None, rows)
    if not rows:
        return Measured(played, {}, _failures(played) or "no request was sent", (), None, None, ())
    of = requests(rows)
    ends = np.sort(np.concatenate((of.first_ns, *of.pieces_ns)))
    part = steady(ends, played.t0_ns, played.t1_ns, float(np.median(of.end_ns - of.start_ns)))
    why = _missing(counters, of, part, played)
    if why or part is None:
        return Measured(played, {}, why or "no token came", (), part, None, rows)
    is_bursty = float(np.mean([answer.is_bursty for answer in played.answers if answer.row])) > _BURSTY
    blocks = _blocks(of, part)
    figures = _energies(counters, of, part, blocks) | _times(of, part, blocks, is_bursty=is_bursty)
    notes = [text for text in (_failures(played), _BURST_NOTE if is_bursty else "") if text]
    fit = None if is_bursty else _split(counters, of, played, idle_s, notes)
    if fit is not None:
        figures |= _phases(fit)
    return Measured(played, figures, "", tuple(notes), part, fit, rows)


_BURST_NOTE = (
    "tokens came in bursts of many, so that their times say nothing: no time per output token, and prefill "
    "and decode are not told apart"
)


def _failures(played: Played) -> str:
    """How many requests failed, and how the first one did; empty: none."""
    errors = [answer.error for answer in played.answers if answer.row is None]
    if not errors:
        return ""
    return f"{len(errors)} of {len(played.answers)} requests failed, the first with: {errors[0]}"


def _missing(counters: Sequence[Counter], of: Requests, part: Steady | None, played: Played) -> str:
    """What a figure would need and is not there; empty: nothing."""
    longer = "give a longer --duration"
    if part is None:
        return f"no token came before sending ended: {longer}"
    if part.drift:
        return f"the load never became steady (tokens/s changed by {100 * part.drift:+.0f} %): {longer}"
    n = int(((of.end_ns > part.t0_ns) & (of.end_ns <= part.t1_ns)).sum())
    if n < _FEWEST:
        return f"{n} requests ended in the steady {seconds(part.t1_ns - part.t0_ns):.1f} s: {longer}"
    took = seconds(int(np.median(of.end_ns - of.start_ns)))
    if seconds(part.t1_ns - part.t0_ns) < _BLOCKS[0] * _REQUESTS_A_BLOCK * took:
        return (
            f"the steady {seconds(part.t1_ns - part.t0_ns):.1f} s are short beside requests of {took:.2f} s: "
            f"{longer}"
        )
    for counter in counters:
        if int(updates(counter, part.t0_ns, part.t1_ns).is_ok.sum()) < _FEWEST_UPDATES:
            return f"{counter.channel.id} was updated too seldom in the steady part: {longer}"
    failed = sum(answer.row is None for answer in played.answers)
    if failed > len(played.answers) / 2:
        return _failures(played)
    return ""


def _blocks(of: Requests, part: Steady) -> I64:
    """int64[k + 1]: the edges of blocks of the steady part."""
    took_ns = _REQUESTS_A_BLOCK * float(np.median(of.end_ns - of.start_ns))
    k = int(np.clip((part.t1_ns - part.t0_ns) / max(took_ns, 1.0), *_BLOCKS))
    edges: I64 = np.linspace(part.t0_ns, part.t1_ns, k + 1).astype(np.int64)
    return edges


def _energies(counters: Sequence[Counter], of: Requests, part: Steady, blocks: I64) -> dict[str, Estimate]:
    """Joules per request and per token, and watts: what was counted by what was done."""
    whole = reduce(add, [counter.energy(part.t0_ns, part.t1_ns) for counter in counters])
    each_j = np.sum([counter.energies(blocks[:-1], blocks[1:]).value for counter in counters], axis=0)
    done = work(of, Schedule(False), (part.t0_ns, part.t1_ns))
    n = len(of)
    served = np.array(
        [
            (done[RUNNING].of_each(n, t0, t1) / np.maximum((of.end_ns - of.start_ns) / NS_PER_S, 1e-9)).sum()
            for t0, t1 in zip(blocks[:-1].tolist(), blocks[1:].tolist(), strict=True)
        ]
    )
    out = _tokens(of, blocks)
    span_s = np.diff(blocks) / NS_PER_S
    return {
        "power": _ratio(whole, each_j, span_s, "W"),
        "per_request": _ratio(whole, each_j, served),
        "per_output_token": _ratio(whole, each_j, out),
    }


def _tokens(of: Requests, blocks: I64) -> F64:
    """float64[k]: output tokens in each block; the first of each request comes with its first piece."""
    decoded = np.diff(work(of, Schedule(False), (int(blocks[0]), int(blocks[-1])))[DECODE].until(blocks))
    first: F64 = np.histogram(of.first_ns[of.output > 0], blocks)[0].astype(np.float64)
    found: F64 = decoded + first
    return found


def _ratio(energy: Estimate, each: F64, by: F64, unit: str = "J") -> Estimate:
    """An energy divided by an amount, with the scatter of their ratio over blocks."""
    total = float(by.sum())
    if total <= 0 or energy.value is None or np.isnan(each).any():
        return replace(energy, value=None, status="incomplete", components=())
    found = energy / total
    return replace(found, unit=unit, components=(*found.components, _scatter(each, by)))


def _scatter(each: F64, by: F64) -> Component:
    """The standard uncertainty of Σ each / Σ by over blocks; see the module."""
    k, ratio = len(by), float(each.sum() / by.sum())
    variance = float(((each - ratio * by) ** 2).sum()) / (k * (k - 1)) / float(by.mean()) ** 2
    return Component("repeatability", math.sqrt(variance), "A", STUDENT, k - 1)


def _times(of: Requests, part: Steady, blocks: I64, *, is_bursty: bool) -> dict[str, Estimate]:
    """Tokens a second, and the times to the first token and from token to token."""
    span_s = np.diff(blocks) / NS_PER_S
    found = {"output_tokens_per_s": _plain_ratio(_tokens(of, blocks), span_s, "1/s")}
    inside = (of.start_ns >= part.t0_ns) & (of.first_ns < part.t1_ns)
    number = np.clip(np.searchsorted(blocks, of.start_ns[inside], "right") - 1, 0, len(span_s) - 1)
    waited = (of.first_ns - of.start_ns)[inside] / NS_PER_S
    count = np.bincount(number, minlength=len(span_s)).astype(np.float64)
    found["time_to_first_token"] = _plain_ratio(
        np.bincount(number, waited, len(span_s)).astype(np.float64), count, "s"
    )
    if not is_bursty:
        several = inside & (of.output > 1)
        number = np.clip(np.searchsorted(blocks, of.start_ns[several], "right") - 1, 0, len(span_s) - 1)
        gap = ((of.end_ns - of.first_ns)[several] / NS_PER_S) / (of.output[several] - 1)
        count = np.bincount(number, minlength=len(span_s)).astype(np.float64)
        found["time_per_output_token"] = _plain_ratio(
            np.bincount(number, gap, len(span_s)).astype(np.float64), count, "s"
        )
    return {name: each for name, each in found.items() if each.value is not None}


def _plain_ratio(each: npt.NDArray[Any], by: F64, unit: str) -> Estimate:
    if by.sum() <= 0:
        return Estimate(value=None, low=0.0, high=math.inf, unit=unit, status="incomplete")
    value = float(each.sum() / by.sum())
    return Estimate(value=value, low=0.0, high=math.inf, unit=unit, components=(_scatter(each, by),))


def _split(
    counters: Sequence[Counter], of: Requests, played: Played, idle_s: float, notes: list[str]
) -> AddedShares | None:
    """The fit of a level with the idle seconds around it."""
    around = nanoseconds(idle_s * 0.9)
    try:
        t0, t1 = played.t0_ns - around, played.t2_ns + around
        return added_shares([(counter, updates(counter, t0, t1)) for counter in counters], of)
    except TooFewUpdates as error:
        notes.append(f"prefill and decode are not told apart: {error.what}")
        return None


def _phases(fit: AddedShares) -> dict[str, Estimate]:
    """What a prompt token, an output token and being idle take."""
    names = {PREFILL: "prefill_per_input_token", DECODE: "decode_per_output_token", IDLE: "idle_power"}
    lost = {state for group in fit.inseparable for state in group}
    found = {name: fit.coefficient(state) for state, name in names.items() if state in {*fit.states} - lost}
    return found | ({"idle_power": replace(found["idle_power"], unit="W")} if "idle_power" in found else {})


def plain(of: Measured, terms: Terms) -> Plain:
    """A level as plain data.

    Args:
        of: The level.
        terms: What turns joules into grams and money.
    """
    level, played = of.played.level, of.played
    per_token = of.figures.get("per_output_token")
    foot: Plain = {}
    if per_token is not None and per_token.value is not None:
        hours = MILLION / float(of.figures["output_tokens_per_s"]) / S_PER_HOUR
        foot = footprint(per_token * MILLION, terms, hours).to_json()
    waited = np.array([row.first_ns - row.start_ns for row in of.rows], np.float64) / NS_PER_S
    return {
        "at_once": level.at_once or None,
        "rate_per_s": level.rate or None,
        "duration_s": seconds(played.t1_ns - played.t0_ns),
        "steady_s": seconds(of.steady.t1_ns - of.steady.t0_ns) if of.steady else None,
        "requests": {"answered": len(of.rows), "failed": len(played.answers) - len(of.rows)},
        "tokens": {
            "gen_ai.usage.input_tokens": sum(row.prompt for row in of.rows),
            "gen_ai.usage.cache_read.input_tokens": sum(row.cached for row in of.rows),
            "gen_ai.usage.output_tokens": sum(row.output for row in of.rows),
        },
        "figures": {name: each.to_json() for name, each in of.figures.items()},
        "per_million_output_tokens": foot,
        "time_to_first_token_percentiles_s": dict(
            zip(("p50", "p95", "p99"), np.percentile(waited, (50, 95, 99)).tolist(), strict=True)
        )
        if len(waited)
        else {},
        "inseparable": [list(group) for group in of.shares.inseparable] if of.shares else [],
        "why_no_figures": of.why or None,
        "notes": list(of.notes),
    }
