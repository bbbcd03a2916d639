"""What of two machines' states differs, and what of it forbids to compare."""

from types import SimpleNamespace

import pytest
from ideal import MS, T0, Ideal, constant, rows
from state_tree import tree

from microjoule.errors import StateDiffers
from microjoule.host.state import read_state
from microjoule.joules.energy_trace import Trace
from microjoule.joules.environments import (
    GPU_SETTINGS,
    SETTINGS,
    _others,
    changes,
    conditions,
    differences,
    met,
    refused,
    same_machine,
)
from microjoule.measuring.compare import compared_traces
from microjoule.trace.label import changed_label, now_label
from microjoule.trace.state import state

HOST = {"hostname": "a", "cpu": {"model": 1}, "kernel": "6.8"}


@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_that_differs_is_named_with_its_weight(name):
    words, weight = SETTINGS[name]
    one, other = {"state": {name: "x"}}, {"state": {name: "y"}}
    (found,) = differences(one, other)
    assert found == (words, "x", "y", weight)
    assert found.sentence("A", "B") == f"{words}: x in A, y in B"
    assert bool(refused([found])) == (weight == "refuse")
    assert differences(one, one) == []
    assert differences(one, {}) == []


def test_two_machines_of_one_name_are_two():
    one, other = ({"host": {**HOST, "machine": machine}} for machine in ("m1", "m2"))
    assert same_machine(one, one)
    assert not same_machine(one, other)
    assert same_machine(one, {"host": HOST})  # an older trace does not say


@pytest.mark.parametrize("name", GPU_SETTINGS)
def test_each_setting_of_a_gpu_that_differs_is_named(name):
    def facts(value):
        gpu = {"index": 0, "driver": "1", "settings": {name: value}}
        return {"gpus": [{**gpu, "driver": value} if name == "driver" else gpu]}

    (found,) = differences(facts(100), facts(200))
    assert found.what == f"GPU 0 {GPU_SETTINGS[name][0]}"
    assert (found.one, found.other) == ("100", "200")


def test_of_a_table_only_what_differs_is_said():
    one = {"state": {"power_limits_w": {"package-0 long_term": 165.0, "package-1 long_term": 165.0}}}
    other = {"state": {"power_limits_w": {"package-0 long_term": 120.0, "package-1 long_term": 165.0}}}
    (found,) = differences(one, other)
    assert (found.one, found.other) == ("package-0 long_term 165", "package-0 long_term 120")


def test_versions_and_kernel_are_warnings():
    one = {"host": HOST, "python": "3.11", "libraries": {"numpy": "2.0"}}
    other = {"host": {**HOST, "kernel": "6.9"}, "python": "3.12", "libraries": {"numpy": "2.1"}}
    found = differences(one, other)
    assert [each.what for each in found] == ["kernel", "python", "numpy"]
    assert refused(found) == []


def test_a_machine_is_its_name_and_its_cpu():
    assert same_machine({"host": HOST}, {"host": {**HOST, "kernel": "7"}})
    assert not same_machine({"host": HOST}, {"host": {**HOST, "cpu": {"model": 2}}})
    assert not same_machine({"host": HOST}, {})
    assert not same_machine({}, {})


def readings(**values):
    return state({}, [(i, now_label({k: v[i] for k, v in values.items()})) for i in range(2)])


def test_clock_temperature_and_throttling_are_compared():
    cool = readings(
        temperature_0_c=[50, 52], cpu_0_hz=[1e9, 3e9], cpu_2_hz=[3e9, 1e9], throttle_events=[3, 3]
    )
    warm = readings(
        temperature_0_c=[70, 72], cpu_0_hz=[2.8e9, 2.8e9], cpu_2_hz=[1e9, 1e9], throttle_events=[3, 8]
    )
    assert [(each.what, each.one, each.other) for each in conditions(cool, warm)] == [
        ("mean package temperature", "51 °C", "71 °C"),
        ("mean clock of the fastest core", "3 GHz", "2.8 GHz"),
        ("throttled by heat", "not", "5 times"),
    ]
    assert conditions(cool, cool) == []
    assert conditions(cool, state({}, [])) == []
    assert "throttled by heat 5 times" in changes(warm)[0]


def test_the_conditions_of_a_recording_are_its_cores_and_its_packages():
    of = readings(cpu_0_hz=[1e9, 3e9], cpu_12_hz=[2e9, 2e9], temperature_0_c=[50, 53], idle_s=[1, 2])
    assert met(of) == [
        ("clock of the cores", "Hz", 2e9, 1e9, 3e9, 4),
        ("temperature of package 0", "°C", 51.5, 50, 53, 2),
    ]
    assert met(state({}, [])) == []


@pytest.mark.parametrize("text", [None, "", "now", "now\t{", "now\t[1]", 'now\t{"x": "y"}', "other\t{}"])
def test_odd_rows_say_nothing(text):
    found = state("no table", [(1, text)])
    assert (found.settings, found.changed) == ({}, {})
    assert found.values("x") == []


def recorded(settings, end=None, name="host"):
    """A trace of a machine with these settings, and those at its end."""
    ideal = Ideal(constant(50.0), n=400)
    marks = [(T0 + 50 * MS, "@begin", 0, "step"), (T0 + 250 * MS, "@end", 0, "step")]
    words = changed_label(settings, settings if end is None else end)
    trace = Trace(rows([ideal], [*marks, (T0 + 300 * MS, "@state", 0, words)]))
    trace.facts = {"host": {"hostname": name, "cpu": {}}, "state": settings}
    return trace


def test_a_trace_of_another_state_is_refused_and_compared_only_if_that_is_wanted(tmp_path):
    fast = read_state(tree(tmp_path / "a"))
    slow = read_state(tree(tmp_path / "b", scaling_governor="powersave", version="0x2"))
    traces = [recorded(fast), recorded(slow)]
    with pytest.raises(StateDiffers, match="governor: performance in A, powersave in B") as raised:
        compared_traces(traces, ["A", "B"], None)
    assert "--any-state" in raised.value.remedy
    assert "microcode" not in str(raised.value)
    notes = compared_traces(traces, ["A", "B"], None, is_any_state=True).notes
    assert "CPU frequency governor: performance in A, powersave in B" in notes
    assert "microcode: 0x2b000603 in A, 0x2 in B" in notes


def test_two_machines_of_one_name_have_a_sensor_each():
    traces = [recorded({}), recorded({})]
    for machine, trace in zip(("m1", "m2"), traces, strict=True):
        trace.facts["host"]["machine"] = machine
    same, apart = (compared_traces(pair, ["A", "B"], None) for pair in ([traces[0]] * 2, traces))
    assert "they describe the same machine: the gain of its sensors has cancelled" in same.notes
    assert "they are of different machines: no gain cancels" in apart.notes


def test_two_machines_are_compared_and_their_settings_named(tmp_path):
    fast = read_state(tree(tmp_path / "a"))
    slow = read_state(tree(tmp_path / "b", scaling_governor="powersave"))
    notes = compared_traces([recorded(fast), recorded(slow, name="other")], ["A", "B"], None).notes
    assert any("governor" in note for note in notes)
    assert "they are of different machines: no gain cancels" in notes


def test_what_changed_while_it_was_recorded_is_said(tmp_path):
    before = read_state(tree(tmp_path))
    after = read_state(tree(tmp_path, scaling_governor="powersave"))
    trace = recorded(before, after)
    assert trace.state.changed == {"governor": "powersave"}
    notes = compared_traces([trace, recorded(before)], ["A", "B"], None).notes
    assert "A: CPU frequency governor changed from performance to powersave while it was recorded" in notes


def test_without_a_word_about_the_state_it_says_so():
    notes = compared_traces([recorded({}), recorded({})], ["A", "B"], None).notes
    assert any("nothing says in which state" in note for note in notes)


@pytest.mark.parametrize(
    ("seconds", "cpus"), [((5, 6, 9), 0.75), ((5, 6.9), None), ((5, 7), 0.5), ((5,), None), ((), None)]
)
def test_how_many_cpus_others_kept_busy_is_told_from_two_seconds_on(seconds, cpus):
    """By 10 s of CPU time more at 5 s, 11 at less than 9 s and 13 then; other rows have none."""
    rows_ = [(T0 + round(s * 1e9), {"other_programs_s": 10.0 + (s > 5) + 2 * (s >= 9)}) for s in seconds]
    of = SimpleNamespace(readings=[(T0, {}), *rows_, (T0 + 60 * 10**9, {})])
    assert _others(of) == cpus


def test_gpus_of_one_machine_alone_are_not_compared():
    def facts(*indices, watts):
        return {"gpus": [{"index": i, "settings": dict.fromkeys(GPU_SETTINGS, watts)} for i in indices]}

    one, other = facts(0, 1, watts=100), facts(1, 2, watts=200)
    assert {found[0].split()[1] for found in differences(one, other)} == {"1"}
