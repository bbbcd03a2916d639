"""Files of a job's ranks: ``traces/{job}/{node}.arrows`` with what the launcher says filled in."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..recording.launch import Launch

PLACES = ("job", "node", "rank", "local_rank")
_PLACE = re.compile(r"\{([^{}]*)\}")
_SIGNS = re.compile(r"[^\w.@+=,-]")  # of a name, what is none in a path's part
_FILES = ("output", "json", "html", "png", "svg")


def fill(arguments: argparse.Namespace) -> Launch:
    """Fills in the files that the arguments name, makes the folders of those, and says whose they are.

    Raises:
        BadPath: A place has a name that is none, or nobody says what it is; or a folder cannot be made.
    """
    from ..recording.launch import launch

    found = launch()
    for name in _FILES:
        path = getattr(arguments, name, None)
        if path is not None and _PLACE.search(str(path)):
            path = _made(filled(path, found))
            setattr(arguments, name, path)
            if name == "output":
                # A job that is started again, or twice at once, goes on beside its first trace.
                arguments.keeps_others = found.job is not None
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
