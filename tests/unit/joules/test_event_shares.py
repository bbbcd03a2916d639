"""Shares by what the command did: its cycles and cache misses, as recorded readings of a PMU show them."""

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from busy import BASE, Machine
from ideal import MS, T0, S, rows
from launches import piecewise
from machines import EMPTY_VM, write

from microjoule.channel import Scale, Trust
from microjoule.joules.energy_trace import Trace
from microjoule.joules.estimates.run_window import whole
from microjoule.joules.sharing.shares import ShareModel
from microjoule.recording.lane import Cadence, open_lanes
from microjoule.sources import cpu_time
from microjoule.sources.machine import Machine as Surveyed
from microjoule.trace import schema
from microjoule.trace.series import Series

COARSE = replace(BASE, poll_ns=20 * MS)
GHZ = 3e9


def counter(name: str, until, machine: Machine) -> SimpleNamespace:
    """A counter of the command that is read each 10 ms, ``until`` its count at instants in seconds."""
    at = np.arange(0, machine.ideal.begun[0][-1], 10 * MS)
    channel = replace(
        machine.base.channel,
        id=f"cpu_time/command_{name}",
        place=replace(machine.base.channel.place, device="command", number=None, part=name, role="part"),
        scale=Scale(quantity="1", unit=Fraction(1), unit_source="kernel", starts_at_open=True),
        trust=Trust(),
    )
    n = len(at)
    series = Series(
        t_ns=T0 + at, read_ns=np.full(n, 2000, np.uint32), raw=until(at / S).astype(np.uint64),
        status=np.zeros(n, np.uint16), valid=None,
    )  # fmt: skip
    return SimpleNamespace(channel=channel, series=series)


def recorded(machine: Machine, ideal, counters) -> Trace:
    ideals = [ideal, *counters]
    a, b = machine.ideal.inside(0.02, 0.9)
    table = rows(ideals, [(a, "@begin", 0, "run"), (b, "@end", 0, "run")])
    own = schema.OwnRows(table.schema, schema.dictionary([each.channel for each in ideals]))
    batch = pa.Table.from_batches([own.batch(machine.activity)])
    return Trace(pa.concat_tables([table, batch]).unify_dictionaries())


def command_of(machine: Machine, ideal, counters, used_j):
    """The error of the command's share relative to what it used, and whether its interval held."""
    trace = recorded(machine, ideal, counters)
    window = whole(trace)
    found = ShareModel(trace, "name", window).of(window)
    given = [round(one.energy_j * 1e9) for one in found.shares if one.energy_j is not None]
    assert sum(given) == round(found.total_j * 1e9)
    (mine,) = (one for one in found.shares if one.kind == "command")
    edges = (np.array([window.t0_ns, window.t1_ns]) - T0) / S
    known = float(np.diff(used_j(edges))[0])
    return abs(mine.energy_j / known - 1), abs(mine.energy_j - known) <= mine.expanded_j


def test_cycles_explain_what_seconds_do_not():
    """A command whose joules per second swing by 40 % as its clock does; the others' do not."""
    alone, beside = [], []
    for seed in range(8):
        machine = Machine(seed, seconds=6.0, wander=0.4, base=COARSE)
        still = replace(machine, wander=0.0)
        powers = still.powers.copy()
        powers[:, 1] = machine.powers[:, 1]
        ideal = replace(machine.ideal, wave=piecewise(machine.steps[0], powers.sum(axis=1)))
        cycles = machine.powers[:, 1] / machine.per_s[0] * GHZ
        pmu = counter("cycles", lambda t_s, of=machine, rates=cycles: of.until(rates, t_s), machine)

        def used_j(t_s, of=machine):
            return of.until(of.powers[:, 1], t_s)

        alone.append(command_of(machine, ideal, [], used_j))
        beside.append(command_of(machine, ideal, [pmu], used_j))
    assert np.mean([held for _, held in beside]) >= 0.85
    assert np.median([off for off, _ in beside]) < 0.5 * np.median([off for off, _ in alone])


def test_misses_explain_the_memory_that_a_command_keeps_busy():
    """A DRAM whose power follows the command's misses, which come whenever they come, and not its cycles."""
    alone, beside = [], []
    for seed in range(8):
        machine = Machine(seed, seconds=6.0, base=COARSE)
        chance = np.random.default_rng([seed, 41])
        busy = machine.steps[1][:, 0]
        misses = chance.choice([0.05, 0.3, 1.0], len(busy)) * 1e9 * (busy > 0)
        cycles = busy * GHZ
        dram_w = 3.0 + 12.0 * misses / 1e9
        ideal = replace(machine.ideal, wave=piecewise(machine.steps[0], dram_w))
        pmu = [
            counter(name, lambda t_s, of=machine, rates=rates: of.until(rates, t_s), machine)
            for name, rates in (("cycles", cycles), ("misses", misses))
        ]

        def used_j(t_s, of=machine, rates=misses):
            return of.until(12.0 * rates / 1e9, t_s)

        alone.append(command_of(machine, ideal, [], used_j))
        beside.append(command_of(machine, ideal, pmu, used_j))
    assert np.mean([held for _, held in beside]) >= 0.85
    assert np.median([off for off, _ in beside]) < 0.3 * np.median([off for off, _ in alone])


@pytest.mark.parametrize(
    ("pmu", "names"), [("", []), ("cpu", None), ("cpu_core", None), ("armv8_pmuv3_0", None)]
)
def test_events_are_listed_where_there_is_a_pmu(tmp_path, pmu, names):
    root = write(EMPTY_VM, tmp_path)
    if pmu:
        (root / "sys/bus/event_source/devices" / pmu).mkdir(parents=True)
    found = cpu_time.survey(Surveyed(root)).channels[2:]
    wanted = ["cpu_time/command_cycles", "cpu_time/command_instructions", "cpu_time/command_misses"]
    assert [channel.id for channel in found] == (wanted if names is None else names)
    assert all(channel.is_of_command and channel.access.type == 0 for channel in found)
    assert [channel.access.config for channel in found] == [0, 1, 3][: len(found)]


def test_an_event_that_cannot_be_opened_is_named_and_the_rest_goes_on(tmp_path):
    """Case: a virtual machine that shows a PMU and has none. Where there is one, all of them are open."""
    root = write(EMPTY_VM, tmp_path)
    (root / "sys/bus/event_source/devices/cpu").mkdir(parents=True)
    channels = cpu_time.survey(Surveyed(root)).channels
    codes = {channel.id: code for code, channel in enumerate(channels)}
    lanes, left_out = open_lanes(channels, codes, Cadence(), {})
    is_open = {channel.id for lane in lanes for channel in lane.channels}
    assert is_open | left_out.keys() == set(codes)
    assert "cpu_time/system" in is_open
    assert all("_" in name.partition("/")[2] or name == "cpu_time/command" for name in left_out)
