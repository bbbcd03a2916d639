"""Windows whose power follows a pattern that is the same in each: their ends have powers of their own. Pure.

The power of a set of names is one number, and what its windows have more or less than that averages out where
it is another in each. Steps that begin at 90 % and go on at 100 % of their power do not: each update that
sees the end of a window before a step sees the beginning of one, and what that lacks is booked to the window
before. An update reaches no further into a window than it lasts. So as much as two updates at each end of a
window are apart, in parts that are the finer the nearer they are to the mark. And what goes on before the
first window and after the last one is not what goes on between two.

Parts are taken only where readings show them, because each is one more power to be known: where the time up
to one differs from the whole, in the same direction, at the least, the middle and the most of the lags that
are possible, and if each update has one of its own. If power is even, nothing differs at the true lag, and a
lag that is shorter than that moves the power of an end the other way than one that is longer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ...trace.series import I64
from ..counters.update_record import Updates
from ..estimates.brackets import F64
from ..profiling.attribution import Span
from ..profiling.occupancy import Occupancy, joined
from ..profiling.regression import COLUMNS

_REACH = (0.0, 0.5, 1.0, 2.0)  # updates from a mark, up to which each part at an end goes
_AT_END = len(_REACH) - 1
_FEWEST = 4  # windows that tell a pattern
_SURE = 3.0  # standard uncertainties by which a part differs
_TELLING, _IN_ROW = 4096, 256  # updates that tell patterns, in stretches of so many neighbours


class _Parts(NamedTuple):
    """The pieces of a state by where they are.

    Attributes:
        middle: int64[k, 2], inside windows, or all between the first mark and the last one.
        ends: At the ends of these, from a window's beginning to its end; empty: they are not long enough.
        outside: Before the first mark and after the last one; empty: there are none.
    """

    middle: I64
    ends: tuple[I64, ...]
    outside: tuple[I64, ...]


def with_patterns(of: Occupancy, update_ns: int, spans: Callable[[Occupancy], Sequence[Span]]) -> Occupancy:
    """The same, in which parts of windows are states of their own where their power differs.

    Args:
        of: Which names had a window open, and when.
        update_ns: How long a counter's updates are apart.
        spans: The fits of the counter to such windows, at the lags that are tried.
    """
    parts = dict(_parts(of, update_ns))
    if not parts:
        return of
    tried, numbers = of, {}
    for state, each in parts.items():
        apart = (*each.ends, *each.outside)
        numbers[state] = [state, *range(len(tried.states), len(tried.states) + len(apart))]
        tried = _split(tried, state, (each.middle,), apart)
    fitted = spans(tried)
    for state, each in parts.items():
        n = len(each.ends)
        signs = np.sum([_differing(span, numbers[state], n) for span in fitted], axis=0)
        is_apart = np.abs(signs) == len(fitted)
        ends, other = (each.ends, ()) if is_apart[:n].any() else ((), each.ends)
        outside, more = (each.outside, ()) if is_apart[n:].any() else ((), each.outside)
        if ends or outside:
            of = _split(of, state, (each.middle, *other, *more), (*ends, *outside))
    return of


def telling(of: Updates) -> Updates:
    """Those of very many updates that are asked for patterns: stretches from the first to the last.

    A pattern that these do not show is of no weight in the whole, and each fit takes as long as it has rows.
    """
    rows = np.flatnonzero(of.is_ok)
    if len(rows) <= _TELLING:
        return of
    begins = np.linspace(0, len(rows) - _IN_ROW, _TELLING // _IN_ROW).astype(np.int64)
    is_ok = np.zeros(len(of.is_ok), np.bool_)
    is_ok[rows[begins[:, None] + np.arange(_IN_ROW)]] = True
    return of._replace(is_ok=is_ok)


def _parts(of: Occupancy, update_ns: int) -> Iterator[tuple[int, _Parts]]:
    """States of which parts may have another power than the whole."""
    every = joined(of.pieces)
    room = (COLUMNS - len(of.states)) // (2 * _AT_END + 1)
    for state, pieces in enumerate(of.pieces):
        is_outside = (pieces[:, 0] <= every[0, 0]) | (pieces[:, 1] >= every[-1, 1])
        between = pieces[~is_outside]
        if not room or len(between) < _FEWEST:
            continue
        outside = (pieces[is_outside],) if is_outside.any() else ()
        is_long = np.median(np.diff(between, axis=1)) > update_ns
        if is_long or outside:
            room -= 1
            middle, *ends = _cut(between, update_ns) if is_long else (between,)
            yield state, _Parts(middle, tuple(ends), outside)


def _cut(pieces: I64, update_ns: int) -> list[I64]:
    """The middle of windows, and the parts at their ends, from the first to the last."""
    t0_ns, t1_ns = pieces.T
    unit_ns = np.minimum(update_ns, (t1_ns - t0_ns) / (2 * _REACH[-1] + 1))
    steps_ns = [np.rint(unit_ns * reach).astype(np.int64) for reach in _REACH]
    bounds_ns = [t0_ns + ns for ns in steps_ns] + [t1_ns - ns for ns in steps_ns[::-1]]
    found = [np.stack(each, axis=1) for each in itertools.pairwise(bounds_ns)]
    return [found.pop(_AT_END), *found]


def _split(of: Occupancy, state: int, kept: Sequence[I64], apart: Sequence[I64]) -> Occupancy:
    """The same with some parts of a state as further states, after all others."""
    pieces = [*of.pieces[:state], joined(kept), *of.pieces[state + 1 :], *apart]
    return Occupancy((*of.states, *[of.states[state]] * len(apart)), tuple(pieces))


def _differing(span: Span, states: Sequence[int], n: int) -> F64:
    """float64: 1 or -1 where the time up to a part has more or less power than that between marks, else 0.

    Args:
        span: A fit of all parts.
        states: Of the parts of one state: of the middle, of so many at the ends, and of what is outside.
        n: How many.
    """
    column = {state: number for number, of in enumerate(span.columns) for state in of}
    found = np.zeros(len(states) - 1)
    if not column.keys() >= set(states):
        return found
    numbers = [column[state] for state in states]
    between, outside = numbers[: n + 1], numbers[n + 1 :]
    begins = [between[1 : k + 1] for k in range(1, n // 2 + 1)]
    ends = [between[-k:] for k in range(1, n // 2 + 1)]
    for k, part in enumerate([*begins, *ends, *([each] for each in outside)]):
        chosen = np.zeros(len(span.columns))
        chosen[between] = -1.0 / span.time_s[between].sum()
        chosen[part] += 1.0 / span.time_s[part].sum()
        if not span.fit.is_open(chosen):
            u = np.hypot.reduce([each.u for each in span.fit.components(chosen, "")], initial=0.0)
            u = max(float(u), span.scatter_w(chosen * span.time_s))
            more_w = float(chosen @ span.fit.energy_j)
            found[k] = np.sign(more_w) * (abs(more_w) > _SURE * u)
    return found
