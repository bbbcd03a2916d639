"""What an agent offers, and how a client asks for it: one packet on a Unix socket.

A client connects, sends nothing, and receives one packet (``SOCK_SEQPACKET``): ``uj-agent``, the version of
this protocol, the agent's CLOCK_MONOTONIC, and a JSON table compressed with zlib. With it come descriptors
of read-only memory, one a lane (``csrc/feed.h``); the readings are there and not on the socket. The table
has the lanes with their channels as ``Channel.to_json`` writes them, or ``refused`` with a sentence.

Decision: the agent reads nothing from its clients. There is no request to parse, no path, no command, and so
nothing to attack. What was given up: a client cannot ask for a rate or for some channels only.

The clock decides whether readings can be placed beside a client's own times: a time namespace may have
another CLOCK_MONOTONIC, and then the agent's time does not lie between the client's own before and after.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, NamedTuple

from ..channel import Channel
from ..channel.soundness import is_sound
from ..errors import AgentSilent, PermissionDenied, SourceUnavailable
from ..units import US_PER_S, nanoseconds
from ..value_class import dataclass

VERSION = 1
FULL, COARSE = "full", "coarse"
SOCKETS = {FULL: "agent.sock", COARSE: "coarse.sock"}
FOLDER = "run/microjoule"  # under the root

_MAGIC = b"uj-agent"
_HEAD = struct.Struct("<8sIq")
_FD = struct.Struct("@i")
_PACKET_BYTES = 1 << 18
_TABLE_BYTES = 1 << 24
LANES_MAX = 128  # descriptors in one packet: Linux passes 253
ANSWER_S = 1.0
_RATE_MAX_HZ = 1e6
_PAUSE_S = 0.02
_AGAIN = "See `systemctl status microjoule-agent`, or start it: sudo uj agent"


class OfferedLane(NamedTuple):
    """One lane of an agent: its name, its channels in the order of their codes, and what is said of it."""

    name: str
    channels: tuple[Channel, ...]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What an agent offers.

    Attributes:
        view: ``full``: every reading; ``coarse``: few and rounded ones, for everybody.
        microjoule: The version of the agent's program.
        pid: The agent's process, in its own PID namespace.
        lanes: Its lanes.
        resolution_j: In the coarse view the joules to which counters are rounded.
        feeds: The descriptor of each lane's memory, this process's own.
    """

    view: str
    microjoule: str
    pid: int
    lanes: tuple[OfferedLane, ...]
    resolution_j: float | None = None
    feeds: tuple[int, ...] = field(default=(), compare=False)

    def close(self) -> None:
        """Closes the descriptors."""
        for fd in self.feeds:
            with contextlib.suppress(OSError):
                os.close(fd)


def packet(offer: Offer) -> bytes:
    """The table of an offer as it is sent; ``stamped`` gives it its head."""
    lanes = [
        {"name": lane.name, "channels": [c.to_json() for c in lane.channels], "facts": dict(lane.facts)}
        for lane in offer.lanes
    ]
    told = {"view": offer.view, "microjoule": offer.microjoule, "pid": offer.pid, "lanes": lanes}
    return _packed({**told, "resolution_j": offer.resolution_j})


def refusal(what: str, remedy: str) -> bytes:
    """The table of a refusal."""
    return _packed({"refused": what, "remedy": remedy})


def stamped(table: bytes) -> bytes:
    """A packet with this moment's clock."""
    return _HEAD.pack(_MAGIC, VERSION, time.monotonic_ns()) + table


def ask(path: Path, answer_s: float = ANSWER_S) -> Offer:
    """What the agent at a socket offers; its descriptors are the caller's to close.

    Args:
        path: The socket.
        answer_s: How long the agent may take.

    Raises:
        PermissionDenied: This user may not have it.
        SourceUnavailable: No agent answers there, or not one that this version understands.
    """
    until_ns = time.monotonic_ns() + nanoseconds(answer_s)
    while True:
        before_ns = time.monotonic_ns()
        data, fds = _received(path, answer_s)
        if data:
            break
        if before_ns > until_ns:
            busy = f"The agent at {path} hung up: this user has too many connections to it"
            raise SourceUnavailable(busy, "Try again when other recordings have begun")
        time.sleep(_PAUSE_S)  # other programs of this user are being answered
    try:
        return _understood(path, data, fds, (before_ns, time.monotonic_ns()))
    except BaseException:
        for fd in fds:
            os.close(fd)
        raise


@contextlib.contextmanager
def short(path: Path) -> Iterator[str]:
    """An address of a socket that fits into the 108 bytes that the kernel has for one, while it is used."""
    if len(os.fsencode(path)) < 108:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _received(path: Path, answer_s: float) -> tuple[bytes, list[int]]:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection, short(path) as address:
            # The kernel's own timeouts: Python's make the socket non-blocking, and then a connection does not
            # wait for its turn where others have filled the queue, but fails.
            for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
                connection.setsockopt(socket.SOL_SOCKET, option, _timeval(answer_s))
            connection.connect(address)
            # Not recv_fds, which leaves out the flags up to Python 3.11 at least.
            room = socket.CMSG_LEN(LANES_MAX * _FD.size)
            data, extra, flags, _ = connection.recvmsg(_PACKET_BYTES, room, socket.MSG_CMSG_CLOEXEC)
            fds = [fd for level, kind, sent in extra for fd in _descriptors(level, kind, sent)]
    except PermissionError as error:
        raise PermissionDenied(*_closed(path)) from error
    except FileNotFoundError as error:
        raise SourceUnavailable(
            f"No agent runs here: {path} does not exist", "Start it: sudo uj agent"
        ) from error
    except (TimeoutError, BlockingIOError) as error:
        raise AgentSilent(f"The agent at {path} does not answer within {answer_s:g} s", _AGAIN) from error
    except OSError as error:
        what = (
            "is gone"
            if isinstance(error, ConnectionError)
            else f"cannot be reached ({error.strerror or error})"
        )
        raise SourceUnavailable(f"The agent at {path} {what}", _AGAIN) from error
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        for fd in fds:
            os.close(fd)
        raise SourceUnavailable(
            f"The answer of the agent at {path} does not fit", "Raise the limit of open files: ulimit -n"
        )
    return data, fds


def _closed(path: Path) -> tuple[str, str]:
    """Why this user may not open a socket, and what to do."""
    for folder in reversed(path.parents):
        if not os.access(folder, os.X_OK):
            what = f"The folder {folder} of the agent may not be searched by this user"
            return what, f"An administrator can open it: sudo chmod a+x {folder}"
    return f"{path} may not be opened by this user", "Ask for membership in the agent's group"


def _descriptors(level: int, kind: int, sent: bytes) -> list[int]:
    if (level, kind) != (socket.SOL_SOCKET, socket.SCM_RIGHTS):
        return []
    return [fd for (fd,) in _FD.iter_unpack(sent[: len(sent) // _FD.size * _FD.size])]


def _timeval(duration_s: float) -> bytes:
    return struct.pack("@ll", int(duration_s), int(duration_s % 1 * US_PER_S))


def _understood(path: Path, data: bytes, fds: Sequence[int], between_ns: tuple[int, int]) -> Offer:
    if len(data) < _HEAD.size or not data.startswith(_MAGIC):
        raise SourceUnavailable(f"What answers at {path} is not a microjoule agent", _AGAIN)
    _, version, now_ns = _HEAD.unpack_from(data)
    if version != VERSION:
        older = "this microjoule" if version > VERSION else "the agent"
        raise SourceUnavailable(
            f"The agent at {path} speaks version {version}, and this microjoule speaks version {VERSION}",
            f"Update {older}: pip install --upgrade microjoule",
        )
    try:
        table = _unpacked(data[_HEAD.size :])
        if "refused" in table:
            raise PermissionDenied(str(table["refused"]), str(table["remedy"]))
        offer = _offer(table, fds)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, zlib.error) as error:
        if isinstance(error, PermissionDenied):
            raise
        raise SourceUnavailable(
            f"The answer of the agent at {path} is damaged ({error!r})", _AGAIN
        ) from error
    if not between_ns[0] <= now_ns <= between_ns[1]:
        raise SourceUnavailable(
            f"The agent at {path} runs in another time namespace, so its clock differs",
            "Run both in one time namespace",
        )
    return offer


def _offer(table: Mapping[str, Any], fds: Sequence[int]) -> Offer:
    lanes = tuple(_lanes(table["lanes"]))
    if len(lanes) != len(fds) or not lanes:
        raise ValueError(f"{len(lanes)} lanes and {len(fds)} descriptors")
    if table["view"] not in SOCKETS:
        raise ValueError(f"a view {table['view']!r}")
    resolution = table.get("resolution_j")
    return Offer(
        view=table["view"],
        microjoule=str(table["microjoule"]),
        pid=int(table["pid"]),
        lanes=lanes,
        resolution_j=None if resolution is None else float(resolution),
        feeds=tuple(fds),
    )


def _lanes(plain: Iterable[Mapping[str, Any]]) -> Iterator[OfferedLane]:
    for lane in plain:
        channels = tuple(Channel.from_json(channel) for channel in lane["channels"])
        if not isinstance(lane["name"], str) or not all(map(is_sound, channels)):
            raise ValueError("a channel with values of the wrong kind")
        rate_hz = float(lane["facts"]["rate_hz"])
        if not 0 < rate_hz <= _RATE_MAX_HZ:
            raise ValueError(f"a rate of {rate_hz} Hz")
        yield OfferedLane(lane["name"], channels, {**lane["facts"], "rate_hz": rate_hz})


def _packed(table: Mapping[str, Any]) -> bytes:
    return zlib.compress(json.dumps(table).encode())


def _unpacked(data: bytes) -> dict[str, Any]:
    opened = zlib.decompressobj()
    text = opened.decompress(data, _TABLE_BYTES)
    if not opened.eof:
        raise ValueError("a table that is cut or too long")
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("no table")
    return found
