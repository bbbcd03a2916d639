"""All exceptions of microjoule, each with what to do about it.

Every one carries ``remedy``: what the person can do now, as a command where there is one. ``str(error)`` is
the whole message: what happened, to what, and the remedy. Many are a ``ValueError`` or a ``LookupError`` too,
as Python's own would be.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, which alone would cost 8 ms
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

_LISTED = 8


def similar(name: str, known: Iterable[str], n: int = 3, cutoff: float = 0.4) -> list[str]:
    """The known names that are most like a name, best first.

    Args:
        name: What was written.
        known: What there is.
        n: How many at most.
        cutoff: How alike they must be, 0 to 1.
    """
    from difflib import get_close_matches

    return get_close_matches(name, list(dict.fromkeys(known)), n=n, cutoff=cutoff)


def nearest(name: object, known: Iterable[str]) -> str:
    """The remedy for a name that nothing has: the names nearest to it, or else those that there are."""
    names = list(dict.fromkeys(known))
    near = similar(name, names) if isinstance(name, str) else []
    if near:
        return f"Nearest: {', '.join(map(repr, near))}"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"There are: {', '.join(map(repr, names[:_LISTED]))}{more}" if names else "There are none"


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


# --- Sources and readings ---


class PermissionDenied(MicrojouleError, PermissionError):
    """A counter exists, and this user may not read it."""


class SourceUnavailable(MicrojouleError):
    """A counter, a device or an interface does not exist here."""


class AgentSilent(SourceUnavailable):
    """An agent is there and does not answer in time."""


class NothingToMeasure(SourceUnavailable):
    """No source on this machine lists a channel."""


class NativeMissing(SourceUnavailable, ImportError):
    """The native half cannot be loaded: analysis works, sampling does not."""

    @classmethod
    def on(cls, platform: str, why: str = "") -> Self:
        """The error for a platform, as ``sys.platform`` names it, and the loader's reason."""
        if not platform.startswith("linux"):
            name = {"darwin": "macOS", "win32": "Windows"}.get(platform, platform)
            return cls(
                f"Energy is recorded on Linux only, and this is {name}",
                "Record on Linux, and read the trace here: uj report TRACE",
            )
        if "interpreter" in why.lower():  # of CPython and of Cython
            return cls(
                f"microjoule records in one interpreter of a process, and this is another ({why})",
                "Record in the main interpreter, or run this in a process of its own",
            )
        return cls(
            f"The native half of microjoule is missing ({why}), so nothing can be sampled here",
            "Traces can still be read. To sample: "
            "pip install --force-reinstall --no-binary microjoule microjoule",
        )


class MissingExtra(MicrojouleError, ImportError):
    """A feature needs a library that only an extra installs."""


class UnknownSource(MicrojouleError, ValueError):
    """A source was named that does not exist."""


class BadMeter(MicrojouleError, ValueError):
    """A reference meter whose address is none, or that gives no reading."""


class MeterFailed(MicrojouleError):
    """A reading of a reference meter that did not come.

    Attributes:
        code: An ``errno`` (5 is EIO), which the trace keeps as that of any read that fails.
    """

    def __init__(self, what: str, remedy: str = "", code: int = 5) -> None:
        super().__init__(what, remedy)
        self.code = code


class MeterLogError(MicrojouleError):
    """A meter's log that cannot be read as one."""


class BadRate(MicrojouleError, ValueError):
    """A sampling rate outside the sampler's range."""


class CalibrationError(MicrojouleError):
    """A calibration that cannot be read, or is another host's."""


class OverheadError(MicrojouleError):
    """A measured overhead that cannot be read, or is another host's."""


class BadWish(MicrojouleError, ValueError):
    """A sampling cost that cannot be measured, or an unknown name."""


# --- Traces, windows and estimates ---


class TraceError(MicrojouleError):
    """A trace file that cannot be read or written as one."""


class Disturbed(TraceError):
    """A trace file was changed by others while it was written."""


class UnknownChannel(TraceError, KeyError):
    """A channel was named that is not there."""


class BadWindow(MicrojouleError, ValueError):
    """A window that ends before it begins, or a name that no window has."""


class Overlap(MicrojouleError, ValueError):
    """A sum over channels that would count a joule twice."""


class UnitMismatch(MicrojouleError, ValueError):
    """Two figures in different units that were to be added."""


class NoValue(MicrojouleError, ValueError):
    """A bare number was asked of an estimate that has none."""


class NotComparable(MicrojouleError, TypeError):
    """Two uncertain figures were to be put in order."""


class BadFormat(MicrojouleError, ValueError):
    """A format that is neither one of numbers nor a unit of the figure."""


class TooFewUpdates(MicrojouleError, ValueError):
    """A counter that moved too seldom in the time in question."""


class NotInParts(MicrojouleError):
    """A trace file that cannot be read part by part; it is then read whole."""


# --- Measuring ---


class BadRequest(MicrojouleError, ValueError):
    """A target, a time or a number that no measurement can have."""


class TooLong(MicrojouleError, ValueError):
    """One call takes longer than the whole measurement may."""


class TooCoarse(SourceUnavailable):
    """The channel's smallest step exceeds all the energy that the time allowed could use."""


class OnlyEstimated(NothingToMeasure):
    """No channel here measures: CPU time times a power model is no measurement of a kernel."""


class NoUpdate(SourceUnavailable):
    """A counter stood still, or a gauge was given where a counter is needed."""


class StateDiffers(MicrojouleError):
    """Two recordings of one machine in two states: their ratio would say nothing of programs."""


class CommandFailed(MicrojouleError):
    """A command that was to be compared did not run, or ended with an exit code."""


# --- CO2e and money ---


class BadAmount(MicrojouleError, ValueError):
    """An amount of energy or CO2e that cannot be one."""


class BadFactor(MicrojouleError, ValueError):
    """A factor that is negative, not finite, outside its range, or in another unit."""


class NoRate(BadFactor):
    """Two currencies without an exchange rate between them."""


class BadSeries(MicrojouleError, ValueError):
    """An intensity series that cannot be one, or whose times do not fit the energies."""


class BadJob(MicrojouleError, ValueError):
    """A job whose figures contradict each other or lack what is needed."""


class BadTarget(MicrojouleError, ValueError):
    """A target that does not say what is to be reached, or a bad number of models."""


class BadAmortisation(MicrojouleError, ValueError):
    """Amounts over which nothing can be amortised."""


class BadLabel(MicrojouleError, ValueError):
    """A label that cannot be given."""


class UnknownZone(MicrojouleError, ValueError):
    """A name that no zone has, or that several have."""


class UnknownMethod(MicrojouleError, ValueError):
    """A name that no method has."""


class UnknownHardware(MicrojouleError, ValueError):
    """A device whose power is not in the table, or whose name several have."""


class UnknownCloud(MicrojouleError, ValueError):
    """A cloud provider whose rental prices are not in the table."""


class UnknownEquivalent(MicrojouleError, LookupError, ValueError):
    """No equivalent has this key."""


class UnknownFuel(MicrojouleError, LookupError):
    """A fuel that generates, and whose emissions no factor gives."""


class UnknownProvider(SourceUnavailable, ValueError):
    """No provider of live intensities has this name."""


class LiveUnavailable(MicrojouleError, ConnectionError):
    """A provider that cannot be reached now."""


class BadReply(MicrojouleError, ValueError):
    """An answer that differs from the provider's documentation."""


# --- Reports, exports and services ---


class NoFormat(MicrojouleError, ValueError):
    """An export to nothing."""


class BundleError(MicrojouleError):
    """A bundle that cannot be made, or cannot be read as one."""


class BadPath(MicrojouleError, ValueError):
    """A path has a place, as in ``{job}``, that cannot be filled in."""


class ArchiveError(MicrojouleError):
    """An archive that cannot be read or written, or what is in it cannot be believed."""


class BadArchiveAddress(ArchiveError, ValueError):
    """No folder and no URI of a file system."""


class SameFile(MicrojouleError, ValueError):
    """A file that would be written over its own source."""


class CannotWrite(MicrojouleError):
    """A file that cannot be written."""


class CannotPlot(MicrojouleError, ValueError):
    """A picture in an unknown format."""


class BadRecord(MicrojouleError, ValueError):
    """A record that cannot be put into the format asked for."""


class BadQuery(MicrojouleError, ValueError):
    """SQL that DuckDB refuses."""


class ProfileError(MicrojouleError):
    """A profile that cannot be read, or cannot be aligned with the trace."""


class ServerFailed(MicrojouleError):
    """A server that does not answer, stopped, or answers what nothing can be counted by."""


class RequestLogError(MicrojouleError):
    """A log of requests that cannot be read, or cannot be aligned with the trace."""


class BadMagic(MicrojouleError, ValueError):
    """Words that the notebook magic does not understand."""


class BadRun(MicrojouleError, ValueError):
    """A saved test run that is missing, or is none."""


class NoTerminal(MicrojouleError, ValueError):
    """A screen was asked for where there is no terminal."""


class NothingServed(MicrojouleError, ValueError):
    """Neither a page nor a collector was asked for."""


class CannotServe(MicrojouleError):
    """The port or the address is not available."""


class BadAddress(CannotServe, ValueError):
    """No address of this machine."""


class BadEndpoint(MicrojouleError, ValueError):
    """No URL that metrics can be pushed to."""
