"""The trace file: an Arrow IPC stream, one row a reading of one channel.

Everything after the opening is a row, because the metadata of a batch is lost by every consumer
that reads the whole stream at once. Rows whose channel begins with ``@`` are the recorder's own.

=========== ========================== ============================================================
column      type                       meaning
=========== ========================== ============================================================
t_ns        int64                      CLOCK_MONOTONIC when the read began
read_ns     uint32                     how long it took, in steps of 64 ns, rounded up to a step's last
                                       nanosecond; one group read has one t_ns and one read_ns
channel     dictionary<uint16, utf8>   fixed at the opening
raw         uint64, null: read failed  what the interface said: not unwrapped, not scaled
sensor_ns   int64, null: none          the device's own time, unconverted
status      uint16                     0, or the code of the failed read; 5000 + n: it was read, and its
                                       perf event was off n times since the reading before, or since
                                       the first of those before it that have 5000
label       utf8, null but on marks    a window's name and attributes: ``microjoule.trace.label``
=========== ========================== ============================================================

No two rows of a channel have one ``t_ns``. A read that brings several rows of one channel, such as the
samples that a GPU's driver has kept since the last read (``gpu-0/power_samples``), gives them its own
time, and that plus 1, 2, 3 ns: an index and no measurement. What instant each speaks of is ``sensor_ns``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from ..arrays import array, text
from ..channel import Channel
from ..channel.soundness import is_sound
from ..errors import TraceError

FORMAT = 2
CHANNELS_MAX = 1 << 16  # a channel's code has 16 bits
READ_STEP_NS = 64  # a power of two; how the recorder rounds, and nothing that a reader relies on
KEY_FORMAT = b"microjoule.format"
KEY_CHANNELS = b"microjoule.channels"
KEY_FACTS = b"microjoule.facts"
KEY_CHECKSUMS = b"microjoule.checksums"  # present where a file has them: their method

BEGIN = "@begin"
END = "@end"
CLOCKS = ("@clock/realtime", "@clock/boottime")
CLOCK_ERROR = "@clock/error"  # how far the real-time clock may be off, in ns; the label says who says so
LANE_COUNTS = ("ticks", "late", "missed", "dropped", "errors", "busy_ns", "late_max_ns", "by_kernel")
MARKS = "marks"  # the name of the account of marks among those of lanes
MARK_COUNTS = ("full", "lost", "damaged")  # marks that are not there, by cause
GAP = "@gap"  # from t_ns to raw readings may be missing; the label says why, and how many
# See checksum.py.
OPENING = "@opening"
SEAL = "@seal"
CHECKSUM_LABELS = "@checksum/labels"
CHECKSUM = "@checksum"
CHECKS = (OPENING, SEAL, CHECKSUM_LABELS, CHECKSUM)
# Who was busy when: see activity.py.
SUBJECT = "@subject"
ACTIVITY = "@activity"
STATE = "@state"  # how the machine is: see state.py

FACTS = ("host", "lanes", "left_out", "openings", "overhead")  # facts that are tables themselves

COLUMNS = (
    pa.field("t_ns", pa.int64(), nullable=False),
    pa.field("read_ns", pa.uint32(), nullable=False),
    pa.field("channel", pa.dictionary(pa.uint16(), pa.utf8()), nullable=False),
    pa.field("raw", pa.uint64()),
    pa.field("sensor_ns", pa.int64()),
    pa.field("status", pa.uint16(), nullable=False),
    pa.field("label", pa.utf8()),
)


def dictionary(channels: Iterable[Channel]) -> list[str]:
    """The values of the ``channel`` column, in the order of their codes.

    The channels come first and in their own order, so that a channel's code is its index.
    """
    channels = list(channels)
    lanes = dict.fromkeys(channel.lane for channel in channels)
    counts = (engine(lane, count) for lane in lanes for count in LANE_COUNTS)
    marks = (engine(MARKS, count) for count in MARK_COUNTS)
    own = [BEGIN, END, *CLOCKS, *counts, *marks, GAP, *CHECKS, SUBJECT, ACTIVITY, STATE, CLOCK_ERROR]
    return [channel.id for channel in channels] + own


def engine(lane: str, count: str) -> str:
    """The channel that carries one of a lane's own counts."""
    return f"@engine/{lane}/{count}"


def schema(channels: Iterable[Channel], facts: Mapping[str, Any]) -> pa.Schema:
    """The schema of a trace of these channels.

    Args:
        channels: All that will be read.
        facts: The machine and the recording: JSON values only.
    """
    table = [channel.to_json() for channel in channels]
    return pa.schema(
        COLUMNS,
        metadata={
            KEY_FORMAT: str(FORMAT).encode(),
            KEY_CHANNELS: json.dumps(table).encode(),
            KEY_FACTS: json.dumps(dict(facts)).encode(),
        },
    )


OwnRow = tuple[int, int, str, int, str | None]  # t_ns, read_ns, channel, raw, label


class Reading(NamedTuple):
    """A row of a channel that no native sampler reads; the fields are the columns."""

    t_ns: int
    read_ns: int
    channel: str
    raw: int | None
    sensor_ns: int | None = None
    status: int = 0


class OwnRows:
    """Makes the recorder's own rows.

    Args:
        found: The schema of the trace.
        names: Its dictionary.

    Attributes:
        schema: The same.
        names: The same.
        dictionary: The names as an Arrow array.
    """

    def __init__(self, found: pa.Schema, names: Sequence[str]) -> None:
        self.schema = found
        self.names = list(names)
        self.dictionary = text(self.names)
        self._codes = {name: code for code, name in enumerate(self.names)}

    def batch(self, rows: Iterable[OwnRow]) -> pa.RecordBatch:
        """Some of them, at least one, as a batch."""
        t_ns, read_ns, names, raw, labels = zip(*rows, strict=True)
        n = len(t_ns)
        codes = array(np.array([self._codes[name] for name in names], np.uint16))
        columns = [
            array(np.array(t_ns, np.int64)),
            array(np.array(read_ns, np.uint32)),
            pa.DictionaryArray.from_arrays(codes, self.dictionary, safe=False),
            array(np.array(raw, np.uint64)),
            pa.nulls(n, pa.int64()),
            array(np.zeros(n, np.uint16)),
            text(labels),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def readings(self, rows: Iterable[Reading]) -> pa.RecordBatch:
        """Readings, at least one, as a batch."""
        t_ns, read_ns, names, raw, sensor_ns, status = zip(*rows, strict=True)
        n = len(t_ns)
        codes = array(np.array([self._codes[name] for name in names], np.uint16))
        columns = [
            array(np.array(t_ns, np.int64)),
            array(np.array(read_ns, np.uint32)),
            pa.DictionaryArray.from_arrays(codes, self.dictionary, safe=False),
            _nullable(raw, np.uint64),
            _nullable(sensor_ns, np.int64),
            array(np.array(status, np.uint16)),
            pa.nulls(n, pa.utf8()),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def _nullable(values: Sequence[int | None], kind: type[np.generic]) -> pa.Array:
    missing = np.array([value is None for value in values])
    return array(np.array([value or 0 for value in values], kind), missing)


def opening(found: pa.Schema, name: str) -> tuple[list[Channel], dict[str, Any]]:
    """The channel table and the facts of an opened file.

    Args:
        found: The file's schema.
        name: What to call the file in a message.

    Raises:
        TraceError: The file is not a trace, is damaged in its opening, or is one of another format.
    """
    metadata = found.metadata or {}
    if KEY_FORMAT not in metadata:
        raise TraceError(
            f"{name} is an Arrow file but not a microjoule trace",
            "Open a file that `uj run -o` or `uj record` wrote",
        )
    try:
        version = int(metadata[KEY_FORMAT])
    except ValueError as error:
        raise damaged(name, f"its format is {metadata[KEY_FORMAT]!r}") from error
    if version < FORMAT:
        raise TraceError(
            f"{name} is in trace format {version}, of a microjoule from before its first release, "
            f"and this microjoule reads format {FORMAT} only",
            "Record again: uj run -o FILE -- COMMAND",
        )
    if version > FORMAT:
        raise TraceError(
            f"{name} is in trace format {version}, and this microjoule reads up to format {FORMAT}",
            "Update it: pip install --upgrade microjoule",
        )
    for column in COLUMNS:
        types = [found.field(i).type for i in found.get_all_field_indices(column.name)]
        if len(types) != 1 or not _is_readable_as(types[0], column.type):
            of = " and ".join(map(str, types)) or "missing"
            raise damaged(name, f"its column {column.name} is {of}, and should be {column.type}")
    try:
        channels = _channels(json.loads(metadata[KEY_CHANNELS]))
        facts = json.loads(metadata[KEY_FACTS])
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise damaged(name, f"its opening says {error!r}") from error
    wrong = next((channel for channel in channels if not is_sound(channel)), None)
    if wrong is not None:
        raise damaged(name, f"its channel {wrong.id!r} is described with values of the wrong kind")
    if not isinstance(facts, dict) or not all(isinstance(facts.get(part, {}), dict) for part in FACTS):
        raise damaged(name, "its facts are no table")
    return channels, facts


def _channels(table: list[Any]) -> list[Channel]:
    if len(table) > CHANNELS_MAX:
        raise ValueError(f"{len(table):,} channels, where a trace has {CHANNELS_MAX:,} at most")
    return [Channel.from_json(plain) for plain in table]


def damaged(name: str, what: str) -> TraceError:
    """The error of a file that was a trace and cannot be read as one."""
    return TraceError(f"{name} is damaged: {what}", "Take another copy of it, or record again")


def _is_readable_as(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of one type are those of another; Parquet's writers choose their own text types."""
    if pa.types.is_dictionary(wanted):
        return pa.types.is_dictionary(found) and _is_text(found.value_type)
    return bool(found == wanted) or (_is_text(wanted) and _is_text(found))


def _is_text(of: pa.DataType) -> bool:
    return bool(pa.types.is_string(of) or pa.types.is_large_string(of))
