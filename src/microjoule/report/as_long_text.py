"""The report for a terminal: one block a window, then what repeats, then what sampling cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..joules.estimates.estimate_text import is_limit, measured, percent
from ..text_width import cells, width
from . import footprint_lines, share_lines, unread_lines, written_numbers
from .columns import columns
from .foreign_text import LONGEST, beside_a_figure, cut
from .wrapping import wrapped

REPEATS_MAX = 3  # a name that more windows carry is shown by its summary alone
BLOCKS_MAX = 20
ALL_WINDOWS = "--windows all --json FILE lists them"

HEAD = ("", "energy", "± 95 %", "guaranteed", "mean", "peak*", "sensor", "")
_LEFT = (0, 7)  # columns that are set to the left
FOOT = (
    "± is the 95 % uncertainty; ≥ where the sensor's own error is unknown.\n"
    "guaranteed: whatever the power did between readings, if the sensor is right "
    "and lags by no more than was assumed or measured.\n"
    "sensor: its stated accuracy. * peak over at least 50 ms and 20 updates of a counter."
)
_SENSOR = HEAD.index("sensor")

_GRANTS = (("fifo", "SCHED_FIFO (--fifo)"), ("pinned", "pinning (--cpu)"))

_NAME_MAX = 16
_ATTRIBUTES_MAX = 60

_Row = tuple[str, ...]


def render(summary: Mapping[str, Any]) -> str:
    """The summary as lines: prose as wide as the terminal, and tables that are as wide as their figures."""
    single = [window for window in summary["windows"] if window["n_of_name"] <= REPEATS_MAX]
    left_over = len(single[BLOCKS_MAX:])
    single = single[:BLOCKS_MAX]
    has_rows = any(map(rows_of, single))
    lines = [*wrapped(summary["sentence"]), "", *_prose(warnings(summary))]
    if has_rows:
        blocks = [
            (window_title(window, beside_a_figure()), rows_of(window), _covered(window)) for window in single
        ]
        lines += [*_table(blocks), *_foot(blocks), *_prose(_lags(summary))]
    elif not summary["windows"]:
        lines += ["There is no figure: no time in which the channels were read. Record for longer.", ""]
    repeated = [named(row) for row in summary["by_name"] if row["n"] > 1]
    lines += ["", *_prose(repeated)] if repeated else []
    if left_over > 0:
        lines += ["", f"{written_numbers.count(left_over, 'more window')}: {ALL_WINDOWS}"]
    shares = share_lines.full(summary)
    lines += ["", *shares] if shares else []
    if "footprint" in summary and has_rows:
        lines += ["", *footprint_lines.lines(summary["footprint"], single)]
    lines += _prose(f"left out: {sentence}." for sentence in summary["facts"].get("excluded", ()))
    met = summary.get("conditions", ())
    lines += ["", *_prose(map(_condition, met))] if met else []
    if summary["engine"]["lanes"]:
        lines += [
            "",
            *_prose(map(_lane, summary["engine"]["lanes"])),
            *_prose(overhead_lines(summary["engine"].get("overhead"))),
        ]
    return "\n".join(lines) + "\n"


def _prose(sentences: Iterable[str]) -> list[str]:
    """Each sentence over as many lines as it needs; empty lines stay."""
    return [line for each in sentences for line in (wrapped(each, 2) or [""])]


def _lags(summary: Mapping[str, Any]) -> list[str]:
    lags = list(summary.get("lags", ()))
    if any("assumed" in line for line in lags):
        lags.append("To measure a lag, mark windows of different power or run `uj probe --calibrate`.")
    return lags


_LOST_MARKS = {
    "full": "{n} mark{s} of windows found no room. Mark fewer windows a second.",
    "lost": "Up to {n} mark{s} of windows lost: a program was killed while it marked one.",
    "damaged": "{n} mark{s} of windows damaged: a program overwrote memory that it shares with `uj run`. "
    "Windows may be missing.",
}


def warnings(summary: Mapping[str, Any]) -> list[str]:
    """What must be known before any figure is believed, a sentence each; a blank line after them."""
    lines = []
    if summary["is_truncated"]:
        lines.append(
            "The recording was not ended: its whole part is shown. `uj repair` makes a clean file of it."
        )
    lines += [_damage(each) for each in summary.get("damage", ())]
    lines += [_gap(each) for each in summary.get("gaps", ())]
    lost = summary["engine"].get("lost_marks", {})
    lines += [
        sentence.format(n=lost[cause], s="" if lost[cause] == 1 else "s")
        for cause, sentence in _LOST_MARKS.items()
        if lost.get(cause)
    ]
    lines += unread_lines.left_out(summary["facts"].get("left_out", {}))
    lines += unread_lines.failures(summary["engine"]["failures"])
    lines += [
        f"{channel} never moved: the counter is stuck, or its device was off. Its 0 J is not a measurement."
        for channel in summary["engine"]["stuck"]
    ]
    lines += [f"{sentence}." for sentence in summary.get("ranks", ())]
    sensors = *summary.get("sensors", ()), *summary.get("sensors_beside", ())
    lines += [f"{sentence}." for sentence in sensors]
    lines += [f"{sentence}." for sentence in summary.get("state", ())]
    lines += [f"{sentence}." for sentence in summary["facts"].get("misleading", ())]
    figures_shown = [row for window in summary["windows"] for row in window["channels"]]
    if figures_shown and all(row["provenance"] == "estimated" for row in figures_shown):
        lines.append(
            "No energy counter was read: all figures are estimated from CPU time, with a large uncertainty. "
            "`uj probe` says why, and what to do."
        )
    lines += _unplaced(summary["windows"])
    lines += [
        f"lane {lane['lane']}: {what} was {lane[grant]}"
        for lane in summary["engine"]["lanes"]
        for grant, what in _GRANTS
        if (lane[grant] or "").startswith("refused")
    ]
    lines += [
        f"the kernel stopped sampling lane {lane['lane']} (throttled): from then on its thread read it"
        for lane in summary["engine"]["lanes"]
        if lane.get("sampled_by") == "kernel, then thread"
    ]
    lines += [_missed(lane) for lane in summary["engine"]["lanes"] if lane["missed"]]
    return [*lines, ""] if lines else []


_UNPLACED = "it is not known what contains it"
_BATTERY = "the machine may be plugged in meanwhile"


def _unplaced(windows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was measured and is in no total, where the total has no sensor: an estimate, or nothing."""
    bare = [
        each
        for each in windows
        if each["total"]["provenance"] == "estimated" or not each["total"]["channels"]
    ]
    found: dict[str, dict[str, None]] = {_UNPLACED: {}, _BATTERY: {}}
    for window in bare:
        for row in window["channels"]:
            if row["provenance"] == "measured":
                is_battery = row["place"]["device"] == "battery"
                found[_BATTERY if is_battery else _UNPLACED][row["channel"]] = None
    lines = [
        f"Measured, and in no total because {why}: {', '.join(names)}. "
        f"`-v` shows {'its figure' if len(names) == 1 else 'their figures'}"
        + (", which is the whole machine's while it runs on its battery alone." if why is _BATTERY else ".")
        for why, names in found.items()
        if names
    ]
    if lines and all(each["total"]["channels"] for each in bare):
        lines[-1] += " The total is estimated."
    return lines


def _missed(lane: Mapping[str, Any]) -> str:
    wider = written_numbers.seconds(lane["late_max_s"])
    return (
        f"{lane['missed']:,} of {lane['ticks'] + lane['missed']:,} ticks missed in lane {lane['lane']}: "
        f"counters lose no energy, edges are up to {wider} wider"
    )


def _damage(of: Mapping[str, Any]) -> str:
    between = _between(of["t0_s"], of["t1_s"])
    missing = " The windows and readings in it are missing." if between else ""
    return f"{cut(of['what'])} damaged and left out{between}: {cut(of['why'])}.{missing}"


def _gap(of: Mapping[str, Any]) -> str:
    n = of["readings_lost"]
    lost = "readings are lost" if n is None else f"{n:,} readings are lost" if n else "no reading is lost"
    return f"{cut(of['cause'])}{_between(of['t0_s'], of['t1_s'])}: {lost}."


def _between(t0_s: float | None, t1_s: float | None) -> str:
    """``, 1.2 to 3.4 s after the first reading``; empty where nothing is known."""
    if t0_s is None and t1_s is None:
        return ""
    if t0_s is None:
        return f", until {t1_s:.1f} s after the first reading"
    until = "" if t1_s is None else f" to {t1_s:.1f} s"
    return f", {'from ' * (t1_s is None)}{t0_s:.1f}{' s' * (t1_s is None)}{until} after the first reading"


def window_title(window: Mapping[str, Any], longest: int = LONGEST) -> str:
    """``step  51.3 ms, never ended  loss=0.5``: name, duration, remarks and attributes."""
    told = {key: value for key, value in window["attributes"].items() if key != "synchronised"}
    attributes = cut(" ".join(f"{key}={value}" for key, value in told.items()), _ATTRIBUTES_MAX)
    remark = ", never ended" if window["is_open"] else ""
    remark += ", GPU not synchronised at its edges" if window.get("synchronised") is False else ""
    length = written_numbers.seconds(window["duration_s"])
    return f"{cut(window['name'], longest)}  {length}{remark}  {attributes}".rstrip()


def rows_of(window: Mapping[str, Any]) -> list[_Row]:
    """One row a channel and one of the total, in the columns of ``HEAD``."""
    rows = [_row(row["channel"], row, row) for row in window["channels"]]
    total = window["total"]
    if len(total["channels"]) > 1 or (total.get("covers") and len(rows) > 1):
        of_all = {"mean_w": None, "peak_w": None, "accuracy": "", **total}
        rows.append(_row(_total_name(total["channels"]), total, of_all))
    return rows


def _total_name(channels: Sequence[str]) -> str:
    """``total: package-0 + gpu-0``; of many how many, because each column stands to the right of it."""
    name = "total: " + " + ".join(channels)
    return name if len(name) <= _NAME_MAX else f"total of {len(channels)}"


def _covered(window: Mapping[str, Any]) -> list[str]:
    """The channels of a total that its name only counts, and what the total is of."""
    total = window["total"]
    channels, covers = total["channels"], total.get("covers")
    is_counted = len(channels) > 1 and _total_name(channels).startswith("total of")
    said = ["of " + " + ".join(channels)] if is_counted else []
    said += [covers] if covers and len(window["channels"]) > 1 else []
    return [line for text in said for line in wrapped(" " * 4 + text, 4)]


def _row(name: str, energy: Mapping[str, Any], rest: Mapping[str, Any]) -> _Row:
    low, high = energy["guaranteed_j"]
    remark = [] if energy["status"] == "ok" else [energy["status"].upper()]
    remark += ["estimated"] if energy.get("provenance") == "estimated" else []
    written, spread = figure_and_spread(energy)
    return (
        name,
        written,
        at_least(energy) + spread if spread else "",
        "–" if energy.get("provenance") == "estimated" else written_numbers.interval(low, high, "J"),
        written_numbers.quantity(rest["mean_w"], "W") if rest["mean_w"] is not None else "",
        written_numbers.quantity(rest["peak_w"], "W") if rest["peak_w"] is not None else "",
        written_numbers.accuracy(rest["accuracy"]),
        ", ".join(remark),
    )


def figure_and_spread(of: Mapping[str, Any]) -> tuple[str, str]:
    """A figure and its ±, to one digit where ± is all that is assessed; else each with its own digits."""
    value, half, guaranteed = of["energy_j"], of["U_j"], of["guaranteed_j"]
    if not at_least(of) or is_limit(value, half, written_numbers.ends(guaranteed)[0]):
        return written_numbers.energy(value, half, guaranteed)
    return written_numbers.quantity(value, "J", *guaranteed), written_numbers.spread(half, "J")


def at_least(energy: Mapping[str, Any]) -> str:
    """Before ± at 95 %: at least so much where the sensor's own error is unknown."""
    return "≥ " if energy["U_j"] and not energy.get("is_sensor_assessed", True) else ""


def _table(blocks: Sequence[tuple[str, Sequence[_Row], Sequence[str]]]) -> list[str]:
    """The rows below the titles of their windows; remarks below their rows where there is no room beside."""
    rows = [HEAD, *(row for _, block, _ in blocks for row in block)]
    head, *text = _aligned(rows)
    if _over((head, *text)) > 0:
        head, *text = _with_names_above([(*row[:-1], "") for row in rows])
        remarks = (f"\n    {remark}" if remark else "" for *_, remark in rows[1:])
        text = [row + remark for row, remark in zip(text, remarks, strict=True)]
    lines, at = [head] if head else [], 0
    for title, block, under in blocks:
        lines += [*wrapped(title, 4), *text[at : at + len(block)], *under]
        at += len(block)
    return lines


def _with_names_above(rows: Sequence[_Row]) -> list[str]:
    """Names that leave the figures no room beside them stand in lines of their own."""
    lines = _aligned(rows)
    if (over := _over(lines)) <= 0:
        return lines
    room = max(cells(row[0]) for row in rows) - over
    is_long = [cells(row[0]) > room for row in rows]
    lines = _aligned([("", *row[1:]) if long else row for row, long in zip(rows, is_long, strict=True)])
    above = (f"  {row[0]}\n" if long else "" for row, long in zip(rows, is_long, strict=True))
    return [name + line for name, line in zip(above, lines, strict=True)]


def _over(rows: Iterable[str]) -> int:
    """By how many columns the longest line is wider than the terminal."""
    return max(cells(line) for row in rows for line in row.split("\n")) - width()


def _aligned(rows: Sequence[_Row]) -> list[str]:
    return columns(rows, _LEFT, indent="  ", optional=(_SENSOR,), nothing=("", "unknown"))


def _foot(blocks: Sequence[tuple[str, Sequence[_Row], Sequence[str]]]) -> list[str]:
    """What the columns mean; the one of the sensor is left out where no accuracy is stated."""
    is_stated = any(row[_SENSOR] not in ("", "unknown") for _, rows, _ in blocks for row in rows)
    foot = FOOT if is_stated else FOOT.replace("its stated accuracy", "no accuracy is stated")
    return [line for text in foot.splitlines() for line in wrapped(text)]


_FROM = {
    "readings": "from the readings around each",
    "bracketed": "from the counter's updates around each",
    "regression": "from one fit to all updates of the counter",
    "not separable": "the updates cannot separate these names",
}


def named(row: Mapping[str, Any]) -> str:
    """Windows of one name in a line, and what its figure rests on."""
    each = row["per_window"]
    figure = energy(each)
    varies = f", varies by {written_numbers.spread(row['sd_j'], 'J')}" if row["sd_j"] is not None else ""
    share = f", {percent(row['share'], 3)} of all" if row["share"] is not None else ""
    length = written_numbers.seconds(row["window_s"])
    missing = f", {row['n_cut']} more cut by the recording" if row["n_cut"] else ""
    head = f"{cut(row['name'], beside_a_figure())} × {row['n']}: {figure} each{varies}"
    return f"{head}, {length} each{share}{missing}; {_FROM[row['method']]}"


def energy(of: Mapping[str, Any]) -> str:
    """``6.488 J ± 0.011 J``, ``at most 16 mJ``; a dash where there is no figure."""
    if of["energy_j"] is None:
        return written_numbers.quantity(None, "J")
    return measured(of["energy_j"], of["U_j"] or 0.0, written_numbers.ends(of["guaranteed_j"]), "J")


_SAMPLED_BY = {
    "agent": ", read through the agent",
    "kernel": ", sampled by the kernel",
    "kernel, then thread": ", sampled by the kernel until it stopped (throttled), then by the lane's thread",
}


def _lane(lane: Mapping[str, Any]) -> str:
    rate = f"{lane['rate_hz']:g} Hz" if lane["rate_hz"] else "rate unknown"
    counts = ", ".join(f"{lane[count]} {count}" for count in ("late", "missed", "dropped", "errors"))
    busy = written_numbers.quantity(lane["busy_s"], "s")
    by = _SAMPLED_BY.get(lane.get("sampled_by") or "", "")
    return f"lane {lane['lane']}: {rate}{by}, {lane['ticks']} ticks, {counts}, {busy} of CPU time"


_AMOUNTS = {"Hz": (1e9, ".2f", " GHz"), "°C": (1, ".0f", " °C")}


def _condition(of: Mapping[str, Any]) -> str:
    scale, form, unit = _AMOUNTS.get(of["unit"], (1, ".2g", ""))
    mean, low, high = (f"{of[figure] / scale:{form}}" for figure in ("mean", "low", "high"))
    between = f" (mean; {low}–{high})" if low != high else ""
    return f"{of['what']}: {mean}{unit}{between}"


def overhead_lines(known: Mapping[str, Any] | None) -> list[str]:
    """What sampling took of the machine, as `uj overhead` had measured it."""
    if not known:
        return []
    value, half = written_numbers.bare(100 * known["share_of_core"], 100 * known["U"]).split(" ± ")
    at = " and ".join(f"{rate_hz:g} Hz" for rate_hz in known["measured_at_hz"])
    between = "between " if len(known["measured_at_hz"]) > 1 else ""
    how = f"{known['method']}, {between}{at}, taken {known['taken']}"
    return [f"sampling took {value} % ± {half} % of a core (estimated: {how})"]
