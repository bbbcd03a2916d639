"""The energy of each request of a log, from a trace of its server: plain data for reports."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import RequestLogError
from ...joules.counters.counter import Counter
from ...joules.counters.update_record import updates
from ...joules.energy_trace import Trace
from ...joules.estimates.estimate import Estimate
from ...joules.serving.added_shares import AddedShares, added_shares
from ...joules.serving.log_lag import log_lag
from ...joules.serving.requests import DECODE, PREFILL, UNITS, Requests, Schedule, work
from ...trace.series import I64
from ...units import nanoseconds, seconds
from ..profiles.alignment import OF_REQUESTS, Alignment, Wishes, align, apart
from ..profiles.profile import REALTIME, Source, Tally
from .chosen_counters import counters_of
from .request_log import RequestLog

SCHEMA = "microjoule.requests/1"
IDLE_AROUND_S = 5.0
"""Of the trace, that much before the first request and after the last one is taken for idle."""

F64 = npt.NDArray[np.float64]

_LAG_AROUND_S = 60.0  # of the trace around the log, in which its clock may be off

Plain = dict[str, Any]


def attributed(
    trace: Trace,
    log: RequestLog,
    channels: Sequence[str] = (),
    offset_s: float = 0.0,
    devices: Sequence[str] = (),
) -> Plain:
    """The energy of counters by request and by state.

    Args:
        trace: The trace of the machine, over the time of the log.
        log: The requests.
        channels: The counters, which are added.
        offset_s: What to add to the log's times, where its clock is another machine's.
        devices: Devices whose counters are read too, as ``gpu-0``. Without any name: all GPUs where there
            is one, else the first counter of the total.

    Raises:
        RequestLogError: The two do not belong together, or no counter suits.
        Overlap: Two of the counters count the same joules.
        ProfileError: The log has the clock of the day, and the trace no pairs of clocks.
        TooFewUpdates: A counter moved too seldom in the time that they share.
    """
    counters = counters_of(trace, channels, devices)
    span = _common_span(counters)
    requests, u_ns = _on_the_trace(trace, log.moved(nanoseconds(offset_s)), span)
    around = nanoseconds(IDLE_AROUND_S)
    t0 = max(span[0], int(requests.start_ns.min()) - around)
    t1 = min(span[1], int(requests.end_ns.max()) + around)
    found = added_shares([(each, updates(each, t0, t1)) for each in counters], requests, u_ns)
    return {**plain(found, log.left_out), "clock": _clock(counters, requests, offset_s)}


def _common_span(counters: Sequence[Counter]) -> tuple[int, int]:
    spans = [each.span_ns or (0, 0) for each in counters]
    return max(first for first, _ in spans), min(last for _, last in spans)


def _clock(counters: Sequence[Counter], of: Requests, offset_s: float) -> Plain | None:
    """How much better the log fits the power at other times; None: its own are good."""
    around = nanoseconds(_LAG_AROUND_S)
    first, last = _common_span(counters)
    t0, t1 = max(first, int(of.start_ns.min()) - around), min(last, int(of.end_ns.max()) + around)
    every = [each for each in (updates(counter, t0, t1) for counter in counters) if each.is_ok.any()]
    lags = [log_lag(each, work(of, Schedule(False), (t0, t1))) for each in every]
    clear = [lag for lag in lags if lag is not None and lag.is_clear]
    if not clear:
        return None
    lag = max(clear, key=lambda each: each.explained)
    return {
        "offset_s": offset_s + lag.lag_s,
        "lag_s": lag.lag_s,
        "step_s": lag.step_s,
        "explained": lag.explained,
        "explained_as_is": lag.as_is,
    }


def _on_the_trace(trace: Trace, log: RequestLog, span_ns: tuple[int, int]) -> tuple[Requests, float]:
    """The requests by the trace's clock, and the standard uncertainty of that clock in ns."""
    requests, u_ns = log.requests, 0.0
    if log.is_realtime:
        alignment = align(trace, _source(log), log.span_ns, span_ns, Wishes())
        requests, u_ns = _aligned(requests, alignment), alignment.u_ns
    first, last = int(requests.start_ns.min()), int(requests.end_ns.max())
    if last > span_ns[0] and first < span_ns[1]:
        return requests, u_ns
    noun, remedy = OF_REQUESTS
    when = apart(first, last, span_ns)
    raise RequestLogError(f"{log.path} and the trace share no time: the {noun} {when}", remedy)


def _source(log: RequestLog) -> Source:
    """The log as what is aligned: it names a clock and no machine."""
    return Source(
        path=Path(log.path), form=OF_REQUESTS[0], clock=REALTIME, tally=Tally(0, 0, 0, 0, 0, {}), uuids={}
    )


def _aligned(of: Requests, by: Alignment) -> Requests:
    known = of.prefill_ns >= 0
    prefill = of.prefill_ns.copy()
    prefill[known] = by.monotonic(of.prefill_ns[known])
    return replace(
        of,
        start_ns=by.monotonic(of.start_ns),
        first_ns=by.monotonic(of.first_ns),
        end_ns=by.monotonic(of.end_ns),
        prefill_ns=prefill,
        pieces_ns=tuple(by.monotonic(each) if len(each) else each for each in of.pieces_ns),
    )


def plain(found: AddedShares, left_out: Mapping[str, int]) -> Plain:
    """Shares as plain data.

    Args:
        found: The shares.
        left_out: How many requests of the log have none, by reason.
    """
    of, all_ = found.requests, np.flatnonzero(found.is_whole)
    values = found.values_j[all_]
    equal_j = float(values.mean()) if len(all_) else None
    rate = found.schedule.rate
    together = found.of_some(all_)
    channels = [each.counter.channel.id for each in found.parts]
    return {
        "schema": SCHEMA,
        "channel": " + ".join(channels),
        "channels": channels,
        "provenance": found.measured.provenance,
        "t0_ns": found.t0_ns,
        "t1_ns": found.t1_ns,
        "span_s": seconds(found.t1_ns - found.t0_ns),
        "updates": found.rows,
        "measured": found.measured.to_json(),
        "requests": {"count": len(of), "whole": len(all_), "left_out": dict(left_out)},
        "prompts": {
            "in_turn": found.schedule.in_turn,
            "tokens_per_s": rate if math.isfinite(rate) else None,
        },
        "saturation": found.bend,
        "states": [_state(found, state) for state in found.states],
        "is_idle_known": found.is_idle_known,
        "inseparable": [list(group) for group in found.inseparable],
        "unexplained": found.unexplained.to_json(),
        "whole_requests": together.to_json(),
        "per_request": (together / max(len(all_), 1)).to_json(),
        **_per_token(found, all_, together),
        "equal_split": {"each_j": equal_j, **_equal_errors(values, equal_j)},
        "rows": [_request(found, number, equal_j) for number in range(len(of))],
    }


def _state(found: AddedShares, state: str) -> Plain:
    energy, whole = found.of_state([state]), found.measured.value
    return {
        "name": state,
        "amount": found.total(state),
        "unit": UNITS[state],
        "energy": energy.to_json(),
        "per_unit": found.coefficient(state).to_json(),
        "share": energy.value / whole if energy.value is not None and whole else None,
    }


def _per_token(found: AddedShares, numbers: I64, together: Estimate) -> Plain:
    """Joules a token of whole requests: all of them by output tokens, and each phase by its own."""
    of = found.requests
    output = int(of.output[numbers].sum())
    computed = int((of.prompt - of.cached)[numbers].sum())
    decode, prefill = (
        found.of_state([state], numbers) if state in found.states else None for state in (DECODE, PREFILL)
    )
    return {
        "tokens": {"input": int(of.prompt[numbers].sum()), "cached": int(of.cached[numbers].sum()),
                   "output": output},
        "per_output_token": (together / output).to_json() if output else None,
        "decode_per_output_token": (decode / output).to_json() if output and decode else None,
        "prefill_per_input_token": (prefill / computed).to_json() if computed and prefill else None,
    }  # fmt: skip


def _equal_errors(values_j: F64, equal_j: float | None) -> Plain:
    """How far an equal split is from the shares: of the mean, and the largest ratio either way."""
    if equal_j is None or equal_j <= 0 or not (values_j > 0).any():
        return {"rms_share": None, "largest_ratio": None}
    ratio = values_j[values_j > 0] / equal_j
    return {
        "rms_share": float(np.sqrt(np.mean((values_j - equal_j) ** 2)) / equal_j),
        "largest_ratio": float(max(ratio.max(), 1 / ratio.min())),
    }


def _request(found: AddedShares, number: int, equal_j: float | None) -> Plain:
    of, energy = found.requests, found.share(number)
    value, is_ok = energy.value, energy.value is not None
    return {
        "id": of.names[number],
        "start_ns": int(of.start_ns[number]),
        "first_token_ns": int(of.first_ns[number]),
        "end_ns": int(of.end_ns[number]),
        "gen_ai.usage.input_tokens": int(of.prompt[number]),
        "gen_ai.usage.cache_read.input_tokens": int(of.cached[number]),
        "gen_ai.usage.output_tokens": int(of.output[number]),
        "is_whole": bool(found.is_whole[number]),
        "energy": {
            "value": value,
            "u": energy.u if is_ok else None,
            "U": energy.U if is_ok else None,
            "unit": energy.unit,
            "status": energy.status,
        },
        "equal_split_error_j": None if value is None or equal_j is None else equal_j - value,
    }
