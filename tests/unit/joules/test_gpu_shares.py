"""Shares of GPUs: by the time that processes had on them, beside what CPU time explains."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from busy_gpu import COUNTER, GpuMachine
from ideal import Ideal, S
from scipy.stats import binom

from microjoule.channel import SensorError
from microjoule.joules.estimates.run_window import whole
from microjoule.joules.sharing.parties import NEVER, Amount, Party
from microjoule.joules.sharing.shares import ShareModel, listed
from microjoule.trace.window import Window

ON_CPU, ON_GPU = {"command": 0, "firefox": 1, "idle": -1}, {"command": 0, "python3": 1, "idle": -1}


def shares_of(machine, *windows):
    trace = machine.trace(*windows)
    window = whole(trace)
    return ShareModel(trace, "name", window), window


def truth(machine, name, window):
    """What one used of both devices."""
    edges = window.t0_ns, window.t1_ns
    found = [machine.cpu.truth(ON_CPU[name], *edges)] if name in ON_CPU else []
    return sum([*found, machine.truth(ON_GPU[name], *edges)] if name in ON_GPU else found)


def exact(found):
    given = [round(one.energy_j * 1e9) for one in found.shares if one.energy_j is not None]
    return sum(given) == round(found.total_j * 1e9)


@pytest.mark.parametrize("memory_w", [0.0, 120.0])
def test_each_has_what_it_used_of_both_devices(memory_w):
    """That a process reads memory beside its cores is a joule of its own, and does not spoil the others'."""
    held, off = [], []
    for seed in range(10):
        machine = GpuMachine.of(seed, 8.0, memory_w=memory_w)
        model, window = shares_of(machine, ("run", 0.03, 0.95), ("step", 0.3, 0.6))
        found = model.of(window)
        assert found.status == "ok"
        assert exact(found)
        assert exact(model.of(model._trace.named("step")[0]))
        rows = {one.name: one for one in found.shares}
        for name in ("command", "firefox", "python3", "idle"):
            known = truth(machine, name, window)
            held.append(abs(rows[name].energy_j - known) <= rows[name].expanded_j)
            off.append(abs(rows[name].energy_j / known - 1))
            assert known <= rows[name].high_j
    assert binom.cdf(sum(held), len(held), 0.93) > 1e-3, f"{np.mean(held):.3f} of {len(held)}"
    assert np.median(off) < 0.02


def test_seconds_on_gpus_are_of_parties_and_not_of_the_idle_machine():
    model, window = shares_of(GpuMachine.of(3, 6.0))
    rows = {one.name: one for one in model.of(window).shares}
    assert rows["python3"].gpu_s > 0
    assert rows["idle"].gpu_s is None


def test_a_sensors_offset_counts_in_the_idle_machines_share_for_all_the_time():
    model, window = shares_of(GpuMachine.of(3, 6.0))
    idle, names = model._idle, [party.name for party in model.parties]
    energies = model._trace.energy(window)
    shares = ([idle], [names.index("command")])
    before = [model._expanded_j(members, window, 0.0, energies) for members in shares]
    offset_w = 400.0
    for n, of in enumerate(model._fits):
        sensor = SensorError(gain=0.0, offset_w=offset_w)
        trust = replace(of.channel.trust, sensor=sensor)
        model._fits[n] = of._replace(channel=replace(of.channel, trust=trust))
    after = [model._expanded_j(members, window, 0.0, energies) for members in shares]
    assert after[0] > before[0] + offset_w * 0.5
    assert after[1] <= before[1]


@pytest.mark.parametrize(("unseen_s", "is_listed"), [(0.05, False), (0.9, False), (1.2, True)])
def test_what_was_not_seen_is_listed_from_a_hundredth_of_all_on(unseen_s, is_listed):
    def party(kind, name, used_s):
        cpu = Amount(lambda t_ns: np.asarray(t_ns) * used_s, NEVER.instants_ns)
        return Party(kind, name, cpu, np.empty((0, 2), np.int64))

    found = listed([party("command", "c", 100.0), party("unseen", "?", unseen_s)], Window("run", 0, S))
    assert [each.kind for each in found] == ["command", "unseen"][: 1 + is_listed]


def test_a_gpu_whose_processes_nobody_asked_for_is_a_row_by_device():
    machine = GpuMachine.of(1, 6.0, is_watched=False)
    model, window = shares_of(machine)
    rows = {one.kind: one for one in model.of(window).shares}
    assert rows["unattributed"].name == "gpu-0/energy"
    assert rows["unattributed"].status == "ok"
    assert rows["command"].energy_j == pytest.approx(
        machine.cpu.truth(0, window.t0_ns, window.t1_ns), rel=0.05
    )


def test_a_gpu_that_was_looked_at_and_nobody_used_is_idle():
    machine = GpuMachine.of(2, 6.0)
    machine.gpu.steps[1][:] = 0.0
    model, window = shares_of(machine)
    rows = {one.kind: one for one in model.of(window).shares}
    assert "unattributed" not in rows
    assert rows["idle"].energy_j == pytest.approx(truth(machine, "idle", window), rel=0.02)


@pytest.mark.parametrize("busy", [None, 0.8])
def test_a_gpu_that_draws_what_no_idle_one_does_is_not_idle_where_nobody_was_seen_on_it(busy):
    """60 to 800 W of processes that a container hides were the idle machine's; and evenly 650 W of 700."""
    machine = GpuMachine.of(2, 6.0, gpu_names=(), per_s=(500.0, 240.0))
    if busy:
        machine.gpu.steps[1][:] = busy
    model, window = shares_of(machine)
    found = model.of(window)
    assert exact(found)
    rows = {one.kind: one for one in found.shares}
    assert rows["unattributed"].name == "gpu-0/energy"
    known = sum(machine.truth(number, window.t0_ns, window.t1_ns) for number in (0, 1, -1))
    assert rows["unattributed"].energy_j == pytest.approx(known, rel=0.02)
    assert rows["command"].high_j >= known, "it may have been the command's"
    cpu_idle_j = machine.cpu.truth(-1, window.t0_ns, window.t1_ns)
    assert rows["idle"].energy_j == pytest.approx(cpu_idle_j, rel=0.05)


def test_a_gpu_whose_clocks_come_and_go_at_a_small_part_of_its_limit_is_idle():
    """12 to 60 W of 700 W: a driver that looks at it wakes it up."""
    machine = GpuMachine.of(2, 6.0, gpu_names=(), per_s=(48.0,))
    machine = replace(machine, gpu=replace(machine.gpu, idle_w=12.0))
    model, window = shares_of(machine)
    rows = {one.kind: one for one in model.of(window).shares}
    assert "unattributed" not in rows
    known = sum(machine.truth(number, window.t0_ns, window.t1_ns) for number in (0, -1))
    known += machine.cpu.truth(-1, window.t0_ns, window.t1_ns)
    assert abs(rows["idle"].energy_j - known) <= rows["idle"].expanded_j


def test_a_gpu_that_is_evenly_busy_to_the_end_has_one_figure_with_its_idle_power():
    """And that does not take the figure that CPU time gives from the command."""
    machine = GpuMachine.of(3, 6.0, per_s=(240.0,))
    machine.gpu.steps[1][:] = 0.8
    model, window = shares_of(machine)
    found = model.of(window)
    assert exact(found)
    rows = {one.kind: one for one in found.shares}
    assert rows["unattributed"].status == "not separable"
    assert set(rows["unattributed"].names) == {"command", "idle"}
    assert rows["command"].status == "ok"
    assert rows["command"].energy_j == pytest.approx(
        machine.cpu.truth(0, window.t0_ns, window.t1_ns), rel=0.05
    )


def test_of_too_few_samples_the_gpu_is_a_row_by_device():
    model, window = shares_of(GpuMachine.of(4, 4.0, sample_s=1.0))
    rows = {one.kind: one for one in model.of(window).shares}
    assert rows["unattributed"].name == "gpu-0/energy"
    assert rows["command"].status == "ok"


@dataclass(frozen=True)
class Declared(Ideal):
    """A counter of which a lag is declared that it has not."""

    said_ns: int = 0

    @property
    def channel(self):
        found = super().channel
        return replace(found, timing=replace(found.timing, lag_ns=self.said_ns))


def test_a_lag_that_nobody_knows_does_not_hide_a_load_in_idle_power():
    """Case: a lag of 0 to 100 ms was taken for 50, and and part of the load looked idle."""
    base = Declared(**{each.name: getattr(COUNTER, each.name) for each in fields(COUNTER)}, said_ns=S // 10)
    off = []
    for seed in range(8):
        machine = GpuMachine.of(seed, 8.0)
        machine = replace(machine, gpu=replace(machine.gpu, base=base))
        model, window = shares_of(machine)
        rows = {one.kind: one for one in model.of(window).shares}
        off.append(rows["idle"].energy_j / truth(machine, "idle", window) - 1)
    assert np.mean(np.abs(off)) < 0.07  # at 50 ms it is 0.1
