"""Counters that an agent reads for this user: ``uj agent``.

Theory of the device. RAPL's counters are for root since CVE-2020-8694, because a thousand readings a second
of what a processor draws let one user infer another's secrets. An agent reads them once for all programs of
a node, and hands out the readings as they are to the group that the administrator chose. Everybody else
gets its coarse view: one reading a second, rounded down to a joule or a little more (docs/agent.md,
SECURITY.md).

- Channels keep id, place and unit, and say ``agent`` as their source. In the full view every reading is the
  agent's own, with its time and its length, to the last count; a client's rate does not matter.
- Update, lag, width, errors: those of the interface that the agent reads.
- Who may read: in the full view root, the agent's own user and its group; in the coarse view everybody.
- Where both can be had, a channel is read directly and not through the agent: a client then does not depend
  on another process.
- A client in another time namespace has another clock and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..channel import Access, Channel
from ..errors import AgentSilent, MicrojouleError, PermissionDenied
from . import agent_offer
from .agent_offer import COARSE, FOLDER, FULL, SOCKETS, Offer
from .machine import Machine
from .survey import Cause, Obstacle, Survey

NAME = "agent"
READERS = "the agent's group; a coarse view: everybody"
UNNEEDED_S = 0.3  # how long it may take to answer where everything is read directly
READER = "agent"  # of ``Access``: recording/agent_lane.py


def survey(machine: Machine, is_needed: bool = True) -> Survey:
    """What the agent under the machine's root offers to this user: the full view, or else the coarse one.

    Args:
        machine: Where it is.
        is_needed: Whether something cannot be read without it; otherwise it has less time to answer.
    """
    # The last of a full queue waits for a quarter of a second (agent/doors.py), and longer on a full machine.
    answer_s = agent_offer.ANSWER_S if is_needed else UNNEEDED_S
    folder = machine.root / FOLDER
    obstacles: list[Obstacle] = []
    for view in (FULL, COARSE):
        path = folder / SOCKETS[view]
        if not _exists(path):
            continue
        try:
            offer = agent_offer.ask(path, answer_s)
        except MicrojouleError as error:
            cause = Cause.PERMISSION if isinstance(error, PermissionDenied) else Cause.FAILING
            obstacles.append(Obstacle(cause, error.what, error.remedy))
            if isinstance(error, AgentSilent):
                break  # one process has both sockets
            continue
        offer.close()
        return Survey(
            NAME,
            READERS,
            channels=tuple(channels(offer, path)),
            obstacles=(*obstacles, *_remark(offer)),
            facts={"agent": {"view": offer.view, "microjoule": offer.microjoule}},
        )
    if not obstacles:
        what = f"{folder / SOCKETS[FULL]} does not exist: no agent runs here"
        obstacles.append(Obstacle(Cause.NO_HARDWARE, what, "An administrator can start one: sudo uj agent"))
    return Survey(NAME, READERS, obstacles=tuple(obstacles))


def channels(offer: Offer, path: Path) -> Iterator[Channel]:
    """The channels of an offer, to be read through the agent."""
    for number, lane in enumerate(offer.lanes):
        for code, channel in enumerate(lane.channels):
            yield replace(
                channel,
                source=NAME,
                lane=f"{NAME}-{lane.name}",
                access=Access(reader=READER, path=str(path), type=number, config=code),
            )


def is_read_by_agent(channel: Channel) -> bool:
    """Whether this process gets the readings of a channel and cannot take one itself."""
    return channel.access.reader == READER


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # a folder that this user may not search
        return True
    return True


def _remark(offer: Offer) -> Iterator[Obstacle]:
    if offer.view != COARSE:
        return
    rate_hz = min(lane.facts["rate_hz"] for lane in offer.lanes)
    yield Obstacle(
        Cause.MISLEADING,
        f"the agent's coarse view has {rate_hz:g} reading a second, rounded down to {offer.resolution_j:.3g} "
        "J: windows of less than ten seconds have wide intervals",
        "Ask for membership in the agent's group",
    )
