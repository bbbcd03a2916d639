"""A recording says in which state its machine was: at its start, once a second, and what changed."""

import time

from scripted import machine
from state_tree import tree

import microjoule as uj
from microjoule.joules.streamed import stream
from microjoule.joules.summary import summary
from microjoule.report import as_text


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


def test_a_machine_that_says_nothing_has_an_empty_state(tmp_path):
    path = tmp_path / "t.arrows"
    with uj.record(path, uj.Meter(sources=["script"], root=machine(tmp_path / "root"))):
        pass
    found = uj.load(path).state
    assert (found.settings, found.changed, found.readings) == ({}, {}, ())
