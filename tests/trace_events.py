"""The Chrome JSON trace event format, read strictly: what a viewer would drop is refused."""

from __future__ import annotations

import json
from collections import defaultdict
from fractions import Fraction

ALLOWED = {
    "M": {"ph", "name", "pid", "tid", "args"},
    "C": {"ph", "name", "pid", "ts", "args"},
    "X": {"ph", "name", "cat", "pid", "tid", "ts", "dur", "args"},
}
METADATA = {"process_name": "name", "thread_name": "name", "process_sort_index": "sort_index"}


def _refused(constant):
    raise AssertionError(f"{constant} is no JSON")


def _once(pairs):
    assert len({key for key, _ in pairs}) == len(pairs), f"a key stands twice in {pairs}"
    return dict(pairs)


def parsed(text):
    """The document, decimals exact; refuses NaN, doubled keys and lone surrogates."""
    text.encode("utf-8")
    return json.loads(text, parse_constant=_refused, object_pairs_hook=_once, parse_float=Fraction)


def ns(microseconds):
    """A timestamp as whole nanoseconds; refuses a part of one."""
    found = Fraction(microseconds) * 1000
    assert found.denominator == 1
    return int(found)


def checked(text):
    """The events by phase; refuses unknown fields, figures that are none, and slices that cross."""
    whole = parsed(text)
    assert set(whole) == {"displayTimeUnit", "otherData", "traceEvents"}
    by_phase = defaultdict(list)
    named = set()
    for event in whole["traceEvents"]:
        phase = event["ph"]
        assert set(event) <= ALLOWED[phase], event
        assert isinstance(event["name"], str)
        assert isinstance(event["pid"], int)
        by_phase[phase].append(event)
    for event in by_phase["M"]:
        assert set(event["args"]) == {METADATA[event["name"]]}
        named.add((event["pid"], event["tid"] if event["name"] == "thread_name" else None))
    for event in by_phase["C"]:
        assert len(event["args"]) == 1
        assert all(isinstance(value, int | Fraction) for value in event["args"].values())
    for event in by_phase["X"]:
        assert ns(event["dur"]) >= 0
        assert (event["pid"], event["tid"]) in named, "a track without a name"
    for event in by_phase["C"] + by_phase["X"]:
        assert (event["pid"], None) in named, "a process without a name"
    _no_crossing(by_phase["X"])
    return by_phase


def _no_crossing(slices):
    tracks = defaultdict(list)
    for event in slices:
        start = ns(event["ts"])
        tracks[event["pid"], event["tid"]].append((start, -ns(event["dur"])))
    for spans in tracks.values():
        ends = []
        for start, length in sorted(spans):
            while ends and ends[-1] <= start:
                ends.pop()
            assert not ends or start - length <= ends[-1], "slices of one track cross"
            ends.append(start - length)


def counters(by_phase):
    """By name: (ns, value, unit) of each counter's events, in the order of the file."""
    found = defaultdict(list)
    for event in by_phase["C"]:
        ((unit, value),) = event["args"].items()
        found[event["name"]].append((ns(event["ts"]), float(value), unit))
    return found
