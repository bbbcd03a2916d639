"""A trace as ui.perfetto.dev and chrome://tracing open it: the Chrome JSON trace event format.

Power is a counter for each channel, with an event for each update of the counter; windows are slices,
nested by containment, on as many tracks as they need; what a machine is stands in ``otherData``.
Timestamps are CLOCK_MONOTONIC in microseconds, written with all their nanoseconds.

Decision: the format knows no counter without a value. It can only be left as it was, or be set to a
number, and neither a zero nor NaN (no JSON) is what is known. So in a gap the counter has no event, and
a slice over just that time, on a track of the channel's own, says ``no figure`` and the status. What was
given up: a viewer draws the counter on through the gap at its last value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .measured_lines import with_spread

if TYPE_CHECKING:
    from ..joules.tracks import Gap, Track

SCHEMA = "microjoule.perfetto/1"
POWER, WINDOWS = 1, 2  # process ids: what the viewers group tracks by
_CHUNK = 10_000  # events that are put together at a time

Plain = Mapping[str, Any]


def render(summary: Plain, lines: Sequence[Track]) -> Iterator[str]:
    """The whole file in pieces, so that a million readings need no memory of their own.

    Args:
        summary: The report of the trace.
        lines: Its channels over time.

    Yields:
        Text, ASCII only; put together it is one JSON object.
    """
    about = {"schema": SCHEMA, "clock": "CLOCK_MONOTONIC", **summary["facts"]}
    yield f'{{"displayTimeUnit":"ns","otherData":{_json(about)},"traceEvents":[\n'
    yield ",\n".join(_names(summary, lines))
    for line in lines:
        yield from counter_events(line, POWER, zip(*_columns(line), strict=True))
    gaps = [_gap(thread, gap) for thread, line in enumerate(lines, 1) for gap in line.gaps]
    for number in range(0, len(gaps), _CHUNK):
        yield ",\n" + ",\n".join(gaps[number : number + _CHUNK])
    windows = list(_slices(summary["windows"]))
    for number in range(0, len(windows), _CHUNK):
        yield ",\n" + ",\n".join(windows[number : number + _CHUNK])
    yield "\n]}\n"


def counter_events(line: Track, process: int, points: Iterable[tuple[int, float]]) -> Iterator[str]:
    """The events of one counter, each after a comma, in pieces.

    Args:
        line: The channel.
        process: The process id to show it under.
        points: When, in nanoseconds of the file's clock, and the value from then on.
    """
    name = _json(line.channel if line.provenance == "measured" else f"{line.channel} ({line.provenance})")
    head = f',\n{{"ph":"C","pid":{process},"name":{name},"ts":'
    unit = _json(line.unit)
    piece: list[str] = []
    for t_ns, value in points:
        piece.append(f'{head}{t_ns // 1000}.{t_ns % 1000:03d},"args":{{{unit}:{value:.9g}}}}}')
        if len(piece) == _CHUNK:
            yield "".join(piece)
            piece.clear()
    yield "".join(piece)


def process_name(process: int, name: str) -> str:
    """The event that names a process."""
    return _metadata("process_name", process, 0, {"name": name})


def _columns(line: Track) -> tuple[list[int], list[float]]:
    return line.t_ns.tolist(), line.value.tolist()


def _names(summary: Plain, lines: Sequence[Track]) -> Iterator[str]:
    host = summary["facts"].get("host", {}).get("hostname") or "this machine"
    yield process_name(POWER, f"power of {host}")
    yield _metadata("process_sort_index", POWER, 0, {"sort_index": POWER})
    yield process_name(WINDOWS, "windows")
    yield _metadata("process_sort_index", WINDOWS, 0, {"sort_index": WINDOWS})
    for thread, line in enumerate(lines, 1):
        if line.gaps:
            yield _metadata("thread_name", POWER, thread, {"name": f"{line.channel}: no figure"})
    for thread in range(1, 1 + max((track for _, track in nested(summary["windows"])), default=0)):
        yield _metadata(
            "thread_name", WINDOWS, thread, {"name": "windows" if thread == 1 else f"windows {thread}"}
        )


def _metadata(name: str, process: int, thread: int, args: Plain) -> str:
    return _json({"ph": "M", "name": name, "pid": process, "tid": thread, "args": args})


def _gap(thread: int, gap: Gap) -> str:
    event = {"ph": "X", "name": f"no figure: {gap.status}", "cat": "gap", "pid": POWER, "tid": thread}
    return _slice(event, gap.t0_ns, gap.t1_ns)


def _slices(windows: Sequence[Plain]) -> Iterator[str]:
    for window, thread in nested(windows):
        remark = {"never ended": True} if window["is_open"] else {}
        event = {
            "ph": "X",
            "name": window["name"],
            "cat": "window",
            "pid": WINDOWS,
            "tid": thread,
            "args": {"attributes": window["attributes"], **remark, "energy": _energies(window)},
        }
        yield _slice(event, window["t0_ns"], window["t1_ns"])


def _energies(window: Plain) -> dict[str, Plain]:
    """What each channel says of a window, and their total where there are several."""
    rows = {row["channel"]: row for row in window["channels"]}
    total = window["total"]
    if len(total["channels"]) > 1:
        rows["total: " + " + ".join(total["channels"])] = total
    return {
        name: {
            "energy": with_spread(
                {
                    "value": row["energy_j"],
                    "U": row["U_j"],
                    "guaranteed": row["guaranteed_j"],
                    "status": row["status"],
                    "unit": "J",
                }
            ),
            "energy_j": row["energy_j"],
            "U_j": row["U_j"],
            "guaranteed_j": row["guaranteed_j"],
            "status": row["status"],
            **({"provenance": row["provenance"]} if "provenance" in row else {}),
        }
        for name, row in rows.items()
    }


def nested(windows: Sequence[Plain]) -> list[tuple[Plain, int]]:
    """Each window with the number of its track, from 1: on one track any two are apart or one in the other.

    The first track that can take a window does; outer ones come before what they hold.
    """
    found = []
    tracks: list[list[int]] = []  # of each the ends of what is open, the outermost first
    for window in sorted(windows, key=lambda each: (each["t0_ns"], -each["t1_ns"])):
        for ends in tracks:
            while ends and ends[-1] <= window["t0_ns"]:
                ends.pop()
        number = next((n for n, ends in enumerate(tracks) if not ends or window["t1_ns"] <= ends[-1]), None)
        if number is None:
            number = len(tracks)
            tracks.append([])
        tracks[number].append(window["t1_ns"])
        found.append((window, number + 1))
    return found


def _slice(event: Plain, t0_ns: int, t1_ns: int) -> str:
    """The event as JSON with its times, which are written digit by digit: a float would round them."""
    return f'{_json(event)[:-1]},"ts":{_us(t0_ns)},"dur":{_us(t1_ns - t0_ns)}}}'


def _us(t_ns: int) -> str:
    return f"{t_ns // 1000}.{t_ns % 1000:03d}"


def _json(value: Any) -> str:  # noqa: ANN401 - JSON values
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
