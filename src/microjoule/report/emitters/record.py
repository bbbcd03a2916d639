"""What emitters read of a record, and how they write a figure. Conversions are of units only."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from ...errors import BadRecord
from ...joules.estimates import run_window
from ...units import GRAMS, J_PER_KWH, NS_PER_S
from ..footprint_lines import CONVENTION
from ..foreign_text import cut, in_cell, safe

Plain = Mapping[str, Any]
_W = TypeVar("_W", bound=Plain)


def one(record: Plain, form: str) -> Plain:
    """The only window of a record.

    Raises:
        BadRecord: There are several, or none.
    """
    windows = record["windows"]
    if len(windows) != 1:
        raise BadRecord(f"{form} describes one window, and there are {len(windows)}", _way_to_one(windows))
    found: Plain = windows[0]
    return found


def _way_to_one(windows: Sequence[Plain]) -> str:
    names = list(dict.fromkeys(window["name"] for window in windows))
    if len({window.get("trace") for window in windows}) > 1:
        return "Emit the traces one by one"
    if len(names) < len(windows) and len(names) == 1:
        return f"All are called {names[0]!r}: mark the one that is meant with a name of its own"
    return f"Choose one: {', '.join(map(cut, names))}" if names else "Record for longer"


def outermost(windows: Sequence[_W]) -> list[_W]:
    """The windows that lie in no other one of the same trace, in their order: no joule is in two of them."""
    order = sorted(range(len(windows)), key=lambda k: (windows[k]["t0_ns"], -windows[k]["t1_ns"]))
    ends: dict[str | None, int] = {}
    kept = []
    for k in order:
        trace, end_ns = windows[k].get("trace"), windows[k]["t1_ns"]
        if trace not in ends or end_ns > ends[trace]:
            kept.append(k)
            ends[trace] = end_ns
    return [windows[k] for k in sorted(kept)]


def doubts(record: Plain, window: Plain) -> list[str]:
    """What a window's figures do not say by themselves: that its recording was cut, or did not end."""
    traces = {each["trace"]: each for each in record.get("traces", [])}
    of = traces.get(window.get("trace"), record)
    flaws = (bool(of.get("is_truncated")), bool(of.get("damage")), bool(window.get("is_open")))
    return list(run_window.doubts(*flaws))


def value(window: Plain, part: str) -> float | None:
    """The figure of a part of a window's footprint; None where it is not known."""
    amount = window.get("footprint", {}).get(part)
    return amount["value"] if amount else None


def ends(window: Plain, part: str, which: str) -> tuple[float | None, float | None]:
    """Both ends of ``guaranteed`` or ``choice`` of a part; None where they are not known."""
    amount = window.get("footprint", {}).get(part)
    found = amount[which] if amount else None
    return (found[0], found[1]) if found else (None, None)


def kilograms(grams: float | None) -> float | None:
    """Grams as kilograms."""
    return None if grams is None else grams / GRAMS["kg"]


def kwh(energy_j: float | None) -> float | None:
    """Joules as kilowatt-hours."""
    return None if energy_j is None else energy_j / J_PER_KWH


def factor(record: Plain, part: str) -> Plain | None:
    """A factor of the record; None where there is none."""
    found: Plain | None = record.get("footprint", {}).get("factors", {}).get(part)
    return found


def intensity_of(record: Plain, window: Plain) -> Plain | None:
    """The intensity that a window was reckoned with: its own along a series, or the record's."""
    found: Plain | None = window.get("footprint", {}).get("intensity")
    return found or factor(record, "intensity")


def context(record: Plain, key: str) -> Any:  # noqa: ANN401 - JSON
    """What the person said; None where nothing."""
    return record.get("context", {}).get(key) or None


def hardware(record: Plain) -> list[str]:
    """The hardware in words: what the person said, or else what the trace's facts name."""
    said = context(record, "hardware")
    if said:
        return [said] if isinstance(said, str) else list(said)
    cpu = cpu_name(record)
    return [*([cpu] if cpu else []), *gpu_names(record)]


def counted(record: Plain) -> dict[str, int]:
    """The hardware by its name with its number; ``8 x H100`` and ``8 × H100`` are eight."""
    found: dict[str, int] = {}
    for each in hardware(record):
        for part in each.split(","):
            count, name = _count(part.strip())
            if name:
                found[name] = found.get(name, 0) + count
    return found


def _count(text: str) -> tuple[int, str]:
    match = re.fullmatch(r"(\d+)\s*[x×*]\s*(\S.*)", text)
    return (int(match[1]), match[2]) if match else (1, text)


def cpu_name(record: Plain) -> str | None:
    """The processor as the trace names it."""
    found: str | None = record.get("facts", {}).get("host", {}).get("cpu", {}).get("name")
    return found


def gpu_names(record: Plain) -> list[str]:
    """The GPUs as the trace names them, in its order."""
    return [gpu["name"] for gpu in record.get("facts", {}).get("gpus", []) if gpu.get("name")]


def version(record: Plain) -> str | None:
    """The version of microjoule that recorded."""
    found: str | None = context(record, "version") or record.get("facts", {}).get("microjoule")
    return found


def tool(record: Plain) -> str:
    """``microjoule 0.1.0``."""
    return f"microjoule {version(record) or ''}".strip()


def uncertainty(window: Plain) -> str:
    """``± 5.9 % (k = 2)`` of a window's energy; that it is not known where nothing was assessed.

    Where the accuracy of a sensor is unknown, ± leaves it out, and the words say so.
    """
    total = window["total"]
    half, value = total.get("U_j"), total["energy_j"]
    if not value:
        return "uncertainty unknown"
    if half is None:
        low, high = total["guaranteed_j"]
        reach = "" if low is None or high is None else f", between {number(low)} and {number(high)} J"
        return f"uncertainty not assessed{reach}"
    left_out = "" if is_sensor_assessed(window) else ", without the sensor's own error, which is unknown"
    return f"± {100 * half / value:.2g} % (k = {total.get('k') or 2:.2g}){left_out}"


def is_sensor_assessed(window: Plain) -> bool:
    """Whether ± holds the sensors' own error."""
    return bool(window["total"].get("is_sensor_assessed", True))


def guaranteed(window: Plain) -> str:
    """The guaranteed interval of the counter, in words; empty where it has none."""
    low, high = window["total"]["guaranteed_j"]
    if low is None or high is None or window["total"]["provenance"] == "estimated":
        return ""
    return f"guaranteed by the counter alone: {number(low)} to {number(high)} J"


def covered(window: Plain) -> str:
    """What the energy takes in, by its channels."""
    total = window["total"]
    names = ", ".join(total["channels"]) or "nothing"
    return f"{names} ({total['covers']})" if total.get("covers") else names


def not_covered(record: Plain, window: Plain) -> str:
    """What the energy leaves out, as far as the record tells."""
    counted = set(window["total"]["channels"])
    kinds = {row["hw_type"] for row in window["channels"] if row["channel"] in counted}
    if window["total"].get("covers"):
        return "what that meter does not take in"
    left = [name for kind, name in (("cpu", "CPU"), ("memory", "memory")) if kind not in kinds]
    if gpu_names(record) and "gpu" not in kinds:
        left.append("GPU")
    return ", ".join([*left, "the rest of the machine (power supply, fans, disks, network)"])


def coverage(record: Plain, window: Plain) -> str:
    """What the energy takes in and what it leaves out, in one clause."""
    return f"covered: {covered(window)}; not covered: {not_covered(record, window)}"


def tracking(window: Plain, hw_type: str) -> str | None:
    """How the energy of a kind of hardware was read: ``rapl_perf``, ``nvml``; None: it was not."""
    counted = set(window["total"]["channels"])
    rows = [r for r in window["channels"] if r["channel"] in counted and r["hw_type"] == hw_type]
    return ", ".join(dict.fromkeys(row["source"] for row in rows)) or None


def part_energy_j(window: Plain, hw_type: str, field: str = "energy_j") -> float | None:
    """A figure summed over the channels of a kind that the total covers, so that none counts twice."""
    counted = set(window["total"]["channels"])
    rows = [r for r in window["channels"] if r["channel"] in counted and r["hw_type"] == hw_type]
    figures = [row[field] for row in rows]
    return sum(figures) if figures and None not in figures else None


def part_uncertainty(window: Plain, hw_type: str) -> str:
    """``± 5 %`` of the energy of one kind of hardware, with the errors of its channels in step."""
    value, half = part_energy_j(window, hw_type), part_energy_j(window, hw_type, "U_j")
    return (
        f"± {100 * half / value:.2g} % (95 %)" if value and half is not None else "uncertainty not assessed"
    )


def as_csv(columns: Sequence[str], rows: Iterable[Plain]) -> str:
    """A table as CSV with its header: an unknown cell is empty, and no text is a spreadsheet's formula."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(cell) for key, cell in row.items()})
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str):
        return in_cell(safe(value))
    return "" if value is None else value


def moment(record: Plain, window: Plain) -> str | None:
    """When a window began, ``2026-11-28 10:00:00`` in UTC; of a record without a clock, when it was made."""
    facts = record.get("facts", {})
    real, monotonic = facts.get("started_realtime_ns"), facts.get("started_monotonic_ns")
    if real is not None and monotonic is not None:
        began = datetime.fromtimestamp((real + window["t0_ns"] - monotonic) // NS_PER_S, UTC)
        return began.strftime("%Y-%m-%d %H:%M:%S")
    made: str | None = context(record, "made_at")
    return made.replace("T", " ") if made else None


def number(figure: float, digits: int = 6) -> str:
    """A figure in plain decimals: YAML and TeX do not agree about exponents."""
    if not figure:
        return "0"
    places = max(digits - 1 - math.floor(math.log10(abs(figure))), 0)
    text = f"{figure:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def said_of(described: Plain | None) -> str:
    """``329.6 g/kWh (grid of Germany; average, lifecycle, generation; Ember, 2025)``."""
    if described is None:
        return "not known"
    boundary = ", ".join(described[word] for word in ("signal", "scope", "basis") if described[word])
    words = () if described["source"] == CONVENTION else ("source", "year")
    origin = ", ".join(str(described[word]) for word in words if described[word])
    unit = "" if described["unit"] == "1" else f" {described['unit']}"
    inside = "; ".join(part for part in (described["name"], boundary, origin) if part)
    return f"{number(described['value'])}{unit} ({inside})"
