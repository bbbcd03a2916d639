"""A recording says in which state its machine was: at its start, once a second, and what changed."""

import time

from scripted import machine
from state_tree import tree

import microjoule as uj
from microjoule.joules.environments import conditions
from microjoule.joules.long_traces.streamed import stream
from microjoule.joules.summary import summary
from microjoule.report import as_long_text, as_text
from microjoule.trace.state import State
from microjoule.units import NS_PER_S


def test_a_trace_has_the_settings_of_its_start_the_conditions_and_what_changed(tmp_path):
    root = machine(tree(tmp_path / "root"))
    path = tmp_path / "t.arrows"
    with uj.record(path, uj.Meter(sources=["script"], root=root)):
        time.sleep(0.05)
        (root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").write_text("powersave\n")
    for trace in (uj.load(path), stream(path)):
        assert trace.state.settings["governor"] == "performance"
        assert trace.state.changed == {"governor": "powersave"}
        assert trace.state.values("temperature_0_c")[0] == 51.0
        assert len(trace.state.readings) >= 2
        assert len(trace.facts["environment"]) == 12
        assert not trace.damage
        (said,) = summary(trace)["state"]
        assert said == "CPU frequency governor changed from performance to powersave while it was recorded"
        assert said in as_text.render(summary(trace), 200)
        page = as_long_text.render(summary(trace))
        assert "clock of the cores: 3.10 GHz\n" in page
        assert "temperature of package 0: 51 °C\n" in page


def test_a_machine_that_says_nothing_has_an_empty_state(tmp_path):
    path = tmp_path / "t.arrows"
    with uj.record(path, uj.Meter(sources=["script"], root=machine(tmp_path / "root"))):
        pass
    found = uj.load(path).state
    assert (found.settings, found.changed, found.readings) == ({}, {}, ())


def test_the_state_has_the_cpu_time_of_other_programs(tmp_path):
    """What the machine was busy, less what this process used: it looks at the scripted machine's files."""
    root = machine(tree(tmp_path / "root"))
    path = tmp_path / "t.arrows"
    with uj.record(path, uj.Meter(sources=["script"], root=root)):
        time.sleep(1.2)
        (root / "proc/stat").write_text("cpu  400 0 50 800 9 0 0 7 0 0\n")
        time.sleep(1.2)
    found = uj.load(path).state
    (*_, last), first = found.values("other_programs_s"), found.values("other_programs_s")[0]
    assert 1.0 <= last - first <= 3.0 + 0.02  # three seconds, less those of this process


def test_that_other_programs_were_busy_on_one_side_only_is_named():
    def of(cpus):
        return State({}, {}, tuple((n * NS_PER_S, {"other_programs_s": 7.0 + n * cpus}) for n in range(6)))

    (found,) = conditions(of(0.02), of(1.3))
    assert found.sentence("A", "B") == "other programs: 0.02 CPUs busy in A, 1.3 CPUs busy in B"
    assert conditions(of(0.02), of(0.1)) == []
    assert conditions(State({}, {}, ()), of(1.3)) == []
