"""Threads that do some of the work, where there is enough of it and where they can be started."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

# Below these, starting threads takes longer than they save: the rows of a trace, and the bytes of its file.
WORTH_THREADS_ROWS = 200_000
WORTH_THREADS_BYTES = 1 << 19

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Crew:
    """Some threads, for as long as a ``with`` lasts.

    Args:
        workers: How many at most; 0: none, and what is submitted is done at once. So it is where no thread
            can be started, because there are too many processes or there is too little memory.
    """

    def __init__(self, workers: int) -> None:
        self._pool = ThreadPoolExecutor(workers) if workers else None
        self._can_start = self._pool is not None

    def submit(self, do: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Work that is being done, or is done."""
        if self._pool is not None and self._can_start:
            try:
                return self._pool.submit(do, *args, **kwargs)
            except RuntimeError:
                self._can_start = False
        done: Future[_T] = Future()
        try:
            done.set_result(do(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True)
