"""Paths with places that a launcher's job, node and ranks fill in, as ``traces/{job}/{node}.arrows``."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import BadPath, nearest
from .launch import Launch

PLACES = ("job", "node", "rank", "local_rank")
_PLACE = re.compile(r"\{([^{}]*)\}")
_SIGNS = re.compile(r"[^\w.@+=,-]")  # of a name, what is none in a path's part


def has_places(path: Path) -> bool:
    """Whether anything is to be filled in."""
    return _PLACE.search(str(path)) is not None


def filled(path: Path, launch: Launch) -> Path:
    """A path with what is known in its places.

    Raises:
        BadPath: A place has a name that is none, or nobody says what it is.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in PLACES:
            raise BadPath(f"{{{name}}} in {path} is not a known placeholder", nearest(name, PLACES))
        known = getattr(launch, name)
        if known is None:
            raise BadPath(
                f"Nothing says what {{{name}}} in {path} is: this process is not part of a job",
                "Start it under torchrun, srun or mpirun; or write a fixed name"
                + (", or set MICROJOULE_JOB" if name == "job" else ""),
            )
        text = _SIGNS.sub("_", str(known))
        return text if text.strip(".") else "_"

    return Path(_PLACE.sub(value, str(path)))


def made(path: Path) -> Path:
    """The path, with the folders that lead to it.

    Raises:
        BadPath: A folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadPath(
            f"The folder {path.parent} cannot be created: {error.strerror}",
            "Choose a folder that you can write to",
        ) from error
    return path
