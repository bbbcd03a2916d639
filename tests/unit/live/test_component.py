"""A channel's id, in the words of those who read metrics."""

import pytest
from levels import BUSY, CORE, PACKAGE, PSYS, placed

from microjoule.live.component import component, is_platform


@pytest.mark.parametrize(
    ("name", "domain", "type_", "words"),
    [
        ("package-0", "package", "cpu", "package-0"),
        ("package-1-die-0", "package", "cpu", "package-1-die-0"),
        ("package-0/core", "core", "cpu", "core of package-0"),
        ("package-0/dram@powercap", "dram", "memory", "dram of package-0"),
        ("psys", "psys", "enclosure", "psys"),
        ("gpu-3/energy", "gpu", "gpu", "gpu-3"),
        ("gpu-3/power_average", "gpu", "gpu", "gpu-3"),
        ("gpu-0/memory_power", "memory", "memory", "memory of gpu-0"),
        ("amdgpu-0/power", "gpu", "gpu", "amdgpu-0"),
        ("xe-0/energy", "gpu", "gpu", "xe-0"),
        ("xe-0/package", "package", "gpu", "package of xe-0"),
        ("node/energy", "node", "enclosure", "node"),
        ("node/cpu_energy", "cpu", "cpu", "cpu of node"),
        ("node/accel0_energy", "accel0", "gpu", "accel0 of node"),
        ("grace-0/power", "grace", "cpu", "grace-0"),
        ("grace-0/sysio_power", "sysio", "cpu", "sysio of grace-0"),
        ("battery-0/power", "battery", "battery", "battery-0"),
        ("cpu_time/system", "cpu_time", "cpu", "cpu_time"),
        ("rack-4/power", "rack", "power_meter", "rack-4"),
    ],
)
def test_an_id_tells_domain_type_and_name(name, domain, type_, words):
    found = component(placed(name), {})
    assert (found.id, found.domain, found.type, found.name) == (name, domain, type_, words)


def test_a_parent_is_named_where_it_is_served_too():
    both = {channel.id: channel for channel in (PACKAGE, CORE)}
    assert component(CORE, both).parent == "package-0"
    assert component(PACKAGE, both).parent == ""


def test_a_model_is_said():
    assert component(BUSY, {}).provenance == "modelled"
    assert component(PACKAGE, {}).provenance == "measured"


def test_the_boards_meter_is_a_platform_and_a_package_is_none():
    assert is_platform(PSYS)
    assert not is_platform(PACKAGE)
    assert not is_platform(placed("node/cpu_energy"))
