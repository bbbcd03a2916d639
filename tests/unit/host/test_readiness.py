"""What of a machine is not quiet before a benchmark, and what fixes it."""

import json

import pytest
from state_tree import CPU, tree

from microjoule.cli import main
from microjoule.host.readiness import checks


def quiet(root, **changes):
    """A machine on which nothing is wrong."""
    return tree(root, **{"no_turbo": "1", "cpu.max": "max 100000", **changes})


def found(root, sleep=lambda _: None, gpus=()):
    return {each.what: each for each in checks(root, gpus, sleep)}


def test_a_quiet_machine_is_ready(tmp_path):
    every = found(quiet(tmp_path))
    assert len(every) == 6
    assert all(each.is_ready for each in every.values()), every


def wakes(path, text):
    """Writes a file while the machine is watched."""
    return lambda _: path.write_text(text + "\n")


@pytest.mark.parametrize(
    ("changes", "what", "fix"),
    [
        ({"scaling_governor": "powersave", "energy_performance_preference": "balance_power"},
         "CPU frequency governor", "scaling_governor"),
        ({"no_turbo": "0"}, "turbo", "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"),
        ({"online": "0"}, "power supply", "plug"),
        ({"cpu.max": "200000 100000"}, "CPU limit of the control group", "outside"),
        ({"temp1_input": "91000"}, "temperature of package 0", "cooled down"),
    ],
)  # fmt: skip
def test_each_thing_that_is_not_quiet_is_named_with_its_fix(tmp_path, changes, what, fix):
    every = found(quiet(tmp_path, **changes))
    assert [name for name, each in every.items() if not each.is_ready] == [what]
    assert fix in every[what].fix


def test_what_moves_while_it_is_watched_is_seen(tmp_path):
    root = quiet(tmp_path)
    busy = found(root, wakes(root / "proc/stat", "cpu  180 0 50 800 0 0 0 0 0 0"))["other programs"]
    assert not busy.is_ready
    assert busy.found == "0.80 of 8 CPUs busy over 1 s"
    hot = found(root, wakes(root / "sys/class/hwmon/hwmon2/temp1_input", "45000"))
    assert not hot["temperature of package 0"].is_ready
    throttled = root / CPU / "cpu0/thermal_throttle/package_throttle_count"
    assert not found(root, wakes(throttled, "9"))["throttling by heat"].is_ready


def test_powersave_with_a_preference_for_performance_is_ready_where_the_driver_follows_it(tmp_path):
    assert found(quiet(tmp_path, scaling_governor="powersave"))["CPU frequency governor"].is_ready
    other = quiet(tmp_path, scaling_governor="powersave", scaling_driver="acpi-cpufreq", boost="0")
    assert not found(other)["CPU frequency governor"].is_ready


def test_gpus_are_checked_where_their_settings_are_known(tmp_path):
    gpus = [{"index": 0, "settings": {"persistence": False}, "clock_reasons": ["power cap"]}, {"index": 1}]
    every = found(quiet(tmp_path), gpus=gpus)
    assert every["GPU 0 persistence mode"].fix == "sudo nvidia-smi -pm 1"
    assert not every["GPU 0 clock held down by"].is_ready
    assert not any("gpu-1" in name for name in every)


def test_a_machine_that_shows_nothing_has_nothing_to_check(tmp_path, capsys):
    assert checks(tmp_path, (), lambda _: None) == []
    assert main(["probe", "--ready", "--root", str(tmp_path)]) == 1
    assert "Nothing can be checked here" in capsys.readouterr().out


def test_the_command_says_what_is_not_ready_and_exits_with_one(tmp_path, capsys):
    root = quiet(tmp_path, scaling_governor="powersave", energy_performance_preference="power")
    assert main(["probe", "--ready", "--root", str(root)]) == 1
    out = capsys.readouterr().out
    assert "not CPU frequency governor: powersave, energy preference power" in out
    assert "fix: echo performance | sudo tee" in out
    assert out.splitlines()[-1].startswith("Not ready: 1 of 6 checks")
    assert main(["probe", "--ready", "--root", str(quiet(tmp_path))]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Ready: all 6 checks."
    assert main(["probe", "--ready", "--json", "--root", str(root)]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["is_ready"]
    assert len(plain["environment"]) == 12
    assert {row["what"] for row in plain["checks"]} >= {"turbo", "other programs"}
