"""A channel's place, in the words of those who read metrics."""

from dataclasses import replace

import pytest
from levels import BUSY, CORE, PACKAGE, placed

from microjoule.live.component import component


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
        ("grace-0/power", "package", "cpu", "grace-0"),
        ("grace-0/sysio_power", "sysio", "cpu", "sysio of grace-0"),
        ("battery-0/power", "battery", "battery", "battery-0"),
        ("cpu_time/system", "cpu", "cpu", "cpu of machine"),
        ("rack-4/power", "rack", "power_meter", "rack-4"),
    ],
)
def test_a_place_tells_domain_type_and_name(name, domain, type_, words):
    found = component(placed(name), {})
    assert (found.id, found.domain, found.type, found.name) == (name, domain, type_, words)


def test_a_parent_is_named_where_it_is_served_too():
    both = {channel.id: channel for channel in (PACKAGE, CORE)}
    assert component(CORE, both).parent == "package-0"
    assert component(PACKAGE, both).parent == ""


def test_of_two_readings_of_a_parent_the_one_by_the_same_source_is_named():
    other = replace(PACKAGE, id="package-0@powercap", twin_of="package-0", source="powercap")
    inside = replace(CORE, id="package-0/core@powercap", twin_of="package-0/core", source="powercap")
    served = {channel.id: channel for channel in (PACKAGE, other)}
    assert component(inside, served).parent == "package-0@powercap"
    assert component(CORE, served).parent == "package-0"


def test_a_model_is_said():
    assert component(BUSY, {}).provenance == "estimated"
    assert component(PACKAGE, {}).provenance == "measured"
