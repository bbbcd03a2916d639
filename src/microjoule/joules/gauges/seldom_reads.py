"""When a power gauge was updated that is read about once an update, or more seldom.

Nobody sees when an update comes. Each read shows one of its own, also where that repeats the value before it:
power stood still, or the read came before its update by chance.
"""

from __future__ import annotations

import numpy as np

from ...trace.series import I64
from ..counters.update_times import AROUND
from ..estimates.uncertainty import ROOT_12

LIKE = 0.15  # of a period, within which two are one
MOSTLY = 0.6  # share of gaps between changes that are of one length where updates are as far apart
OFTEN = 0.85  # share of reads that show a change, from which on reads are about as rare as updates
_AT_ONCE = 0.25  # share of changes after which the next read has one too: more have no period of two reads
IN_STEP = 1 / (2 * AROUND)  # of an update, by which reads slip at most, while instants are compared
_AS_OLD = 0.1  # of an update, by which ages of values read in step differ: its length is a table's
_FEW = 8  # gaps below which they tell no period


def is_seldom(changed: I64, n: int, read_ns: int, told: int, is_long: bool = False) -> bool:
    """Whether each of n reads is of another update, which may show the value of the one before it.

    Reads nearly all of which show a change are. Of a gauge that is updated once in two of them or less often
    hardly any change comes right after another, and most come as many reads apart as an update takes. A
    mean of many updates that repeats a value may have stood still (is_long).
    """
    if len(changed) > OFTEN * (n - 1) or is_long:
        return len(changed) > OFTEN * (n - 1)
    reads = np.diff(changed)  # from one change to the next
    is_as_told = read_ns > OFTEN * told > 0
    if len(reads) < _FEW:
        return is_as_told
    if np.mean(reads == 1) > _AT_ONCE:
        return is_as_told or not told
    usual = np.median(reads)
    return is_as_told and np.mean(np.abs(reads - usual) <= 1 + LIKE * usual) < MOSTLY


def of_reads(middle: I64, repeats: float, read_ns: int, told: int | None) -> tuple[I64, float, int]:
    """Instants of updates of which each is read once, their own spread, and what all of them leave open.

    A value is up to an update old. Where reads and updates keep step all are about as old, unless updates
    come when reads do: one read is then early by chance, and shows the value of the one before it again. If a
    share p of them is, p (1 - p) do, a quarter at most, and that is the variance of their ages too. It counts
    by the squares of differences between updates, of which those between readings have three in four.
    """
    if not told:
        return middle, 0.0, read_ns // 2
    period, updates = min(told, read_ns), read_ns / told
    if abs(updates - round(updates)) > IN_STEP:
        return middle - period // 2, period / ROOT_12, 0
    own = np.sqrt(min(_AS_OLD * updates, 1 / ROOT_12) ** 2 + min(repeats, 1 / 4) * 4 / 3)
    return middle - period // 2, float(own) * period, period // 2
