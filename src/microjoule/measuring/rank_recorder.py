"""What ``uj.record`` gives in a rank of a job: its part of the one recorder of its node.

The recorder is a process of its own (:mod:`microjoule.recording.node_process`), which the first rank starts.
A rank marks into memory of its own, and a thread of it sends the marks on a few times a second. When the rank
ends its part, it gets the file as it is by then, open, and takes out of it what is its own.

Where there can be no common recorder the rank records by itself, and says so: ``uj report`` counts once what
several recorders of a node read.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..errors import MicrojouleError, TraceError
from ..recording import marking
from ..recording.launch import Launch, began_s
from ..recording.native import now_ns
from ..recording.node_member import NodeMember
from ..recording.node_process import Order, spawned
from ..recording.node_socket import address
from ..recording.output import Incident
from ..recording.plan import RecordingPlan, plan
from .own_recorder import Recorder, in_scratch, numbered

if TYPE_CHECKING:
    from ..joules.energy_trace import Trace
    from ..recording.marking import WindowMark
    from ..recording.meter import Meter

PUMP_S = 0.2  # between two looks for marks


class RankRecorder(Recorder):
    """A rank's part of its node's recorder, from ``open`` to ``close``; a context manager.

    Args:
        planned: What this rank would record by itself.
        launch: Which rank it is.
        order: What the node's recorder is to do.
    """

    def __init__(self, planned: RecordingPlan, launch: Launch, order: Order) -> None:
        if order.path is None:
            super().__init__(*in_scratch(planned))
        else:
            super().__init__(planned)
        self._launch, self._order = launch, order
        self._member: NodeMember | None = None
        self._begun_ns = self._ended_ns = 0
        self._answer: Mapping[str, Any] | None = None
        self._pump: threading.Thread | None = None
        self._is_over = threading.Event()
        self._close_file: weakref.finalize[Any, Any] | None = None

    def open(self) -> Self:
        """Joins the node's recorder, which is started where there is none, and waits until it reads.

        Raises:
            MicrojouleError: It was opened before.
            NothingToMeasure, TraceError: There is no common recorder, and none of its own either.
        """
        if self._member is not None or self._thread is not None:
            raise MicrojouleError("A recorder can record only once", "Create another with `uj.record`")
        if self.plan.listener is not None:
            return super().open()  # who listens needs the readings in this process
        member = self._joined()
        if isinstance(member, str):
            with contextlib.suppress(Warning):  # which a program may turn into an exception
                self.plan.say(f"This rank records by itself: {member}")
            return super().open()
        self._member = member
        marking.opened(member.ring, self._launch.rank)
        # A forked child has no thread that sends, and a rank that is killed is not to live on in it.
        os.register_at_fork(after_in_child=_let_go(weakref.ref(member)))
        self._pump = threading.Thread(target=self._send_until_over, name="uj-marks", daemon=True)
        self._pump.start()
        atexit.register(self.close)
        time.sleep(member.settle_s)
        return self

    def close(self) -> None:
        """Ends this rank's part, and takes the file as it is by then. Harmless when repeated.

        A recorder that does not answer any more is a warning, and ``trace`` is an error then.

        Raises:
            TraceError: The trace is not whole.
        """
        member = self._member
        if member is None or self._answer is not None:
            super().close()
            return
        if os.getpid() != self._process:
            return
        atexit.unregister(self.close)
        marking.closed(member.ring)
        self._is_over.set()
        if self._pump is not None:
            self._pump.join()
        answer = member.end({})
        self._ended_ns, self._answer = now_ns(), answer or {}
        if member.file is not None:
            self._close_file = weakref.finalize(self, os.close, member.file)
        member.close()
        if self._answer.get("problem"):
            raise TraceError(str(self._answer["problem"]), "")

    @property
    def is_closed(self) -> bool:
        """Whether this rank's part has ended."""
        return super().is_closed if self._member is None else self._answer is not None

    @property
    def path(self) -> Path:
        """Where the trace of the node is."""
        if self._member is None:
            return super().path
        if self._order.path is None and self._answer is not None:
            return Path(f"/proc/self/fd/{self._member.file}")
        return Path(str((self._answer or {}).get("path") or self._member.path))

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """What happened to the file while it was written; empty: nothing."""
        if self._member is None or self._answer is None or self._answer.get("is_whole"):
            return super().incidents
        return (Incident("The trace of the node is not whole", self._begun_ns),)

    def share_marks(self) -> str | None:
        """What other programs find in ``MICROJOULE_MARKS`` to add their windows; None: they cannot here."""
        return super().share_marks() if self._member is None else self._member.address

    def window(self, name: str, *, sync: str | None = None, **attributes: object) -> WindowMark:
        """A named window of this recording: see :func:`microjoule.window`."""
        if self._member is None or self.is_closed:
            return super().window(name, sync=sync, **attributes)
        return marking.mark(self._member.ring, name, attributes, sync)

    @property
    def settle_s(self) -> float:
        """How long after a mark the readings are there that bracket it."""
        return super().settle_s if self._member is None else self._member.settle_s

    @property
    def opening(self) -> Mapping[str, Any]:
        """The facts that the file opens with.

        Raises:
            MicrojouleError: The recorder is another process, and the file has them.
        """
        self._refuse_in_member("the facts of the file", "`rec.trace.facts` has them after the `with` block")
        return self._opening

    @opening.setter
    def opening(self, facts: Mapping[str, Any]) -> None:
        self._opening = facts

    def settled(self, for_s: float) -> bool:
        """Has all that was read until now written at once, and says whether it was within a time.

        Raises:
            MicrojouleError: The recorder is another process, and writes once a second and where a rank ends.
        """
        self._refuse_in_member("what was read", "All of it is in `rec.trace` after the `with` block")
        return super().settled(for_s)

    def reading(self, channel: str, raw: int) -> None:
        """Adds a reading that was taken elsewhere, with this moment as its time.

        Raises:
            MicrojouleError: The recorder is another process, which takes windows alone.
        """
        self._refuse_in_member("the readings", "Mark a window with the value as an attribute")
        super().reading(channel, raw)

    def again(self, number: int) -> Recorder:
        """Another recorder of the same plan, into a numbered file: ``run-2.arrows`` beside ``run.arrows``.

        Args:
            number: Of the recording, from 2 on. A file without a name is followed by another one.
        """
        order, path = self._order, self._first
        if order.path is not None:
            path = numbered(path, number)
            order = order._replace(path=str(path.absolute()))
        found = RankRecorder(replace(self.plan, path=path), self._launch, order)
        found._first = self._first
        return found

    @cached_property
    def trace(self) -> Trace:
        """What was recorded: this rank's windows, and what its node used meanwhile.

        Raises:
            MicrojouleError: The recording has not ended.
            TraceError: The file cannot be read, or there are two, as the recorder was killed in between, or
                it was not handed over.
        """
        from ..joules.jobs.rank_part import rank_part

        member, answer = self._member, self._answer
        if member is None or answer is None:
            return super().trace
        if member.n_recorders > 1:
            raise TraceError("This node's recorder was killed while this rank recorded", self._what_is_kept())
        if self._close_file is None or not self._close_file.alive:
            raise TraceError("This node's recorder has not handed its trace over", self._what_is_kept())
        found = rank_part(
            Path(f"/proc/self/fd/{member.file}"),
            None if self._order.path is None else self.path,
            member.numbers,
            (self._begun_ns, self._ended_ns),
            {"launch": self._launch.to_json()},
        )
        if self._close_file is not None:
            self._close_file()
        return found

    def _joined(self) -> NodeMember | str:
        """The rank's part; or the sentence of why there is none."""
        known = {name: getattr(self._launch, name) for name in ("rank", "local_rank", "launcher")}
        attributes = {name: value for name, value in known.items() if value is not None}
        hello = {"n_local": None, "attributes": attributes, "takes_trace": True}
        path = None if self._order.path is None else Path(self._order.path)
        name = address(self._launch, path, f"record {self._order.meter}")
        member = NodeMember(name, hello, spawned(self._order), self.plan.say)
        try:
            member.join()
        except MicrojouleError as error:
            return str(error)
        if member.failure or member.path is None:
            member.close()
            return member.failure or "the recorder of this node is not ready"
        self._begun_ns = now_ns()
        return member

    def _refuse_in_member(self, what: str, hint: str) -> None:
        if self._member is not None:
            raise MicrojouleError(f"The recorder of this node is another process, which has {what}", hint)

    def _send_until_over(self) -> None:
        member = self._member
        while member is not None and not self._is_over.wait(PUMP_S):
            member.pump()

    def _what_is_kept(self) -> str:
        if self._order.path is None:
            return "Give `uj.record` a path: what was written before is kept there then"
        folder = Path(self._order.path)
        return f"What was read is kept: uj report {folder.with_name(folder.stem)}*{folder.suffix}"


def _let_go(of: weakref.ref[NodeMember]) -> Any:  # noqa: ANN401 - a callback
    def close() -> None:
        member = of()
        if member is not None:
            member.close()

    return close


def rank_recorder(
    path: Path | str | None, meter: Meter, launch: Launch, *, replaces: bool = True
) -> RankRecorder:
    """A rank's part of the recorder of its node.

    Args:
        path: Where the node's trace goes; None: into a file without a name.
        meter: What to read. Of a node all GPUs are read: each rank may see another one.
        launch: Which rank it is.
        replaces: Whether a file that is there is replaced, unless this job wrote it.

    Raises:
        MicrojouleError: As of :func:`microjoule.record`.
    """
    whole = replace(meter, visible_gpus=None)
    order = Order(
        None if path is None else str(Path(path).absolute()), whole, began_s() if replaces else None
    )
    # A reference meter answers one recorder, which is the node's.
    planned = replace(
        plan(path or "", replace(meter, against=())), keeps_others=True, is_thinned=path is None
    )
    return RankRecorder(planned, launch, order)
