"""Whose energy while it goes on: sums that are the counter's, accounts that never fall, a bounded number."""

import math
from dataclasses import replace

import numpy as np
import pytest
from busy import BASE, Machine
from busy_gpu import GpuMachine
from ideal import MS

from microjoule.live.tenants import IDLE, NAMES_MAX, OTHERS, UNKNOWN, Tenants
from microjoule.live.totals import Totals
from microjoule.trace import schema
from microjoule.trace.label import Subject

MACHINE = Machine(5, seconds=60.0, base=replace(BASE, poll_ns=50 * MS))


def played(machine, by="name", channels=None, changed=lambda level: level):
    """The tenants after each fifth of a second of a recording, as a session feeds them."""
    table = machine.trace().table.combine_chunks().sort_by("t_ns")
    t_ns = table.column("t_ns").to_numpy()
    totals, tenants = Totals(channels or [machine.ideal.channel]), Tenants(by)
    edges = np.arange(t_ns[0], t_ns[-1] + 200 * MS, 200 * MS)
    for start, end in zip(np.searchsorted(t_ns, edges[:-1]), np.searchsorted(t_ns, edges[1:]), strict=True):
        for batch in table.slice(start, end - start).to_batches():
            totals.add(batch)
            tenants.add(batch, [changed(level) for level in totals.levels()])
        yield totals, tenants


def test_accounts_add_up_to_the_counter_never_fall_and_are_near_the_truth():
    before: dict[str, float] = {}
    counted = 0.0
    for totals, tenants in played(MACHINE):
        counted = totals.levels()[0].energy_j
        now = {each.name: each.energy_j for each in tenants.rows()}
        assert all(now[name] >= used for name, used in before.items())
        before = now
    assert sum(before.values()) == pytest.approx(counted, rel=0.05)  # the last second is not divided yet
    apart = {name: used for name, used in before.items() if name != UNKNOWN}
    t_ns = MACHINE.ideal.begun[0]
    truth = [MACHINE.truth(n, int(t_ns[0]) + 5 * 10**12, int(t_ns[-1]) + 5 * 10**12) for n in (0, 1, -1)]
    known = sum(apart.values()) / sum(truth)  # what was used before there was a fit is nobody's
    for name, joules in zip(("burn", "firefox", IDLE), truth, strict=True):
        assert apart[name] == pytest.approx(joules * known, rel=0.15), name
    halves = {each.name: each.expanded_j for each in tenants.rows()}
    for name, joules in zip(("burn", "firefox", IDLE), truth, strict=True):
        assert abs(apart[name] - joules * known) <= halves[name] < 0.5 * apart[name], name
    assert halves[UNKNOWN] == np.inf  # what was used before there was a fit


def test_a_part_has_its_share_of_what_interruptions_kept_from_the_count():
    """A tenth of all energy may be lacking: a tenth of what each used, whoever it was."""

    def interrupted(level):
        return replace(level, lost_counts=level.energy_counts // 10)

    (*_, (_, plain)), (*_, (_, found)) = played(MACHINE), played(MACHINE, changed=interrupted)
    of_plain, of_found = ({each.name: each for each in of.rows()} for of in (plain, found))
    for name in ("burn", "firefox", IDLE):
        one, other = of_plain[name], of_found[name]
        assert other.energy_j == one.energy_j
        assert (
            max(one.expanded_j, 0.1 * one.energy_j) < other.expanded_j < one.expanded_j + 0.101 * one.energy_j
        )
        assert other.expanded_w == pytest.approx(math.hypot(one.expanded_w, 0.1 * one.power_w), rel=1e-3)


def of_a_gpu(is_watched):
    """What each name used of a machine with a GPU, what was counted, and what a process used of the GPU."""
    machine = replace(GpuMachine.of(7, 50.0), is_watched=is_watched)
    channels = [machine.cpu.ideal.channel, machine.ideal.channel]
    *_, (totals, tenants) = played(machine, channels=channels)
    rows = {each.name: each.energy_j for each in tenants.rows()}
    counted = sum(level.energy_j for level in totals.levels())
    assert sum(rows.values()) == pytest.approx(counted, rel=0.05)
    return rows, counted, machine.truth(1, 5 * 10**12, 5 * 10**12 + 48 * 10**9)


def test_a_gpu_is_divided_by_the_time_of_its_processes():
    rows, _, known = of_a_gpu(is_watched=True)
    assert "gpu-0 (not by program)" not in rows
    assert 0.5 * known < rows["python3"] < 1.1 * known  # the first seconds are nobody's


def test_a_gpu_whose_processes_nobody_asked_for_has_a_name_of_its_own():
    rows, counted, _ = of_a_gpu(is_watched=False)
    assert "python3" not in rows
    assert rows["gpu-0 (not by program)"] > 0.6 * counted


def test_the_number_of_names_is_bounded():
    """A process of its own each tenth of a second, for a minute and a half."""
    names = [Subject("process", f"p{n}", n + 1) for n in range(900)]
    channel, t0_ns = MACHINE.ideal.channel, 10**12
    totals, tenants = Totals([channel]), Tenants("name")
    own = schema.OwnRows(schema.schema([channel], {}), schema.dictionary([channel]))
    busy_ms = [80 if n // 17 % 2 else 10 for n in range(len(names))]
    used_j = np.cumsum([10.0 * 0.1 + 20.0 * each / 1000 for each in busy_ms])
    for n, subject in enumerate(names):
        at = t0_ns + n * 100 * MS
        rows = [
            (at, 0, channel.id, int(used_j[n] / channel.scale.unit), None),
            (at, 0, schema.ACTIVITY, n * 50 * MS, None),
            (at, 0, schema.SUBJECT, n + 1, subject.to_label()),
            (at - 100 * MS, n + 1, schema.ACTIVITY, 0, None),
            (at, n + 1, schema.ACTIVITY, busy_ms[n] * MS, None),
        ]
        batch = own.batch(rows)
        totals.add(batch)
        tenants.add(batch, totals.levels())
    rows = tenants.rows()
    assert NAMES_MAX <= len(rows) <= NAMES_MAX + 3
    assert {IDLE, OTHERS} & {each.name for each in rows}


def test_rows_stand_in_the_order_of_what_was_used():
    for _, tenants in played(MACHINE):
        rows = [each.energy_j for each in tenants.rows()]
        assert rows == sorted(rows, reverse=True)
