"""The energy by kernel, function, range and window for a terminal: one table each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import written_numbers
from .columns import columns
from .foreign_text import cut, safe
from .measured_lines import with_spread
from .wrapping import wrapped

Plain = Mapping[str, Any]

_HEAD = ("n", "time", "energy", "± 95 %", "mean", "share", "method")
_TITLES = {
    "kernel": "by kernel",
    "operator": "by operator, without those that it calls",
    "call": "by call, without those inside it",
    "function": "by function, without those that it calls",
    "function_all": "by function, with all that it calls",
    "range": "by annotated range, with all that is inside",
    "window": "by window of the trace, with all that is inside",
}
_METHODS: Mapping[str, str] = {"not separable": "together"}
_ROWS = 30
_LONG_PATH = 40
_NAME = 46
_MEAN, _METHOD = 5, 7
_LEFT_OUT: Sequence[tuple[tuple[int, ...], int]] = (  # columns left to the JSON, and a name's least length
    ((), 28),
    ((_MEAN,), 20),
    ((_MEAN, _METHOD), 12),
)
_SHARING = 8  # names of one figure that are shown
_FOOT = (
    "energy: everything that the channel used in that time, idle power included",
    "bracketed: each launch outlasts the counter's update; regression: fitted over all updates",
    "together: the readings cannot separate these; ~ marks an estimate of each, its time times their mean "
    "power, with the interval that the readings allow",
)


def render(found: Plain, width: int) -> str:
    """The attribution as lines.

    Args:
        found: ``plugins.profiles.attribute`` as plain data.
        width: Columns of the terminal.
    """
    lines = [*_warnings(found), *wrapped(_about(found))]
    lines += [line for each in found["profiles"] for line in _profile(each)]
    for table in found["tables"]:
        lines += ["", *_events(table, found), *_table(table, width)]
    feet = [line for text in _FOOT for line in wrapped(text)]
    return "\n".join([*lines, "", *feet]) + "\n"


def _warnings(found: Plain) -> list[str]:
    if found["provenance"] == "measured":
        return []
    text = (
        f"{found['channel']} is ESTIMATED from CPU time: these figures say how busy the processor was, "
        "and not what one instruction costs more than another. `uj probe` shows how to open a counter."
    )
    return [*wrapped(text), ""]


def _about(found: Plain) -> str:
    span = written_numbers.seconds(found["span_s"])
    aligned = written_numbers.spread(found["alignment_u_s"], "s")
    of = f" of the profile's {written_numbers.seconds(found['profile_s'])}"
    return (
        f"{found['channel']}: {with_spread(found['measured'])} in {span}{of}; "
        f"{found['updates']} updates, clocks aligned to {aligned}"
    )


def _profile(of: Plain) -> list[str]:
    """The line of a profile: its form, its clock and its GPU."""
    gpu = "" if of["gpu"] is None else f"; device {of['device']} is gpu-{of['gpu']} ({of['matched']})"
    found = wrapped(f"{_short(of['path'])}: {of['form']}, {of['clock']}{gpu}")
    if of["is_match_known"] is False:
        found += wrapped(f"If device {of['device']} is another GPU, add --device {of['device']}=gpu-N")
    return found


def _short(path: str) -> str:
    """A file and its folder, which is as a rule its rank."""
    return safe("/".join(path.split("/")[-2:])) if len(path) > _LONG_PATH else safe(path)


def _events(table: Plain, found: Plain) -> list[str]:
    """What became of the events: read, dropped, impossible."""
    if table["kind"] == "window":
        return []
    inside, outside = table["events"]["inside"], table["events"]["outside"]
    every = [each["events"] for each in found["profiles"]]
    read = sum(each["read"] for each in every)
    parts = [f"{read} events read, {inside} in this table"]
    parts += [f"{outside} outside the time that was measured"] if outside else []
    impossible: dict[str, int] = {}
    for each in every:
        for reason, count in each["impossible"].items():
            impossible[reason] = impossible.get(reason, 0) + count
    dropped = sum(impossible.values()) + sum(each["unreadable"] for each in every)
    parts += [f"{dropped} dropped or corrected"] if dropped else []
    parts += [f"{count} with {reason}" for reason, count in impossible.items()]
    for word in ("unreadable", "repaired"):
        count = sum(each[word] for each in every)
        parts += [f"{count} {word}"] if count else []
    return wrapped("; ".join(parts))


def _table(table: Plain, width: int) -> list[str]:
    shown = table["rows"][:_ROWS]
    lines: list[str] = []
    for gone, least in _LEFT_OUT:
        for name in range(_NAME, least - 1, -1):
            rows = [("  name", *_HEAD), *(row for each in shown for row in _rows(each, name))]
            if table["sum"]:
                rows.append(("sum", "", "", *_energy(table["sum"]), "", "", ""))
            kept = [[cell for i, cell in enumerate(row) if i not in gone] for row in rows]
            lines = [_TITLES[table["kind"]], *columns(kept, (0,) if _METHOD in gone else (0, -1))]
            if max(map(len, lines)) <= width:
                break
        else:
            continue
        break
    left = len(table["rows"]) - len(shown)
    return [*lines, f"  {left} more: --json FILE has them all"] if left else lines


def _rows(row: Plain, name: int) -> Iterator[tuple[str, ...]]:
    """A line of figures; where names share it, a line for each of them before."""
    figures_of = (
        written_numbers.seconds(row["time_s"]),
        *_energy(row["energy"]),
        _mean(row),
        f"{100 * row['share']:.1f} %" if row["share"] is not None else "",
        _METHODS.get(str(row["method"]), str(row["method"])),
    )
    parts = {part["name"]: part for part in row["parts"]}
    named = list(zip(row["names"], row["launches"], strict=True))[:_SHARING]
    blank = ("",) * len(figures_of)
    if len(row["names"]) == 1:
        yield ("  " + cut(row["names"][0], name), _count(row["launches"][0]), *figures_of)
        return
    yield (f"  {len(row['names'])} names", "", *figures_of)
    for each, launches in named:
        part = parts.get(each)
        figures = _estimate(part) if part else blank
        yield ("  + " + cut(each, name - 2), _count(launches), *figures)
    left = len(row["names"]) - len(named)
    if left:
        yield (f"  + {left} more", "", *blank)


def _estimate(part: Plain) -> tuple[str, ...]:
    """Of one name that cannot be distinguished: its time, its estimate and the interval left open."""
    value = part["energy"]["value"]
    low, high = part["energy"]["guaranteed"]
    about = "" if value is None else f"~{written_numbers.quantity(value, 'J', low, high)}"
    bound = "" if value is None else written_numbers.interval(low, high, "J")
    return (written_numbers.seconds(part["time_s"]), about, bound, "", "", "estimated")


def _mean(row: Plain) -> str:
    mean, half = row["mean_w"], row["mean_U_w"]
    return "" if mean is None else written_numbers.quantity(mean, "W", mean - half, mean + half)


def _count(launches: int | None) -> str:
    return "" if launches is None else str(launches)


def _energy(energy: Plain) -> tuple[str, str]:
    value, half = energy["value"], energy["U"]
    if value is None:
        low, high = energy["guaranteed"]
        return f"{energy['status']}: {written_numbers.interval(low, high, 'J')}", ""
    return written_numbers.energy(value, half, (0.0, value + half))
