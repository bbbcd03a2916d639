"""One reading for each update of a meter that is read more often than it is updated.

A value that is read ten times before the next one is one observation and not ten, and of the ten only the
first says when it came: after the reading before it and no later than that one. So a change of the value is
an update. Between two changes further apart there may have been updates to the same value, as a display of
1 W has them; they are taken to have come in the meter's own period. A quick meter of a load of even steps
looks the same, and only the power that was drawn meanwhile tells the two apart: the caller fits both.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...arrays import distinct
from ...trace.series import I64
from ...units import NS_PER_S
from ..estimates.uncertainty import ROOT_12

F64 = npt.NDArray[np.float64]
_CHANGES_MIN = 8
_SHORTEST = 0.1  # the quantile of the times between changes that is the period: chance makes few shorter
_REPEATED = 1.6  # readings in a period from which on most values are read more than once


class Updates(NamedTuple):
    """What a meter showed, once for each update.

    Attributes:
        t_ns: int64[n], when it came.
        raw: int64[n], to what.
        spread_s: float64[n], the standard uncertainty of when, of each by itself.
        together_s: The same of all: readings may be in step with the updates, always as late.
    """

    t_ns: I64
    raw: I64
    spread_s: F64
    together_s: float = 0.0


def all_readings(t_ns: I64, raw: I64, read_ns: I64) -> Updates:
    """Each reading as an update, with the arguments of :func:`meter_updates`."""
    # A reply speaks of some moment between question and answer.
    return Updates(t_ns + read_ns // 2, raw, read_ns / NS_PER_S / ROOT_12)


def meter_updates(t_ns: I64, raw: I64, read_ns: I64) -> Updates | None:
    """The updates that a meter's readings show; None: readings are no denser than updates.

    Args:
        t_ns: int64[n], when each question was asked, ascending.
        raw: int64[n], the answers.
        read_ns: int64[n], how long each took.
    """
    at_ns, _, spread_s, _ = all_readings(t_ns, raw, read_ns)
    changes = np.flatnonzero(np.diff(raw)) + 1
    if len(changes) < _CHANGES_MIN:
        return None
    between_ns = np.diff(at_ns)
    apart_ns = np.diff(at_ns[changes])
    period_ns = float(np.quantile(apart_ns, _SHORTEST))
    if period_ns < _REPEATED * float(np.median(between_ns)):
        return None
    period_ns = float(np.median(apart_ns / np.rint(apart_ns / period_ns)))
    first = _first_seen(at_ns, changes, period_ns)
    since_ns = between_ns[first - 1]
    late_s = since_ns / NS_PER_S / ROOT_12
    return Updates(
        at_ns[first] - since_ns // 2,
        raw[first],
        np.hypot(spread_s[first], late_s),
        float(np.median(late_s)),
    )


def _first_seen(at_ns: I64, changes: I64, period_ns: float) -> I64:
    """int64: which readings are the first of an update, those to the same value by the period."""
    begins = at_ns[changes].astype(np.float64)
    ends = np.append(begins[1:], float(at_ns[-1]))
    counts = np.maximum(np.rint((ends - begins) / period_ns), 1).astype(np.int64)
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    due_ns = np.repeat(begins, counts) + nth * period_ns
    found: I64 = distinct(np.searchsorted(at_ns, np.rint(due_ns).astype(np.int64)))
    return found[found < len(at_ns)]
