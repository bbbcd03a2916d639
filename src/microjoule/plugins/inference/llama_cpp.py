"""Windows around each evaluation of llama-cpp-python's ``Llama``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...recording.marking import window
from .hugging_face import DECODE, PREFILL


@contextmanager
def llama_cpp_windows(llm: Any) -> Iterator[None]:  # noqa: ANN401 - a class of an optional library
    """Marks each evaluation of a ``llama_cpp.Llama``: ``prefill`` of several tokens, ``decode`` of one.

    Both have the attribute ``tokens``. A prompt of which all but one token is in the cache is a ``decode``.

    Args:
        llm: The ``Llama``, whose calls and ``generate`` go through its ``eval``.
    """
    evaluate = llm.eval

    def marked(tokens: Sequence[int]) -> Any:  # noqa: ANN401 - whatever it gives
        with window(PREFILL if len(tokens) > 1 else DECODE, tokens=len(tokens)):
            return evaluate(tokens)

    llm.eval = marked
    try:
        yield
    finally:
        del llm.eval
