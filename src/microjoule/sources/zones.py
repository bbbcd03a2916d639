"""The powercap tree as a list of zones: what is world-readable there, and nothing else.

``/sys/class/powercap/intel-rapl:N`` are packages or psys, ``intel-rapl:N:M`` their domains; the ids
are printed in hexadecimal (``drivers/powercap/powercap_sys.c``) and follow the order in which the
driver met the CPUs, so only the file ``name`` says which zone is which. ``name``,
``max_energy_range_uj`` and the constraints are world-readable even where ``energy_uj`` is root's:
perf and MSR learn their register unit and their power limit from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

from ..channel import Place, Trust
from ..units import UJ_PER_J, UW_PER_W
from ..value_class import dataclass
from .domains import (
    NESTED,
    PSYS,
    PSYS_NAME,
    Domain,
    assumed_unit,
    package_place,
    place_of,
    quirk_unit,
    sensor_error,
)
from .host import INTEL, Host, integer_in, text_of

NJ_PER_UJ = 1000
NJ_PER_J = NJ_PER_UJ * UJ_PER_J
PACKAGE = re.compile(r"package-(\d+)(?:-die-(\d+))?")  # intel_rapl_common.c: rapl_detect_topology
PSYS_ZONE = re.compile(r"psys(-\d+)?")
LAST_COUNT = (1 << 32) - 1
# Server DRAM: intel_rapl_common.c's dram_domain_energy_unit, and what rapl.c takes for the same registers.
# Intel's manual rounds 2^-16 J to 15.3 uJ; powercap's own joules are therefore 0.27 % too many.
# By their range the units that a kernel before 4.0 takes as they are; some are whole nanojoules anyway.
_EXACT_NJ = MappingProxyType({(LAST_COUNT * UJ_PER_J) >> k: NJ_PER_J >> k for k in range(10, 32)})
FIXED_UNITS_NJ = MappingProxyType({15_300: Fraction(1, 1 << 16)})
# What a part may draw whose firmware states nothing: a factor under which no true step may lie, so generous
# ones. Twice the limit is believed (``joules.counters.unwrap``): of a board with its GPUs, 10 kW.
PLATFORM_LIMIT_W = 5_000.0
DOMAIN_LIMIT_W = 500.0
LIMIT_CEILING_W = 100_000  # firmware that means "no limit" writes absurd ones; no socket draws this


@dataclass(frozen=True, slots=True)
class PowercapZone:
    """One powercap zone.

    Attributes:
        name: Its own name for what it is.
        parent: The name of the zone around it; empty at the top.
        family: ``intel-rapl`` or ``intel-rapl-mmio``.
        unit_nj: Whole nanojoules per count, as the driver has it; None: not known.
        limit_w: Its largest power limit; None: none stated.
        limit_source: The file of that limit.
        is_settable: Whether that limit is only what somebody set, and may be lifted at any time.
        is_exact: Whether the driver cuts no unit off, as before Linux 4.0.
    """

    path: Path
    name: str
    parent: str
    family: str
    unit_nj: int | None
    limit_w: float | None
    limit_source: str
    is_settable: bool = False
    is_exact: bool = False

    @property
    def exact_unit(self) -> Fraction | None:
        """Joules per count of the register behind it; None: not known."""
        return None if self.unit_nj is None else true_unit(self.unit_nj)

    @property
    def place(self) -> Place | None:
        """What the driver's names say that it counts; None: nothing that is known here."""
        if not self.parent and PSYS_ZONE.fullmatch(self.name):
            return PSYS
        package = PACKAGE.fullmatch(self.parent or self.name)
        if package is None or (self.parent and self.name not in NESTED):
            return None
        number, die = (None if digits is None else int(digits) for digits in package.groups())
        return place_of(package_place(number or 0, die), self.name if self.parent else "")


def zones(root: Path) -> tuple[PowercapZone, ...]:
    """All RAPL zones, the MSR and TPMI ones before the memory-mapped duplicates."""
    folder = root / "sys/class/powercap"
    return tuple(
        zone
        for family in ("intel-rapl", "intel-rapl-mmio")
        for zone in _nested(tuple(_family(folder, family)))
    )


def _nested(found: tuple[PowercapZone, ...]) -> tuple[PowercapZone, ...]:
    """The zones; parts that a kernel lists beside the only package are put inside it."""
    packages = [zone.name for zone in found if not zone.parent and PACKAGE.fullmatch(zone.name)]
    if len(packages) != 1:
        return found
    taken = {zone.name for zone in found if zone.parent}
    return tuple(
        replace(zone, parent=packages[0])
        if not zone.parent and zone.name in NESTED and zone.name not in taken
        else zone
        for zone in found
    )


def zone_of(all_zones: tuple[PowercapZone, ...], place: Place) -> PowercapZone | None:
    """The first zone of a RAPL place; on parts that list a package by dies, its first die."""
    for zone in all_zones:
        of = zone.place
        if of == place or (of is not None and place.die is None and replace(of, die=None) == place):
            return zone
    return None


def true_unit(unit_nj: int) -> Fraction:
    """The joules of one count whose whole-nanojoule value the driver uses.

    The driver cuts 2^-k J off to whole nanojoules; other values are fixed in the driver, and exact
    where the table does not know better.
    """
    if unit_nj in FIXED_UNITS_NJ:
        return FIXED_UNITS_NJ[unit_nj]
    k = (NJ_PER_J // unit_nj).bit_length() - 1
    if k >= 0 and NJ_PER_J >> k == unit_nj:
        return Fraction(1, 1 << k)
    return Fraction(unit_nj, NJ_PER_J)


def register_unit(host: Host, domain: str, zone: PowercapZone | None) -> tuple[Fraction, str]:
    """The joules of one count of a domain's register, whatever the driver takes it for, and who says so.

    The DRAM unit of 15.3 µJ is that of the models in ``domains.QUIRKS`` and of no later one: on another model
    it is the driver's mistake, as it was on Sapphire Rapids.
    """
    quirk = quirk_unit(host, domain)
    if quirk is not None:
        return quirk, "kernel"
    if zone is None or zone.exact_unit is None:
        return assumed_unit(host), "assumed"
    if zone.unit_nj in FIXED_UNITS_NJ and host.cpu_vendor == INTEL and host.cpu_model is not None:
        return assumed_unit(host), "assumed"
    return zone.exact_unit, "inferred"


def _family(folder: Path, family: str) -> Iterator[PowercapZone]:
    # The class folder links every zone. A container may have the driver's own folder alone, where zones are
    # inside one another.
    places = (folder / family, folder)
    tops = {path.name: path for place in places for path in place.glob(f"{family}:*")}
    for top in sorted(tops.values(), key=_zone_number):
        if top.name.count(":") != 1:
            continue
        zone = _zone(top, "", family)
        if zone is None:
            continue
        yield zone
        inner = {path.name: path for place in (top, *places) for path in place.glob(f"{top.name}:*")}
        for path in sorted(inner.values(), key=_zone_number):
            subzone = _zone(path, zone.name, family)
            if subzone is not None:
                yield subzone


def _zone(path: Path, parent: str, family: str) -> PowercapZone | None:
    name = text_of(path / "name")
    if not name:
        return None
    range_uj = integer_in(path / "max_energy_range_uj")
    exact_nj = _EXACT_NJ.get(range_uj or 0)
    unit_nj = exact_nj or _unit_nj(range_uj)
    return PowercapZone(path, name, parent, family, unit_nj, *_limit(path), is_exact=exact_nj is not None)


def _unit_nj(range_uj: int | None) -> int | None:
    # The range is floor((2^32 - 1) * unit / 1000): rounding gives back the whole nanojoules.
    unit = round(range_uj * NJ_PER_UJ / LAST_COUNT) if range_uj else 0
    return unit or None


def _limit(path: Path) -> tuple[float | None, str, bool]:
    """The largest limit, its file, and whether no more stands behind it than a setting.

    ``max_power_uw`` is the part's own (its thermal design power), ``power_limit_uw`` is set by firmware,
    a daemon or a user. A setting above the part's own counts, because short turbo limits are, and
    are drawn; a lower one says nothing of what is drawn once it is lifted.
    """
    rated, caps = (_largest(path, name) for name in ("max_power_uw", "power_limit_uw"))
    if rated is None and caps is None:
        return None, "none", False
    limit_w, source = max(row for row in (rated, caps) if row is not None)
    return limit_w, source, rated is None


def _largest(path: Path, name: str) -> tuple[float, str] | None:
    found = (
        ((integer_in(file) or 0) / UW_PER_W, f"{path.name}/{file.name}")
        for file in sorted(path.glob(f"constraint_*_{name}"))
    )
    return max((row for row in found if 0 < row[0] <= LIMIT_CEILING_W), default=None)


def _zone_number(path: Path) -> tuple[int, ...]:
    numbers = path.name.split(":")[1:]
    return tuple(int(number, 16) if number.isalnum() and _is_hex(number) else -1 for number in numbers)


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdefABCDEF" for character in text)


def trust(host: Host, domain: Domain, zone: PowercapZone | None) -> Trust:
    """What is promised of a RAPL channel: its zone's power limit, and the sensor's doubt."""
    limit_w, source = power_limit(domain.name, zone)
    return Trust(power_limit_w=limit_w, power_limit_source=source, sensor=sensor_error(host, domain.name))


def power_limit(domain: str, zone: PowercapZone | None) -> tuple[float | None, str]:
    """The largest power to expect of a domain, and where that comes from; None: nothing is stated.

    A limit under which true steps lie makes resets of them, so that one which may be lifted is raised
    to what such parts can draw.
    """
    is_platform = domain == PSYS_NAME
    usual_w = PLATFORM_LIMIT_W if is_platform else DOMAIN_LIMIT_W
    if zone is None or zone.limit_w is None:
        return (usual_w, "assumed") if is_platform else (None, "none")
    if not zone.is_settable:
        return zone.limit_w, zone.limit_source
    if zone.limit_w >= usual_w:
        return zone.limit_w, f"settable cap {zone.limit_source}"
    return usual_w, f"assumed: the settable cap {zone.limit_source} may be lifted"
