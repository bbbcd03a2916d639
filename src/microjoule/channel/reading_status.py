"""What the status of a reading says besides failure: that its perf event was off (``csrc/microjoule.h``)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

UNCOUNTED = 5000
"""This plus n is the status of a reading whose event was off n times since the one before; it has a value.
Where it is not known between which two of some readings that was, the last of them has n, the others 0."""


def is_uncounted(status: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    """bool[n]: whether a status says when an event was off."""
    found: npt.NDArray[np.bool_] = status // UNCOUNTED == 1
    return found


def is_read(status: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    """bool[n]: whether a reading with a status has a value."""
    found: npt.NDArray[np.bool_] = (status == 0) | is_uncounted(status)
    return found


def times_off(status: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    """int64[n]: how often the event of a reading was off, by its status."""
    return np.where(is_uncounted(status), status.astype(np.int64) - UNCOUNTED, 0)
