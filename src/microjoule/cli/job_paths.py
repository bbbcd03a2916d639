"""Files of a job's ranks: ``traces/{job}/{node}.arrows`` with what the launcher says filled in."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..recording.launch import Launch

PLACES = ("job", "node", "rank", "local_rank")
_PLACE = re.compile(r"\{(\w+)\}")
_SIGNS = re.compile(r"[^\w.@+=,-]")  # of a name, what is none in a path's part
_FILES = ("output", "json", "html", "png", "svg")


def fill(arguments: argparse.Namespace) -> Launch:
    """Fills in the files that the arguments name, makes the folders of those, and says whose they are.

    Raises:
        BadPath: A place has a name that is none, or nobody says what it is; or a folder cannot be made.
    """
    from ..recording.launch import launch
    from ..recording.trace_file import free

    found = launch()
    for name in _FILES:
        path = getattr(arguments, name, None)
        if path is not None and _PLACE.search(str(path)):
            path = _made(filled(path, found))
            # A job that is started again goes on beside its first trace; ranks that share one agree on that.
            is_taken = name == "output" and found.job is not None and not found.is_shared and path.is_file()
            setattr(arguments, name, free(path) if is_taken else path)
    return found


def filled(path: Path, launch: Launch) -> Path:
    """A path with what is known in its places.

    Raises:
        BadPath: A place has a name that is none, or nobody says what it is.
    """
    from ..errors import BadPath, nearest

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in PLACES:
            raise BadPath(f"{{{name}}} in {path} is no place that can be filled in", nearest(name, PLACES))
        known = getattr(launch, name)
        if known is None:
            raise BadPath(
                f"Nothing says what {{{name}}} in {path} is: this is no process of a job",
                "Start it under torchrun, srun or mpirun; or write a name instead"
                + (", or set MICROJOULE_JOB" if name == "job" else ""),
            )
        text = _SIGNS.sub("_", str(known))
        return text if text.strip(".") else "_"

    return Path(_PLACE.sub(value, str(path)))


def _made(path: Path) -> Path:
    from ..errors import BadPath

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadPath(
            f"The folder {path.parent} cannot be made: {error.strerror}",
            "Choose a folder that you may write to",
        ) from error
    return path
