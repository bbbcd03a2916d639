"""What a gauge's readings leave open of the energies of windows, by cause, and how causes exclude each other.

Several speak of the same joules. Where in an update or a gap power was is not known, so that the ends of a
window have a variance; and

* a load near the sensor's own frequency does something there, too. How readings scatter that are of one load
  is what that load does, and no more: where they are of one period, and average as declared, it is all that
  moves. Of one that is slow the gaps are not known, and of a quick one how far its phases' mean is off.
* a window that begins and ends where power steps is off by what readings spread of these steps, and by
  nothing else there. Which of the two it is nobody knows, and U holds either, not their sum: U² of the ends
  is less by that of the steps. (What is fitted to means of a longer time spreads a step over more than the
  bin that it is in, and what bins hide is not what is lost.)

Whatever all of it comes to, power is between what it may be.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...trace.series import I64
from ..estimates.brackets import F64
from ..estimates.uncertainty import K_OF_RECTANGULAR
from .aliasing import Swings


class Variances(NamedTuple):
    """Of n windows: float64[n] each, J².

    Attributes:
        begin: Of what lies about their beginnings, inside an update or a gap.
        end: And about their ends.
        inner: Of what lies between.
        box: Of the power that was fitted to means of a longer time.
        swing: Of a load near the sensor's own frequency, at both ends: U² is 6 times that, of its form.
        whole: Of such a load in all of a window.
    """

    begin: F64
    end: F64
    inner: F64
    box: F64
    swing: F64
    whole: F64

    def at_least(self, begin2: F64, end2: F64) -> Variances:
        """With no smaller ones of beginnings and ends than these."""
        return self._replace(begin=np.maximum(self.begin, begin2), end=np.maximum(self.end, end2))

    def of_loads(self, loads: Swings, missed: I64, first: I64, last: I64, *, is_known: bool) -> Variances:
        """What is left beside loads near the sensor's own frequency.

        Args:
            loads: Those that the readings may be of.
            missed: int64[readings - 1], how many updates nobody read between two.
            first: int64[n], numbers of the readings that the windows begin in or behind.
            last: And of those that they end in or behind.
            is_known: Whether readings are the means that are declared.
        """
        is_all = loads.is_two | ((loads.half_w > 0) & (loads.shorter > 0) & is_known)
        is_all[:-1] &= missed == 0
        less2 = (0.75 if is_known else 0.5) * self.swing
        is_either = loads.is_of_one[first] & loads.is_of_one[last]
        return self._replace(
            begin=np.where(is_all[first], 0.0, np.maximum(self.begin - less2, 0.0)),
            end=np.where(is_all[last], 0.0, np.maximum(self.end - less2, 0.0)),
            inner=np.where(is_either, np.maximum(self.inner - self.whole, 0.0), self.inner),
        )

    def beside(self, lost_j: F64, *, is_fitted: bool) -> Variances:
        """What is left beside steps of which windows lose so much (u of a rectangle, J)."""
        ends2 = 6 * self.swing + (0.0 if is_fitted else 4 * (self.begin + self.end))
        left = np.maximum(1 - (K_OF_RECTANGULAR * lost_j) ** 2 / np.maximum(ends2, 1e-300), 0.0)
        of_bins = 1.0 if is_fitted else left
        return self._replace(begin=self.begin * of_bins, end=self.end * of_bins, swing=self.swing * left)

    def within(self, most2: F64) -> Variances:
        """So much of each that U² is no more than that (J²)."""
        all2 = 4 * (self.begin + self.end + self.inner + self.box + self.whole) + 6 * self.swing
        most2 = np.maximum(most2, 0.0)  # of long windows so much that no tiny number may divide it
        share = np.divide(most2, all2, out=np.ones_like(all2), where=all2 > most2)
        return Variances(*(each * share for each in self))
