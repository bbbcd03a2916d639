"""Which counter of the trace tells the energy of a profile, or of each GPU that it ran on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...channel import Channel, Kind
from ...errors import MicrojouleError, ProfileError
from ...joules.energy_trace import Trace
from ...joules.estimates.total import covered
from .devices import Match, Override, matched
from .profile import Profile
from .stacks import Samples

_MOVED = 8  # times at least that a counter must have moved to be taken unasked


class Taken(NamedTuple):
    """A profile, or what of it ran on one GPU.

    Attributes:
        profile: The profile.
        match: The GPU; None: all of the profile.
    """

    profile: Profile
    match: Match | None

    @property
    def device(self) -> int | None:
        """The GPU by the number that the program saw."""
        return self.match.device if self.match else None


def chosen(
    trace: Trace, profiles: Sequence[Profile], channel: str, said: Sequence[Override]
) -> dict[str, list[Taken]]:
    """For each counter what is to be attributed of it.

    Args:
        trace: The trace.
        profiles: The profiles.
        channel: The counter that the user named; empty: none.
        said: Which GPU a device is, where the user says it.

    Raises:
        ProfileError: Kernels ran on a GPU that the trace has no counter of; or there is no counter.
    """
    if channel:
        refuse(trace, channel)
    found: dict[str, list[Taken]] = {}
    for position, profile in enumerate(profiles, 1):
        if not profile.devices:
            found.setdefault(channel or usual(trace), []).append(Taken(profile, None))
            continue
        if channel:
            found.setdefault(channel, []).append(_asked(trace, profile, channel, position, said))
            continue
        for match in matched(trace, profile, position, said):
            name = _of_gpu(trace, profile, match)
            found.setdefault(name, []).append(Taken(profile, match))
    return found


def needed(
    trace: Trace, profiles: Sequence[Profile | Samples], channel: str, said: Sequence[Override] = ()
) -> set[str]:
    """The counters of whose readings all are needed.

    Args: as of :func:`chosen`; profiles of stacks too.
    """
    of_events = [each for each in profiles if isinstance(each, Profile)]
    found = set(chosen(trace, of_events, channel, said))
    if len(of_events) < len(profiles):
        name = channel or usual(trace)
        refuse(trace, name)
        found.add(name)
    return found


def usual(trace: Trace) -> str:
    """The counter that is taken where nobody names one.

    Raises:
        ProfileError: None moved.
    """
    # One of the total if it can be, and else, as beside a meter of whole joules, any that moved.
    counters = counters_of(trace)
    by_worth = [n for n in (*covered(trace.channels), *counters) if n in counters and n not in trace.dead]
    moving = [n for n in by_worth if len(trace.counter(n).changes) > _MOVED]
    if not moving:
        raise ProfileError(
            "The trace has no energy counter that changed", "`uj probe` says what can be read here"
        )
    return moving[0]


def counters_of(trace: Trace) -> list[str]:
    """The counters of energy."""
    return [name for name in trace.energy_channels if trace.channels[name].kind is Kind.COUNTER]


def refuse(trace: Trace, name: str, error: type[MicrojouleError] = ProfileError) -> None:
    """Refuses a channel that no energy can be attributed from.

    Raises:
        MicrojouleError: It is one; of the class ``error``.
    """
    counters = counters_of(trace)
    if name not in counters:
        what = "has no channel" if name not in trace.channels else "counts no energy in its channel"
        raise error(f"the trace {what} {name!r}", f"Its energy counters: {', '.join(counters) or 'none'}")
    if name in trace.dead:
        raise error(f"{name} never moved, though it must have", "Choose another --channel")


def _asked(trace: Trace, profile: Profile, channel: str, position: int, said: Sequence[Override]) -> Taken:
    """What of a profile belongs to a counter that the user named."""
    gpu = _gpu(trace.channels[channel])
    if gpu is None:
        return Taken(profile, None)
    if len(profile.devices) == 1:  # then the user's word says which GPU it is
        return Taken(profile, Match(profile.devices[0], gpu, "as --channel says", True))
    for match in matched(trace, profile, position, said):
        if match.gpu == gpu:
            return Taken(profile, match)
    listed = ", ".join(map(str, profile.devices))
    raise ProfileError(
        f"{profile.path} has kernels of the devices {listed}, and none is {channel}",
        f"Say which it is: --device {profile.devices[0]}=gpu-{gpu}",
    )


def _of_gpu(trace: Trace, profile: Profile, match: Match) -> str:
    counters = counters_of(trace)
    mine = [n for n in counters if _gpu(trace.channels[n]) == match.gpu and n not in trace.dead]
    if mine:
        return mine[0]
    listed = ", ".join(map(str, profile.devices))
    gpus = [n for n in counters if _gpu(trace.channels[n]) is not None]
    remedy = f"Record on a GPU that has one, or name a --channel: {', '.join(counters) or 'none'}"
    if gpus:
        other = _gpu(trace.channels[gpus[0]])
        remedy = (
            f"The trace has {', '.join(gpus)}. If the program saw GPU {other} as its device "
            f"{match.device}, add --device {match.device}=gpu-{other}"
        )
    what = f"the profile has kernels of GPU {listed}, and the trace no energy counter of it"
    raise ProfileError(what, remedy)


def _gpu(channel: Channel) -> int | None:
    """The number of the GPU that a channel is of; None: it is of none."""
    return channel.place.number if channel.place.device == "gpu" else None
