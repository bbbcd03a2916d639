"""Energy that windows within an update of a gauge may have beside what its readings show.

An update may have had its energy at any time, and a sensor that looks at a part of it sees nothing of the
rest. Readings tell nevertheless what power does there:

* Where power rests at one level, a reading that is beyond both of its neighbours, by B, is of a pulse. If
  that is shorter than the time w of which a reading is the mean, it has B w, and a window may be just that
  pulse. Where nothing is declared nobody knows w; it is an update T at most. A mean of all of T shows all
  pulses, each in the update that it is in. Else some are not looked at, and a window may be one of those,
  between readings that are alike.
* Readings that go on as they went, by D from one to the next, are of power that goes so slowly, or, where
  nothing is declared, of a load of about T whose edges vary. If it is high for half of the time, and each of
  its parts is longer or shorter by up to a tenth, its phase moves by √2 (T / 2) / 10 √3 = 0.041 T from one
  update to the next. A mean of the part c of T then moves by 0.041 / c of how far the load swings, which may
  thus be D / 0.041, as far as zero and the limit leave it room.
* Readings that stand still may hide a little, if nothing is declared.

The first two fade for windows from half of w to w. B w needs no limit of power to be known.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from ...units import seconds
from ..estimates.brackets import F64
from .profile import Profile
from .readings import Readings, Shape
from .running import extreme, local_mean

_CREEPS = 0.041  # of an update, by which the phase of a load moves whose parts vary by a tenth
_UNKNOWN = 0.02  # of the energy of a window no longer than an update, which steady readings may hide


class WithinUpdate(NamedTuple):
    """What n readings show of power within an update.

    Attributes:
        profile: The power.
        pulse_w: float64[n]: by how much a pulse around each of them is beyond the power beside it.
        swing_w: float64[n]: how far a load of about an update may be from what readings show of it.
        period_s: Between two updates; 0: nobody knows.
        part: Which part of each update a reading is the mean of; 0: nobody knows.
    """

    profile: Profile
    pulse_w: F64
    swing_w: F64
    period_s: float
    part: float

    @classmethod
    def of(cls, profile: Profile, readings: Readings) -> Self:
        """By readings; nothing, where the power is no reading's own but worked out from them."""
        watts, nothing, part = profile.watts, np.zeros(len(profile)), readings.coverage
        period_s = seconds(readings.period_ns) if readings.shape in (Shape.POINT, Shape.HOLD) else 0.0
        if len(watts) < 3 or not period_s:
            return cls(profile, nothing, nothing, period_s, part)
        beyond = np.zeros(len(watts))
        below, above = np.minimum(watts[2:], watts[:-2]), np.maximum(watts[2:], watts[:-2])
        beyond[1:-1] = np.maximum(np.maximum(watts[1:-1] - above, below - watts[1:-1]), 0.0)
        pulse_w = profile.rests * (beyond if part >= 1 else extreme(beyond, np.maximum))
        swing_w = nothing if part else _goes_w(watts) / _CREEPS
        return cls(profile, pulse_w, swing_w, period_s, part)

    def hidden_j(self, a: F64, b: F64) -> F64:
        """How much more or less energy windows may have than readings show, J.

        Args:
            a: float64[n], seconds: when windows begin.
            b: And when they end.
        """
        if not self.period_s:
            return np.zeros(len(a))
        length_s = b - a
        first, last = (self.profile.place(t).segment // 2 for t in (a, b))
        pulse_w, swing_w = (np.maximum(of[first], of[last]) for of in (self.pulse_w, self.swing_w))
        looked_s = (self.part or 1.0) * self.period_s
        within = np.clip(2 - 2 * length_s / looked_s, 0.0, 1.0)
        return np.asarray(within * np.maximum(pulse_w * looked_s, swing_w * length_s))

    def unknown_j(self, length_s: F64, joules: F64) -> F64:
        """What steady readings may hide of windows that are so long, a standard uncertainty in J."""
        if self.part or not self.period_s:
            return np.zeros(len(length_s))
        return np.asarray(_UNKNOWN * np.abs(joules) * np.clip(1.5 - length_s / self.period_s, 0.0, 1.0))


def _goes_w(watts: F64) -> F64:
    """float64[n]: by how much readings go on as they went from one to the next; a single step does not."""
    step, on = np.diff(watts), np.zeros(len(watts))
    on[1:-1] = step[1:] * step[:-1]
    beside = np.maximum(np.append(0.0, on[:-1]), np.append(on[1:], 0.0))
    goes_w = local_mean(np.sqrt(np.maximum(np.minimum(on, beside), 0.0)))
    # What scatters goes on by chance, and turns as often.
    return np.minimum(goes_w, np.sqrt(np.maximum(local_mean(on), 0.0)))
