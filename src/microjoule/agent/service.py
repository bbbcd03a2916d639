"""The agent from its start to its end: open, give up the privilege, answer."""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from ..errors import CannotServe
from ..recording.lane import Lane, open_lanes
from ..recording.meter import Meter
from ..sources.agent_offer import COARSE, FULL, LANES_MAX, SOCKETS, Offer, OfferedLane, packet
from ..value_class import dataclass
from ..version import VERSION
from . import confinement
from .confinement import number
from .doors import OVERFLOW_ID, Door, Doors, Guests
from .listening import listening, made, remove
from .offered import offered
from .publishing import Publisher

_MODES = {FULL: 0o660, COARSE: 0o666}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPlan:
    """What an agent reads, and for whom.

    Attributes:
        meter: What to read, and how often.
        folder: Where its sockets are made.
        group: The group that gets the full view, its name or its number; empty: none, and so root and
            who starts the agent alone.
        user: Whom it becomes after it has opened everything, where root starts it: a name or a number;
            empty: microjoule where there is such a user, else nobody.
        has_coarse_view: Whether everybody else gets the coarse view.
        inherited: Listening sockets that a service manager has opened already, by ``full`` and ``coarse``.
    """

    meter: Meter
    folder: Path
    group: str = ""
    user: str = ""
    has_coarse_view: bool = True
    inherited: Mapping[str, socket.socket] = field(default_factory=dict)


class Agent:
    """Samples, and serves the readings; a context manager.

    Args:
        plan: What to read, and for whom.

    Attributes:
        channels: The ids of what is read.
        left_out: What is not, by id, and why.
        places: A sentence for each socket.
        remarks: What keeps clients from them, a sentence each.
    """

    def __init__(self, plan: AgentPlan) -> None:
        self.plan = plan
        self.left_out: dict[str, str] = {}
        self.channels: tuple[str, ...] = ()
        self.places: tuple[str, ...] = ()
        self.remarks: tuple[str, ...] = ()
        self._publisher: Publisher | None = None
        self._doors: Doors | None = None

    def __enter__(self) -> Agent:
        """Opens everything, gives up the privilege, and answers from here on.

        Raises:
            CannotServe: A socket cannot be made, another agent has it, or the privilege cannot be given up.
            NothingToMeasure, SourceUnavailable, PermissionDenied: Nothing, or not what was asked for, can be
                read.
            UnknownSource: A source is not for agents.
        """
        gid = _gid(self.plan.group)
        lanes = self._open_lanes()
        with contextlib.ExitStack() as undone:
            listeners = dict(self.plan.inherited) or dict(self._listeners(gid, undone))
            publisher = Publisher(lanes)
            guests = Guests(frozenset({0, os.getuid()}), gid)
            # pyarrow asks numpy for it with the first array. It is imported while that can be: the agent's
            # user may not be let into the home that microjoule is installed in.
            importlib.import_module("numpy.ma")
            confinement.become(self.plan.user)
            publisher.start()
            doors = [self._door(listeners[FULL], _full(lanes), publisher, guests)]
            if COARSE in listeners and publisher.coarse.lane.channels:
                everybody = Guests(is_open=True)
                doors.append(self._door(listeners[COARSE], _coarse(publisher), publisher, everybody))
            self._doors = Doors(doors)
            self._doors.start()
            confinement.shut()
            undone.pop_all()
        self._publisher = publisher
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._doors is not None:
            self._doors.stop()
        if self._publisher is not None:
            self._publisher.stop()

    def check(self) -> None:
        """Raises what has ended one of its threads.

        Raises:
            CannotServe: One has ended; clients would wait for readings that never come.
        """
        for part in (self._publisher, self._doors):
            if part is not None and part.failure is not None:
                raise CannotServe(f"The agent failed: {part.failure!r}", "Start it again") from part.failure

    def _open_lanes(self) -> list[Lane]:
        found = offered(self.plan.meter)
        codes = {channel.id: code for code, channel in enumerate(found.channels)}
        packages = found.machine.host.to_json().get("packages", {})
        lanes, self.left_out = open_lanes(found.channels, codes, self.plan.meter.cadence, packages)
        if not lanes or len(lanes) > LANES_MAX:
            causes = "".join(f"; {channel}: {why}" for channel, why in self.left_out.items())
            raise CannotServe(
                f"{len(lanes)} lanes could be opened, and an agent needs 1 to {LANES_MAX}{causes}",
                "Name fewer sources: --source powercap",
            )
        self.channels = tuple(channel.id for lane in lanes for channel in lane.channels)
        return lanes

    def _listeners(
        self, gid: int | None, undone: contextlib.ExitStack
    ) -> Iterator[tuple[str, socket.socket]]:
        remarks = made(self.plan.folder)
        if gid is not None or self.plan.has_coarse_view:  # otherwise it is for root alone
            self.remarks = tuple(remarks)
        for view in (FULL, COARSE) if self.plan.has_coarse_view else (FULL,):
            path = self.plan.folder / SOCKETS[view]
            yield view, undone.enter_context(listening(path, _MODES[view], gid if view == FULL else None))
            undone.callback(remove, path)

    def _door(self, listener: socket.socket, offer: Offer, publisher: Publisher, guests: Guests) -> Door:
        listener.setblocking(False)
        is_own = offer.view not in self.plan.inherited
        name = self.plan.folder / SOCKETS[offer.view] if is_own else listener.getsockname()
        self.places += (f"{name} ({offer.view} view)",)
        feeds = publisher.feeds if offer.view == FULL else [publisher.coarse.feed]
        whose = f"members of {self.plan.group} and root" if self.plan.group else "root"
        return Door(
            listener,
            packet(offer),
            tuple(feed.fd for feed in feeds),
            guests,
            f"The agent gives every reading to {whose} only",
            f'Ask for membership: sudo usermod -aG {self.plan.group or "GROUP"} "$USER", then log in again',
        )


def _full(lanes: list[Lane]) -> Offer:
    told = tuple(OfferedLane(lane.name, lane.channels, lane.facts()) for lane in lanes)
    return Offer(view=FULL, microjoule=VERSION, pid=os.getpid(), lanes=told)


def _coarse(publisher: Publisher) -> Offer:
    view = publisher.coarse
    return Offer(
        view=COARSE, microjoule=VERSION, pid=os.getpid(), lanes=(view.lane,), resolution_j=view.resolution_j
    )


def _gid(group: str) -> int | None:
    import grp

    if not group:
        return None
    try:
        gid = number(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
    except ValueError as error:
        raise CannotServe(f"There is no group {group}: {error}", "Name one: --group microjoule") from None
    except KeyError:
        raise CannotServe(
            f"There is no group {group!r}",
            f"Create it: sudo groupadd --system {group}; or name another",
        ) from None
    if gid in (0, OVERFLOW_ID):
        raise CannotServe(
            f"The group {group} also holds programs that are not its members",
            "Create one: sudo groupadd --system microjoule",
        )
    return gid
