"""How a trace file is opened, and what is asked of its batches before anybody believes them.

Facts that make no sense cost the facts, and not the trace: what a reading is of stands in the channel table.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from ..errors import TraceError
from . import schema

ONE_THREAD = {"use_threads": False}  # a batch is small: shared out over cores it takes longer
END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
_REMEDY_FOREIGN = "Open a file that `uj run -o` or `uj record` wrote"


@contextmanager
def opened(path: Path) -> Iterator[tuple[pa.NativeFile, pa.RecordBatchStreamReader]]:
    """The file and its stream, behind the opening.

    Raises:
        TraceError: It is missing, empty, foreign, cut before its opening ended, or of a later format.
    """
    try:
        size = path.stat().st_size
        if size == 0:
            raise TraceError(
                f"{path} is empty", "The recording stopped before it wrote its opening: record again"
            )
        source = pa.memory_map(str(path))
    except OSError as error:
        raise TraceError(f"cannot open {path}: {error.strerror or error}", "Check the path") from error
    with source:
        try:
            reader = pa.ipc.open_stream(source, options=pa.ipc.IpcReadOptions(**ONE_THREAD))
        except (pa.ArrowException, OSError) as error:
            raise TraceError(
                f"{path} is not a trace, or was cut inside its opening", _REMEDY_FOREIGN
            ) from error
        with reader:
            sound_schema(reader.schema, path)
            yield source, reader


def sound_schema(found: pa.Schema, path: Path) -> tuple[pa.Schema, bool]:
    """A file's schema, without its facts where they make no sense; and whether they do.

    Raises:
        TraceError: It is foreign, damaged in its channel table, or of another format.
    """
    try:
        schema.opening(found, str(path))
    except TraceError:
        bare = without_facts(found)
        schema.opening(bare, str(path))
        return bare, False
    return found, True


def without_facts(found: pa.Schema) -> pa.Schema:
    """The schema with no fact about the machine and the recording."""
    return found.with_metadata({**(found.metadata or {}), schema.KEY_FACTS: b"{}"})


def check(rows: pa.RecordBatch | pa.Table) -> None:
    """Refuses what decodes and is not what it should be, before anybody follows its offsets.

    Columns that were not decoded are not missed.

    Raises:
        ArrowInvalid: Text that is no text, codes without a channel, or nothing where a value must be.
    """
    rows.validate()
    decoded = set(rows.schema.names)
    for name in {"channel", "label"} & decoded:
        rows.column(name).validate(full=True)
    for field in schema.COLUMNS:
        if field.name in decoded and not field.nullable and rows.column(field.name).null_count:
            raise pa.ArrowInvalid(f"there are rows without {field.name}")
    column = rows.column("channel")
    for part in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        if part.dictionary.null_count:
            raise pa.ArrowInvalid("there are channels without a name")


def is_ended(path: Path) -> bool:
    """Whether a file closes with the end of its stream: a killed writer left none."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(END_OF_STREAM)))
        return file.read() == END_OF_STREAM
