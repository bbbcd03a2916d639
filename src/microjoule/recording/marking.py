"""Windows from inside a program: ``with uj.window(name)``, ``@uj.window`` and ``@uj.window(name)``.

Light on purpose: a measured program loads the native marks and nothing else. A mark goes to the
recorder that is open in this process, or to the one that ``uj run`` opened around it, which gives
the address of its ring in ``MICROJOULE_MARKS``; with neither, windows do nothing.

Decision: this file holds the one piece of module state in the package, the handle to that ring.
What was given up: two recorders open at once in one process share the windows of the later one.

Decision: the environment is looked at once, by the first window. A look at it costs more than the
window does (0.7 us), and ``uj run`` sets it before the program starts. What was given up: a
program that sets the variable for itself must do so before its first window.

Decision: a recorded window is the native mark itself, of a subclass that can decorate: an object around it
would double the cost of a window. What was given up: the class is made when the native half is loaded.
"""

from __future__ import annotations

import os
from time import monotonic_ns

TYPE_CHECKING = False  # as in typing, which alone would cost 8 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, ParamSpec, Protocol, TypeVar, overload

    from .._native import Marks
    from .gpu_events import EventLog

    _P = ParamSpec("_P")
    _R = TypeVar("_R")

    class WindowMark(Protocol):
        """What ``uj.window(name)`` gives: for a ``with`` statement, or to decorate a function."""

        def __enter__(self) -> object: ...

        def __exit__(
            self,
            kind: type[BaseException] | None,
            error: BaseException | None,
            trace: TracebackType | None,
            /,
        ) -> None: ...

        def __call__(self, function: Callable[_P, _R], /) -> Callable[_P, _R]:
            """The function, each call of it a window."""


VARIABLE = "MICROJOULE_MARKS"
_NAMES_MAX = 4096


class Unrecorded:
    """What a window is while nobody records."""

    __slots__ = ("_attributes", "_name", "_sync")

    def __init__(self, name: str, attributes: dict[str, Any], sync: str | None) -> None:
        self._name, self._attributes, self._sync = name, attributes, sync

    def __enter__(self) -> object: ...

    def __exit__(self, *exc_info: object) -> None: ...

    def __call__(self, function: Callable[_P, _R], /) -> Callable[_P, _R]:
        """The function, each call of it a window; the recorder is looked for at each call."""
        from .decorated import decorated

        return decorated(window, function, self._name, self._attributes, self._sync)


_rings: list[Marks] = []  # of the recorders that are open in this process, the latest last
_around: list[Marks | None] = []  # of the recorder around this process, once it was looked for
_rank: dict[str, Any] = {}  # an attribute of windows on the rings of a job: which of its ranks this is
_of_job: list[Marks] = []  # those rings: of the recorder around this process, and of this node's recorder
_ranked: dict[str, str] = {}  # labels with it, by the name of a window that has no other
_logs: dict[Marks, EventLog] = {}  # of windows with events, by the ring that they will be marked on
_recorded: list[
    Callable[[Marks, str], WindowMark]
] = []  # the class of recorded windows, once there is a ring


def opened(ring: Marks, rank: int | None = None) -> None:
    """Makes a recorder's ring the one that windows of this process go to.

    Args:
        ring: Of a recorder of this process, or of this node's.
        rank: Of this process in the job that the recorder is of; None: it is this process's alone.
    """
    _load()
    if rank is not None:
        _rank["rank"] = rank
        _of_job.append(ring)
    _rings.append(ring)


def closed(ring: Marks) -> None:
    """Takes a recorder's ring away again, once the windows are marked that have events of a GPU."""
    log = _logs.pop(ring, None)
    if log is not None:
        log.finish()
    for rings in (_rings, _of_job):
        if ring in rings:
            rings.remove(ring)


def _ring() -> Marks | None:
    if _rings:
        return _rings[-1]
    if not _around:
        _around.append(_open(os.environ.get(VARIABLE)))
    return _around[0]


def now() -> int:
    """The present instant, as windows and readings count it: CLOCK_MONOTONIC in nanoseconds.

    ``trace.energy(uj.Window("step", t0, t1))`` takes instants that were noted with it.
    """
    return monotonic_ns()


def is_recorded() -> bool:
    """Whether a window would be recorded: by a recorder of this process, or by the one around it."""
    return _ring() is not None


def _open(address: str | None) -> Marks | None:
    if not address:
        return None
    # The recorder may have ended long ago and left its address in the environment of a daemon; memory may
    # be short; and on a platform without the native half nobody records. The program goes on in any case.
    try:
        from .._native import Marks
        from .launch import launch

        ring, rank = Marks(address), launch().rank
        if rank is not None:
            _rank["rank"] = rank
            _of_job.append(ring)
        return ring
    except Exception as error:
        if isinstance(error, ImportError) and "interpreter" in str(error).lower():
            _warn(
                "The windows of this interpreter are not recorded: microjoule records in one interpreter of "
                "a process. Mark them in the main interpreter"
            )
        else:
            _warn_of_namespace(address)
        return None


def namespace() -> str:
    """A number for this process's PID namespace, in which alone its descriptors have their names."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return ""


def _warn_of_namespace(address: str) -> None:
    """Says why there is no ring where a descriptor of the recorder, ``memfd:…``, has no name here."""
    own = namespace()
    if address.count(":") != 4 or not own or address.endswith(f":{own}"):
        return
    _warn(
        "The windows of this process are not recorded: it has a PID namespace of its own and did not "
        "inherit the recorder's memory. Start it from `uj run` without closing file descriptors, or "
        "record inside it with `uj.record`"
    )


def _warn(sentence: str) -> None:
    import contextlib
    import warnings

    with contextlib.suppress(Warning):  # which a program may turn into an exception
        warnings.warn(sentence, RuntimeWarning, stacklevel=3)


def load() -> None:
    """Loads all that a window of the recorder around this process needs; nothing where there is none."""
    if _ring() is not None:
        _load()


def _load() -> None:
    """Loads what windows need before the first one: a child forked amid an import waits for it for ever.

    The class of recorded windows is a native mark that can also decorate.
    """
    if _recorded:
        return
    from .._native import Mark
    from ..trace.label import unlabel

    class RecordedWindow(Mark):
        """A mark on a ring. As a decorator it looks for the recorder at each call, as any window does."""

        __slots__ = ()

        def __call__(self, function: Callable[_P, _R], /) -> Callable[_P, _R]:
            """The function, each call of it a window."""
            from .decorated import decorated

            name, attributes = unlabel(self.label)
            return decorated(window, function, name, attributes, None)

    _recorded.append(RecordedWindow)


def mark(ring: Marks, name: str, attributes: dict[str, Any], sync: str | None = None) -> WindowMark:
    """A window on that ring; its label is the name, then the attributes as JSON after one tab."""
    if sync is not None:
        return (OnDevices if sync.endswith("-events") else Synchronised)(ring, name, attributes, sync)
    if _rank and ring in _of_job:
        name = _of_rank(name, attributes)
    elif attributes or "\t" in name:
        name = _labelled(name, attributes)
    if not _recorded:  # a recorder that keeps its ring to itself is never opened for others
        _load()
    return _recorded[0](ring, name)


def _of_rank(name: str, attributes: dict[str, Any]) -> str:
    """The label of a window of a rank; those without attributes are made once."""
    if attributes:
        return _labelled(name, {**_rank, **attributes})
    if name not in _ranked:
        if len(_ranked) >= _NAMES_MAX:
            _ranked.clear()
        _ranked[name] = _labelled(name, _rank)
    return _ranked[name]


def _labelled(name: str, attributes: dict[str, Any]) -> str:
    from ..trace.label import label

    try:
        return label(name, attributes)
    except Exception as error:  # of a value that cannot be written: the program is not to end of that
        return label(name, {"unrecorded": f"{', '.join(attributes)}: {type(error).__name__}"})


class Synchronised(Unrecorded):
    """A recorded window that waits for the devices before its beginning and before its end.

    What the framework raises while waiting is the program's own failure and goes up; the window ends
    all the same.

    Raises:
        BadWindow: No framework has this name.
    """

    __slots__ = ("_wait", "_window")

    def __init__(self, ring: Marks, name: str, attributes: dict[str, Any], sync: str) -> None:
        from .gpu_wait import ATTRIBUTE, synchroniser

        super().__init__(name, attributes, sync)
        self._wait = synchroniser(sync)
        self._window = mark(ring, name, {**attributes, ATTRIBUTE: self._wait is not None})

    def __enter__(self) -> None:
        if self._wait is not None:
            self._wait()
        self._window.__enter__()

    def __exit__(self, *exc_info: object) -> None:
        try:
            if self._wait is not None:
                self._wait()
        finally:
            self._window.__exit__(None, None, None)


class OnDevices(Unrecorded):
    """A recorded window of the work that GPUs get inside it, by events on their streams; nothing waits."""

    __slots__ = ("_begun", "_log")

    def __init__(self, ring: Marks, name: str, attributes: dict[str, Any], sync: str) -> None:
        super().__init__(name, attributes, sync)
        if ring not in _logs:
            from .gpu_events import EventLog

            def emit(name: str, attributes: dict[str, Any]) -> None:
                with mark(ring, name, attributes):
                    pass

            _logs[ring] = EventLog(emit)
        self._log = _logs[ring]
        self._begun: list[Any] = []

    def __enter__(self) -> None:
        self._begun.append(self._log.edge())

    def __exit__(self, *exc_info: object) -> None:
        self._log.add(self._name, self._attributes, self._begun.pop(), self._log.edge())


if TYPE_CHECKING:

    @overload
    def window(name: str, *, sync: str | None = None, **attributes: object) -> WindowMark: ...

    @overload
    def window(name: Callable[_P, _R], /) -> Callable[_P, _R]: ...


def window(name: Any, *, sync: str | None = None, **attributes: object) -> Any:
    """A named window of the recording around this code; without one, nothing.

    - ``with uj.window("epoch", number=3): …`` costs under a microsecond and reads no hardware.
    - ``@uj.window`` makes each call of a function a window of its qualified name.
    - ``@uj.window("decode", sync="torch")`` does so under a name of your own, with attributes and ``sync``.

    Works in any thread, and in child processes that were forked or that ``uj run`` started. A decorated
    coroutine or generator is a window from its first step to its end, and includes what runs in between. The
    recorder is looked for at each call, so that a function can be decorated where none is open yet.

    Args:
        name: Windows of one name are also summarised together. Or the function to decorate.
        sync: ``torch``, ``cupy`` or ``jax``: wait for all its devices at both edges, so that the window has
            all work that was launched inside it; only where the program has imported it, which the
            attribute ``synchronised`` says. Without a recording nothing waits. ``torch-events`` never waits:
            the window has the instants at which the devices began and ended what the current streams got
            inside it, to ``device_u_ns``.
        attributes: JSON values to keep with it.

    Raises:
        BadWindow: ``sync`` is no framework that is known here, nor ``torch-events``.
        TypeError: What is to be decorated cannot be called, or is an asynchronous generator, whose end
            nobody sees.
    """
    if not isinstance(name, str):
        from .decorated import decorated

        return decorated(window, name, None, attributes, sync)
    if sync is not None:
        from .gpu_wait import refuse_unknown

        refuse_unknown(sync)  # whether somebody records or not, so that no recording breaks a program
    ring = _ring()
    return Unrecorded(name, attributes, sync) if ring is None else mark(ring, name, attributes, sync)
