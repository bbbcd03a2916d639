"""Functions whose calls are windows: what ``@uj.window`` makes. Loaded when the first one is decorated."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

_P = ParamSpec("_P")
_R = TypeVar("_R")


def decorated(
    window: Callable[..., AbstractContextManager[object]],
    function: Callable[_P, _R],
    name: str | None,
    attributes: Mapping[str, Any],
    sync: str | None,
) -> Callable[_P, _R]:
    """The function with each of its calls in a window; coroutines and generators too.

    Args:
        window: Makes the window of each call from a name, ``sync`` and the attributes.
        function: What to call.
        name: Of the windows; None: the function's qualified name.
        attributes: JSON values to keep with each window.
        sync: The framework to wait for at both edges, if any.

    Raises:
        TypeError: It cannot be called, or is an asynchronous generator.
    """
    named = getattr(function, "__qualname__", None) or repr(function)
    called_name = named if name is None else name
    if not callable(function):
        raise TypeError(
            f"uj.window was given {named}, which is neither a name nor a function. "
            "Write @uj.window directly above `def`, below @staticmethod and the like."
        )
    if inspect.isasyncgenfunction(function):
        raise TypeError(
            f"{named} is an asynchronous generator, whose end cannot be seen. "
            "Put `with uj.window(...)` around the loop that consumes it."
        )
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def awaited(*args: _P.args, **kwargs: _P.kwargs) -> object:
            with window(called_name, sync=sync, **attributes):
                return await function(*args, **kwargs)

        return cast("Callable[_P, _R]", awaited)
    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def iterated(*args: _P.args, **kwargs: _P.kwargs) -> Generator[object, object, object]:
            with window(called_name, sync=sync, **attributes):
                return (yield from function(*args, **kwargs))

        return cast("Callable[_P, _R]", iterated)

    @wraps(function)
    def called(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with window(called_name, sync=sync, **attributes):
            return function(*args, **kwargs)

    return called
