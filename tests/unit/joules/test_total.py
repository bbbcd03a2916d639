"""What a total adds: each joule once, and a platform's meter where nothing better covers the CPU."""

from __future__ import annotations

from fractions import Fraction

import pytest

from microjoule.channel import Access, Channel, Kind, Scale, Trust
from microjoule.joules.estimate import Estimate
from microjoule.joules.total import covered, total


def channel(name: str, *parents: str, kind: Kind = Kind.COUNTER) -> Channel:
    return Channel(
        id=name,
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
    dies = [channel("package-0-die-0"), channel("package-0-die-1"), channel("package-0-die-0/dram")]
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
