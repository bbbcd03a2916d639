"""A clean file of one that was cut or damaged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ..arrays import array, filtered, numbers
from ..errors import TraceError
from ..whole_file import whole_file
from . import checksum, schema
from .label import label
from .reading import Reading, read
from .verify import Damage


class Repair(NamedTuple):
    """What ``repair`` kept of a file.

    Attributes:
        batches: How many whole and right ones.
        rows: How many rows they have, but for their checksums.
        bytes_cut: How many bytes of the file were left out.
        damage: What is missing amid the batches.
    """

    batches: int
    rows: int
    bytes_cut: int
    damage: tuple[Damage, ...]


def repair(path_in: str | os.PathLike[str], path_out: str | os.PathLike[str]) -> Repair:
    """Writes what can be believed of a file as a complete one, and says what that is.

    What is missing amid the batches is a gap in the new file. ``path_out`` may be ``path_in``: the old file
    is replaced once the new one is complete.

    Raises:
        TraceError: Nothing can be recovered, or ``path_out`` cannot be written.
    """
    source, target = Path(path_in), Path(path_out)
    found = read(source)
    whole = source.stat().st_size
    try:
        with whole_file(target, 0o600) as file:
            rows = _write(found, file, str(source))
    except OSError as error:
        raise TraceError(
            f"cannot write {target}: {error.strerror or error}", "Name a file on a disk with room"
        ) from error
    return Repair(len(found.table.to_batches()), rows, whole - found.bytes_kept, found.damage)


def _write(found: Reading, file: object, name: str) -> int:
    """Writes what was read as a whole file; how many rows it has, but for their checksums."""
    plain = found.table.schema
    made = plain.with_metadata({**plain.metadata, schema.KEY_CHECKSUMS: checksum.METHOD})
    channels, _ = schema.opening(made, name)
    own = schema.OwnRows(made, schema.dictionary(channels))
    stretches = checksum.Stretches(own)
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(file, made, options=options) as writer:
        number, last_ns, rows = 0, 0, 0
        for batch in _batches(found, own):
            first = [stretches.opening(int(numbers(batch.column("t_ns"))[0]))] if number == 0 else []
            last_ns = max(last_ns, int(numbers(batch.column("t_ns")).max()))
            writer.write_batch(stretches.ended([*first, batch], last_ns, number))
            number, rows = number + 1, rows + batch.num_rows
        writer.write_batch(stretches.ended([stretches.seal(last_ns, number)], last_ns, number))
    return rows


def _batches(found: Reading, own: schema.OwnRows) -> Iterator[pa.RecordBatch]:
    """The rows without their old checksums, under the canonical dictionary; gaps for what is missing."""
    checks = [own.names.index(name) for name in schema.CHECKS]
    for batch in found.table.to_batches():
        place = checksum.places(batch.column("channel").dictionary.to_pylist(), own.names)
        codes = place[numbers(batch.column("channel").indices)]
        keep = ~np.isin(codes, checks) & (codes < len(own.names))
        kept = filtered(batch, keep)
        if kept.num_rows:
            words = pa.DictionaryArray.from_arrays(array(codes[keep]), own.dictionary, safe=False)
            at = kept.schema.names.index("channel")
            columns = [words if number == at else each for number, each in enumerate(kept.columns)]
            yield pa.RecordBatch.from_arrays(columns, schema=own.schema)
    gaps = [
        (each.t0_ns, 0, schema.GAP, each.t1_ns, label(f"{each.what}: {each.why}", {"readings_lost": None}))
        for each in found.damage
        if each.t0_ns is not None and each.t1_ns is not None
    ]
    if gaps:
        yield own.batch(gaps)
