"""A rank's side of its node's recorder: a ring of marks of its own, which it drains and sends on.

Light on purpose: a rank loads the native marks and neither numpy nor Arrow. Its command marks into the ring
as under any recorder, at the same cost; this process sends the marks on a few times a second, with the times
that they have.

A recorder that ends before its last rank was killed. The ranks then agree on another one, which goes on into
a file beside the first. A recorder that takes nothing any more is left alone after a while: the rank goes on,
and says that its windows are lost.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import MicrojouleError
from .marking import namespace
from .native import Marks
from .node_socket import Lines, encoded, joined

READY_S = 20.0  # how long a rank waits for its recorder before its command starts
SEND_S = 5.0  # how long a recorder may take nothing
ANSWER_S = 60.0  # how long the last rank waits for the trace to be complete
SILENT_S = 5.0  # how long a recorder may give no sign of life meanwhile: it gives two a second
_PAUSE_S = 0.02
_CHUNK = 1000
_UNSENT_MAX = 100_000  # marks that wait for the next recorder
_RESTARTS_MAX = 20  # recorders of one rank: what kills so many kills the next one


class NodeMember:
    """A rank of a job, as its node's recorder knows it.

    Args:
        name: Of the node's socket.
        hello: What the recorder is to know of the rank: ``attributes`` of its window, ``n_local``, and
            ``takes_trace`` where it wants the trace when it ends.
        start: Starts the node's recorder in a process of its own, and gives it the listening socket.
        say: It is called with a sentence about anything that happens to the recording.

    Attributes:
        address: What the command finds in ``MICROJOULE_MARKS``; None: no memory can be shared here.
        ring: Where windows are marked.
        path: Of the trace, once the recorder has said it is ready.
        settle_s: How long from then on until the first reading is surely there.
        numbers: What the numbers of this rank's windows in the trace begin with.
        file: The trace, open for reading, once the recorder has handed it over; None: it has not.
        n_recorders: How many there were; more than one: others were killed.
        failure: Why nothing is recorded; empty: something is.
    """

    def __init__(
        self,
        name: str,
        hello: Mapping[str, Any],
        start: Callable[[socket.socket], object],
        say: Callable[[str], None],
    ) -> None:
        self._name, self._hello, self._start, self._tell = name, hello, start, say
        self.ring = Marks("")
        self.address = f"{self.ring.address}:{namespace()}" if self.ring.address else None
        self.path: str | None = None
        self.settle_s = 0.0
        self.numbers = 0
        self.file: int | None = None
        self.failure = ""
        self.n_recorders = 0
        self._connection: socket.socket | None = None
        self._lines: Lines | None = None
        self._answer: Mapping[str, Any] | None = None
        self._unsent: list[tuple[str, int, int, str]] = []
        self._n_joined = self._n_lost = 0
        self._heard_s = 0.0
        self._is_ended = False

    def join(self) -> None:
        """Connects, and waits until the recorder is ready, as long as it may take.

        Raises:
            MicrojouleError: There is none, and none can be started.
        """
        self._join()
        ends = time.monotonic() + READY_S
        while self.path is None and not self.failure and time.monotonic() < ends:
            time.sleep(_PAUSE_S)
            self.pump()
        if self.path is None and not self.failure:
            self._say(f"This node's recorder is not ready after {READY_S:.0f} s; the command starts")

    def pump(self) -> None:
        """Sends the marks that wait, and takes in what the recorder says."""
        self._send_marks()
        self._hear()

    def end(self, attributes: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Sends the last marks, with how the command ended.

        Returns:
            What the recorder says of its trace, complete or, where it was asked for, up to now; None: another
            rank goes on, or there is no recorder, or it gives no sign of life any more, which is said.
        """
        self.pump()
        self._send_marks()  # to the next recorder, where the last one was killed just now
        self._is_ended = True
        losses = self.ring.losses()
        losses["lost"] += self._n_lost
        if self._send({"losses": losses, "done": attributes}):
            self._wait_for_answer()
        if self._answer is None:
            self._say("This node's recorder does not answer any more: the trace has what it had written")
            return None
        return self._answer.get("closed") or (self._answer if self._hello.get("takes_trace") else None)

    def close(self) -> None:
        """Lets the recorder go; a forked child, too, whose descriptor would keep the rank alive for it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _say(self, sentence: str) -> None:
        with contextlib.suppress(Warning):  # which a program may turn into an exception
            self._tell(sentence)

    def _wait_for_answer(self) -> None:
        self._heard_s = time.monotonic()
        ends = self._heard_s + ANSWER_S
        while self._answer is None and self._connection is not None:
            if time.monotonic() > min(ends, self._heard_s + SILENT_S):
                return
            time.sleep(_PAUSE_S)
            self._hear()

    def _join(self) -> None:
        connection, has_started = joined(self._name, self._start)
        connection.setblocking(False)
        self._connection = connection
        self._lines = Lines(connection, takes_files=bool(self._hello.get("takes_trace")))
        self._n_joined += 1
        attributes = {**self._hello["attributes"], **({"continues": True} if self.n_recorders else {})}
        self._send({"hello": {**self._hello, "marks": self.address, "attributes": attributes}})
        if has_started and self.n_recorders:
            self._say("This node's recorder was killed; another one goes on in a trace beside the first")

    def _send_marks(self) -> None:
        self._unsent += self.ring.drain()
        while self._unsent:
            if not self._send({"marks": self._unsent[:_CHUNK]}):
                self._n_lost += max(len(self._unsent) - _UNSENT_MAX, 0)
                del self._unsent[:-_UNSENT_MAX]
                return
            del self._unsent[:_CHUNK]

    def _send(self, message: Mapping[str, Any]) -> bool:
        if self._connection is None:
            return False
        rest = memoryview(encoded(message))
        ends = time.monotonic() + SEND_S
        while rest:
            if not select.select([], [self._connection], [], max(ends - time.monotonic(), 0))[1]:
                self._say("This node's recorder takes nothing any more; windows of this rank are lost now")
                self.close()
                return False
            try:
                rest = rest[self._connection.send(rest, socket.MSG_NOSIGNAL) :]
            except BlockingIOError:
                continue
            except OSError:
                return False  # it has ended, which is heard of next
        return True

    def _hear(self) -> None:
        if self._connection is None or self._lines is None:
            return
        for message in self._lines.read():
            self._take(message)
        if not self._lines.is_open:
            self.close()
            if not self._is_ended and not self.failure and self._n_joined < _RESTARTS_MAX:
                self._join_again()

    def _take(self, message: Mapping[str, Any]) -> None:
        self._heard_s = time.monotonic()
        for sentence in message.get("said", ()):
            self._say(str(sentence))
        if "ready" in message:
            self.path = str(message["ready"])
            self.numbers, self.settle_s = int(message["numbers"]), float(message["settle_s"])
            self.n_recorders += 1
        if "failed" in message:
            self.failure = str(message["failed"])
        if ("left" in message or "closed" in message) and self._lines is not None:
            self._answer = message
            self.file = self._lines.files.pop() if self._lines.files else None

    def _join_again(self) -> None:
        try:
            self._join()
        except MicrojouleError as error:
            self._say(str(error))
