"""The settings and conditions of a machine, from its files."""

import pytest
from state_tree import CPU, tree

from microjoule.host.conditions import CORES_MAX, Conditions
from microjoule.host.readiness import checks
from microjoule.host.state import environment_id, read_state
from microjoule.joules.environments import SETTINGS, said


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


def test_where_cpus_are_set_differently_it_says_which(tmp_path):
    """As after a command that reached some CPUs only, or where half of the cores are of another kind."""
    root = tree(tmp_path, scaling_driver="acpi-cpufreq")
    for cpu in range(1, 8):
        folder = root / CPU / f"cpu{cpu}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text("powersave\n" if cpu in (2, 3, 5) else "performance\n")
        (folder / "scaling_max_freq").write_text("2600000\n" if cpu >= 4 else "3900000\n")
    (root / CPU / "cpu7/cpuidle/state0").mkdir(parents=True)
    (root / CPU / "cpu7/cpuidle/state0/name").write_text("POLL\n")
    found = read_state(root)
    assert found["governor"] == {"CPU 0-1,4,6-7": "performance", "CPU 2-3,5": "powersave"}
    assert found["frequency_max_hz"] == {"CPU 0-3": 3_900_000_000, "CPU 4-7": 2_600_000_000}
    assert found["idle_states"] == {"CPU 0": ["POLL", "C1"], "CPU 7": ["POLL"]}
    assert said(found["frequency_max_hz"]) == "CPU 0-3 3.9 GHz, CPU 4-7 2.6 GHz"
    (first, *_) = checks(root, sleep=lambda _: None)
    assert not first.is_ready
    assert "CPU 2-3,5 powersave" in first.found


def test_cpus_that_are_offline_are_passed_over(tmp_path):
    root = tree(tmp_path, online="0,2-3")
    for cpu, governor in ((1, "powersave"), (2, "performance")):
        (root / CPU / f"cpu{cpu}/cpufreq").mkdir(parents=True)
        (root / CPU / f"cpu{cpu}/cpufreq/scaling_governor").write_text(governor)
    assert read_state(root)["governor"] == "performance"


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
    first = {
        "temperature_0_c": 51.0,
        "cpu_0_hz": 3.1e9,
        "throttle_events": 3.0,
        "idle_s": 7800.25,
        "busy_s": 1.5,
    }
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


def test_the_clock_of_each_core_is_read_once_and_of_very_many_cores_every_second_or_third(tmp_path):
    """CPU 0 and 1 share a core, as 2 and 3 do; CPU 2's clock cannot be read, and another folder is no CPU."""
    for number in range(4):
        folder = tmp_path / CPU / f"cpu{number}"
        (folder / "topology").mkdir(parents=True)
        (folder / "topology/thread_siblings_list").write_text(f"{number & ~1}-{number | 1}\n")
        (folder / "cpufreq").mkdir()
        (folder / "cpufreq/scaling_cur_freq").write_text("x" if number == 2 else f"{2_000_000 + number}\n")
    (tmp_path / CPU / "cpufreq").mkdir()
    assert Conditions(tmp_path).read() == {"cpu_0_hz": 2e9}
    (tmp_path / CPU / "cpu2/cpufreq/scaling_cur_freq").write_text("1700000\n")
    assert Conditions(tmp_path).read() == {"cpu_0_hz": 2e9, "cpu_2_hz": 1.7e9}
    for number in range(100, 100 + 2 * CORES_MAX):
        folder = tmp_path / CPU / f"cpu{number}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_cur_freq").write_text("800000\n")
    found = Conditions(tmp_path).read()
    assert len(found) == -(-(2 + 2 * CORES_MAX) // 3)
    assert [*found][:3] == ["cpu_0_hz", "cpu_101_hz", "cpu_104_hz"]
