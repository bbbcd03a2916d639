"""Files that a command names, as ``traces/{job}/{node}.arrows``, with what the launcher says filled in."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..recording.launch import Launch

_FILES = ("output", "json", "html", "png", "svg")


def fill(arguments: argparse.Namespace) -> Launch:
    """Fills in the files that the arguments name, makes the folders of those, and says whose they are.

    Raises:
        BadPath: A place has a name that is none, or nobody says what it is; or a folder cannot be made.
    """
    from ..recording.job_paths import filled, has_places, made
    from ..recording.launch import launch

    found = launch()
    for name in _FILES:
        path = getattr(arguments, name, None)
        if path is not None and has_places(path):
            path = made(filled(path, found))
            setattr(arguments, name, path)
            if name == "output":
                # A job that is started again, or twice at once, goes on beside its first trace.
                arguments.keeps_others = found.job is not None
    return found
