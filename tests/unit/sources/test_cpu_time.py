import time
from dataclasses import replace
from fractions import Fraction

from machines import AMD_MIRRORED_DIES, EMPTY_VM, LOCKED_DOWN, write

import microjoule as uj
from microjoule.sources import cpu_time
from microjoule.sources.machine import Machine


def test_the_system_and_the_command_are_listed_as_estimated(tmp_path):
    system, command = cpu_time.survey(Machine(write(EMPTY_VM, tmp_path))).channels
    assert (system.id, command.id) == ("cpu_time/system", "cpu_time/command")
    assert system.provenance == command.provenance == "estimated"
    assert (system.scale.unit, command.scale.unit) == (Fraction(1, 100), Fraction(1, 10**9))
    assert system.scale.quantity == command.scale.quantity == "s"
    assert command.trust.parents == ("cpu_time/system",)
    assert system.lane == command.lane == "cpu"
    assert (command.access.reader, command.access.type, command.access.config) == ("perf", 1, 1)
    assert command.access.cpu == -1


def test_the_mask_adds_the_busy_fields_and_no_others(tmp_path):
    (system, _) = cpu_time.survey(Machine(write(EMPTY_VM, tmp_path))).channels
    fields = (tmp_path / "proc/stat").read_text().splitlines()[0].split()
    added = sum(int(fields[bit]) for bit in range(64) if system.access.config >> bit & 1)
    assert added == 10 + 20 + 30 + 60 + 70 + 80  # user nice system irq softirq steal
    assert system.access.path == str(tmp_path / "proc/stat")


def test_each_field_may_hide_a_tick(tmp_path):
    """The kernel cuts each of the six off by itself, so that their sum falls short by up to six."""
    (system, command) = cpu_time.survey(Machine(write(EMPTY_VM, tmp_path))).channels
    assert (system.scale.quantum, command.scale.quantum) == (len(cpu_time.BUSY_FIELDS), 1) == (6, 1)


def test_a_commands_count_starts_at_its_opening(tmp_path):
    (system, command) = cpu_time.survey(Machine(write(EMPTY_VM, tmp_path))).channels
    assert (system.scale.starts_at_open, command.scale.starts_at_open) == (False, True)


def test_no_more_seconds_a_second_than_cpus(tmp_path):
    (system, _) = cpu_time.survey(Machine(write(EMPTY_VM, tmp_path))).channels
    assert system.trust.power_limit_w == 2


def test_watts_come_from_the_architecture_where_it_is_known(tmp_path):
    model = cpu_time.survey(Machine(write(AMD_MIRRORED_DIES, tmp_path))).channels[0].trust.model
    assert model.value_w == 1.69296
    assert model.low_w < model.value_w < model.high_w
    assert "EPYC 2nd Gen" in model.source


def test_an_unknown_cpu_has_the_wide_default_that_names_its_source(tmp_path):
    machine = replace(EMPTY_VM, cpu=replace(EMPTY_VM.cpu, model=0xFE))
    model = cpu_time.survey(Machine(write(machine, tmp_path))).channels[0].trust.model
    assert (model.low_w, model.value_w, model.high_w) == (1.7, 12.0, 22.1)
    assert "Green Algorithms" in model.source


def test_where_perf_is_forbidden_the_command_is_closed_and_the_system_stays(tmp_path):
    survey = cpu_time.survey(Machine(write(LOCKED_DOWN, tmp_path)))
    assert [channel.id for channel in survey.channels] == ["cpu_time/system"]
    assert [closed.channel.id for closed in survey.closed] == ["cpu_time/command"]
    assert survey.obstacles[0].cause == "perf_event_paranoid"
    assert "kernel.perf_event_paranoid=2" in survey.obstacles[0].remedy


def test_without_proc_there_is_nothing_and_a_sentence(tmp_path):
    survey = cpu_time.survey(Machine(tmp_path))
    assert survey.channels == survey.closed == ()
    assert len(survey.obstacles) == 1


def test_a_machine_that_is_idle_used_nothing_and_was_not_late(tmp_path):
    """Its counter stands still: no CPU time was used, or at most what a tick hides."""
    meter = uj.Meter(root=write(EMPTY_VM, tmp_path), sources=["cpu_time"])
    with uj.record(meter=meter) as recorder:
        time.sleep(0.1)
    used = recorder.energy["cpu_time/system"]
    assert (used.value, used.low, used.status) == (0.0, 0.0, "ok")
    assert used.high > 0
