"""What a training may use, what it has used so far, and what is still to come."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...channel import Channel
from ...errors import BadRequest
from ...footprint.intensity import intensity, zone
from ...joules.estimates.estimate import Estimate
from ...joules.estimates.total import covered, tells_energy
from ...joules.estimates.uncertainty import STUDENT, Component
from ...live.totals import Totals
from ...units import J_PER_KWH, three_digits
from ...value_class import dataclass

ACTIONS = ("warn", "stop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a training may use.

    Attributes:
        budget_j: Joules.
        budget_g: Grams of CO2e of the electricity, by the grid's average in ``zone``.
        zone: Of the grid, such as ``DE``: `uj zones` lists them.
        action: ``warn``, or ``stop``: the training ends where the framework next looks whether it should.

    Raises:
        BadRequest: There is no limit, no such action, or no zone for the grams.
        UnknownZone: There is no such zone.
    """

    budget_j: float = math.inf
    budget_g: float = math.inf
    zone: str = ""
    action: str = "warn"

    def __post_init__(self) -> None:
        if not (self.budget_j > 0 and self.budget_g > 0 and min(self.budget_j, self.budget_g) < math.inf):
            raise BadRequest(
                "A budget needs a limit above 0", "Give budget_j=3.6e6, or budget_g=200, zone='DE'"
            )
        if self.action not in ACTIONS:
            raise BadRequest(
                f"There is no budget action {self.action!r}", f"Take one of {', '.join(ACTIONS)}"
            )
        if self.budget_g < math.inf and not self.zone:
            raise BadRequest("A budget in grams needs a zone", "Give zone='DE', for example; see `uj zones`")
        _ = self.limit_j

    @property
    def limit_j(self) -> float:
        """The tighter of the limits, in joules."""
        if self.budget_g == math.inf:
            return self.budget_j
        g_per_kwh = intensity(zone(self.zone)).in_unit("g/kWh").value
        return min(self.budget_j, self.budget_g / g_per_kwh * J_PER_KWH)

    def __str__(self) -> str:
        limits = [f"{three_digits(self.budget_j)} J"] if self.budget_j < math.inf else []
        limits += [f"{three_digits(self.budget_g)} g CO2e in {self.zone}"] if self.budget_g < math.inf else []
        return " or ".join(limits)


class Spending:
    """What a training has used while it runs, from the batches of its recording: about a second late.

    Args:
        channels: What is recorded.
    """

    def __init__(self, channels: Sequence[Channel]) -> None:
        table = {channel.id: channel for channel in channels}
        self._ids = frozenset(covered({id_: table[id_] for id_ in tells_energy(table)}))
        self.totals = Totals(channels)
        self._ends_j = [0.0]

    def energy_j(self) -> float:
        """Joules up to now, no joule twice."""
        return math.fsum(level.energy_j for level in self.totals.levels() if level.channel.id in self._ids)

    def end_epoch(self) -> None:
        """Notes that an epoch has ended."""
        self._ends_j.append(self.energy_j())

    def remaining(self, epochs: int) -> Estimate | None:
        """The energy of so many epochs to come, with the interval that the past ones allow; of one: None.

        With k epochs of mean e and standard deviation s, n more take n e, u² = s² (n + n²/k), Student's t of
        k - 1 degrees of freedom: a prediction interval (Hahn and Meeker, Statistical Intervals, 4.7).
        """
        past = np.diff(self._ends_j)
        k = len(past)
        if k < 2:
            return None
        value = epochs * float(past.mean())
        u = float(past.std(ddof=1)) * math.sqrt(epochs + epochs**2 / k)
        part = Component("prediction", u, "A", STUDENT, k - 1)
        return Estimate(value=value, low=0.0, high=math.inf, provenance="estimated", components=(part,))
