"""One machine read by perf, powercap, MSR and NVML: each path gives the count that the machine had.

The machine is a list of updates of an exact energy. Each path shows it as its driver does, in its own unit,
width and rounding; the channels are those that the product's sources make of the files of a machine. What is
expected is integrated by this file alone, reading by reading, in integers and rationals.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ideal import write as write_trace
from machines import CLIENT
from machines import write as write_machine
from places import identity

import microjoule as uj
from microjoule.channel import Access, Channel, Scale, Timing, Trust
from microjoule.joules.long_traces.streamed import stream
from microjoule.sources import powercap, rapl_msr, rapl_perf
from microjoule.sources.machine import Machine
from microjoule.trace import schema

MS = 1_000_000
T0 = 3_000_000_000_000
COUNT_J = Fraction(1, 1 << 14)
NVML = Channel(
    **identity("gpu-0/energy"),
    source="nvml",
    lane="gpu-0",
    scale=Scale(quantity="J", unit=Fraction(1, 1000), unit_source="interface"),
    timing=Timing(update_ns=MS, update_max_ns=2 * MS),
    trust=Trust(power_limit_w=100.0),
    access=Access(reader="nvml", path="gpu-0"),
)


class Path(NamedTuple):
    """A way to read: what shows an energy in counts of 2^-14 J, and how many of the path's counts that is."""

    channel: Channel
    shown: object
    counts: object


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    root = write_machine(CLIENT, tmp_path_factory.mktemp("client"))
    found = {
        source.NAME: next(one for one in source.survey(Machine(root)).channels if one.id == "package-0")
        for source in (rapl_perf, powercap, rapl_msr)
    }
    found = {
        name: replace(one, timing=Timing(update_ns=MS, update_max_ns=2 * MS)) for name, one in found.items()
    }
    ratio = COUNT_J / found["rapl_perf"].scale.unit
    assert ratio.denominator == 1
    steps = int(ratio)
    return {
        # events/rapl.c adds up the register's steps in 64 bits, in units of 2^-32 J.
        "perf": Path(found["rapl_perf"], lambda n: n * steps % (1 << 64), lambda n: n * steps),
        # intel_rapl_common.c: whole nanojoules a count, shown in whole microjoules, of a register of 32 bits.
        "powercap": Path(found["powercap"], lambda n: (n % (1 << 32)) * 61_035 // 1000, lambda n: n),
        # The register: its upper half is reserved, and not always zero.
        "MSR": Path(found["rapl_msr"], lambda n: n % (1 << 32) | 0xABCD << 32, lambda n: n),
        "NVML": Path(NVML, lambda n: n * 1000 // (1 << 14), lambda n: n * 1000 // (1 << 14)),
    }


class Script(NamedTuple):
    """When the machine's energy was updated, and the counts of 2^-14 J that it had from then on."""

    t_ns: list[int]
    counts: list[int]

    def at(self, t_ns):
        return self.counts[max(bisect_right(self.t_ns, t_ns) - 1, 0)]


def script(seed, n, start):
    chance = random.Random(seed)
    t_ns, counts = [T0 - MS], [start]
    for number in range(n):
        t_ns.append(t_ns[0] + (number + 1) * MS + chance.randrange(MS // 5))
        counts.append(counts[-1] + (chance.randrange(1600) if chance.random() < 0.9 else 0))
    return Script(t_ns, counts)


def readings(of, seed):
    chance = random.Random(seed)
    t_ns, end_ns, out = T0, of.t_ns[-1], []
    while t_ns < end_ns:
        out.append((t_ns, chance.randrange(1_000, 20_000)))
        t_ns += chance.randrange(MS // 3, 2 * MS)
    return out


def table(path, of, read, marks):
    """The trace of the machine by one path: each read sees the energy of its middle."""
    names = schema.dictionary([path.channel])
    out = [(t, long, 0, path.shown(of.at(t + long // 2)), 0, None) for t, long in read]
    out += [(t, 0, names.index(kind), number, 0, label) for t, kind, number, label in marks]
    out.sort(key=lambda row: row[0])
    columns = list(zip(*out, strict=True))
    return pa.table(
        [
            pa.array(columns[0], pa.int64()),
            pa.array(columns[1], pa.uint32()),
            pa.DictionaryArray.from_arrays(pa.array(columns[2], pa.uint16()), pa.array(names)),
            pa.array(columns[3], pa.uint64()),
            pa.nulls(len(out), pa.int64()),
            pa.array(columns[4], pa.uint16()),
            pa.array(columns[5], pa.utf8()),
        ],
        schema=schema.schema([path.channel], {"host": {"hostname": "one"}}),
    )


def expected(path, of, read):
    """The counts of a path at each reading since its first, by the machine's own energy."""
    shown = [path.counts(of.at(t + long // 2)) for t, long in read]
    return [each - shown[0] for each in shown]


MACHINES = {
    "seed": st.integers(0, 1 << 30),
    "n": st.integers(60, 160),
    "start": st.sampled_from([0, 12_345, (1 << 32) - 20_000, (1 << 32) - 1, 5 << 31]),
}


@settings(max_examples=12, deadline=None)
@given(**MACHINES)
@example(seed=1, n=100, start=(1 << 32) - 20_000)
@pytest.mark.parametrize("name", ["perf", "powercap", "MSR", "NVML"])
def test_pandas_polars_and_duckdb_have_the_machines_counts(paths, tmp_path_factory, name, seed, n, start):
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    pytest.importorskip("duckdb")
    from microjoule.plugins.sql.database import Database

    path, of = paths[name], script(seed, n, start)
    read = readings(of, seed + 1)
    file = write_trace(tmp_path_factory.mktemp("t") / "t.arrows", table(path, of, read, []), 30)
    trace = uj.load(file)
    counts = expected(path, of, read)
    unit = path.channel.scale.unit
    exact_j = [float(Fraction(each) * unit) for each in counts]
    answer = Database(file).ask("select count, energy_j from readings order by t_ns")
    by_sql = list(answer.rows)
    frames = {
        "pandas": (trace.to_pandas()["count"].tolist(), trace.to_pandas()["energy_j"].tolist()),
        "Polars": (trace.to_polars()["count"].to_list(), trace.to_polars()["energy_j"].to_list()),
        "DuckDB": ([row[0] for row in by_sql], [row[1] for row in by_sql]),
    }
    for found, energies in frames.values():
        assert found == counts
        assert energies == pytest.approx(exact_j, rel=1e-15, abs=0)


@settings(max_examples=12, deadline=None)
@given(**MACHINES, edges=st.lists(st.floats(0.2, 0.7), min_size=2, max_size=6, unique=True))
@example(seed=1, n=100, start=(1 << 32) - 20_000, edges=[0.3, 0.7])
@example(seed=0, n=142, start=0, edges=[0.25, 0.375])  # few updates are near marks: the first ones tell
@example(seed=0, n=700, start=0, edges=[0.6, 0.65])
@pytest.mark.parametrize("name", ["perf", "powercap", "MSR", "NVML"])
def test_windows_in_one_pass_and_streamed_are_bracketed_by_the_slow_integrator(
    paths, tmp_path_factory, name, seed, n, start, edges
):
    path, of = paths[name], script(seed, n, start)
    read = readings(of, seed + 1)
    span_ns = of.t_ns[-1] - T0
    instants = sorted({T0 + int(edge * span_ns) for edge in edges})
    marks = []
    for number, (t0, t1) in enumerate(pairwise(instants)):
        marks += [(t0, "@begin", number, f"w{number}"), (t1, "@end", number, "")]
    file = write_trace(tmp_path_factory.mktemp("t") / "t.arrows", table(path, of, read, marks), 30)
    whole, streamed = uj.load(file), stream(file)
    counts, unit = expected(path, of, read), path.channel.scale.unit
    for window in whole.windows:
        one, other = (each.energy(window)[path.channel.id] for each in (whole, streamed))
        assert (one.low, one.value, one.high, one.U) == (other.low, other.value, other.high, other.U)
        assert one.status == other.status == "ok"
        low, high = bracket(read, counts, window.t0_ns, window.t1_ns)
        quantum = path.channel.scale.quantum
        assert (Fraction(one.low), Fraction(one.high)) == (
            Fraction(float(max(low - quantum, 0) * unit)),
            Fraction(float((high + quantum) * unit)),
        )
        true = Fraction(of.at(window.t1_ns) - of.at(window.t0_ns)) * COUNT_J
        assert Fraction(one.low) <= true <= Fraction(one.high)
        assert one.low <= one.value <= one.high


def bracket(read, counts, t0_ns, t1_ns):
    """The least and most counts between two instants, as the documentation defines an edge's bracket."""

    def sides(t_ns):
        before = max(i for i, (t, long) in enumerate(read) if t + long <= t_ns)
        after = min(i for i, (t, _) in enumerate(read) if t >= t_ns)
        shows = next((i for i in range(after + 1, len(read)) if counts[i] != counts[after]), len(read) - 1)
        return counts[before], counts[shows]

    (low0, high0), (low1, high1) = sides(t0_ns), sides(t1_ns)
    return low1 - high0, high1 - low0
