"""Who was busy when: the CPU time of the machine, of processes and of cgroups, in rows of the recorder.

A row ``@subject`` names somebody once: ``raw`` is a number and ``label`` a JSON object, the fields of
:class:`microjoule.trace.label.Subject`. A row ``@activity`` is the CPU time that this subject has used at
an instant: ``read_ns`` is the number, ``raw`` nanoseconds. So ten thousand processes need no channel each,
which must be known at the opening, and who does nothing takes no room.

Between two rows of a subject its time is taken to pass evenly; before the first and after the last nothing
was used. A row that says how a subject ended, or that it vanished, is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from ..units import NS_PER_S
from .label import Subject
from .series import I64

F64 = npt.NDArray[np.float64]
_NONE = np.empty(0, np.int64)


class Activity:
    """The CPU time of subjects over time.

    Args:
        subjects: By number.
        number: int64[n], whose each row is.
        t_ns: int64[n], when.
        busy_ns: int64[n], its use until then.
    """

    def __init__(self, subjects: Mapping[int, Subject], number: I64, t_ns: I64, busy_ns: I64) -> None:
        self.subjects = dict(subjects)
        order = np.lexsort((busy_ns, t_ns, number))
        number, t_ns, busy_ns = number[order], t_ns[order], busy_ns[order]
        starts = np.flatnonzero(np.diff(number, prepend=number[:1] - 1)) if len(number) else _NONE
        ends = np.append(starts[1:], len(number)) if len(number) else _NONE
        self._rows = {
            int(number[start]): (t_ns[start:end], np.maximum.accumulate(busy_ns[start:end]))
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        }

    def __len__(self) -> int:
        return sum(len(t_ns) for t_ns, _ in self._rows.values())

    def instants_ns(self, number: int) -> I64:
        """int64: when a subject was read."""
        return self._rows.get(number, (_NONE, _NONE))[0]

    def used_ns(self, number: int, t_ns: I64) -> F64:
        """float64: the CPU time of a subject until each instant, in ns."""
        at, busy = self._rows.get(number, (_NONE, _NONE))
        if not len(at):
            return np.zeros(len(t_ns))
        found: F64 = np.interp(t_ns.astype(np.float64) - float(at[0]), at - at[0], busy - busy[0])
        return found

    def used_s(self, number: int, t0_ns: int, t1_ns: int) -> float:
        """The CPU time that a subject used in a window, in seconds."""
        before, after = self.used_ns(number, np.array([t0_ns, t1_ns])).tolist()
        return float(after - before) / NS_PER_S

    def numbers(self, kind: str) -> list[int]:
        """The subjects of a kind that have rows, in the order of their numbers."""
        return [n for n, each in sorted(self.subjects.items()) if each.kind == kind and n in self._rows]

    def running_ns(self, number: int) -> I64:
        """int64[k, 2]: from when to when a subject may have run: the times in which its CPU time grew."""
        at, busy = self._rows.get(number, (_NONE, _NONE))
        grew = np.flatnonzero(np.diff(busy) > 0)
        return np.stack((at[grew], at[grew + 1]), axis=1) if len(grew) else np.empty((0, 2), np.int64)


def named(rows: Iterable[tuple[int, str | None]]) -> dict[int, Subject]:
    """The subjects of rows ``@subject``: number and label each; labels that make no sense are passed over."""
    found: dict[int, Subject] = {}
    for number, label in rows:
        subject = Subject.of_label(label or "")
        if subject is not None:
            found.setdefault(number, subject)
    return found
