"""The recorder of a node: it samples, and takes the marks of all ranks of a job that run there.

It ends when each rank that connected has ended, however it ended. A rank whose connection breaks was killed:
its window ends then and says so, and recording goes on for the others.

What comes over a connection is a claim of a process of the same user, and is checked as marks in shared
memory are: a rank can forge marks of its own, and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import MicrojouleError
from ..trace import schema
from ..trace.label import label
from ..units import nanoseconds
from .mark_rings import OTHERS
from .native import now_ns
from .node_socket import Lines, encoded, peer_process, peer_user

if TYPE_CHECKING:
    from pathlib import Path

    from .recorder import RawRecorder

RANK = "rank"  # the name of the window of each rank's command
LATE_S = 5.0  # how long ranks that are still to come are waited for once all others have ended
ANSWER_S = 600.0  # how long the last rank may take to read the trace for its report
ALIVE_S = 0.5  # between two signs of life to ranks that wait for the trace
SETTLED_S = 10.0  # how long the file may take to have what was read
LATE_READING_S = 5.0  # how long a busy machine may keep the sampler from reading after a rank's end
_TICK_S = 0.1
_SKEW_S = 60.0  # a mark that claims to be older than its rank, or of the future, by so much is none
_NUMBER_BITS = 40
_NUMBERS = 1 << _NUMBER_BITS
_RANKS_MAX = 1 << 20
_SAID_MAX = 1000
_OPEN_MAX = 10_000

_Mark = tuple[str, int, int, str]


class _Member:
    """A connected process: one rank of the job."""

    def __init__(self, connection: socket.socket, index: int) -> None:
        self.connection = connection
        self.lines = Lines(connection)
        self.process = peer_process(connection)
        self.since_ns = now_ns()
        self.numbers = OTHERS | index << _NUMBER_BITS
        self.window: int | None = None  # the number of its command's window, while it is open
        self.open: set[int] = set()  # numbers of the windows that its command has begun and not ended
        self.is_greeted = self.is_done = False
        self.takes_trace = False  # when it ends; until then the others go on
        self.done_s, self.done_ns = 0.0, 0

    def send(self, message: Mapping[str, Any], trace: Path | None = None) -> None:
        """Sends a short message, and a trace as an open file; to a process that takes none, nothing."""
        flags = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
        with contextlib.suppress(OSError):
            if trace is None or not self.takes_trace:
                self.connection.send(encoded(message), flags)
                return
            file = os.open(trace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                socket.send_fds(self.connection, [encoded(message)], [file], flags)
            finally:
                os.close(file)

    def marks(self, rows: object) -> list[_Mark]:
        """The marks of a message that may be some, with numbers that no other rank has."""
        if not isinstance(rows, list):
            return []
        late_ns = now_ns() + nanoseconds(_SKEW_S)
        found = []
        for row in rows:
            if not isinstance(row, list) or len(row) != 4:
                continue
            kind, t_ns, number, text = row
            is_sound = kind in ("begin", "end") and isinstance(text, str)
            is_sound = is_sound and type(t_ns) is int and type(number) is int and 0 < t_ns < late_ns
            if is_sound:
                found.append((kind, t_ns, self.numbers | number % _NUMBERS, text))
        return found

    def follow(self, marks: list[_Mark]) -> None:
        """Notes which windows are open."""
        for kind, _, number, _ in marks:
            if kind == "end":
                self.open.discard(number)
            elif len(self.open) < _OPEN_MAX:
                self.open.add(number)


class NodeRecorder:
    """Serves the ranks of a node, from when its recorder is open until the last rank has ended.

    Args:
        listener: The socket that ranks connect to.
        recorder: Open.
    """

    def __init__(self, listener: socket.socket, recorder: RawRecorder) -> None:
        self._listener = listener
        self._recorder = recorder
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._members: dict[socket.socket, _Member] = {}
        self._waiting: list[_Member] = []
        self._n_joined, self._n_local = 0, 0
        self._said: deque[str] = deque(maxlen=_SAID_MAX)
        self._ended_s = time.monotonic()
        self._is_closing = threading.Event()
        self._signs = threading.Thread(target=self._give_signs, name="uj-signs", daemon=True)

    def say(self, sentence: str) -> None:
        """Has a rank print what happened to the trace; from any thread."""
        self._said.append(sentence)

    def serve(self) -> None:
        """Takes marks until all ranks have ended."""
        self._signs.start()
        while not self._is_over():
            for key, _ in self._selector.select(_TICK_S):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._hear(self._members[key.fileobj])  # type: ignore[index]
            self._answer()
        last = [each for each in self._waiting if not each.takes_trace][:-1]
        self._let_go(last, is_whole=False)  # where several ended at once, one of them prints the report
        self._selector.unregister(self._listener)
        self._listener.close()  # whoever comes now starts the next recorder

    def close(self, answer: Mapping[str, Any]) -> None:
        """Answers the last ranks, once the trace is complete, and waits until they have read it."""
        self._is_closing.set()
        self._signs.join()
        ends = time.monotonic() + ANSWER_S
        for member in self._waiting:
            member.send({"closed": answer, "said": list(self._said)}, self._recorder.path)
        for member in self._waiting:
            member.connection.settimeout(max(ends - time.monotonic(), _TICK_S))
            try:
                while member.connection.recv(1 << 16):
                    pass
            except OSError:
                continue
        for connection in self._members:
            connection.close()
        self._selector.close()

    @property
    def n_ranks(self) -> int:
        """How many ranks have connected."""
        return self._n_joined

    def _give_signs(self) -> None:
        """Tells ranks that wait that this process runs: to complete a trace may take a slow disk its time."""
        while not self._is_closing.wait(ALIVE_S):
            for member in tuple(self._waiting):
                member.send({"alive": True})

    def _is_over(self) -> bool:
        if self._running():
            return False
        is_complete = self._n_joined >= max(self._n_local, 1)
        return is_complete or time.monotonic() > self._ended_s + LATE_S

    def _running(self) -> list[_Member]:
        return [each for each in self._members.values() if not each.is_done]

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it went away again, or there are too many open files
            return
        if peer_user(connection) != os.geteuid() or self._n_joined >= _RANKS_MAX:
            connection.close()
            return
        self._n_joined += 1
        self._members[connection] = _Member(connection, self._n_joined)
        self._selector.register(connection, selectors.EVENT_READ)

    def _hear(self, member: _Member) -> None:
        for message in member.lines.read():
            self._take(member, message)
        if not member.lines.is_open:
            self._part(member)

    def _take(self, member: _Member, message: Mapping[str, Any]) -> None:
        if "hello" in message:
            self._greet(member, message["hello"])
        losses = message.get("losses")
        known = losses if isinstance(losses, dict) else {}
        counted = {name: known[name] for name in schema.MARK_COUNTS if type(known.get(name)) is int}
        marks = member.marks(message.get("marks", []))
        member.follow(marks)
        if marks or counted:
            self._recorder.forward(marks, {name: min(max(n, 0), OTHERS) for name, n in counted.items()})
        if "done" in message and not member.is_done:
            self._end(member, message["done"])
            member.is_done, member.done_s, member.done_ns = True, time.monotonic(), now_ns()
            self._waiting.append(member)

    def _greet(self, member: _Member, hello: object) -> None:
        if member.is_greeted or not isinstance(hello, dict):
            return
        member.is_greeted = True
        self._recorder.programs.begin(member.process)
        n_local = hello.get("n_local")
        self._n_local = max(self._n_local, n_local if type(n_local) is int else 0)
        member.takes_trace = hello.get("takes_trace") is True
        if isinstance(hello.get("marks"), str):
            self._recorder.expect(hello["marks"])
        attributes = hello.get("attributes")
        member.window = member.numbers | _NUMBERS - 1
        text = label(RANK, attributes if isinstance(attributes, dict) else {})
        self._recorder.forward([("begin", now_ns(), member.window, text)], {})
        ready = {"ready": str(self._recorder.path.absolute()), "numbers": member.numbers}
        member.send({**ready, "settle_s": self._recorder.settle_s})

    def _end(self, member: _Member, attributes: object) -> None:
        """Ends the window of a rank's command, with how it ended, and what it left open."""
        t_ns = now_ns()
        if member.is_greeted:
            self._recorder.programs.end(member.process)
        cut = label("", {"ended": "with its rank"})
        ends = [("end", t_ns, number, cut) for number in sorted(member.open)]
        member.open.clear()
        if member.window is not None:
            text = label("", attributes if isinstance(attributes, dict) else {})
            ends.append(("end", t_ns, member.window, text))
            member.window = None
        self._recorder.forward(ends, {})
        self._ended_s = time.monotonic()

    def _part(self, member: _Member) -> None:
        if not member.is_done:
            self._end(member, {"ended": "killed"})
        if member in self._waiting:
            self._waiting.remove(member)
        self._selector.unregister(member.connection)
        del self._members[member.connection]
        member.connection.close()

    def _answer(self) -> None:
        """Lets ranks that have ended go while others run; and passes on what happened to the trace."""
        running = self._running()
        if running and self._said:
            running[0].send({"said": [self._said.popleft() for _ in range(len(self._said))]})
        if running:
            due = [m for m in self._waiting if m.takes_trace and self._overdue_s(m) >= 0]
            # Once for all of them: what is read meanwhile comes with the next.
            is_whole = bool(due) and self._recorder.settled(SETTLED_S)
            bracketed = [m for m in due if self._is_bracketed(m)]
            self._let_go([m for m in self._waiting if not m.takes_trace or m in bracketed], is_whole)

    def _overdue_s(self, member: _Member) -> float:
        """For how long the readings that bracket the end of a rank should have been there."""
        return time.monotonic() - member.done_s - self._recorder.settle_s

    def _is_bracketed(self, member: _Member) -> bool:
        """Whether the file has a reading after all that a rank marked; or none came for long."""
        return self._recorder.has_read(member.done_ns) or self._overdue_s(member) > LATE_READING_S

    def _let_go(self, members: list[_Member], is_whole: bool) -> None:
        """Lets ranks that have ended go: another one waits for the trace to be complete."""
        for member in members:
            left = {"left": len(self._running()), "is_whole": is_whole, "path": str(self._recorder.path)}
            member.send(left, self._recorder.path)
        self._waiting = [each for each in self._waiting if each not in members]


def passed_on(sentence: str, nodes: list[NodeRecorder]) -> None:
    """Has a rank print a sentence about the trace, once there is a recorder that serves."""
    for node in nodes:
        node.say(sentence)


def completed(recorder: RawRecorder) -> dict[str, Any]:
    """Completes the trace; what the last rank hears of it: its path, whether it is whole, what went wrong."""
    answer: dict[str, Any] = {"is_whole": True}
    try:
        recorder.close()
    except MicrojouleError as error:
        answer = {"problem": str(error), "is_whole": False}
    is_whole = answer["is_whole"] and not recorder.incidents
    return {**answer, "is_whole": is_whole, "path": str(recorder.path.absolute())}


def refused(listener: socket.socket, sentence: str, for_s: float = LATE_S) -> None:
    """Tells every rank that connects within a time why nothing is recorded."""
    listener.settimeout(_TICK_S)
    ends = time.monotonic() + for_s
    while time.monotonic() < ends:
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        with connection:
            connection.settimeout(_TICK_S)
            try:
                connection.sendall(encoded({"failed": sentence}))
                while connection.recv(1 << 16):
                    pass
            except OSError:
                continue
