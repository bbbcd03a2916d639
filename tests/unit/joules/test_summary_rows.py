"""Rows of a summary: windows some at a time, instants in seconds, and counters that never moved."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from ideal import MS, Ideal, constant, rows
from unit.joules.test_beside_meter import DRAM, PACKAGE, meter

import microjoule
from microjoule.joules.energy_trace import Trace
from microjoule.joules.reference.beside_meter import coverage
from microjoule.joules.summary import figures_in_blocks, lags, stuck, summary
from microjoule.trace.verify import Damage

SCHEMA = json.loads((Path(microjoule.__file__).parent / "report/report.schema.json").read_text())
IDEAL = Ideal(constant(100.0), n=300, limit_w=150.0)
STILL = Ideal(constant(0.0), n=600, poll_jitter=0.0)  # read for 0.6 s


def marked(n: int) -> Trace:
    edges = [IDEAL.inside(0.1 + 0.1 * at, 0.15 + 0.1 * at) for at in range(n)]
    marks = [
        (t_ns, kind, number, f"w{number % 2}")
        for number, ends in enumerate(edges)
        for t_ns, kind in zip(ends, ("@begin", "@end"), strict=True)
    ]
    return Trace(rows([IDEAL, replace(IDEAL, id="package-0/dram", seed=3)], marks))


@pytest.mark.parametrize("n", [0, 1, 5])
@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_windows_that_come_some_at_a_time_are_those_that_a_summary_lists(n: int, at_once: int) -> None:
    blocks = list(figures_in_blocks(marked(n), at_once))
    assert all(len(block) <= at_once for block in blocks)
    assert [window for block in blocks for window in block] == summary(marked(n), None)["windows"]


def test_a_window_that_never_ended_ends_where_all_channels_that_were_read_to_the_end_are_known() -> None:
    """One was read for 20 ms less; one that fell silent two seconds before does not cut the window."""
    long, short, silent = (
        replace(IDEAL, id=f"package-{k}", n=n, seed=k) for k, n in enumerate((3000, 2980, 300))
    )
    ends_ns = [int(each.series.t_ns[-1]) for each in (long, short)]
    begin, _ = long.inside(0.01, 0.02)
    of = Trace(rows([long, short, silent], [(begin, "@begin", 1, "w")]))
    (window,) = of.windows
    assert window.is_open
    assert ends_ns[1] - 2 * MS < window.t1_ns <= ends_ns[1] < ends_ns[0]


def test_damage_is_timed_from_the_first_instant_that_has_an_energy() -> None:
    of = marked(0)
    t0_ns = of.span.t0_ns
    of = Trace(of.table, None, False, (Damage("the facts", None, t0_ns + 5 * MS, "why"),))
    assert summary(of)["damage"] == [{"what": "the facts", "t0_s": None, "t1_s": 0.005, "why": "why"}]
    nothing = Trace(of.table.slice(0, 0), None, False, (Damage("batch 1", None, t0_ns, "why"),))
    assert [(each["t0_s"], each["t1_s"]) for each in summary(nothing)["damage"]] == [(None, None)]


@pytest.mark.parametrize(
    ("update_ms", "longest_ms", "is_stuck"), [(1, 5, True), (1, 7, False), (7, 5, False), (5, 5, True)]
)
def test_a_counter_is_stuck_that_never_moved_in_the_time_of_a_hundred_updates(
    update_ms: int, longest_ms: int, is_stuck: bool
) -> None:
    """By the usual time between two updates or by the longest, whichever is more."""
    of = replace(STILL, id="package-0/uncore", update_ns=update_ms * MS, declared_max=longest_ms / update_ms)
    assert of.channel.timing.update_max_ns == longest_ms * MS
    assert stuck(Trace(rows([of, IDEAL]))) == ([of.id] if is_stuck else [])


def test_each_counter_that_moved_has_a_line_about_the_lag_that_is_assumed_of_it() -> None:
    late, dead = replace(IDEAL, lag_ns=MS), replace(STILL, id="package-1", lag_ns=MS)
    of = Trace(rows([late, dead]))
    assert of.dead == {dead.id}
    (line,) = lags(of)
    assert line.startswith(f"{late.id}: its counter may show energy up to 1 ms late (assumed")


def test_what_the_counters_cover_of_a_meter_is_told_wherever_there_is_one() -> None:
    a, b = PACKAGE.inside(0.2, 0.8)
    marks = [(a, "@begin", 0, "run"), (b, "@end", 0, "")]
    of, without = (Trace(rows(channels, marks)) for channels in ([PACKAGE, DRAM, meter()], [PACKAGE, DRAM]))
    assert summary(of)["whole"]["meter"] == coverage(of, of.window("run"))._asdict()
    assert summary(without)["whole"]["meter"] is None


def test_reads_that_failed_are_counted_by_code_with_what_it_means() -> None:
    table = rows([replace(IDEAL, failed=0.02)])
    status = table.column("status").to_numpy()
    (row,) = summary(Trace(table))["engine"]["failures"]
    code, n = int(status.max()), int((status == status.max()).sum())
    assert n > 1
    assert row == {"channel": "package-0", "code": code, "why": os.strerror(code), "n": n}
    jsonschema.validate(row, SCHEMA["properties"]["engine"]["properties"]["failures"]["items"])
