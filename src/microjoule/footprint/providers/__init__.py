"""Providers of time-varying intensity on the network, behind one protocol.

Decision: standard-library HTTP, no client packages, and nothing here is ever called unless a person
names a provider: the analysis itself never goes out. A fetch belongs after the run. What was given up:
connection reuse and caching, which a run's one or two requests do not repay.

A provider is a file here with a class that takes an ``ProviderAccess``, and its entry in ``PROVIDERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ...errors import UnknownProvider, nearest
from .eia import Eia
from .electricity_maps import ElectricityMaps
from .entsoe import Entsoe
from .neso import Neso
from .protocol import Provider, ProviderAccess
from .watttime import WattTime

PROVIDERS: Mapping[str, Callable[[ProviderAccess], Provider]] = MappingProxyType(
    {
        "electricitymaps": ElectricityMaps,
        "watttime": WattTime,
        "neso": Neso,
        "entsoe": Entsoe,
        "eia": Eia,
    }
)


def provider(name: str, access: ProviderAccess) -> Provider:
    """The provider of a name.

    Raises:
        UnknownProvider: There is none of this name.
    """
    if name not in PROVIDERS:
        raise UnknownProvider(f"There is no live provider {name!r}", nearest(name, PROVIDERS))
    return PROVIDERS[name](access)


__all__ = ["PROVIDERS", "Provider", "ProviderAccess", "UnknownProvider", "provider"]
