"""A trace as the arrays of a picture, in which every update is there exactly.

Between two neighbouring updates of a counter stands the whole number of counts by which its position
rose; a span from one update to another is then a sum of whole numbers, and the same figure as
``trace.energy`` gives. What is known of the position at each update goes along, so that such a span has
its guaranteed bound too.

Decision: the least and the most are told by how far they differ from the position one update before and
after, which is nearly always nothing, so that they take no room once they are compressed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..channel import FLAGS
from ..trace.series import I64
from ..trace.window_columns import WindowColumns
from ..units import NS_PER_S
from .counters.counter import Counter
from .energy_trace import Trace
from .estimates.sentence import Headline, headline
from .estimates.uncertainty import SENSOR
from .tracks import Count, Track, tracks

_I32 = np.iinfo(np.int32)

_SILENT = 1.8  # a tick that was missed leaves twice the usual time between two readings
_SILENCES_MAX = 2000
BAR_ROWS = 8  # of a flame chart: windows of more threads than these share the last one
BARS_MAX = 2000  # windows in a picture that nobody zooms into
_USUAL = 0.995
_CALM = 16  # updates: what fewer say is mostly their own jitter
_FEW = 230  # columns: with fewer, each update is a step that is seen
COVERAGE = 2.0  # of a normal distribution, 95 %

Plain = dict[str, Any]
Numbers = npt.NDArray[Any]


def pictured(trace: Trace) -> Plain:
    """The channels and the windows of a trace, for a page or a figure.

    Returns:
        ``origin_ns``, CLOCK_MONOTONIC, from which all other instants are counted; ``length_ns``;
        ``channels``, one mapping each with ``id``, ``source``, ``unit``, ``provenance``, ``tells_energy``,
        ``kind``, ``whole_ns`` (the time of the trace's sentence), ``is_in_total``, ``whole_U_j`` (half of the
        95 % interval then), ``sensor_U`` (the part of it that the sensor's own error takes, as a share of the
        energy; None: it is unknown), ``ends_U_j`` (the rest of it) and

        * of a ``counter``: ``t_ns`` int64[n + 1]; ``steps`` int[n], counts between neighbours;
          ``scale_j``, the joules of a count (value, least, most); ``least`` and ``most`` int[n + 1]: by how
          much more than a step the position can be less, or more;
        * of a ``gauge``: ``t_ns`` int64[n + 1] and ``values`` float64[n], in ``unit``, NaN in a gap;

        and ``gaps``, of which nothing is known: ``t0_ns``, ``t1_ns``, ``status``; ``silences``, in which a
        counter was not read and only its mean is known, the longest first; ``windows``: see
        ``window_bars``.
    """
    # Bits, each of which says something else, have no mean.
    found = [(track, *_ends(trace, track)) for track in tracks(trace) if track.unit != FLAGS]
    windows = trace.window_columns
    begins = [first for _, first, _ in found] + windows.t0_ns[:1].tolist()
    ends = [last for _, _, last in found] + ([int(windows.t1_ns.max())] if len(windows) else [])
    origin_ns = min(begins, default=0)
    first = headline(trace)
    whole_ns = None if first is None else [first.window.t0_ns - origin_ns, first.window.t1_ns - origin_ns]
    known = {} if first is None else _uncertainties(trace, first)
    counted = () if first is None else first.energy.channels
    return {
        "origin_ns": origin_ns,
        "length_ns": max(ends, default=0) - origin_ns,
        "channels": [
            {
                **_channel(trace, track, origin_ns, last),
                "whole_ns": whole_ns,
                "is_in_total": track.channel in counted,
                **known.get(track.channel, {"whole_U_j": None, "sensor_U": None, "ends_U_j": None}),
            }
            for track, _, last in found
        ],
        "windows": window_bars(windows, origin_ns),
    }


def side_by_side(pictures: Sequence[Plain], titles: Sequence[str]) -> Plain:
    """Several pictures on one time axis, each from its own beginning; channels are called by their trace.

    Args:
        pictures: Of ``pictured``.
        titles: What each trace is called.
    """
    if len(pictures) == 1:
        channels = [{**each, "trace": 0, "name": each["id"]} for each in pictures[0]["channels"]]
        return {**pictures[0], "channels": channels}
    bars = [picture["windows"] for picture in pictures]
    names = list(dict.fromkeys(name for each in bars for name in each["names"]))
    renamed = [
        np.array([names.index(name) for name in each["names"]], np.int64)[each["name"]] for each in bars
    ]
    first_row = np.cumsum([0, *(int(each["row"].max(initial=-1)) + 1 for each in bars)])
    columns = {
        "name": np.concatenate(renamed),
        "row": np.concatenate([each["row"] + row for each, row in zip(bars, first_row[:-1], strict=True)]),
        **{key: np.concatenate([each[key] for each in bars]) for key in ("t0_ns", "length_ns")},
    }
    order = np.lexsort((-columns["length_ns"], columns["t0_ns"]))
    return {
        "origin_ns": pictures[0]["origin_ns"],
        "length_ns": max(picture["length_ns"] for picture in pictures),
        "channels": [
            {**channel, "id": f"{title}: {channel['id']}", "trace": number, "name": channel["id"]}
            for number, (picture, title) in enumerate(zip(pictures, titles, strict=True))
            for channel in picture["channels"]
        ],
        "windows": {"names": names, **{key: column[order] for key, column in columns.items()}},
    }


def _uncertainties(trace: Trace, first: Headline) -> dict[str, Plain]:
    """What is known of each channel's ± in the time of the trace's sentence; without energy nothing."""
    found = {}
    for name, energy in trace.energy(first.window).items():
        if not energy.value or not math.isfinite(energy.U):
            continue
        own = [c.u for c in energy.components if c.name in SENSOR]
        sensor_j = COVERAGE * math.hypot(*own)
        found[name] = {
            "whole_U_j": energy.U,
            "sensor_U": sensor_j / energy.value if own else None,
            "ends_U_j": math.sqrt(max(energy.U**2 - sensor_j**2, 0.0)),
        }
    return found


def _ends(trace: Trace, track: Track) -> tuple[int, int]:
    instants = [int(track.t_ns[0])] if len(track.t_ns) else []
    instants += [gap.t0_ns for gap in track.gaps]
    last = max([trace.last_ns, *(gap.t1_ns for gap in track.gaps)])
    return min(instants), last


def _channel(trace: Trace, track: Track, origin_ns: int, last_ns: int) -> Plain:
    gaps = [
        {"t0_ns": gap.t0_ns - origin_ns, "t1_ns": gap.t1_ns - origin_ns, "status": gap.status}
        for gap in track.gaps
    ]
    channel = trace.channels[track.channel]
    head = {
        "id": track.channel,
        "source": channel.source,
        "unit": track.unit,
        "provenance": track.provenance,
        "tells_energy": track.channel in trace.energy_channels,
        "gaps": gaps,
        "silences": [],
    }
    meter = trace.meter(track.channel) if track.unit == "W" else None
    if isinstance(meter, Counter) and track.counted is not None:
        return {**head, "kind": "counter", **_counted(meter, track.counted, origin_ns)}
    # A gap begins with a value that is none, so that the one before it ends there.
    starts = np.concatenate((track.t_ns, np.array([gap.t0_ns for gap in track.gaps], np.int64)))
    values = np.concatenate((track.value, np.full(len(track.gaps), np.nan)))
    order = np.argsort(starts, kind="stable")
    t_ns = np.append(starts[order], last_ns) - origin_ns
    return {**head, "kind": "gauge", "t_ns": t_ns, "values": values[order]}


def _counted(counter: Counter, count: Count, origin_ns: int) -> Plain:
    edges, position = count.edges_ns, count.position
    least, most = counter.limits(edges)
    steps = np.where(count.is_known, np.diff(position), 0)
    before, after = np.append(0, steps), np.append(steps, 0)
    per_count = counter.quantity(np.ones(1, np.int64), counter.bits)[0]
    model = counter.channel.trust.model
    factors = (1.0, 1.0, 1.0) if model is None else (model.value_w, model.low_w, model.high_w)
    return {
        "silences": _silences(counter, origin_ns),
        "t_ns": edges - origin_ns,
        "steps": _narrow(steps),
        "least": _narrow(position - least - before),
        "most": _narrow(most - position - after),
        "scale_j": [float(per_count * factor) for factor in factors],
    }


def _silences(counter: Counter, origin_ns: int) -> list[Plain]:
    """Where neighbouring readings lie further apart than a tick or an update: missed, late or failed."""
    apart = np.diff(counter.t_ns)
    if not len(apart):
        return []
    usual_ns = max(int(np.median(apart)), counter.channel.timing.update_max_ns)
    long = np.flatnonzero(apart > _SILENT * usual_ns)
    long = long[np.argsort(apart[long], kind="stable")[::-1]][:_SILENCES_MAX]
    starts, ends = (counter.t_ns[long] - origin_ns).tolist(), (counter.t_ns[long + 1] - origin_ns).tolist()
    return [{"t0_ns": t0, "t1_ns": t1} for t0, t1 in zip(starts, ends, strict=True)]


def _narrow(values: I64) -> Numbers:
    """The same whole numbers as int32 where they fit, as float64 where they don't."""
    fits = not len(values) or (values.min() >= _I32.min and values.max() <= _I32.max)
    return values.astype(np.int32 if fits else np.float64)


def enveloped(found: Plain, columns: int = 1400) -> Plain:
    """A picture in at most so many equal columns, where each update cannot be shown.

    Args:
        found: Of ``pictured`` or ``side_by_side``.
        columns: How many.

    Returns:
        ``length_s``; ``channels`` with ``id``, ``unit``, ``provenance``, ``edges_s`` float64[m + 1],
        ``mean``, ``line`` (the mean, smoothed), ``least`` and ``most`` float64[m], NaN where nothing is
        known, ``usual``, the value that a channel seldom exceeds, ``lowest`` and ``highest``, at most and at
        least 0, and ``gaps_s`` and ``silences_s``, the beginnings and ends of both; ``n_windows``;
        ``windows``, of many the longest, with ``name``, ``number`` of the name, ``row``, ``t0_s``, ``t1_s``.
        A channel of fewer updates is there update by update.
    """
    bars = found["windows"]
    longest = np.sort(np.argsort(-bars["length_ns"], kind="stable")[:BARS_MAX])
    return {
        "length_s": found["length_ns"] / NS_PER_S,
        "channels": [_enveloped(each, found["length_ns"], columns) for each in found["channels"]],
        "n_windows": len(bars["t0_ns"]),
        "windows": [
            {
                "name": bars["names"][bars["name"][i]],
                "number": int(bars["name"][i]),
                "row": int(bars["row"][i]),
                "t0_s": bars["t0_ns"][i] / NS_PER_S,
                "t1_s": (bars["t0_ns"][i] + bars["length_ns"][i]) / NS_PER_S,
            }
            for i in longest
        ],
    }


def _smooth(mean: Numbers, area: Numbers, time: Numbers, n_updates: int) -> Numbers:
    """Means over three columns, or over as many as hold sixteen updates; few updates are left as they are."""
    n = len(mean)
    wide = max(3, math.ceil(_CALM * n / n_updates)) | 1
    if n < _FEW or wide >= n:
        return mean
    kernel = np.ones(wide)
    around = np.convolve(time, kernel, "same")
    summed = np.convolve(area, kernel, "same")
    return np.where(np.isnan(mean), np.nan, summed / np.maximum(around, 1))


def _usual(mean: Numbers, lengths: I64) -> float:
    """The value below which a channel stays in all but one part in two hundred of the time."""
    known = np.isfinite(mean)
    if not known.any():
        return 0.0
    order = np.argsort(mean[known])
    share = np.cumsum(lengths[known][order]) / max(int(lengths[known].sum()), 1)
    return float(mean[known][order][min(int(np.searchsorted(share, _USUAL)), len(order) - 1)])


def _enveloped(of: Plain, length_ns: int, columns: int) -> Plain:
    edges: I64 = of["t_ns"]
    lengths = np.diff(edges).astype(np.float64)
    if of["kind"] == "counter":
        value = of["steps"] * of["scale_j"][0] * NS_PER_S / np.maximum(lengths, 1)
    else:
        value = of["values"].copy()
    for gap in of["gaps"]:
        value[(edges[:-1] >= gap["t0_ns"]) & (edges[:-1] < gap["t1_ns"])] = np.nan
    # The first update of each column: a column is as wide as the updates that begin in it.
    first = np.unique(edges[:-1] * columns // max(length_ns, 1), return_index=True)[1]
    known = np.isfinite(value)
    if len(first):
        area = np.add.reduceat(np.where(known, value * lengths, 0.0), first)
        time = np.add.reduceat(np.where(known, lengths, 0.0), first)
        mean = np.divide(area, time, out=np.full(len(first), np.nan), where=time > 0)
        least, most = np.fmin.reduceat(value, first), np.fmax.reduceat(value, first)
    else:
        mean = least = most = np.empty(0)
    return {
        "id": of["id"],
        "unit": of["unit"],
        "provenance": of["provenance"],
        "edges_s": np.append(edges[:-1][first], edges[-1:]) / NS_PER_S,
        "mean": mean,
        "line": _smooth(mean, area, time, len(value)) if len(first) else mean,
        "least": least,
        "most": most,
        "lowest": float(np.nanmin(least, initial=0.0)),
        "highest": float(np.nanmax(most, initial=0.0)),
        "usual": _usual(mean, np.diff(np.append(edges[:-1][first], edges[-1:])).astype(np.int64)),
        "gaps_s": [(gap["t0_ns"] / NS_PER_S, gap["t1_ns"] / NS_PER_S) for gap in of["gaps"]],
        "silences_s": [(gap["t0_ns"] / NS_PER_S, gap["t1_ns"] / NS_PER_S) for gap in of["silences"]],
    }


def window_bars(windows: WindowColumns, origin_ns: int) -> dict[str, Any]:
    """Windows as bars of a flame chart, by their beginning, of those that begin together the longest first.

    Args:
        windows: Of a trace.
        origin_ns: The instant from which times are counted.

    Returns:
        ``names``, each once; and int64[n] arrays: ``name``, a number of ``names``; ``t0_ns``, ascending;
        ``length_ns``; ``row``, from 0, the first row in which nothing else is open then.
    """
    t0_ns, length_ns = windows.t0_ns - origin_ns, windows.t1_ns - windows.t0_ns
    order = np.lexsort((-length_ns, t0_ns))
    t0_ns, length_ns = t0_ns[order], length_ns[order]
    return {
        "names": list(windows.names),
        "name": windows.name[order],
        "t0_ns": t0_ns,
        "length_ns": length_ns,
        "row": _bar_rows(t0_ns, t0_ns + length_ns),
    }


def _bar_rows(t0_ns: I64, t1_ns: I64) -> I64:
    """Row by row: which window a row takes next depends on none but the one that it took last."""
    found = np.full(len(t0_ns), BAR_ROWS - 1)
    left = np.arange(len(t0_ns))
    for row in range(BAR_ROWS - 1):
        if not len(left):
            break
        begins = t0_ns[left]
        following = np.maximum(np.searchsorted(begins, t1_ns[left]), np.arange(1, len(left) + 1)).tolist()
        taken, at = [], 0
        while at < len(following):
            taken.append(at)
            at = following[at]
        found[left[taken]] = row
        left = np.delete(left, taken)
    return found
