"""Threads that do some of the work, where there is enough of it and where they can be started."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Generic, ParamSpec, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

# Below these, starting threads takes longer than they save: the rows of a trace, and the bytes of its file.
WORTH_THREADS_ROWS = 200_000
WORTH_THREADS_BYTES = 1 << 19

_P = ParamSpec("_P")
_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class Result(Protocol[_T_co]):
    """What becomes of work, as of ``concurrent.futures.Future``."""

    def result(self) -> _T_co:
        """What it gave, once it is done; raises what it raised."""


class _Done(Generic[_T]):
    """Work that is done."""

    def __init__(self, do: Callable[[], _T]) -> None:
        self._error: Exception | None = None
        try:
            self._value = do()
        except Exception as error:
            self._error = error

    def result(self) -> _T:
        if self._error is not None:
            raise self._error
        return self._value


class Crew:
    """Some threads, for as long as a ``with`` lasts.

    Args:
        workers: How many at most; 0: none, and what is submitted is done at once. So it is where no thread
            can be started, because there are too many processes or there is too little memory.
    """

    def __init__(self, workers: int) -> None:
        self._pool: ThreadPoolExecutor | None = None
        if workers:
            # Imported here: it takes 5 ms, with logging and all, and a short run needs no threads.
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(workers)
        self._can_start = self._pool is not None

    def submit(self, do: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Result[_T]:
        """Work that is being done, or is done."""
        if self._pool is not None and self._can_start:
            try:
                return self._pool.submit(do, *args, **kwargs)
            except RuntimeError:
                self._can_start = False
        return _Done(lambda: do(*args, **kwargs))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True)
