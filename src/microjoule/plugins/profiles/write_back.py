"""A profile written again with events added: its own bytes as they are, the new ones behind them."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from ...errors import CannotWrite
from ...whole_file import whole_file
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
    try:
        with (
            opened(source) as original,
            whole_file(target) as file,
            _packing(file, target.suffix == ".gz") as out,
        ):
            _copy(original, out, events_end)
            for piece in pieces:
                out.write(piece.encode())
            while chunk := original.read(_CHUNK):
                out.write(chunk)
    except OSError as error:
        raise CannotWrite(
            f"cannot write {target}: {error.strerror or error}", "Choose another file"
        ) from error


@contextmanager
def _packing(file: BinaryIO, is_packed: bool) -> Iterator[IO[bytes]]:
    if not is_packed:
        yield file
        return
    # A name or a time in the header would make two runs of one profile differ.
    with gzip.GzipFile("", "wb", 6, file, mtime=0) as out:
        yield out  # type: ignore[misc]


def _copy(original: IO[bytes], out: IO[bytes], n: int) -> None:
    while n:
        chunk = original.read(min(n, _CHUNK))
        if not chunk:
            return
        out.write(chunk)
        n -= len(chunk)
