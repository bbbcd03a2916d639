"""Functions whose calls are windows: what ``@uj.window`` makes. Loaded when the first one is decorated."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

from .marking import window

_Function = TypeVar("_Function", bound=Callable[..., Any])


def decorated(
    function: _Function, name: str | None, attributes: Mapping[str, Any], sync: str | None
) -> _Function:
    """The function with each of its calls in a window; coroutines and generators too.

    Args:
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
        async def awaited(*args: object, **kwargs: object) -> object:
            with window(called_name, sync=sync, **attributes):
                return await function(*args, **kwargs)

        return cast("_Function", awaited)
    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def iterated(*args: object, **kwargs: object) -> Generator[object, object, object]:
            with window(called_name, sync=sync, **attributes):
                return (yield from function(*args, **kwargs))

        return cast("_Function", iterated)

    @wraps(function)
    def called(*args: object, **kwargs: object) -> object:
        with window(called_name, sync=sync, **attributes):
            return function(*args, **kwargs)

    return cast("_Function", called)
