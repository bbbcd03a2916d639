"""Fake ``/`` trees of machines: ``write(TWO_SOCKET_SERVER, tmp_path)`` and hand the folder to a source."""

from machines.build import (
    Cpu,
    Machine,
    Pmu,
    Zone,
    energy_uj,
    max_energy_range_uj,
    set_energy_uj,
    write,
)
from machines.hosts import (
    AMD_MIRRORED_DIES,
    CLIENT,
    EMPTY_VM,
    FRAMEWORK_PMU,
    HEX_ZONES,
    LOCKED_DOWN,
    MACHINES,
    PSYS_AND_MMIO,
    SAPPHIRE_RAPIDS,
    TWO_SOCKET_SERVER,
)

__all__ = [
    "AMD_MIRRORED_DIES",
    "CLIENT",
    "EMPTY_VM",
    "FRAMEWORK_PMU",
    "HEX_ZONES",
    "LOCKED_DOWN",
    "MACHINES",
    "PSYS_AND_MMIO",
    "SAPPHIRE_RAPIDS",
    "TWO_SOCKET_SERVER",
    "Cpu",
    "Machine",
    "Pmu",
    "Zone",
    "energy_uj",
    "max_energy_range_uj",
    "set_energy_uj",
    "write",
]
