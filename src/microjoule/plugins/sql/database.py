"""A trace as a database for DuckDB's SQL: ``readings``, ``windows``, ``energy``, ``shares``, ``conditions``.

``readings`` is :mod:`microjoule.joules.frames`, handed over batch by batch whenever a query scans it;
``windows``, ``energy`` and ``shares`` are a report's own figures, and the trace is taken in parts for them.
What a query leaves alone is not read, and figures of many windows are made as they are scanned.

Decision: the database lives in memory and is locked before the first query: no file, no network, no
extension, no setting, because a query may come from anybody and the trace is all that it is about. What
was given up: joins with files of one's own; for those there is ``uj export --parquet`` and any DuckDB.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import pyarrow as pa

from ...errors import BadQuery
from ...joules import frames
from ...joules.energy_trace import Trace, load
from ...joules.long_traces.streamed import stream
from ...joules.summary import figures_in_blocks
from ...late import extra
from ...trace.opened import opened
from . import tables

_AT_ONCE = 1000  # rows taken from DuckDB
_WINDOWS = 1000  # whose figures are in memory at once; between two such portions DuckDB hears a Ctrl-C
_PATIENCE_S = 0.05
_LOCKED = MappingProxyType(
    {
        "enable_external_access": False,
        "python_enable_replacements": False,
        "lock_configuration": True,
    }
)

_COLUMNS = """
    select table_name, column_name, data_type from duckdb_columns()
    where not internal order by table_oid, column_index
"""
_REMEDY = "Without a query, `uj sql TRACE` lists the tables and their columns"

# Times with a zone need an extension of DuckDB's, which the lock keeps out: in SQL they are UTC without one.
READINGS = frames.SCHEMA.set(
    frames.SCHEMA.get_field_index("time"), frames.SCHEMA.field("time").with_type(pa.timestamp("us"))
)


class Answer(NamedTuple):
    """What a query gives.

    Attributes:
        columns: Their names.
        types: DuckDB's names of their types.
        rows: Taken from DuckDB as they are wanted; integers of any size are exact.
    """

    columns: list[str]
    rows: Iterator[Sequence[Any]]


class _Scanned:
    """A table that is made anew each time that somebody scans it, batch by batch.

    Whatever goes wrong on the way is kept in ``failures``: DuckDB passes on its text alone.
    """

    def __init__(self, schema: pa.Schema, batches: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        self._schema = schema
        self._batches = batches
        self.failures: list[Exception] = []

    def meaning(self, column: str) -> str:
        """What a column means."""
        return str(self._schema.field(column).metadata[frames.MEANING].decode())

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return pa.RecordBatchReader.from_batches(self._schema, self._made()).__arrow_c_stream__(
            requested_schema
        )

    def _made(self) -> Iterator[pa.RecordBatch]:
        # DuckDB opens a stream for its schema alone too: nothing is made before the first batch is asked for.
        try:
            yield from self._batches()
        except Exception as error:
            self.failures.append(error)
            raise


class Database:
    """A trace file, ready to be asked in SQL.

    Args:
        path: The file.

    Raises:
        MissingExtra: DuckDB is not installed: ``pip install 'microjoule[sql]'``.
        TraceError: The file cannot be opened as a trace.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._errors = extra("duckdb").Error
        self._once = Lock()  # DuckDB scans on threads of its own
        if self._path.suffix == ".parquet":
            _ = self._trace
        else:
            with opened(self._path):
                pass
        self._tables = {
            "readings": _Scanned(READINGS, self._readings),
            "windows": _Scanned(tables.WINDOWS, lambda: self._told(tables.windows)),
            "energy": _Scanned(tables.ENERGY, lambda: self._told(tables.energy)),
            "shares": _Scanned(tables.SHARES, lambda: self._told(tables.shares)),
            "conditions": _Scanned(tables.CONDITIONS, self._conditions),
        }
        # Without a folder of its own it makes .tmp in the working folder where a query needs more memory.
        self._connection = extra("duckdb").connect(":memory:", config={"temp_directory": ""})
        for setting, is_on in _LOCKED.items():  # the lock itself comes last
            self._connection.execute(f"set {setting} = {is_on}")
        for name, scanned in self._tables.items():
            self._connection.register(name, scanned)

    def ask(self, sql: str) -> Answer:
        """The answer to a query; of several statements to the last one.

        Raises:
            BadQuery: DuckDB refuses it, in DuckDB's words; or there is none.
            TraceError: The file cannot be read as a trace; of this and of the rows as they are taken.
        """
        with self._refusals():
            told = self._executed(sql) if sql.strip() else None
        if told is None:
            raise BadQuery("That is not a query", "Try: select * from energy")
        return Answer(_distinct([each[0] for each in told]), self._rows())

    def schema(self) -> Answer:
        """Which columns the tables have: table, column, type and meaning."""
        rows = (
            (table, column, of, self._tables[table].meaning(column))
            for table, column, of in self.ask(_COLUMNS).rows
        )
        return Answer(["table", "column", "type", "meaning"], rows)

    def _executed(self, sql: str) -> list[Any] | None:
        """Runs a query; what it says of its columns."""
        # On a thread beside: DuckDB looks for a Ctrl-C when it happens to, and this one always hears it.
        found: list[Any] = []

        def execute() -> None:
            try:
                found.append(self._connection.execute(sql).description)
            except Exception as error:
                found.append(error)

        beside = Thread(target=execute, name="uj-sql", daemon=True)
        try:
            beside.start()
            beside.join()
        except KeyboardInterrupt:
            while True:  # it may not have begun yet
                self._connection.interrupt()
                time.sleep(_PATIENCE_S)
                if not beside.is_alive():
                    raise
        if isinstance(found[0], Exception):
            raise found[0]
        return cast("list[Any] | None", found[0])

    def _rows(self) -> Iterator[Sequence[Any]]:
        while True:
            with self._refusals():
                rows = self._connection.fetchmany(_AT_ONCE)
            if not rows:
                return
            yield from rows

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """DuckDB's errors as ours."""
        try:
            yield
        except self._errors as error:
            for scanned in self._tables.values():
                for failure in scanned.failures:
                    raise failure from error
            raise BadQuery(_sentence(str(error)), _REMEDY) from error

    @cached_property
    def _trace(self) -> Trace:
        return load(self._path)

    @cached_property
    def _streamed(self) -> Trace:
        return stream(self._path)

    def _readings(self) -> Iterator[pa.RecordBatch]:
        with self._once:
            trace = self._trace
            trace.unwrap_all()
        place = READINGS.get_field_index("time")
        for batch in frames.batches(trace):
            columns = batch.columns
            columns[place] = columns[place].cast(READINGS.field("time").type)
            yield pa.RecordBatch.from_arrays(columns, schema=READINGS)

    def _conditions(self) -> Iterator[pa.RecordBatch]:
        with self._once:
            found = self._streamed.state
        yield from tables.conditions(found).to_batches()

    def _told(self, table: Callable[[Sequence[dict[str, Any]], int], pa.Table]) -> Iterator[pa.RecordBatch]:
        with self._once:
            blocks, first = figures_in_blocks(self._streamed, _WINDOWS), 0
        while True:
            with self._once:
                block = next(blocks, None)
            if block is None:
                return
            yield from table(block, first).to_batches()
            first += len(block)


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, later ones of a kind with a number, as DuckDB does where it must tell columns apart."""
    found: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in count(1))
        found.append(name if name not in found else next(each for each in numbered if each not in found))
    return found


def _sentence(text: str) -> str:
    """What DuckDB says, in one line: without the query that it repeats below its reason."""
    reason = text.partition("\n\nLINE ")[0]
    return "; ".join(line.strip() for line in reason.splitlines() if line.strip()).rstrip(".!")
