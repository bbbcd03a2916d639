"""The counts at marks: worked out some at a time, and the same as all at once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from ideal import MS, Ideal, S, rows, square

from microjoule.joules.energy_trace import Trace

WINDOWS = 60
IDEAL = Ideal(square(20.0, 90.0, 0.021), n=2000, unit=Fraction(1, 1 << 14), limit_w=150.0)


def marked() -> Trace:
    first = int(IDEAL.series.t_ns[0])
    edges = first + 100 * MS + np.arange(2 * WINDOWS) * 7 * MS
    marks = [
        (int(t_ns), ("@begin", "@end")[i % 2], i // 2, "ab"[i // 2 % 2] if i % 2 == 0 else "")
        for i, t_ns in enumerate(edges)
    ]
    return Trace(rows([IDEAL], marks))


def test_the_marks_of_a_trace_are_worked_out_in_any_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million at once would take a gigabyte; a count at a mark rests on nothing of the portions."""
    whole = marked().mark_fits.edges(IDEAL.channel.id)
    for name in ("mark_positions", "between_marks"):
        monkeypatch.setattr(f"microjoule.joules.{name}.AT_ONCE", 7)
    parts = marked().mark_fits.edges(IDEAL.channel.id)
    assert whole is not None
    assert parts is not None
    assert len(whole.instants_ns) >= 2 * WINDOWS
    assert whole.is_known.all()
    for name in ("instants_ns", "position", "is_known", "shared", "lag"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name)), name
    for one, other in zip(whole.causes, parts.causes, strict=True):
        assert one[:2] == other[:2]
        every = np.arange(len(whole.instants_ns))
        assert np.array_equal(one.of(every), other.of(every)), one.name
        assert np.array_equal(one.u, other.u), one.name
    assert whole.instants_ns[-1] - whole.instants_ns[0] < S
