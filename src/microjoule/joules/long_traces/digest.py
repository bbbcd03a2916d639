"""A counter's readings taken piece by piece, of which those are kept that some instants depend on.

What a :class:`Counter` says of an instant rests on the readings around it: those that bracket it, some
updates on either side, with the reading before each, and what was counted up to there. So every reading
is unwrapped, in its piece, with the last one of the piece before it; and then all are let go but those
around the instants that were asked for, the first one, the last ones, and both sides of each step that
was not plain. Of these a counter is made that gives the same figures, to the bit.

Decision: what is not decided when a piece ends, such as an instant after which the counter has not
changed often enough, is carried into the next piece, so that nothing depends on where pieces end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...arrays import distinct
from ...channel import Channel
from ...errors import NotInParts
from ...trace.series import I64, U64, Series
from ..counters.counter import Counter
from ..counters.doubtful_counts import is_noise, may_wrap_between_updates
from ..counters.glitches import glitches, longest_ns
from ..counters.kept_rows import NEAR, READINGS, Rows, far, joined_rows, ranges, recent
from ..counters.lessons import LessonsInPieces
from ..counters.uncounted import NEVER, uncounted
from ..counters.unwrap import Steps, counts, unchanged_ns, unwrap
from ..counters.unwrapped import Unwrapped, sound
from ..counters.update_times import FIRST

TOTAL_MAX = 1 << 61  # above it unwrapping may break off, and where depends on its blocks


class _Piece(NamedTuple):
    """Successive readings, unwrapped from the first of them on."""

    t_ns: I64
    read_ns: npt.NDArray[np.uint32]
    steps: Steps

    def rows(self, at: I64, first: int, base: int) -> Rows:
        """Some of them, for pieces that begin with that number and that total."""
        total = self.steps.total
        is_change = (at > 0) & (total[at] != total[at - 1])
        return Rows(at + first, self.t_ns[at], self.read_ns[at], total[at] + base, is_change)

    def rows_from(self, start: int, first: int, base: int) -> Rows:
        """All of them but some at the beginning."""
        n, total = len(self.t_ns), self.steps.total
        is_change = np.empty(n, bool)
        is_change[:1] = False
        np.not_equal(total[1:], total[:-1], out=is_change[1:])
        number = np.arange(first + start, first + n)
        return Rows(number, self.t_ns[start:], self.read_ns[start:], total[start:] + base, is_change[start:])


class Digest:
    """What instants need of a counter, from readings that come in pieces.

    Args:
        channel: The counter's channel.
        instants_ns: int64, ascending: what will be asked for.
    """

    def __init__(self, channel: Channel, instants_ns: I64) -> None:
        self.channel = channel
        self._waiting, self._far = instants_ns, far(channel.timing)
        self._last: tuple[I64, npt.NDArray[np.uint32], U64] | None = None
        self._unchanged_ns: int | None = None
        self._n = 0
        self._carry: Rows | None = None
        self._piece = (_EMPTY, _Piece(_NONE, np.empty(0, np.uint32), _NO_STEPS), 0, 0)
        self._given = 0
        self._changed = 0
        self._kept: list[Rows] = []
        self._failed_ns: list[int] = []
        self._lessons = LessonsInPieces(channel)
        self._unusual: dict[str, list[I64]] = {"wrapped": [], "ambiguous": [], "extra": [], "reset": []}

    def add(self, series: Series) -> None:
        """Takes the next readings.

        Raises:
            NotInParts: They are not after the ones before, have counted too much, or lack something.
        """
        if uncounted(series) is not NEVER:
            raise NotInParts("a counter's event was off")
        t_ns, read_ns, raw, failed_ns = sound(series)
        if len(failed_ns):  # whether reads failed before and after all others is all that is asked
            self._failed_ns = [*self._failed_ns[:1], int(failed_ns[0]), int(failed_ns[-1])]
        if not len(t_ns):
            return
        if self._last is None:
            self._waiting = distinct(self._waiting, t_ns[:1])
        elif int(t_ns[0]) <= int(self._last[0][0]):
            raise NotInParts("the readings of a channel are in no order")
        else:
            t_ns = np.concatenate((self._last[0], t_ns))
            read_ns = np.concatenate((self._last[1], read_ns))
            raw = np.concatenate((self._last[2], raw))
        self._last = (t_ns[-1:], read_ns[-1:], raw[-1:])
        steps = unwrap(counts(raw, self.channel), t_ns, read_ns, self.channel, self._unchanged_ns)
        self._refuse_glitches(t_ns, read_ns, raw, steps)
        self._unchanged_ns = unchanged_ns(steps, t_ns, self._unchanged_ns)
        piece = _Piece(t_ns, read_ns, steps)
        carried, first = self._carry, self._n - 1
        self._n += len(t_ns) - (carried is not None)
        base = int(carried.total[-1]) if carried is not None else 0
        if base + int(piece.steps.total[-1]) > TOTAL_MAX:
            raise NotInParts("a counter counted more than 61 bits hold")
        if carried is None:
            carried, first = _EMPTY, 0
        self._piece = (carried, piece, first, base)
        self._lessons.add(t_ns, read_ns, piece.steps.total + base, piece.steps.changes)
        unusual = self._remember(piece.steps, first)
        changes = piece.steps.changes
        early = changes[: max(FIRST + self._far - self._changed, 0)]
        self._changed += len(changes)
        if len(early):
            self._kept.append(piece.rows(distinct(early - 1, early), first, base))
        if len(unusual) or len(changes) <= self._far or (self._waiting[:1] <= t_ns[-1]).any():
            self._keep(self._rows(), unusual)
        else:
            self._carry = piece.rows(recent(changes[-self._far - 1 :], len(t_ns)), first, base)

    def _refuse_glitches(self, t_ns: I64, read_ns: npt.NDArray[np.uint32], raw: U64, steps: Steps) -> None:
        """Refuses readings that fell and came back, and such as may have: only all readings together tell.

        Raises:
            NotInParts: There are some.
        """
        if not len(steps.reset):
            return
        longest = longest_ns(self.channel)
        is_at_end = int(t_ns[-1] - t_ns[steps.reset[-1]]) <= longest
        is_at_start = self._n > 0 and int(t_ns[steps.reset[0]] - t_ns[0]) <= longest
        found = glitches(counts(raw, self.channel), t_ns, read_ns, self.channel, steps.reset)
        if len(found) or is_at_end or is_at_start:
            raise NotInParts("a count fell, and it may have come back")

    def updates(self, held_back: int) -> tuple[Counter, I64]:
        """The last piece as a counter, and its changes that were not given before.

        Args:
            held_back: How many of the last ones are given the next time.
        """
        if self._last is None:
            return Counter.of(Unwrapped(_NONE, _EMPTY.read_ns, _NO_STEPS, _NONE), self.channel), _NONE
        rows = self._rows()
        changes = np.flatnonzero(rows.is_change)
        steps = Steps(rows.total, changes, _NONE, _NONE, _NONE, _NONE)
        fresh = changes[np.searchsorted(changes, np.searchsorted(rows.number, self._given, "right")) :]
        fresh = fresh[: max(len(fresh) - held_back, 0)]
        if len(fresh):
            self._given = int(rows.number[fresh[-1]])
        return Counter.of(Unwrapped(rows.t_ns, rows.read_ns, steps, _NONE), self.channel), fresh

    def counter(self, machine: str) -> Counter:
        """The counter, once all pieces are in.

        Raises:
            NotInParts: It may have started again between two of its updates.
        """
        if may_wrap_between_updates(self.channel, self._lessons.longest_ns):
            raise NotInParts("a counter may have started again between two updates")
        if self._carry is not None:
            self._kept.append(self._carry)
        rows = joined_rows(self._kept) if self._kept else _EMPTY
        _, first = np.unique(rows.number, return_index=True)
        rows = rows.taken(first)
        unusual = {name: np.concatenate([_NONE, *parts]) for name, parts in self._unusual.items()}
        at = {name: np.searchsorted(rows.number, unusual[name]) for name in ("wrapped", "ambiguous", "reset")}
        steps = Steps(total=rows.total, changes=np.flatnonzero(rows.is_change), extra=unusual["extra"], **at)
        failed_ns = np.array(self._failed_ns, np.int64)
        noise = is_noise(len(steps.reset), 0, self._lessons.changed)
        readings = Unwrapped(rows.t_ns, rows.read_ns, steps, failed_ns, self._lessons, is_noise=noise)
        return Counter.of(readings, self.channel, machine)

    def _rows(self) -> Rows:
        """The last piece, which begins with the last reading before it, behind all that was carried."""
        carried, piece, first, base = self._piece
        if not len(carried.number):
            return piece.rows_from(0, first, base)
        return joined_rows([carried, piece.rows_from(1, first, base)])

    def _remember(self, steps: Steps, first: int) -> I64:
        """Notes the steps of a piece that were not plain, and gives their numbers."""
        these = {name: getattr(steps, name) + first for name in ("wrapped", "ambiguous", "reset")}
        for name, found in {**these, "extra": steps.extra}.items():
            if len(found):  # no array for each piece of a counter to which nothing ever happens
                self._unusual[name].append(found)
        return np.concatenate(list(these.values()))

    def _keep(self, rows: Rows, unusual: I64) -> None:
        """Keeps what the instants need that these rows settle, and carries on what is not settled."""
        n, changes, timing = len(rows.t_ns), np.flatnonzero(rows.is_change), self.channel.timing
        reach = self._far
        reached = int(np.searchsorted(self._waiting, rows.t_ns[-1], "right"))
        due, later = self._waiting[:reached], self._waiting[reached:]
        first = np.searchsorted(rows.t_ns, due)
        settled = np.searchsorted(rows.t_ns, due + (timing.lag_ns + timing.update_max_ns)) + 1
        before, after = np.searchsorted(changes, first), np.searchsorted(changes, settled)
        is_settled = (after + reach < len(changes)) & (settled < n)
        padded = np.concatenate(([1], changes, [n - 1]))  # in front of all changes, and behind them
        low = np.minimum(first - READINGS, padded[np.maximum(before - NEAR, -1) + 1] - 1)
        high = np.maximum(padded[np.minimum(after + NEAR, len(changes)) + 1], settled)
        at = np.searchsorted(rows.number, unusual)
        around = changes[ranges((before - reach)[is_settled], (after + reach)[is_settled], len(changes))]
        kept = ranges(low[is_settled], high[is_settled], n)
        for one in (around, at):
            kept[one], kept[one - 1] = True, True
        self._kept.append(rows.taken(np.flatnonzero(kept)))
        self._waiting = np.concatenate((due[~is_settled], later))
        carried = ranges(low[~is_settled], settled[~is_settled], n)
        oldest = min([len(changes) - reach - 1, *(before[~is_settled] - reach).tolist()])
        carried[recent(changes[max(oldest, 0) :], n)] = True
        self._carry = rows.taken(np.flatnonzero(carried))


_NONE = np.empty(0, np.int64)
_NO_STEPS = Steps(*[_NONE] * 6)
_EMPTY = Rows(_NONE, _NONE, np.empty(0, np.uint32), _NONE, np.empty(0, bool))
