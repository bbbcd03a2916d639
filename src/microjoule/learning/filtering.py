"""Whether Intel's energy filtering is on, which smears RAPL's updates against PLATYPUS.

Theory (docs/methods.md): IA32_ARCH_CAPABILITIES (MSR 0x10A) bit 11 says that there is a control, and
MISC_PACKAGE_CTLS (MSR 0xBC) bit 0 is it; SGX turns it on without either. Where the registers cannot be
read (no msr device, a virtual machine), statistics tell: filtered counters move about every 8 ms
instead of every one, and their increments carry noise.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..channel import Channel
from ..host.calibration import Filtering
from ..sources import RAPL
from ..sources.host import INTEL, Host
from ..units import NS_PER_MS, three_digits
from .update_statistics import ObservedUpdates, apart, scatter

ARCH_CAPABILITIES, MISC_PACKAGE_CTLS = 0x10A, 0xBC
HAS_CONTROL, IS_ON = 1 << 11, 1 << 0
SLOW_NS = 4 * NS_PER_MS  # an unfiltered register moves each millisecond
NOISY = 0.25  # of an increment, at a load that does not change
UPDATES_MIN = 20


def filtering(channel: Channel, found: ObservedUpdates, host: Host, root: Path) -> Filtering | None:
    """What is known of a channel's filtering; None: it is not RAPL.

    Args:
        channel: The channel.
        found: Its updates under a load that does not change.
        host: The machine.
        root: The root of its file system.
    """
    if channel.source not in RAPL:
        return None
    if host.cpu_vendor != INTEL:
        return Filtering(state="off", known_from=f"{host.cpu_vendor} has none")
    by_register = _by_register(root, max(channel.access.cpu, 0))
    return by_register or by_statistics(found)


def by_statistics(found: ObservedUpdates) -> Filtering:
    """What the updates alone tell."""
    if len(found) < UPDATES_MIN:
        return Filtering(state="unknown", known_from="too few updates")
    import numpy as np

    period_ms = float(np.median(apart(found)[0])) / NS_PER_MS
    noise = scatter(found)
    seen = f"updates every {three_digits(period_ms)} ms, increments scatter by {noise:.0%}"
    if period_ms * NS_PER_MS >= SLOW_NS:
        return Filtering(state="on", known_from=f"statistics: {seen}")
    return Filtering(state="unknown" if noise > NOISY else "off", known_from=f"statistics: {seen}")


def _by_register(root: Path, cpu: int) -> Filtering | None:
    capabilities = _read(root / f"dev/cpu/{cpu}/msr", ARCH_CAPABILITIES)
    if capabilities is None:
        return None
    if not capabilities & HAS_CONTROL:
        return None  # SGX may force it all the same: let the statistics speak
    control = _read(root / f"dev/cpu/{cpu}/msr", MISC_PACKAGE_CTLS)
    if control is None:
        return None
    return Filtering(state="on" if control & IS_ON else "off", known_from="MSR 0xBC bit 0")


def _read(path: Path, register: int) -> int | None:
    try:
        with path.open("rb", buffering=0) as device:
            word = os.pread(device.fileno(), 8, register)
    except OSError:
        return None
    return int.from_bytes(word, "little") if len(word) == 8 else None
