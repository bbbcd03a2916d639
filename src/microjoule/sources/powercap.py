"""RAPL through powercap: text files under ``/sys/class/powercap``.

Theory of the device (``drivers/powercap/intel_rapl_common.c``, ``powercap_sys.c``). Each zone has a
file ``energy_uj`` that the kernel fills at each read with floor(count * unit / 1000), where count is
the 32-bit register and unit is the register's unit *cut off to whole nanojoules*: 61035 for
2^-14 J, 15258 for 2^-16 J, 15300 for server DRAM. The count comes back exactly as
ceil(uj * 1000 / unit), and with it the true unit; that inversion is ``energy``'s business
(``Encoding.POWERCAP``), and this source states what it needs: the true unit, and 2^32 as modulus.

- The unit is read off ``max_energy_range_uj`` = floor((2^32 - 1) * unit / 1000), which is one count
  less than the range: using it as the modulus loses a count at each wrap.
- Below 1000 nJ a count (ESU 20 and finer) one microjoule holds several counts: the quantum says so.
- Update: about once a millisecond, as the register. Each read interrupts a CPU of the package.
- Who may read: since CVE-2020-8694 (PLATYPUS, Linux 5.10) ``energy_uj`` is mode 0400, root's. Its
  neighbours stay world-readable.
- Modules: ``intel_rapl_msr`` (MSR), ``intel_rapl_tpmi`` (newer Xeons), both above ``intel_rapl_common``.

Known lies.
- Zone ids are hexadecimal and in the driver's order: only ``name`` tells (``zones.py``).
- ``intel-rapl-mmio`` is the same package through another window, not a second one.
- AMD before Linux 6.11 lists ``package-0-die-0``, ``package-0-die-1``, …: mirrors of one counter. On
  Intel's multi-die parts the dies are real.
- The driver's unit may be wrong: it takes Broadwell-D's DRAM for 2^-14 J. The quirk row's unit holds,
  while the count still comes back by the driver's own (``shown_nj``).
- AMD's zone ``core`` reads the register of one core, the first, and looks like all cores.
- A domain whose counter was 0 when the driver loaded is hidden. A zone may stay and answer EIO.
- On Linux 6.1 a package that goes offline while ``energy_uj`` is read hangs both: the reader waits
  for CPU hotplug, and hotplug for the reader. perf and MSR do not.
- psys-1 and higher are slaves of the first on boards with several sockets.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from ..channel import Access, Channel, Encoding, Scale
from .domains import COUNTS, DOMAINS, TIMING, absence, assumed_unit, id_order, quirk_unit, with_parents
from .host import AMD, Host, read_host
from .survey import Cause, Closed, Obstacle, Survey
from .zones import NJ_PER_J, NJ_PER_UJ, PowercapZone, trust, zones

NAME = "powercap"
READERS = "root (mode 0400), or whom energy_uj is opened to"

PERMISSION_REMEDY = (
    "Run as root, or `sudo chmod a+r /sys/class/powercap/*/energy_uj` "
    "(until the next boot; CVE-2020-8694: fine-grained energy lets other users of the machine infer secrets)"
)
MASKED = Obstacle(
    Cause.HIDDEN,
    "powercap's zones are listed and their files are not there: container runtimes mask them, "
    "because of CVE-2020-8694",
    "Start the container with `--security-opt systempaths=unconfined`, or measure on the host",
)
NESTED = frozenset(domain.zone for domain in DOMAINS if domain.name not in ("", "psys"))


def survey(root: Path = Path("/")) -> Survey:
    """The RAPL zones of powercap under ``root``, each physical domain once."""
    host = read_host(root)
    found = zones(root)
    if not found and any((root / "sys/class/powercap").glob("intel-rapl:*")):
        return Survey(NAME, READERS, obstacles=(MASKED,))
    if not found:
        remedy = "Run `sudo modprobe intel_rapl_msr` (on Xeons with TPMI, `sudo modprobe intel_rapl_tpmi`)"
        return Survey(NAME, READERS, obstacles=(absence(host, "powercap's intel-rapl", remedy),))
    kept, notes = _physical(host, found)
    readable: list[Channel] = []
    closed: list[tuple[Channel, Obstacle]] = []
    for zone in kept:
        obstacle = _obstacle(zone)
        if obstacle is None:
            readable.append(_channel(host, zone, kept))
        else:
            closed.append((_channel(host, zone, kept), obstacle))
    reasons = tuple(dict.fromkeys(obstacle for _, obstacle in closed))
    order = with_parents(channel for channel, _ in closed)
    why = {channel.id: obstacle for channel, obstacle in closed}
    return Survey(
        NAME,
        READERS,
        channels=with_parents(readable),
        closed=tuple(Closed(channel, why[channel.id]) for channel in order),
        obstacles=reasons + notes,
    )


def _physical(
    host: Host, found: tuple[PowercapZone, ...]
) -> tuple[tuple[PowercapZone, ...], tuple[Obstacle, ...]]:
    """The zones that are one physical domain each, and a note for each kind that was left out."""
    kept: dict[str, PowercapZone] = {}
    notes: dict[Obstacle, None] = {}
    for zone in found:
        if not _is_known(zone):
            what = f"{zone.path.name} is called {zone.name}, which is no RAPL domain known here"
            notes[Obstacle(Cause.MISLEADING, f"{what}; it is left out")] = None
        elif host.cpu_vendor in AMD and zone.name == "core":
            what = f"AMD's zone {zone.path.name} (core) counts one core, not all of them; it is left out"
            notes[Obstacle(Cause.MISLEADING, what)] = None
        else:
            single = _without_die(zone) if host.cpu_vendor in AMD else zone
            if single.id not in kept:
                kept[single.id] = single
            elif zone.family == "intel-rapl":
                what = f"{zone.path.name} ({zone.name}) mirrors the counter of {single.id}; it is left out"
                notes[Obstacle(Cause.MISLEADING, what)] = None
    return tuple(kept.values()), tuple(notes)


def _is_known(zone: PowercapZone) -> bool:
    if zone.parent:
        return zone.name in NESTED and zone.parent.startswith("package-")
    return re.fullmatch(r"package-\d+(-die-\d+)?|psys(-\d+)?", zone.name) is not None


def _without_die(zone: PowercapZone) -> PowercapZone:
    name, parent = (re.sub(r"-die-\d+$", "", text) for text in (zone.name, zone.parent))
    return replace(zone, name=name, parent=parent)


def _channel(host: Host, zone: PowercapZone, kept: tuple[PowercapZone, ...]) -> Channel:
    unit, origin = _unit(host, zone)
    packages = [other.id for other in kept if other.id.startswith("package-") and "/" not in other.id]
    first = min(packages, key=id_order, default="package-0")
    whole_nj = zone.unit_nj or int(unit * NJ_PER_J)
    return Channel(
        id=zone.id,
        source=NAME,
        lane=first if zone.id == "psys" else zone.id.partition("/")[0],
        encoding=Encoding.POWERCAP,
        scale=Scale(
            quantity="J",
            unit=unit,
            unit_source=origin,
            modulus=COUNTS,
            quantum=max(1, -(-NJ_PER_UJ // whole_nj)),
            shown_nj=whole_nj,
        ),
        timing=TIMING,
        trust=trust(host, zone.id, zone),
        access=Access(reader="text", path=str(zone.path / "energy_uj")),
    )


def _unit(host: Host, zone: PowercapZone) -> tuple[Fraction, str]:
    """The joules of one register count, whatever the driver takes it for, and who says so."""
    domain = "psys" if zone.id == "psys" else zone.id.partition("/")[2]
    quirk = quirk_unit(host, domain)
    if quirk is not None:
        return quirk, "kernel"
    return (zone.exact_unit, "inferred") if zone.exact_unit else (assumed_unit(host), "assumed")


def _obstacle(zone: PowercapZone) -> Obstacle | None:
    """What stands in the way of a reading, found by trying one; None: nothing does."""
    path = zone.path / "energy_uj"
    try:
        int(path.read_text(encoding="ascii"))
    except PermissionError:
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
