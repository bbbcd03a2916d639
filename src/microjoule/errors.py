"""What can go wrong, each with the sentence that mends it.

Every exception carries ``remedy``: what the person can do now, as a command where there is one.
``str(error)`` is the whole message: what happened, on what, and the remedy.
"""

from __future__ import annotations


class MicrojouleError(Exception):
    """Anything that microjoule raises by itself.

    Attributes:
        what: What happened, and on what.
        remedy: What to do now; empty where nothing is known to help.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}" if self.remedy else f"{self.what}."


class PermissionDenied(MicrojouleError, PermissionError):
    """A counter is there and may not be read by this user."""


class SourceUnavailable(MicrojouleError):
    """A counter, a device or an interface is not there."""


class NothingToMeasure(SourceUnavailable):
    """No source on this machine lists a channel."""


class NativeMissing(SourceUnavailable, ImportError):
    """The native half was not built: analysis works, sampling does not."""


class MissingExtra(MicrojouleError, ImportError):
    """A feature needs a library that only an extra brings."""


class TraceError(MicrojouleError):
    """A trace file cannot be read or written as one."""


class BadWindow(MicrojouleError, ValueError):
    """A window that ends before it begins, or a name that no window has."""


class BadRate(MicrojouleError, ValueError):
    """A sampling rate outside what the sampler keeps."""


class Overlap(MicrojouleError, ValueError):
    """A sum over channels that would count a joule twice."""


class UnitMismatch(MicrojouleError, ValueError):
    """Two figures in different units that were to be added."""


class NoValue(MicrojouleError, ValueError):
    """A bare number was asked of an estimate that has none."""


class NotComparable(MicrojouleError, TypeError):
    """Two uncertain figures were to be put in order."""


class BadFormat(MicrojouleError, ValueError):
    """A format that is none of a number and no unit of the figure."""
