"""Windows from inside a program: ``uj.window`` and ``@uj.measured``.

Light on purpose: a measured program loads the native marks and nothing else. A mark goes to the
recorder that is open in this process, or to the one that ``uj run`` opened around it, which names
its file in ``MICROJOULE_MARKS``; with neither, windows do nothing.

Decision: this file holds the one piece of module state in the package, the handle to that ring.
What was given up: two recorders open at once in one process share the windows of the later one.

Decision: the environment is looked at once, by the first window. A look at it costs more than the
window does (0.7 us), and ``uj run`` names its file before the program starts. What was given up: a
program that sets the variable for itself must do so before its first window.
"""

from __future__ import annotations

import os

from ..errors import MicrojouleError

TYPE_CHECKING = False  # as in typing, which alone would cost 8 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager
    from typing import Any, TypeVar

    from .._native import Marks

    _Function = TypeVar("_Function", bound=Callable[..., Any])

VARIABLE = "MICROJOULE_MARKS"


class _Nothing:
    """What a window is while nobody records."""

    def __enter__(self) -> None: ...

    def __exit__(self, *exc_info: object) -> None: ...


_NOTHING = _Nothing()
_rings: list[Marks] = []  # of the recorders that are open in this process, the latest last
_around: list[Marks | None] = []  # of the recorder around this process, once it was looked for


def opened(ring: Marks) -> None:
    """Makes a recorder's ring the one that windows of this process go to."""
    _rings.append(ring)


def closed(ring: Marks) -> None:
    """Takes a recorder's ring away again."""
    if ring in _rings:
        _rings.remove(ring)


def _ring() -> Marks | None:
    if _rings:
        return _rings[-1]
    if not _around:
        _around.append(_open(os.environ.get(VARIABLE)))
    return _around[0]


def is_recorded() -> bool:
    """Whether a window would be recorded: by a recorder of this process, or by the one around it."""
    return _ring() is not None


def _open(path: str | None) -> Marks | None:
    if not path:
        return None
    # The recorder may have ended long ago and left its name in the environment of a daemon; and on
    # a platform without the native half nobody records. Neither is this program's affair.
    try:
        from .._native import Marks

        return Marks.open(path)
    except (ImportError, ValueError, MicrojouleError):
        return None


def mark(
    ring: Marks, name: str, attributes: dict[str, Any], sync: str | None = None
) -> AbstractContextManager[object]:
    """A window on that ring; its label is the name, then the attributes as JSON after one tab."""
    if sync is not None:
        return _synchronised(ring, name, attributes, sync)
    if attributes or "\t" in name:
        from ..trace.label import label

        name = label(name, attributes)
    return ring.window(name)


def _synchronised(
    ring: Marks, name: str, attributes: dict[str, Any], sync: str
) -> AbstractContextManager[object]:
    from .gpu_wait import ATTRIBUTE, Synchronised, synchroniser

    wait = synchroniser(sync)
    marked = mark(ring, name, {**attributes, ATTRIBUTE: wait is not None})
    return marked if wait is None else Synchronised(marked, wait)


def window(name: str, *, sync: str | None = None, **attributes: object) -> AbstractContextManager[object]:
    """A named window of the recording around this code; without one, nothing.

    ``with uj.window("epoch", number=3): …`` costs under a microsecond and reads no hardware. Works
    in any thread, and in child processes that were forked or that ``uj run`` started.

    Args:
        name: Windows of one name are also summarised together.
        sync: ``torch``, ``cupy`` or ``jax``: wait for its device at both edges, so that the work that was
            launched inside is all in the window; only where the program has imported it, which the
            attribute ``synchronised`` says. Without a recording nothing waits.
        attributes: JSON values to keep with it.

    Raises:
        BadWindow: ``sync`` names no framework that is known here.
    """
    ring = _ring()
    return _NOTHING if ring is None else mark(ring, name, attributes, sync)


def measured(function: _Function) -> _Function:
    """Makes each call of a function a window of its qualified name. Coroutines and generators too.

    The window of a generator reaches from its first item asked for to its end, and holds what its
    consumer does in between. The recorder is looked for at each call, so that decorating costs nothing
    where none is open.

    Raises:
        TypeError: It cannot be called, or is an asynchronous generator, whose end nobody sees.
    """
    import inspect
    from functools import wraps
    from typing import cast

    name = getattr(function, "__qualname__", None) or repr(function)
    if not callable(function):
        raise TypeError(f"{name} cannot be called. Write @uj.measured next to the function itself.")
    if inspect.isasyncgenfunction(function):
        raise TypeError(
            f"{name} is an asynchronous generator, and nobody sees when it ends. "
            "Put `with uj.window(...)` around the loop that consumes it."
        )
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def awaited(*args: object, **kwargs: object) -> object:
            with window(name):
                return await function(*args, **kwargs)

        return cast("_Function", awaited)
    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def iterated(*args: object, **kwargs: object) -> Generator[object, object, object]:
            with window(name):
                return (yield from function(*args, **kwargs))

        return cast("_Function", iterated)

    @wraps(function)
    def called(*args: object, **kwargs: object) -> object:
        with window(name):
            return function(*args, **kwargs)

    return cast("_Function", called)
