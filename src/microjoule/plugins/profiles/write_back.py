"""A profile written again with events added: its own bytes as they are, the new ones behind them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from ...errors import CannotWrite
from .chrome import opened

_CHUNK = 1 << 20


def write_back(source: Path, events_end: int, pieces: Iterable[str], target: Path) -> None:
    """Copies a profile, with text put where its array of events closes.

    Args:
        source: The profile.
        events_end: Where, in bytes of its unpacked text, that is.
        pieces: Events as JSON, each after a comma.
        target: Where to write; packed if its name ends in ``.gz``. It appears once it is whole.

    Raises:
        CannotWrite: It cannot be written.
    """
    partial = target.with_name(target.name + ".partial")
    try:
        with opened(source) as original, _created(partial, target.suffix == ".gz") as out:
            _copy(original, out, events_end)
            for piece in pieces:
                out.write(piece.encode())
            while chunk := original.read(_CHUNK):
                out.write(chunk)
        os.replace(partial, target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise CannotWrite(
            f"cannot write {target}: {error.strerror or error}", "Choose another file"
        ) from error


def _created(path: Path, is_packed: bool) -> IO[bytes]:
    # A time in the header would make two runs of one profile differ.
    return gzip.GzipFile(path, "wb", 6, mtime=0) if is_packed else path.open("wb")  # type: ignore[return-value]


def _copy(original: IO[bytes], out: IO[bytes], n: int) -> None:
    while n:
        chunk = original.read(min(n, _CHUNK))
        if not chunk:
            return
        out.write(chunk)
        n -= len(chunk)
