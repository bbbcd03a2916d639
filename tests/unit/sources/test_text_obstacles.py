"""Who refuses a file decides what to say: its mode, a security module, or the driver of a sleeping device."""

from __future__ import annotations

import errno

import pytest
from machines.failing import failing

from microjoule.sources import battery, cray, hwmon, powercap
from microjoule.sources.machine import Machine
from microjoule.sources.survey import Cause
from microjoule.sources.text_obstacles import _refused, mode_allows, obstacle

POWER = "sys/class/hwmon/hwmon5/power1_average"
ZONE = "sys/class/powercap/intel-rapl:0"


def put(root, **files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


def gpu(root):
    put(root, **{POWER: 0, "sys/class/hwmon/hwmon5/name": "amdgpu"})


def zone(root):
    put(
        root,
        **{f"{ZONE}/name": "package-0", f"{ZONE}/energy_uj": 7, f"{ZONE}/max_energy_range_uj": 262143328850},
    )


def test_a_file_that_can_be_read_has_no_obstacle(tmp_path):
    put(tmp_path, power=-5)
    assert obstacle(tmp_path / "power") is None


def test_a_closed_mode_is_a_matter_of_rights(shared_path, nobody):
    put(shared_path, power=1)
    path = shared_path / "power"
    path.chmod(0)
    with nobody():
        found = obstacle(path)
        assert not mode_allows(path)
    assert found is not None
    assert found.cause is Cause.PERMISSION
    assert "chmod a+r" in found.remedy
    path.chmod(0o444)
    with nobody():
        assert mode_allows(path)
    assert not mode_allows(shared_path / "none")


@pytest.mark.parametrize("state", ["suspended", ""])
def test_a_sleeping_gpu_is_asleep_and_root_would_be_refused_too(tmp_path, state):
    """From Linux 6.14 on amdgpu answers EPERM, to root as well, and does not wake the GPU."""
    root = tmp_path / "root"
    gpu(root)
    put(root, **{"sys/class/hwmon/hwmon5/device/power/runtime_status": state})
    with failing(root, {f"/{POWER}": errno.EPERM}) as copy:
        survey = hwmon.survey(Machine(copy))
    (one,) = survey.closed
    assert one.obstacle.cause is Cause.ASLEEP
    assert "refuses" in one.obstacle.what
    assert ("is asleep" in one.obstacle.what) == (state == "suspended")
    assert "to root as well" in one.obstacle.what
    assert "Run as root" not in one.obstacle.remedy


@pytest.mark.parametrize(("number", "cause"), [(errno.EPERM, Cause.ASLEEP), (errno.EACCES, Cause.SECURITY)])
def test_the_error_number_says_who_refuses_a_file_that_its_mode_opens(tmp_path, number, cause):
    """Where no file can be made to answer so, as without FUSE, nothing else tests it."""
    put(tmp_path, power=1)
    found = _refused(tmp_path / "power", PermissionError(number, "refused"))
    assert found.cause is cause
    assert "root as well" in found.what
    assert "chmod" not in found.remedy


@pytest.mark.parametrize("errors", [errno.EACCES, [errno.EACCES]])
def test_what_is_refused_in_spite_of_its_mode_is_a_security_modules(tmp_path, errors):
    root = tmp_path / "root"
    zone(root)
    gpu(root)
    with failing(root, {f"/{ZONE}/energy_uj": errors, f"/{POWER}": errors}) as copy:
        machine = Machine(copy)
        found = [*powercap.survey(machine).closed, *hwmon.survey(machine).closed]
    assert [one.channel.id for one in found] == ["package-0", "amdgpu-0/power"]
    for one in found:
        assert one.obstacle.cause is Cause.SECURITY
        assert all(word in one.obstacle.what for word in ("SELinux", "AppArmor", "snap", "root as well"))
        assert "chmod" not in one.obstacle.remedy


def test_a_closed_meter_of_a_node_or_a_battery_says_so(shared_path, nobody):
    """It does not say that the file holds nothing."""
    supply, meter = "sys/class/power_supply/BAT0", "sys/cray/pm_counters/energy"
    put(shared_path, **{f"{supply}/type": "Battery", f"{supply}/power_now": 7, meter: "1234 J"})
    for name in (f"{supply}/power_now", meter):
        (shared_path / name).chmod(0)
    with nobody():
        found = [one for source in (battery, cray) for one in source.survey(Machine(shared_path)).obstacles]
    assert [one.cause for one in found] == [Cause.PERMISSION, Cause.PERMISSION]
