"""What to read and how often: one description for whatever measures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..channel import Channel
from ..errors import NothingToMeasure, SourceUnavailable, UnknownSource, nearest
from ..host.calibration import Calibration, applied
from ..host.key import of_this_host
from ..host.reference import References, corrected
from ..host.sampling_cost import Overhead
from ..value_class import dataclass
from .lane import Cadence, cadence_of

if TYPE_CHECKING:
    from ..sources import Machine, Survey
    from ..sources.probe import Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What to read and how often: for ``record``, ``energy``, ``measure``, ``compare`` and ``probe`` alike.

    ``uj.Meter()`` is everything that this user may read, a thousand or more times a second. Nothing is read,
    and no file opened, before it is used.

    Attributes:
        channel: Read this channel only, or these; empty: all.
        sources: Names of the sources to read, all of them forced; None: for each channel the best interface
            that this user may read.
        root: The root of the file system whose counters to read.
        visible_gpus: A list in the form of CUDA_VISIBLE_DEVICES; None: all GPUs.
        rate: Reads a second of each channel, 1 to 20 000; ``"edges"``: on both sides of each update of a
            lane's counter and nowhere else; or a :class:`Cadence` for more; None: 1 kHz, and 2 kHz of lanes
            that the kernel samples.
        calibration: What ``uj probe --calibrate`` learnt of this host, or the path of its file; one of
            another host or kernel is a ``RuntimeWarning`` and is not used.
        overhead: What ``uj overhead`` measured on this host, or the path of its file: a trace then says what
            its sampling takes.
        reference: What `uj probe --calibrate --against` showed of this host's counters.
        against: Addresses of reference meters to read beside the counters, as ``shelly://192.168.1.20``.

    Raises:
        BadRate: The rate is out of range.
        UnknownSource: ``sources`` is no list of names.
    """

    channel: str | Sequence[str] = ""
    sources: Sequence[str] | None = None
    root: Path | str = "/"
    visible_gpus: str | None = None
    rate: float | str | Cadence | None = None
    calibration: Calibration | Path | str | None = None
    overhead: Overhead | Path | str | None = None
    reference: References | None = None
    against: Sequence[str] = ()

    def __post_init__(self) -> None:
        cadence_of(self.rate)
        if isinstance(self.sources, str) or (self.sources is not None and not self.sources):
            raise UnknownSource(
                f"The sources {self.sources!r} are not a list of names",
                'Give a list such as ["powercap"], or None for the best of all; `uj probe` lists the sources',
            )
        if self.sources is not None:
            object.__setattr__(self, "sources", tuple(self.sources))
        if not isinstance(self.channel, str):
            object.__setattr__(self, "channel", tuple(self.channel))
        addresses = (self.against,) if isinstance(self.against, str) else tuple(self.against)
        object.__setattr__(self, "against", addresses)

    @property
    def cadence(self) -> Cadence:
        """``rate`` as a :class:`Cadence`."""
        return cadence_of(self.rate)


class Readable(NamedTuple):
    """What a meter can read on this machine.

    Attributes:
        machine: The machine.
        surveys: What each source found on it.
        channels: What is to be read, with what was learnt of it.
        calibration: What was learnt of the host.
    """

    machine: Machine
    surveys: tuple[Survey, ...]
    channels: tuple[Channel, ...]
    calibration: Calibration | None


def chosen_sources(meter: Meter) -> Sequence[str] | None:
    """The sources that somebody chose, by name or with a channel; None: the best of all are read."""
    return (meter.sources or ()) if meter.channel else meter.sources


def readable(meter: Meter) -> Readable:
    """The channels that a meter reads here, those of commands apart.

    Raises:
        CalibrationError: The calibration cannot be read.
        UnknownSource: No source has one of the names.
        NothingToMeasure, SourceUnavailable, PermissionDenied: Nothing, or not what was asked for, can be
            read.
    """
    from ..sources import Machine, choose, survey

    machine = Machine(Path(meter.root), meter.visible_gpus)
    learnt = of_this_host(meter.calibration, machine)
    surveys = survey(machine)
    listed = [channel for channel in choose(surveys, meter.sources) if not channel.is_of_command]
    if not listed:
        raise NothingToMeasure("No source has a channel that can be read here", "Ask `uj probe` why")
    channels = corrected(applied(listed, learnt), meter.reference, device_ids(listed))
    return Readable(machine, surveys, only(channels, meter.channel), learnt)


def only(channels: tuple[Channel, ...], names: str | Sequence[str]) -> tuple[Channel, ...]:
    """The channels of these names, or of this one; all of them where none is given.

    Raises:
        SourceUnavailable: One is not among them.
    """
    wanted = [name for name in ([names] if isinstance(names, str) else names) if name]
    ids = [channel.id for channel in channels]
    for name in wanted:
        if name not in ids:
            raise SourceUnavailable(
                f"There is no readable channel {name!r}",
                f"{nearest(name, ids)}; `uj probe` shows what is closed",
            )
    return tuple(channel for channel in channels if channel.id in wanted) if wanted else channels


def probe(meter: Meter | None = None) -> Probe:
    """What this user can read on this machine, and what is in the way of the rest. Nothing is sampled.

    ``print(uj.probe())`` says it in words; ``uj probe`` in the shell prints more of the same.

    Args:
        meter: Where to look, and for which sources; None: ``Meter()``.
    """
    from ..sources import Machine
    from ..sources.probe import probed

    meter = meter or Meter()
    return probed(Machine(Path(meter.root), meter.visible_gpus), meter.sources)


def device_ids(channels: Iterable[Channel]) -> dict[str, str]:
    """The device's own id, as a GPU's UUID, of each channel that is read by it."""
    return {channel.id: channel.access.device for channel in channels if channel.access.device}
