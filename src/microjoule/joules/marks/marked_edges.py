"""The energies of windows from what a counter had counted at their marks, one by one and many together.

The figure of a window is the difference of the counts at its two marks (:mod:`.mark_positions`), which lie
within their guaranteed bounds as ever. Adjoining windows share a mark, so that they add up exactly, and the
figure of a name is the sum over its windows, whoever asks for it.

What may be wrong of a count has *causes*: an update that was earlier or later than thought, the power of one
piece of time, the power of all windows of a name. Many marks share a cause: it enters a window by the
difference of what it does to its two marks, and a sum of windows by the sum of these, before anything is
squared.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...trace.series import I64
from ...units import seconds
from ..counters.budget import sensor
from ..counters.counter import Counter
from ..estimates.brackets import F64
from ..estimates.code_dependence import CODE
from ..estimates.estimate import STATUSES, Estimate
from ..estimates.uncertainty import BOUNDED, NORMAL, ROOT_3, Component

F32 = npt.NDArray[np.float32]
_OF_SENSORS = ("gain", "offset", "model", CODE)
_OF_AN_EDGE = ("edge", "quantum", "read", "swings")  # groups of components of an edge that is no mark


class Cause(NamedTuple):
    """One kind of reason why counts at marks may be wrong.

    Attributes:
        name: Of the component.
        kind: What :meth:`of` numbers; the same number is the same cause.
        u: float32[n], standard uncertainty of the count at each mark, signed, in counts.
        number: int32[n], what each mark is next to; None: the mark itself.
        further: And by how many further on the cause is.
        together: How many that follow one another are one cause.
    """

    name: str
    kind: str
    u: F32
    number: npt.NDArray[np.int32] | None = None
    further: int = 0
    together: int = 1

    def of(self, at: I64) -> I64:
        """int64: the numbers of the causes at some marks."""
        near = at if self.number is None else self.number[at].astype(np.int64)
        return (near + self.further) // self.together


class MarkedEdges(NamedTuple):
    """What a counter had counted at marks.

    Attributes:
        instants_ns: int64[n], ascending.
        position: int64[n], in the counter's ``2**-bits`` counts.
        is_known: bool[n], whether there are updates on both sides.
        causes: Why it may be wrong, but for what follows.
        shared: float32[n, r], by how much each moves with each of r causes that all marks share, signed.
        lag: float32[n, r], and with the lag, in counts: for each of r lags that it may have.
        span_ns: From when to when; a window that reaches further is left as without marks.
    """

    instants_ns: I64
    position: I64
    is_known: npt.NDArray[np.bool_]
    causes: tuple[Cause, ...]
    shared: F32
    lag: F32
    span_ns: tuple[int, int]

    def values(self, counter: Counter, t0_ns: I64, t1_ns: I64) -> F64:
        """float64[n]: the energies of windows, NaN where a status forbids one."""
        (at0, known0), (at1, known1) = self._found(t0_ns, t1_ns)
        begin, end = self.position[at0], self.position[at1]
        for position, known, t_ns in ((begin, known0, t0_ns), (end, known1, t1_ns)):
            if not known.all():
                position[~known] = counter.position(t_ns[~known])
        counts = counter.quantity(end - begin, counter.bits)
        return np.where(counter.bounds(t0_ns, t1_ns).status == 0, counts * counter.watts, np.nan)

    def estimates(self, counter: Counter, t0_ns: I64, t1_ns: I64) -> list[Estimate]:
        """The energies of windows, of whose edges none, one or both may be marks.

        Args:
            counter: The counter.
            t0_ns: int64[n], beginnings.
            t1_ns: int64[n], ends.
        """
        (at0, known0), (at1, known1) = self._found(t0_ns, t1_ns)
        value, brackets = self.values(counter, t0_ns, t1_ns), counter.bounds(t0_ns, t1_ns)
        is_plain = np.flatnonzero(~(known0 & known1) | (t1_ns <= t0_ns) | np.isnan(value))
        plain = counter.estimates(counter.energies(t0_ns[is_plain], t1_ns[is_plain]))
        of_plain = dict(zip(is_plain.tolist(), plain, strict=True))
        ends = (known0.tolist(), at0.tolist(), known1.tolist(), at1.tolist())
        columns = (value.tolist(), brackets.low.tolist(), brackets.high.tolist(), (t1_ns - t0_ns).tolist())
        lacking = counter.resets.losses.added_to([()] * len(t0_ns), t0_ns, t1_ns)
        found = []
        for i, (is0, begin, is1, end, one, low, high, lasted_ns, lost) in enumerate(
            zip(*ends, *columns, lacking, strict=True)
        ):
            known = of_plain.get(i)
            if known is not None and (not (is0 or is1) or not lasted_ns or math.isnan(one)):
                found.append(known)
                continue
            parts = self._components(counter, begin if is0 else None, end if is1 else None)
            if known is None:
                parts += lost
            else:
                parts += _left(known.components, f"{_of(counter)}/{t0_ns[i] if is0 else t1_ns[i]}")
            found.append(_estimate(counter, one, (low, high), lasted_ns, parts))
        return found

    def together(self, counter: Counter, t0_ns: I64, t1_ns: I64) -> Estimate | None:
        """The sum over windows that do not overlap; None: not all of their edges are marks.

        Args:
            counter: The counter.
            t0_ns: int64[n], beginnings.
            t1_ns: int64[n], ends.
        """
        (at0, known0), (at1, known1) = self._found(t0_ns, t1_ns)
        if not (known0.all() and known1.all()):
            return None
        brackets = counter.bounds(t0_ns, t1_ns)
        counted = np.array([(self.position[at1] - self.position[at0]).sum()])
        value = float(counter.quantity(counted, counter.bits)[0]) * counter.watts
        bounds = math.fsum(brackets.low), math.fsum(brackets.high)
        parts, lasted_ns = self._of_sum(counter, at0, at1), int((t1_ns - t0_ns).sum())
        parts += counter.resets.losses.components(t0_ns, t1_ns)
        return _estimate(counter, value, bounds, lasted_ns, parts, int(brackets.status.max(initial=0)))

    def noise_j2(self, counter: Counter, t0_ns: I64, t1_ns: I64) -> F64 | None:
        """float64[n]: the variance of each window's figure from causes that are not of all; None: no marks.

        Args:
            counter: The counter.
            t0_ns: int64[n], beginnings.
            t1_ns: int64[n], ends.
        """
        (at0, known0), (at1, known1) = self._found(t0_ns, t1_ns)
        if not (known0.all() and known1.all()):
            return None
        found = np.zeros(len(t0_ns))
        for kind in dict.fromkeys(cause.kind for cause in self.causes):
            mine = [cause for cause in self.causes if cause.kind == kind]
            ends = [
                (cause.of(at), sign * cause.u[at].astype(np.float64))
                for cause in mine
                for at, sign in ((at0, -1), (at1, 1))
            ]
            for of, u in ends:
                found += sum(np.where(of == other, u * more, 0.0) for other, more in ends)
        return found * _scale(counter) ** 2 + counter.resets.losses.likely_most(t0_ns, t1_ns) ** 2 / 3.0

    def _found(self, t0_ns: I64, t1_ns: I64) -> list[tuple[I64, npt.NDArray[np.bool_]]]:
        """Of beginnings and of ends the numbers of the marks there, and whether one is taken."""
        is_inside = (t0_ns >= self.span_ns[0]) & (t1_ns <= self.span_ns[1])
        found = []
        for t_ns in (t0_ns, t1_ns):
            at = np.minimum(np.searchsorted(self.instants_ns, t_ns), len(self.instants_ns) - 1)
            is_mark = self.instants_ns[at] == t_ns
            is_inside = is_inside & (~is_mark | self.is_known[at])
            found.append((at, is_mark))
        return [(at, is_mark & is_inside) for at, is_mark in found]

    def _components(self, counter: Counter, begin: int | None, end: int | None) -> list[Component]:
        """What may be wrong of one window, the sensor apart; None: this edge is no mark."""
        scale, of = _scale(counter), _of(counter)
        edges = [(np.array([at]), sign) for at, sign in ((begin, -scale), (end, scale)) if at is not None]
        found = [
            Component(cause.name, sign * float(cause.u[at][0]), group=f"{cause.kind}:{of}/{cause.of(at)[0]}")
            for cause in self.causes
            for at, sign in edges
            if cause.u[at][0]
        ]
        ats, signs = np.concatenate([at for at, _ in edges]), np.array([sign for _, sign in edges])
        found += _shared(signs @ self.shared[ats], of)
        if len(edges) == 2 and self.lag.any():
            found.append(_lag(signs @ self.lag[ats], of))
        return found

    def _of_sum(self, counter: Counter, at0: I64, at1: I64) -> list[Component]:
        scale, of = np.float64(_scale(counter)), _of(counter)
        ends = ((at1, scale), (at0, -scale))
        square: dict[str, float] = {}
        for kind in dict.fromkeys(cause.kind for cause in self.causes):
            mine = [cause for cause in self.causes if cause.kind == kind]
            net = np.zeros(1 + max((int(each.of(at).max(initial=0)) for each in mine for at, _ in ends)))
            for cause in mine:
                for at, sign in ends:
                    net += np.bincount(cause.of(at), cause.u[at] * sign, len(net))
            square[mine[0].name] = square.get(mine[0].name, 0.0) + float(net @ net)
        found = [Component(name, math.sqrt(each), form=NORMAL) for name, each in square.items() if each]
        found += _shared(_moved(self.shared, ends), of)
        if self.lag.any():
            found.append(_lag(_moved(self.lag, ends), of))
        return found


def _moved(along: F32, ends: Iterable[tuple[I64, np.float64]]) -> F64:
    """float64[r]: by how much a sum moves along each direction."""
    found: F64 = sum((sign * along[at].sum(axis=0, dtype=np.float64) for at, sign in ends), np.zeros(1))
    return found


def _estimate(
    counter: Counter,
    value: float,
    bounds: tuple[float, float],
    lasted_ns: int,
    parts: list[Component],
    status: int = 0,
) -> Estimate:
    """A figure of marks, with what the sensor adds."""
    parts += sensor(counter.channel, counter.machine, value, seconds(lasted_ns))
    return Estimate(
        value=None if status else value,
        low=bounds[0],
        high=max(bounds[1], value) if not status else bounds[1],
        unit=counter.unit,
        status=STATUSES[status],
        provenance=counter.channel.provenance,
        accuracy=counter.channel.trust.accuracy,
        components=() if status else tuple(parts),
    )


def _lag(off: F64, of: str) -> Component:
    """What the lag leaves open: the most by which one of the lags moves the figure."""
    farthest = float(off[np.argmax(np.abs(off))])
    return Component("lag", farthest / ROOT_3, form=BOUNDED, group=f"lag:{of}")


def _shared(u: F64, of: str) -> list[Component]:
    return [
        Component("power", each, group=f"power:{of}/{number}")
        for number, each in enumerate(u.tolist())
        if each
    ]


def _left(components: Sequence[Component], replaced: str) -> list[Component]:
    """The components of a window one of whose edges is no mark, less those of the other edge."""
    groups = {f"{kind}:{replaced}" for kind in _OF_AN_EDGE}
    return [each for each in components if each.group not in groups and each.name not in _OF_SENSORS]


def _of(counter: Counter) -> str:
    return f"{counter.channel.id}@{counter.machine}"


def _scale(counter: Counter) -> float:
    """What a count is worth, in the unit of figures."""
    return float(counter.channel.scale.unit) * counter.watts
