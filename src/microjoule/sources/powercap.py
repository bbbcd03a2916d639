"""RAPL through powercap: text files under ``/sys/class/powercap``.

Theory of the device (``drivers/powercap/intel_rapl_common.c``, ``powercap_sys.c``). Each zone has a
file ``energy_uj`` that the kernel fills at each read with floor(count * unit / 1000), where count is
the 32-bit register and unit is the register's unit *cut off to whole nanojoules*: 61035 for
2^-14 J, 15258 for 2^-16 J, 15300 for server DRAM. The count comes back exactly as
ceil(uj * 1000 / unit), and with it the true unit; that inversion is ``energy``'s business
(``Encoding.POWERCAP``), and this source states what it needs: the true unit, and 2^32 as modulus.

- The unit is read off ``max_energy_range_uj`` = floor((2^32 - 1) * unit / 1000), which is one count
  less than the range: using it as the modulus loses a count at each wrap.
- Before Linux 4.0 nothing is cut off, and the range is floor((2^32 - 1) * 10^6 / 2^k): taken for whole
  nanojoules, each wrap would lose 0.67 J.
- Below 1000 nJ a count (ESU 20 and finer) one microjoule holds several counts: the quantum says so.
- Update: about once a millisecond, as the register. Each read interrupts a CPU of the package.
- Who may read: since CVE-2020-8694 (PLATYPUS, Linux 5.10) ``energy_uj`` is mode 0400, root's. Its
  neighbours stay world-readable.
- Modules: ``intel_rapl_msr`` (MSR), ``intel_rapl_tpmi`` (newer Xeons), both above ``intel_rapl_common``.

Known lies.
- Zone ids are hexadecimal and in the driver's order: only ``name`` tells (``zones.py``).
- ``intel-rapl-mmio`` is the same package through another window, not a second one. It is read where the first
  window is closed to this user.
- AMD before Linux 6.11 lists ``package-0-die-0``, ``package-0-die-1``, …: mirrors of one counter. On
  Intel's multi-die parts the dies are real.
- The driver's unit may be wrong: it takes Broadwell-D's DRAM for 2^-14 J, and kernels before 6.1 take
  Sapphire Rapids' for 15.3 µJ (``domains.py``). The quirk row's unit holds, while the count still comes
  back by the driver's own (``shown_nj``).
- AMD's zone ``core`` reads the register of one core, the first, and looks like all cores.
- A domain whose counter was 0 when the driver loaded is hidden. A zone may stay and answer EIO.
- On Linux 6.1 a package that goes offline while ``energy_uj`` is read hangs both: the reader waits
  for CPU hotplug, and hotplug for the reader. perf and MSR do not.
- psys-1 and higher are slaves of the first on boards with several sockets.
"""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction

from ..channel import UNPLACED, Access, Channel, Encoding, Place, Role, Scale, Trust
from ..units import UJ_PER_J
from .domains import (
    COUNTS,
    PSYS,
    TIMING,
    absence,
    channel_id,
    domain_of,
    order,
    package_place,
    with_parents,
)
from .host import AMD, Host
from .machine import Machine
from .survey import Cause, Closed, Obstacle, Survey
from .text_obstacles import denied_by_module, mode_allows
from .zones import NJ_PER_J, NJ_PER_UJ, PowercapZone, register_unit, trust

NAME = "powercap"
UNIT_DIFFERS = 0.01  # 15.3 µJ for 2^-16 J is a rounding, a factor of 4 is not
READERS = "root (mode 0400), or users who may read energy_uj"

PERMISSION_REMEDY = (
    "Run as root, or `sudo chmod a+r /sys/class/powercap/*/energy_uj` "
    "(until the next boot; CVE-2020-8694: fine-grained energy lets other users of the machine infer secrets)."
    " `uj probe --rule` prints what lasts"
)
MASKED = Obstacle(
    Cause.HIDDEN,
    "powercap's zones are listed and their files are not there: container runtimes mask them, "
    "because of CVE-2020-8694",
    "Start the container with `--security-opt systempaths=unconfined`, or measure on the host",
)


def survey(machine: Machine) -> Survey:
    """The RAPL zones of powercap under ``root``, each physical domain once."""
    host, root = machine.host, machine.root
    found = machine.zones
    if not found and any((root / "sys/class/powercap").rglob("intel-rapl:*")):
        return Survey(NAME, READERS, obstacles=(MASKED,))
    if not found:
        remedy = "Run `sudo modprobe intel_rapl_msr` (on Xeons with TPMI, `sudo modprobe intel_rapl_tpmi`)"
        return Survey(NAME, READERS, obstacles=(absence(host, "powercap's intel-rapl", remedy),))
    kept, notes = _physical(host, found)
    readable: list[Channel] = []
    closed: list[tuple[Channel, Obstacle]] = [_unplaced(zone) for zone in found if zone.place is None]
    # psys is read with the first package: a zone of it alone is no lane worth a thread.
    packages = [place for place in kept if place.role == Role.WHOLE]
    first = channel_id(min(packages, key=order, default=package_place(0)))
    for place, zone in kept.items():
        channel = _channel(host, place, zone, first)
        obstacle = _obstacle(zone)
        if obstacle is None:
            readable.append(channel)
        else:
            closed.append((channel, obstacle))
    reasons = tuple(dict.fromkeys(obstacle for _, obstacle in closed))
    odd = [channel for channel, _ in closed if UNPLACED in channel.trust.parents]
    ordered = (*with_parents(channel for channel, _ in closed if channel not in odd), *odd)
    why = {channel.id: obstacle for channel, obstacle in closed}
    wrong = tuple(filter(None, map(_wrong_unit, readable)))
    return Survey(
        NAME,
        READERS,
        channels=with_parents(readable),
        closed=tuple(Closed(channel, why[channel.id]) for channel in ordered),
        obstacles=reasons + notes + wrong,
    )


def _physical(
    host: Host, found: tuple[PowercapZone, ...]
) -> tuple[dict[Place, PowercapZone], tuple[Obstacle, ...]]:
    """The zones that are one physical domain each, and a note for each kind that was left out."""
    kept: dict[Place, PowercapZone] = {}
    notes: dict[Obstacle, None] = {}
    for zone in found:
        place = zone.place
        if place is None:
            continue
        if host.cpu_vendor in AMD and zone.name == "core":
            what = f"AMD's zone {zone.path.name} (core) counts one core, not all of them; it is left out"
            notes[Obstacle(Cause.EXCLUDED, what)] = None
        else:
            place = replace(place, die=None) if host.cpu_vendor in AMD else place
            if place not in kept or _opens(zone, kept[place]):
                kept[place] = zone
            elif zone.family == "intel-rapl":
                twin = channel_id(place)
                what = f"{zone.path.name} ({zone.name}) mirrors the counter of {twin}; it is left out"
                notes[Obstacle(Cause.EXCLUDED, what)] = None
    return kept, tuple(notes)


def _unplaced(zone: PowercapZone) -> tuple[Channel, Obstacle]:
    """A zone of which nobody knows what it counts, as a channel that is not read, and why."""
    name = f"{zone.path.name} ({zone.name})"
    channel = Channel(
        id=name,
        place=Place(device=zone.path.name),
        hw_type="power_meter",
        source=NAME,
        lane=zone.path.name,
        encoding=Encoding.POWERCAP,
        scale=Scale(quantity="J", unit=zone.exact_unit or Fraction(1, UJ_PER_J), unit_source="inferred"),
        trust=Trust(parents=(UNPLACED,)),
        access=Access(reader="text", path=str(zone.path / "energy_uj")),
    )
    what = f"the powercap zone {name} belongs to no package that is known, so that its energy is in no total"
    return channel, Obstacle(Cause.MISLEADING, what)


def _opens(zone: PowercapZone, kept: PowercapZone) -> bool:
    """Whether a zone can be read and the one that was kept for its place cannot."""
    return zone.family != kept.family and _obstacle(kept) is not None and _obstacle(zone) is None


def _channel(host: Host, place: Place, zone: PowercapZone, first: str) -> Channel:
    domain = domain_of(place)
    unit, origin = register_unit(host, domain.name, zone)
    whole_nj = zone.unit_nj or int(unit * NJ_PER_J)
    return Channel(
        id=channel_id(place),
        place=place,
        hw_type=domain.hw_type,
        source=NAME,
        lane=first if place == PSYS else place.device_name,
        encoding=Encoding.POWERCAP,
        scale=Scale(
            quantity="J",
            unit=unit,
            unit_source=origin,
            modulus=COUNTS,
            quantum=max(1, -(-NJ_PER_UJ // whole_nj)),
            shown_nj=0 if zone.is_exact else whole_nj,
        ),
        timing=TIMING,
        trust=trust(host, domain, zone),
        access=Access(reader="text", path=str(zone.path / "energy_uj")),
    )


def _wrong_unit(channel: Channel) -> Obstacle | None:
    """What to say where the driver multiplies by another unit than the CPU counts in."""
    own_nj, shown_nj = float(channel.scale.unit * NJ_PER_J), channel.scale.shown_nj
    if not shown_nj or abs(shown_nj / own_nj - 1) < UNIT_DIFFERS:
        return None
    what = (
        f"this kernel takes a count of {channel.id} for {shown_nj / NJ_PER_UJ:.3g} µJ, and this CPU counts "
    )
    return Obstacle(Cause.CORRECTED, f"{what}{own_nj / NJ_PER_UJ:.3g} µJ; energies here are corrected")


def _obstacle(zone: PowercapZone) -> Obstacle | None:
    """What stands in the way of a reading, found by trying one; None: nothing does."""
    path = zone.path / "energy_uj"
    try:
        int(path.read_text(encoding="ascii"))
    except PermissionError:
        if mode_allows(path):
            return denied_by_module("/sys/class/powercap/*/energy_uj")
        what = "/sys/class/powercap/*/energy_uj may not be read by this user"
        return Obstacle(Cause.PERMISSION, what, PERMISSION_REMEDY)
    except FileNotFoundError:
        return Obstacle(Cause.HIDDEN, f"{path} does not exist")
    except OSError as error:
        return Obstacle(
            Cause.FAILING,
            f"{path} answers {os.strerror(error.errno or 0)}",
            "See `sudo dmesg | grep -i rapl`; perf may still read this domain (`--source rapl_perf`)",
        )
    except ValueError:
        return Obstacle(Cause.FAILING, f"{path} does not hold a number")
    return None
