"""Methods by name: what a published way of reckoning counts, and the constants that it fixes.

A method is data, not code: all of them are the one product of :mod:`microjoule.footprint.footprint`
over the one energy of :mod:`microjoule.footprint.estimated`. They differ in what they count in, what
they leave out and what they fix. What the user gives stands above what a method fixes.
"""

from __future__ import annotations

from ..errors import UnknownMethod, nearest
from ..value_class import dataclass
from . import data_tables
from .factor import Factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way of reckoning.

    Attributes:
        name: What it is called here.
        formula: What it reckons, in its own letters.
        source: Who says so.
        pue: The code of the PUE that it fixes; empty: the place's.
        intensity: The constant that it fixes as the intensity; empty: the place's.
        price: The code of the electricity price that it fixes; empty: the place's.
        pue_elsewhere: The code of the PUE that it takes where the place has none; empty: see
            :func:`microjoule.footprint.pue.unknown`.
        regions: The table of its own intensities of cloud regions; empty: the place's.
        rents: What its rental prices cover: a ``machine`` that can be used, or the ``accelerator`` alone.
        counts: What of a machine it counts when nothing was measured.
        takes_utilisation: Whether the share of full power that is used enters an estimate.
        takes_scaling: Whether a pragmatic scaling factor, for runs that were repeated, enters it.
        needs_unit: Whether it asks for embodied carbon and a functional unit.
    """

    name: str
    formula: str
    source: str
    pue: str = ""
    intensity: str = ""
    price: str = ""
    pue_elsewhere: str = ""
    regions: str = ""
    rents: str = "machine"
    counts: tuple[str, ...] = ("devices", "cpu", "memory")
    takes_utilisation: bool = True
    takes_scaling: bool = False
    needs_unit: bool = False


DEFAULT = "default"

METHODS = (
    Method(
        name=DEFAULT,
        formula="CO2e = energy × PUE × intensity; cost = energy × PUE × price",
        source="microjoule",
    ),
    Method(
        name="strubell2019",
        formula="p = 1.58 t (p_c + p_r + g p_g) / 1000 kWh; CO2e = 0.954 p lb",
        source="Strubell, Ganesh and McCallum 2019, arXiv:1906.02243",
        pue="strubell2019",
        intensity="strubell2019-intensity",
        price="strubell2019",
        rents="accelerator",
        takes_utilisation=False,
    ),
    Method(
        name="lacoste2019",
        formula="CO2e = power × time × intensity of the region",
        source="Lacoste, Luccioni, Schmidt and Dandres 2019, arXiv:1910.09700",
        pue="none",
        intensity="lacoste2019-intensity",
        regions="lacoste2019",
        counts=("devices",),
        takes_utilisation=False,
    ),
    Method(
        name="greenalgorithms",
        formula="CO2e = t (n_c P_c u_c + n_m P_m) PUE × PSF × intensity",
        source="Lannelongue, Grealey and Inouye 2021, Advanced Science 8(12), Green Algorithms",
        intensity="greenalgorithms-intensity",
        pue_elsewhere="uptime2024",
        takes_scaling=True,
    ),
    Method(
        name="sci",
        formula="SCI = (E I + M) per R",
        source="Green Software Foundation, Software Carbon Intensity 1.1.0 (ISO/IEC 21031:2024)",
        needs_unit=True,
    ),
)


def own_region(of: Method, code: str) -> Factor | None:
    """The intensity that a method has for a cloud region in a table of its own; None: it has none."""
    rows = data_tables.rows(of.regions) if of.regions else ()
    row = next((row for row in rows if row["code"] == code), None)
    return data_tables.factor(row, f"grid of {code}, by {of.name}") if row else None


def method(name: str) -> Method:
    """The method of a name.

    Raises:
        UnknownMethod: There is none.
    """
    for each in METHODS:
        if each.name == name:
            return each
    names = [each.name for each in METHODS]
    raise UnknownMethod(f"There is no method {name!r}", nearest(name, names))
