"""A trace integrated in fragments, wherever they are: a map over its parts, and a merge in any order.

A part is some rows of a trace, in which the readings of each channel are successive: a stretch of a trace
file, a row group of an archive, an Arrow batch of another engine. :func:`mapped` takes from it what the asked
windows need, :func:`merged` puts two such fragments together, and :class:`JoinedTrace` answers from all of
them: the energies that :func:`microjoule.load` gives, to the last count. Peaks and shares are for that.

Decision: fragments that do not touch yet are kept side by side, so that the merge is associative and
commutative. A counter that is no plain one on the way, because
it started again or may have, is left to one pass over all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from ...arrays import distinct, filtered, is_valid, numbers
from ...channel import Channel
from ...errors import NotInParts, TraceError
from ...trace import schema
from ...trace.series import I64, Series, SeriesColumns, failed
from ..counters.counter import Counter
from ..counters.unwrap import ENDLESS_NS
from ..counters.unwrapped import sound
from ..counters.update_record import record_of
from ..energy_trace import Trace
from ..estimates.total import beside, is_power
from ..lags.lag_of_gauge import placed
from .counter_fragment import CounterFragment, counter_of, fragment_of
from .counter_seam import joined
from .kept_trace import Asked, KeptTrace, is_kept_whole, joined_series

T = TypeVar("T")
UNNUMBERED = -1
_OWN = (schema.BEGIN, schema.END, schema.GAP, *schema.CLOCKS)  # rows that windows and clocks need


class Part(Protocol):
    """Some rows of a trace."""

    def rows(self) -> pa.Table:
        """All of them."""


class Runner(Protocol):
    """Where the work is done."""

    def each(self, function: Callable[[Any], T], items: Sequence[Any]) -> list[T]:
        """What a function makes of each item, in their order."""

    def together(self, function: Callable[[Any], T], merge: Callable[[T, T], T], items: Sequence[Any]) -> T:
        """What a function makes of all items, merged in any order."""


class Here:
    """Does it in this process, one part after the other."""

    def each(self, function: Callable[[Any], T], items: Sequence[Any]) -> list[T]:
        """As of :class:`Runner`."""
        return [function(item) for item in items]

    def together(self, function: Callable[[Any], T], merge: Callable[[T, T], T], items: Sequence[Any]) -> T:
        """As of :class:`Runner`."""
        return reduce(merge, map(function, items))


class Need(NamedTuple):
    """What to take from each part of a trace: the same for all, and small.

    Attributes:
        channels: Those that the energies depend on, as the readings confirm them, in the order in which they
            are made: gauges before the counters beside them.
        instants_ns: int64, ascending: the edges of windows, and the ends of the trace.
        first_ns: When the first reading of each counter began.
    """

    channels: tuple[Channel, ...]
    instants_ns: I64
    first_ns: Mapping[str, int]

    @classmethod
    def of(cls, sketch: Trace, asked: Asked) -> Need:
        """What windows need.

        Args:
            sketch: The trace of the rows of :func:`sketched`.
            asked: What it will be asked.
        """
        channels, energies = sketch.channels, sketch.energy_channels
        gauges = [each for name in energies for each in beside(channels[name], channels)]
        in_turn = tuple(channels[name] for name in dict.fromkeys((*gauges, *energies)))
        first_ns = {}
        for channel in in_turn:
            t_ns = sound(sketch.series(channel.id))[0]
            first_ns[channel.id] = int(t_ns[0]) if len(t_ns) else 0
        return cls(in_turn, distinct(asked.instants_ns, sketch.marks.instants_ns()), first_ns)


class Run(NamedTuple):
    """What successive parts of a trace leave.

    Attributes:
        begin: The number of the first part.
        end: One more than that of the last one; both are ``UNNUMBERED`` where nobody numbers them.
        rows: How many rows they have.
        counters: By channel id.
        kept_whole: By channel id all readings, some series one after the other: of gauges, and of counters
            that are up to date at every read, each of whose readings is an update.
        failures: By channel id how many reads failed, by code.
    """

    begin: int
    end: int
    rows: int
    counters: dict[str, CounterFragment]
    kept_whole: dict[str, tuple[Series, ...]]
    failures: dict[str, dict[int, int]]


class Fragment(NamedTuple):
    """What some parts of a trace leave, whichever they are.

    Attributes:
        runs: Those that follow one another are one, by their numbers.
    """

    runs: tuple[Run, ...] = ()


def mapped(rows: pa.Table | pa.RecordBatch, need: Need, number: int = UNNUMBERED) -> Fragment:
    """What a part leaves.

    Args:
        rows: The columns of a trace; unsigned integers may be signed and names plain text, as engines have
            them that know no others.
        need: What to take.
        number: Of the part, from 0, in the order of the trace. Unnumbered fragments are put into the order of
            their times at last.

    Raises:
        NotInParts: Something in it can be judged together with all readings alone.
    """
    table = _of_trace(rows)
    columns = SeriesColumns(table)
    series = {channel.id: columns.series(channel.id) for channel in need.channels}
    counters = {
        c.id: fragment_of(series[c.id], c, need.instants_ns, need.first_ns[c.id])
        for c in need.channels
        if not is_kept_whole(c)
    }
    shown = (c.id for c in need.channels if is_kept_whole(c) and len(series[c.id]))
    kept_whole: dict[str, tuple[Series, ...]] = {name: (series[name],) for name in shown}
    failures = {name: codes for name, each in series.items() if (codes := failed(each))}
    end = number if number == UNNUMBERED else number + 1
    return Fragment((Run(number, end, table.num_rows, counters, kept_whole, failures),))


def merged(one: Fragment, other: Fragment, need: Need) -> Fragment:
    """What the parts of two fragments leave. All parts that one of them has and the other too count once.

    Raises:
        NotInParts: Where two of them meet, something can be judged together with all readings alone.
        TraceError: Each has some of the other's parts, joined with parts of its own.
    """
    found: list[Run] = []
    for run in sorted((*one.runs, *other.runs), key=lambda run: (run.begin, -run.end)):
        last = found[-1] if found else None
        if last is None or run.begin == UNNUMBERED or last.end < run.begin:
            found.append(run)
        elif last.end == run.begin:
            found[-1] = _followed(last, run, need)
        elif run.end > last.end:
            raise TraceError("Fragments overlap in part", "Merge fragments of one division of the trace")
    return Fragment(tuple(found))


def _followed(one: Run, other: Run, need: Need) -> Run:
    counters = {
        c.id: joined(one.counters[c.id], other.counters[c.id], c, need.first_ns[c.id])
        for c in need.channels
        if not is_kept_whole(c)
    }
    names = {**one.kept_whole, **other.kept_whole}
    kept_whole = {name: one.kept_whole.get(name, ()) + other.kept_whole.get(name, ()) for name in names}
    failures = {name: dict(codes) for name, codes in one.failures.items()}
    for name, codes in other.failures.items():
        mine = failures.setdefault(name, {})
        for code, n in codes.items():
            mine[code] = mine.get(code, 0) + n
    return Run(one.begin, other.end, one.rows + other.rows, counters, kept_whole, failures)


def _whole(fragment: Fragment, need: Need, rows: int) -> Run:
    """All parts as one run, those without a number in the order of their times.

    Raises:
        TraceError: Parts are missing.
    """
    found = sum(run.rows for run in fragment.runs)
    if found != rows or (len(fragment.runs) > 1 and fragment.runs[0].begin != UNNUMBERED):
        raise TraceError(
            f"Fragments are missing or there twice: they have {found:,} rows, and the trace {rows:,}",
            "Map the others too",
        )
    if len(fragment.runs) == 1:
        return fragment.runs[0]
    counters = {}
    for channel in need.channels:
        if not is_kept_whole(channel):
            each = sorted((run.counters[channel.id] for run in fragment.runs), key=lambda of: of.ends_ns)
            counters[channel.id] = reduce(partial(_next, channel, need), each)
    whole = reduce(lambda a, b: _followed(a, b, need._replace(channels=())), fragment.runs)
    kept_whole = {
        name: tuple(sorted(each, key=lambda series: int(series.t_ns[0])))
        for name, each in whole.kept_whole.items()
    }
    return whole._replace(counters=counters, kept_whole=kept_whole)


def _begin(series: Series) -> int:
    return int(series.t_ns[0])


def _next(channel: Channel, need: Need, one: CounterFragment, other: CounterFragment) -> CounterFragment:
    return joined(one, other, channel, need.first_ns[channel.id])


class JoinedTrace(KeptTrace):
    """A trace that answers from its fragments.

    Args:
        sketch: The rows of :func:`sketched`, as one table.
        asked: What it will be asked.
        need: What was taken for that.
        fragment: Of all its parts.
        rows: How many rows they have.

    Raises:
        NotInParts: It takes all readings together.
        TraceError: Parts are missing.
    """

    def __init__(self, sketch: pa.Table, asked: Asked, need: Need, fragment: Fragment, rows: int) -> None:
        super().__init__(sketch, asked)
        run = _whole(fragment, need, rows)
        for name, codes in run.failures.items():
            self.count(name, codes)
        for channel in need.channels:
            series = joined_series(run.kept_whole.get(channel.id, ()))
            if is_power(channel):
                clocks = self.stamp_clocks(channel)
                self._own[channel.id] = placed(series, channel, clocks, self.machine, self.recorded_columns)
                continue
            if is_kept_whole(channel):
                counter = Counter(series, channel, self.machine)
                record = record_of(counter)
            else:
                first_ns = need.first_ns[channel.id]
                counter, record = counter_of(run.counters[channel.id], channel, self.machine, first_ns)
            self._records[channel.id] = record
            self._own[channel.id] = self.related_lags.beside_gauges(counter.with_learnt_lag(self.marks))


class Sketched(NamedTuple):
    """What tells the windows of a trace, of one of its parts.

    Attributes:
        table: Some of its rows.
        rows: How many it has.
    """

    table: pa.Table
    rows: int


def sketched(part: Part, *, is_whole: bool) -> Sketched:
    """The rows of a part that tell windows and clocks, and the first reading of each channel.

    Args:
        part: It.
        is_whole: Keep all its rows: it is the first one or the last.
    """
    table = _of_trace(part.rows())
    if is_whole:
        return Sketched(table, table.num_rows)
    batches: list[pa.RecordBatch] = []
    seen: set[str] = set()
    for batch in table.unify_dictionaries().to_batches():
        names = batch.column("channel").dictionary.to_pylist()
        codes = numbers(batch.column("channel").indices)
        kept = np.array([name in _OWN for name in names], np.bool_)[codes]
        is_sound = is_valid(batch.column("raw")) & (numbers(batch.column("read_ns")) != ENDLESS_NS)
        readings = np.flatnonzero(is_sound)
        shown, first = np.unique(codes[readings], return_index=True)
        for code, at in zip(shown.tolist(), readings[first].tolist(), strict=True):
            kept[at] |= names[code] not in seen and not names[code].startswith("@")
            seen.add(names[code])
        batches.append(filtered(batch, kept))
    return Sketched(pa.Table.from_batches(batches, table.schema), table.num_rows)


def integrated(parts: Sequence[Part], runner: Runner | None = None) -> Trace:
    """A trace of parts, ready to say what its windows used.

    Args:
        parts: All of them, in the order of the trace.
        runner: Where to do it; None: here.

    Raises:
        TraceError: They are no trace.
    """
    runner = runner or Here()
    try:
        return _in_fragments(parts, runner)
    except NotInParts:
        return Trace(pa.concat_tables(_of_trace(part.rows()) for part in parts).unify_dictionaries())


class Needed(NamedTuple):
    """What a trace in parts will be asked, and what each part must give for that.

    Attributes:
        sketch: The rows that tell its windows, and those of its first and its last part.
        asked: What it will be asked.
        need: What to take from each part.
        rows: How many all parts have.
    """

    sketch: pa.Table
    asked: Asked
    need: Need
    rows: int


def needed(parts: Sequence[Part], runner: Runner | None = None) -> Needed:
    """What a trace needs from each of its parts; each is read once for that.

    Args:
        parts: All of them, in the order of the trace.
        runner: Where to do it; None: here.

    Raises:
        TraceError: They are no trace.
    """
    last = len(parts) - 1
    found = (runner or Here()).each(partial(_sketched, last), list(enumerate(parts)))
    sketch = pa.concat_tables([each.table for each in found]).unify_dictionaries()
    trace = Trace(sketch)
    asked = Asked.of(trace)
    return Needed(sketch, asked, Need.of(trace, asked), sum(each.rows for each in found))


def _in_fragments(parts: Sequence[Part], runner: Runner) -> Trace:
    of, numbered = needed(parts, runner), list(enumerate(parts))
    while True:
        fragment = runner.together(partial(_mapped, of.need), partial(merged, need=of.need), numbered)
        trace = JoinedTrace(of.sketch, of.asked, of.need, fragment, of.rows)
        asked = Asked.of(trace)
        if asked.is_as(of.asked):
            return trace
        # The ends of the trace turned out otherwise, as where a channel fell silent on the way.
        of = of._replace(asked=asked, need=Need.of(Trace(of.sketch), asked))


def _sketched(last: int, part: tuple[int, Part]) -> Sketched:
    return sketched(part[1], is_whole=part[0] in (0, last))


def _mapped(need: Need, part: tuple[int, Part]) -> Fragment:
    return mapped(part[1].rows(), need, part[0])


def _of_trace(rows: pa.Table | pa.RecordBatch) -> pa.Table:
    """Rows in the columns and types of a trace, with the metadata that they have."""
    table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
    for number, field in enumerate(table.schema):
        wanted = _TYPES.get(field.name)
        if wanted is not None and field.type != wanted:
            is_named = pa.types.is_dictionary(wanted)
            column = table.column(number)
            if is_named and not pa.types.is_dictionary(field.type):
                column = column.cast(pa.utf8()).dictionary_encode()
            table = table.set_column(number, field.with_type(wanted), column.cast(wanted))
    return table


_TYPES = {field.name: field.type for field in schema.COLUMNS}
