"""What one rank of a job sees of its node's trace: its own windows, and what the node used meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ...arrays import filtered, numbers
from ...trace import schema
from ...trace.raw_trace import unchecked
from ..energy_trace import Trace, load

_NUMBER_BITS = 40  # of a window's number, those below count the windows of its rank
_NUMBERS = np.uint64((1 << _NUMBER_BITS) - 1)  # as all of them: the window of the rank itself


def rank_part(
    file: Path, path: Path | None, numbered: int, span_ns: tuple[int, int], facts: Mapping[str, Any]
) -> Trace:
    """A rank's part of a trace into which others may still be recorded.

    Args:
        file: The trace, up to now.
        path: Where it is; None: nowhere.
        numbered: What the numbers of the rank's windows begin with.
        span_ns: When the rank's part began and ended.
        facts: What the rank knows better than the recorder does.

    Raises:
        TraceError: The file cannot be read.
    """
    whole = load(file)
    n_channels = len(whole.declared)
    table = unchecked(whole.table)
    table = table.replace_schema_metadata(
        schema.schema(whole.declared.values(), {**whole.facts, **facts}).metadata
    )
    batches = [_of_rank(batch, n_channels, numbered, span_ns) for batch in table.to_batches()]
    return Trace(pa.Table.from_batches(batches, table.schema), path, False, whole.damage)


def _of_rank(
    batch: pa.RecordBatch, n_channels: int, numbered: int, span_ns: tuple[int, int]
) -> pa.RecordBatch:
    """Its rows but for readings outside its part, marks of others, and its own window."""
    names = batch.column("channel").dictionary.to_pylist()
    codes, number = numbers(batch.column("channel").indices), numbers(batch.column("raw"))
    is_mark = (codes == names.index(schema.BEGIN)) | (codes == names.index(schema.END))
    is_of_rank = number >> np.uint64(_NUMBER_BITS) == np.uint64(numbered >> _NUMBER_BITS)
    is_of_window = (number & _NUMBERS) != _NUMBERS
    t_ns = numbers(batch.column("t_ns"))
    is_inside = (codes >= n_channels) | ((t_ns >= span_ns[0]) & (t_ns <= span_ns[1]))
    return filtered(batch, is_inside & (~is_mark | (is_of_rank & is_of_window)))
