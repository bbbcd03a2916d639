"""Counters that fall silent for good while a gauge of their device is read on. Pure.

A driver that is loaded again, or a GPU that is lost to its counter alone, takes the counter away in the
middle of a recording. Its power gauge has told all of the time, so that a window which the counter does not
reach the end of is the gauge's, from its beginning on: with the gauge's own, wider, intervals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...units import NS_PER_S, seconds, three_digits
from ..counters.counter import Counter
from ..estimates.total import beside
from .gauge import Gauge

if TYPE_CHECKING:
    from ..energy_trace import Trace

SILENT_NS = NS_PER_S
"""A channel that tells nothing for longer than this before the others end has fallen silent by itself."""


def stand_in(trace: Trace, channel_id: str) -> Gauge | None:
    """The gauge that tells of a counter's device after it fell silent; None: it did not, or none does."""
    counter = trace.meter(channel_id)
    if not isinstance(counter, Counter) or counter.span_ns is None:
        return None
    found, last_ns = None, counter.span_ns[1] + SILENT_NS
    for name in beside(counter.channel, trace.channels):
        gauge = trace.meter(name)
        if isinstance(gauge, Gauge) and gauge.span_ns is not None and gauge.span_ns[1] > last_ns:
            found, last_ns = gauge, gauge.span_ns[1]
    return found


def spans_ns(trace: Trace) -> list[tuple[int, int]]:
    """Of each energy channel that was read, from when to when it tells, or where it has a stand-in that."""
    found = []
    for name in trace.energy_channels:
        span, gauge = trace.meter(name).span_ns, stand_in(trace, name)
        if span is not None and gauge is not None and gauge.span_ns is not None:
            span = max(span[0], gauge.span_ns[0]), gauge.span_ns[1]
        if span is not None:
            found.append(span)
    return found


def common_ns(trace: Trace) -> tuple[int, int]:
    """From when to when all of them tell; the end lies before the beginning where there is no such time."""
    known = spans_ns(trace)
    return max((each[0] for each in known), default=0), min((each[1] for each in known), default=-1)


def sentences(trace: Trace) -> list[str]:
    """What is to be said of the counters that fell silent, a sentence each."""
    found = []
    for name in trace.energy_channels:
        gauge, span = stand_in(trace, name), trace.meter(name).span_ns
        if gauge is not None and gauge.span_ns is not None and span is not None:
            silent_s = seconds(gauge.span_ns[1] - span[1])
            found.append(
                f"{name} told nothing in the last {three_digits(silent_s)} s: windows that end "
                f"there have the energy "
                f"of {gauge.channel.id}"
            )
    return found
