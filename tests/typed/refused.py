"""Slips that a type checker must find: each line that is marked is an error. Checked, never run."""

from __future__ import annotations

import microjoule as uj

trace = uj.load("trace.arrows")
estimate = trace.energy().total

uj.recrod("trace.arrows")  # wrong
uj.measured  # wrong  # noqa: B018
trace.enregy()  # wrong
trace.energy(5)  # wrong
uj.record(rate=1000)  # wrong
uj.Meter(rate=[])  # wrong
estimate < estimate  # wrong  # noqa: B015, PLR0124
estimate > 3.0  # wrong  # noqa: B015
estimate + 3.0  # wrong
estimate.vlaue  # wrong  # noqa: B018
uj.measure(5)  # wrong
uj.window(5)  # wrong


@uj.window
def step(size: int) -> int:
    return size


step("a")  # wrong
