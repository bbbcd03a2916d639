"""What a total adds: each joule once, and a platform's meter where nothing better covers the CPU."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from places import identity

from microjoule.channel import UNPLACED, Access, Channel, Kind, PowerModel, Scale, Trust
from microjoule.errors import Overlap
from microjoule.joules.estimates.estimate import Estimate
from microjoule.joules.estimates.total import add, beside, covered, is_energy, is_power, tells_energy, total


def channel(name: str, *parents: str, kind: Kind = Kind.COUNTER) -> Channel:
    return Channel(
        **identity(name),
        source="script",
        lane="lane",
        kind=kind,
        scale=Scale(quantity="J" if kind is Kind.COUNTER else "W", unit=Fraction(1), unit_source="interface"),
        trust=Trust(parents=parents),
        access=Access(reader="script", path=""),
    )


def gauge(name: str, *parents: str) -> Channel:
    return channel(name, *parents, kind=Kind.GAUGE)


def table(*channels: Channel) -> dict[str, Channel]:
    return {each.id: each for each in channels}


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ([channel("node/energy"), channel("psys")], ("node/energy",)),
        ([gauge("machine-0/power"), gauge("machine-1/power"), channel("psys")], ("machine-0/power",)),
        ([gauge("module-0/power"), gauge("module-1/power")], ("module-0/power", "module-1/power")),
        ([channel("node/energy"), gauge("node/power", "node/energy")], ("node/energy",)),
    ],
)
def test_of_platforms_there_is_one(channels: list[Channel], expected: tuple[str, ...]) -> None:
    """They hold each other; only modules lie side by side."""
    assert covered(table(*channels)) == expected


def test_a_platform_covers_what_no_package_tells() -> None:
    """A lone GPU, an uncore or a DRAM is no total where a meter holds them all; packages are."""
    gpu, uncore = channel("gpu-0/energy"), channel("package-0/uncore", "package-0")
    assert covered(table(channel("node/energy"), gpu)) == ("node/energy",)
    assert covered(table(channel("psys"), gpu, uncore)) == ("psys",)
    assert covered(table(channel("psys"), channel("package-0"), gpu)) == ("package-0", "gpu-0/energy")
    grace = gauge("grace-0/power", "module-0/power")
    assert covered(table(gauge("module-0/power"), grace, gpu)) == ("grace-0/power", "gpu-0/energy")
    parts = [channel("node/cpu_energy"), channel("node/memory_energy")]
    assert covered(table(*parts)) == ("node/cpu_energy", "node/memory_energy")
    assert covered(table(*parts, gpu)) == ("gpu-0/energy",)


def test_a_total_says_what_a_platform_takes_in() -> None:
    """Its channels name no GPU, and it holds them."""
    one = Estimate(value=1.0, low=1.0, high=1.0)
    channels = table(channel("node/energy"), channel("gpu-0/energy"), channel("package-0"))
    alone = {name: channels[name] for name in ("node/energy", "gpu-0/energy")}
    assert "GPU" in total(dict.fromkeys(alone, one), alone).covers
    assert total(dict.fromkeys(channels, one), channels).covers == ""


def test_dies_are_inside_their_package() -> None:
    """One interface shows a package whole and another by its dies."""
    dies = [
        channel("package-0-die-0", "package-0"),
        channel("package-0-die-1", "package-0"),
        channel("package-0-die-0/dram", "package-0/dram"),
    ]
    assert covered(table(channel("package-0"), *dies[:2])) == ("package-0",)
    assert covered(table(channel("package-0"), channel("package-0/dram"), dies[2])) == (
        "package-0",
        "package-0/dram",
    )
    assert covered(table(*dies)) == tuple(each.id for each in dies)


def test_a_counter_comes_before_a_gauge_of_the_same_thing() -> None:
    """Whichever of them has the plain name."""
    assert covered(table(gauge("package-0"), channel("package-0@powercap"))) == ("package-0@powercap",)
    assert covered(table(channel("package-0@powercap"), channel("package-0"))) == ("package-0",)


def test_parts_of_a_node_are_no_total_beside_what_they_may_hold() -> None:
    """A node's accelerator is a GPU that NVML counts as well, and its CPU a package."""
    parts = [channel("node/cpu_energy"), channel("node/accel0_energy")]
    assert covered(table(*parts, channel("gpu-0/energy"))) == ("gpu-0/energy",)
    assert covered(table(*parts, channel("package-0"))) == ("package-0",)
    with pytest.raises(Overlap):
        add(("node/cpu_energy", "package-0"), {}, table(*parts, channel("package-0")))


def test_no_meter_of_several_is_called_the_whole_machine() -> None:
    """Two supplies, or two sides of one: nobody knows, so one of them is taken, and called that."""
    one = Estimate(value=1.0, low=1.0, high=1.0)
    channels = table(gauge("machine-0/power"), gauge("machine-1/power"))
    found = total(dict.fromkeys(channels, one), channels)
    assert found.channels == ("machine-0/power",)
    assert "one of 2 meters" in found.covers
    assert found.excluded == ("machine-1/power",)
    assert "machine-1/power is not added" in found.covers
    assert "whole machine" not in found.covers
    modules = table(gauge("module-0/power"), gauge("module-1/power"))
    assert total(dict.fromkeys(modules, one), modules).excluded == ()
    assert "whole modules" in total(dict.fromkeys(modules, one), modules).covers


def test_channels_of_one_place_count_the_same_joules() -> None:
    """Whatever they are called: the place says it."""
    twin = replace(channel("counted elsewhere"), place=channel("package-0").place)
    channels = table(channel("package-0"), twin)
    assert covered(channels) == ("package-0",)
    with pytest.raises(Overlap):
        add(channels, {}, channels)


MODEL = PowerModel(value_w=5.0, low_w=1.0, high_w=9.0, source="a table")


@pytest.mark.parametrize(
    ("kind", "quantity", "model", "expected"),
    [
        (Kind.COUNTER, "J", None, (True, False)),
        (Kind.COUNTER, "s", MODEL, (True, False)),
        (Kind.COUNTER, "s", None, (False, False)),
        (Kind.COUNTER, "W", None, (False, False)),
        (Kind.GAUGE, "W", None, (False, True)),
        (Kind.GAUGE, "J", None, (False, False)),
        (Kind.GAUGE, "°C", None, (False, False)),
    ],
)
def test_a_counter_of_joules_is_energy_and_a_gauge_of_watts_is_power(kind, quantity, model, expected) -> None:
    """A counter with a power model too, and nothing else."""
    of = channel("package-0", kind=kind)
    scale, trust = replace(of.scale, quantity=quantity), replace(of.trust, model=model)
    of = replace(of, scale=scale, trust=trust)
    assert (is_energy(of), is_power(of)) == expected


def test_a_power_inside_a_counted_energy_tells_no_second_one() -> None:
    """And one inside none does."""
    channels = table(
        channel("gpu-0/energy"), gauge("gpu-0/power", "gpu-0/energy"), gauge("gpu-1/power", "gpu-1/energy")
    )
    assert tells_energy(channels) == ("gpu-0/energy", "gpu-1/power")


def test_what_nobody_can_place_or_what_is_no_energy_is_in_no_total() -> None:
    """A fan's speed, and a meter of something unknown."""
    fan = replace(gauge("fan-0"), scale=replace(gauge("fan-0").scale, quantity="Hz"))
    assert covered(table(channel("package-0"), fan, channel("gpu-1/energy", UNPLACED))) == ("package-0",)
    assert covered(table(fan, channel("gpu-1/energy", UNPLACED))) == ()


def test_a_measured_source_comes_before_a_estimated_one_of_the_same_place() -> None:
    """In whichever order they are listed."""
    measured, estimated = channel("package-0@powercap"), channel("package-0")
    estimated = replace(estimated, trust=replace(estimated.trust, model=MODEL))
    assert covered(table(measured, estimated)) == ("package-0@powercap",)
    assert covered(table(estimated, measured)) == ("package-0@powercap",)


def test_beside_a_counter_are_the_power_gauges_of_its_place_that_it_contains() -> None:
    counter, inside = channel("gpu-0/energy"), gauge("gpu-0/power", "gpu-0/energy")
    fan = replace(inside, id="fan", scale=replace(inside.scale, quantity="Hz"))
    others = (
        gauge("gpu-0/power@other"),
        gauge("gpu-1/power", "gpu-0/energy"),
        fan,
        channel("gpu-0/energy@other"),
    )
    channels = table(counter, inside, *others)
    assert beside(counter, channels) == ("gpu-0/power",)
    assert beside(inside, table(inside, gauge("gpu-0/power@part", "gpu-0/power"))) == ()


def test_of_estimates_the_commands_is_taken_where_it_has_a_figure() -> None:
    """A command too short for one leaves the machine's; what was measured hides nothing that is not known."""
    both = (channel("cpu_time/system"), channel("cpu_time/command"))
    channels = table(*(replace(each, trust=replace(each.trust, model=MODEL)) for each in both))
    known, unknown = (
        Estimate(value=1.0, low=0.0, high=2.0),
        Estimate(value=None, low=0.0, high=math.inf, status="incomplete"),
    )
    system, command = channels
    assert total({system: known, command: known}, channels).channels == (command,)
    assert total({system: known, command: unknown}, channels).channels == (system,)
    packages = table(channel("package-0"), channel("package-1"))
    found = total({"package-0": known, "package-1": unknown}, packages)
    assert (found.channels, found.value) == (("package-0", "package-1"), None)


def test_the_total_of_nothing_has_failed() -> None:
    """It is not 0 J: nothing bounds it."""
    nothing = total({}, {})
    assert (nothing.value, nothing.low, nothing.high, nothing.status) == (None, 0.0, math.inf, "failed")


def test_one_of_two_machine_meters_says_that_there_are_two() -> None:
    """A GPU beside them is none of them, and neither is a platform's meter of another kind."""
    one = Estimate(value=1.0, low=1.0, high=1.0)
    channels = table(
        gauge("machine-0/power"), gauge("machine-1/power"), channel("gpu-0/energy"), channel("psys")
    )
    assert total(dict.fromkeys(channels, one), channels).covers.startswith("one of 2 meters of a machine")
