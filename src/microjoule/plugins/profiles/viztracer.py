"""What VizTracer recorded: each call of a Python or C function of the program.

Its times are microseconds of CLOCK_MONOTONIC on Linux. A call costs VizTracer about a microsecond, and that
energy is the function's: of short functions it is most of it.
"""

from __future__ import annotations

from pathlib import Path

from . import chrome_calls
from .profile import MONOTONIC, Profile

NAME = "VizTracer"


def is_mine(opening: str) -> bool:
    """Whether a file that opens so is of this form."""
    return "viztracer_metadata" in opening or '"cat": "fee"' in opening or '"cat":"fee"' in opening


def read(path: Path) -> Profile:
    """The calls in a file.

    Raises:
        ProfileError: It cannot be opened, is no Chrome trace, is damaged or cut, or has no call.
    """
    return chrome_calls.calls(path, NAME, MONOTONIC)
