"""Means of a past second that stand still at idle: when they did, and what that may hide. Pure."""

from __future__ import annotations

import numpy as np

from ...arrays import Bools
from ..estimates.brackets import F64

_ISOLATED = 8  # updates between two standstills from which on they show what went on
_REST = 16  # updates between two standstills from which on nothing is taken of what they hid
_LONG = 1.2  # windows: a longer standstill is one of the readings, too
_SOLID = 1e-9


def still(is_long: Bools, is_unread: Bools | None) -> Bools:
    """bool[n]: before which updates the mean stood still, of those that came late: or nobody read others.

    Of a sensor that is seen to stand still as often as it was not read it may be either.
    """
    if is_unread is None:
        return is_long
    seen, unread = (int(np.count_nonzero(is_long & each)) for each in (~is_unread, is_unread))
    return is_long if 2 * seen > unread else is_long & ~is_unread


def hidden(gaps_s: F64, step_w: F64, is_still: Bools) -> F64:
    """What standstills may hide, joules: those with few updates between them."""
    found: F64 = np.where(is_still, _apart(is_still, _ISOLATED) * gaps_s * np.abs(step_w), 0.0)
    return found


def _apart(is_still: Bools, most: int) -> F64:
    """float64: 1 where no update comes between two standstills, and 0 from so many on."""
    run = np.cumsum(is_still)
    lengths = np.bincount(run, ~is_still)
    between = np.minimum(lengths[np.maximum(run - 1, 0)], lengths[run])
    found: F64 = np.clip(1.0 - between / most, 0.0, 1.0)
    return found


def idle(edges_s: F64, t_s: F64, is_other: Bools, is_still: Bools, window_s: float) -> F64:
    """float64, of each bin: how surely its update was missed because the machine was idle, 0 to 1.

    The last bin of a standstill ends with an update.
    """
    gaps_s = np.diff(t_s)
    surely = np.where(is_still & is_other & (gaps_s < _LONG * window_s), _apart(is_still, _REST), 0.0)
    after = np.searchsorted(t_s, edges_s[1:] - _SOLID)
    is_missed = (after > 0) & (t_s[after] > edges_s[1:] + _SOLID)
    return np.where(is_missed, surely[after - 1], 0.0)
