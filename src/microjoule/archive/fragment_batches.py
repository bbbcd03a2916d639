"""The map and the merge of a trace's fragments as functions from Arrow batches to Arrow batches.

For engines that move nothing else between machines, as Spark's ``mapInArrow`` and Ray's ``map_batches``.

Decision: a fragment travels as numpy's own archive of its arrays and not as a pickle, because whoever can
write a batch could otherwise run code where it is read. What was given up: a few lines.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa

from ..joules.counters.kept_rows import Rows
from ..joules.counters.stillness import Still
from ..joules.long_traces.counter_fragment import Change, CounterFragment
from ..joules.long_traces.fragments import Fragment, Need, Run, mapped, merged
from ..trace.series import Series

SCHEMA = pa.schema([pa.field("fragment", pa.large_binary(), nullable=False)])
_KINDS = {kind.__name__: kind for kind in (Change, CounterFragment, Rows, Run, Still, Fragment)}
_SERIES = ("t_ns", "read_ns", "raw", "status", "valid", "sensor_ns")


def map_batches(rows: Iterable[pa.RecordBatch], need: Need) -> Iterator[pa.RecordBatch]:
    """One row a batch: its fragment. Each batch holds successive rows of one trace."""
    for each in rows:
        if each.num_rows:
            yield packed(mapped(each, need))


def merge_batches(fragments: Iterable[pa.RecordBatch], need: Need) -> pa.RecordBatch:
    """One row: the fragment of all that the rows of some batches hold, in any order."""
    found = (fragment for batch in fragments for fragment in unpacked(batch))
    return packed(reduce(lambda one, other: merged(one, other, need), found, Fragment()))


def packed(fragment: Fragment) -> pa.RecordBatch:
    """A fragment as a batch of one row."""
    arrays: list[np.ndarray[Any, Any]] = []
    plain = json.dumps(_plain(fragment, arrays)).encode()
    sink = io.BytesIO()
    np.savez(sink, np.frombuffer(plain, np.uint8), *arrays)
    return pa.RecordBatch.from_arrays([pa.array([sink.getvalue()], pa.large_binary())], schema=SCHEMA)


def unpacked(batch: pa.RecordBatch | pa.Table) -> Iterator[Fragment]:
    """The fragments of a batch, one a row."""
    for each in batch.column("fragment").to_pylist():
        with np.load(io.BytesIO(each), allow_pickle=False) as found:
            plain, *arrays = (found[name] for name in found.files)
        yield _made(json.loads(plain.tobytes()), arrays)


def _plain(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:  # noqa: ANN401 - JSON values
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, Series):
        return {"series": [_plain(getattr(value, name), arrays) for name in _SERIES]}
    if isinstance(value, dict):
        return {"keys": list(value), "values": [_plain(each, arrays) for each in value.values()]}
    if isinstance(value, tuple):
        name = type(value).__name__
        items = [_plain(each, arrays) for each in value]
        return {"kind": name, "items": items} if name in _KINDS else {"items": items}
    return int(value) if isinstance(value, np.integer) else value


def _made(plain: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:  # noqa: ANN401 - what was packed
    if not isinstance(plain, dict):
        return plain
    if "array" in plain:
        return arrays[plain["array"]]
    if "series" in plain:
        return Series(*(_made(each, arrays) for each in plain["series"]))
    if "keys" in plain:
        # The keys of tables by error code are numbers, and stay so in a list.
        values = [_made(each, arrays) for each in plain["values"]]
        return dict(zip(plain["keys"], values, strict=True))
    items = tuple(_made(each, arrays) for each in plain["items"])
    return _KINDS[plain["kind"]](*items) if "kind" in plain else items
