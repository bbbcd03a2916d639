"""What a measurement refuses, each with what is possible instead."""

from __future__ import annotations

from ..errors import MicrojouleError, NothingToMeasure, SourceUnavailable


class BadRequest(MicrojouleError, ValueError):
    """A target, a time or a number that no measurement can have."""


class TooLong(MicrojouleError, ValueError):
    """One call takes longer than the whole measurement may."""


class TooCoarse(SourceUnavailable):
    """A channel whose smallest step is more than all that could be spent in the time allowed."""


class OnlyModelled(NothingToMeasure):
    """No channel here measures: a power model times CPU time is no measurement of a kernel."""


class NoUpdate(SourceUnavailable):
    """A counter stood still, or a gauge was given where a counter is needed."""
