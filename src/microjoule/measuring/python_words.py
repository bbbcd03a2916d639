"""Advice in the words of Python: a note or an error names arguments there, and options in a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import MicrojouleError

ARGUMENTS = (
    (r"--max-time ([\d.e+]+)s", r"max_time_s=\1"),
    (r"--max-time", "max_time_s"),
    (r"--mode (\w+)", r'mode="\1"'),
    (r"-r 1\b", "repeat=1"),
    (r"--channel", "meter=uj.Meter(channel=...)"),
    (r"--same-code", "is_same_code=True"),
    (r"--any-state", "is_any_state=True"),
)
"""What an option of ``uj profile`` and ``uj compare`` is called in ``uj.measure`` and ``uj.compare``."""


def of_python(text: str) -> str:
    """A text with the names of arguments instead of options."""
    for option, argument in ARGUMENTS:
        text = re.sub(option, argument, text)
    return text


@contextmanager
def python_remedies() -> Iterator[None]:
    """Errors from inside have remedies in the words of Python."""
    try:
        yield
    except MicrojouleError as error:
        error.remedy = of_python(error.remedy)
        error.args = (error.what, error.remedy)
        raise
