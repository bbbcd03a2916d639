"""The answers of all tools as a page of tables."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from machine import Node
from tools import OURS

WINDOWS = ("1 ms", "10 ms", "100 ms", "1 s")
WRAPS = ("one wrap", "three wraps")
WORK = ("asleep", "pure Python", "C without the GIL")
NONE = "–"
Answers = Mapping[str, Mapping[str, Any]]


def page(found: Answers, desktop: Node, wrapping: Node, facts: Mapping[str, object]) -> str:
    """The whole page, in Markdown."""
    head = (
        "# Beside other tools",
        "",
        "Taken by `make peers`. Every tool in an environment of its own, on the same powercap tree, whose",
        f"counters follow a constant power and are updated at 1.024 kHz: a package of "
        f"{desktop.watts['0']:.0f} W; for",
        f"wraps one of {wrapping.watts['0']:.0f} W whose counter holds {wrapping.range_j:.0f} J. "
        "The truth of a window is that power times",
        "the time of the work in it. Each tool is used as its own documentation shows; `adapters/` has how.",
    )
    parts = (
        ("Cost", cost(found)),
        ("Error of a window's energy", errors(found)),
        ("A counter that wraps inside the window", wraps(found)),
        ("Readings delivered of those due", rates(found)),
    )
    lines = [*head, ""]
    for title, (words, table) in parts:
        lines += [f"## {title}", "", words, "", *table, ""]
    return "\n".join([*lines, "The machine:", "", *(f"- {key}: {value}" for key, value in facts.items()), ""])


def cost(found: Answers) -> tuple[str, list[str]]:
    """Import, and begin and end of a window."""
    ours = found.get(OURS, {})
    rows = []
    for name, answers in found.items():
        import_ms = 1e3 * answers["import_s"]
        taken = _latency_us(answers)
        rows.append(
            [
                f"{name} {answers['version']}",
                f"{import_ms:.3g} ms",
                _times(import_ms, 1e3 * ours["import_s"]) if ours else NONE,
                NONE if taken is None else f"{taken:.3g} µs",
                NONE if taken is None or not ours else _times(taken, _latency_us(ours)),
            ]
        )
    words = (
        "Import above the bare interpreter (median of pairs); begin and end of a window together (median)."
        " wattameter has no windows."
    )
    return words, table(("tool", "import", "to ours", "begin + end", "to ours"), rows)


def errors(found: Answers) -> tuple[str, list[str]]:
    """The relative error of windows of several lengths."""
    rows = [[name, *(_error(answers[length]) for length in WINDOWS)] for name, answers in found.items()]
    words = (
        "Root mean square, and the range of all. In square brackets how many windows' truth lay inside the"
        " guaranteed interval that stands beside our figure; no other tool gives an interval."
    )
    return words, table(("tool", *WINDOWS), rows)


def wraps(found: Answers) -> tuple[str, list[str]]:
    """What was answered of the truth."""
    rows = [[name, *(_shares(answers[wrap]) for wrap in WRAPS)] for name, answers in found.items()]
    words = (
        "Energy answered, as a share of the truth, each time. 0.998 is right: the driver cuts the unit of"
        " these counters off by 0.18 %, and only we put it back."
    )
    return words, table(("tool", *WRAPS), rows)


def rates(found: Answers) -> tuple[str, list[str]]:
    """Readings delivered, and the longest usual gap."""
    rows = [[name, *(_rate(answers[work]) for work in WORK)] for name, answers in found.items()]
    words = (
        "At 1 kHz, and ours at 4 kHz too. In brackets the 99th percentile of the time between two readings."
        " – : the tool has no sampler."
    )
    return words, table(("tool", *(f"main thread {work}" for work in WORK)), rows)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *map(list, rows)]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _times(value: float, ours: float | None) -> str:
    return NONE if not ours else f"{value / ours:.3g} ×"


def _latency_us(answers: Mapping[str, Any]) -> float | None:
    taken = answers["latency"].get("taken_s")
    return None if taken is None else 1e6 * statistics.median(taken)


def _error(answer: Mapping[str, Any]) -> str:
    if "error" in answer:
        return f"failed: {answer['error']}"
    if answer["energies_j"] is None:
        return NONE
    truths = [took_s * answer["watts"] for took_s in answer["took_s"]]
    values = [_value(each) for each in answer["energies_j"]]
    known = [(value, truth) for value, truth in zip(values, truths, strict=True) if value is not None]
    if not known:
        return "none"
    off = [100 * (value / truth - 1) for value, truth in known]
    rms = math.sqrt(statistics.fmean(each * each for each in off))
    text = f"{rms:.2g} % ({min(off):+.2g} … {max(off):+.2g})"
    if isinstance(answer["energies_j"][0], list):
        held = sum(
            low <= truth <= high for (_, low, high), truth in zip(answer["energies_j"], truths, strict=True)
        )
        text += f" [{held} of {len(truths)}]"
    return text if len(known) == len(values) else f"{text}; none {len(values) - len(known)} times"


def _shares(answer: Mapping[str, Any]) -> str:
    if "error" in answer:
        return f"failed: {answer['error']}"
    if answer["energies_j"] is None:
        return NONE
    truths = [took_s * answer["watts"] for took_s in answer["took_s"]]
    shares = [
        "none" if (value := _value(each)) is None else f"{value / truth:.3f}"
        for each, truth in zip(answer["energies_j"], truths, strict=True)
    ]
    return ", ".join(shares)


def _value(energy: float | list[float] | None) -> float | None:
    return energy[0] if isinstance(energy, list) else energy


def _rate(answer: Mapping[str, Any]) -> str:
    if "error" in answer:
        return f"failed: {answer['error']}"
    times = answer["times_s"]
    if times is None:
        return NONE
    gaps = sorted(later - earlier for earlier, later in pairwise(times))
    p99_ms = 1e3 * gaps[int(0.99 * len(gaps))] if gaps else float("nan")
    return f"{100 * len(times) / (answer['rate_hz'] * answer['took_s']):.1f} % ({p99_ms:.3g} ms)"
