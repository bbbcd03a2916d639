"""The trace: what a recording left behind, immutable, and how its file is opened.

Decision: a file is read whole, batch by batch, so that one cut inside a batch gives up what came before.
Traces larger than memory are read in parts: ``parts.py``, from where ``uj report`` takes its figures.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from ..arrays import Texts, filtered, numbers, texts
from ..channel import Channel
from ..errors import BadWindow, TraceError, UnknownChannel, nearest
from ..late import shown
from . import schema
from .activity import Activity, named
from .cut import Cutter
from .gap import Gap, gap
from .label import Subject
from .marks import MarkColumns
from .opened import check
from .read_only import ReadOnly
from .reading import read
from .series import I64, Series, SeriesColumns
from .state import State, state
from .verify import Damage
from .window import Window
from .window_columns import WindowColumns

_APART = "Report the traces side by side: `uj report A B` adds up their energies"


class RawTrace:
    """Recorded readings and their channel table.

    Args:
        table: The rows, in the columns of :mod:`microjoule.trace.schema` and with its metadata.
        path: The file they came from; None: no file.
        is_truncated: The file stopped before the end of its recording.
        damage: Parts of the file that cannot be believed, and are not in the table.

    Raises:
        TraceError: The table is not a trace, or is one of a later format.
    """

    def __init__(
        self,
        table: pa.Table,
        path: Path | None = None,
        is_truncated: bool = False,
        damage: tuple[Damage, ...] = (),
    ) -> None:
        channels, facts = schema.opening(table.schema, str(path or "the table"))
        self.path = path
        self.is_truncated = is_truncated
        self.damage = damage
        self.table = table
        self.declared: Mapping[str, Channel] = ReadOnly({c.id: c for c in channels})
        self.facts: Mapping[str, Any] = ReadOnly(facts)
        self._cutter: Cutter | None = None

    _repr_html_ = shown("readings")

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle and copy: its readings; what was worked out of them is worked out again."""
        return type(self), (self.table, self.path, self.is_truncated, self.damage)

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The channels by id, as the trace's opening describes them."""
        return self.declared

    def __repr__(self) -> str:
        where = "in memory" if self.path is None else str(self.path)
        found = [
            f"{len(things)} {name}{'s' * (len(things) != 1)}"
            for name, things in (("channel", self.channels), ("window", self.window_columns))
        ]
        return f"{type(self).__name__}({where}, {', '.join(found)}{', truncated' * self.is_truncated})"

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The trace in a file, ``.arrows`` or ``.parquet``.

        Of a file that was cut, as by a kill or a full disk, it holds every whole batch and is marked
        ``is_truncated``.

        Raises:
            TraceError: The file is missing, empty, foreign, cut in its opening, or of another format.
        """
        path = Path(path)
        if path.suffix == ".parquet":
            return cls(_parquet(path), path)
        found = read(path)
        trace = cls(found.table, path, found.is_truncated, found.damage)
        trace._cutter = found.cutter
        return trace

    @cached_property
    def _columns(self) -> SeriesColumns:
        if self._cutter is None:
            self._cutter = Cutter(self.table.num_rows)
            for batch in self.table.unify_dictionaries().to_batches():
                self._cutter.add(batch)
        return SeriesColumns(self.table, self._cutter)

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """All windows, in the order in which they began."""
        return tuple(self.window_columns.each())

    @property
    def window_columns(self) -> WindowColumns:
        """The same as columns, which take a sixth of the memory."""
        return self.recorded_columns

    @cached_property
    def recorded_windows(self) -> tuple[Window, ...]:
        """The windows as their marks have them: one without an end lasts until the last reading."""
        return tuple(self.recorded_columns.each())

    @cached_property
    def recorded_columns(self) -> WindowColumns:
        """The same as columns."""
        return WindowColumns(self._marks(schema.BEGIN), self._marks(schema.END), self.last_ns)

    @cached_property
    def last_ns(self) -> int:
        """When the last read of the trace began; 0 where there is none."""
        t_ns = self._columns.array("t_ns")
        return int(t_ns.max()) if len(t_ns) else 0

    def window(self, window: str | Window) -> Window:
        """The window of this name; a Window is given back as it is.

        Raises:
            BadWindow: No window has this name, or several have.
        """
        if isinstance(window, Window):
            return window
        if not isinstance(window, str):
            raise BadWindow(f"{window!r} is not a window", "Give a window of this trace, or its name")
        named = self.named(window)
        if len(named) > 1:
            raise BadWindow(
                f"{len(named)} windows have the name {window!r}",
                f"Use one of `trace.named({window!r})`; `trace.energy({window!r})` is the sum over them",
            )
        return named[0]

    def named(self, name: str) -> tuple[Window, ...]:
        """All windows of a name, in the order in which they began.

        Raises:
            BadWindow: No window has this name.
        """
        return tuple(self.window_columns.each(self.numbers_of(name)))

    def numbers_of(self, name: str) -> I64:
        """Which of ``window_columns`` have a name, ascending.

        Raises:
            BadWindow: None has.
        """
        columns = self.window_columns
        if not isinstance(name, str) or name not in columns.by_name:
            raise BadWindow(f"There is no window {name!r}", nearest(name, columns.names))
        return columns.by_name[name]

    def series(self, channel_id: str) -> Series:
        """The readings of a channel, ascending in time and each once; empty where it has none.

        Raises:
            UnknownChannel: The channel table has no such channel.
        """
        self._require(channel_id)
        return self._columns.series(channel_id)

    def _require(self, channel_id: str) -> None:
        """Refuses what is no channel of the trace.

        Raises:
            UnknownChannel: The channel table has no such channel, or this is no name.
        """
        if not isinstance(channel_id, str) or channel_id not in self.declared:
            raise UnknownChannel(
                f"The trace has no channel {channel_id!r}", nearest(channel_id, self.declared)
            )

    def own(self, name: str) -> Series:
        """The recorder's own rows of a name that begins with ``@``; empty: there are none."""
        return self._columns.series(name)

    def engine(self) -> dict[str, dict[str, int]]:
        """What sampling itself did, by lane: the last value recorded of each of ``LANE_COUNTS``."""
        lanes = dict.fromkeys(channel.lane for channel in self.declared.values())
        return {
            lane: {count: self._last(schema.engine(lane, count)) for count in schema.LANE_COUNTS}
            for lane in lanes
        }

    @property
    def lost_marks(self) -> dict[str, int]:
        """Marks that are not there, by cause: no room, a killed program, memory that was overwritten."""
        return {cause: self._last(schema.engine(schema.MARKS, cause)) for cause in schema.MARK_COUNTS}

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """From when to when readings may be missing, and why, as the recorder says."""
        rows = self._columns.rows(schema.GAP)
        labels = texts(self.table.column("label"), rows)
        t0_ns, t1_ns = (self._columns.array(name)[rows].tolist() for name in ("t_ns", "raw"))
        found = zip(t0_ns, t1_ns, labels, strict=True)
        return tuple(gap(begin, end, words or "") for begin, end, words in found)

    @cached_property
    def state(self) -> State:
        """The settings of the machine at the start and at the end, and how it was meanwhile."""
        rows = self._columns.rows(schema.STATE)
        labels = texts(self.table.column("label"), rows) if len(rows) else []
        times = self._columns.array("t_ns")[rows].tolist()
        return state(self.facts.get("state"), zip(times, labels, strict=True))

    @cached_property
    def activity(self) -> Activity:
        """Who was busy when; empty where the recording does not say."""
        return Activity(self._subjects, *self._columns.activity(schema.ACTIVITY))

    @cached_property
    def _subjects(self) -> dict[int, Subject]:
        rows = self._columns.rows(schema.SUBJECT)
        labels = texts(self.table.column("label"), rows) if len(rows) else []
        return named(zip(self._columns.array("raw")[rows].tolist(), labels, strict=True))

    @cached_property
    def clock_pairs(self) -> Mapping[str, tuple[I64, I64]]:
        """For each clock, ``t_ns`` and that clock's nanoseconds at the same instant; both int64."""
        pairs = {name: self.own(name) for name in schema.CLOCKS}
        return ReadOnly({name: (s.t_ns, s.raw.view(np.int64)) for name, s in pairs.items()})

    @cached_property
    def clock_errors(self) -> tuple[I64, I64, tuple[str, ...]]:
        """At instants, how far the real-time clock may be off: ``t_ns``, ns (int64 both), and who says so."""
        rows = self._columns.rows(schema.CLOCK_ERROR)
        t_ns, bound = (self._columns.array(name)[rows] for name in ("t_ns", "raw"))
        names = tuple(each or "" for each in texts(self.table.column("label"), rows))
        return t_ns, bound.view(np.int64), names

    def to_arrow(self) -> pa.Table:
        """The rows as they were recorded, with the schema's metadata; shared, not copied."""
        return self.table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    def _last(self, name: str) -> int:
        series = self._columns.series(name)
        return int(series.raw[-1]) if len(series) else 0

    def _marks(self, name: str) -> MarkColumns:
        rows = self._columns.rows(name)
        t_ns, number = (self._columns.array(column)[rows] for column in ("t_ns", "raw"))
        return MarkColumns(t_ns, number, Texts(self.table.column("label"), rows))


def merge(traces: Sequence[RawTrace]) -> RawTrace:
    """One trace of the rows of several; the order does not matter, and doubles count once.

    The facts are those of the first, with the ``openings`` of counters that started when opened.

    Raises:
        TraceError: There is none, two describe one channel differently, two are of different boots,
            or one channel started again from nothing between them.
    """
    if not traces:
        raise TraceError("no trace to merge", "Name at least one file")
    channels: dict[str, Channel] = {}
    for trace in traces:
        for channel in trace.declared.values():
            if channels.setdefault(channel.id, channel) != channel:
                raise TraceError(
                    f"channel {channel.id!r} is described differently in {trace.path or 'a trace'}",
                    "Merge only traces that one machine recorded through the same source",
                )
    _refuse_other_boots(traces)
    openings = _openings(traces)
    facts = {**traces[0].facts, **({"openings": openings} if openings else {})}
    joined = schema.schema(channels.values(), facts)
    tables = [unchecked(trace.table).cast(joined) for trace in traces]
    return RawTrace(pa.concat_tables(tables).unify_dictionaries(), None, any(t.is_truncated for t in traces))


def unchecked(table: pa.Table) -> pa.Table:
    """The rows but for the checksums, which hold for the file that they were in."""
    batches = []
    for batch in table.to_batches():
        names = batch.column("channel").dictionary.to_pylist()
        is_check = np.array([name in schema.CHECKS for name in names], np.bool_)
        batches.append(filtered(batch, ~is_check[numbers(batch.column("channel").indices)]))
    return pa.Table.from_batches(batches, table.schema)


def _refuse_other_boots(traces: Sequence[RawTrace]) -> None:
    """The clock of ``t_ns`` and most counters start with the kernel; traces that do not tell are believed."""
    hosts = [trace.facts.get("host") for trace in traces]
    boots = {host.get("boot_id") for host in hosts if isinstance(host, dict)} - {None}
    if len(boots) > 1:
        raise TraceError(
            "the traces come from different boots, which share neither clock nor counters", _APART
        )


def _openings(traces: Sequence[RawTrace]) -> dict[str, Any]:
    """When each counter was opened that starts at its opening; of one channel there can be one only."""
    found: dict[str, Any] = {}
    for trace in traces:
        earlier = trace.facts.get("openings", {})
        begun = trace.facts.get("started_realtime_ns")
        for channel in trace.declared.values():
            if not channel.scale.starts_at_open:
                continue
            opened = earlier.get(channel.id, begun)
            # A trace that does not say when it was begun is a recording of its own.
            if channel.id in found and (opened is None or found[channel.id] != opened):
                raise TraceError(
                    f"channel {channel.id!r} counts from its opening, and was opened anew between the traces",
                    _APART,
                )
            found[channel.id] = opened
    return found


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]


def _parquet(path: Path) -> pa.Table:
    import pyarrow.parquet as pq  # costs as much as the rest of pyarrow, and few traces are Parquet

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise TraceError(f"cannot read {path} as Parquet: {error}", "Check the path") from error
    schema.opening(table.schema, str(path))
    try:
        check(table)
    except pa.ArrowInvalid as error:
        raise schema.damaged(str(path), _first_line(error)) from error
    return table
