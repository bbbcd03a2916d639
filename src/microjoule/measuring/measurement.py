"""What came of a measurement, as figures and as plain values."""

from __future__ import annotations

import math
from typing import Any

from ..joules.estimates.estimate import Estimate
from ..joules.estimates.uncertainty import SENSOR
from ..late import shown
from ..value_class import dataclass
from .repeats import Outlier
from .scatter import Scatter
from .window_plan import Ask, Plan, rounded

_RESERVE = 1.2  # of the time that is advised: the next run need not scatter like this one


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The energy of one call.

    Attributes:
        name: What was measured.
        energy: All that was used meanwhile, in joules a call.
        active: The same less what the idle machine uses in that time; None: no idle time was seen.
        time: Of one call, in seconds.
        power: ``energy`` over ``time``, in watts. The times of calls scatter on a busy machine, and their
            energies with them; the power has its own uncertainty, without that scatter.
        typical: The energy of a call of the median time: ``power`` times that time, with the power's
            uncertainty.
        idle: The power of the idle machine, in watts; None as for ``active``.
        plan: What was run, and why not more.
        rel: The target.
        channels: What the energy adds up.
        outliers: Windows outside Tukey's fences; none was dropped.
        scatter: How the energies of a call lie from window to window; None: windows of different sizes,
            or fewer than two.
        overhead_j: What each window cost once, of slope mode; None elsewhere.
        notes: What else there is to know, a sentence each.
    """

    name: str
    energy: Estimate
    active: Estimate | None
    time: Estimate
    power: Estimate
    typical: Estimate
    idle: Estimate | None
    plan: Plan
    rel: float
    channels: tuple[str, ...]
    outliers: tuple[Outlier, ...] = ()
    scatter: Scatter | None = None
    overhead_j: float | None = None
    notes: tuple[str, ...] = ()

    _repr_html_ = shown("measurement")

    @property
    def achieved(self) -> float:
        """Half of the 95 % interval as a share of the energy, the sensor's own error apart."""
        return achieved(self.energy)

    def to_json(self) -> dict[str, Any]:
        """The measurement as plain JSON values, schema ``microjoule.measure/1``."""
        return {
            "schema": "microjoule.measure/1",
            "name": self.name,
            "energy": self.energy.to_json(),
            "active": None if self.active is None else self.active.to_json(),
            "time": self.time.to_json(),
            "power": self.power.to_json(),
            "typical": self.typical.to_json(),
            "idle": None if self.idle is None else self.idle.to_json(),
            "provenance": self.energy.provenance,
            "mode": self.plan.mode,
            "windows": len(self.plan.counts),
            "counts": list(self.plan.counts),
            "plan": str(self.plan),
            "rel": self.rel,
            "achieved": self.achieved if math.isfinite(self.achieved) else None,
            "overhead_j": self.overhead_j,
            "channels": list(self.channels),
            "outliers": [one._asdict() for one in self.outliers],
            "scatter": None if self.scatter is None else self.scatter.to_json(),
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        return f"Measurement({self.name}: {self.energy} a call)"

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.energy} a call"]
        lines += [f"  active {self.active}"] if self.active is not None else []
        return "\n".join(
            [*lines, f"  time {self.time}", f"  {self.plan}", *(f"  {note}" for note in self.notes)]
        )


def achieved(estimate: Estimate) -> float:
    """Half of the 95 % interval as a share of the figure, without what only a better sensor improves."""
    if not estimate.value:
        return math.inf
    own = tuple(c for c in estimate.components if c.name not in SENSOR)
    bare = Estimate(value=estimate.value, low=estimate.low, high=estimate.high, components=own)
    return bare.U / abs(estimate.value)


def advice(found: Measurement, ask: Ask, spent_s: float) -> list[str]:
    """What the target would take, where it was missed: a sentence, or none. Pure.

    More windows bring the scatter down by the root of the time, longer ones the edges in proportion to it.

    Args:
        found: What came of it.
        ask: What was wanted.
        spent_s: What it took in all.
    """
    missed = achieved(found.energy) / ask.rel
    if found.energy.value is None or not 1 < missed < math.inf:
        return []
    rows = {row["name"]: row["u"] ** 2 for row in found.energy.budget() if row["name"] not in SENSOR}
    share = rows.get("repeatability", 0.0) / math.fsum(rows.values())
    windows_s = math.fsum(found.plan.counts) * (found.time.value or 0.0)
    needed_s = max(found.plan.needed_s, windows_s * (share * missed**2 + (1 - share) * missed))
    whole_s = _RESERVE * (needed_s + max(spent_s - windows_s, 0.0))
    said = [
        f"{100 * ask.rel:g} % needs {rounded(needed_s)} s of windows at this power and scatter; "
        f"run with --max-time {rounded(whole_s)}s"
    ]
    if achieved(found.power) <= ask.rel:
        said.append(
            f"the power is known to ± {100 * achieved(found.power):.2g} %: the times of calls scatter"
        )
    return said


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
