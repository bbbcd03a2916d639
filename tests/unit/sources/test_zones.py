"""Zones of powercap: their order, their limits, their unit, and which one a place is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from microjoule.sources.domains import package_place
from microjoule.sources.zones import NJ_PER_J, PowercapZone, power_limit, true_unit, zone_of, zones


def zone(name: str, limit_w: float | None = None, is_settable: bool = False) -> PowercapZone:
    return PowercapZone(Path("zone"), name, "", "intel-rapl", 61035, limit_w, "file", is_settable)


def listed(root: Path, folder: str, name: str, **files: str) -> None:
    """A zone in the class folder, with the lines of its files."""
    path = root / "sys/class/powercap" / folder
    path.mkdir(parents=True)
    for file, text in {"name": name, **files}.items():
        (path / file).write_text(f"{text}\n")


def test_zones_come_in_the_order_of_their_hexadecimal_numbers(tmp_path: Path) -> None:
    """A zone whose number is none comes first, and stops nothing."""
    for number in ("10", "2", "a", "", "az", "0"):
        listed(tmp_path, f"intel-rapl:{number}", f"zone {number}")
    for number in ("0:1", "0:0", "2:0", "0:a", "0:10"):
        listed(tmp_path, f"intel-rapl:{number}", f"part {number}")
    names = [each.name for each in zones(tmp_path)]
    assert names[2:] == [
        "zone 0", "part 0:0", "part 0:1", "part 0:a", "part 0:10", "zone 2", "part 2:0", "zone a", "zone 10",
    ]  # fmt: skip
    assert set(names[:2]) == {"zone", "zone az"}


@pytest.mark.parametrize(
    ("text", "limit_w"),
    [
        ("500000", 0.5),
        ("100000000000", 100_000.0),
        ("100000000001", None),
        ("0", None),
        ("", None),
        ("no limit", None),
    ],
)
def test_a_limit_counts_up_to_the_ceiling_and_where_it_is_a_number(
    tmp_path: Path, text: str, limit_w: float | None
) -> None:
    listed(tmp_path, "intel-rapl:0", "package-0", constraint_0_power_limit_uw=text)
    (found,) = zones(tmp_path)
    assert (found.limit_w, found.limit_source == "none") == (limit_w, limit_w is None)
    assert found.is_settable is (limit_w is not None)


def test_a_zone_without_a_limit_has_none_that_could_be_lifted(tmp_path: Path) -> None:
    listed(tmp_path, "intel-rapl:0", "package-0")
    (found,) = zones(tmp_path)
    assert (found.limit_w, found.limit_source, found.is_settable) == (None, "none", False)
    assert not PowercapZone(Path("zone"), "package-0", "", "intel-rapl", None, None, "none").is_settable


def test_a_package_that_is_listed_by_dies_is_its_first_die() -> None:
    """And a die is itself alone; a zone whose name is unknown is no place's."""
    dies = (zone("unheard-of"), zone("package-0-die-0"), zone("package-0-die-1"), zone("package-1-die-0"))
    assert zone_of(dies, package_place(0)) is dies[1]
    assert zone_of(dies, package_place(0, 1)) is dies[2]
    assert zone_of(dies, package_place(1)) is dies[3]
    assert zone_of(dies, package_place(2)) is None
    assert zone_of(dies, package_place(0, 2)) is None
    whole = (zone("package-0"), zone("package-1"))
    assert zone_of(whole, package_place(1)) is whole[1]
    assert zone_of(whole, package_place(0, 0)) is None


@pytest.mark.parametrize("k", range(30))
def test_a_unit_in_whole_nanojoules_is_the_power_of_two_that_was_cut(k: int) -> None:
    unit_nj = NJ_PER_J >> k
    assert true_unit(unit_nj) == Fraction(1, 1 << k)


def test_a_unit_beside_a_power_of_two_is_what_it_says() -> None:
    for unit_nj in (NJ_PER_J >> 16, NJ_PER_J >> 14, NJ_PER_J >> 1):
        for other in (unit_nj - 1, unit_nj + 1):
            assert true_unit(other) == Fraction(other, NJ_PER_J)


def test_a_unit_of_more_than_a_joule_is_what_it_says() -> None:
    assert true_unit(2 * NJ_PER_J) == 2
    assert true_unit(NJ_PER_J + 1) == 1 + Fraction(1, NJ_PER_J)


def test_a_settable_cap_counts_where_it_is_not_below_what_such_parts_draw() -> None:
    assert power_limit("dram", zone("package-0", 500.0, is_settable=True)) == (500.0, "settable cap file")
    lower = power_limit("dram", zone("package-0", 499.0, is_settable=True))
    assert lower == (500.0, "assumed: the settable cap file may be lifted")
    assert power_limit("dram", zone("package-0", 499.0)) == (499.0, "file")
