"""Waiting for a GPU at a window's edges, through the framework that gave it its work.

A kernel launch returns before the kernel runs. A window around launches alone ends while the GPU is
still at work, and its energy belongs to whatever comes next; one that waits at both edges holds the
work that was launched inside it and no other. Each framework knows its own way to wait, and only one
that the program has imported already can have launched anything, so none is imported here.

- ``torch``: ``torch.cuda.synchronize()``, all streams of the current device (ROCm's too); where CUDA was
  not initialised nothing was launched, and it is left so, because to initialise it takes seconds.
- ``cupy``: ``Device().synchronize()``, the current device.
- ``jax``: blocks until every live array is there; it has no call for the device. What was launched and
  whose results were dropped at once is not waited for.

Decision: only on request, since waiting changes the program that is measured: it loses the overlap of
host and device at each edge. A window without it is said to be unsynchronised, by the report.
"""

from __future__ import annotations

import sys

from ..errors import BadWindow

TYPE_CHECKING = False  # as in typing, which alone would cost 8 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import ModuleType

ATTRIBUTE = "synchronised"


def _torch(torch: ModuleType) -> None:
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def _cupy(cupy: ModuleType) -> None:
    cupy.cuda.Device().synchronize()


def _jax(jax: ModuleType) -> None:
    jax.block_until_ready(jax.live_arrays())


FRAMEWORKS = {"torch": _torch, "cupy": _cupy, "jax": _jax}


def synchroniser(framework: str) -> Callable[[], None] | None:
    """What waits for the device of a framework; None: the program has not imported it.

    Raises:
        BadWindow: No framework has this name.
    """
    if framework not in FRAMEWORKS:
        raise BadWindow(f"no framework {framework!r} to synchronise with", f"Take {', '.join(FRAMEWORKS)}")
    module = sys.modules.get(framework)
    if module is None:
        return None
    wait = FRAMEWORKS[framework]
    return lambda: wait(module)


class Synchronised:
    """A window that waits for the device before its beginning and before its end.

    What the framework raises while waiting is the program's own failure and goes up; the window ends
    all the same.
    """

    __slots__ = ("_wait", "_window")

    def __init__(self, window: AbstractContextManager[object], wait: Callable[[], None]) -> None:
        self._window, self._wait = window, wait

    def __enter__(self) -> None:
        self._wait()
        self._window.__enter__()

    def __exit__(self, *exc_info: object) -> None:
        try:
            self._wait()
        finally:
            self._window.__exit__(None, None, None)
