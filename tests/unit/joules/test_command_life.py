"""The CPU time of a command that ran between two readings of its counter."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from ideal import MS, T0

from microjoule.joules.energy_trace import Trace
from microjoule.joules.marks import mark_fits
from microjoule.sources import cpu_time
from microjoule.sources.machine import Machine
from microjoule.trace import schema
from microjoule.trace.window import Window


@pytest.fixture(scope="module")
def command():
    """The command's channel as this host's kernel has it, whether or not it may be opened."""
    found = cpu_time.survey(Machine())
    channels = [*found.channels, *(each.channel for each in found.closed)]
    return replace(next(each for each in channels if each.is_of_command))


def trace(channel, counts, *windows):
    """Readings each 10 ms, and windows in ms; the first is the run."""
    names = schema.dictionary([channel])
    rows = [(T0 + 10 * MS * i, 0, channel.id, raw, None) for i, raw in enumerate(counts)]
    for number, (name, t0_ms, t1_ms) in enumerate(windows):
        rows.append((T0 + round(t0_ms * MS), 0, "@begin", number, name))
        rows.append((T0 + round(t1_ms * MS), 0, "@end", number, None))
    own = schema.OwnRows(schema.schema([channel], {}), names)
    return Trace(pa.Table.from_batches([own.batch(rows)]))


def busy_s(channel, found):
    return found[channel.id].value / channel.trust.model.value_w


def test_a_command_between_two_readings_has_all_of_its_time(command):
    """2.5 ms of CPU time in a run of 3 ms: interpolated it would be 0.75 ms."""
    of = trace(command, [0, 0, 0, 2_500_000, 2_500_000], ("run", 24, 27))
    assert busy_s(command, of.energy("run")) == pytest.approx(2.5e-3, rel=1e-6)


@pytest.mark.parametrize(
    ("totals", "run_ms", "expected_ms"),
    [
        ([0, 0, 0, 5, 5], (24, 27), (10, 30.02)),
        ([0, 0, 0, 5, 5], (20.02, 27), (10, 30.02)),  # a reading that ended as the run began was before it
        ([0, 0, 0, 5, 5], (24, 30), (10, 30.02)),
        ([0, 0, 5, 5, 5], (0.02, 15), (0, 20.02)),
        ([0, 0, 5, 5, 5], (0.01, 15), (0.01, 20.02)),  # no reading ended before it
        ([0, 2, 3, 5, 5], (24, 27), (24, 30.02)),  # it had begun
        ([0, 0, 0, 5, 6], (24, 27), (10, 27)),  # it goes on
        ([0, 0, 0, 5, 5], (24, 50), (10, 50)),
        ([], (24, 27), (24, 27)),
    ],
)
def test_edges_of_the_run_are_moved_to_readings_outside(monkeypatch, totals, run_ms, expected_ms):
    """Readings each 10 ms, which take 0.02; other edges stay."""
    n = len(totals)
    counter = FakeCounter(np.arange(n, dtype=np.int64) * 10 * MS, np.array(totals, np.int64))
    t0, t1 = (round(t * MS) for t in run_ms)
    monkeypatch.setattr(mark_fits, "whole", lambda _: Window("run", t0, t1))
    begins, ends = mark_fits.widened(counter, None, np.array([t0, t0 + 1]), np.array([t1, t1 - 1]))
    assert begins.tolist() == [round(expected_ms[0] * MS), t0 + 1]
    assert ends.tolist() == [round(expected_ms[1] * MS), t1 - 1]


class FakeCounter:
    def __init__(self, t_ns, total):
        self.t_ns, self.steps = t_ns, SimpleNamespace(total=total)

    def __len__(self):
        return len(self.t_ns)

    def read_ns(self, at):
        return np.full(len(at), 20_000, np.int64)


def test_windows_inside_of_it_share_its_edges(command):
    """One that begins with the run has what was used since, and two halves have the whole."""
    windows = ("run", 22, 38), ("a", 22, 30), ("b", 30, 38)
    of = trace(command, [0, 0, 0, 8_000_000, 20_000_000, 20_000_000], *windows)
    whole, a, b = (busy_s(command, of.energy(name)) for name in ("run", "a", "b"))
    assert whole == pytest.approx(20e-3, rel=1e-6)
    assert a + b == pytest.approx(whole, rel=1e-6)


def test_children_that_go_on_are_not_taken_for_the_command_s_own_time(command):
    of = trace(command, [0, 0, 0, 10_000_000, 20_000_000, 30_000_000], ("run", 20, 35))
    assert 10e-3 <= busy_s(command, of.energy("run")) <= 25e-3
