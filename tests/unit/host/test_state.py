"""The settings and conditions of a machine, from its files."""

import pytest
from state_tree import CPU, tree

from microjoule.host.conditions import Conditions
from microjoule.host.state import environment_id, read_state
from microjoule.joules.environments import SETTINGS


def test_each_setting_is_read_from_its_file(tmp_path):
    assert read_state(tree(tmp_path)) == {
        "governor": "performance",
        "energy_preference": "performance",
        "frequency_driver": "intel_pstate",
        "frequency_min_hz": 800_000_000,
        "frequency_max_hz": 3_900_000_000,
        "turbo": True,
        "smt": True,
        "cpus_online": "0-7",
        "microcode": "0x2b000603",
        "idle_driver": "intel_idle",
        "idle_states": ["POLL", "C1"],
        "mitigations": {"spectre_v2": "Mitigation: Enhanced IBRS"},
        "power_limits_w": {"package-0 long_term": 165.0},
        "on_battery": False,
        "huge_pages": "madvise",
        "nmi_watchdog": True,
        "kernel_options": "mitigations=off isolcpus=2-3",
        "cgroup_cpu_max": "200000 100000",
    }


def test_every_setting_has_words_and_a_weight(tmp_path):
    (tmp_path / ".dockerenv").touch()
    assert read_state(tree(tmp_path)).keys() <= SETTINGS.keys()


def test_a_machine_without_files_has_no_settings_and_no_conditions(tmp_path):
    assert read_state(tmp_path) == {}
    assert Conditions(tmp_path).read() == {}


@pytest.mark.parametrize("text", ["", "x", "-1", "\0", "1e9", "9" * 400])
def test_odd_files_are_no_settings_and_break_nothing(tmp_path, text):
    for path in tree(tmp_path).rglob("*"):
        if path.is_file():
            path.write_text(text)
    read_state(tmp_path)
    Conditions(tmp_path).read()


@pytest.mark.parametrize(("sign", "name"), [(".dockerenv", "docker"), ("run/.containerenv", "podman")])
def test_a_container_is_known_by_what_it_leaves(tmp_path, sign, name):
    (tmp_path / sign).parent.mkdir(exist_ok=True)
    (tmp_path / sign).touch()
    assert read_state(tmp_path)["container"] == name


def test_amd_says_boost_and_not_no_turbo(tmp_path):
    (tmp_path / CPU / "cpufreq").mkdir(parents=True)
    (tmp_path / CPU / "cpufreq/boost").write_text("0\n")
    assert read_state(tmp_path)["turbo"] is False


def test_conditions_are_those_of_the_package_and_of_now(tmp_path):
    conditions = Conditions(tree(tmp_path))
    first = {"temperature_0_c": 51.0, "clock_hz": 3.1e9, "throttle_events": 3.0, "idle_s": 7800.25}
    assert conditions.read() == first
    (tmp_path / "sys/class/hwmon/hwmon2/temp1_input").write_text("72500\n")
    assert conditions.read()["temperature_0_c"] == 72.5
    (tmp_path / "sys/class/hwmon/hwmon2/temp1_input").unlink()
    assert "temperature_0_c" not in conditions.read()


def test_an_environment_id_changes_with_what_matters_alone(tmp_path):
    def named(**changes):
        host = {"cpu": {"model": 143}, "kernel": "6.8", "boot_id": changes.pop("boot_id", "x")}
        return environment_id({"host": host, "state": read_state(tree(tmp_path, **changes))})

    assert named() == named(boot_id="y", scaling_cur_freq="1200000")
    assert len(named()) == 12
    assert named() != named(scaling_governor="powersave")
    assert environment_id({}) == environment_id({"host": {}})
