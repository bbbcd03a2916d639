"""A gap: a time from which readings may be missing, as the recorder says."""

from __future__ import annotations

from typing import NamedTuple

from .label import unlabel


class Gap(NamedTuple):
    """An interval of a recording in which something happened to its file.

    Attributes:
        t0_ns: Its first nanosecond, CLOCK_MONOTONIC.
        t1_ns: The first nanosecond after it.
        cause: What happened.
        readings_lost: How many readings are missing; None: not known.
    """

    t0_ns: int
    t1_ns: int
    cause: str
    readings_lost: int | None


def gap(t0_ns: int, t1_ns: int, words: str) -> Gap:
    """The gap of a row ``@gap``: its time, its ``raw`` and its label."""
    cause, attributes = unlabel(words)
    lost = attributes.get("readings_lost")
    return Gap(t0_ns, t1_ns, cause, lost if isinstance(lost, int) else None)
